"""What a batch has finished, so that a killed run goes on where it was."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

from vcg_bridge.contract.character import Character, Plane, Pose
from vcg_bridge.contract.errors import OutputError, VcgError
from vcg_bridge.contract.recipe import Recipe
from vcg_bridge.contract.recipe_io import recipe_bytes, recipe_from_dict

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

JOURNAL_FORMAT = 1
JOURNAL_NAME = "batch.journal.jsonl"


@dataclass(frozen=True)
class Entry:
    """One finished character."""

    key: str  # fingerprint of its wish and of what else its files depend on
    line: int  # of the request file, 1-based, when it was made
    name: str
    files: tuple[str, ...]  # relative to the output folder
    thumbnail: Character  # with one frame, for the contact sheet


class Journal:
    """A file with a line per finished character. A line that a kill cut short is as if it were not there."""

    def __init__(self, folder: Path) -> None:
        """Read what is there. Raises OutputError where the folder cannot be used."""
        self.path = folder / JOURNAL_NAME
        self.done: dict[str, Entry] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab")
            _lock(self._file, folder)
            data = self.path.read_bytes()
            for line in data.split(b"\n"):
                entry = _read(line)
                if entry is not None and all((folder / name).is_file() for name in entry.files):
                    self.done[entry.key] = entry
            if data and not data.endswith(b"\n"):
                self._file.write(b"\n")  # end the line that was cut short
                self._file.flush()
        except OSError as error:
            raise OutputError(
                f"cannot write to {folder}: {error.strerror or error}", hint="choose another --out"
            ) from None

    def add(self, entry: Entry) -> None:
        """Remember a finished character. Raises OutputError."""
        try:
            self._file.write(_line(entry))  # one write of a whole line
            self._file.flush()
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}") from None
        self.done[entry.key] = entry

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _lock(file: BinaryIO, folder: Path) -> None:
    """One batch at a time in a folder. The lock goes with the process, however that ends."""
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise OutputError(
            f"another `vcg batch` is at work in {folder}", hint="wait for it, or choose another --out"
        ) from None


def sweep(folder: Path, name: str) -> None:
    """Remove what a killed run left half-written of this character. Only for who holds the journal."""
    pattern = re.compile(rf"\.({re.escape(name)}\..+|CREDITS\.txt)\.[0-9a-f]{{8}}\.tmp")
    if folder.is_dir():
        for path in folder.iterdir():
            if pattern.fullmatch(path.name):
                path.unlink(missing_ok=True)


def thumbnail(character: Character) -> Character:
    """The character with one frame only: standing, facing down, as far as it has that."""
    pose = min(character.frames, key=lambda p: (p.direction != "down", p.animation != "idle", p.frame))
    return Character(character.recipe, {pose: character.frames[pose]}, character.palette)


def _line(entry: Entry) -> bytes:
    (pose, plane), *_ = entry.thumbnail.frames.items()
    record = {
        "format": JOURNAL_FORMAT,
        "key": entry.key,
        "line": entry.line,
        "name": entry.name,
        "files": list(entry.files),
        "recipe": json.loads(recipe_bytes(entry.thumbnail.recipe)),
        "pose": [pose.animation, pose.direction, pose.frame],
        "shape": list(plane.shape),
        "plane": _packed(plane.tobytes()),
        "palette": _packed(entry.thumbnail.palette.tobytes()),
    }
    return json.dumps(record, separators=(",", ":")).encode("utf-8") + b"\n"


def _read(line: bytes) -> Entry | None:
    try:
        record = json.loads(line)
        if record["format"] != JOURNAL_FORMAT:
            return None
        recipe: Recipe = recipe_from_dict(record["recipe"])
        plane: Plane = np.frombuffer(_unpacked(record["plane"]), np.uint8).reshape(record["shape"])
        palette = np.frombuffer(_unpacked(record["palette"]), np.uint8).reshape(256, 4)
        animation, direction, frame = record["pose"]
        shown = Character(recipe, {Pose(str(animation), str(direction), int(frame)): plane}, palette)
        return Entry(str(record["key"]), int(record["line"]), str(record["name"]), tuple(record["files"]), shown)
    except (ValueError, KeyError, TypeError, VcgError, zlib.error):
        return None  # made by another version, edited, or cut short: that character is made again


def _packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode("ascii")


def _unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


def summary_rows(entries: Sequence[Entry]) -> list[dict[str, object]]:
    """The finished characters as summary.json lists them."""
    return [
        {"line": e.line, "name": e.name, "archetype": e.thumbnail.recipe.archetype, "seed": e.thumbnail.recipe.seed}
        for e in entries
    ]
