"""Ports that a test has to know before anybody listens at them. (Whoever can, listens at port 0 and says what the system chose.)"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port of 127.0.0.1 that the system gives to nobody else while the block runs.

    A socket is bound to it and does not listen: who connects is refused, until a server that was told the number listens beside it. Linux
    lets those do so that set SO_REUSEADDR, as libzmq, asyncio and socket.create_server do. Elsewhere the port is only likely to stay free.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        port: int = holder.getsockname()[1]
        if sys.platform != "linux":
            holder.close()
        yield port
