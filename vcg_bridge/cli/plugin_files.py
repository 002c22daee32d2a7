"""The engine plugins that came with this package, and how one gets into a project and is replaced there.

An installed plugin has a record of what was copied (RECORD), so that a later install knows what its user has changed.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vcg_bridge.contract.errors import BadRequest, OutputError, VcgError

RECORD = ".vcg-install.json"  # hidden from both editors
MADE_BY_EDITORS = (".import", ".uid", ".meta")
"""Ends of files that editors write beside an asset, and rewrite: never counted as edited, and kept."""


@dataclass(frozen=True)
class Plugin:
    """One engine's plugin, as this package brings it."""

    engine: str  # godot, unity
    folder: Path
    version: str

    @property
    def place(self) -> str:
        """Where it belongs in a project."""
        return _PLUGINS[self.engine].place


@dataclass(frozen=True)
class _Kind:
    source: str  # in engine_plugins
    place: str  # in a project
    marker: str  # the file that says its version
    version: str  # pattern for it


_PLUGINS = {
    "godot": _Kind("godot/addons/vcg_bridge", "addons/vcg_bridge", "plugin.cfg", r'^version\s*=\s*"([^"]*)"'),
    "unity": _Kind("unity/com.vcg.bridge", "Packages/com.vcg.bridge", "package.json", r'^\s*"version"\s*:\s*"([^"]*)"'),
}
ENGINES = tuple(_PLUGINS)


def root() -> Path:
    """The folder of all plugins: in the installed package, or of the checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "engine_plugins"
    return inside if inside.is_dir() else package.parent / "engine_plugins"


def plugin(engine: str) -> Plugin:
    """Raises VcgError where this installation lacks it."""
    kind = _PLUGINS[engine]
    folder = root() / kind.source
    version = _version(folder, kind)
    if version is None:
        raise VcgError(f"{folder}: the {engine} plugin is not there", hint="install VCG Bridge again, from its wheel")
    return Plugin(engine, folder, version)


def _version(folder: Path, kind: _Kind) -> str | None:
    try:
        said = re.search(kind.version, (folder / kind.marker).read_text(encoding="utf-8"), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return None
    return said[1] if said else None


@dataclass(frozen=True)
class Installed:
    """What lies at a plugin's place in a project."""

    version: str | None  # as its own file says; None: it is no such plugin
    recorded: bool  # `vcg plugin install` has put it there
    edited: tuple[str, ...]  # files that were changed or removed since; without a record: that differ from ours


def installed(source: Plugin, target: Path) -> Installed | None:
    """None where there is nothing."""
    if not target.exists() and not target.is_symlink():
        return None
    record = _record(target)
    known = hashes(source.folder) if record is None else record
    mine = hashes(target)
    edited = tuple(name for name, digest in known.items() if mine.get(name) != digest and not _by_editors(name))
    return Installed(_version(target, _PLUGINS[source.engine]), record is not None, edited)


def install(source: Plugin, target: Path, *, force: bool) -> str:
    """Put the plugin there, replacing an older one whole or not at all. Returns what was done, in words.

    Files that are not the plugin's own stay. Raises BadRequest for what would lose somebody's work, OutputError.
    """
    if target.is_symlink() or target.resolve() == source.folder.resolve():
        raise BadRequest(
            f"{target}: is the plugin's own folder, or a link to one",
            hint="what it links to is used as it is; remove the link to install a copy",
        )
    there = installed(source, target)
    if there is None:
        _put(source, target, keep={})
        return f"installed {source.version}"
    if not target.is_dir():
        raise BadRequest(f"{target}: is a file, where the plugin's folder belongs", hint="move it away")
    if there.recorded and not there.edited and _record(target) == hashes(source.folder):
        return f"{source.version} was there already"
    if not force:
        _refuse(source, target, there)
    keep = {name: path for name, path in _files(target).items() if _stays(name, source, target, force)}
    _put(source, target, keep)
    return f"replaced {there.version or 'what was there'} by {source.version}"


def _stays(name: str, source: Plugin, target: Path, force: bool) -> bool:
    """Whether a file in the project is kept when the plugin is replaced."""
    record, ours = _record(target) or {}, hashes(source.folder)
    asset = name.rpartition(".")[0]
    if _by_editors(name):  # what an editor has written there, and made for something that is still there
        written = name not in ours or record.get(name) != hashlib.sha256((target / name).read_bytes()).hexdigest()
        return written and (asset in ours or asset not in record)
    if name in ours or name in record:
        return False
    return bool(record) or not force  # without a record nobody knows whether it is of an older version


def _refuse(source: Plugin, target: Path, there: Installed) -> None:
    """Raise BadRequest where replacing what is there would lose something."""
    if there.version is None:
        raise BadRequest(
            f"{target}: there is something else, not the {source.engine} plugin",
            hint="move it away, or replace it with --force",
        )
    if _number(there.version) > _number(source.version):
        raise BadRequest(
            f"{target}: has version {there.version}, which is newer than {source.version}",
            hint="update VCG Bridge, or go back to the older one with --force",
        )
    if there.edited:
        names = ", ".join(there.edited[:4]) + (f" and {len(there.edited) - 4} more" if len(there.edited) > 4 else "")
        what = "was changed since it was installed" if there.recorded else "was not installed by vcg, and differs"
        raise BadRequest(
            f"{target}: {what}: {names}", hint="save what you want to keep, then use --force to replace it"
        )


def _number(version: str) -> tuple[int, ...]:
    """ "0.10.2" -> (0, 10, 2); what follows a release's number (-preview) does not count."""
    return tuple(int(x) for x in re.findall(r"\d+", re.split(r"[-+]", version)[0])[:3])


def _put(source: Plugin, target: Path, keep: Mapping[str, Path]) -> None:
    """Build the whole folder beside the target, then swap them."""
    token = secrets.token_hex(4)
    new, old = (target.with_name(f".{target.name}.{token}.{end}") for end in ("tmp", "old"))
    ours = _files(source.folder)
    try:
        for name, path in {**ours, **keep}.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, new / name)
        record = {"version": source.version, "files": hashes(source.folder)}
        (new / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        if target.exists():
            target.rename(old)
        try:
            new.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be written: {error.strerror or error}", hint="nothing was changed"
        ) from None
    finally:
        shutil.rmtree(new, ignore_errors=True)
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)


def hashes(folder: Path) -> dict[str, str]:
    """Relative name -> hex sha256 of each file of a plugin's folder."""
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in _files(folder).items()}


def _files(folder: Path) -> dict[str, Path]:
    """Relative name -> path. The record, and what editors and tools leave behind, are not part of a plugin."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in name.split("/")):
            found[name] = path
    return found


def _record(folder: Path) -> dict[str, str] | None:
    """What was copied there: relative name -> hex sha256. None where there is no record, or a damaged one."""
    try:
        files = json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not isinstance(files, dict) or not all(isinstance(x, str) for x in files.values()):
        return None
    return files


def _by_editors(name: str) -> bool:
    return name.endswith(MADE_BY_EDITORS)
