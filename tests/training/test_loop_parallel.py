"""Two processes that torchrun starts, gradients averaged over gloo: as one process with the whole batch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from tests.training import parallel_script
from tests.training.pack_art import draw_pack
from training.__main__ import app
from training.distributed import SINGLE, Parallel
from training.errors import TrainingError

pytestmark = pytest.mark.training
ROOT = Path(__file__).parents[2]
RANKS = 2
TORCHRUN = ["torch.distributed.run", "--nproc-per-node", str(RANKS), "--rdzv-backend", "c10d"]
TORCHRUN += ["--rdzv-endpoint", "localhost:0"]  # the system chooses the port


@pytest.fixture(scope="module")
def pack_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("pack")
    result = CliRunner().invoke(app, ["prepare", str(draw_pack(home / "art")), "--out", str(home / "pack")])
    assert result.exit_code == 0, result.output
    return home / "pack"


def torchrun(*arguments: str) -> str:
    """Run to the end; its output. torchrun finds this checkout's code by PYTHONPATH."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", *TORCHRUN, *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=250
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def both(pack_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two ranks made of every kind of training."""
    out = tmp_path_factory.mktemp("both")
    output = torchrun(str(Path(parallel_script.__file__)), str(pack_dir), str(out))
    (out / "output.txt").write_text(output)
    return out


def log(folder: Path) -> list[dict[str, float]]:
    return [json.loads(x) for x in (folder / "log.jsonl").read_text().splitlines()]


def tensors(state: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    for key, value in state.items():
        if isinstance(value, torch.Tensor):
            yield f"{prefix}{key}", value
        elif isinstance(value, Mapping):
            yield from tensors(value, f"{prefix}{key}/")


def state(path: Path) -> dict[str, torch.Tensor]:
    """Weights, codes and optimiser moments of a checkpoint, by name."""
    return dict(tensors(torch.load(path, weights_only=True)))


def assert_close(mine: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert mine.keys() == other.keys()
    for name in mine:
        if name.endswith("score.bias"):
            continue  # a relativistic loss does not depend on it: its gradient is rounding noise, which Adam makes large
        # Adam divides by the root of a moment: where a gradient is nearly 0, the last digit of its sum decides its step
        torch.testing.assert_close(mine[name], other[name], rtol=1e-3, atol=1e-4, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize("kind", parallel_script.KINDS)
def test_ranks_agree_with_each_other_and_with_the_whole_batch(
    kind: str, both: Path, pack_dir: Path, tmp_path: Path
) -> None:
    first, second = (state(both / f"{kind}-rank{rank}.pt") for rank in range(RANKS))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    saved = state(both / kind / "checkpoint.pt")
    assert all(torch.equal(first[name], saved[name]) for name in first)

    alone = parallel_script.trainer(kind, pack_dir)
    start = {k: v.clone() for k, v in alone.g.state_dict().items()}
    parallel_script.train(alone, tmp_path / "alone", parallel_script.STEPS)
    assert alone.at == parallel_script.STEPS
    assert any((v - start[k]).abs().max() > 0.005 for k, v in alone.g.state_dict().items())
    assert_close(state(tmp_path / "alone" / "checkpoint.pt"), saved)
    logs = [log(x) for x in (tmp_path / "alone", both / kind)]
    assert [x["step"] for x in logs[1]] == [5, 10]
    for mine, other in zip(*logs, strict=True):
        assert mine["loss"] == pytest.approx(other["loss"], rel=1e-3)
        assert mine["d/loss"] == pytest.approx(other["d/loss"], rel=1e-3, abs=1e-4)

    shutil.copytree(both / kind, tmp_path / "resumed")
    resumed = parallel_script.trainer(kind, pack_dir)
    for trainer, folder in ((alone, "alone"), (resumed, "resumed")):
        parallel_script.train(trainer, tmp_path / folder, parallel_script.STEPS + 4)
        assert trainer.at == parallel_script.STEPS + 4
    assert_close(state(tmp_path / "alone" / "checkpoint.pt"), state(tmp_path / "resumed" / "checkpoint.pt"))


def test_the_train_command_under_torchrun(both: Path) -> None:
    """Rank 0 alone speaks and writes."""
    (run,) = (both / "runs").iterdir()
    for group in ("hair", "hair-behind"):
        assert json.loads((run / "groups" / group / "figures.json").read_text())["step"] == 63
        assert len(list((run / "groups" / group / "tensorboard").iterdir())) == 1
    assert (both / "output.txt").read_text().count("redrawing the pack") == 1
    (entry,) = json.loads((run / "environment.json").read_text())
    assert entry["processes"] == RANKS


def test_shares_are_even_and_cover_the_batch() -> None:
    ranks = [Parallel(rank, 3) for rank in range(3)]
    assert [x for r in ranks for x in range(12)[r.share(12)]] == list(range(12))
    with pytest.raises(TrainingError, match="a batch of 16 cannot be divided among 3 processes"):
        ranks[0].share(16)
    assert SINGLE.share(7) == slice(0, 7)


def test_draws_of_the_ranks_are_those_of_the_whole_batch() -> None:
    for draw in (
        lambda rng, n: rng.random((n, 2), np.float32),
        lambda rng, n: rng.integers(0, 100, n),
        lambda rng, n: rng.uniform(-1, 1, (n, 1)),
    ):
        whole = draw(np.random.default_rng(5), 8)
        parts = [draw(Parallel(rank, 2).draws(np.random.default_rng(5)), 4) for rank in range(2)]
        assert (np.concatenate(parts) == whole).all()
