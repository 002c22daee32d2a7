"""The process that talks to Ray for a server: a driver of the cluster, which makes the actors and carries bytes to and from them.

A process of its own, because Ray ends the process of a driver that has lost its cluster for a minute, takes its signal handlers, prints on
its output, and can be a long time about any call. Nothing else imports Ray. It ends when its standard input does.
"""

from __future__ import annotations

import contextlib
import os
import platform
import queue
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgpack

from vcg_bridge import __version__
from vcg_bridge.contract.errors import ConfigError, VcgError
from vcg_bridge.server.pipes import framed, read_frame
from vcg_bridge.server.ray_actor import Drawer, version

ALIVE_S = 5.0
"""So often it says that the cluster answers."""

LOCAL = "local"
"""Instead of an address: a cluster of this machine alone, for as long as this process."""

_REACH_S = 5.0
_PROBE_S = 30.0  # for a machine of the cluster to say which version it has
_WAIT_S = 20.0  # after which it is said that a replica waits for its turn in the cluster
_END_S = 2.0
_LOCAL_STORE_BYTES = 256 << 20  # of shared memory; Ray would take 30% of all

Say = Callable[[dict[str, Any]], None]
"""Takes a message for the server, from any thread."""


def connect(address: str, temporary: str) -> None:
    """Be a driver of that cluster. temporary: for the files of a local one. Raises ConfigError."""
    # Before Ray is imported: it reads them then.
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_AUTO_CONNECT": "0"}  # it would start clusters unasked
    if address == LOCAL:
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": os.urandom(32).hex()}
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            f"Ray is not installed here ({error})",
            hint="pip install 'vcg-bridge[ray]', the same version on all machines",
        ) from None
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    if address == LOCAL:
        ray.init(LOCAL, include_dashboard=False, object_store_memory=_LOCAL_STORE_BYTES, _temp_dir=temporary, **quiet)
        return
    _check_address(address, ray.util.get_node_ip_address)
    try:
        ray.init(address, **quiet)
    except Exception as error:
        raise ConfigError(_no_cluster(address, error), hint=_hint(error)) from None


def _check_address(address: str, here: Callable[[], str]) -> None:
    """Raises ConfigError where nothing can be there: Ray itself tries for minutes."""
    if address == "auto":
        return
    host, colon, port = address.rpartition(":")
    if "://" in address or not colon or not port.isdecimal():
        raise ConfigError(
            f"{address!r} is no address of a Ray cluster",
            hint="HOST:PORT as `ray start --head` prints it, auto (the cluster this machine belongs to), or local (one of this machine alone)",
        )
    try:
        # Ray listens at the machine's own address
        target = here() if host in ("localhost", "127.0.0.1", "::1", "[::1]") else host.strip("[]")
        socket.create_connection((target, int(port)), _REACH_S).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"there is no Ray cluster at {address} ({getattr(error, 'strerror', None) or error})", hint=_START
        ) from None


_START = "start one with `ray start --head`, and on other machines `ray start --address HOST:PORT`"


def _no_cluster(address: str, error: Exception) -> str:
    if address == "auto" and "any running Ray instance" in str(error):
        return "there is no Ray cluster on this machine"
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    where = "the Ray cluster of this machine" if address == "auto" else f"the Ray cluster at {address}"
    return f"cannot join {where}: {last_line(cause)}"


def _hint(error: Exception) -> str:
    text = f"{error} {error.__cause__}"
    if "uthentication" in text:
        return "it wants a token: set RAY_AUTH_MODE=token, and have the cluster's token in ~/.ray/auth_token"
    if "ersion mismatch" in text:
        return "install the same versions of Python and Ray on all machines"
    return (
        f"{_START}; the server's own machine has to be one of them (with --num-cpus 0 it draws nothing for the cluster)"
    )


