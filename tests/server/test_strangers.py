"""Who connects and says no hello, who guesses tokens, and whose message never ends."""

from __future__ import annotations

import logging
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.server.conftest import ANSWER_S, WINDOW, Dealer, config, running
from tests.support.zmtp import GREETING, MORE, Zmtp, frame
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import BusyError
from vcg_bridge.server import auth, strangers
from vcg_bridge.server.auth import Guesses
from vcg_bridge.server.departures import Connection, Peer
from vcg_bridge.server.logs import Sparse
from vcg_bridge.server.rate import whom
from vcg_bridge.server.server import Server
from vcg_bridge.server.strangers import Strangers

TOKEN = "0123456789abcdef"
SMALL = m.Generate("small", design=m.Design(seed=4), animations=("idle",), credit=WINDOW)


def connection(number: int, address: str = "192.0.2.1", since: float = 0.0) -> Connection:
    return Connection(Peer(number, 0, address), (address, number), since)


class Received(dict[Connection, int]):
    """Bytes of each connection."""

    def __call__(self, connection: Connection) -> int:
        return self.get(connection, 0)


def crowd(policy: Strangers, open_ones: list[Connection], sessions: dict[tuple[int, int], float]) -> list[int]:
    return [c.peer.descriptor for c in policy.crowd(open_ones, sessions)]


def test_a_crowd_pushes_out_only_its_own() -> None:
    policy = Strangers(strangers.LEAST, Received())
    honest = connection(1000, "192.0.2.9", since=0.0)
    many = [connection(i, since=float(i)) for i in range(strangers.LEAST - 1)]
    assert crowd(policy, [honest, *many], {}) == []
    late = connection(999, since=999.0)
    assert crowd(policy, [honest, *many, late], {}) == [0]  # the crowd's oldest, though the other is older
    known = {(i, 0): 0.0 for i in range(10)}
    assert crowd(policy, [honest, *many, late], known) == []  # who has a session is no stranger
    assert policy.ended["crowd"] == 1


def test_one_address_of_version_6_is_its_network() -> None:
    assert whom("2001:db8::1") == whom("2001:db8::ffff:1") != whom("2001:db8:0:1::1")
    assert whom("::ffff:192.0.2.1") == whom("192.0.2.1") == "192.0.2.1"
    assert whom("fe80::1%eth0") == whom("fe80::2")
    assert whom("") == ""


def test_no_hello_in_time() -> None:
    policy, one, other = Strangers(4, Received()), connection(1), connection(2)
    sessions = {(2, 0): 0.0}
    assert policy.overdue([one, other], sessions, strangers.HELLO_S, idle=True) == []
    assert policy.number == 1
    assert policy.overdue([one, other], sessions, strangers.HELLO_S + 1, idle=True) == [one]
    one.leaving = True
    assert policy.overdue([one, other], sessions, strangers.HELLO_S + 2, idle=True) == []
    assert (
        policy.overdue([other], {}, strangers.HELLO_S + 10, idle=True) == []
    )  # forgotten just now: its time begins anew
    assert policy.overdue([other], {}, 2 * strangers.HELLO_S + 3, idle=True) == [other]
    assert policy.ended == {"no_hello": 2}


def test_a_message_without_end() -> None:
    received, one = Received(), connection(1)
    policy = Strangers(4, received)
    for step in range(1, 10):  # much, but each message ends
        received[one] = step * strangers.UNFINISHED_BYTES
        assert policy.overdue([one], {(1, 0): float(step)}, float(step), idle=True) == []
    received[one] += strangers.UNFINISHED_BYTES
    assert policy.overdue([one], {(1, 0): 9.0}, 10.0, idle=True) == []
    received[one] += 1
    assert policy.overdue([one], {(1, 0): 9.0}, 10.0, idle=True) == [one]
    stranger = connection(2)
    received[stranger] = strangers.STRANGER_BYTES + 1
    assert policy.overdue([stranger], {}, 1.0, idle=True) == [stranger]
    assert policy.ended == {"unfinished": 2}


