"""The files of docs/deploy say what the program takes: options, settings, the health check. scripts/test lints the Dockerfile."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import typer.main
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.server.conftest import running
from tests.support.certificates import certificate
from tests.support.commands import ROOT, start_vcg
from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.cli.main import app
from vcg_bridge.server import vitals
from vcg_bridge.server.config import ServerConfig

DOCS = ROOT / "docs"
DEPLOY = DOCS / "deploy"
UNIT = (DEPLOY / "vcg.service").read_text(encoding="utf-8")
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
SERVE = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]
OPTIONS = {name for parameter in SERVE.params for name in parameter.opts}
ANSWER_S = 60


def settings_of(page: Path) -> str:
    """The block of a page that is /etc/vcg/serve.toml."""
    block = re.search(r"^    # /etc/vcg/serve\.toml\n((?:    .+\n)+)", page.read_text(encoding="utf-8"), re.M)
    assert block is not None
    return re.sub("^    ", "", block[1], flags=re.M)


def test_the_unit_starts_what_there_is() -> None:
    command = re.search("^ExecStart=(.+)$", UNIT, re.M)
    assert command is not None
    program, verb, *arguments = shlex.split(command[1])
    assert (program, verb) == ("/opt/vcg/bin/vcg", "serve")
    named = {x for x in arguments if x.startswith("-")}
    assert "--config" in named
    assert named <= OPTIONS
    grace = next(x.default for x in SERVE.params if x.name == "grace")
    stop = re.search(r"^TimeoutStopSec=(\d+)$", UNIT, re.M)
    assert stop is not None
    assert int(stop[1]) > grace
    kind = re.search(r"^Type=(\w+)$", UNIT, re.M)
    watchdog = re.search(r"^WatchdogSec=(\d+)$", UNIT, re.M)
    assert kind is not None
    assert kind[1] == "notify"
    assert watchdog is not None
    assert int(watchdog[1]) > 2 * vitals.STUCK_S  # what /live finds, a collector may still see


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here (Debian: the package systemd)")
    unit = tmp_path / "vcg.service"
    unit.write_text(UNIT.replace("/opt/vcg/bin/vcg", shutil.which("true") or "/bin/true"), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=ANSWER_S)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_image_sets_what_there_is() -> None:
    environment = dict(re.findall(r"(VCG_SERVE_\w+)=(\S+)", DOCKERFILE))
    assert len(environment) == 5
    for name in environment:
        assert f"--{name.removeprefix('VCG_SERVE_').lower().replace('_', '-')}" in OPTIONS
    assert float(environment["VCG_SERVE_GRACE"]) < 10  # what `docker stop` waits
    for source in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.M):
        assert all((ROOT / name).exists() for name in source.split())


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The names of all that a real server gives, with TLS and all, and the labels of each."""
    folder = tmp_path_factory.mktemp("exposed")
    files = certificate(folder / "certificate")
    settings = ServerConfig(
        address="tcp://127.0.0.1:0", bundles=(str(write_tiny_bundle(folder / "tiny")),), workers=0,
        tls_certificate=files.chain, tls_key=files.key, tls_address="tls://127.0.0.1:0", metrics_address="http://127.0.0.1:0",
    )  # fmt: skip
    with (
        running(settings) as server,
        urllib.request.urlopen(f"{server.metrics_address}/metrics", timeout=ANSWER_S) as page,
    ):
        text = page.read().decode()
    found: dict[str, set[str]] = {"up": set()}  # Prometheus' own
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def expressions_of(file: str) -> list[str]:
    """What is asked of Prometheus in that file."""
    text = (DEPLOY / file).read_text(encoding="utf-8")
    if file == "alerts.yml":
        return [rule["expr"] for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    board = json.loads(text)
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]] + [
        variable["definition"] for variable in board["templating"]["list"] if variable["type"] == "query"
    ]


