"""The network between a client and a server on two machines is cut, comes back, is slow. Encrypted, as beyond loopback it should be."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread

import pytest
import zmq

from tests.server.conftest import ANSWER_S
from tests.support.two_hosts import ADDRESSES, ROOT, NotPermitted, TwoHosts
from vcg_bridge.cli.soak import Footprint, footprint

pytestmark = [
    pytest.mark.socket,
    pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux'"),
]
TOKEN = "0123456789abcdef"
FORGET_MS = 1500
COUNT = 8


class Process:
    """A process on one side, and the lines it prints."""

    def __init__(self, hosts: TwoHosts, side: str, settings: dict[str, object]) -> None:
        command = [sys.executable, "-m", "tests.support.ends", side, json.dumps(settings)]
        self._process = subprocess.Popen(
            hosts.command(side, *command), cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.pid = self._process.pid
        self._lines: Queue[str] = Queue()
        self._reader = Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.strip())
        self._lines.put("")  # the end

    def line(self) -> str:
        """The next; "" when it has ended."""
        return self._lines.get(timeout=ANSWER_S)

    def ask(self) -> dict[str, int]:
        """What the server holds."""
        assert self._process.stdin is not None
        self._process.stdin.write("?\n")
        self._process.stdin.flush()
        held: dict[str, int] = json.loads(self.line())
        return held

    def kill(self) -> None:
        """At once, without a goodbye."""
        self._process.kill()
        self._process.wait(ANSWER_S)

    def end(self) -> None:
        """By closing its input; whatever happens it ends."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reader.join(ANSWER_S)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def hosts() -> Iterator[TwoHosts]:
    try:
        with TwoHosts() as hosts:
            hosts.clear()
            yield hosts
    except NotPermitted as refusal:
        pytest.skip(f"no network namespaces here: {refusal}")


class Net:
    """A server on one host, and clients on the other."""

    def __init__(self, hosts: TwoHosts, tiny: Path) -> None:
        self.hosts = hosts
        public, secret = (key.decode() for key in zmq.curve_keypair())
        self._curve = [public, *(key.decode() for key in zmq.curve_keypair())]
        limits = {"forget_ms": FORGET_MS, "ping_ms": 300}
        self.server = Process(hosts, "server", {
            "address": f"tcp://{ADDRESSES['server']}:0", "bundles": [str(tiny)], "threads": 1, "token": TOKEN,
            "curve_secret_key": secret, "limits": limits, "workers": 0,  # a replica starts threads when it likes
        })  # fmt: skip
        self._address = self.server.line()

    @contextmanager
    def client(self, *, pause_s: float = 0.05, **options: object) -> Iterator[Process]:
        """In the middle of nothing yet."""
        options = {
            "address": self._address, "token": TOKEN, "window_bytes": 20_000, "ping_ms": 300, "dead_ms": 800, **options,
        }  # fmt: skip
        client = Process(
            self.hosts, "client", {"options": options, "curve": self._curve, "count": COUNT, "pause_s": pause_s}
        )
        try:
            yield client
        finally:
            client.end()

    def footprint(self) -> Footprint:
        """Threads and descriptors of the server. (nsenter becomes the command that it is given.)"""
        found = footprint(self.server.pid)
        assert found is not None
        return found

    def until(self, condition: Callable[[dict[str, int]], bool]) -> dict[str, int]:
        """Ask the server until it is so."""
        limit = time.monotonic() + ANSWER_S
        while not condition(held := self.server.ask()):
            assert time.monotonic() < limit, held
            time.sleep(0.05)
        return held

    def until_free(self) -> dict[str, int]:
        """Until nobody is connected and nothing is held."""
        return self.until(lambda held: not any(value for name, value in held.items() if name != "sessions"))


@pytest.fixture(scope="module")
def net(hosts: TwoHosts, tiny: Path) -> Iterator[Net]:
    net = Net(hosts, tiny)
    try:
        yield net
    finally:
        net.server.end()


@pytest.fixture(scope="module")
def expected(net: Net) -> list[str]:
    """The pictures of a job that nothing disturbs: number and sha256."""
    with net.client(pause_s=0.0) as client:
        lines = rest(client)
    assert lines.pop() == "done"
    assert [int(line.split()[0]) for line in lines] == list(range(3 * COUNT))
    net.until_free()
    return lines


def rest(client: Process) -> list[str]:
    """All lines to the end."""
    return list(iter(client.line, ""))


def some(client: Process, count: int) -> list[str]:
    return [client.line() for _ in range(count)]


def test_a_short_cut_is_not_noticed(net: Net, expected: list[str]) -> None:
    before = net.server.ask()["sessions"]
    with net.client(dead_ms=30_000) as client:
        got = some(client, 5)
        net.hosts.swallow()
        time.sleep(0.25)
        net.hosts.clear()
        got += rest(client)
    assert got == [*expected, "done"]
    assert net.server.ask()["sessions"] == before + 1  # the connection has lived on


@pytest.mark.parametrize("visible", [True, False])
def test_a_long_cut_frees_the_server_and_the_job_goes_on_afterwards(
    net: Net, expected: list[str], visible: bool
) -> None:
    """Of a cable that is out the interfaces tell; where packets are swallowed on the way nobody does."""
    net.until_free()
    before, sessions = net.footprint(), net.server.ask()["sessions"]
    with net.client() as client:
        got = some(client, 5)
        if visible:
            net.hosts.pull()
        else:
            net.hosts.swallow()
        net.until_free()
        if visible:
            net.hosts.plug()
        else:
            net.hosts.clear()
        got += rest(client)
    assert got == [*expected, "done"]
    assert net.until_free()["sessions"] > sessions + 1  # it has come back with first_seq
    now = net.footprint()
    assert (now.threads, now.descriptors) == (before.threads, before.descriptors)


def test_a_client_that_dies_unheard_leaves_nothing(net: Net, expected: list[str]) -> None:
    """Half open: no FIN and no RST ever reach the server."""
    net.until_free()
    before = net.footprint()
    with net.client() as client:
        assert some(client, 5) == expected[:5]
        net.hosts.swallow()
        client.kill()
        net.until_free()
        net.hosts.clear()
    now = net.footprint()
    assert (now.threads, now.descriptors) == (before.threads, before.descriptors)


def test_a_cut_without_end_is_reported(net: Net) -> None:
    with net.client(retry_s=0.5) as client:
        some(client, 5)
        net.hosts.swallow()
        last = rest(client)[-1]
        net.until_free()
        net.hosts.clear()
    assert last.startswith("disconnected the connection to tcp://192.0.2.1")


def test_a_slow_link_takes_longer_and_loses_nothing(net: Net, expected: list[str]) -> None:
    net.hosts.slow(600)
    try:
        with net.client(pause_s=0.0, dead_ms=10_000) as client:
            assert rest(client) == [*expected, "done"]
    finally:
        net.hosts.clear()
    net.until_free()
