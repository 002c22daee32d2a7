#!/usr/bin/env python3
"""Feed mutated greetings, handshakes and messages to real servers over real sockets: plain, TLS and CURVE.

The servers must stay up, go on serving others, and hold in the end what they held before.

python scripts/fuzz_server.py --inputs 100000      some minutes
python scripts/fuzz_server.py --seed 7             other ones
"""

from __future__ import annotations

import argparse
import contextlib
import random
import socket
import ssl
import struct
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import zmq

from tests.support.certificates import certificate
from tests.support.fuzz_targets import GOLDEN, frames_of, mutated
from tests.support.ports import reserved_port
from tests.support.tiny_bundle import write_tiny_bundle
from tests.support.zmtp import COMMAND, GREETING, LONG, MORE, READY, frame
from vcg_bridge.cli.keys import client_keys, server_keys
from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.cli.soak import Footprint, footprint
from vcg_bridge.client import Client
from vcg_bridge.contract import messages as m

WAIT_S = 60
"""No single wait is longer. The machine may be busy: this is no measure of speed."""
OPEN = 24
"""Connections at once."""
GROWN_BYTES = 64 << 20
"""Sessions are remembered for a minute and drawn views are cached: measured, 45 MiB after 20,000 inputs and no more after that."""

WORDS = (
    b"\xff", b"\x7f\x03\x01", b"\x04\x05READY", b"\x05ERROR\xff", b"\x04PING\xff\xff", b"\x09SUBSCRIBE", b"\x05HELLO\x01\0", b"\x08Identity",
    struct.pack(">BQ", LONG, 1 << 62), struct.pack(">BQ", LONG | MORE, (1 << 63) + 1), b"\x02", b"\x06\0\0\0\0\0\0\0\0", b"\x01\0" * 300,
    b"PLAIN".ljust(20, b"\0"), b"CURVE".ljust(20, b"\0"), b"GSSAPI".ljust(20, b"\0"), b"\x7f\x01", b"\0" * 64, b"\x07\xff",
)  # fmt: skip
"""Pieces of ZMTP: versions, commands, mechanisms, frames that claim to be long."""

Address = tuple[str, int]
Input = Callable[[random.Random], bytes]


