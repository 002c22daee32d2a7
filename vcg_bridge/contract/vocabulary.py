"""The one source of the names and limits of protocol 1.

tests/golden/vocabulary.json is written from here (scripts/make_golden.py), and the plugins' vocabulary files from that.
"""

from __future__ import annotations

PROTOCOL_VERSION = (1, 0)
"""(major, minor), apart from the package's version. A major mismatch refuses; a minor one never does.

1.0 (vcg-bridge 0.1.0): first.

Twins: PROTOCOL_VERSION in engine_plugins' vocabulary files, generated from here. Page: docs/protocol.md.
"""

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7421
DEFAULT_ADDRESS = f"tcp://{DEFAULT_HOST}:{DEFAULT_PORT}"

DIRECTIONS = ("up", "left", "down", "right")

# What a message may be made of. "Request" is client to server, "reply" server to client.
MAX_DEPTH = 8  # nested maps and arrays; the message's own map counts as 1
MAX_LENGTH = 16384  # entries of one map or one array
MAX_KEY_BYTES = 128  # of a map key, printable ASCII
MAX_TEXT_BYTES = 8192  # of a str, as UTF-8
MAX_BIN_BYTES = 65536  # of a bin
MAX_REQUEST_BYTES = 65536  # of frame 0, client to server
MAX_REPLY_BYTES = 1 << 20  # of frame 0, server to client
MAX_REQUEST_BLOBS = 0  # protocol 1 has no request with a blob
MAX_REPLY_BLOBS = 4
MAX_BLOB_BYTES = 64 << 20  # of one blob, as sent and as decoded

# What fields may hold.
MAX_ID_BYTES = 64
MAX_NAME_BYTES = 128
MAX_TITLE_BYTES = 1024  # of what people read
MAX_COUNT = 1000  # characters in one generate
MAX_SEED = 2**63 - 1
MAX_NOVELTY = 100  # percent
MAX_CONTROL = 100  # percent of a control's direction, either way
MAX_SCALE = 16
MAX_PADDING = 64  # pixels
MAX_EXTRUDE = 16  # pixels
MAX_CREDIT = 64 << 20  # bytes that a job can have in hand
PALETTE_BYTES = 1024  # 256 x RGBA
SHA256_BYTES = 32

# Times that both sides must agree on.
PING_MS = 10_000  # a client that has sent nothing for so long sends a ping
DEAD_MS = 30_000  # a side that has heard nothing for so long after a ping takes the other for dead
FORGET_MS = 60_000  # a server forgets a client that has sent nothing for so long
STALL_MS = 60_000  # a server drops a job that has waited so long for credit

CODECS = ("raw", "gzip", "zstd")
FORMATS = ("r8", "rgba8", "png")
OUTPUT_KINDS = ("preview", "animations", "sheet")
CHUNK_KINDS = ("preview", "animation", "sheet", "normal")
LAYOUTS = ("lpc", "rows", "packed")
TRIMS = ("each", "common", "none")
PRIORITIES = ("interactive", "batch")
