"""Which process of this machine listens at a port, where the system tells (Linux, and processes that we may look at)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_LISTEN = "0A"
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


def listener(port: int) -> int | None:
    """The process that listens at that port of this machine, None where it cannot be told."""
    wanted = {f"socket:[{inode}]" for inode in _inodes(port)}
    if not wanted:
        return None
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                if any(str(entry.readlink()) in wanted for entry in (process / "fd").iterdir()):
                    return int(process.name)
            except OSError:  # another user's, or gone
                continue
    return None


def _inodes(port: int) -> Iterator[str]:
    for table in _TABLES:
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for words in map(str.split, lines):
            if words[3] == _LISTEN and int(words[1].rpartition(":")[2], 16) == port:
                yield words[9]
