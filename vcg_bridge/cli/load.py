"""Load on a server, measured: many clients in one thread, each a bare DEALER, beside the generator without any server.

The clients read what they need of each answer and no more: on a small machine their own work is taken from the server's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgpack
import zmq

from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import InternalError, Timeout
from vcg_bridge.contract.messages import Design, Generate, Output
from vcg_bridge.generators.bundle import Bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.generator import Generator, all_poses
from vcg_bridge.server.config import CACHE_BYTES
from vcg_bridge.server.jobs import preview_pose
from vcg_bridge.sprites.compose import compose
from vcg_bridge.sprites.layout import lay_out
from vcg_bridge.sprites.png import indexed_png
from vcg_bridge.sprites.stencils import StencilCache

WINDOW = 8 << 20
WARM_S = 5.0
"""So long a batch runs before anything is measured: a server starts processes for batches when there is one."""
SILENCE_S = 60.0
SHEET = ("walk", "idle")


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


def previews(model: str, first: int) -> Make:
    """Small requests: one frame of a new character."""
    return lambda i: Generate(
        f"p{first + i}", model, design=Design(seed=first + i), output=Output("preview"), credit=WINDOW
    )


def sheets(model: str, first: int, *, preview: bool = False) -> Make:
    """A walk and idle sheet as PNG of a new character, with or without a preview before it."""
    output = Output("sheet", format="png", layout="rows")
    return lambda i: Generate(
        f"s{first + i}",
        model,
        design=Design(seed=first + i),
        animations=SHEET,
        preview=preview,
        output=output,
        credit=WINDOW,
    )


def characters(model: str, first: int) -> Make:
    """What an editor asks for: a preview, then the sheet."""
    return sheets(model, first, preview=True)


class Driver:
    """Clients of one server. Use it in a `with`."""

    def __init__(self, address: str, clients: int, token: str = "") -> None:
        """Connects and says hello with all. Raises what the server answers, Timeout."""
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._poller = zmq.Poller()
        self._clients: list[zmq.Socket[bytes]] = []
        self._open: dict[str, Sample] = {}
        try:
            for _ in range(clients):
                self._clients.append(self._connected(address, token))
        except BaseException:
            self.close()
            raise

    def _connected(self, address: str, token: str) -> zmq.Socket[bytes]:
        client = self._context.socket(zmq.DEALER)
        client.LINGER = 0
        client.connect(address)
        client.send_multipart(m.encode(m.Hello((1,), client="vcg bench", codecs=("zstd", "raw"), token=token)))
        self._poller.register(client, zmq.POLLIN)
        if not client.poll(int(SILENCE_S * 1000)):
            client.close()
            raise Timeout(f"no answer from {address} within {SILENCE_S:.0f} s")
        answer, _ = m.decode_reply(client.recv_multipart())
        if isinstance(answer, m.Error):
            client.close()
            raise m.exception_of(answer)
        return client

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all connections."""
        for client in self._clients:
            client.close()
        self._context.term()

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
        client = self._clients[0]
        self._ask(client, request)
        sample = self._open[request.id]
        while self._open:
            if not client.poll(1):
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
        chunks = 0
        while self._clients[0].poll(0):
            frames = self._clients[0].recv_multipart()
            told = msgpack.unpackb(frames[0])
            if told["type"] == "chunk":
                chunks += 1
                self._clients[0].send_multipart(m.encode(m.Credit(told["id"], sum(map(len, frames)))))
            elif told["type"] == "error":
                raise InternalError(f"the batch failed: {told}")
        return chunks

    def _ask(self, client: zmq.Socket[bytes], request: Generate) -> None:
        self._open[request.id] = Sample(time.perf_counter())
        client.send_multipart(m.encode(request))

    def _ended(self) -> Iterator[tuple[zmq.Socket[bytes], Sample]]:
        ready = self._poller.poll(int(SILENCE_S * 1000))
        if not ready:
            raise Timeout(f"the server said nothing for {SILENCE_S:.0f} s, with {len(self._open)} jobs unfinished")
        for client, _ in ready:
            while True:
                try:
                    frames = client.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    break
                now = time.perf_counter()
                told = msgpack.unpackb(frames[0])
                sample = self._open.get(told.get("id", ""))
                if sample is None:
                    continue
                sample.bytes += sum(map(len, frames))
                if told["type"] == "chunk":
                    sample.preview_ms = sample.preview_ms or (now - sample.began) * 1000
                elif told["type"] == "error":
                    raise InternalError(f"a job failed: {told}")
                elif told["type"] == "done":
                    sample.done_ms = (now - sample.began) * 1000
                    del self._open[told["id"]]
                    yield client, sample


