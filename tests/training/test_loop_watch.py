"""Warnings: each policy on curves made for it, and two trainings that really go wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from training.images.config import PRESETS, ImageGanConfig
from training.images.dataset import ImageData
from training.images.trainer import ImageGan
from training.loop import LoopOptions, Report, run_loop
from training.watch import (
    Line,
    Watch,
    discriminator_at_chance,
    discriminator_too_strong,
    diversity,
    exploding_gradients,
    mode_collapse,
)

pytestmark = pytest.mark.training


def lines(**curves: np.ndarray) -> list[Line]:
    """Lines of a log, `d_real` for d/real."""
    names = {k: k.replace("_", "/", 1) for k in curves}
    count = len(next(iter(curves.values())))
    return [{"step": i, **{names[k]: float(v[i]) for k, v in curves.items()}} for i in range(count)]


def noisy(level: float, count: int, by: float = 0.02) -> np.ndarray:
    return level + np.random.default_rng(0).normal(0, by, count)


def test_diversity_of_copies_is_nothing_and_of_the_real_ones_is_one() -> None:
    real = torch.randn(16, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert diversity(real, real) == pytest.approx(1)
    assert diversity(real[:1].expand(16, -1, -1, -1), real) == 0
    assert diversity(real / 2, real) == pytest.approx(0.5)


def test_mode_collapse_is_a_fall_not_a_wobble() -> None:
    assert mode_collapse(lines(diversity=noisy(0.9, 40))) is None
    assert mode_collapse(lines(diversity=np.linspace(0.3, 0.9, 40))) is None
    fall = np.concatenate([noisy(0.9, 30), np.linspace(0.9, 0.2, 12), noisy(0.2, 8)])
    found = mode_collapse(lines(diversity=fall))
    assert found is not None
    assert "0.2" in found.what
    assert "gan_gamma" in found.advice
    assert mode_collapse(lines(diversity=fall[:30])) is None
    # art that is alike itself: few samples differ, and still as much as the art
    assert mode_collapse(lines(diversity=np.concatenate([noisy(3.0, 30), noisy(0.9, 20)]))) is None
    assert mode_collapse(lines(diversity=noisy(0.03, 20, 0.005))) is not None  # never was any
    assert mode_collapse(lines(loss=noisy(1, 50))) is None


def test_a_strong_discriminator_is_no_fault_while_the_generator_gains() -> None:
    sure = noisy(0.99, 40, 0.001)
    rising, falling = np.linspace(1, 6, 40), np.linspace(6, 1, 40)
    assert discriminator_too_strong(lines(d_real=sure, d_fake=sure, g_adversarial=rising)) is not None
    assert discriminator_too_strong(lines(d_real=sure, d_fake=sure, g_adversarial=falling)) is None
    assert discriminator_too_strong(lines(d_real=sure, d_fake=noisy(0.8, 40), g_adversarial=rising)) is None
    assert discriminator_too_strong(lines(d_real=sure[:10], d_fake=sure[:10], g_adversarial=rising[:10])) is None


def test_a_discriminator_may_guess_for_a_while_but_not_for_long() -> None:
    guess = noisy(0.5, 40, 0.01)
    assert discriminator_at_chance(lines(d_real=guess, d_fake=guess)) is not None
    assert discriminator_at_chance(lines(d_real=guess[:20], d_fake=guess[:20])) is None
    late = np.concatenate([guess, noisy(0.7, 5)])
    assert discriminator_at_chance(lines(d_real=late, d_fake=late)) is None
    # right on all real and wrong on all drawn ones is one half on average, and no guess
    assert discriminator_at_chance(lines(d_real=noisy(0.99, 40), d_fake=noisy(0.01, 40))) is None


def test_gradients_explode_against_what_was_usual() -> None:
    usual = noisy(2, 40, 0.3)
    assert exploding_gradients(lines(grad_g=usual, grad_d=usual)) is None
    found = exploding_gradients(lines(grad_g=usual, grad_d=np.append(usual[:-1], 900)))
    assert found is not None
    assert found.cause == "exploding-gradients-discriminator"
    assert exploding_gradients(lines(grad_g=np.append(usual[:5], 900))) is None  # the start is wild


def test_each_cause_is_said_once() -> None:
    watch = Watch()
    trace = lines(diversity=np.concatenate([noisy(0.9, 30), noisy(0.2, 30)]))
    assert [f.cause for line in trace for f in watch.see(line)] == ["mode-collapse"]


def boxes() -> ImageData:
    """32 pictures of one gray box each."""
    rng = np.random.default_rng(0)
    pictures = np.zeros((32, 1, 8, 8), np.uint8)
    for picture in pictures:
        y, x, h, w = *rng.integers(0, 4, 2), *rng.integers(2, 5, 2)
        picture[0, y : y + h, x : x + w] = rng.integers(100, 256)
    rows = np.arange(32)
    return ImageData("boxes", "gray", pictures, np.zeros(32, np.int64), (), rows, rows[:0])


SMALL = replace(PRESETS["goodfellow2014"], kimg=4, batch=16, z_dim=8, g_features=64, d_features=64)
STRONG_D = replace(SMALL, g_lr=1e-4, adversary=replace(SMALL.adversary, lr=2e-3))
STRONG_G = replace(SMALL, g_lr=1e-2, adversary=replace(SMALL.adversary, lr=1e-4))
BALANCED = replace(SMALL, adversary=replace(SMALL.adversary, penalty="r1r2", gamma=0.1, penalty_every=1))


@pytest.mark.parametrize(
    ("config", "causes"), [(STRONG_D, ["d-too-strong"]), (STRONG_G, ["mode-collapse"]), (BALANCED, [])]
)
def test_trainings_that_go_wrong_say_so(config: ImageGanConfig, causes: list[str], tmp_path: Path) -> None:
    torch.set_num_threads(1)
    reports: list[Report] = []
    options = LoopOptions(log_every=5, sample_kimg=0)
    assert run_loop(ImageGan(boxes(), config), tmp_path, options, report=reports.append)
    assert [f.cause for r in reports for f in r.findings] == causes
    logged = [json.loads(x).get("warnings", []) for x in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [cause for said in logged for cause in said] == causes
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    for cause in causes:
        assert f"warnings/{cause}/text_summary" in events.Tags()["tensors"]
