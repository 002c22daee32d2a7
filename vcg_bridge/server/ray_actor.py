"""What runs on the machines of a Ray cluster: a replica in an actor. Ray itself is not imported here.

What goes in and out of it is bytes of `orders`, and parcels. Ray's own workers give way to other processes already (nice 15).
"""

from __future__ import annotations

import logging
import platform
import queue
from collections.abc import Iterator, Sequence

import vcg_bridge
from vcg_bridge.server.pipes import framed, frames_of

log = logging.getLogger("vcg_bridge.server")


def version() -> str:
    """Of VCG Bridge on this machine."""
    return vcg_bridge.__version__


class Drawer:
    """The actor. Ray calls `order` one at a time, and `reports` once, beside it."""

    def __init__(self) -> None:
        # Only where it draws: the process that talks to Ray imports this module too.
        from vcg_bridge.server.parcels import Depot
        from vcg_bridge.server.replica import LogHandler, Replica, end_with_its_threads

        end_with_its_threads()
        self._reports: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._depot = Depot()
        self._replica: Replica | None = None
        logging.getLogger("vcg_bridge").addHandler(LogHandler(self._reports.put))

    def begin(self, settings: bytes, versions: Sequence[str], *parcels: bytes) -> str:
        """Be a replica with these settings. versions: whose parcels follow. Returns the name of this machine."""
        from vcg_bridge.server.orders import unpack_settings
        from vcg_bridge.server.replica import Replica

        self._unpack(versions, parcels)
        self._replica = Replica(unpack_settings(settings), self._reports.put, self._depot.locate)
        return platform.node()

    def order(self, orders: bytes, needed: Sequence[str], versions: Sequence[str], *parcels: bytes) -> tuple[str, ...]:
        """Take orders, one frame each. needed: versions that they are about. versions: those of them whose parcels follow.

        Returns the versions that it has now.
        """
        assert self._replica is not None
        self._depot.use(needed)
        self._unpack(versions, parcels)
        for data in frames_of(orders):
            self._replica.order(data)
        return self._depot.versions

    def reports(self) -> Iterator[bytes]:
        """What comes of the orders, as it comes: some reports at a time, one frame each. Ends after `end`."""
        ended = False
        while not ended:
            report = self._reports.get()
            waiting = bytearray()
            while report is not None:
                waiting += framed(report)
                try:
                    report = self._reports.get_nowait()
                except queue.Empty:
                    break
            ended = report is None
            yield bytes(waiting)

    def end(self) -> None:
        """Leave nothing on this machine; the process is about to be ended."""
        self._depot.close()
        self._reports.put(None)

    def _unpack(self, versions: Sequence[str], parcels: Sequence[bytes]) -> None:
        for sha256, parcel in zip(versions, parcels, strict=True):
            try:
                self._depot.add(sha256, parcel)
            except Exception as error:  # others may be able to draw with it: the replica says that it is not
                log.error("a bundle cannot be unpacked on %s: %s", platform.node(), error)
