"""What CURVE and TLS cost beside plain tcp: the same work through all three, in turns, in one run.

    python benchmarks/secure_links.py [--clients 1,8] [--seconds 3] [--rounds 3] [--out FILE.md]

Linux, with the command `openssl` for a certificate. Two servers of the shipped bundle, one with a TLS port beside its plain one,
one with CURVE; all of it is on this machine. Processor time is that of the servers, their replicas and the clients, which are this
process (through TLS each has a thread that carries its bytes, as every Python client has): on a busy machine it says more than rates.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from vcg_bridge.cli.driver import WINDOW, Driver, Make
from vcg_bridge.cli.keys import client_keys, server_keys
from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.cli.load import SHEET, previews, sheets, warm_up
from vcg_bridge.client import Client, ClientOptions
from vcg_bridge.contract.messages import Design, Generate, Output
from vcg_bridge.generators.bundle import open_bundle

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
SEEDS = 20
"""Characters of the big pictures: they come out of the server's cache, so that the link is what is measured."""


def big(model: str, _: int) -> Make:
    """Walk and idle as a sheet in RGBA, 3 times as large, of characters that are drawn already."""
    output = Output("sheet", format="rgba8", layout="rows", scale=3)
    return lambda i: Generate(
        f"r{i}", model, design=Design(seed=i % SEEDS), animations=SHEET, preview=False, output=output, credit=WINDOW
    )


def processor_s(pid: int) -> float:
    """User and system time of a process and those it has started."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = {int(x) for t in Path(f"/proc/{pid}/task").iterdir() for x in (t / "children").read_text().split()}
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) * TICK_S + sum(map(processor_s, children))


@dataclass
class Sum:
    """Of one link and one kind of work."""

    jobs: int = 0
    seconds: float = 0.0
    processor: float = 0.0
    bytes: int = 0


@dataclass(frozen=True)
class Way:
    """One link."""

    name: str
    options: ClientOptions
    pid: int

    def connect_ms(self) -> float:
        """A new client, until it is welcome."""
        begin = time.perf_counter()
        client = Client(self.options)
        try:
            client.open()
            return (time.perf_counter() - begin) * 1000
        finally:
            client.close()

    def turn(self, into: Sum, make: Make, clients: int, seconds: float, *, raw: bool) -> None:
        """Work for so long."""
        options = replace(self.options, codecs=("raw",)) if raw else self.options
        with Driver(options, clients) as driver:
            begin = processor_s(self.pid) + time.process_time()
            load = driver.run(make, seconds)
            into.processor += processor_s(self.pid) + time.process_time() - begin
        into.jobs += len(load.samples)
        into.seconds += load.seconds
        into.bytes += sum(sample.bytes for sample in load.samples)


def measured(ways: list[Way], model: str, clients: list[int], seconds: float, rounds: int) -> list[tuple[str, ...]]:
    """The rows of the table."""
    rows = []
    seeds = iter(range(1 << 20, 1 << 40, 1 << 20))
    times = {way.name: [way.connect_ms() for _ in range(10)] for way in ways}
    middle = {name: statistics.median(found) for name, found in times.items()}
    rows.append(("connect, hello, welcome", "1", *(f"{middle[way.name]:.1f} ms" for way in ways),
                 *(f"{middle[way.name] / middle['tcp']:.2f}" for way in ways[1:]), "", ""))  # fmt: skip
    for name, kind in (("previews", previews), ("sheets, PNG", sheets), ("sheets, RGBA, not compressed", big)):
        for count in clients:
            sums = {way.name: Sum() for way in ways}
            for _ in range(rounds):
                for way in ways:
                    way.turn(sums[way.name], kind(model, next(seeds)), count, seconds, raw=kind is big)
            each = {way: s.processor / s.jobs for way, s in sums.items()}
            rates = {way: s.jobs / s.seconds for way, s in sums.items()}
            rows.append((
                f"{name}, {sums['tcp'].bytes / sums['tcp'].jobs / 1e3:.0f} kB", str(count), *(f"{rates[way.name]:.1f} a second" for way in ways),
                *(f"{rates[way.name] / rates['tcp']:.2f}" for way in ways[1:]),
                *(f"{each[way.name] / each['tcp']:.2f}" for way in ways[1:]),
            ))  # fmt: skip
            print(" | ".join(rows[-1]), file=sys.stderr)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", default="1,8", help="numbers of clients")
    parser.add_argument("--seconds", type=float, default=3.0, help="of a turn")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each link for each kind of work")
    parser.add_argument("--out", type=Path, help="write the table there too")
    arguments = parser.parse_args()
    model = open_bundle("").manifest.name
    with tempfile.TemporaryDirectory(prefix="vcg-links-") as folder:
        certificate, key, secret = (Path(folder) / name for name in ("cert.pem", "key.pem", "server.key"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", "/CN=vcg", "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True,
        )  # fmt: skip
        public, _ = server_keys(secret)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            tls = f"tls://127.0.0.1:{probe.getsockname()[1]}"
        with (
            ServerProcess(["--tls", str(certificate), str(key), "--tls-bind", tls]) as plain,
            ServerProcess(["--key-file", str(secret)]) as curve,
        ):
            ways = [
                Way("tcp", ClientOptions(address=plain.address), plain.process.pid),
                Way("CURVE", ClientOptions(address=curve.address, curve=client_keys(public)), curve.process.pid),
                Way("TLS", ClientOptions(address=tls, tls_certificate=certificate), plain.process.pid),
            ]
            for way in ways[:2]:
                warm_up(way.options, model, 1 << 19, 3.0)
                with Driver(way.options, 1) as driver:
                    driver.run(big(model, 0), 3.0)
            rows = measured(
                ways, model, [int(n) for n in arguments.clients.split(",")], arguments.seconds, arguments.rounds
            )
    columns = ("work", "clients", "tcp", "CURVE", "TLS", "CURVE / tcp", "TLS / tcp",
               "processor time of CURVE / tcp", "of TLS / tcp")  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns), *(f"| {' | '.join(row)} |" for row in rows)]
    print("\n".join(lines))
    if arguments.out:
        arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
