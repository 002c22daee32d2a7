"""Blob codecs: what is encoded comes back, what is damaged or too long is refused before it costs memory."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import tracemalloc

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from vcg_bridge.contract.blobs import available_codecs, decode_blob, encode_blob
from vcg_bridge.contract.errors import IntegrityError
from vcg_bridge.contract.vocabulary import CODECS, MAX_BLOB_BYTES


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def test_all_codecs_are_here() -> None:
    assert set(available_codecs()) == set(CODECS)


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.binary(max_size=2000))
def test_what_is_encoded_comes_back(codec: str, data: bytes) -> None:
    blob = encode_blob(codec, data)
    assert decode_blob(codec, blob, len(data), sha(data)) == data
    assert encode_blob(codec, data) == blob


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.binary(max_size=300), junk=st.binary(max_size=300), cut=st.integers(0, 300))
def test_damage_is_one_error(codec: str, data: bytes, junk: bytes, cut: int) -> None:
    blob = encode_blob(codec, data)
    for damaged in (junk, blob + junk, blob[:cut] + junk, blob[:cut]):
        with contextlib.suppress(IntegrityError):
            assert decode_blob(codec, damaged, len(data), sha(data)) == data


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_bomb_does_not_go_off(codec: str) -> None:
    blob = encode_blob(codec, bytes(50_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(IntegrityError):
            decode_blob(codec, blob, 1000, sha(b""))
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_lengths_that_lie() -> None:
    with pytest.raises(IntegrityError, match="at most"):
        decode_blob("raw", b"", MAX_BLOB_BYTES + 1, b"")
    streamed = zstandard.ZstdCompressor(write_content_size=False).compress(b"abc")
    with pytest.raises(IntegrityError):  # its header does not say how long it is
        decode_blob("zstd", streamed, 3, sha(b"abc"))
    two = gzip.compress(b"a", mtime=0) + gzip.compress(b"b", mtime=0)
    with pytest.raises(IntegrityError, match="followed"):
        decode_blob("gzip", two, 2, sha(b"ab"))
    with pytest.raises(IntegrityError, match="unknown codec"):
        decode_blob("lzma", b"", 0, sha(b""))
