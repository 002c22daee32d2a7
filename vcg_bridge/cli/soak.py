"""A soak: many clients that cancel, vanish, stall and come back, for as long as is asked, and what the server makes of it.

Every client keeps count: each chunk of a job that was not cancelled must come exactly once, whole by its sha256, and be the same
as what any other client got for the same seed. Of a server on this machine memory, threads and descriptors are watched.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import zmq

from vcg_bridge.cli.driver import MAX_SOCKETS
from vcg_bridge.client import ClientOptions
from vcg_bridge.client.dealer import Dealer, trust_of
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.blobs import decode_blob
from vcg_bridge.contract.errors import VcgError
from vcg_bridge.contract.messages import Design, Generate, Output

SEEDS = 40
"""Different characters: few, so that most are asked for again and again and can be compared."""

WARM_S = 10.0
"""Seconds, or a third of the time if that is less, after which memory is first looked at."""

PATIENCE_S = 60.0
GONE_S = 45.0
"""A server from which none of the clients hears anything for so long, while they wait, is gone."""

CLOSE_S = 3.0
EXPECTED = {"busy", "stalled", "hello_required", "shutting_down"}
"""Errors that belong to the protocol's daily life: the client repeats its request."""


@dataclass(frozen=True)
class Footprint:
    """What a process and its children hold."""

    resident: int  # bytes
    threads: int
    descriptors: int
    processes: int = 1


def footprint(pid: int) -> Footprint | None:
    """Of a process of this machine and the replicas it has started; None where the system does not tell."""
    try:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        descriptors = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        own = Footprint(int(status["VmRSS"].split()[0]) * 1024, int(status["Threads"]), descriptors)
        children = {
            int(x) for task in Path(f"/proc/{pid}/task").iterdir() for x in (task / "children").read_text().split()
        }
    except (OSError, KeyError, ValueError):
        return None
    all_of_them = [own, *(found for found in map(footprint, sorted(children)) if found is not None)]
    return Footprint(
        sum(x.resident for x in all_of_them),
        sum(x.threads for x in all_of_them),
        sum(x.descriptors for x in all_of_them),
        sum(x.processes for x in all_of_them),
    )


