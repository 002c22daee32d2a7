"""The names that libzmq gives connections: five bytes, a zero and a number that grows by one.

A peer may name itself so too, and libzmq 4.3.5 takes it at its word. If that number is the next to be given, libzmq ends the process at
the next connection (an assertion). The numbers begin with rand(), which nobody seeds, so everybody would know them.
"""

from __future__ import annotations

import ctypes
import secrets
import sys
from contextlib import suppress

_LENGTH = 5


def unforeseeable() -> None:
    """Seed the rand() that the next ROUTER of this process begins to count with. To be called in the thread that makes it."""
    with suppress(OSError, AttributeError):  # a system whose C library is elsewhere: security.md says what that means
        library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
        library.srand(ctypes.c_uint(secrets.randbits(32)))


def is_ours(route: bytes) -> bool:
    """Whether our socket has made this name, as far as can be seen: a name of a peer's own looks different, or has never spoken."""
    return len(route) == _LENGTH and route.startswith(b"\0")
