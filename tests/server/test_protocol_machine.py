"""The whole protocol against the real server, as hypothesis sees fit: any order of requests, each answer as the page says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.server.conftest import Dealer, config, running
from vcg_bridge.contract import codec
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.blobs import decode_blob
from vcg_bridge.server.server import Server

pytestmark = [pytest.mark.socket, pytest.mark.slow]

IDS = st.sampled_from(["a", "b", "c", "d"])
GRANTS = st.sampled_from([0, 1, 500, 3000, 1 << 20])


@dataclass
class Asked:
    """A job as the client sees it."""

    request: m.Generate
    granted: int
    next: int  # seq
    received: int = 0
    largest: int = 0  # of its messages
    total: int = -1
    over: bool = False


@dataclass
class Client:
    dealer: Dealer
    known: bool = False
    session: str = ""
    jobs: dict[str, Asked] = field(default_factory=dict)
    remembered: dict[str, m.Generate] = field(default_factory=dict)


class Protocol(RuleBasedStateMachine):
    """One client after the other; each answer is checked when the machine looks."""

    server: Server
    truth: dict[object, bytes]

    @initialize()
    def connect(self) -> None:
        self.client = Client(Dealer(self.server.address))
        self.pings = 0

    def teardown(self) -> None:
        if hasattr(self, "client"):
            self.settle(finish=True)
            self.client.dealer.close()

    def settle(self, *, finish: bool = False) -> None:
        """Everything that was under way: a ping and its pong, and with `finish` every job to its end."""
        while self.client.dealer.socket.poll(20):  # what comes without more credit
            self.take(*self.client.dealer.message())
        if finish and self.client.known:
            for job_id, job in self.client.jobs.items():
                if not job.over:
                    job.granted += 64 << 20
                    self.client.dealer.send(m.Credit(job_id, 64 << 20))
        self.pings += 1
        mark = f"mark{self.pings}"
        self.client.dealer.send(m.Ping(mark))
        seen = False
        while not seen or (finish and self.client.known and any(not job.over for job in self.client.jobs.values())):
            reply, blobs, size = self.client.dealer.message()
            if isinstance(reply, m.Pong) and reply.id == mark:
                assert self.client.known
                seen = True
            elif isinstance(reply, m.Error) and reply.id == mark:
                assert reply.code == "hello_required"
                assert not self.client.known
                seen = True
            else:
                self.take(reply, blobs, size)

    def take(self, reply: m.Reply, blobs: list[bytes], size: int) -> None:
        job = self.client.jobs.get(getattr(reply, "id", ""))
        if isinstance(reply, m.Accepted):
            assert job is not None
            assert not job.over
            job.total = reply.chunks
        elif isinstance(reply, m.Chunk):
            assert job is not None
            assert not job.over
            assert job.total >= 0
            assert reply.seq == job.next
            assert job.received < job.granted  # there was credit when it was sent
            job.next += 1
            job.received += size
            data = decode_blob(reply.codec, blobs[0], reply.raw_length, reply.sha256)
            design = job.request.design
            assert design is not None
            what = (design.seed + reply.character, reply.kind, reply.name, job.request.output)
            assert self.truth.setdefault(what, data) == data
        elif isinstance(reply, m.Done):
            assert job is not None
            assert job.next == job.total == reply.chunks
            job.over = True
        else:
            raise AssertionError(f"not asked for: {reply}")

    def expect(self, kind: type[m.Reply], request_id: str) -> m.Reply:
        """The answer of that kind to that request; what comes before it is taken in."""
        while True:
            reply, blobs, size = self.client.dealer.message()
            if isinstance(reply, kind) and getattr(reply, "id", "") == request_id:
                return reply
            self.take(reply, blobs, size)

    @rule(session=st.sampled_from(["", "s"]))
    def hello(self, session: str) -> None:
        self.client.dealer.send(m.Hello((1,), session=session, codecs=("zstd", "raw")))
        unfinished = {job_id for job_id, job in self.client.jobs.items() if not job.over}
        while not isinstance(reply := self.client.dealer.message()[0], m.Welcome):
            assert isinstance(reply, m.Chunk | m.Done | m.Accepted)  # sent before the hello came
            if isinstance(reply, m.Done):
                unfinished.discard(reply.id)
        kept = self.client.remembered if session and session == self.client.session else {}
        self.client.remembered = {job_id: r for job_id, r in kept.items() if job_id not in unfinished}
        self.client.known, self.client.session = True, session
        self.client.jobs.clear()  # dropped without a word

    @precondition(lambda self: self.client.known)
    @rule(job_id=IDS, seed=st.integers(0, 5), count=st.integers(1, 3), kind=st.sampled_from(["preview", "animations", "sheet"]),
          grant=GRANTS, batch=st.booleans(), first=st.integers(0, 3))  # fmt: skip
    def generate(self, job_id: str, seed: int, count: int, kind: str, grant: int, batch: bool, first: int) -> None:
        request = m.Generate(
            job_id, design=m.Design(seed=seed), count=count, animations=("idle",), output=m.Output(kind),
            priority="batch" if batch else "interactive", credit=grant, first_seq=first,
        )  # fmt: skip
        self.settle()
        known = self.client.remembered.get(job_id)
        self.client.dealer.send(request)
        if known is not None and m.request_key(known) != m.request_key(request):
            refused = self.expect(m.Error, job_id)
            assert isinstance(refused, m.Error)
            assert refused.code == "id_conflict"
            return
        total = count * (1 if kind == "preview" else 2)
        job = self.client.jobs.get(job_id)
        if job is not None and not job.over:
            # the earlier run may have sent more before this one came
            while not isinstance(reply := self.client.dealer.message()[0], m.Accepted) or reply.id != job_id:
                assert isinstance(reply, m.Chunk | m.Done)
        else:
            reply = self.expect(m.Accepted, job_id)
        assert isinstance(reply, m.Accepted)
        assert (reply.count, reply.chunks) == (count, total)
        self.client.jobs[job_id] = Asked(request, grant, min(first, total), total=total)
        self.client.remembered[job_id] = request

    @precondition(lambda self: self.client.known)
    @rule(job_id=IDS, grant=GRANTS)
    def credit(self, job_id: str, grant: int) -> None:
        if job_id in self.client.jobs:
            self.client.jobs[job_id].granted += grant
        self.client.dealer.send(m.Credit(job_id, grant))

    @precondition(lambda self: self.client.known)
    @rule(job_id=IDS)
    def cancel(self, job_id: str) -> None:
        self.client.dealer.send(m.Cancel(job_id))
        reply = self.expect(m.Cancelled, job_id)
        assert isinstance(reply, m.Cancelled)
        job = self.client.jobs.pop(job_id, None)
        assert reply.active == (job is not None and not job.over)

    @rule(frame=st.one_of(st.binary(max_size=60), st.just(codec.pack_map({"type": "cancel", "id": 5}))))
    def garbage(self, frame: bytes) -> None:
        self.settle()
        self.client.dealer.send_raw([frame])
        reply = self.client.dealer.message()
        while not isinstance(reply[0], m.Error):
            self.take(*reply)
            reply = self.client.dealer.message()
        assert reply[0].code in ("protocol", "hello_required", "bad_request")

    @precondition(lambda self: self.client.known)
    @rule()
    def bye(self) -> None:
        self.settle()
        self.client.dealer.send(m.Bye("for now"))
        self.client.known, self.client.session = False, ""
        self.client.jobs.clear()
        self.client.remembered.clear()
        self.pings += 1
        self.client.dealer.send(m.Ping(f"mark{self.pings}"))
        reply = self.client.dealer.message()[0]
        while not (isinstance(reply, m.Error) and reply.id == f"mark{self.pings}"):
            assert isinstance(reply, m.Chunk | m.Done)  # sent before the bye came
            reply = self.client.dealer.message()[0]
        assert reply.code == "hello_required"

    @rule()
    def vanish(self) -> None:
        self.client.dealer.close()
        self.connect()

    @rule()
    def look(self) -> None:
        self.settle()

    @invariant()
    def the_server_is_well(self) -> None:
        assert self.server.held_bytes >= 0


@pytest.fixture(scope="module")
def target(tiny: Path) -> Iterator[Server]:
    with running(config(workers=1, bundles=(str(tiny),))) as server:
        yield server


def test_any_order_of_requests(target: Server) -> None:
    class Machine(Protocol):
        server = target
        truth: dict[object, bytes] = {}  # noqa: RUF012

    checks = settings(max_examples=35, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Machine, settings=checks)  # type: ignore[no-untyped-call]
