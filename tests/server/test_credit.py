"""Credit: nothing is sent beyond it, little is held behind it, and whoever has none keeps nobody else waiting."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.conftest import WINDOW, Dealer, config, running
from vcg_bridge.contract import messages as m
from vcg_bridge.server.server import Server

pytestmark = pytest.mark.socket
SMALL = m.Generate("small", design=m.Design(seed=4), animations=("idle",), credit=WINDOW)


def test_without_credit_there_is_only_accepted(dealer: Dealer) -> None:
    dealer.hello()
    dealer.send(m.Generate("poor", design=m.Design(seed=1), count=3))
    assert isinstance(dealer.reply(), m.Accepted)
    assert dealer.quiet(0.5)
    dealer.send(m.Ping("p"))
    assert dealer.reply() == m.Pong("p")
    dealer.send(m.Credit("poor", WINDOW))
    assert isinstance(dealer.until(m.Done)[-1], m.Done)


def test_credit_is_never_passed_by_more_than_one_chunk(dealer: Dealer) -> None:
    dealer.hello()
    grants = [1, 1, 5000, 3, 20_000, 1, 400, 7_000]
    dealer.send(m.Generate("g", design=m.Design(seed=2), count=6, credit=grants[0]))
    assert isinstance(dealer.reply(), m.Accepted)
    credit, received = 0, 0
    for i, grant in enumerate(grants):
        if i:
            dealer.send(m.Credit("g", grant))
        credit += grant
        while credit > 0:
            reply, _, size = dealer.message()
            assert isinstance(reply, m.Chunk)
            assert reply.seq == received
            received += 1
            credit -= size
        assert dealer.quiet(0.1)
    dealer.send(m.Credit("g", WINDOW))
    replies = dealer.until(m.Done)
    assert [r.seq for r in replies if isinstance(r, m.Chunk)] == list(range(received, 6 * 5))


def test_more_credit_than_the_limit_is_cut_down(tiny: Path) -> None:
    limits = m.Limits(credit=3000)
    with running(config(bundles=(str(tiny),), limits=limits)) as server, Dealer(server.address) as dealer:
        dealer.hello()
        dealer.send(m.Generate("g", design=m.Design(seed=2), count=20, credit=1 << 20))
        assert isinstance(dealer.reply(), m.Accepted)
        received = 0
        while received < 3000:
            received += dealer.message()[2]
        assert dealer.quiet(0.3)
        dealer.send(m.Credit("g", 1 << 20))
        again = 0
        while again < 3000:
            again += dealer.message()[2]
        assert dealer.quiet(0.3)


def test_credit_for_nothing_is_ignored(dealer: Dealer) -> None:
    dealer.hello()
    dealer.send(m.Credit("unknown", 5), m.Ping("p"))
    assert dealer.reply() == m.Pong("p")


def test_those_without_credit_hold_little_and_stop_nobody(server: Server) -> None:
    with Dealer(server.address) as poor, Dealer(server.address) as rich:
        poor.hello()
        rich.hello()
        for i in range(16):
            poor.send(m.Generate(f"p{i}", design=m.Design(seed=i), count=400, credit=1, priority="batch"))
        for i in range(5):
            assert isinstance(rich.job(m.Generate(f"r{i}", design=m.Design(seed=i), credit=WINDOW)).end, m.Done)
        chunks = [r for r in (poor.reply() for _ in range(32)) if isinstance(r, m.Chunk)]
        assert len(chunks) == 16  # each job its one
        assert server.held_bytes < 8 << 20
        poor.send(m.Bye())
        poor.send(m.Ping("gone?"))
        assert isinstance(poor.reply(), m.Error)
        assert server.held_bytes == 0


def test_what_is_held_too_long_is_drawn_again(tiny: Path) -> None:
    """With next to no memory allowed, what waits is thrown away, and still everything arrives."""
    settings = config(bundles=(str(tiny),), held_bytes=1)
    with running(settings) as server, Dealer(server.address) as dealer:
        dealer.hello()
        request = m.Generate("g", design=m.Design(seed=2), count=4, credit=1, priority="batch")
        dealer.send(request, m.Generate("h", design=m.Design(seed=3), count=4, credit=1))
        done, seen = 0, {"g": [], "h": []}  # type: ignore[var-annotated]
        while done < 2:
            reply, _, size = dealer.message()
            if isinstance(reply, m.Chunk):
                seen[reply.id].append(reply.seq)
                dealer.send(m.Credit(reply.id, size))
            done += isinstance(reply, m.Done)
        assert seen == {"g": list(range(20)), "h": list(range(20))}
        assert server.held_bytes == 0


def test_who_waits_too_long_for_credit_is_stalled(tiny: Path) -> None:
    limits = m.Limits(stall_ms=300)
    with running(config(bundles=(str(tiny),), limits=limits)) as server, Dealer(server.address) as dealer:
        welcome = dealer.hello()
        assert welcome.limits.stall_ms == 300
        dealer.send(m.Generate("g", design=m.Design(seed=2), count=2, credit=1))
        replies = dealer.until(m.Error)
        assert [type(r) for r in replies] == [m.Accepted, m.Chunk, m.Error]
        assert isinstance(replies[-1], m.Error)
        assert (replies[-1].code, replies[-1].id) == ("stalled", "g")
        dealer.send(m.Generate("g", design=m.Design(seed=2), count=2, credit=WINDOW, first_seq=1))
        again = dealer.until(m.Done)
        assert [r.seq for r in again if isinstance(r, m.Chunk)] == list(range(1, 10))


def test_who_reads_nothing_stops_nobody(server: Server) -> None:
    """A client that grants a lot and does not read fills its own connection; the rest is held back."""
    with Dealer(server.address, receive=1) as deaf, Dealer(server.address) as other:
        deaf.socket.RCVBUF = 4096
        deaf.hello()
        other.hello()
        output = m.Output(format="rgba8", scale=4)
        deaf.send(m.Hello((1,), codecs=("raw",)))
        deaf.send(
            m.Generate("d", design=m.Design(seed=1), count=100, credit=m.v.MAX_CREDIT, output=output, priority="batch")
        )
        for i in range(3):
            assert isinstance(other.job(m.Generate(f"o{i}", design=m.Design(seed=i), credit=WINDOW)).end, m.Done)
        assert server.held_bytes < 256 << 20
        deaf.send(m.Cancel("d"))
        other.send(m.Ping("p"))
        assert other.reply() == m.Pong("p")
        last = deaf.until(m.Cancelled)[-1]  # reading again, it finds all that was on the way, then the answer
        assert last == m.Cancelled("d", active=True)
