"""How fast the Unity package's engine-free core is on mono: round trips, decoding, from the click to the preview.

    python benchmarks/unity_core.py              # needs mono: scripts/install_mono.sh

Unity's own Mono is of the same kind; IL2CPP compiles the same code to C++ and is faster.
"""

from __future__ import annotations

import gzip
import hashlib
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
from tests.unity.core_program import CoreProgram, compile_program
from tests.unity.mono import find_mono
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


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mono = find_mono(folder)
        if mono is None:
            sys.exit("no mono: run scripts/install_mono.sh")
        program = compile_program(mono)
        with echo() as address:
            show("ping, a bare ROUTER answers", program.run("time-pings", 3000, f"address={address}"), 0.2)
        with server(folder / "ready") as address:
            show("ping, vcg serve answers", program.run("time-pings", 3000, f"address={address}"))
            with Client.connect(address) as client:
                sheet = b"".join(p.data for p in client.generate(design=m.Design(seed=7), preview=False))
            for codec in ("gzip", "raw"):
                path = blob(folder / codec, codec, sheet)
                show(f"3 MiB of index planes decoded, {codec}", program.run("time-decode", 30, path), 15)
                show(f"{len(sheet) / MIB:.2f} MiB, a whole character, {codec}", _decode(program, folder, codec, sheet))
            show("click to preview", program.run("time-previews", 40, f"address={address}"), 150)


def _decode(program: CoreProgram, folder: Path, codec: str, data: bytes) -> str:
    return program.run("time-decode", 30, blob(folder / f"whole-{codec}", codec, data, len(data)))


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


def show(what: str, milliseconds: str, aim: float | None = None) -> None:
    """A line of the table."""
    times = [float(x) for x in milliseconds.split()]
    middle, late = times[len(times) // 2], times[len(times) * 95 // 100]
    goal = "" if aim is None else f"   aim: {aim} ms"
    print(f"{what:45} fastest {times[0]:7.3f}, median {middle:7.3f}, 95th of 100 {late:7.3f} ms{goal}", flush=True)


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
