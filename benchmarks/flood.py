#!/usr/bin/env python3
"""Many connections of no good against a real `vcg serve`, at a bounded rate, while ordinary clients work.

python benchmarks/flood.py --connections 100000 --rate 1000        some two minutes; Linux
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.certificates import certificate  # noqa: E402
from tests.support.zmtp import GREETING, Zmtp  # noqa: E402
from vcg_bridge.cli.launch import ServerProcess  # noqa: E402
from vcg_bridge.cli.soak import Footprint, footprint  # noqa: E402
from vcg_bridge.client import Client  # noqa: E402
from vcg_bridge.contract.errors import VcgError  # noqa: E402
from vcg_bridge.contract.messages import Design, Error, Hello, Output, Reply  # noqa: E402

TOKEN = "0123456789abcdef"
SOURCES = [f"127.0.0.{i}" for i in range(2, 10)]  # all are this machine on Linux; each has ports of its own
OPEN = 200  # connections that one thread keeps open before it closes the oldest
LIMIT_S = 10.0


class Flood:
    """Connects from several threads. `outcomes` says what came of each kind."""

    def __init__(self, plain: tuple[str, int], tls: tuple[str, int], rate: float, connections: int) -> None:
        self._plain, self._tls, self._rate, self._left = plain, tls, rate, connections
        self._lock = threading.Lock()
        self._next = time.monotonic()
        self.outcomes: Counter[str] = Counter()
        self._kinds: list[tuple[str, Callable[[socket.socket], str], tuple[str, int]]] = [
            ("silence", lambda _: "", plain),
            ("half a greeting", lambda s: _send(s, GREETING[:11]), plain),
            ("HTTP", lambda s: _send(s, b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" * 4), plain),
            ("wrong mechanism", lambda s: _send(s, GREETING.replace(b"NULL\0", b"PLAIN")), plain),
            ("no hello", lambda s: _shake(s), plain),
            ("wrong token", _guess, plain),
            ("TLS: garbage", lambda s: _send(s, b"\x16\x03\x01\x02\x00" + b"x" * 300), tls),
            ("TLS: silence", lambda _: "", tls),
        ]

    def run(self, threads: int) -> None:
        """All of it; returns when it is over."""
        workers = [threading.Thread(target=self._work, args=(n,)) for n in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def _turn(self) -> int:
        """Wait for the next connection's time; its number, 0 at the end."""
        with self._lock:
            if not self._left:
                return 0
            number, self._left = self._left, self._left - 1
            self._next = max(self._next + 1 / self._rate, time.monotonic() - 0.1)  # a little is caught up
            wait = self._next - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        return number

    def _work(self, thread: int) -> None:
        open_ones: deque[tuple[str, socket.socket]] = deque()
        while number := self._turn():
            kind, act, target = self._kinds[number % len(self._kinds)]
            source = SOURCES[(number // len(self._kinds)) % len(SOURCES)]
            try:
                one = socket.create_connection(target, LIMIT_S, source_address=(source, 0))
            except OSError as error:
                self._count(kind, f"no connection ({error.strerror or error})")
                continue
            try:
                answer = act(one)
            except (OSError, EOFError):
                answer = "closed by the server"
            if answer:
                self._count(kind, answer)
                one.close()
                continue
            open_ones.append((kind, one))
            if len(open_ones) > OPEN:
                self._close(*open_ones.popleft())
        while open_ones:
            self._close(*open_ones.popleft())

    def _close(self, kind: str, one: socket.socket) -> None:
        one.setblocking(False)
        try:
            while one.recv(4096):
                pass
            self._count(kind, "closed by the server")
        except BlockingIOError:
            self._count(kind, "open when its client left")
        except OSError:
            self._count(kind, "closed by the server")
        one.close()

    def _count(self, kind: str, what: str) -> None:
        with self._lock:
            self.outcomes[f"{kind}: {what}"] += 1


def _send(one: socket.socket, data: bytes) -> str:
    one.sendall(data)
    return ""


def _shake(one: socket.socket) -> str:
    Zmtp(one).shake_hands()
    return ""


def _guess(one: socket.socket) -> str:
    client = Zmtp(one)
    client.shake_hands()
    client.send(Hello((1,), client="guesser", token="not-the-right-token"))
    reply: Reply = client.reply()[0]
    return f"answered {reply.code}" if isinstance(reply, Error) else "LET IN"


def ordinary(address: str, seconds: float) -> None:
    """An ordinary client: asks for previews one after the other, and comes anew now and then. Prints its times in ms as JSON."""
    asks: list[float] = []
    comes: list[float] = []
    failed: Counter[str] = Counter()
    until, seed = time.monotonic() + seconds, time.time_ns() % (1 << 40)
    with Client.connect(address, token=TOKEN) as client:
        while time.monotonic() < until:
            for _ in range(20):
                seed += 1
                begin = time.perf_counter()
                client.generate_character(design=Design(seed=seed), output=Output(kind="preview"))
                asks.append((time.perf_counter() - begin) * 1000)
                time.sleep(0.02)
            begin = time.perf_counter()
            try:
                with Client.connect(address, token=TOKEN):
                    comes.append((time.perf_counter() - begin) * 1000)
            except VcgError as error:
                failed[error.code] += 1
    print(json.dumps({"asks": asks, "comes": comes, "failed": failed}))


def start_ordinary(address: str, seconds: float) -> subprocess.Popen[str]:
    """In a process of its own: it shares no interpreter with the flood."""
    return subprocess.Popen(
        [sys.executable, __file__, "--ordinary", address, "--seconds", str(seconds)], stdout=subprocess.PIPE, text=True
    )


def result(process: subprocess.Popen[str]) -> dict[str, list[float]]:
    """What it printed."""
    text, _ = process.communicate(timeout=600)
    found: dict[str, list[float]] = json.loads(text)
    return found


def percentiles(values: list[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    cuts = statistics.quantiles(values, n=100)
    return statistics.median(values), cuts[98]


def line(name: str, before: list[float], during: list[float]) -> str:
    """One row of the table."""
    (b50, b99), (d50, d99) = percentiles(before), percentiles(during)
    return f"| {name} | {b50:.1f} | {b99:.1f} | {d50:.1f} | {d99:.1f} | {d50 / b50:.2f} | {d99 / b99:.2f} |"


def show(what: str, found: Footprint | None) -> None:
    """What the server holds."""
    if found is not None:
        print(f"{what}: {found.resident / 1e6:.0f} MB, {found.threads} threads, {found.descriptors} descriptors")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=1000.0, help="connections a second, at most")
    parser.add_argument("--threads", type=int, default=4, help="that connect")
    parser.add_argument("--ordinary", default="", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=20.0, help="of the ordinary client before the flood")
    options = parser.parse_args()
    if options.ordinary:
        ordinary(options.ordinary, options.seconds)
        return
    with tempfile.TemporaryDirectory() as folder:
        files = certificate(Path(folder))
        token = Path(folder) / "token"
        token.touch(0o600)
        token.write_text(TOKEN)
        arguments = [
            "--token-file",
            token,
            "--tls",
            files.chain,
            files.key,
            "--tls-bind",
            f"tls://127.0.0.1:{_free_port()}",
        ]
        arguments += ["--metrics", f"http://127.0.0.1:{_free_port()}", "--verbose"]
        with ServerProcess([str(a) for a in arguments]) as server:
            report(server, str(arguments[-4]), str(arguments[-2]), options)


def report(server: ServerProcess, tls: str, metrics: str, options: argparse.Namespace) -> None:
    """Flood it, and print what came of it."""
    result(start_ordinary(server.address, 2))  # everything has begun
    before_print = footprint(server.process.pid)
    before = result(start_ordinary(server.address, options.seconds))
    flood = Flood(place(server.address), place(tls), options.rate, options.connections)
    process = start_ordinary(server.address, options.connections / options.rate)
    begin = time.monotonic()
    prints: list[Footprint] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            found = footprint(server.process.pid)
            if found is not None:
                prints.append(found)

    watcher = threading.Thread(target=watch)
    watcher.start()
    flood.run(options.threads)
    seconds = time.monotonic() - begin
    during = result(process)
    done.set()
    watcher.join()
    time.sleep(3)
    after_print = footprint(server.process.pid)
    total = sum(flood.outcomes.values())
    print(f"{total} connections in {seconds:.0f} s, {total / seconds:.0f} a second")
    for what, count in sorted(flood.outcomes.items()):
        print(f"  {what}: {count}")
    print(
        "| ordinary client, ms | before p50 | p99 | during p50 | p99 | ratio p50 | p99 |\n|---|---|---|---|---|---|---|"
    )
    print(line("a preview", before["asks"], during["asks"]))
    print(line("connect, hello, welcome", before["comes"], during["comes"]))
    print(f"refused while it wanted in: {during['failed'] or 'never'} of {len(during['comes'])}")
    show("before", before_print)
    if prints:
        most = (max(getattr(p, name) for p in prints) for name in ("resident", "threads", "descriptors"))
        show("at most", Footprint(*most))
    show("3 s after", after_print)
    about = [
        x
        for x in server._log.read_text().splitlines()
        if re.search(r"strange|no hello|handshake|token;|tokens|TLS:", x)
    ]
    print(f"lines in the log (--verbose) about all of them: {len(about)}, {sum(map(len, about)) / 1000:.0f} kB")
    with urllib.request.urlopen(f"{metrics}/metrics", timeout=LIMIT_S) as page:
        for text in page.read().decode().splitlines():
            if re.match(r"vcg_(handshakes_refused|connections|strangers|wrong_tokens|errors_total|tls_conn)", text):
                print(f"  {text}")


def place(address: str) -> tuple[str, int]:
    """Host and port."""
    host, _, port = address.partition("://")[2].rpartition(":")
    return host, int(port)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
