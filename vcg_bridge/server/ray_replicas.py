"""Replicas on the machines of a Ray cluster: the server's end. Ray itself is in a process of ours beside the server (`ray_link`)."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import re
import signal
import subprocess
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import msgpack

from vcg_bridge.contract.errors import BundleError, ConfigError
from vcg_bridge.server.jobs import Turn
from vcg_bridge.server.orders import Settings
from vcg_bridge.server.parcels import KEPT, parcel_of
from vcg_bridge.server.pipes import framed, frames_of, python, read_frame
from vcg_bridge.server.remote import RemoteReplica
from vcg_bridge.server.worker import Lost, Stage

log = logging.getLogger("vcg_bridge.server")

CONNECT_S = 60.0
"""For joining the cluster, or starting a local one."""

SILENT_S = 60.0
"""A link that has not said for so long that the cluster answers is ended; a new one joins again."""

STOP_S = 8.0
"""For leaving the cluster."""

PARCELS = KEPT
"""Versions of bundles that are kept in Ray's object store, the latest used: as many as on the machines that draw."""

_Job = Callable[[], None]

_ORNAMENTS = re.compile(
    r"\x1b\[[0-9;]*m|^\[[-0-9: ,.]+ [A-Z] \d+ \d+\] [\w.]+:\d+: "
)  # colours; time, level, thread and place in Ray's source
_MOST_WORDS = 240


