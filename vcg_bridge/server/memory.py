"""Memory that the C library has got back, and keeps."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress


def give_back() -> None:
    """Have the system get what is free. Takes some milliseconds, and more where much is.

    glibc gives back by itself only what lies at the end of its heap, and something that is still in use lies there always (its malloc_trim(3)).
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(ctypes.c_size_t(0))
