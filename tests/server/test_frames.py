"""Counting the frames of ZMTP as they pass, whatever pieces they come in."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.zmtp import COMMAND, GREETING, LONG, MORE, READY, frame
from vcg_bridge.contract.errors import ProtocolError
from vcg_bridge.server.frames import FRAMES, FrameCounter

MOST = 1000
HANDSHAKE = GREETING + frame(READY, COMMAND)

bodies = st.binary(max_size=300)
messages = st.lists(bodies, min_size=1, max_size=FRAMES)
commands = st.builds(lambda body: frame(b"\x04PING" + body, COMMAND), st.binary(max_size=20))


def wire(message: list[bytes]) -> bytes:
    return b"".join(frame(body, MORE) for body in message[:-1]) + frame(message[-1])


def feed(data: bytes, cuts: list[int]) -> None:
    """All of it, in pieces."""
    counter, at = FrameCounter(MOST), 0
    for cut in [*sorted(c % (len(data) + 1) for c in cuts), len(data)]:
        counter.feed(data[at:cut])
        at = cut


@given(st.lists(st.one_of(messages.map(wire), commands), max_size=20), st.lists(st.integers(0, 10_000), max_size=30))
def test_what_is_within_bounds_passes(stream: list[bytes], cuts: list[int]) -> None:
    if any(len(part) > MOST for part in stream):
        return
    feed(HANDSHAKE + b"".join(stream), cuts)


@given(
    st.lists(messages.map(wire).filter(lambda part: len(part) <= MOST), max_size=5),
    st.lists(st.binary(max_size=5), min_size=FRAMES + 1, max_size=FRAMES + 5),
    st.lists(st.integers(0, 10_000), max_size=30),
)
def test_one_frame_too_many_does_not(before: list[bytes], many: list[bytes], cuts: list[int]) -> None:
    endless = b"".join(frame(body, MORE) for body in many)
    with pytest.raises(ProtocolError, match="more than"):
        feed(HANDSHAKE + b"".join(before) + endless, cuts)


@given(st.integers(1, FRAMES), st.lists(st.integers(0, 10_000), max_size=30))
def test_one_byte_too_many_does_not(frames: int, cuts: list[int]) -> None:
    share = MOST // frames + 1
    with pytest.raises(ProtocolError, match="more than"):
        feed(HANDSHAKE + wire([b"x" * share] * frames), cuts)


@given(st.binary(max_size=2000), st.lists(st.integers(0, 10_000), max_size=30))
def test_any_bytes_pass_or_are_refused_in_words(data: bytes, cuts: list[int]) -> None:
    for start in (b"", GREETING, HANDSHAKE):
        with suppress(ProtocolError):
            feed(start + data, cuts)


@pytest.mark.parametrize(
    "start",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x01\x00",  # ZMTP 1
        b"\xff" + b"\0" * 8 + b"\x7f\x01\x05" + b"\0" * 60,  # ZMTP 2: its frames would be counted wrong
        b"\xff" + b"\0" * 8 + b"\x7e\x03" + b"\0" * 60,
        GREETING + frame(READY + b"\x08Identity\x00\x00\x00\x05" + b"\x00abcd", COMMAND),  # a name of its own
        GREETING + frame(READY + b"\x08iDENTITY\x00\x00\x00\x01x", COMMAND),
        GREETING + frame(READY),  # is no command
        GREETING + frame(b"\x05ERROR\x01x", COMMAND),
        GREETING + frame(READY + b"\x01X\x00\x00\x00\x09x", COMMAND),  # a property that is longer than the command
        GREETING + frame(READY + b"\x01X\x00", COMMAND),
        GREETING
        + frame(READY + b"\x01X\x00\x00\x01\x00" + bytes(256) + b"\x01Y\x00\x00\x01\x00" + bytes(256), COMMAND),
        HANDSHAKE + b"\x08\x00",  # a flag that is none
        HANDSHAKE + bytes([COMMAND | LONG]) + (MOST + 1).to_bytes(8, "big"),
        HANDSHAKE + bytes([LONG]) + (2**64 - 1).to_bytes(8, "big"),  # refused at its length
    ],
)
def test_another_protocol_and_lies_about_lengths(start: bytes) -> None:
    with pytest.raises(ProtocolError):
        feed(start, [])
    with pytest.raises(ProtocolError):
        feed(start, list(range(len(start))))