def test_what_waits_to_be_read() -> None:
    """Where there is always something to read, a message that was read excuses no more than itself."""
    received, one = Received(), connection(1)
    policy = Strangers(4, received)
    sessions = {(1, 0): 1.0}
    assert policy.overdue([one], sessions, 1.0, idle=True) == []
    received[one] = strangers.WAITING_BYTES + 100
    one.taken = 100
    sessions[1, 0] = 2.0
    assert policy.overdue([one], sessions, 2.0, idle=False) == []
    received[one] += 2
    one.taken += 1
    assert policy.overdue([one], sessions, 2.0, idle=False) == [one]
    assert policy.overdue([one], sessions, 2.0, idle=True) == []  # all was read after all
    assert one.taken == 0


def test_guesses_of_one_address_have_to_wait_and_of_no_other(caplog: pytest.LogCaptureFixture) -> None:
    guesses = Guesses()
    for i in range(auth.GUESSES):
        guesses.check("192.0.2.1", 0.0)
        guesses.wrong("192.0.2.1", 0.0)
        assert i or "192.0.2.1: a wrong token" in caplog.text
    for _ in range(100):
        with pytest.raises(BusyError) as busy:
            guesses.check("192.0.2.1", 0.0)
        assert busy.value.retry_after_ms == auth.GUESS_S * 1000
    guesses.check("192.0.2.2", 0.0)
    assert guesses.refused == auth.GUESSES
    assert [r.getMessage() for r in caplog.records] == [
        "192.0.2.1: a wrong token",
        f"192.0.2.1: {auth.GUESSES} wrong tokens or more; its hellos have to wait",
    ]
    guesses.check("192.0.2.1", auth.GUESS_S)  # a wrong one would be told so, a right one is let in
    guesses.look(auth.GUESS_S * auth.GUESSES + 1)
    assert caplog.records[-1].getMessage() == "192.0.2.1: no wrong tokens any more; 100 hellos had to wait"


def test_addresses_that_guess_are_remembered_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "ADDRESSES", 3)
    guesses = Guesses()
    for i in range(10):
        for _ in range(auth.GUESSES):
            guesses.wrong(f"192.0.2.{i}", 0.0)
    assert len(guesses._buckets) == 3
    with pytest.raises(BusyError):
        guesses.check("192.0.2.9", 0.0)


