"""Messages as bytes: frame 0 is a msgpack map, frames 1.. are blobs that the map describes.

Only nil, bool, int64, float64, str, bin, array and map (keys: printable ASCII str) are used, and everything is
bounded. Anything else raises ProtocolError, before it can cost memory: the reader below looks at each length
before it builds anything, and what it builds is never more than a small multiple of the bytes received.

Written form (golden bytes are the same in every language): keys in ascending ASCII order, the shortest msgpack
encoding of each int, str, bin, array and map, every float as float 64. Read form: any key order, any width.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgpack

from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.errors import ProtocolError

Wire = None | bool | int | float | str | bytes | list["Wire"] | dict[str, "Wire"]
"""A value as it travels."""


@dataclass(frozen=True)
class Bounds:
    """What one direction of the wire may carry."""

    map_bytes: int  # of frame 0
    blobs: int  # number of frames after frame 0
    blob_bytes: int = v.MAX_BLOB_BYTES  # of each
    entries: int = v.MAX_REPLY_BYTES  # of all its maps and arrays together; each has a byte at least


REQUEST = Bounds(v.MAX_REQUEST_BYTES, v.MAX_REQUEST_BLOBS, entries=v.MAX_LENGTH)
REPLY = Bounds(v.MAX_REPLY_BYTES, v.MAX_REPLY_BLOBS)

_KEY = re.compile(rf"[!-~]{{1,{v.MAX_KEY_BYTES}}}\Z")
KEYS = 1024
"""Map keys that are remembered as good ones: all of the protocol's many times over."""


def pack(message: Mapping[str, object], blobs: Sequence[bytes] = (), bounds: Bounds = REPLY) -> list[bytes]:
    """Frames of a message. Raises ProtocolError where the message is not of the allowed types and sizes."""
    head = pack_map(message)
    frames = [head, *(bytes(b) for b in blobs)]
    _check_frames(frames, bounds)
    return frames


def unpack(frames: Sequence[bytes], bounds: Bounds = REPLY) -> tuple[dict[str, Wire], list[bytes]]:
    """The map and the blobs of a received message. Raises ProtocolError for anything that is not one."""
    _check_frames(frames, bounds)
    return unpack_map(bytes(frames[0]), bounds.entries), list(frames[1:])


def _check_frames(frames: Sequence[bytes], bounds: Bounds) -> None:
    if not frames:
        raise ProtocolError("a message without frames")
    if len(frames) - 1 > bounds.blobs:
        raise ProtocolError(f"a message with {len(frames) - 1} blobs; at most {bounds.blobs} are allowed")
    if len(frames[0]) > bounds.map_bytes:
        raise ProtocolError(f"a message map of {len(frames[0])} bytes; at most {bounds.map_bytes} are allowed")
    for blob in frames[1:]:
        if len(blob) > bounds.blob_bytes:
            raise ProtocolError(f"a blob of {len(blob)} bytes; at most {bounds.blob_bytes} are allowed")


def pack_map(message: Mapping[str, object]) -> bytes:
    """The canonical bytes of a map."""
    if not isinstance(message, Mapping):
        raise ProtocolError(f"a message is a map, not {type(message).__name__}")
    return pack_value(message)


def pack_value(value: object) -> bytes:
    """The canonical bytes of any value that can travel."""
    return bytes(msgpack.packb(_canonical(value), use_bin_type=True, strict_types=True))


def pack_apart(message: Mapping[str, object], key: str) -> tuple[bytes, bytes]:
    """The canonical bytes of a map with that key, up to its value and behind it: for maps that are sent often and differ only there."""
    table = _canonical({**message, key: None})
    assert isinstance(table, dict)
    packer = msgpack.Packer(use_bin_type=True, strict_types=True, autoreset=False)
    packer.pack_map_header(len(table))
    for name, value in table.items():
        packer.pack(name)
        if name == key:
            before = packer.bytes()
            packer.reset()
        else:
            packer.pack(value)
    return before, packer.bytes()


def _canonical(value: object) -> Wire:
    """value in canonical form. Raises ProtocolError naming the place of what cannot travel."""
    try:
        return _tidy(value, 1)
    except _Unfit as unfit:
        raise ProtocolError(f"message{''.join(reversed(unfit.place))}: {unfit}") from unfit


