"""`vcg serve` and `vcg doctor` as processes and as commands."""

from __future__ import annotations

import datetime
import json
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.support.certificates import certificate
from tests.support.commands import Vcg, contents, start_vcg
from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.cli import doctor, keys
from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.cli.options import read_token
from vcg_bridge.client import Client
from vcg_bridge.contract.errors import AuthError, BundleError, VcgError

pytestmark = pytest.mark.socket


def wait_for(path: Path) -> str:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    return path.read_text().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_stops_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    ready = tmp_path / "ready"
    process = start_vcg("serve", "--bind", "tcp://127.0.0.1:0", "--bundle", "tiny", "--ready-file", ready)
    with Client.connect(wait_for(ready)) as client:
        assert [m.name for m in client.welcome.models] == ["tiny"]
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert err.splitlines()[0].startswith("listening at tcp://127.0.0.1:")
    assert "Traceback" not in err


def test_port_that_is_taken(vcg: Vcg) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = vcg("serve", "--bind", f"tcp://127.0.0.1:{port}", "--bundle", "tiny")
    assert done.code == 2
    assert str(port) in done.error


def test_token_is_asked_for(tmp_path: Path, vcg: Vcg, monkeypatch: pytest.MonkeyPatch) -> None:
    token = tmp_path / "token"
    token.write_text("a-long-enough-secret\n")
    with ServerProcess(["--bundle=tiny", f"--token-file={token}"]) as server:
        with pytest.raises(AuthError):
            Client.connect(server.address)
        common = ["generate", "--server", server.address, "--seed", 1, "--animations", "idle"]
        refused = vcg(*common, "--out", tmp_path / "a")
        assert refused.code == 2
        assert "token" in refused.error
        assert vcg(*common, "--token-file", token, "--out", tmp_path / "b").code == 0
        monkeypatch.setenv("VCG_TOKEN", "a-long-enough-secret")
        assert vcg(*common, "--out", tmp_path / "c").code == 0
    monkeypatch.setenv("VCG_TOKEN_FILE", str(token))  # for the server that is named; one that is started asks for none
    done = vcg("generate", "--bundle", "tiny", "--seed", 1, "--animations", "idle", "--out", tmp_path / "d")
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    "command", [["generate", "--out", "x"], ["batch", "none.jsonl", "--out", "x"], ["bench", "--load"]]
)
def test_token_is_not_sent_in_clear(
    tmp_path: Path, vcg: Vcg, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "none.jsonl").write_text('{"seed": 1}\n')
    monkeypatch.setenv("VCG_TOKEN", "a-long-enough-secret")
    done = vcg(*command, "--server", "tcp://192.0.2.1:7421")
    assert done.code == 2
    assert done.error == "a token for 192.0.2.1 would travel in clear"
    assert "tls://HOST:PORT" in done.hint
    assert "--server-key" in done.hint


