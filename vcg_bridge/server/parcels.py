"""Bundles on their way to another machine: the files of one version as bytes, and the private folder where they become files again.

The folder of a server's bundle is not there on other machines, and may hold another version a moment later. What is sent is exactly the
version that was asked for, and whoever draws with it opens its own copy with every check.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

import msgpack

from vcg_bridge.contract.errors import BundleError
from vcg_bridge.contract.manifest import MANIFEST_FILE
from vcg_bridge.contract.manifest_io import load_manifest, safe_path
from vcg_bridge.server.private_folder import PrivateFolder

MOST_BYTES = 1 << 30
"""Of one bundle: it is held in memory on its way."""

KEPT = 8
"""Versions that a depot holds, the latest used. Who has drawn with an older one has it in memory."""

_PREFIX = "vcg-drawer-"


def parcel_of(folder: str, sha256: str) -> bytes:
    """The files of that version. Raises BundleError where another one is there by now, where it is damaged, or too large to be sent."""
    root = Path(folder)
    manifest = load_manifest(root, verify=False)
    files = {}
    size = 0
    for name, expected in ((MANIFEST_FILE, sha256), *manifest.files.items()):
        try:
            files[name] = (root / name).read_bytes()
        except OSError as error:
            raise BundleError(f"{root / name}: cannot be read ({error.strerror or error})") from None
        if hashlib.sha256(files[name]).hexdigest() != expected:
            raise BundleError(
                f"{folder}: another version is there by now" if name == MANIFEST_FILE else f"{root / name}: has changed"
            )
        size += len(files[name])
        if size > MOST_BYTES:
            raise BundleError(f"{folder}: more than {MOST_BYTES >> 20} MiB, too much to be sent to other machines")
    if manifest.sha256 != sha256:
        raise BundleError(f"{folder}: another version is there by now")
    parcel: bytes = msgpack.packb(files)
    return parcel


class Depot:
    """A private folder with copies of bundles, for as long as this process draws. `close` it."""

    def __init__(self, root: Path | None = None) -> None:
        """root: where it is to be; None: the system's place for temporary files. Raises OSError."""
        self._private = PrivateFolder(_PREFIX, root)
        self.folder = self._private.path
        self._kept: OrderedDict[str, None] = OrderedDict()

    @property
    def versions(self) -> tuple[str, ...]:
        """sha256 of those it has."""
        return tuple(self._kept)

    def use(self, versions: Iterable[str]) -> None:
        """Those are needed: others make room first."""
        for sha256 in self._kept.keys() & set(versions):
            self._kept.move_to_end(sha256)

    def add(self, sha256: str, parcel: bytes) -> None:
        """Unpack a version, unless it is there; the one that was not used for longest makes room for it.

        Raises BundleError for a path that leaves the folder, OSError.
        """
        target = self.folder / sha256
        if sha256 in self._kept:
            return
        with tempfile.TemporaryDirectory(prefix=".new-", dir=self.folder) as temporary:
            for name, data in msgpack.unpackb(parcel).items():
                if not safe_path(name):
                    raise BundleError(f"{name!r} is not a plain path inside the bundle")
                path = Path(temporary, "new", name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            Path(temporary, "new").rename(target)
        self._kept[sha256] = None
        while len(self._kept) > KEPT:
            shutil.rmtree(self.folder / self._kept.popitem(last=False)[0], ignore_errors=True)

    def locate(self, sha256: str, _folder: str) -> str:
        """Where the copy of that version is, or would be: what a Replica asks for instead of the server's folder."""
        self.use([sha256])
        return str(self.folder / sha256)

    def close(self) -> None:
        """Remove it."""
        self._private.close()
