"""What people who run a server look at: metrics, health, time line, log, settings."""

from __future__ import annotations

import enum
import io
import json
import logging
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer.testing
from prometheus_client.parser import text_string_to_metric_families

from tests.server.conftest import ANSWER_S, WINDOW, Dealer, config, running
from tests.support.certificates import certificate
from vcg_bridge.cli.main import app
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import ERRORS, AddressError, ConfigError, OutputError, VcgError
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


BASE_UNITS = ("seconds", "bytes")
NO_UNITS = (
    "milliseconds",
    "ms",
    "minutes",
    "hours",
    "days",
    "kilobytes",
    "megabytes",
    "mib",
    "percent",
    "ratio_percent",
)


def test_metrics_keep_to_prometheus_conventions(tiny: Path) -> None:
    """Its naming rules, as `promtool check metrics` has them; labels with few values, each there before anything has happened."""
    with watched(tiny) as server:
        text = get(server, "/metrics")[1]
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names)) > 30
    for family in families:
        assert family.documentation
        assert re.fullmatch("(vcg|process)_[a-z0-9_]+", family.name), family.name
        assert not set(family.name.split("_")) & {*NO_UNITS, "counter", "gauge", "histogram", "count", "sum"}, (
            family.name
        )
        exposed = {sample.name for sample in family.samples}
        assert exposed, family.name
        if family.type == "counter":
            assert exposed == {f"{family.name}_total"}, exposed
        else:
            assert not any(name.endswith("_total") for name in exposed), exposed
        if family.type == "histogram":
            assert family.name.endswith(BASE_UNITS) or family.name == "vcg_turn_jobs"
        for unit in BASE_UNITS:
            assert f"_{unit}_" not in family.name.replace("_seconds_total", "_total"), family.name
    values: dict[str, set[str]] = {}
    for sample in (sample for family in families for sample in family.samples):
        for label, value in sample.labels.items():
            values.setdefault(label, set()).add(value)
    assert set(values) == {"type", "code", "priority", "result", "kind", "le", "version", "protocol", "python"}
    assert values["code"] == set(ERRORS)
    assert values["priority"] == {"interactive", "batch"}
    assert all(len(found) <= 25 for found in values.values())


def test_every_metric_is_documented_and_nothing_else(tiny: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    documented = set(re.findall(r"`(vcg_[a-z_]+)`", page))
    files = certificate(tiny.parent / "certificate")
    tls = {"tls_certificate": files.chain, "tls_key": files.key, "tls_address": "tls://127.0.0.1:0"}
    with watched(tiny, **tls) as server:
        families = {family.name for family in text_string_to_metric_families(get(server, "/metrics")[1])}
    assert {name for name in families if name.startswith("vcg_")} == documented


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


def test_what_was_set_is_said_with_where_and_without_secrets(
    served: dict[str, ServerConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, token = tmp_path / "serve.toml", tmp_path / "token"
    token.write_text("0123456789abcdef")
    token.chmod(0o600)
    file.write_text(f'token-file = "{token}"\ngrace = 5\nthreads = 3\n')
    said: list[str] = []

    def serve(config: ServerConfig, ready: Callable[[Server], None]) -> None:
        with running(config) as server:
            ready(server)

    monkeypatch.setattr("vcg_bridge.server.run.serve", serve)
    monkeypatch.setattr("vcg_bridge.server.logs.set_up", lambda *a, **k: said.append)
    environment = {"VCG_SERVE_GRACE": "6", "VCG_TOKEN": "another-secret-one", "VCG_SERVE_BIND": "tcp://127.0.0.1:0"}
    arguments = ["serve", "--config", str(file), "--threads", "1", "--workers", "0"]
    result = typer.testing.CliRunner().invoke(app, arguments, env=environment)
    assert result.exit_code == 0, result.exception
    assert said[-1].split(": ", 1)[1].split(", ") == [
        f"config {file} (command line)", "bind tcp://127.0.0.1:0 (environment)", "threads 1 (command line)",
        "workers 0 (command line)", f"token-file {token} (file)", "grace 6.0 (environment)",
        "token of VCG_TOKEN (not used: there is a file)",
    ]  # fmt: skip
    assert "secret" not in " ".join(said)
    assert "0123456789abcdef" not in " ".join(said)


def test_a_variable_that_is_no_setting_is_named_with_the_nearest(
    served: dict[str, ServerConfig], caplog: pytest.LogCaptureFixture
) -> None:
    environment = {"VCG_SERVE_THREAD": "4", "VCG_SERVE_SERVICE_HOST": "10.0.0.1", "VCG_SERVE_PORT": "tcp://10.0.0.1:1"}
    assert typer.testing.CliRunner().invoke(app, ["serve"], env=environment).exit_code == 0
    lines = [r.message for r in caplog.records if "environment" in r.message]
    assert len(lines) == 1
    assert lines[0].startswith('VCG_SERVE_THREAD in the environment is no setting (did you mean "VCG_SERVE_THREADS"')


def test_the_page_has_every_setting_with_its_default() -> None:
    command = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]
    options = {
        parameter.opts[0].removeprefix("--"): parameter
        for parameter in command.params
        if not parameter.hidden and parameter.opts[0].removeprefix("--") not in ("config", "help")
    }
    docs = Path(__file__).parents[2] / "docs"
    table = (docs / "operations.md").read_text().split("| setting |")[1].split("\n\n")[0]
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| ([^|]*) \|", table, re.M))
    assert list(rows) == list(options)
    for name, parameter in options.items():
        default = parameter.default
        if isinstance(default, bool):
            default = str(default).lower()
        elif isinstance(default, float):
            default = f"{default:g}"
        elif isinstance(default, enum.Enum):
            default = default.value
        assert rows[name] == (f"`{default}`" if default not in (None, "") else "none"), name
    for name in options:
        assert f"`--{name}`" in (docs / "cli.md").read_text(), name


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