def fuzz_server(inputs: int, seed: int) -> Counter[str]:
    """What was sent, by kind. Raises AssertionError where a server died, stopped serving or grew."""
    sent: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="vcg-fuzz-") as name, reserved_port() as port:
        folder = Path(name)
        made = certificate(folder)
        common = [f"--bundle={write_tiny_bundle(folder / 'tiny')}", "--threads=1", "--workers=0"]
        tls = ["--tls", str(made.chain), str(made.key), "--tls-bind", f"tls://127.0.0.1:{port}"]
        with (
            ServerProcess([*common, *tls]) as plain,
            ServerProcess([*common, f"--key-file={folder / 'server.key'}"]) as curve,
        ):
            keys = client_keys(server_keys(folder / "server.key")[0])
            here, locked = _place(plain.address), _place(curve.address)
            shake = _curve_handshake(keys.server)
            context = ssl.create_default_context(cafile=made.authority)
            targets: list[tuple[str, Address, Input, ssl.SSLContext | None]] = [
                ("greeting", here, lambda rng: _spoiled(rng, GREETING) + frame(READY, COMMAND), None),
                ("names", here, lambda rng: GREETING + frame(READY + _name(rng), COMMAND) + frame(_HELLO), None),
                ("bursts", here, lambda rng: GREETING + frame(READY, COMMAND) + _burst(rng), None),
                ("tls-bursts", ("127.0.0.1", port), lambda rng: GREETING + frame(READY, COMMAND) + _burst(rng), context),
                ("ready", here, lambda rng: GREETING + frame(_spoiled(rng, READY), COMMAND), None),
                ("frames", here, lambda rng: GREETING + _spoiled(rng, frame(READY, COMMAND) + _messages(rng)), None),
                ("messages", here, lambda rng: GREETING + frame(READY, COMMAND) + _messages(rng, wrong=True), None),
                ("tls-hello", ("127.0.0.1", port), lambda rng: _spoiled(rng, _client_hello(context)), None),
                ("tls-frames", ("127.0.0.1", port), lambda rng: _spoiled(rng, GREETING + frame(READY, COMMAND) + _messages(rng)), context),
                ("curve", locked, lambda rng: _spoiled(rng, shake), None),
            ]  # fmt: skip

            def serve(count: int) -> None:
                for server, locks in ((plain, None), (curve, keys)):
                    assert server.process.poll() is None, f"a server ended with {server.process.returncode}"
                    with Client.connect(server.address, curve=locks) as client:
                        for i in range(count):
                            client.generate_character(design=m.Design(seed=i), animations=("idle",))

            serve(20)
            _rounds(random.Random(f"{seed} warm"), targets, min(inputs // 4, 3000), Counter())
            serve(5)
            before = [_settled(server.process.pid, None) for server in (plain, curve)]
            for start in range(0, inputs, 500):
                rng = random.Random(f"{seed} {start}")
                _rounds(rng, targets, min(500, inputs - start), sent)
                serve(1)
            for server, old in zip((plain, curve), before, strict=True):
                new = _settled(server.process.pid, old)
                if old is not None and new is not None:
                    assert new.threads <= old.threads, (old, new)
                    assert new.descriptors <= old.descriptors + 2, (old, new)
                    assert new.resident < old.resident + GROWN_BYTES, (old, new)
                    sent["KiB grown"] += max(0, (new.resident - old.resident) >> 10)
    return sent


def _rounds(
    rng: random.Random, targets: list[tuple[str, Address, Input, ssl.SSLContext | None]], count: int, sent: Counter[str]
) -> None:
    """So many inputs, a connection each; a few of them are open at once."""
    crowd: deque[socket.socket] = deque()
    for _ in range(count):
        name, address, make, context = rng.choice(targets)
        data = make(rng)
        one = socket.create_connection(address, WAIT_S)
        crowd.append(one)
        with contextlib.suppress(OSError):  # the server may have closed it by now
            if context is not None:
                crowd[-1] = one = context.wrap_socket(one, server_hostname="localhost")
            if data.startswith(GREETING):
                # libzmq goes on after the greeting only when something more comes: what came together with it waits, and is never looked at.
                one.sendall(GREETING)
                data = data.removeprefix(GREETING)
                one.recv(len(GREETING))
            cut = rng.randrange(len(data) + 1) if rng.random() < 0.2 else len(data)
            one.sendall(data[:cut])
            one.sendall(data[cut:])
            if rng.random() < 0.3 and not name.endswith("bursts"):
                one.shutdown(socket.SHUT_WR)
        if name.endswith("bursts"):  # it breaks off while the server is at it
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            crowd.pop().close()
        sent[name] += 1
        if len(crowd) > OPEN:
            _end(crowd.popleft(), rng)
    for one in crowd:
        _end(one, rng)


def _end(one: socket.socket, rng: random.Random) -> None:
    """Take what it was answered, and close it: in good order, or with a reset."""
    with contextlib.suppress(OSError):
        one.setblocking(False)
        one.recv(1 << 16)
        if rng.random() < 0.3:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()


def _spoiled(rng: random.Random, data: bytes) -> bytes:
    return mutated(rng, data, (data, GREETING, READY), WORDS) if rng.random() < 0.95 else data


def _messages(rng: random.Random, wrong: bool = False) -> bytes:
    """A hello and a few requests in their frames. wrong: the requests are not what they should be."""
    parts = [frame(_HELLO if rng.random() < 0.9 else mutated(rng, _HELLO, _REQUESTS))]
    for _ in range(rng.randrange(4)):
        data = rng.choice(_REQUESTS)
        parts.append(frame(mutated(rng, data, _REQUESTS) if wrong else data, MORE if rng.random() < 0.1 else 0))
    return b"".join(parts)


_HELLO = m.encode(m.Hello((1,), client="fuzz", codecs=("zstd",)))[0]
_REQUESTS = tuple(
    frames_of(path)[0]
    for kind in ("hello", "generate*", "describe", "cancel", "credit", "ping", "bye")
    for path in sorted(GOLDEN.glob(f"{kind}.bin"))
)


def _name(rng: random.Random) -> bytes:
    """An Identity like those that libzmq gives: it numbers connections, from where rand() begins unless somebody has seeded it."""
    number = 0x6B8B4567 + rng.randrange(2000)
    name = b"\0" + struct.pack(">I", number)
    return b"\x08Identity" + struct.pack(">I", len(name)) + name


def _burst(rng: random.Random) -> bytes:
    """More tiny messages than are read at once, and pings between them."""
    few = frame(rng.choice((b"", b"\xc1", _HELLO)), rng.choice((0, 0, MORE))) * rng.randrange(1, 60)
    return (few + frame(b"\x04PING\0\0", COMMAND)) * rng.randrange(1, 40)


def _client_hello(context: ssl.SSLContext) -> bytes:
    """The first bytes of a TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


def _curve_handshake(server_key: str) -> bytes:
    """Greeting and HELLO of a real CURVE client, as libzmq sends them to the server with that key."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with socket.create_server(("127.0.0.1", 0)) as listener, context.socket(zmq.DEALER) as client:
        listener.settimeout(WAIT_S)
        client.linger = 0
        client.curve_publickey, client.curve_secretkey = zmq.curve_keypair()
        client.curve_serverkey = server_key.encode()
        client.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(WAIT_S)
            connection.sendall(GREETING[:12] + b"CURVE".ljust(20, b"\0") + b"\x01" + bytes(31))
            data = b""
            while len(data) < 64 + 2 + 200:
                piece = connection.recv(4096)
                assert piece, data
                data += piece
    context.term()
    return data


def _settled(pid: int, earlier: Footprint | None) -> Footprint | None:
    """What the process holds once the connections that we left are gone. earlier: what it should come back to."""
    until, last = time.monotonic() + WAIT_S, footprint(pid)
    while time.monotonic() < until:
        time.sleep(0.3)
        now = footprint(pid)
        if now is None or last is None:
            return now
        back = earlier is None or (now.threads <= earlier.threads and now.descriptors <= earlier.descriptors + 2)
        if back and now.descriptors == last.descriptors:
            return now
        last = now
    return last


def _place(address: str) -> Address:
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.monotonic()
    for what, count in sorted(fuzz_server(options.inputs, options.seed).items()):
        print(f"{count:9} {what}")
    print(f"{options.inputs} inputs in {time.monotonic() - began:.0f} s: the servers serve, and hold what they held")
