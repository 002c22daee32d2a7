"""Training for real, on a small pack: steps, kill and resume, export, and that the bundle draws what the art shows."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from typer.testing import CliRunner

from tests.training.pack_art import draw_pack
from training.__main__ import app
from training.adversarial.losses import straight_through
from training.config import TrainConfig
from training.evaluation.subject import drawing_sha256
from training.layers.data import group_data, sample_pairs
from training.layers.novelty import novelty
from training.layers.onnx_file import OPERATORS, OPSET, onnx_bytes
from training.layers.trainer import GroupTrainer
from training.packs.neutral import Pack, load_pack
from training.run import load_group, new_run
from vcg_bridge.contract.manifest_io import load_manifest

pytestmark = pytest.mark.training
torch.set_num_threads(1)  # as workers do; threads of many small networks only get in each other's way
RUN = CliRunner()
SMALL = TrainConfig(images_per_view=0, min_kimg=2, batch=16, coarse=24, fine=16, hidden=32, gan_batch=8, gan_share=0.5)


@pytest.fixture(scope="module")
def pack_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("pack")
    result = RUN.invoke(app, ["prepare", str(draw_pack(home / "art")), "--out", str(home / "pack")])
    assert result.exit_code == 0, result.output
    return home / "pack"


@pytest.fixture(scope="module")
def pack(pack_dir: Path) -> Pack:
    return load_pack(pack_dir)


@pytest.fixture(scope="module")
def trained(pack_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the command a user would type."""
    out = tmp_path_factory.mktemp("runs")
    small = {"images_per_view": 0, "min_kimg": 6, "batch": 32, "coarse": 32, "fine": 24, "hidden": 48, "gan_batch": 8}
    changes = [x for k, v in small.items() for x in ("--set", f"{k}={v}")]
    result = RUN.invoke(app, ["train", "--pack", str(pack_dir), "--out", str(out), "--workers", "2", *changes])
    assert result.exit_code == 0, result.output
    (run,) = out.iterdir()
    return run


