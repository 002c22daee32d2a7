"""A replica: draws turns away from the server's process. Run as a module it is such a process, with orders on its standard input.

It has a generator, caches and an interpreter of its own. How its orders come, and where its reports go, is not its business: the
same replica runs in a process of this machine (`processes`) and on another one (`ray_replicas`).
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator

from vcg_bridge.contract.errors import BundleError
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.generators.cache import CacheInfo
from vcg_bridge.server.jobs import Plan, Turn
from vcg_bridge.server.orders import (
    Opened,
    Order,
    Report,
    Said,
    Settings,
    pack_report,
    unpack_order,
    unpack_settings,
)
from vcg_bridge.server.pipes import framed, read_frame
from vcg_bridge.server.studio import Studio
from vcg_bridge.server.worker import Lost, Stage, Worker

log = logging.getLogger("vcg_bridge.server")

UNHEARD = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""They go to all processes of a terminal or a service. The server hears of them, and says when it is over."""


class Replica:
    """Two drawing threads and what they draw with. `close` it."""

    def __init__(
        self,
        settings: Settings,
        say: Callable[[bytes], None],
        locate: Callable[[str, str], str] = lambda sha256, folder: folder,
    ) -> None:
        """say: takes reports, in a thread of this replica. locate: where a version is that the server has in that folder.

        Raises nothing: what cannot be opened is told when it is asked for.
        """
        self._settings, self._say, self._locate = settings, say, locate
        self._shelf = _Shelf(settings)
        self._wake: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._worker = Worker(self._shelf, lambda: self._wake.put(True))
        self._plans: OrderedDict[int, Plan] = OrderedDict()
        self._turns: dict[int, Turn] = {}  # under way; two threads use it
        self._reporter = threading.Thread(target=self._report, name="vcg-report", daemon=True)
        for sha256, folder in settings.bundles[: settings.loaded]:
            try:
                self._shelf.open(sha256, locate(sha256, folder))
            except Exception as error:
                self._tell(Said(logging.ERROR, f"a replica cannot open {folder}: {error}"))
        self._worker.start()
        self._reporter.start()

    def order(self, data: bytes) -> None:
        """Take an order. In one thread only."""
        order = unpack_order(data)
        if isinstance(order, Order):
            try:
                needed = {turn.sha256 for turn in tuple(self._turns.values())}
                studio = self._shelf.open(order.sha256, self._locate(order.sha256, order.folder), needed)
                turn = order.plan(studio.manifest, self._settings.limits, self._plans)
            except Exception as error:
                self._tell(Lost(order.turn, str(error), True))
                self._tell(Stage(order.turn, False, 0.0))
                self._tell(Stage(order.turn, True, 0.0))
                return
            self._turns[turn.number] = turn
            self._worker.submit(turn)
        else:
            for step in (step for turn in tuple(self._turns.values()) for step in turn.steps):
                if step.number == order.step:
                    step.stop.set()

    def close(self) -> None:
        """End the threads."""
        self._worker.stop(5.0)
        self._wake.put(False)
        self._reporter.join(5.0)
        self._shelf.close()

    def _report(self) -> None:
        told = False
        while self._wake.get():
            for event in self._worker.take():
                self._tell(event)
                if isinstance(event, Stage) and event.finished:
                    self._turns.pop(event.turn, None)
                    self._tell(self._shelf.cache_info())
            if self._worker.warm and not told:
                told = True
                self._tell(Opened(self._shelf.device))

    def _tell(self, report: Report) -> None:
        self._say(pack_report(report))


class _Shelf:
    """The bundles of a replica. Opened in the thread of the orders; the worker's threads find them here."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._studios: OrderedDict[str, Studio] = OrderedDict()  # the latest ordered last
        self._lock = threading.Lock()
        self.most_loaded = settings.loaded

    def __iter__(self) -> Iterator[Studio]:
        with self._lock:
            return iter(tuple(self._studios.values()))

    @property
    def device(self) -> str:
        return next((studio.generator.device for studio in self), self._settings.device)

    def open(self, sha256: str, folder: str, needed: Collection[str] = ()) -> Studio:
        """The studio of that version, with all its networks: its files may be gone a moment later. needed: versions of the turns under way.

        Raises BundleError where another one is there by now, DeviceError.
        """
        with self._lock:
            if sha256 in self._studios:
                self._studios.move_to_end(sha256)
                return self._studios[sha256]
        bundle = open_bundle(folder)
        if bundle.manifest.sha256 != sha256:
            raise BundleError(f"{folder}: another version is there by now")
        settings = self._settings
        studio = Studio(bundle, settings.device, settings.threads, settings.cache_bytes)
        try:
            studio.warm_up()
        except BaseException:
            studio.close()
            raise
        with self._lock:
            self._studios[sha256] = studio
            spare = [x for x in self._studios if x not in needed and x != sha256]
            for other in spare[: max(0, len(self._studios) - self.most_loaded)]:
                self._studios.pop(other).generator.unload()  # a thread may still be at it: it is not closed
        return studio

    def get(self, sha256: str) -> Studio:
        with self._lock:
            return self._studios[sha256]

    def use(self, sha256: str) -> Studio:
        return self.get(sha256)

    def cache_info(self) -> CacheInfo:
        """Of all bundles."""
        infos = [studio.generator.cache_info() for studio in self]
        return CacheInfo(
            sum(i.hits for i in infos), sum(i.misses for i in infos), sum(i.entries for i in infos),
            sum(i.bytes for i in infos), sum(i.max_bytes for i in infos),
        )  # fmt: skip

    def close(self) -> None:
        for studio in self:
            studio.close()


class LogHandler(logging.Handler):
    """Sends what is logged here to the server's log."""

    def __init__(self, say: Callable[[bytes], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):
            self._say(pack_report(Said(record.levelno, self.format(record))))


def end_with_its_threads() -> None:
    """From now on this process ends when a thread of ours fails: what it was for would never be done, and nobody would know."""
    usual = threading.excepthook

    def end(failed: threading.ExceptHookArgs) -> None:
        name = failed.thread.name if failed.thread is not None else ""
        if not name.startswith("vcg-"):
            usual(failed)
            return
        try:
            log.critical("a fault of a replica: %s has failed; it ends", name, exc_info=failed.exc_value)
        finally:
            os._exit(1)

    threading.excepthook = end


def main() -> None:
    """Draw what standard input asks for, until it ends: it ends however the server ends, so no replica is left behind."""
    for number in UNHEARD:
        signal.signal(number, signal.SIG_IGN)
    orders = sys.stdin.buffer
    reports = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    words = sys.stderr.fileno() if sys.stderr is not None else os.open(os.devnull, os.O_WRONLY)
    os.dup2(words, sys.stdout.fileno())  # whatever a library prints
    lock = threading.Lock()

    def say(data: bytes) -> None:
        try:
            with lock:
                reports.write(framed(data))
                reports.flush()
        except OSError:  # the server is gone
            os._exit(0)

    try:
        settings = unpack_settings(read_frame(orders))
        if settings.nice and hasattr(os, "nice"):
            os.nice(settings.nice)
        logging.getLogger().addHandler(LogHandler(say))
        end_with_its_threads()
        replica = Replica(settings, say)
        while True:
            replica.order(read_frame(orders))
    except EOFError:
        os._exit(0)  # nobody waits for what is under way
    except Exception:
        log.exception("a fault of a replica; it ends")
        os._exit(1)  # an ordinary end would wait for threads that wait for nothing more


if __name__ == "__main__":
    main()
