"""The session by itself, with an injected clock: what it does at which time, and that no bytes can break it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.make_golden import GOLDEN, frames_of
from tests.support.peer import rewritten
from vcg_bridge.client.options import ClientOptions
from vcg_bridge.client.session import Session
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import BadRequest, BusyError, Disconnected, NoServer, VcgError

OPTIONS = ClientOptions(retry_s=20.0)
DESIGN = m.Design(seed=7)


def ready(now: float = 0.0) -> Session:
    session = Session(OPTIONS)
    session.start(now, 5.0, patient=False)
    session.opened(now)
    assert isinstance(sent(session)[0], m.Hello)
    session.received(m.encode(m.Welcome(1)), now)
    assert session.state == "ready"
    return session


def sent(session: Session) -> list[m.Request]:
    frames, session.outgoing = list(session.outgoing), type(session.outgoing)()
    return [m.decode_request(x) for x in frames]


def test_a_ping_when_it_is_quiet_and_a_new_connection_when_it_stays_quiet() -> None:
    session = ready()
    session.generate(m.Generate("j", design=DESIGN), 1.0)
    sent(session)
    session.tick(10.9)
    assert sent(session) == []
    assert session.wakeup() == 11.0
    session.tick(11.0)
    assert sent(session) == [m.Ping("heartbeat")]
    session.tick(40.9)
    assert session.state == "ready"
    session.received(m.encode(m.Pong("heartbeat")), 40.95)
    session.tick(50.9)
    assert session.state == "ready"
    assert sent(session)[-1] == m.Ping("heartbeat")
    session.tick(80.8)
    assert session.state == "ready"
    session.tick(80.9)
    assert session.state == "waiting"


def test_back_off_doubles_up_to_its_limit_and_then_gives_up() -> None:
    session = ready()
    job = session.generate(m.Generate("j", design=DESIGN), 0.0)
    waits, now = [], 100.0
    session.lost("cut", now)
    while session.state == "waiting":
        waits.append(round(session.open_at - now, 3))
        now = session.wakeup()
        session.tick(now)
        if session.state == "waiting":
            session.opened(now)
            session.lost("cut", now)
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    assert now == pytest.approx(120.0)
    assert isinstance(job.error, Disconnected)
    assert not session.jobs


def busy(retry_after_ms: object) -> list[bytes]:
    return m.encode(m.Error("busy", "as many as I take", "come later", details={"retry_after_ms": retry_after_ms}))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_busy_hello_comes_back_when_it_was_told_to_and_not_in_step_with_others(seed: int) -> None:
    session = Session(OPTIONS, random.Random(seed))
    session.start(0.0, 30.0, patient=True)
    session.opened(0.0)
    sent(session)
    session.received(busy(2000), 1.0)
    assert session.state == "waiting"
    assert session.open_at == 1.0 + 2.0 * (1 + 0.25 * random.Random(seed).random())
    assert session.wakeup() == session.open_at
    session.opened(session.open_at)
    session.received(busy("soon"), 5.0)  # no advice: its own times, which have grown
    assert 5.2 <= session.open_at <= 5.25
    session.opened(session.open_at)
    session.received(m.encode(m.Welcome(1)), 6.0)
    assert session.state == "ready"


def test_a_busy_server_is_said_to_be_busy() -> None:
    session = Session(OPTIONS)
    session.start(0.0, 5.0, patient=False)
    session.opened(0.0)
    session.received(busy(2000), 0.1)
    assert isinstance(session.error, BusyError)
    assert (session.error.retry_after_ms, session.error.hint) == (2000, "come later")


@pytest.mark.parametrize("retry_after_ms", [19_000, 1 << 60])
def test_who_is_told_to_wait_for_longer_than_it_would_says_so_at_once(retry_after_ms: int) -> None:
    session = ready()
    job = session.generate(m.Generate("j", design=DESIGN), 0.0)
    session.lost("cut", 100.0)
    session.opened(101.5)
    session.received(busy(retry_after_ms), 101.6)
    assert session.state == "failed"
    assert isinstance(job.error, BusyError)


def test_a_first_connection_that_fails_is_no_server() -> None:
    session = Session(OPTIONS)
    session.start(0.0, 5.0, patient=False)
    session.opened(0.0)
    session.lost("refused", 0.1)
    assert isinstance(session.error, NoServer)
    session.start(0.0, 5.0, patient=True)
    session.opened(0.0)
    session.tick(5.0)
    assert isinstance(session.error, NoServer)


def test_requests_made_while_there_is_no_connection_are_sent_with_the_next() -> None:
    session = ready()
    session.lost("cut", 1.0)
    question = session.ask(m.Describe("d"), 1.0)
    session.generate(m.Generate("j", design=DESIGN), 1.0)
    assert sent(session) == []
    session.opened(1.1)
    sent(session)
    session.received(m.encode(m.Welcome(1)), 1.2)
    assert sent(session) == [m.Describe("d"), m.Generate("j", design=DESIGN, credit=OPTIONS.window_bytes)]
    session.received(m.encode(m.Error("bundle", "no such model", id="d")), 1.3)
    assert question.error is not None
    assert question.error.code == "bundle"


def test_a_job_that_was_cancelled_while_the_connection_broke_is_over() -> None:
    session = ready()
    job = session.generate(m.Generate("j", design=DESIGN), 0.0)
    session.cancel(job, 0.1)
    assert not job.finished
    session.lost("cut", 0.2)
    assert job.error is not None
    assert job.error.code == "cancelled"


def test_what_a_server_refuses_by_form_is_not_sent() -> None:
    session = ready()
    with pytest.raises(BadRequest):
        session.generate(m.Generate("x" * 65, design=DESIGN), 0.0)
    assert not session.jobs
    assert sent(session) == []


FILES = [frames_of(path.read_bytes()) for path in sorted(GOLDEN.glob("*.bin"))]
RETYPED = st.fixed_dictionaries(
    {"id": st.sampled_from(["job-1", "d-1", "p1", "", "other"])},
    optional={"seq": st.integers(0, 5), "chunks": st.integers(0, 5), "character": st.integers(0, 2)},
)


@st.composite
def messages(draw: st.DrawFn) -> list[bytes]:
    """A golden message, as it is, with other fields, or damaged."""
    frames = list(draw(st.sampled_from(FILES)))
    how = draw(st.integers(0, 3))
    if how == 1:
        frames = rewritten(frames, **draw(RETYPED))
    elif how == 2:
        at = draw(st.integers(0, len(frames[0]) - 1))
        frames[0] = frames[0][:at] + draw(st.binary(max_size=3)) + frames[0][at + 1 :]
    elif how == 3:
        frames = draw(st.lists(st.binary(max_size=20), max_size=3))
    return frames


@given(st.lists(messages(), max_size=30))
def test_no_message_breaks_a_session(stream: list[list[bytes]]) -> None:
    session = Session(OPTIONS)
    session.start(0.0, 5.0, patient=True)
    session.opened(0.0)
    session.received(m.encode(m.Welcome(1)), 0.0)
    question = session.ask(m.Describe("d-1"), 0.0)
    job = session.generate(m.Generate("job-1", design=DESIGN), 0.0)
    taken: list[Any] = []
    for i, frames in enumerate(stream):
        session.received(frames, float(i))
        session.tick(float(i))
        while (picture := job.take()) is not None:
            taken.append(picture.chunk.seq)
            session.taken(job, float(i))
        for outgoing in session.outgoing:
            m.decode_request(outgoing)
        assert session.state in ("ready", "waiting", "failed")
    assert taken == list(range(len(taken)))
    if session.state == "failed":
        assert isinstance(session.error, VcgError)
        assert job.finished
        assert question.answered
