"""How fast the Unity package's engine-free core is on mono: round trips, decoding, from the click to the preview.

    python benchmarks/unity_core.py [--out FILE.md]              # needs mono: scripts/install_mono.sh

Neither Unity's own Mono nor IL2CPP, which compiles the same code to C++, is measured here.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import platform
import random
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.conformance.stage import stop, wait_until_ready
from tests.support.commands import start_vcg
from tests.unity.core_program import compile_program
from tests.unity.mono import find_mono
from vcg_bridge import __version__
from vcg_bridge.client import Client
from vcg_bridge.contract import messages as m

MIB = 1 << 20

ECHO = """
import sys, zmq
from vcg_bridge.contract import messages as m
router = zmq.Context().socket(zmq.ROUTER)
print(router.bind_to_random_port("tcp://127.0.0.1"), flush=True)
while True:
    client, frame = router.recv_multipart()
    if b"hello" in frame[:200]:
        router.send_multipart([client, *m.encode(m.Welcome(1, server="echo"))])
    else:  # a pong is its ping with another letter
        router.send_multipart([client, frame.replace(b"ping", b"pong")])
"""


COLUMNS = ("figure", "median", "fastest", "95th of 100", "goal", "")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="also write the table to this file, as Markdown")
    arguments = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as name:
        for row in measure(Path(name)):
            rows.append(row)
            print(
                "  ".join(cell.ljust(width) for cell, width in zip(row, (46, 10, 10, 10, 10, 9), strict=True)),
                flush=True,
            )
    if arguments.out is not None:
        load = os.getloadavg()[0]
        lines = [
            "# Figures of the C# core on mono", "Written by `python benchmarks/unity_core.py --out FILE`.", "",
            f"vcg_bridge {__version__}, cores {os.cpu_count()}, load_1min {load:.2f}, platform {platform.platform()}", "",
            f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|", *(f"| {' | '.join(row)} |" for row in rows),
        ]  # fmt: skip
        temporary = arguments.out.with_suffix(".tmp")
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
        temporary.replace(arguments.out)


def measure(folder: Path) -> Iterator[tuple[str, ...]]:
    """The rows, as they come."""
    mono = find_mono(folder)
    if mono is None:
        sys.exit("no mono: run scripts/install_mono.sh")
    program = compile_program(mono)
    with echo() as address:
        yield row("ping, a bare ROUTER answers", program.run("time-pings", 3000, f"address={address}"), 0.2)
    with server(folder / "ready") as address:
        yield row("ping, vcg serve answers", program.run("time-pings", 3000, f"address={address}"))
        with Client.connect(address) as client:
            pixels = b"".join(p.data for p in client.generate(design=m.Design(seed=7), preview=False))
        for codec in ("gzip", "raw"):
            only = "" if codec == "gzip" else ", so the sha256 alone"
            path = blob(folder / codec, codec, pixels)
            yield row(
                f"3 MiB decoded, {codec}{only}", program.run("time-decode", 30, path), 15 if codec == "gzip" else None
            )
        path = blob(folder / "whole", "gzip", pixels, len(pixels))
        yield row(f"a whole character decoded, {len(pixels) / MIB:.2f} MiB", program.run("time-decode", 30, path))
        yield row("click to preview", program.run("time-previews", 40, f"address={address}"), 150)


def row(what: str, milliseconds: str, goal: float | None = None) -> tuple[str, ...]:
    """A row of the table."""
    times = [float(x) for x in milliseconds.split()]
    middle, late = times[len(times) // 2], times[len(times) * 95 // 100]
    reached = "" if goal is None else "reached" if middle <= goal else "missed"
    return (what, *(f"{x:.3g} ms" for x in (middle, times[0], late)), "" if goal is None else f"<= {goal} ms", reached)


def blob(path: Path, codec: str, pixels: bytes, length: int = 3 * MIB) -> Path:
    """A blob of real pixels, repeated in another order until there are enough of them."""
    rng = random.Random(1)
    data = bytearray()
    rows = [pixels[i : i + 4096] for i in range(0, len(pixels), 4096)]
    while len(data) < length:
        data += b"".join(rows)
        rng.shuffle(rows)
    data = data[:length]
    packed = gzip.compress(data, 6, mtime=0) if codec == "gzip" else bytes(data)
    parts = (codec.encode(), packed, b"%d" % length, hashlib.sha256(data).digest())
    path.write_bytes(b"".join(struct.pack("<I", len(x)) + x for x in parts))
    return path


@contextmanager
def echo() -> Iterator[str]:
    """A ROUTER that does nothing else than answer."""
    process = subprocess.Popen([sys.executable, "-c", ECHO], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"tcp://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()


@contextmanager
def server(ready: Path) -> Iterator[str]:
    """`vcg serve` with the bundle that is shipped."""
    process = start_vcg("serve", "--bind", "tcp://127.0.0.1:0", "--device", "cpu", "--ready-file", ready)
    try:
        yield wait_until_ready(process, ready)[0]
    finally:
        stop(process)


if __name__ == "__main__":
    main()
