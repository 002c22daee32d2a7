"""The loop: what it writes, that a broken training leaves the log, curves and pictures of an unbroken one, and what it refuses."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import cv2
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.training.tiny import Tiny
from training.errors import TrainingError
from training.loop import LoopOptions, Report, run_loop

pytestmark = pytest.mark.training
OPTIONS = LoopOptions(checkpoint_s=0, log_every=10, sample_kimg=3, figure_kimg=6)  # a checkpoint at every line


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard shows of a training, by tag, but for the speed."""
    events = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    tags = events.Tags()
    shown = {t: [(e.step, e.value) for e in events.Scalars(t)] for t in tags["scalars"] if not t.startswith("speed")}
    return shown | {t: [(e.step, len(e.encoded_image_string)) for e in events.Images(t)] for t in tags["images"]}


def pictures(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (folder / "samples").iterdir()}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tiny]:
    folder, tiny = tmp_path_factory.mktemp("unbroken"), Tiny()
    assert run_loop(tiny, folder, OPTIONS)
    return folder, tiny


def same(folder: Path, tiny: Tiny, unbroken: tuple[Path, Tiny]) -> None:
    other, straight = unbroken
    assert torch.equal(tiny.net.weight, straight.net.weight)
    assert (folder / "log.jsonl").read_text() == (other / "log.jsonl").read_text()
    assert pictures(folder) == pictures(other)
    assert curves(folder) == curves(other)


def test_the_log_is_means_and_everything_is_where_it_belongs(unbroken: tuple[Path, Tiny]) -> None:
    folder, tiny = unbroken
    lines = [json.loads(x) for x in (folder / "log.jsonl").read_text().splitlines()]
    assert [x["step"] for x in lines] == list(range(10, 131, 10))
    twin = Tiny()
    steps = [twin.step() for _ in range(130)]
    assert lines[3]["loss"] == pytest.approx(sum(x["loss"] for x in steps[30:40]) / 10, rel=1e-5)
    rare = [x["d/loss"] for x in steps[30:40] if "d/loss" in x]
    assert lines[3]["d/loss"] == pytest.approx(sum(rare) / len(rare), rel=1e-5)
    # a hundred images a step: a picture each 30 steps and an evaluation each 60, and both at the end
    assert sorted(pictures(folder)) == [f"step-{n:07d}.png" for n in (30, 60, 90, 120, 130)]
    assert [x["step"] for x in lines if "figure/slope" in x] == [60, 120, 130]
    assert json.loads((folder / "figures.json").read_text()) == {"step": 130, "slope": float(tiny.net.weight.detach())}
    shown = curves(folder)
    assert [step for step, _ in shown["loss/generator"]] == list(range(10, 131, 10))
    assert {"gradient/generator", "loss/discriminator", "figure/slope", "samples"} <= set(shown)
    picture = cv2.imread(str(folder / "samples" / "step-0000130.png"))
    assert picture[0, 0].tolist() == [0, 0, int(tiny.samples()[0, 0, 0])]


@pytest.mark.parametrize("at", [37, 40, 0])
def test_stopped_anywhere_it_goes_on_exactly(at: int, unbroken: tuple[Path, Tiny], tmp_path: Path) -> None:
    first = Tiny()
    assert not run_loop(first, tmp_path, OPTIONS, stop=lambda: first.at >= at)
    assert first.at == at
    assert not (tmp_path / "figures.json").exists()
    second = Tiny()
    assert run_loop(second, tmp_path, OPTIONS)
    same(tmp_path, second, unbroken)


def test_a_killed_training_forgets_what_it_did_after_its_checkpoint(
    unbroken: tuple[Path, Tiny], tmp_path: Path
) -> None:
    """Death in step 76, the last checkpoint at step 37 (written by Ctrl-C), the log at 70."""
    stopped = Tiny()
    assert not run_loop(stopped, tmp_path, OPTIONS, stop=lambda: stopped.at >= 37)
    never = LoopOptions(checkpoint_s=1e9, log_every=10, sample_kimg=3, figure_kimg=6)
    with pytest.raises(RuntimeError):
        run_loop(Tiny(fail_at=76), tmp_path, never)
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 80, "lo')  # a line cut off
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["at"] == 37
    second = Tiny()
    assert run_loop(second, tmp_path, OPTIONS)
    same(tmp_path, second, unbroken)


def test_a_finished_training_is_left_as_it_is(unbroken: tuple[Path, Tiny]) -> None:
    folder, _ = unbroken
    before = (folder / "log.jsonl").read_bytes()
    reports: list[Report] = []
    assert run_loop(Tiny(), folder, OPTIONS, report=reports.append)
    assert (folder / "log.jsonl").read_bytes() == before
    assert [r.saved for r in reports] == [True]


def test_what_is_no_number_ends_the_training_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"loss, grad/g of step 48 .* checkpoint of step 40 is kept"):
        run_loop(Tiny(poison_at=47), tmp_path, OPTIONS)
    kept = Tiny()
    kept.load(tmp_path / "checkpoint.pt")
    assert kept.at == 40
    assert torch.isfinite(kept.net.weight).all()


def test_a_checkpoint_of_something_else_is_one_clear_error(tmp_path: Path) -> None:
    for content in ({"at": 3, "net": {"weight": torch.zeros(7, 7)}, "opt": {}}, {"at": 3}):
        torch.save(content, tmp_path / "checkpoint.pt")
        with pytest.raises(TrainingError, match="does not fit this training"):
            run_loop(Tiny(), tmp_path, OPTIONS)
    (tmp_path / "checkpoint.pt").write_bytes(b"half a check")
    with pytest.raises(TrainingError, match="does not fit this training"):
        run_loop(Tiny(), tmp_path, OPTIONS)


def test_reports_tell_progress(tmp_path: Path) -> None:
    reports: list[Report] = []
    run_loop(Tiny(), tmp_path, OPTIONS, report=reports.append)
    assert [r.at for r in reports if not r.saved][-1] == reports[-1].steps == 130
    assert all(r.images_per_s == pytest.approx(100 * r.steps_per_s) and r.images_per_s > 0 for r in reports)


def test_a_profile_is_a_trace_with_named_ranges(tmp_path: Path) -> None:
    assert run_loop(Tiny(40), tmp_path, LoopOptions(profile_steps=5))
    with gzip.open(tmp_path / "trace.json.gz", "rt") as file:
        events = json.load(file)["traceEvents"]
    names = [e.get("name") for e in events if e.get("ph") == "X"]
    assert names.count("step") == 5
    assert names.count("forward net") == 5
    assert any("backward" in str(name).lower() for name in names)
