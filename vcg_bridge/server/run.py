"""Running a server in this process until it is told to stop."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType

from vcg_bridge.server.config import ServerConfig
from vcg_bridge.server.server import Server


def serve(config: ServerConfig, ready: Callable[[Server], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; a second one ends without waiting for what runs. Call it from the main thread.

    ready: called as soon as clients can connect. Raises ConfigError, AddressError, BundleError,
    DeviceError before anything is served.
    """
    server = Server(config)

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.stop()

    earlier = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        if ready is not None:
            ready(server)
        server.run()
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