class Link:
    """The process that talks to Ray, and what was said to it. Ends once; a new one is made then."""

    def __init__(self, address: str, gpus: bool) -> None:
        """Raises OSError where no process can be started."""
        self.lost = ""
        self.replicas = 0
        """For which the cluster has room."""
        self._said: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()  # until it is connected
        self._listeners: dict[int, RayReplica] = {}
        self._kept: OrderedDict[str, None] = OrderedDict()
        self._orders: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._words = ""
        self.heard = time.monotonic()
        """s; when it last said that the cluster answers."""
        self._folder = TemporaryDirectory(prefix="vcg-ray-", ignore_cleanup_errors=True)
        Path(self._folder.name, "empty").mkdir()
        self._process = subprocess.Popen(
            [*python(), "-c", "from vcg_bridge.server.ray_link import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl+C is for the server; and what it starts can be ended with it
        )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._threads = [
            threading.Thread(target=run, args=(stream,), name=f"vcg-ray-{word}", daemon=True)
            for run, stream, word in (
                (self._write, process.stdin, "orders"), (self._read, process.stdout, "reports"), (self._listen, process.stderr, "words"),
            )
        ]  # fmt: skip
        self.send({"address": address, "gpus": gpus, "folder": self._folder.name})
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def wait(self, address: str, timeout_s: float) -> None:
        """Until it is connected. Raises ConfigError."""
        try:
            said = self._said.get(timeout=timeout_s)
        except queue.Empty:
            said = {
                "error": f"no answer of the Ray cluster {address} within {timeout_s:.0f} s",
                "hint": "look at `ray status`",
            }
        if said is None:
            said = {"error": f"joining the Ray cluster {address} failed: {self.lost}", "hint": "try `ray status`"}
        if "error" in said:
            raise ConfigError(said["error"], hint=said["hint"])
        self.replicas = said["replicas"]
        log.info("Ray cluster %s: %d machines, room for %d replicas", address, said["machines"], self.replicas)

    def add(self, replica: RayReplica) -> None:
        """Who is told what concerns that number."""
        self._listeners[replica.number] = replica
        if self.lost:  # it may have ended before it was known
            replica.end(self.lost, blameless=True)

    def remove(self, number: int) -> None:
        """Nobody listens to it any more."""
        self._listeners.pop(number, None)

    def send(self, message: dict[str, Any]) -> None:
        """In the order of the calls, from any thread."""
        self._orders.put(lambda: self.put(message))

    def do(self, job: _Job) -> None:
        """In the thread that sends, in the order of the calls. It may use `keep` and `put`."""
        self._orders.put(job)

    def put(self, message: dict[str, Any]) -> None:
        """Send now. In that thread only. Raises OSError."""
        stream = self._process.stdin
        assert stream is not None
        stream.write(framed(msgpack.packb(message)))
        stream.flush()

    def keep(self, sha256: str, folder: str) -> None:
        """Have a version in Ray's object store. In that thread only. Raises BundleError, OSError."""
        if sha256 not in self._kept:
            self.put({"do": "keep", "version": sha256, "parcel": parcel_of(folder, sha256)})
        self._kept[sha256] = None
        self._kept.move_to_end(sha256)
        while len(self._kept) > PARCELS:
            self.put({"do": "forget", "version": self._kept.popitem(last=False)[0]})

    def kill(self) -> None:
        """End it at once."""
        if not hasattr(os, "waitid"):
            self._process.kill()
        elif self._process.returncode is None:
            with contextlib.suppress(
                OSError
            ):  # Popen.kill might be the one to learn that it has ended: `_ended` must be
                os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """End it in good order, and wait for that."""
        self._orders.put(None)
        until = time.monotonic() + STOP_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            log.warning("the link to the Ray cluster does not end; it is killed")
            self.kill()
            for thread in self._threads:
                thread.join(STOP_S)
        self._folder.cleanup()

    def _write(self, stream: BinaryIO) -> None:
        try:
            with stream:
                while (job := self._orders.get()) is not None:
                    job()
        except OSError:  # it is gone: `_read` says so
            return
        except Exception:  # else its replicas would wait for ever for what was to be said
            log.exception("a fault of the server; the link to the Ray cluster is ended")
            self.kill()

    def _read(self, stream: BinaryIO) -> None:
        try:
            with stream:
                while True:
                    self._heard(msgpack.unpackb(read_frame(stream)))
        except (EOFError, OSError):
            pass
        except Exception:  # else its replicas would neither draw nor be lost
            log.exception("the link to the Ray cluster says what cannot be understood; it is ended")
            self.kill()
        code = self._ended()
        how = f"signal {-code}" if code < 0 else f"code {code}"
        self.lost = f"the link to the Ray cluster has ended ({how}){f': {self._words}' if self._words else ''}"
        self._said.put(None)
        for replica in tuple(self._listeners.values()):
            replica.end(self.lost, blameless=True)

    def _ended(self) -> int:
        """Wait until the process has ended; end what it has left behind, a local cluster's own processes. Returns its code."""
        if hasattr(os, "waitid"):
            os.waitid(
                os.P_PID, self.pid, os.WEXITED | os.WNOWAIT
            )  # while it is not waited for, its group is nobody else's
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
        return self._process.wait()

    def _heard(self, message: dict[str, Any]) -> None:
        self.heard = time.monotonic()
        if "reports" in message:
            replica = self._listeners.get(message["reports"])
            if replica is not None:
                replica.heard(message["data"])
        elif "lost" in message:
            replica = self._listeners.get(message["lost"])
            if replica is not None:
                replica.end(message["why"])
        elif "note" in message:
            replica = self._listeners.get(message["note"])
            if replica is not None:
                log.info("%s %s", replica.name, message["words"])
        elif "alive" not in message:
            self._said.put(message)

    def _listen(self, stream: BinaryIO) -> None:
        with stream:
            for line in stream:
                words = _ORNAMENTS.sub("", line.decode("utf-8", "replace")).strip()
                if words:
                    self._words = words[:_MOST_WORDS]
                    log.info("Ray: %s", words)


class RayReplica(RemoteReplica):
    """One actor that draws. No method waits."""

    def __init__(
        self, name: str, number: int, link: Link, settings: Settings, folder_of: Callable[[str], str], notify: Callable[[], None]
    ) -> None:  # fmt: skip
        """number: that the link knows it by. folder_of, notify: see RemoteReplica."""
        super().__init__(name, folder_of, notify)
        self.number, self._link, self._settings = number, link, settings
        link.add(self)
        link.do(self._start)

    def kill(self, why: str) -> None:
        """End it at once. It is `lost` at once too, whether Ray can reach it or not."""
        log.error("%s is killed: %s", self.name, why)
        self._leave("kill")
        self.end(f"it was killed: {why}")

    def close(self) -> None:
        """End it. It is waited for when the cluster is left."""
        self._leave("end")

    def _leave(self, how: str) -> None:
        self._link.remove(self.number)
        self._link.send({"do": how, "number": self.number})

    def heard(self, data: bytes) -> None:
        """Some reports. In the link's thread."""
        for frame in frames_of(data):
            self._heard(frame)
        self._notify()

    def _send_turn(self, turn: Turn, folder: str, data: bytes) -> None:
        number, sha256 = turn.number, turn.sha256
        self._link.do(lambda: self._order(data, number, sha256, folder))

    def _send_stop(self, data: bytes) -> None:
        if not self.lost:
            self._link.send({"do": "order", "number": self.number, "data": data, "versions": []})

    # in the thread that sends

    def _start(self) -> None:
        bundles = []
        for sha256, folder in self._settings.bundles[
            :PARCELS
        ]:  # what else there is, it gets when it is to draw with it
            try:
                self._link.keep(sha256, folder)
                bundles.append((sha256, folder))
            except BundleError as error:  # told again when it is asked for
                log.warning("%s cannot have a bundle: %s", self.name, error)
        data = replace(self._settings, bundles=tuple(bundles)).pack()
        versions = [sha256 for sha256, _ in bundles]
        self._link.put({"do": "start", "number": self.number, "data": data, "versions": versions})

    def _order(self, data: bytes, turn: int, sha256: str, folder: str) -> None:
        if self.lost:
            return
        try:
            self._link.keep(sha256, folder)
        except BundleError as error:
            self._events += [Lost(turn, str(error), True), Stage(turn, False, 0.0), Stage(turn, True, 0.0)]
            self._notify()
            return
        self._link.put({"do": "order", "number": self.number, "data": data, "versions": [sha256]})


class RayCluster:
    """The cluster that a server draws with. When the link to it is lost, a new one is tried each time that somebody is to be recruited."""

    def __init__(self, address: str, device: str, notify: Callable[[], None]) -> None:
        """Joins it, which takes seconds. address: HOST:PORT, auto or local; "" what Ray's own RAY_ADDRESS says, else auto. device: cuda has
        a GPU for each replica. Raises ConfigError.
        """
        self.address = address or os.environ.get("RAY_ADDRESS") or "auto"
        self._gpus, self._notify = device == "cuda", notify
        self._numbers = 0
        self._joining: threading.Thread | None = None
        self._next: Link | None = None  # while it is tried
        self._closed = False
        self._complaint = ""  # why it could not be joined again
        self._link = self._joined()

    @property
    def room(self) -> int:
        """Replicas for which it had room when it was joined."""
        return self._link.replicas

    @property
    def pid(self) -> int:
        """Of the process that talks to Ray."""
        return self._link.pid

    def _joined(self) -> Link:
        self._next = link = Link(self.address, self._gpus)
        try:
            link.wait(self.address, CONNECT_S)
        except BaseException:
            link.close()
            raise
        finally:
            self._next = None
        return link

    def recruit(self, name: str, settings: Settings, folder_of: Callable[[str], str]) -> RayReplica:
        """A replica that starts as soon as there is room for it. Raises ConfigError while the cluster is not to be reached."""
        link = self._link
        if not link.lost and time.monotonic() - link.heard > SILENT_S:
            log.error("the Ray cluster %s has not answered for %.0f s", self.address, SILENT_S)
            link.kill()
            raise ConfigError(f"the Ray cluster {self.address} does not answer")
        if link.lost:
            if self._joining is None or not self._joining.is_alive():
                self._joining = threading.Thread(target=self._join, name="vcg-ray-join", daemon=True)
                self._joining.start()
            raise ConfigError(f"the Ray cluster {self.address} is lost; joining it again")
        self._numbers += 1
        return RayReplica(name, self._numbers, link, settings, folder_of, self._notify)

    def _join(self) -> None:
        try:
            link = self._joined()
        except (ConfigError, OSError) as error:
            if str(error) != self._complaint:
                log.error("%s", error)
            self._complaint = str(error)
            return
        self._complaint = ""
        self._link.close()
        self._link = link
        if self._closed:
            link.close()

    def close(self) -> None:
        """Leave it. A local one ends."""
        self._closed = True
        if self._next is not None:
            self._next.kill()
        if self._joining is not None:
            self._joining.join(STOP_S)
        self._link.close()
