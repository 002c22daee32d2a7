"""The process that talks to Ray for a server: a driver of the cluster, which makes the actors and carries bytes to and from them.

A process of its own, because Ray ends the process of a driver that has lost its cluster for a minute, takes its signal handlers, prints on
its output, and can be a long time about any call. Only what runs in it imports Ray. It ends when its standard input does.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgpack

from vcg_bridge.contract.errors import VcgError
from vcg_bridge.server.pipes import framed, read_frame
from vcg_bridge.server.ray_actor import Drawer
from vcg_bridge.server.ray_joining import connect, last_line, leave, survey

ALIVE_S = 5.0
"""So often it says that the cluster answers."""

_WAIT_S = 20.0  # after which it is said that a replica waits for its turn in the cluster
_END_S = 2.0

Say = Callable[[dict[str, Any]], None]
"""Takes a message for the server, from any thread."""


@dataclass
class _Item:
    """An order, and the versions it needs."""

    data: bytes
    parcels: dict[str, Any] = field(default_factory=dict)  # sha256 -> reference in Ray's object store


class Puppet:
    """One actor: a thread that gives it its orders, and one that takes its reports. Any call of Ray may wait for long, so none is made elsewhere."""

    def __init__(self, number: int, gpus: bool, settings: _Item, say: Say) -> None:
        self.number, self._gpus, self._say = number, gpus, say
        self._orders: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._has: set[str] = set(settings.parcels)
        self._actor: Any = None
        self._lock = threading.Lock()
        self._over = False
        self.thread = threading.Thread(target=self._run, args=(settings,), name=f"vcg-ray-{number}", daemon=True)
        self.thread.start()

    def order(self, item: _Item) -> None:
        """Have it done after what was ordered before."""
        self._orders.put(item)

    def end(self) -> None:
        """After what was ordered."""
        with self._lock:
            self._over = True
        self._orders.put(None)

    def kill(self) -> None:
        """At once. May wait: not for the thread that reads."""
        self.end()
        if self._actor is not None:
            import ray

            ray.kill(self._actor)

    def _run(self, settings: _Item) -> None:
        import ray

        try:
            kind = ray.remote(Drawer)
            self._actor = kind.options(
                num_cpus=1, num_gpus=int(self._gpus), max_restarts=0, max_task_retries=0, max_concurrency=2
            ).remote()
            begun = self._actor.begin.remote(settings.data, list(settings.parcels), *settings.parcels.values())
            settings.parcels.clear()  # Ray keeps what is referred to
            threading.Thread(target=self._listen, name=f"vcg-ray-{self.number}-reports", daemon=True).start()
            if not ray.wait([begun], timeout=_WAIT_S)[0]:
                self._note("has not begun: it waits for a free place in the Ray cluster, or that machine is slow")
            self._note(f"draws on {ray.get(begun)}")
            while (item := self._orders.get()) is not None:
                self._order(item)
            ray.get(self._actor.end.remote(), timeout=_END_S)
            ray.kill(self._actor)
        except Exception as error:
            self._lose(error)

    def _order(self, first: _Item) -> None:
        """What waits, in one call. The next one goes when this has arrived: so they arrive in order."""
        import ray

        items = [first]
        while not self._orders.empty():
            item = self._orders.get()
            if item is None:
                self._orders.put(None)
                break
            items.append(item)
        parcels = {
            sha256: parcel for item in items for sha256, parcel in item.parcels.items() if sha256 not in self._has
        }
        orders = b"".join(framed(item.data) for item in items)
        needed = list({sha256 for item in items for sha256 in item.parcels})
        self._has = set(ray.get(self._actor.order.remote(orders, needed, list(parcels), *parcels.values())))

    def _listen(self) -> None:
        import ray

        try:
            for reports in self._actor.reports.options(num_returns="streaming").remote():
                self._say({"reports": self.number, "data": ray.get(reports)})
        except Exception as error:
            self._lose(error)

    def _lose(self, error: Exception) -> None:
        import ray

        with self._lock:
            told, self._over = self._over, True
        if not told:
            self._say({"lost": self.number, "why": last_line(error)})
        self._orders.put(None)
        if self._actor is not None:
            with contextlib.suppress(Exception):  # it may be alive where we do not reach it
                ray.kill(self._actor)

    def _note(self, words: str) -> None:
        self._say({"note": self.number, "words": words})


class Link:
    """All puppets, and the parcels that were given to Ray."""

    def __init__(self, gpus: bool, say: Say) -> None:
        self._gpus, self._say = gpus, say
        self._puppets: dict[int, Puppet] = {}
        self._ending: list[threading.Thread] = []
        self._parcels: dict[str, Any] = {}

    def obey(self, message: dict[str, Any]) -> None:
        """Do what the server asks for."""
        import ray

        number = message.get("number", 0)
        match message["do"]:
            case "keep":
                self._parcels[message["version"]] = ray.put(message["parcel"])
            case "forget":
                self._parcels.pop(message["version"], None)
            case "start":
                self._puppets[number] = Puppet(number, self._gpus, self._item(message), self._say)
            case "order" if number in self._puppets:
                self._puppets[number].order(self._item(message))
            case "end" if number in self._puppets:
                self._end(self._puppets.pop(number))
            case "kill" if number in self._puppets:
                threading.Thread(target=self._puppets.pop(number).kill, daemon=True).start()

    def _item(self, message: dict[str, Any]) -> _Item:
        return _Item(message["data"], {sha256: self._parcels[sha256] for sha256 in message["versions"]})

    def close(self) -> None:
        """End all actors and leave the cluster."""
        for puppet in self._puppets.values():
            self._end(puppet)
        until = time.monotonic() + _END_S
        for thread in self._ending:
            thread.join(max(0.0, until - time.monotonic()))
        leave()

    def _end(self, puppet: Puppet) -> None:
        puppet.end()
        self._ending = [thread for thread in self._ending if thread.is_alive()] + [puppet.thread]


def main() -> None:
    """Serve the server at the other end of standard input and output."""
    reports = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever Ray prints
    settings = msgpack.unpackb(read_frame(sys.stdin.buffer))
    lock = threading.Lock()

    def say(message: dict[str, Any]) -> None:
        with lock, contextlib.suppress(OSError):  # the server is gone; so is our input
            reports.write(framed(msgpack.packb(message)))
            reports.flush()

    def gone() -> None:
        shutil.rmtree(settings["folder"], ignore_errors=True)
        os._exit(1)  # Ray may be at it for minutes; its own reaper ends a local cluster

    orders = _Orders(gone)
    try:
        # Ray lets the workers import from a driver's current folder: there must be nothing in it.
        os.chdir(Path(settings["folder"], "empty"))
        connect(settings["address"], settings["folder"])
        for number in (signal.SIGINT, signal.SIGTERM):  # the server hears of these, and says when it is over
            signal.signal(number, signal.SIG_IGN)
        room = survey(settings["gpus"])
        orders.patient = True
        say({"replicas": room.replicas, "machines": room.machines})
        threading.Thread(target=_stay_alive, args=(say,), name="vcg-ray-alive", daemon=True).start()
        link = Link(settings["gpus"], say)
        while (data := orders.queue.get()) is not None:
            link.obey(msgpack.unpackb(data))
        link.close()
    except VcgError as error:
        say({"error": error.message, "hint": error.hint})
        leave()
    except BaseException:
        traceback.print_exc()
    os.chdir("/")
    folder = Path(settings["folder"])
    for _ in range(10):  # some process of a local cluster may still write its log
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
        time.sleep(0.2)
    os._exit(0)  # whatever Ray's threads are at


class _Orders:
    """What comes on standard input, read in a thread; None at its end."""

    def __init__(self, gone: Callable[[], None]) -> None:
        """gone: called at the end of the input while there is no patience for it."""
        self.queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.patient = False
        self._gone = gone
        threading.Thread(target=self._read, name="vcg-ray-read", daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                self.queue.put(read_frame(sys.stdin.buffer))
        if not self.patient:
            self._gone()
        self.queue.put(None)


def _stay_alive(say: Say) -> None:
    import ray

    while True:
        with contextlib.suppress(Exception):  # it does not answer; or it has been left
            ray.nodes()
            say({"alive": True})
        time.sleep(ALIVE_S)