@dataclass
class SoakReport:
    """What came of it."""

    seconds: float = 0.0
    jobs: int = 0  # done
    chunks: int = 0
    cancelled: int = 0
    disconnects: int = 0
    stalls: int = 0
    errors: Counter[str] = field(default_factory=Counter)  # code -> how many
    faults: list[str] = field(default_factory=list)  # what must not be
    prints: list[tuple[float, Footprint]] = field(default_factory=list)  # seconds, what the server held

    @property
    def settled(self) -> list[Footprint]:
        """What the server held from when it had as many processes and threads as at the end: replicas that load late are no growth.

        Who leaks threads settles late, or never.
        """
        seen = [p for _, p in self.prints]
        first = next(
            (i for i, p in enumerate(seen) if p.processes >= seen[-1].processes and p.threads >= seen[-1].threads), 0
        )
        return seen[first:]

    @property
    def growth(self) -> float | None:
        """Of memory, from then to the end, as a share: medians of the first and the last third of what was seen."""
        sizes = [p.resident for p in self.settled]
        if len(sizes) < 6:
            return None
        third = len(sizes) // 3
        first, last = sorted(sizes[:third])[third // 2], sorted(sizes[-third:])[third // 2]
        return last / first - 1


class _Walker:
    """One client and its moods."""

    def __init__(self, soak: Soak, number: int) -> None:
        self._soak, self._rng, self._number = soak, random.Random(number), number
        self._session, self._jobs = f"soak-{number}", 0
        self._dealer: Dealer | None = None
        self._welcome = False
        self._request: Generate | None = None
        self._next = 0  # seq that must come
        self._total: int | None = None
        self._cancelling = False
        self._quiet_until = 0.0  # it does not read
        self._again_at = 0.0
        self._back_at = 0.0  # where there is no connection: when to make one
        self._away = False  # the connection was ended, and we have not come back yet
        self._heard = time.monotonic()
        self._connect()

    def _connect(self) -> None:
        self._drop()
        soak = self._soak
        self._dealer = Dealer(soak.context, soak.options, soak.trust, messages=4)
        soak.poller.register(self._dealer.socket, zmq.POLLIN)
        soak.poller.register(self._dealer.monitor, zmq.POLLIN)
        self._welcome, self._heard = False, time.monotonic()
        self._send(m.Hello((1,), client="vcg soak", session=self._session, codecs=("zstd",), token=soak.options.token))

    def _drop(self) -> None:
        if self._dealer is not None:
            self._soak.poller.unregister(self._dealer.socket)
            self._soak.poller.unregister(self._dealer.monitor)
            self._dealer.close()
            self._soak.ending.append(self._dealer)
            self._dealer = None

    def close(self) -> None:
        self._drop()

    @property
    def busy(self) -> bool:
        return self._request is not None

    def _send(self, request: m.Request) -> None:
        assert self._dealer is not None
        with contextlib.suppress(zmq.Again):  # there is no connection any more: that is noticed at once
            self._dealer.socket.send_multipart(m.encode(request), zmq.NOBLOCK)

    def act(self, now: float, *, stop: bool) -> None:
        """What it does of its own accord."""
        if self._dealer is None:
            if now >= self._back_at:
                self._connect()
            return
        if now < self._quiet_until or now < self._again_at or not self._welcome:
            if not self._welcome and now - self._heard > PATIENCE_S:
                self._soak.fault(f"client {self._number} got no welcome for {PATIENCE_S:.0f} s")
                self._connect()
            return
        if self._request is None:
            if not stop:
                self._begin()
            return
        if now - self._heard > PATIENCE_S:
            self._soak.fault(
                f"client {self._number}: nothing came for {self._request.id} ({self._request.priority}, {self._next} of "
                f"{self._total} chunks) for {PATIENCE_S:.0f} s"
            )
            self._request = None
            self._connect()

    def _begin(self) -> None:
        rng = self._rng
        self._jobs += 1
        self._next, self._total, self._cancelling = 0, None, False
        animations = rng.choice([("idle",), ("walk",), ("idle", "walk")])
        kind = rng.choice(["preview", "animations", "animations", "sheet"])
        self._request = Generate(
            f"j{self._number}-{self._jobs}", design=Design(seed=rng.randrange(SEEDS)), count=rng.choice([1, 1, 1, 2, 5]),
            animations=animations, output=Output(kind, format=rng.choice(["r8", "png"])),
            priority=rng.choice(["interactive", "batch"]), credit=rng.choice([1, 10_000, 8 << 20]),
        )  # fmt: skip
        self._heard = time.monotonic()
        self._send(self._request)

    def _repeat(self, wait_s: float = 0.0) -> None:
        self._again_at = time.monotonic() + wait_s
        self._soak.later.append((self._again_at, self))

    def again(self) -> None:
        """Ask once more for what has not come."""
        if self._request is not None and self._welcome and not self._cancelling:
            self._heard = time.monotonic()
            self._send(replace(self._request, first_seq=self._next))

    def read(self) -> None:
        """What has come, a few messages at a time."""
        for _ in range(4):
            if self._dealer is None or time.monotonic() < self._quiet_until:
                return
            try:
                frames = self._dealer.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            self._heard = self._soak.heard = time.monotonic()
            reply, blobs = m.decode_reply(frames)
            self._take(reply, blobs, sum(map(len, frames)))
        if self._dealer is not None and not self._dealer.socket.poll(0):
            self._ended(self._dealer)

    def _ended(self, dealer: Dealer) -> None:
        """The server has ended the connection, though we had not: it does not do that to a client in order."""
        try:
            end = dealer.event()
        except zmq.Again:
            return
        if end is None:
            return
        if end.final is not None:
            raise end.final
        if not self._away:
            self._soak.fault(f"client {self._number}: {end.reason}")
        self._away = True
        self._drop()
        self._back_at = time.monotonic() + 1.0

    def _take(self, reply: m.Reply, blobs: list[bytes], size: int) -> None:
        request = self._request
        if isinstance(reply, m.Welcome):
            self._welcome, self._away = True, False
            if self._cancelling:  # the connection was lost before the answer: the job went with it
                self._request = None
            self.again()
        elif isinstance(reply, m.Error):
            self._soak.report.errors[reply.code] += 1
            if reply.code in EXPECTED and not self._welcome:  # it is the hello that has to wait
                self._drop()
                self._back_at = time.monotonic() + _wait_s(reply)
            elif reply.code not in EXPECTED:
                self._soak.fault(f"client {self._number}: [{reply.code}] {reply.message}")
                self._request = None
            elif reply.code == "hello_required":
                self._connect()
            else:
                self._repeat(_wait_s(reply))
        elif isinstance(reply, m.Cancelled):
            self._soak.report.cancelled += reply.active
            if request is not None and reply.id == request.id:
                self._request = None
        elif request is None or getattr(reply, "id", request.id) != request.id:
            if isinstance(reply, m.Chunk | m.Done):
                self._soak.fault(f"client {self._number}: {type(reply).__name__} for {reply.id}, which is over")
        elif isinstance(reply, m.Accepted):
            self._total = reply.chunks
        elif isinstance(reply, m.Chunk):
            self._chunk(request, reply, blobs, size)
        elif isinstance(reply, m.Done):
            if self._next != self._total or reply.chunks != self._total:
                self._soak.fault(f"{request.id}: done after {self._next} of {self._total} chunks")
            self._soak.report.jobs += 1
            self._request = None

    def _chunk(self, request: Generate, chunk: m.Chunk, blobs: list[bytes], size: int) -> None:
        if chunk.seq != self._next:
            self._soak.fault(f"{request.id}: chunk {chunk.seq} came where {self._next} was to come")
        self._next = chunk.seq + 1
        try:
            decode_blob(chunk.codec, blobs[0], chunk.raw_length, chunk.sha256)
        except VcgError as error:
            self._soak.fault(f"{request.id}: chunk {chunk.seq}: {error}")
        assert request.design is not None
        what = (request.design.seed + chunk.character, chunk.kind, chunk.name, request.output, request.animations)
        if self._soak.seen.setdefault(what, chunk.sha256) != chunk.sha256:
            self._soak.fault(f"{request.id}: chunk {chunk.seq} differs from what others got")
        self._soak.report.chunks += 1
        self._mood(request, size)

    def _mood(self, request: Generate, size: int) -> None:
        rng = self._rng
        dice = rng.random()
        if dice < 0.03:
            self._soak.report.disconnects += 1
            self._connect()  # without a word; it comes back under its session and asks for the rest
            return
        if dice < 0.06 and not self._cancelling:
            self._cancelling = True
            self._send(m.Cancel(request.id))
            return
        if dice < 0.08:
            self._soak.report.stalls += 1
            self._quiet_until = time.monotonic() + rng.uniform(0.2, 3.0)
        self._send(m.Credit(request.id, size))


def _wait_s(error: m.Error) -> float:
    """Seconds that a busy server asks for."""
    wait_ms = error.details.get("retry_after_ms")
    return max(0.1, wait_ms / 1000) if isinstance(wait_ms, int) else 0.1


class Soak:
    """The clients, driven by one thread."""

    def __init__(self, options: ClientOptions, clients: int, pid: int | None = None) -> None:
        """pid: of the server, where it runs on this machine. Raises ConfigError for a certificate that cannot be read."""
        self.options, self.trust, self._pid, self._count = options, trust_of(options), pid, clients
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.context.set(zmq.MAX_SOCKETS, MAX_SOCKETS)
        self.poller = zmq.Poller()
        self.report = SoakReport()
        self.seen: dict[object, bytes] = {}
        self.later: list[tuple[float, _Walker]] = []
        self.heard = time.monotonic()  # anything, by any client
        self.ending: list[Dealer] = []

    def fault(self, what: str) -> None:
        """Note what must not be."""
        if len(self.report.faults) < 100:
            self.report.faults.append(what)

    def run(self, seconds: float, step: Callable[[float], None] = lambda _: None) -> SoakReport:
        """Go on for so long; then let what runs come to its end. Ends early where the server is gone.

        What was seen until then is in `report`, too, where this raises (KeyboardInterrupt, AuthError ...).
        """
        begin = self.heard = time.monotonic()
        walkers: list[_Walker] = []
        try:
            walkers += (_Walker(self, number) for number in range(self._count))
            self._drive(walkers, begin, seconds, step)
        finally:
            for walker in walkers:
                walker.close()
            self.context.term()
            for dealer in self.ending:
                dealer.join(CLOSE_S)
            self.report.seconds = time.monotonic() - begin
        return self.report

    def _drive(self, walkers: Sequence[_Walker], begin: float, seconds: float, step: Callable[[float], None]) -> None:
        look_at = begin + min(WARM_S, seconds / 3)
        while (now := time.monotonic()) < begin + seconds or (
            any(w.busy for w in walkers) and now < begin + seconds + PATIENCE_S
        ):
            self.poller.poll(20)
            for walker in walkers:
                walker.read()
                walker.act(now, stop=now >= begin + seconds)
            due = [walker for at, walker in self.later if at <= now]
            self.later = [(at, walker) for at, walker in self.later if at > now]
            for walker in due:
                walker.again()
            if now >= look_at:
                look_at = now + max(0.25, seconds / 200)
                self.ending = [dealer for dealer in self.ending if not dealer.ended]
                if not self._look(now - begin) or now - self.heard > GONE_S:
                    self.fault(f"the server at {self.options.address} was gone after {now - begin:.0f} s")
                    return
                step(now - begin)
        for walker in walkers:
            if walker.busy:
                self.fault("a job had not ended a minute after the soak")

    def _look(self, seconds: float) -> bool:
        """See what the server holds. False where there is no such process any more."""
        if self._pid is None:
            return True
        found = footprint(self._pid)
        if found is not None:
            self.report.prints.append((seconds, found))
        return found is not None or not self.report.prints
