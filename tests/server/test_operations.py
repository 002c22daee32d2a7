"""What people who run a server look at: metrics, health, time line, log, settings."""

from __future__ import annotations

import io
import json
import logging
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer.testing

from tests.server.conftest import ANSWER_S, WINDOW, Dealer, config, running
from vcg_bridge.cli.main import app
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import AddressError, ConfigError, OutputError, VcgError
from vcg_bridge.server import logs
from vcg_bridge.server.config import ServerConfig
from vcg_bridge.server.server import Server
from vcg_bridge.server.studio import Studio

pytestmark = pytest.mark.socket
IDLE = m.Generate("idle", design=m.Design(seed=4), animations=("idle",), credit=WINDOW)


def get(server: Server, page: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"{server.metrics_address}{page}", timeout=ANSWER_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def figures(server: Server) -> dict[str, float]:
    lines = [line.rsplit(" ", 1) for line in get(server, "/metrics")[1].splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


@contextmanager
def watched(tiny: Path, **settings: object) -> Iterator[Server]:
    with running(config(bundles=(str(tiny),), metrics_address="http://127.0.0.1:0", **settings)) as server:
        yield server


def test_metrics_count_what_happened(tiny: Path) -> None:
    with watched(tiny) as server, Dealer(server.address) as dealer:
        dealer.send(m.Ping("stranger"))
        dealer.reply()
        dealer.hello()
        answer = dealer.job(IDLE)
        dealer.send(m.Generate("x", design=m.Design(archetype="nobody"), credit=WINDOW))
        dealer.until(m.Error)
        dealer.send(m.Generate("y", design=m.Design(seed=1), count=50), m.Cancel("y"))
        dealer.until(m.Cancelled)
        found = figures(server)
    assert found['vcg_requests_total{type="generate"}'] == 3
    assert found['vcg_errors_total{code="hello_required"}'] == 1
    assert found['vcg_jobs_total{priority="interactive",result="done"}'] == 1
    assert found['vcg_jobs_total{priority="interactive",result="failed"}'] == 1
    assert found['vcg_jobs_total{priority="interactive",result="cancelled"}'] == 1
    assert found["vcg_chunks_total"] == len(answer.chunks)
    assert found["vcg_chunk_bytes_total"] == sum(answer.sizes.values())
    assert found["vcg_clients"] == 1
    assert found["vcg_unfinished_jobs"] == found["vcg_held_bytes"] == 0
    assert found["vcg_cache_misses_total"] > 0
    assert found['vcg_first_chunk_seconds_count{priority="interactive"}'] == 1
    documented = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    for name in found:
        base = re.sub(r"(_total|_created|_count|_sum|_bucket)?(\{.*)?$", "", name)
        assert f"`{base}" in documented, base


def test_live_and_ready(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    real = Studio.warm_up
    monkeypatch.setattr(Studio, "warm_up", lambda self, *a: gate.wait(ANSWER_S) and real(self, *a))
    with watched(tiny, grace_s=30.0) as server:
        assert get(server, "/live") == (200, "ok\n")
        assert get(server, "/ready") == (503, "loading the networks\n")
        gate.set()
        with Dealer(server.address) as dealer:
            dealer.hello()
            dealer.job(IDLE)
            until = time.monotonic() + ANSWER_S
            while get(server, "/ready") != (200, "ok\n"):
                assert time.monotonic() < until
                time.sleep(0.02)
            dealer.send(m.Generate("waits", design=m.Design(seed=1)))
            dealer.reply()
            server.stop()
            assert isinstance(dealer.reply(), m.Bye)
            assert get(server, "/ready") == (503, "going down\n")
            assert get(server, "/live") == (200, "ok\n")
            dealer.send(m.Credit("waits", WINDOW))
            assert isinstance(dealer.until(m.Done)[-1], m.Done)


def test_other_pages_are_not_there(tiny: Path) -> None:
    with watched(tiny) as server:
        assert get(server, "/../etc/passwd")[0] == 404
        assert get(server, "/")[0] == 404


def test_the_port_is_for_this_machine_alone(tiny: Path) -> None:
    for address, error in [("http://0.0.0.0:0", ConfigError), ("tcp://127.0.0.1:0", ConfigError)]:
        with pytest.raises(error):
            Server(config(bundles=(str(tiny),), metrics_address=address))
    with watched(tiny) as server, pytest.raises(AddressError, match="--metrics"):
        Server(config(bundles=(str(tiny),), metrics_address=server.metrics_address))


def test_the_time_line_is_json_that_shows_every_job(tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    with running(config(bundles=(str(tiny),), trace=path)) as server, Dealer(server.address) as dealer:
        dealer.hello()
        answer = dealer.job(IDLE)
    events = [event for event in json.loads(path.read_text()) if event]
    begun = [e for e in events if e["ph"] == "b"]
    assert [e["args"]["result"] for e in begun] == ["done"]
    assert len([e for e in events if e["ph"] == "e"]) == 1
    assert len([e for e in events if e["ph"] == "i"]) == len(answer.chunks)
    spans = [e for e in events if e["ph"] == "X"]
    rows = {e["tid"]: e["args"]["name"] for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
    assert {rows[e["tid"]] for e in spans} == {"server: draw", "server: compose and encode"}
    assert all(e["dur"] >= 0 and e["ts"] >= 0 for e in spans)
    assert any("idle: " in step for e in spans for step in e["args"]["steps"])
    with pytest.raises(OutputError, match="--trace"):
        Server(config(bundles=(str(tiny),), trace=tmp_path / "none" / "trace.json"))


def test_log_lines_for_programs_name_client_and_request(tiny: Path) -> None:
    stream = io.StringIO()
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    level = root.level
    root.handlers[:] = []
    logs.set_up(logging.INFO, json_lines=True, stream=stream)
    try:
        with (
            running(config(bundles=(str(tiny),), token="0123456789abcdef")) as server,
            Dealer(server.address) as dealer,
        ):
            dealer.send(m.Hello((1,), token="wrong-token-of-somebody"))
            dealer.reply()
            dealer.hello(token="0123456789abcdef")
            dealer.job(IDLE)
    finally:
        root.handlers[:], root.level = before, level
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    own = [line for line in lines if line.get("request") == "idle"]
    assert [line["message"].split(":")[0].split()[-1] for line in own] == ["accepted", "done"]
    assert {line["client"] for line in own} == {"c1"}
    assert all({"time", "level", "message"} <= set(line) for line in lines)
    assert "0123456789abcdef" not in stream.getvalue()
    assert "wrong-token-of-somebody" not in stream.getvalue()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> dict[str, ServerConfig]:
    """What `vcg serve` would have served."""
    found: dict[str, ServerConfig] = {}
    monkeypatch.setattr("vcg_bridge.server.run.serve", lambda config, ready: found.update(config=config))
    return found


def test_the_command_line_comes_before_the_environment_before_the_file(
    served: dict[str, ServerConfig], tmp_path: Path
) -> None:
    file = tmp_path / "serve.toml"
    file.write_text('bind = "tcp://127.0.0.1:1"\nthreads = 3\ngrace = 5\nbundle = ["a", "b"]\n')
    runner = typer.testing.CliRunner()
    environment = {"VCG_SERVE_CONFIG": str(file), "VCG_SERVE_THREADS": "4", "VCG_SERVE_GRACE": "6"}
    result = runner.invoke(app, ["serve", "--grace", "7"], env=environment)
    assert result.exit_code == 0, result.output
    made = served["config"]
    assert (made.address, made.threads, made.grace_s, made.bundles) == ("tcp://127.0.0.1:1", 4, 7.0, ("a", "b"))
    file.write_text('bundle = "a"\n')  # one is a list of one
    assert runner.invoke(app, ["serve"], env=environment).exit_code == 0
    assert served["config"].bundles == ("a",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("thread = 3", "unknown option 'thread'"),
        ("threads = ", "is not TOML"),
        ("threads = " + "9" * 5000, "is not TOML"),
        ("bundle = " + "[" * 5000, "is not TOML"),
        ("threads = true", "threads is True"),
        ("log-json = 1", "log-json is 1"),
        ("bind = ['a']", "bind is ['a']"),
        ("[bind]\na = 1", "bind is {'a': 1}"),
        ("trace = 1979-05-27", "trace is"),
        ('ready = "x"\n', "unknown option"),
        (None, "cannot be read"),
    ],
)
def test_a_wrong_file_is_one_error(tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "serve.toml"
    if text is not None:
        file.write_text(text)
    result = typer.testing.CliRunner().invoke(app, ["serve", "--config", str(file)])
    assert isinstance(result.exception, VcgError)
    assert words in str(result.exception)