def test_lines_of_a_kind_are_few(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    tell = Sparse(logging.getLogger("tests"), burst=3, every_s=10.0, clock=lambda: now)
    for i in range(50):
        tell(logging.WARNING, "line %d", i)
    now = 10.0
    tell(logging.WARNING, "line %d", 50)
    tell(logging.WARNING, "line %d", 51)
    assert [r.getMessage() for r in caplog.records] == ["line 0", "line 1", "line 2", "line 50 (and 47 like it since)"]


# against a real server

pytestmark = pytest.mark.socket


def bare(server: Server) -> socket.socket:
    host, _, port = server.address.removeprefix("tcp://").rpartition(":")
    return socket.create_connection((host, int(port)), ANSWER_S)


@contextmanager
def shaken(server: Server) -> Iterator[Zmtp]:
    """A connection after a good ZMTP handshake."""
    with bare(server) as opened:
        client = Zmtp(opened)
        client.shake_hands()
        yield client


def eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + ANSWER_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def ends(client: Zmtp) -> None:
    """Until the other side closes. Its pings are answered, as libzmq would."""
    with pytest.raises((EOFError, ConnectionError)):
        client.message()


def still_well(server: Server, token: str = "") -> None:
    with Dealer(server.address) as dealer:
        dealer.hello(token=token)
        assert isinstance(dealer.job(SMALL).end, m.Done)


def test_who_shakes_hands_and_says_no_hello_is_ended(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also one that goes on asking without a hello, and one that sends its handshake byte by byte."""
    monkeypatch.setattr(strangers, "HELLO_S", 0.8)
    caplog.set_level(logging.INFO, "vcg_bridge")
    with running(config(bundles=(str(tiny),))) as server, Dealer(server.address) as known:
        known.hello()
        with shaken(server) as silent, shaken(server) as asking, bare(server) as slow:
            with suppress(EOFError, ConnectionError):
                for byte in GREETING * 50:
                    asking.send(m.Ping("p"))
                    reply, _ = asking.reply()
                    assert isinstance(reply, m.Error)
                    assert reply.code == "hello_required"
                    slow.sendall(bytes([byte]))
                    time.sleep(0.02)
            for client in (asking, silent, Zmtp(slow)):
                ends(client)
        known.send(m.Ping("still here"))  # who has said hello may be silent for longer than that
        assert known.reply() == m.Pong("still here")
        still_well(server)
        eventually(lambda: server._strangers.ended["no_hello"] >= 2 and len(server._departures.open) <= 1)
    assert re.search(r"127\.0\.0\.1: no hello in 0\.8 s; it is ended", caplog.text)


def test_strangers_are_bounded_in_number(tiny: Path) -> None:
    with running(config(bundles=(str(tiny),), clients=4)) as server, ExitStack() as stack:
        crowd = [stack.enter_context(shaken(server)) for _ in range(strangers.LEAST)]
        eventually(lambda: len(server._departures.open) == strangers.LEAST)
        more = [stack.enter_context(shaken(server)) for _ in range(20)]
        for client in crowd[:20]:
            ends(client)
        assert isinstance(more[0].hello(), m.Welcome)
        eventually(lambda: len(server._departures.open) <= strangers.LEAST + 1)
        still_well(server)


def test_a_guesser_is_told_to_wait_and_others_go_on(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    """All of 127.0.0.0/8 is this machine: different addresses that connect are different guessers."""
    if sys.platform != "linux":
        pytest.skip("only Linux has all of 127.0.0.0/8 without set-up")
    caplog.set_level(logging.DEBUG, "vcg_bridge")
    with running(config(bundles=(str(tiny),), address="tcp://0.0.0.0:0", token=TOKEN)) as server:
        port = int(server.address.rpartition(":")[2])

        def guesser(address: str) -> Zmtp:
            client = Zmtp(socket.create_connection(("127.0.0.1", port), ANSWER_S, source_address=(address, 0)))
            client.shake_hands()
            return client

        early, bad, other = guesser("127.0.0.2"), guesser("127.0.0.2"), guesser("127.0.0.3")
        assert isinstance(early.hello(TOKEN), m.Welcome)
        codes = []
        for i in range(auth.GUESSES + 10):
            reply = bad.hello(f"guess-number-{i:04}")
            assert isinstance(reply, m.Error)
            codes.append(reply.code)
        assert codes[: auth.GUESSES] == ["auth"] * auth.GUESSES
        assert codes.count("busy") >= 8  # a little time has gone by
        reply = guesser("127.0.0.2").hello(TOKEN)  # another connection helps nothing, and a good guess is not told
        assert isinstance(reply, m.Error)
        assert reply.code == "busy"
        assert 0 < reply.details["retry_after_ms"] <= auth.GUESS_S * 1000  # type: ignore[operator]
        assert isinstance(other.hello(TOKEN), m.Welcome)
        early.send(SMALL)  # who is in stays in
        while not isinstance(early.reply()[0], m.Done):
            pass
        assert server._service.guesses.refused >= auth.GUESSES
        for client in (early, bad, other):
            client.connection.close()
    lines = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING and "wrong token" in r.getMessage()]
    assert len(lines) == 2, lines
    assert "guess-number" not in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much a connection has received")
@pytest.mark.parametrize("known", [True, False])
def test_a_message_of_endless_frames_is_ended(tiny: Path, caplog: pytest.LogCaptureFixture, known: bool) -> None:
    """libzmq would gather them until memory ends."""
    with running(config(bundles=(str(tiny),))) as server, shaken(server) as endless:
        if known:
            assert isinstance(endless.hello(), m.Welcome)
        piece = frame(b"", MORE) * 50_000
        endless.connection.settimeout(2)  # the end may come while we wait for room: who only sends does not see it
        with suppress(OSError):
            for _ in range(1000):  # 100 MB, were nobody to look
                endless.connection.sendall(piece)
                time.sleep(0.005)
        still_well(server)
        eventually(lambda: len(server._departures.open) == 0 and server._service.clients == 0)
        assert server._strangers.ended == {"unfinished": 1}
    assert "not read yet, or no message" in caplog.text
