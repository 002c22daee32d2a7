"""Starting, stopping, clients that vanish."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq

from tests.server.conftest import ANSWER_S, WINDOW, Dealer, config, running
from vcg_bridge.client import Client
from vcg_bridge.client.options import CurveKeys
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import AddressError, BundleError, ConfigError, DeviceError, VcgError
from vcg_bridge.server import logs
from vcg_bridge.server.server import Server

pytestmark = pytest.mark.socket
LONG = m.Generate("long", design=m.Design(seed=1), count=500, credit=WINDOW, priority="batch")
SMALL = m.Generate("small", design=m.Design(seed=4), animations=("idle",), credit=WINDOW)


@contextmanager
def process(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`python -m vcg_bridge.server` on any free port, and its address."""
    command = [
        sys.executable,
        "-m",
        "vcg_bridge.server",
        "--address",
        "tcp://127.0.0.1:0",
        "--threads",
        "1",
        *arguments,
    ]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    try:
        assert child.stdout is not None
        yield child, child.stdout.readline().strip()
    finally:
        child.kill()
        child.communicate(timeout=ANSWER_S)


def ended(child: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and log."""
    _, log = child.communicate(timeout=ANSWER_S)
    return child.returncode, log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_running_jobs_finish(tiny: Path, number: signal.Signals) -> None:
    with process("--bundle", str(tiny)) as (child, address), Dealer(address) as dealer:
        dealer.hello()
        dealer.send(m.Generate("g", design=m.Design(seed=1), count=10, credit=WINDOW))
        assert isinstance(dealer.reply(), m.Accepted)
        child.send_signal(number)
        replies = dealer.until(m.Bye)
        dealer.send(SMALL)
        while not isinstance(replies[-1], m.Done):
            replies.append(dealer.reply())
        refused = [r.code for r in replies if isinstance(r, m.Error)]
        assert set(refused) <= {"shutting_down"}  # unless everything was done before it was read
        code, log = ended(child)
        assert code == 0
        assert "Traceback" not in log
        assert "stopped" in log


def test_a_job_that_waits_for_credit_is_ended_after_the_grace_time(tiny: Path) -> None:
    with process("--bundle", str(tiny), "--grace", "0.3") as (child, address), Dealer(address) as dealer:
        dealer.hello()
        dealer.send(m.Generate("g", design=m.Design(seed=1)))
        assert isinstance(dealer.reply(), m.Accepted)
        child.terminate()
        assert isinstance(dealer.reply(), m.Bye)
        last = dealer.reply()
        assert isinstance(last, m.Error)
        assert (last.code, last.id) == ("shutting_down", "g")
        assert ended(child)[0] == 0


def test_a_second_signal_ends_at_once(tiny: Path) -> None:
    with process("--bundle", str(tiny), "--grace", "600") as (child, address), Dealer(address) as dealer:
        dealer.hello()
        dealer.send(m.Generate("g", design=m.Design(seed=1)))
        assert isinstance(dealer.reply(), m.Accepted)
        child.terminate()
        assert isinstance(dealer.reply(), m.Bye)
        child.terminate()
        assert ended(child)[0] == 0


def test_an_idle_server_stops_on_a_signal_without_clients(tiny: Path) -> None:
    with process("--bundle", str(tiny)) as (child, _):
        child.terminate()
        assert ended(child)[0] == 0


def test_a_port_that_is_taken(tiny: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(AddressError, match=f"port {port} of 127.0.0.1 is taken") as caught:
            Server(config(bundles=(str(tiny),), address=f"tcp://127.0.0.1:{port}"))
        assert str(port + 1) in caught.value.hint
    command = [sys.executable, "-m", "vcg_bridge.server", "--bundle", str(tiny)]
    with running(config(bundles=(str(tiny),))) as server:
        done = subprocess.run([*command, "--address", server.address], capture_output=True, text=True, timeout=ANSWER_S)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: port ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"address": "tcp://203.0.113.7:0", "token": "x" * 16}, AddressError, "no address"),
        ({"address": "tcp://no.such.host.invalid:0", "token": "x" * 16}, AddressError, "no address"),
        ({"address": "tcp://0.0.0.0:0"}, ConfigError, "other machines"),
        ({"bundles": ("no-such-bundle",)}, BundleError, "no-such-bundle"),
        ({"bundles": ("TINY", "TINY")}, ConfigError, "two bundles"),
        ({"device": "tpu"}, DeviceError, "tpu"),
        ({"queue": 0}, ConfigError, "queue"),
    ],
)
def test_a_server_that_cannot_start_says_why(
    tiny: Path, settings: dict[str, object], error: type[VcgError], message: str
) -> None:
    bundles = [str(tiny) if name == "TINY" else name for name in settings.get("bundles", ["TINY"])]  # type: ignore[attr-defined]
    with pytest.raises(error, match=message):
        Server(config(**{**settings, "bundles": tuple(bundles)}))


def test_beyond_loopback_with_a_token(tiny: Path) -> None:
    token = "a token of some length"
    with running(config(bundles=(str(tiny),), address="tcp://0.0.0.0:0", token=token)) as server:
        port = server.address.rpartition(":")[2]
        with Dealer(f"tcp://127.0.0.1:{port}") as dealer:
            dealer.hello(token=token)
            assert isinstance(dealer.job(SMALL).end, m.Done)


def test_an_encrypted_link(tiny: Path) -> None:
    """Without the server's public key nothing can be said at all."""
    public, secret = (key.decode() for key in zmq.curve_keypair())
    own_public, own_secret = (key.decode() for key in zmq.curve_keypair())
    settings = config(bundles=(str(tiny),), curve_secret_key=secret)
    assert secret not in repr(settings)
    with running(settings) as server:
        with Client.connect(server.address, curve=CurveKeys(public, own_public, own_secret)) as client:
            assert client.generate_character(design=m.Design(seed=1), animations=("idle",)).credits
        with Dealer(server.address) as plain:
            plain.send(m.Hello((1,)))
            assert plain.quiet(0.5)
    with pytest.raises(ConfigError, match="no key"):
        Server(config(bundles=(str(tiny),), curve_secret_key="short"))


def wait_until_free(server: Server) -> None:
    """Until no job is left."""
    until = time.monotonic() + ANSWER_S
    while server.unfinished or server.held_bytes:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_client_that_vanishes_in_the_middle_frees_its_work(server: Server) -> None:
    with Dealer(server.address) as dealer:
        dealer.hello()
        dealer.send(LONG)
        assert isinstance(dealer.reply(), m.Accepted)
        assert isinstance(dealer.reply(), m.Chunk)
        assert server.unfinished == 1
    wait_until_free(server)


def test_a_silent_client_is_forgotten(tiny: Path) -> None:
    limits = m.Limits(forget_ms=2000)
    with running(config(bundles=(str(tiny),), limits=limits)) as server, Dealer(server.address) as dealer:
        dealer.hello()
        dealer.send(m.Generate("g", design=m.Design(seed=1)))
        assert isinstance(dealer.reply(), m.Accepted)
        for i in range(5):  # pings keep it known for longer
            time.sleep(0.5)
            dealer.send(m.Ping(str(i)))
            assert dealer.reply() == m.Pong(str(i))
        wait_until_free(server)
        dealer.send(m.Ping("late"))
        reply = dealer.reply()
        assert isinstance(reply, m.Error)
        assert reply.code == "hello_required"


def test_a_fault_of_ours_ends_one_job_and_is_in_the_log(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with running(config(bundles=(str(tiny),))) as server, Dealer(server.address) as dealer:
        dealer.hello()
        with monkeypatch.context() as patch:
            patch.setattr("vcg_bridge.server.studio.compose", lambda *_, **__: 1 / 0)
            failed = dealer.job(SMALL).end
        assert isinstance(failed, m.Error)
        assert (failed.code, failed.id) == ("internal", "small")
        assert "division" not in failed.message + failed.hint
        incident = failed.details["incident"]
        assert isinstance(incident, str)
        assert incident in failed.hint
        record = next(r for r in caplog.records if incident in r.getMessage())
        assert json.loads(logs.JsonLines().format(record))["request"] == failed.id
        assert record.exc_info is not None
        assert record.exc_info[0] is ZeroDivisionError
        assert isinstance(dealer.job(SMALL).end, m.Done)


def test_a_damaged_bundle_fails_the_jobs_and_not_the_server(tmp_path: Path) -> None:
    from tests.support.tiny_bundle import write_tiny_bundle

    folder = write_tiny_bundle(tmp_path / "tiny")
    (folder / "body.onnx").write_bytes(b"damaged")
    with pytest.raises(BundleError, match=r"body\.onnx"):
        Server(config(bundles=(str(folder),)))


def test_nothing_secret_is_logged(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "vcg_bridge")
    with (
        running(config(bundles=(str(tiny),), token="the very secret token")) as server,
        Dealer(server.address) as dealer,
    ):
        dealer.send(m.Hello((1,), token="a wrong secret token"))
        dealer.reply()
        dealer.hello(token="the very secret token")
        dealer.job(SMALL)
    text = caplog.text
    assert "secret" not in text
    assert "'small' accepted" in text
    assert "'small' done" in text


def test_who_vanishes_frees_its_work_at_once(server: Server) -> None:
    """Without credit nothing is sent, so only the connection itself tells."""
    for _ in range(20):  # descriptors are used again
        with Dealer(server.address) as gone:
            gone.hello()
            gone.send(m.Generate("waits", design=m.Design(seed=1), count=100))
            assert isinstance(gone.reply(), m.Accepted)
        with Dealer(server.address) as stays:
            stays.hello()
            stays.send(m.Generate("waits", design=m.Design(seed=1), count=3))
            assert isinstance(stays.reply(), m.Accepted)
            until = time.monotonic() + ANSWER_S
            while server.unfinished > 1:
                assert time.monotonic() < until
                time.sleep(0.005)
            stays.send(m.Credit("waits", WINDOW))
            assert isinstance(stays.until(m.Done)[-1], m.Done)
    until = time.monotonic() + ANSWER_S
    while len(server._service._sessions):
        assert time.monotonic() < until
        time.sleep(0.005)