class _Unfit(Exception):
    """A value that cannot travel. `place`: the way to it, its end first; nobody needs it where all is well."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.place: list[str] = []


def _tidy(value: object, depth: int) -> Wire:
    """value in canonical form: keys sorted, tuples as lists. Raises _Unfit."""
    if isinstance(value, str):
        return _checked_text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            raise _Unfit(f"{value} is no 64-bit integer")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _Unfit(f"{value} is no finite number")
        return float(value)
    if isinstance(value, bytes | bytearray | memoryview):
        if len(value) > v.MAX_BIN_BYTES:
            raise _Unfit(f"{len(value)} bytes; at most {v.MAX_BIN_BYTES} are allowed")
        return bytes(value)
    if not isinstance(value, Mapping | list | tuple):
        raise _Unfit(f"a {type(value).__name__} cannot travel")
    if depth > v.MAX_DEPTH:
        raise _Unfit(f"nested deeper than {v.MAX_DEPTH}")
    if len(value) > v.MAX_LENGTH:
        raise _Unfit(f"{len(value)} entries; at most {v.MAX_LENGTH} are allowed")
    return _tidy_map(value, depth) if isinstance(value, Mapping) else _tidy_array(value, depth)


def _tidy_map(value: Mapping[object, object], depth: int) -> dict[str, Wire]:
    tidy: dict[str, Wire] = {}
    for key in value:
        if not isinstance(key, str) or not _is_key(key):
            raise _Unfit(f"{key!r} is no key")
    for key in sorted(value):  # type: ignore[type-var]
        try:
            tidy[key] = _tidy(value[key], depth + 1)  # type: ignore[index]
        except _Unfit as unfit:
            unfit.place.append(f".{key}")
            raise
    return tidy


def _tidy_array(value: Sequence[object], depth: int) -> list[Wire]:
    if set(map(type, value)) == {int} and min(value) >= -(1 << 63) and max(value) < 1 << 63:  # type: ignore[type-var, operator]
        return list(value)  # type: ignore[arg-type]  # style codes, rects
    tidy: list[Wire] = []
    for i, x in enumerate(value):
        try:
            tidy.append(_tidy(x, depth + 1))
        except _Unfit as unfit:
            unfit.place.append(f"[{i}]")
            raise
    return tidy


@lru_cache(KEYS)
def _is_key(key: str) -> bool:
    return _KEY.match(key) is not None


def _checked_text(value: str) -> str:
    try:
        size = len(value) if value.isascii() else len(value.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise _Unfit("text that is not valid Unicode") from error
    if size > v.MAX_TEXT_BYTES:
        raise _Unfit(f"text of {size} bytes; at most {v.MAX_TEXT_BYTES} are allowed")
    if "\0" in value:  # ends a string early in GDScript
        raise _Unfit("text with a NUL character")
    return str(value)


def unpack_map(data: bytes, entries: int = REPLY.entries) -> dict[str, Wire]:
    """The map that fills data exactly. entries: that all its maps and arrays may have. Raises ProtocolError for anything else."""
    value, end = _Reading(data, entries).value(0, 1)
    if not isinstance(value, dict):
        raise ProtocolError(f"a message is a map, not {type(value).__name__}")
    if end != len(data):
        raise ProtocolError(f"{len(data) - end} bytes after the end of the message")
    return value


# First byte -> (struct format of the number that follows, its size).
_NUMBERS = {
    0xCB: (">d", 8), 0xCC: (">B", 1), 0xCD: (">H", 2), 0xCE: (">I", 4), 0xCF: (">Q", 8),
    0xD0: (">b", 1), 0xD1: (">h", 2), 0xD2: (">i", 4), 0xD3: (">q", 8),
}  # fmt: skip
# First byte -> (what it starts, size of the length that follows).
_SIZED = {
    0xC4: ("bin", 1), 0xC5: ("bin", 2), 0xC6: ("bin", 4), 0xD9: ("str", 1), 0xDA: ("str", 2), 0xDB: ("str", 4),
    0xDC: ("array", 2), 0xDD: ("array", 4), 0xDE: ("map", 2), 0xDF: ("map", 4),
}  # fmt: skip


class _Reading:
    """One message that is read. Its methods take where something starts and give it, and where it ends."""

    __slots__ = ("data", "entries", "left")

    def __init__(self, data: bytes, entries: int) -> None:
        self.data, self.entries, self.left = data, entries, entries

    def value(self, at: int, depth: int) -> tuple[Wire, int]:
        data = self.data
        if at >= len(data):
            raise ProtocolError("the message ends early")
        first = data[at]
        at += 1
        if first < 0x80:
            return first, at
        if first >= 0xE0:
            return first - 0x100, at
        if first < 0x90:
            return self.map(at, first & 0x0F, depth)
        if first < 0xA0:
            return self.array(at, first & 0x0F, depth)
        if first < 0xC0:
            return self.text(at, first & 0x1F)
        if first == 0xC0:
            return None, at
        if first in (0xC2, 0xC3):
            return first == 0xC3, at
        if first in _NUMBERS:
            return self.number(at, *_NUMBERS[first])
        if first not in _SIZED:
            raise ProtocolError(f"msgpack type 0x{first:02x} is not allowed")
        kind, size = _SIZED[first]
        if at + size > len(data):
            raise ProtocolError("the message ends early")
        length = int.from_bytes(data[at : at + size], "big")
        at += size
        if kind == "str":
            return self.text(at, length)
        if kind == "bin":
            self.check(at, length, v.MAX_BIN_BYTES, "a bin")
            return data[at : at + length], at + length
        return (self.map if kind == "map" else self.array)(at, length, depth)

    def number(self, at: int, layout: str, size: int) -> tuple[int | float, int]:
        if at + size > len(self.data):
            raise ProtocolError("the message ends early")
        value: int | float = struct.unpack_from(layout, self.data, at)[0]
        if isinstance(value, float) and not math.isfinite(value):
            raise ProtocolError(f"{value} is no finite number")
        if isinstance(value, int) and value >= 1 << 63:
            raise ProtocolError(f"{value} is no 64-bit integer")
        return value, at + size

    def check(self, at: int, length: int, most: int, what: str) -> None:
        if length > most:
            raise ProtocolError(f"{what} of length {length}; at most {most} is allowed")
        if length > len(self.data) - at:  # an entry takes at least one byte
            raise ProtocolError("the message ends early")

    def spend(self, entries: int) -> None:
        self.left -= entries
        if self.left < 0:
            raise ProtocolError(f"more than {self.entries} entries in all maps and arrays")

    def text(self, at: int, length: int) -> tuple[str, int]:
        self.check(at, length, v.MAX_TEXT_BYTES, "a str")
        try:
            text = self.data[at : at + length].decode("utf-8")
        except UnicodeDecodeError as error:
            raise ProtocolError("a str that is not UTF-8") from error
        if "\0" in text:
            raise ProtocolError("a str with a NUL character")
        return text, at + length

    def array(self, at: int, length: int, depth: int) -> tuple[list[Wire], int]:
        if depth > v.MAX_DEPTH:
            raise ProtocolError(f"nested deeper than {v.MAX_DEPTH}")
        self.check(at, length, v.MAX_LENGTH, "an array")
        self.spend(length)
        small = self.data[at : at + length]
        if small.isascii():  # nothing but numbers below 128, as most style codes have
            return list(small), at + length
        values: list[Wire] = []
        for _ in range(length):
            value, at = self.value(at, depth + 1)
            values.append(value)
        return values, at

    def map(self, at: int, length: int, depth: int) -> tuple[dict[str, Wire], int]:
        if depth > v.MAX_DEPTH:
            raise ProtocolError(f"nested deeper than {v.MAX_DEPTH}")
        self.check(at, length, v.MAX_LENGTH, "a map")
        self.spend(length)
        values: dict[str, Wire] = {}
        for _ in range(length):
            key, at = self.key(at)
            if key in values:
                raise ProtocolError(f"the key {key!r} stands twice in one map")
            values[key], at = self.value(at, depth + 1)
        return values, at

    def key(self, at: int) -> tuple[str, int]:
        data = self.data
        if at < len(data) and 0xA0 <= data[at] < 0xC0:  # as all short keys are written
            end = at + 1 + (data[at] & 0x1F)
            if end <= len(data):
                return _key(data[at + 1 : end]), end
        key, at = self.value(at, v.MAX_DEPTH + 1)  # so deep that only a scalar passes
        if not isinstance(key, str) or not _is_key(key):
            raise ProtocolError(f"{str(key)[:40]!r} is no map key")
        return key, at


@lru_cache(KEYS)
def _key(raw: bytes) -> str:
    text, _ = _Reading(raw, 0).text(0, len(raw))
    if not _is_key(text):
        raise ProtocolError(f"{text[:40]!r} is no map key")
    return text