class Bare:
    """The generator and the sprites, called one character after the other. Use it in a `with`."""

    def __init__(self, bundle: Bundle, threads: int | None) -> None:
        self.bundle, self.manifest = bundle, bundle.manifest
        self._generator = Generator(bundle, threads=threads, cache_bytes=CACHE_BYTES)
        self._generator.warm_up()
        self._stencils = StencilCache(CACHE_BYTES // 4)  # as the server has one
        self._seed = 1 << 40

    def __enter__(self) -> Bare:
        return self

    def __exit__(self, *_: object) -> None:
        self._generator.close()

    def per_s(self, kind: str, seconds: float) -> float:
        """New characters a second: previews, or else sheets."""
        manifest = self.manifest
        animations = (
            [a for a in manifest.animations if a.id in SHEET] if kind != "previews" else list(manifest.animations)
        )
        poses = all_poses(manifest, [a.id for a in animations]) if kind != "previews" else (preview_pose(animations),)
        count, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < seconds:
            self._seed += 1
            drawing = self._generator.draw(design(manifest, DesignSpec(seed=self._seed)), poses)
            character = compose(manifest, drawing, stencils=self._stencils)
            if kind != "previews":
                sheet = lay_out("rows", character, manifest)
                indexed_png(sheet.plane, sheet.palette)
            count += 1
        return count / (time.perf_counter() - begin)


@dataclass(frozen=True)
class Level:
    """One line of the table."""

    kind: str  # previews, sheets, characters (both; beside the bare sheets)
    load: Load
    bare_per_s: float  # measured before and after

    @property
    def ratio(self) -> float:
        """Characters a second, of the bare generator's."""
        return self.load.per_s / self.bare_per_s


@dataclass(frozen=True)
class Loads:
    """All that a run measured."""

    levels: list[Level]
    batching: float | None  # previews a second of 64 clients, of those of a server that draws one request at a time
    idle_p99_ms: float
    busy_p99_ms: float  # the same while a batch of 10,000 characters runs
    batch_characters: int  # of it that were done meanwhile


def measure(
    bundle: Bundle,
    arguments: Sequence[str],
    *,
    address: str = "",
    token: str = "",
    threads: int | None = None,
    clients: Sequence[int] = (1, 2, 4, 8, 16, 32, 64),
    seconds: float = 4.0,
    step: Callable[[str], None] = lambda _: None,
) -> Loads:
    """Every level, the bare generator before and after each. address: of a running server; "": one is started."""
    seed = iter(range(1 << 20, 1 << 40, 1 << 20))
    model = bundle.manifest.name
    levels: list[Level] = []
    with _server(address, arguments) as place, Bare(bundle, threads) as bare:
        warm_up(place, model, next(seed), min(WARM_S, 4 * seconds), token)
        for kind, make in (("previews", previews), ("sheets", sheets), ("characters", characters)):
            before = bare.per_s(kind, seconds / 2)
            for count in clients:
                step(f"{kind}, {count} clients")
                with Driver(place, count, token) as driver:
                    load = driver.run(make(model, next(seed)), seconds, warm=1)
                after = bare.per_s(kind, seconds / 2)
                levels.append(Level(kind, load, (before + after) / 2))
                before = after
        step("previews while a batch runs")
        idle, busy, made = under_batch(place, model, token, next(seed), 2 * seconds)
    batching = None
    if not address:
        step("one request at a time")
        batching = batching_ratio(model, arguments, max(clients), seconds, next(seed))
    return Loads(levels, batching, idle, busy, made)


def batching_ratio(model: str, arguments: Sequence[str], clients: int, seconds: float, first: int) -> float:
    """Previews a second of a server as it is over those of one that draws one request at a time. In turns, twice each."""
    rates: dict[int, list[float]] = {0: [], 1: []}
    one = [*arguments, "--together=1", "--workers=0"]
    with ServerProcess(arguments) as several, ServerProcess(one) as single:
        for server in (several, single):
            warm_up(server.address, model, first + 500_000, min(WARM_S, 4 * seconds))
        for run in range(4):
            place = (several, single)[run % 2]
            with Driver(place.address, clients) as driver:
                rates[run % 2].append(driver.run(previews(model, first + run * 100_000), seconds, warm=2).per_s)
    return sum(rates[0]) / sum(rates[1])


def warm_up(address: str, model: str, first: int, seconds: float, token: str = "") -> None:
    """Have a batch run for so long."""
    with Driver(address, 1, token) as farm:
        farm.start_batch(model, first, jobs=4, count=1000)
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            farm.drain()
            time.sleep(0.005)


def under_batch(address: str, model: str, token: str, first: int, seconds: float) -> tuple[float, float, int]:
    """p99 of one client's previews on an idle server and during a batch of 10,000 characters, ms; characters of it done."""
    chunks, number = 0, 0

    def drain() -> None:
        nonlocal chunks
        chunks += farm.drain()

    with Driver(address, 1, token) as designer, Driver(address, 1, token) as farm:

        def series(begin: int) -> list[float]:
            nonlocal number
            until, times = time.perf_counter() + seconds, []
            make = previews(model, begin)
            while time.perf_counter() < until:
                times.append(designer.one_ms(make(number), drain))
                number += 1
            return times[3:]

        idle = percentile(series(first), 99)
        farm.start_batch(model, first + 500_000, jobs=10, count=1000)
        busy = percentile(series(first), 99)
    return idle, busy, chunks // len(SHEET)


@contextmanager
def _server(address: str, arguments: Sequence[str]) -> Iterator[str]:
    if address:
        yield address
        return
    with ServerProcess(arguments) as server:
        yield server.address
