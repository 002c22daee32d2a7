"""Folders for as long as a process lives, in the system's place for temporary files. What a killed one has left, the next one removes."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


class PrivateFolder:
    """For our user alone. `close` it. The system unlocks it however the process ends; those that are not locked are removed by the next."""

    def __init__(self, prefix: str, root: Path | None = None) -> None:
        """prefix: of the names of all folders of this kind. root: where it is to be; None: as the system says. Raises OSError."""
        root = root or Path(tempfile.gettempdir())
        _sweep(root, prefix)
        # Not yet by the name at which others look: it is not locked.
        new = Path(tempfile.mkdtemp(prefix=new_prefix(prefix), dir=root))
        self._lock = _locked(new)
        self.path = new.rename(root / f"{prefix}{new.name.removeprefix(new_prefix(prefix))}")

    def close(self) -> None:
        """Remove it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def new_prefix(prefix: str) -> str:
    """How the names of folders begin that are not locked yet."""
    return f".new-{prefix}"


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the folder locked; None where another process does, or the system has no such locks."""
    if fcntl is None:
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _sweep(root: Path, prefix: str) -> None:
    """Remove the folders of processes that were killed."""
    for folder in root.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            status = folder.lstat()
            mine = hasattr(os, "getuid") and status.st_uid == os.getuid()
            if not mine or folder.is_symlink():
                continue
            lock = _locked(folder)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)