@pytest.mark.socket
@pytest.mark.parametrize("file", ["alerts.yml", "grafana.json"])
def test_alerts_and_dashboard_ask_for_what_a_server_gives(exposed: dict[str, set[str]], file: str) -> None:
    expressions = expressions_of(file)
    assert len(expressions) >= 15
    for expression in expressions:
        names = re.findall(r"\b((?:vcg|process)_\w+|up)(?=[{\[ ]|$)", expression)
        assert names, expression
        for name in names:
            assert name in exposed, name
        for name, selector in re.findall(r"(\w+)\{([^}]*)\}", expression):
            assert 'job="vcg"' in selector, expression  # other programs have process_ metrics too
            labels = set(re.findall(r"(\w+)=", selector)) - {"job", "instance"}
            assert labels <= exposed[name], expression
        for name in names:
            assert f"{name}{{" in expression, f"{name} of every job: {expression}"


def test_alert_rules_are_whole() -> None:
    (group,) = yaml.safe_load((DEPLOY / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(set(names)) == len(names)
    for rule in group["rules"]:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert "$labels.instance" in rule["annotations"]["summary"]
        assert re.fullmatch(r"\d+[sm]", rule.get("for", "0s"))
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool here (Debian: the package prometheus)")
    done = subprocess.run([promtool, "check", "rules", DEPLOY / "alerts.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_is_whole() -> None:
    board = json.loads((DEPLOY / "grafana.json").read_text(encoding="utf-8"))
    places = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in places, panel["title"]
                assert x < 24
                places.add((x, y))
        assert panel["datasource"]["uid"] == "${datasource}"  # whatever it is called there
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@pytest.mark.socket
@pytest.mark.parametrize("page", ["operations.md", "deploy/README.md"])
def test_the_settings_of_the_page_start_a_server_that_the_health_check_finds_well(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = write_tiny_bundle(tmp_path / "tiny")
    other = write_tiny_bundle(tmp_path / "other", name="other")
    settings, config = settings_of(DOCS / page), tmp_path / "serve.toml"
    assert "/etc/vcg/token" in settings
    for there, here in [
        ("/etc/vcg", str(tmp_path)),
        ("/srv/vcg/our-game", str(other)),
        ("lpc-revised", str(tiny)),
        ("9464", "0"),
    ]:
        settings = settings.replace(there, here)
    config.write_text(settings.replace(":7421", ":0"), encoding="utf-8")
    (tmp_path / "token").write_text("0123456789abcdef\n", encoding="utf-8")
    (tmp_path / "token").chmod(0o600)
    for name in [name for name in os.environ if name.startswith("VCG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("VCG_SERVE_CONFIG", str(config))
    monkeypatch.setenv("VCG_SERVE_METRICS", "http://127.0.0.1:0")
    if "bundle" not in settings:
        monkeypatch.setenv("VCG_SERVE_BUNDLE", str(tiny))
    server = start_vcg("serve")
    try:
        assert server.stderr is not None
        said: list[str] = []
        while not (said and said[-1].startswith("settings: ")):
            line = server.stderr.readline()
            assert line, said
            said.append(line)
        assert f"token-file {tmp_path / 'token'} (file)" in said[-1]
        assert "warning" not in "".join(said).lower()
        port = next(re.findall(r":(\d+)/metrics", line)[0] for line in said if "/metrics" in line)
        assert health(port) == 0
        server.terminate()
        assert server.wait(ANSWER_S) == 0
        assert health(port) != 0
    finally:
        server.kill()
        server.communicate(timeout=ANSWER_S)


def health(port: str) -> int:
    """How the image's health check ends, of a server with its metrics at that port."""
    found = re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", DOCKERFILE, re.M)
    assert found is not None
    program, *arguments = json.loads(found[1])
    assert program == "python"
    command = [sys.executable, *(x.replace("9464", port) for x in arguments)]
    return subprocess.run(command, capture_output=True, timeout=ANSWER_S).returncode