def last_line(error: BaseException) -> str:
    """The gist of what Ray says in many lines, or of an exception in an actor."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:400]


@dataclass(frozen=True)
class Room:
    """What a cluster has for replicas."""

    replicas: int
    machines: int


def survey(gpus: bool) -> Room:
    """The machines that could draw. gpus: only those with one count. Raises ConfigError where VCG Bridge is missing or another version."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    unit = "GPU" if gpus else "CPU"
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get(unit, 0) >= 1]
    if not nodes:
        raise ConfigError(
            f"no machine of the Ray cluster has a {unit}",
            hint=f"add one: `ray start --address HOST:PORT` ({unit}s: `ray status`)",
        )
    task = ray.remote(version)
    probes = {
        task.options(
            num_cpus=0, max_retries=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(): str(node["NodeManagerAddress"])
        for node in nodes
    }  # fmt: skip
    done, _ = ray.wait(list(probes), num_returns=len(probes), timeout=_PROBE_S)
    wrong = {}
    for probe in done:
        try:
            found = ray.get(probe)
            problem = f"it has VCG Bridge {found}" if found != __version__ else ""
        except Exception as error:
            problem = last_line(error)
        if problem:
            wrong[probes[probe]] = problem
    if wrong:
        where, why = next(iter(wrong.items()))
        more = f", and {len(wrong) - 1} more machines" if len(wrong) > 1 else ""
        raise ConfigError(
            f"machines of the Ray cluster cannot draw: {where} ({why}){more}",
            hint=f"pip install 'vcg-bridge[ray]=={__version__}' there, in the Python that Ray runs with ({platform.python_version()})",
        )
    return Room(sum(int(node["Resources"][unit]) for node in nodes), len(nodes))


@dataclass
class _Item:
    """An order, and the versions it needs."""

    data: bytes
    parcels: dict[str, Any] = field(default_factory=dict)  # sha256 -> reference in Ray's object store


class Puppet:
    """One actor: a thread that gives it its orders, and one that takes its reports. Any call of Ray may wait for long, so none is made elsewhere."""

    def __init__(self, number: int, gpus: bool, settings: _Item, say: Say) -> None:
        self.number, self._gpus, self._settings, self._say = number, gpus, settings, say
        self._orders: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._has: set[str] = set(settings.parcels)
        self._actor: Any = None
        self._lock = threading.Lock()
        self._over = False
        self.thread = threading.Thread(target=self._run, name=f"vcg-ray-{number}", daemon=True)
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

    def _run(self) -> None:
        import ray

        try:
            kind = ray.remote(Drawer)
            self._actor = kind.options(
                num_cpus=1, num_gpus=int(self._gpus), max_restarts=0, max_task_retries=0, max_concurrency=2
            ).remote()
            parcels = self._settings.parcels
            begun = self._actor.begin.remote(self._settings.data, list(parcels), *parcels.values())
            threading.Thread(target=self._listen, name=f"vcg-ray-{self.number}-reports", daemon=True).start()
            if not ray.wait([begun], timeout=_WAIT_S)[0]:
                self._note("waits for a free place in the Ray cluster")
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
        ray.get(self._actor.order.remote(orders, list(parcels), *parcels.values()))
        self._has.update(parcels)

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
        import ray

        for puppet in self._puppets.values():
            self._end(puppet)
        until = time.monotonic() + _END_S
        for thread in self._ending:
            thread.join(max(0.0, until - time.monotonic()))
        ray.shutdown()

    def _end(self, puppet: Puppet) -> None:
        puppet.end()
        self._ending = [thread for thread in self._ending if thread.is_alive()] + [puppet.thread]


def main() -> None:
    """Serve the server at the other end of standard input and output."""
    orders: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    reports = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever Ray prints
    lock = threading.Lock()
    connected = threading.Event()

    def say(message: dict[str, Any]) -> None:
        try:
            with lock:
                reports.write(framed(msgpack.packb(message)))
                reports.flush()
        except OSError:  # the server is gone; so is our input
            return

    def read() -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                orders.put(read_frame(sys.stdin.buffer))
        if not connected.is_set():
            os._exit(1)  # Ray may be at it for minutes; its own reaper ends a local cluster
        orders.put(None)

    def stay_alive() -> None:
        import ray

        while True:
            ray.nodes()
            say({"alive": True})
            time.sleep(ALIVE_S)

    settings = msgpack.unpackb(read_frame(sys.stdin.buffer))
    threading.Thread(target=read, name="vcg-ray-read", daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="vcg-ray-", ignore_cleanup_errors=True) as temporary:
        # Ray lets the workers import from a driver's current folder: there must be nothing in it.
        empty = Path(temporary, "empty")
        empty.mkdir()
        os.chdir(empty)
        try:
            connect(settings["address"], temporary)
            for number in (signal.SIGINT, signal.SIGTERM):  # the server hears of these, and says when it is over
                signal.signal(number, signal.SIG_IGN)
            room = survey(settings["gpus"])
        except VcgError as error:
            say({"error": error.message, "hint": error.hint})
            return
        connected.set()
        say({"replicas": room.replicas, "machines": room.machines})
        threading.Thread(target=stay_alive, name="vcg-ray-alive", daemon=True).start()
        link = Link(settings["gpus"], say)
        while (data := orders.get()) is not None:
            link.obey(msgpack.unpackb(data))
        link.close()
