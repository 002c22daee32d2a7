"""Many clients of one server in one thread, each a bare connection: plain, under CURVE or through TLS, as the options say.

They read what they need of each answer and no more: on a small machine their own work is taken from the server's. (Through TLS
each has the thread that the Python client has, too.)
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import msgpack
import zmq

from vcg_bridge.client import ClientOptions
from vcg_bridge.client.dealer import Break, Dealer, trust_of
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import Disconnected, Timeout, VcgError
from vcg_bridge.contract.messages import Design, Generate

WINDOW = 8 << 20
SHEET = ("walk", "idle")
SILENCE_S = 60.0
MAX_SOCKETS = 4096  # a monitor has two of its own


@dataclass
class Sample:
    """One job, from its request on."""

    began: float
    preview_ms: float = 0.0  # until its first chunk
    done_ms: float = 0.0
    bytes: int = 0


@dataclass
class Load:
    """What so many clients got."""

    clients: int
    seconds: float
    samples: list[Sample] = field(default_factory=list)

    @property
    def per_s(self) -> float:
        """Characters (jobs of one) a second."""
        return len(self.samples) / self.seconds

    @property
    def bytes_each(self) -> float:
        """Bytes of all frames, per job."""
        return sum(s.bytes for s in self.samples) / max(1, len(self.samples))

    def preview(self, percent: float) -> float:
        """A percentile of the time to the first chunk, ms."""
        return percentile([s.preview_ms for s in self.samples], percent)

    def done(self, percent: float) -> float:
        """A percentile of the time to done, ms."""
        return percentile([s.done_ms for s in self.samples], percent)


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile; 0 of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else 0.0


Make = Callable[[int], Generate]
"""The request with that number: a new character each."""


class Driver:
    """Clients of one server. Use it in a `with`."""

    def __init__(self, options: ClientOptions, clients: int) -> None:
        """Connects and says hello with all. Raises what the server answers, what keeps us from it, Timeout."""
        self._options, self._trust = options, trust_of(options)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._context.set(zmq.MAX_SOCKETS, MAX_SOCKETS)
        self._poller = zmq.Poller()
        self._dealers: dict[zmq.Socket[bytes], Dealer] = {}  # by both of its sockets
        self._clients: list[zmq.Socket[bytes]] = []
        self._open: dict[str, Sample] = {}
        try:
            for _ in range(clients):
                self._clients.append(self._connected())
        except BaseException:
            self.close()
            raise

    def _connected(self) -> zmq.Socket[bytes]:
        dealer = Dealer(self._context, self._options, self._trust)
        for socket in (dealer.socket, dealer.monitor):
            self._dealers[socket] = dealer
            self._poller.register(socket, zmq.POLLIN)
        hello = m.Hello((1,), client="vcg bench", codecs=self._options.codecs, token=self._options.token)
        dealer.socket.send_multipart(m.encode(hello))
        limit = time.monotonic() + SILENCE_S
        while not dealer.socket.poll(0):
            ready = self._poller.poll(max(0, round((limit - time.monotonic()) * 1000)))
            if not ready:
                raise Timeout(f"no answer from {self._options.address} within {SILENCE_S:.0f} s")
            for socket, _ in ready:
                if socket in (dealer.socket, dealer.monitor):
                    self._look(socket)
        answer, _ = m.decode_reply(dealer.socket.recv_multipart())
        if isinstance(answer, m.Error):
            raise m.exception_of(answer)
        return dealer.socket

    def _look(self, socket: zmq.Socket[bytes]) -> None:
        """Something is to be read there. Raises where it is the end of a connection, and all that came before it was read."""
        dealer = self._dealers[socket]
        if socket is dealer.socket or dealer.socket.poll(0):
            return
        end = dealer.event()
        if end is not None:
            raise _lost(end, self._options.address)

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all connections."""
        dealers = set(self._dealers.values())
        for dealer in dealers:
            dealer.close()
        self._context.term()
        for dealer in dealers:
            dealer.join(1.0)

    def run(self, make: Make, seconds: float, warm: int = 0) -> Load:
        """Each client asks, waits until it is done, asks again: for so long. The first `warm` of each do not count."""
        load, number = Load(len(self._clients), 0.0), 0
        left = dict.fromkeys(self._clients, warm)
        for client in self._clients:
            self._ask(client, make(number))
            number += 1
        begin, end = (time.perf_counter(), 0.0)
        counting = warm == 0
        while self._open:
            for client, sample in self._ended():
                left[client] -= 1
                now = time.perf_counter()
                if not counting and all(count <= 0 for count in left.values()):
                    counting, begin = True, now
                elif counting and now - begin <= seconds:
                    load.samples.append(sample)
                    end = now
                if not counting or now - begin <= seconds:
                    self._ask(client, make(number))
                    number += 1
        load.seconds = max(end - begin, 1e-9)
        return load

    def one_ms(self, request: Generate, meanwhile: Callable[[], None]) -> float:
        """Time to the first chunk of a single job. meanwhile: called every millisecond or so while it is waited for."""
        self._ask(self._clients[0], request)
        sample = self._open[request.id]
        limit = time.monotonic() + SILENCE_S
        while self._open:
            if not self._poller.poll(1) and time.monotonic() < limit:
                meanwhile()
                continue
            for _ in self._ended():
                pass
        return sample.preview_ms

    def start_batch(self, model: str, first: int, jobs: int, count: int) -> None:
        """Have the first client ask for that many batch jobs of `count` characters, which `drain` then takes in."""
        for i in range(jobs):
            request = Generate(
                f"b{first + i}", model, design=Design(seed=first + i * count), count=count, animations=SHEET, preview=False,
                priority="batch", credit=WINDOW,
            )  # fmt: skip
            self._clients[0].send_multipart(m.encode(request))

    def drain(self) -> int:
        """Take in what has come for batch jobs, and grant it again. Returns the chunks."""
        chunks, client = 0, self._clients[0]
        while client.poll(0):
            frames = client.recv_multipart()
            told = msgpack.unpackb(frames[0])
            if told["type"] == "chunk":
                chunks += 1
                client.send_multipart(m.encode(m.Credit(told["id"], sum(map(len, frames)))))
            elif told["type"] == "error":
                raise _refused(frames)
        if self._dealers[client].monitor.poll(0):
            self._look(self._dealers[client].monitor)
        return chunks

    def _ask(self, client: zmq.Socket[bytes], request: Generate) -> None:
        self._open[request.id] = Sample(time.perf_counter())
        client.send_multipart(m.encode(request))

    def _ended(self) -> Iterator[tuple[zmq.Socket[bytes], Sample]]:
        ready = self._poller.poll(int(SILENCE_S * 1000))
        if not ready:
            raise Timeout(
                f"{self._options.address} said nothing for {SILENCE_S:.0f} s, with {len(self._open)} jobs unfinished"
            )
        for socket, _ in ready:
            self._look(socket)
            while self._dealers[socket].socket is socket:
                try:
                    frames = socket.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    break
                now = time.perf_counter()
                told = msgpack.unpackb(frames[0])
                sample = self._open.get(told.get("id", ""))
                if told["type"] == "error":
                    raise _refused(frames)
                if sample is None:
                    continue
                sample.bytes += sum(map(len, frames))
                if told["type"] == "chunk":
                    sample.preview_ms = sample.preview_ms or (now - sample.began) * 1000
                elif told["type"] == "done":
                    sample.done_ms = (now - sample.began) * 1000
                    del self._open[told["id"]]
                    yield socket, sample


def _lost(end: Break, address: str) -> VcgError:
    return end.final or Disconnected(
        f"the connection to {address} was lost: {end.reason}", hint="see whether the server still runs"
    )


def _refused(frames: list[bytes]) -> VcgError:
    """What an error says that ends a job, or the connection."""
    reply, _ = m.decode_reply(frames)
    assert isinstance(reply, m.Error)
    return m.exception_of(reply)
