"""Retrying is always safe: the same request gives the same answer, whatever happened before."""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.server.conftest import WINDOW, Dealer, config, running
from vcg_bridge.contract import messages as m
from vcg_bridge.server.server import Server

pytestmark = pytest.mark.socket
REQUEST = m.Generate("job", design=m.Design(seed=21), count=3, credit=WINDOW)


def hashes(replies: list[m.Reply]) -> list[tuple[int, bytes]]:
    return [(r.seq, r.sha256) for r in replies if isinstance(r, m.Chunk)]


def test_a_finished_job_may_be_asked_for_again(dealer: Dealer) -> None:
    dealer.hello()
    first = dealer.job(REQUEST)
    again = dealer.job(replace(REQUEST, priority="batch", credit=WINDOW // 2))
    assert first.blobs == again.blobs
    assert hashes(first.replies) == hashes(again.replies)
    part = dealer.job(replace(REQUEST, first_seq=7))
    assert hashes(part.replies) == hashes(first.replies)[7:]
    nothing = dealer.job(replace(REQUEST, first_seq=15))
    assert [type(r) for r in nothing.replies] == [m.Accepted, m.Done]
    beyond = dealer.job(replace(REQUEST, first_seq=10**9))
    assert [type(r) for r in beyond.replies] == [m.Accepted, m.Done]


def test_another_request_of_the_same_id_is_a_conflict(dealer: Dealer) -> None:
    dealer.hello()
    dealer.job(REQUEST)
    dealer.send(replace(REQUEST, count=4))
    refused = dealer.reply()
    assert isinstance(refused, m.Error)
    assert (refused.code, refused.id) == ("id_conflict", "job")
    running_job = m.Generate("runs", design=m.Design(seed=1), count=50, priority="batch")
    dealer.send(running_job, replace(running_job, count=51), m.Credit("runs", WINDOW))
    accepted, refused = dealer.reply(), dealer.reply()
    assert isinstance(accepted, m.Accepted)
    assert isinstance(refused, m.Error)
    assert refused.code == "id_conflict"
    done = dealer.until(m.Done)[-1]  # the one that runs goes on
    assert isinstance(done, m.Done)
    assert (done.id, done.characters) == ("runs", 50)


def test_a_running_job_starts_again(dealer: Dealer) -> None:
    dealer.hello()
    full = dealer.job(replace(REQUEST, id="full"))
    dealer.send(replace(REQUEST, credit=1))
    assert isinstance(dealer.reply(), m.Accepted)
    assert isinstance(dealer.reply(), m.Chunk)
    dealer.send(replace(REQUEST, first_seq=1))
    rest = dealer.until(m.Done)
    assert isinstance(rest[0], m.Accepted)
    assert hashes(rest) == hashes(full.replies)[1:]
    assert dealer.quiet(0.3)


def test_a_new_connection_of_the_same_session_goes_on(server: Server) -> None:
    session = uuid.uuid4().hex
    with Dealer(server.address) as other:
        other.hello()
        full = other.job(REQUEST)
    with Dealer(server.address) as before:
        before.hello(session)
        before.send(replace(REQUEST, credit=1))
        assert isinstance(before.reply(), m.Accepted)
        assert isinstance(before.reply(), m.Chunk)
        with Dealer(
            server.address
        ) as after:  # the first connection is still open: as after a drop that nobody has noticed
            after.hello(session)
            rest = after.job(replace(REQUEST, first_seq=1))
            assert hashes(rest.replies) == hashes(full.replies)[1:]
            conflict = after.job(replace(REQUEST, count=2))
            assert isinstance(conflict.end, m.Error)
            assert conflict.end.code == "id_conflict"
        before.send(m.Ping("p"))
        late = before.reply()
        assert isinstance(late, m.Error)
        assert late.code == "hello_required"


def test_ids_belong_to_their_session(server: Server) -> None:
    with Dealer(server.address) as one, Dealer(server.address) as two:
        one.hello("session-a")
        two.hello("session-b")
        one.send(REQUEST)
        assert isinstance(two.job(replace(REQUEST, count=1)).end, m.Done)
        assert isinstance(one.until(m.Done)[-1], m.Done)


def test_a_second_hello_drops_the_jobs_without_a_word(dealer: Dealer) -> None:
    dealer.hello("again")
    dealer.send(replace(REQUEST, count=400, priority="batch"), m.Hello((1,), session="again"))
    dealer.until(m.Welcome)
    assert dealer.quiet(0.3)
    assert isinstance(dealer.job(replace(REQUEST, count=1)).end, m.Done)  # the id of an unfinished job is free


def test_after_a_restart_the_server_asks_for_hello_and_gives_the_same(tiny: Path, port: int) -> None:
    address = f"tcp://127.0.0.1:{port}"
    with ExitStack() as open_till_the_end:
        with running(config(bundles=(str(tiny),), address=address)):
            dealer = open_till_the_end.enter_context(Dealer(address))
            dealer.hello("s")
            first = dealer.job(REQUEST)
        assert isinstance(dealer.reply(), m.Bye)
        with running(config(bundles=(str(tiny),), address=address)):
            dealer.send(m.Ping("p"))  # the socket has connected again by itself
            answer = dealer.reply()
            assert isinstance(answer, m.Error)
            assert answer.code == "hello_required"
            dealer.hello("s")
            assert dealer.job(REQUEST).blobs == first.blobs
