"""Running a server in this process until it is told to stop."""

from __future__ import annotations

import faulthandler
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from vcg_bridge.server.config import ServerConfig
from vcg_bridge.server.server import Server
from vcg_bridge.server.supervisor import Supervisor

SWITCH_S = 0.0005
"""How long a thread may keep the interpreter while another waits for it. Python's own 5 ms are as long as a small request takes."""

DESCRIPTORS = 8192
"""More than all connections that the bounds allow. Many systems begin a program with 1024 or 256."""


def allow_descriptors() -> None:
    """Raise the soft limit of open files, as far as the hard one lets us."""
    with suppress(ImportError, OSError, ValueError):  # this system has no such limits, or keeps them
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def tell_what_ended_us() -> None:
    """Where a library crashes, or a watchdog ends us with SIGABRT: what every thread was doing, on standard error."""
    with suppress(AttributeError, OSError, RuntimeError, ValueError):  # there is none that the system knows
        faulthandler.enable()


def serve(config: ServerConfig, ready: Callable[[Server], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; a second one ends without waiting for what runs. SIGHUP: take bundles, certificate, token and
    known clients anew. Call it from the main thread.

    ready: called as soon as clients can connect. Raises ConfigError, AddressError, BundleError,
    DeviceError before anything is served.
    """
    allow_descriptors()
    tell_what_ended_us()
    supervisor = Supervisor()
    server = Server(config)

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.stop()

    def reload(_number: int, _frame: FrameType | None) -> None:
        server.reload()

    earlier = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    if hasattr(signal, "SIGHUP"):
        earlier[signal.SIGHUP] = signal.signal(signal.SIGHUP, reload)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        if ready is not None:
            ready(server)
        server.run(supervisor)
    finally:
        supervisor.close()
        sys.setswitchinterval(interval)
        for number, handler in earlier.items():
            signal.signal(number, handler)
