"""The codecs of blobs: raw, gzip, zstd. The sha256 that travels is that of the decoded bytes, so it names the picture."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from functools import cache
from importlib.util import find_spec

from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.errors import IntegrityError

GZIP_LEVEL = 6
ZSTD_LEVEL = 3
_WINDOW_LOG = 27  # 128 MiB, what every zstd decoder takes


@cache
def available_codecs() -> tuple[str, ...]:
    """The codecs that this Python has, preferred first."""
    return ("zstd", "gzip", "raw") if find_spec("zstandard") else ("gzip", "raw")


def encode_blob(codec: str, data: bytes) -> bytes:
    """data, compressed."""
    if codec == "zstd":
        import zstandard

        return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(data)  # its header holds the length
    if codec == "gzip":
        return gzip.compress(data, GZIP_LEVEL, mtime=0)
    if codec == "raw":
        return data
    raise ValueError(f"unknown codec {codec!r}")


def decode_blob(codec: str, blob: bytes, raw_length: int, sha256: bytes) -> bytes:
    """The bytes of a blob. Raises IntegrityError, and never makes more than raw_length bytes of it."""
    if raw_length > v.MAX_BLOB_BYTES:
        raise IntegrityError(f"a blob of {raw_length} bytes; at most {v.MAX_BLOB_BYTES} are allowed")
    if codec == "raw":
        data = blob
    elif codec == "gzip":
        data = _gunzip(blob, raw_length)
    elif codec == "zstd":
        data = _unzstd(blob, raw_length)
    else:
        raise IntegrityError(f"unknown codec {codec[:40]!r}")
    if len(data) != raw_length:
        raise IntegrityError(f"a blob of {len(data)} bytes was announced with {raw_length}")
    if hashlib.sha256(data).digest() != sha256:
        raise IntegrityError("a blob's sha256 is not the one announced")
    return data


def _gunzip(blob: bytes, raw_length: int) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        data = stream.decompress(blob, raw_length + 1)  # one more shows that it is too long
    except zlib.error as error:
        raise IntegrityError(f"a damaged gzip blob: {error}") from error
    if not stream.eof or stream.unused_data:
        raise IntegrityError("a gzip blob that is cut off, longer than announced, or followed by something")
    return data


def _unzstd(blob: bytes, raw_length: int) -> bytes:
    import zstandard

    try:
        head = zstandard.get_frame_parameters(blob)
        # The header may claim any length, and the decoder believes it: look first.
        if head.content_size != raw_length:
            raise IntegrityError(f"a zstd blob of {head.content_size} bytes was announced with {raw_length}")
        decoder = zstandard.ZstdDecompressor(max_window_size=1 << _WINDOW_LOG)
        return decoder.decompress(blob, max_output_size=raw_length, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise IntegrityError(f"a damaged zstd blob: {error}") from error
