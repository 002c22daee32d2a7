"""`python -m training train` under real signals: what is resumed equals the unbroken run; one process at a time; only some groups."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from tests.training.pack_art import draw_pack
from training.__main__ import app

pytestmark = pytest.mark.training
RUN = CliRunner()
GROUPS = "hair,body"
SMALL = {
    **{"images_per_view": 0, "min_kimg": 2, "batch": 16, "coarse": 16, "fine": 16, "hidden": 32},
    **{"gan_batch": 8, "gan_share": 0.5, "checkpoint_s": 0.2, "sample_kimg": 1},
}
CHANGES = [x for k, v in SMALL.items() for x in ("--set", f"{k}={v}")]


@pytest.fixture(scope="module")
def pack_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("pack")
    assert RUN.invoke(app, ["prepare", str(draw_pack(home / "art")), "--out", str(home / "pack")]).exit_code == 0
    return home / "pack"


def start(pack_dir: Path, out: Path, groups: str = GROUPS) -> list[str]:
    return ["train", "--pack", str(pack_dir), "--out", str(out), "--groups", groups, *CHANGES]


@pytest.fixture(scope="module")
def unbroken(pack_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbed."""
    out = tmp_path_factory.mktemp("unbroken")
    result = RUN.invoke(app, [*start(pack_dir, out), "--workers", "1"])
    assert result.exit_code == 0, result.output
    (run,) = out.iterdir()
    return run


