"""Finding, opening and installing bundles.

Bundles are looked for by name in the user's folder (`vcg bundles add` puts them there) and then among those that come
with VCG Bridge, so an installed newer version of the default bundle takes its place.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

import vcg_bridge
from vcg_bridge.contract.errors import BundleError, OutputError, near
from vcg_bridge.contract.fields import SLUG
from vcg_bridge.contract.manifest import MANIFEST_FILE, Manifest
from vcg_bridge.contract.manifest_io import load_manifest

DEFAULT_BUNDLE = "lpc-revised"
BUNDLES_VARIABLE = "VCG_BUNDLES"
"""Environment variable: the folder of the user's bundles, instead of the one of the operating system."""


@dataclass(frozen=True)
class Bundle:
    """A bundle whose manifest has been checked."""

    folder: Path
    manifest: Manifest

    @property
    def sha256(self) -> str:
        """Hex, of manifest.json: pins the whole bundle."""
        return self.manifest.sha256


@dataclass(frozen=True)
class BundleEntry:
    """One line of `list_bundles`."""

    name: str
    folder: Path
    embedded: bool  # comes with VCG Bridge
    manifest: Manifest | None  # None where the bundle is broken
    problem: str = ""  # what is wrong with it


def embedded_folder() -> Path:
    """Where the bundles that come with VCG Bridge are."""
    return Path(vcg_bridge.__file__).parent / "bundles"


def user_folder() -> Path:
    """Where added bundles go. It may not exist yet."""
    override = os.environ.get(BUNDLES_VARIABLE)
    return Path(override) if override else user_data_path("vcg-bridge", appauthor=False) / "bundles"


def open_bundle(name_or_path: str | os.PathLike[str] = "", verify: bool = True) -> Bundle:
    """Open a bundle by name or folder; "" is the default one.

    With `verify` every file's sha256 is checked. Raises BundleError: unknown name (with the near ones), or broken.
    """
    text = os.fspath(name_or_path) or DEFAULT_BUNDLE
    if SLUG.fullmatch(text):
        for root in (user_folder(), embedded_folder()):
            if (root / text / MANIFEST_FILE).is_file():
                return _named(Bundle(root / text, load_manifest(root / text, verify)))
    folder = Path(text)
    if folder.is_dir():
        return Bundle(folder, load_manifest(folder, verify))
    if folder.name != text or folder.exists():
        raise BundleError(f"{text}: not a bundle folder", hint=f"give a bundle's name or its folder; {_have()}")
    raise BundleError(f"there is no bundle named {text!r}", hint=near(text, _names()) or _have())


def _named(bundle: Bundle) -> Bundle:
    """A bundle lies in a folder of its own name; recipes find it by that."""
    if bundle.manifest.name != bundle.folder.name:
        raise BundleError(
            f"{bundle.folder}: the folder holds the bundle {bundle.manifest.name!r}, not {bundle.folder.name!r}",
            hint="rename the folder, or add the bundle with `vcg bundles add`",
        )
    return bundle


def _folders() -> list[tuple[Path, bool]]:
    """Every folder that may be a bundle, and whether it is embedded. The user's come first."""
    found = []
    for root, embedded in ((user_folder(), False), (embedded_folder(), True)):
        if root.is_dir():
            found += [
                (x, embedded)
                for x in sorted(root.iterdir())
                if SLUG.fullmatch(x.name) and (x / MANIFEST_FILE).is_file()
            ]
    return found


def _names() -> list[str]:
    return list(dict.fromkeys(folder.name for folder, _ in _folders()))


def _have() -> str:
    names = _names()
    return f"there is {', '.join(names)}" if names else "no bundle is installed; reinstall VCG Bridge"


def list_bundles() -> tuple[BundleEntry, ...]:
    """All bundles that `open_bundle` finds by name. A broken one is listed with its problem; hashes are not checked."""
    entries: dict[str, BundleEntry] = {}
    for folder, embedded in _folders():
        if folder.name in entries:
            continue  # the user's bundle takes the place of the embedded one
        try:
            bundle = _named(Bundle(folder, load_manifest(folder, verify=False)))
            entries[folder.name] = BundleEntry(folder.name, folder, embedded, bundle.manifest)
        except BundleError as error:
            entries[folder.name] = BundleEntry(folder.name, folder, embedded, None, error.message)
    return tuple(entries.values())


def add_bundle(folder: str | os.PathLike[str], force: bool = False) -> Bundle:
    """Check a bundle folder and copy it to the user's bundles: whole or not at all.

    Only files that the manifest lists are copied. The very same bundle may be added again. Raises BundleError where it is
    broken, or another version of that name is there and `force` is not given; OutputError where it cannot be written.
    """
    source = load_manifest(folder)
    root = user_folder()
    target = root / source.name
    for place in (target, embedded_folder() / source.name):
        if not (place / MANIFEST_FILE).is_file():
            continue
        try:
            present = load_manifest(place, verify=True)
        except BundleError as error:
            if not force:
                raise BundleError(
                    f"a broken bundle {source.name!r} is installed: {error.message}", hint="replace it with --force"
                ) from None
            continue
        if present.sha256 == source.sha256:
            return Bundle(place, present)
        if not force:
            raise BundleError(
                f"another version of {source.name!r} is installed: {present.version} (sha256 {present.sha256[:12]}...); "
                f"recipes made with it need it",
                hint="replace it with --force",
            )
    try:
        return _install(Path(folder), source, root, target)
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be written ({error})",
            hint=f"free some space, or set {BUNDLES_VARIABLE} to another folder",
        ) from None


def _install(folder: Path, source: Manifest, root: Path, target: Path) -> Bundle:
    """Copy into a temporary folder beside the target, check the copy, rename."""
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".adding-", dir=root) as temporary:
        copy = Path(temporary) / "new"
        copy.mkdir()
        for name in (MANIFEST_FILE, *source.files):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, copy / name)
        manifest = load_manifest(copy)
        if manifest.sha256 != source.sha256:
            raise BundleError(f"{folder}: changed while it was copied", hint="try again")
        if target.exists():
            target.rename(Path(temporary) / "old")
        copy.rename(target)
    return Bundle(target, manifest)