@pytest.fixture(scope="module")
def bundle(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1.0.0, exported from it."""
    return exported(trained, tmp_path_factory.mktemp("bundle") / "one", "1.0.0")


def exported(run: Path, folder: Path, version: str) -> Path:
    result = RUN.invoke(app, ["export", str(run), "--out", str(folder), "--version", version])
    assert result.exit_code == 0, result.output
    return folder


def test_a_resumed_group_goes_on_exactly(pack: Pack, tmp_path: Path) -> None:
    data = group_data(pack, "hair", SMALL.seed)
    assert len(data.mixable)  # so that the adversary takes part
    straight = GroupTrainer(data, SMALL)
    expected = [straight.step() for _ in range(90)]
    assert any("d/loss" in x for x in expected)
    first = GroupTrainer(data, SMALL)
    for _ in range(70):  # past the start of the adversarial part
        first.step()
    first.save(tmp_path / "checkpoint.pt")
    second = GroupTrainer(data, SMALL)
    second.load(tmp_path / "checkpoint.pt")
    resumed = [second.step() for _ in range(20)]
    assert [repr(x) for x in resumed] == [repr(x) for x in expected[70:]]


def test_sampling_depends_on_seed_and_step_alone_and_prefers_what_is_wrong(pack: Pack) -> None:
    data = group_data(pack, "hair", 0)
    errors = np.zeros(len(data.pairs), np.float32)
    errors[3] = 1.0
    one, two = (sample_pairs(data, errors, 64, 0.7, seed=5, step=9) for _ in range(2))
    assert (one == two).all()
    assert (sample_pairs(data, errors, 64, 0.7, seed=5, step=10) != one).any()
    assert (one == 3).mean() > 0.5


def test_held_out_drawings_are_never_trained_on(pack: Pack) -> None:
    data = group_data(pack, "hair", 0, heldout=0.25)
    seen, kept = {tuple(x) for x in data.pairs}, {tuple(x) for x in data.heldout}
    assert kept
    assert not seen & kept
    assert seen | kept == {tuple(x) for x in np.argwhere(pack.group("hair").known)}


def test_straight_through_is_hard_and_lets_gradients_pass() -> None:
    logits = torch.randn(2, 5, 3, 3, requires_grad=True)
    picture = straight_through(logits)
    assert torch.allclose(picture.max(1).values, torch.ones(2, 3, 3))
    (picture * torch.randn_like(picture)).sum().backward()
    assert logits.grad is not None
    assert logits.grad.abs().sum() > 0


def test_the_exported_file_has_the_opset_and_operators_engines_know(pack: Pack) -> None:
    model = onnx.load_from_string(onnx_bytes(GroupTrainer(group_data(pack, "body", 0), SMALL).ema))
    assert [x.version for x in model.opset_import] == [OPSET]
    assert {node.op_type for node in model.graph.node} <= OPERATORS
    assert [x.name for x in model.graph.input] == ["code", "view"]


def test_training_redraws_the_pack_and_the_bundle_is_whole(trained: Path, bundle: Path, tmp_path: Path) -> None:
    manifest = load_manifest(bundle)
    evaluation = manifest.training["reconstruction"]
    assert evaluation["exact_slots"] > 0.95
    assert evaluation["alpha"] > 0.998
    for name in ("MODEL_CARD.md", "CREDITS.csv", "preview.png"):
        assert name in manifest.files
    again = exported(trained, tmp_path / "again", "1.0.0")
    for path in bundle.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name


def test_a_bundle_is_replaced_whole_and_other_folders_are_left_alone(trained: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "novel.txt").write_text("chapter one")
    result = RUN.invoke(app, ["export", str(trained), "--out", str(mine)])
    assert result.exit_code == 2
    assert "is no bundle" in result.output
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"subject": {"sha256": "0"}}', "of other networks"),
        ('{"subject": 1}', "is no evaluation"),
        ("[", "is no evaluation"),
    ],
)
def test_figures_of_other_networks_do_not_get_into_a_card(
    trained: Path, tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "evaluation.json"
    file.write_text(text)
    result = RUN.invoke(app, ["export", str(trained), "--out", str(tmp_path / "bundle"), "--evaluation", str(file)])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())  # lines end where the folder's name lets them
    assert [p.name for p in tmp_path.iterdir()] == ["evaluation.json"]


def test_a_bundle_is_the_same_drawer_with_and_without_papers(trained: Path, bundle: Path, tmp_path: Path) -> None:
    """What `evaluate` calls the bundle does not depend on its card: so a card can carry its own evaluation."""
    one, two = (load_manifest(x) for x in (bundle, exported(trained, tmp_path / "two", "1.0.1")))
    assert one.sha256 != two.sha256
    assert drawing_sha256(one, one.files) == drawing_sha256(two, two.files)
    card = (bundle / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "an adversary (relativistic loss, r1r2 penalty" in card


def test_behind_parts_share_the_codes_of_their_front(trained: Path, pack: Pack) -> None:
    config = dataclasses.replace(TrainConfig(), **json.loads((trained / "config.json").read_text()))
    front, behind = (load_group(trained, pack, name, config) for name in ("hair", "hair-behind"))
    for row, key in enumerate(behind.data.items):
        assert torch.equal(behind.codes[row], front.ema_codes[front.data.items.index(key)])


def test_novelty_of_a_network_that_copies(trained: Path, pack: Pack) -> None:
    """A draw that ignores the style and returns the first item's art is all copies and has no strange pattern."""
    data = group_data(pack, "hair", 0)

    def copy(codes: torch.Tensor, views: torch.Tensor) -> np.ndarray:
        return data.planes[0, views].numpy()

    figures = novelty(data, torch.zeros(len(data.items), 4), copy, 50, seed=1)
    assert figures is not None
    assert figures.copies == 1.0
    assert figures.strange == 0.0
    assert figures.distance == 0.0


def test_a_killed_run_resumes_and_an_unfinished_one_is_not_exported(pack_dir: Path, tmp_path: Path) -> None:
    config = dataclasses.replace(SMALL, min_kimg=40, checkpoint_s=0.5)
    run = new_run(tmp_path / "runs", pack_dir, config)
    command = [sys.executable, "-m", "training", "train", "--resume", str(run), "--workers", "1"]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 90
        while not list(run.glob("groups/*/checkpoint.pt")) and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
    (checkpoint,) = run.glob("groups/*/checkpoint.pt")
    group = checkpoint.parent.name
    at = load_group(run, load_pack(pack_dir), group, config).at
    assert at > 0
    refused = RUN.invoke(app, ["export", str(run), "--out", str(tmp_path / "bundle")])
    assert refused.exit_code == 2
    assert "not finished" in refused.output
    assert not (tmp_path / "bundle").exists()
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 90
        while load_group(run, load_pack(pack_dir), group, config).at <= at and time.monotonic() < deadline:
            time.sleep(0.2)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
    trainer = load_group(run, load_pack(pack_dir), group, config)
    assert trainer.at > at
    lines = [json.loads(x)["step"] for x in (checkpoint.parent / "log.jsonl").read_text().splitlines()]
    assert lines == sorted(set(lines))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "nothing to train on"),
        (["train", "--pack", "no-such-pack"], "no-such-pack"),
        (["train", "--resume", "no-such-run"], "is not a training run"),
        (["train", "--pack", "PACK", "--set", "lrr=1"], 'did you mean "lr"'),
        (["train", "--pack", "PACK", "--set", "batch=many"], "takes int"),
        (["export", "no-such-run", "--out", "x"], "is not a training run"),
    ],
)
def test_mistakes_are_one_clear_line(arguments: list[str], message: str, pack_dir: Path, tmp_path: Path) -> None:
    filled = [str(pack_dir) if x == "PACK" else x for x in arguments]
    extra = ["--out", str(tmp_path / "runs")] if arguments[0] == "train" else []
    result = RUN.invoke(app, [*filled, *extra])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
