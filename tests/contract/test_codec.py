"""Bytes: what is written comes back, what is hostile is refused with one error and without growth."""

from __future__ import annotations

import contextlib
import math
import random
import tracemalloc
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vcg_bridge.contract import codec
from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.errors import ProtocolError

KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=12)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300)
    | st.binary(max_size=300)
)
VALUES = st.recursive(
    SCALARS, lambda x: st.lists(x, max_size=20) | st.dictionaries(KEYS, x, max_size=20), max_leaves=30
)
MAPS = st.dictionaries(KEYS, VALUES, max_size=20)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def same(a: object, b: object) -> bool:
    """Equal, type by type: 1, 1.0 and True differ."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@given(MAPS)
def test_what_is_written_comes_back(value: dict[str, Any]) -> None:
    if depth(value) > v.MAX_DEPTH:
        with pytest.raises(ProtocolError, match="nested deeper"):
            codec.pack_map(value)
        return
    data = codec.pack_map(value)
    assert same(codec.unpack_map(data), value)
    assert same(msgpack.unpackb(data, strict_map_key=True), value)  # an independent reader agrees


@given(MAPS, st.randoms(use_true_random=False))
def test_equal_maps_give_equal_bytes(value: dict[str, Any], rng: random.Random) -> None:
    if depth(value) > v.MAX_DEPTH:
        return
    keys = list(value)
    rng.shuffle(keys)
    assert codec.pack_map({key: value[key] for key in keys}) == codec.pack_map(value)


@given(MAPS)
def test_any_encoder_is_understood(value: dict[str, Any]) -> None:
    """Key order and widths are free for a reader."""
    data = msgpack.packb(value, use_bin_type=True)
    if depth(value) <= v.MAX_DEPTH:
        assert same(codec.unpack_map(data), value)


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda x: b"\x81\xa1a" + x))
def test_random_bytes_raise_nothing_but_protocol_error(data: bytes) -> None:
    try:
        value = codec.unpack_map(data)
    except ProtocolError:
        return
    assert isinstance(value, dict)
    assert depth(value) <= v.MAX_DEPTH


@given(MAPS, st.data())
def test_damaged_messages_raise_nothing_but_protocol_error(value: dict[str, Any], draw: st.DataObject) -> None:
    if depth(value) > v.MAX_DEPTH:
        return
    data = bytearray(codec.pack_map(value))
    for _ in range(draw.draw(st.integers(1, 4))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    cut = bytes(data[: draw.draw(st.integers(0, len(data)))])
    for damaged in (bytes(data), cut):
        with contextlib.suppress(ProtocolError):
            codec.pack_map(codec.unpack_map(damaged))


@pytest.mark.parametrize(
    "data",
    [
        b"\xdf\xff\xff\xff\xff",
        b"\x81\xa1a\xdd\x7f\xff\xff\xff",
        b"\x81\xa1a\xdb\xff\xff\xff\xff",
        b"\x81\xa1a\xc6\xff\xff\xff\xff",
        b"\x81\xa1a" + b"\xdc\x40\x00" * 20_000,
        b"\x81\xa1a" * 20_000,
        b"\x91" * 60_000,
    ],
    ids=["map", "array", "str", "bin", "arrays in arrays", "maps in maps", "lists in lists"],
)
def test_claims_cost_no_memory(data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError):
            codec.unpack_map(data)
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": math.nan}, r"message\.a: nan is no finite number"),
        ({"a": [1, {"b": math.inf}]}, r"message\.a\[1\]\.b: inf"),
        ({"a": 2**63}, "no 64-bit integer"),
        ({"a": -(2**63) - 1}, "no 64-bit integer"),
        ({"a": "x\0y"}, "NUL"),
        ({"a": "\ud800"}, "not valid Unicode"),
        ({"a": "ä" * 4097}, "8194 bytes"),
        ({"a": bytes(65537)}, "65537 bytes"),
        ({"a": [0] * 16385}, "16385 entries"),
        ({"a b": 1}, "is no key"),
        ({"": 1}, "is no key"),
        ({1: 1}, "is no key"),
        ({"a": object()}, "object cannot travel"),
        ({"a": {1, 2}}, "set cannot travel"),
        ([], "a message is a map"),
    ],
)
def test_what_may_not_travel_is_refused_by_the_writer(value: Any, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        codec.pack_map(value)


def test_frames_are_bounded() -> None:
    bounds = codec.Bounds(map_bytes=10, blobs=1, blob_bytes=5)
    assert codec.unpack(codec.pack({"a": 1}, [b"12345"], bounds), bounds) == ({"a": 1}, [b"12345"])
    for frames in ([], [b"\x80", b"", b""], [b"\x80", b"123456"], [bytes(11)]):
        with pytest.raises(ProtocolError):
            codec.unpack(frames, bounds)
    with pytest.raises(ProtocolError, match="at most 10"):
        codec.pack({"a": "x" * 10}, [], bounds)
    with pytest.raises(ProtocolError, match="at most 1 "):
        codec.pack({}, [b"", b""], bounds)


def test_a_request_has_so_many_entries_in_all() -> None:
    """Each costs its reader more than its byte costs the sender: 64 KiB of them took a server's thread for a tenth of a second."""
    most = codec.REQUEST.entries
    for entry in (None, [], {}, 1, -1, "", True):
        for filled, good in ((most - 2 - 1, True), (most - 2, False)):
            frame = msgpack.packb({"a": [entry] * filled, "b": [entry]})
            if good:
                assert codec.unpack([frame], codec.REQUEST)[0]["b"] == [entry]
            else:
                with pytest.raises(ProtocolError, match="more than 16384 entries"):
                    codec.unpack([frame], codec.REQUEST)
            assert codec.unpack([frame], codec.REPLY)


@given(MAPS, st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40))
def test_a_map_in_two_parts_is_the_same(value: dict[str, Any], name: str) -> None:
    before, after = codec.pack_apart(value, "id")
    assert before + codec.pack_value(name) + after == codec.pack_map({**value, "id": name})