@contextmanager
def training(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    """The command as a process group of its own; killed at the end if still there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "training", *arguments],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)


def wait_for_checkpoint(out: Path) -> Path:
    """The run folder, once a group has a checkpoint."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if found := list(out.glob("*/groups/*/checkpoint.pt")):
            return found[0].parents[2]
        time.sleep(0.02)
    raise AssertionError("no checkpoint")


def finish(run: Path, groups: str = GROUPS) -> None:
    result = RUN.invoke(app, ["train", "--resume", str(run), "--groups", groups, "--workers", "1"])
    assert result.exit_code == 0, result.output


def assert_same(run: Path, unbroken: Path, groups: str = GROUPS) -> None:
    for group in groups.split(","):
        mine, other = run / "groups" / group, unbroken / "groups" / group
        assert (mine / "log.jsonl").read_text() == (other / "log.jsonl").read_text()
        assert (mine / "figures.json").read_text() == (other / "figures.json").read_text()
        for picture in (other / "samples").iterdir():
            assert (mine / "samples" / picture.name).read_bytes() == picture.read_bytes()
        states = [torch.load(x / "checkpoint.pt", weights_only=True) for x in (mine, other)]
        assert all(torch.equal(states[0]["g"][k], states[1]["g"][k]) for k in states[1]["g"])


def test_ctrl_c_saves_and_the_resumed_run_is_the_unbroken_one(unbroken: Path, pack_dir: Path, tmp_path: Path) -> None:
    """Two workers, SIGINT to all as a terminal sends it; meanwhile a second process is refused."""
    with training([*start(pack_dir, tmp_path), "--workers", "2"]) as process:
        run = wait_for_checkpoint(tmp_path)
        os.killpg(process.pid, signal.SIGSTOP)  # it does not come to its end meanwhile
        refused = RUN.invoke(app, ["train", "--resume", str(run)])
        os.killpg(process.pid, signal.SIGINT)
        os.killpg(process.pid, signal.SIGCONT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "Go on with: python -m training train --resume" in output
    assert "Traceback" not in output
    assert refused.exit_code == 2
    assert f"another process is training in {run}" in refused.output.replace("\n", "")
    assert not all((run / "groups" / g / "figures.json").is_file() for g in GROUPS.split(","))
    finish(run)
    assert_same(run, unbroken)


def test_a_killed_run_goes_on_as_the_unbroken_one(unbroken: Path, pack_dir: Path, tmp_path: Path) -> None:
    with training([*start(pack_dir, tmp_path, "hair"), "--workers", "1"]) as process:
        run = wait_for_checkpoint(tmp_path)
        time.sleep(0.15)  # so that the log is ahead of the checkpoint
        os.killpg(process.pid, signal.SIGKILL)
    finish(run, "hair")
    assert_same(run, unbroken, "hair")


def test_a_second_ctrl_c_ends_at_once() -> None:
    """A training that is deaf to the first request."""
    deaf = (
        "import time\nfrom training.interrupt import Interrupt\n"
        "with Interrupt(lambda: print('saving', flush=True)) as stopped:\n"
        "    print('ready', flush=True)\n"
        "    while True: time.sleep(0.01)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", deaf], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "saving\n"
        process.send_signal(signal.SIGINT)  # the same Ctrl-C, passed on by torchrun
        time.sleep(0.3)
        assert process.poll() is None
        time.sleep(0.9)
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.communicate(timeout=20)[1]
    finally:
        process.kill()
        process.communicate()


def test_the_run_folder_says_what_made_it(unbroken: Path) -> None:
    (entry,) = json.loads((unbroken / "environment.json").read_text())
    assert entry["torch"] == torch.__version__
    assert entry["seed"] == 0
    assert entry["device"] == "cpu"
    assert entry["device_name"]
    assert entry["python"] == ".".join(map(str, sys.version_info[:3]))
    assert json.loads((unbroken / "config.json").read_text())["min_kimg"] == 2
    assert {p.name for p in (unbroken / "groups" / "hair").iterdir()} >= {"checkpoint.pt", "log.jsonl", "samples"}
    names = {k for x in (unbroken / "groups" / "hair" / "log.jsonl").read_text().splitlines() for k in json.loads(x)}
    assert {
        "loss",
        "error",
        "g/adversarial",
        "d/loss",
        "d/penalty",
        "d/real",
        "d/fake",
        "grad/g",
        "grad/d",
        "diversity",
    } <= names


def test_a_run_of_some_groups_is_not_exported(unbroken: Path, tmp_path: Path) -> None:
    result = RUN.invoke(app, ["export", str(unbroken), "--out", str(tmp_path / "bundle")])
    assert result.exit_code == 2
    assert "not finished" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--groups", "hiar"], 'did you mean "hair"'),
        (["--groups", "hair-behind"], "name hair as well"),
        (["--device", "tpu"], "unknown device 'tpu'"),
        (["--set", "compile=perhaps"], "takes bool"),
    ],
)
def test_mistakes_are_one_clear_line(arguments: list[str], message: str, pack_dir: Path, tmp_path: Path) -> None:
    result = RUN.invoke(app, ["train", "--pack", str(pack_dir), "--out", str(tmp_path / "runs"), *arguments])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert not (tmp_path / "runs").exists()


def test_a_run_is_resumed_with_its_own_settings(unbroken: Path) -> None:
    result = RUN.invoke(app, ["train", "--resume", str(unbroken), "--set", "lr=1"])
    assert result.exit_code == 2
    assert "--set with --resume" in result.output


def from_run(pack_dir: Path, source: Path, out: Path, *changes: str) -> tuple[str, Path]:
    """A run of one step for a group, started from the networks of another run: what it says, and its folder."""
    arguments = ["train", "--pack", str(pack_dir), "--out", str(out), "--from", str(source), "--workers", "1"]
    one_step = ["--set", "min_kimg=0", "--set", "lr=1e-9", "--set", "lr_codes=1e-9", "--groups", "hair"]
    result = RUN.invoke(app, [*arguments, *CHANGES, *one_step, *(x for c in changes for x in ("--set", c))])
    assert result.exit_code == 0, result.output
    (run,) = out.iterdir()
    return result.output, run


def test_a_run_starts_from_another_where_shapes_match(unbroken: Path, pack_dir: Path, tmp_path: Path) -> None:
    # learned codes: an encoder would go on from the codes that were taken
    output, run = from_run(pack_dir, unbroken, tmp_path / "same", "max_kimg=1", "images_per_view=1", "codes=learned")
    old, new = (torch.load(x / "groups/hair/checkpoint.pt", weights_only=True) for x in (unbroken, run))
    for name, tensor in new["g"].items():
        torch.testing.assert_close(tensor, old["ema"][name], rtol=0, atol=1e-6)
    torch.testing.assert_close(new["ema_codes"], old["ema_codes"], rtol=0, atol=1e-6)
    assert f"hair: generator: {len(new['g'])} tensors taken from {unbroken / 'groups/hair/checkpoint.pt'}\n" in output
    assert "hair: discriminator: " in output
    assert "style codes of" in output
    output, _ = from_run(pack_dir, unbroken, tmp_path / "wider", "coarse=96", "max_kimg=1", "images_per_view=1")
    assert "of another shape" in next(x for x in output.splitlines() if x.startswith("hair: generator:"))


def test_a_run_starts_from_a_run(pack_dir: Path, unbroken: Path, tmp_path: Path) -> None:
    for arguments, message in (
        (["--pack", str(pack_dir), "--from", str(tmp_path)], "is not a training run of a pack"),
        (["--resume", str(unbroken), "--from", str(unbroken)], "--from with --resume"),
    ):
        result = RUN.invoke(app, ["train", *arguments, "--out", str(tmp_path / "runs")])
        assert result.exit_code == 2
        assert message in " ".join(result.output.split())
    assert not (tmp_path / "runs").exists()