def test_encrypted_link(tmp_path: Path, vcg: Vcg) -> None:
    key, ready = tmp_path / "server.key", tmp_path / "ready"
    process = start_vcg(
        "serve", "--bind", "tcp://127.0.0.1:0", "--bundle", "tiny", "--key-file", key, "--ready-file", ready
    )
    address = wait_for(ready)
    assert process.stderr is not None
    process.stderr.readline()
    public = process.stderr.readline().split("'")[1]
    assert key.stat().st_mode & 0o777 == 0o600
    common = ["generate", "--server", address, "--seed", 1, "--animations", "idle"]
    done = vcg(*common, "--server-key", public, "--out", tmp_path / "a")
    assert done.code == 0, done.err
    for wrong in ([], ["--server-key", "x" * 40], ["--server-key", "short"]):
        refused = vcg(*common, *wrong, "--out", tmp_path / "b")
        assert refused.code == 2
        assert refused.error
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert keys.server_keys(key)[0] == public  # the next start has the same key


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 40, b"_" * 40])
def test_key_file_without_a_key(tmp_path: Path, vcg: Vcg, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    done = vcg("serve", "--bundle", "tiny", "--key-file", tmp_path / "key")
    assert done.code == 2
    assert "there is no key in it" in done.error


def test_several_bundles(tmp_path: Path, vcg: Vcg, bundle_root: Path) -> None:
    other = write_tiny_bundle(tmp_path / "other", seed=3, name="other")
    with ServerProcess(["--bundle=tiny", f"--bundle={other}"]) as server:
        common = ["generate", "--server", server.address, "--seed", 1, "--animations", "idle", "--json"]
        default = json.loads(vcg(*common, "--out", tmp_path / "a").out)
        named = json.loads(vcg(*common, f"--bundle={other}", "--out", tmp_path / "b").out)
    assert default["characters"][0]["recipe"]["model"] == "tiny"
    assert named["characters"][0]["recipe"]["model"] == "other"


def test_started_server_tells_what_kept_it_from_starting(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny")
    (folder / "hair.onnx").write_bytes(b"not a network")
    with pytest.raises(VcgError, match=r"hair\.onnx") as caught:
        ServerProcess([f"--bundle={folder}"])
    assert not isinstance(caught.value, BundleError) or caught.value.hint


def test_damaged_bundle_is_one_error_of_the_command_too(tmp_path: Path, vcg: Vcg) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny")
    (folder / "hair.onnx").write_bytes(b"not a network")
    done = vcg("generate", f"--bundle={folder}", "--out", tmp_path / "out")
    assert done.code == 2
    assert "hair.onnx" in done.error
    assert not (tmp_path / "out").exists()


def test_doctor_finds_all_well(vcg: Vcg) -> None:
    done = vcg("doctor", "--bundle", "tiny", "--json")
    found = {check["name"]: check for check in json.loads(done.out)["checks"]}
    assert found["round trip"]["ok"] is True
    assert "server up in" in found["round trip"]["found"]
    assert found["bundle tiny"]["ok"] is True
    assert "cpu" in found["device"]["found"]
    assert done.code == 0
    assert "All is well." in vcg("doctor", "--bundle", "tiny").out


def test_doctor_names_what_is_broken(vcg: Vcg, tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_tiny_bundle(tmp_path / "mine" / "tiny")
    (folder / "hair.onnx").unlink()
    monkeypatch.setenv("VCG_BUNDLES", str(tmp_path / "mine"))
    monkeypatch.setenv("VCG_SERVER", f"tcp://127.0.0.1:{port}")
    done = vcg("doctor", "--bundle", "tiny", "--json")
    found = {check["name"]: check for check in json.loads(done.out)["checks"]}
    assert done.code == 2
    assert found["bundle tiny"]["ok"] is False
    assert "hair.onnx" in found["bundle tiny"]["found"]
    assert found["round trip"]["ok"] is False
    assert found["server here"]["ok"] is False


def found_by_doctor(vcg: Vcg, *arguments: object) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = {}
    for check in json.loads(vcg("doctor", "--bundle", "tiny", "--json", *arguments).out)["checks"]:
        found.setdefault(check["name"], []).append(check)
    return found


def test_doctor_looks_at_the_settings_of_a_server(vcg: Vcg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_round_trip", lambda bundle: doctor.Check("round trip", True, "not here"))
    day = datetime.timedelta(days=1)
    config, token = tmp_path / "serve.toml", tmp_path / "token"
    token.write_text("0123456789abcdef")
    token.chmod(0o600)
    monkeypatch.setenv("VCG_SERVE_GRACES", "3")
    for days, ok, warn, says in [
        (60.5, True, False, "ends in 60 days"), (5.5, True, True, "ends in 5 days"), (-3.0, False, False, "expired"),
    ]:  # fmt: skip
        files = certificate(tmp_path / str(days), datetime.datetime.now(datetime.UTC) + days * day)
        config.write_text(f'tls = ["{files.chain}", "{files.key}"]\ntoken-file = "{token}"\n')
        found = found_by_doctor(vcg, "--config", config)
        (one,) = found["certificate"]
        assert (one["ok"], one["warn"]) == (ok, warn)
        assert says in str(one["found"])
        assert found["token"][0]["ok"] is True
        assert [check["warn"] for check in found["settings"]] == [False, True]
        assert "0123456789abcdef" not in str(found)
    config.write_text("graze = 3\n")
    (settings,) = found_by_doctor(vcg, "--config", config)["settings"]
    assert settings["ok"] is False
    assert "grace" in str(settings["hint"])
    config.write_text('threads = "many"\n')
    (settings,) = found_by_doctor(vcg, "--config", config)["settings"]
    assert settings["ok"] is False
    assert "--threads" in str(settings["found"])


def test_doctor_warns_of_the_certificate_that_a_server_shows(
    vcg: Vcg, tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_round_trip", lambda bundle: doctor.Check("round trip", True, "not here"))
    files = certificate(tmp_path, datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=5.5))
    arguments = ["--bundle=tiny", "--tls", str(files.chain), str(files.key), "--tls-bind"]
    address = f"tls://127.0.0.1:{port}"
    with ServerProcess([*arguments, address]):
        monkeypatch.setenv("VCG_SERVER", address)
        monkeypatch.setenv("VCG_CERTIFICATE", str(files.chain))
        found = found_by_doctor(vcg)
        assert found["server here"][0]["ok"] is True
        (one,) = found["its certificate"]
    assert (one["ok"], one["warn"], one["hint"]) == (True, True, "renew it")
    assert "ends in 5 days" in str(one["found"])


@pytest.mark.slow
def test_bench_measures_every_figure(vcg: Vcg, tmp_path: Path) -> None:
    done = vcg("bench", "--quick", "--bundle", "tiny", "--json", "--out", tmp_path / "figures.json")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert report == json.loads((tmp_path / "figures.json").read_text())
    values = {figure["name"]: figure["value"] for figure in report["figures"]}
    assert all(value > 0 for name, value in values.items() if name != "wheel")
    assert report["machine"]["bundle"] == "tiny 0.1.0"


def test_tls_beside_the_plain_port(tmp_path: Path, vcg: Vcg, monkeypatch: pytest.MonkeyPatch) -> None:
    files, ready = certificate(tmp_path), tmp_path / "ready"
    process = start_vcg(
        "serve", "--bind", "tcp://127.0.0.1:0", "--bundle", "tiny", "--ready-file", ready,
        "--tls", files.chain, files.key, "--tls-bind", "tls://127.0.0.1:0",
    )  # fmt: skip
    plain, secured = wait_for(ready).split()
    common = ["generate", "--seed", 1, "--animations", "idle"]
    assert vcg(*common, "--server", plain, "--out", tmp_path / "a").code == 0
    done = vcg(*common, "--server", secured, "--certificate", files.chain, "--out", tmp_path / "b")
    assert done.code == 0, done.err
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    for wrong, says in [
        (["--certificate", certificate(tmp_path / "other").chain], "the server's certificate is not the one in"),
        (["--certificate", files.key], "there is no certificate in"),
        ([], "is not trusted here"),
    ]:
        refused = vcg(*common, "--server", secured, *wrong, "--out", tmp_path / "c")
        assert refused.code == 2
        assert says in refused.error
        assert refused.hint
    monkeypatch.setenv("VCG_SERVER", secured)
    monkeypatch.setenv("VCG_CERTIFICATE", str(files.chain))
    (tmp_path / "requests.jsonl").write_text('{"seed": 1}\n')
    done = vcg("batch", tmp_path / "requests.jsonl", "--animations", "idle", "--out", tmp_path / "d")
    assert done.code == 0, done.err
    assert doctor._server_here().ok
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert err.splitlines()[0].startswith(f"listening at {plain} and {secured}")


@pytest.mark.skipif(os.name != "posix", reason="rights of files are POSIX's")
def test_a_secret_that_others_can_read_is_warned_about(
    vcg: Vcg, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, token = tmp_path / "anna.key", tmp_path / "token"
    assert "others can read" not in vcg("keys", "new", key).err
    token.write_text("0123456789abcdef\n")
    for mode, warned in [(0o600, False), (0o640, True), (0o644, True)]:
        key.chmod(mode)
        token.chmod(mode)
        assert ("others can read" in vcg("keys", "show", key).err) == warned
        assert read_token(token) == "0123456789abcdef"
        assert ("others can read" in capsys.readouterr().err) == warned
