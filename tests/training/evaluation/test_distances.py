"""Distances of sets whose distance is known."""

from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.distances import frechet, kernel, prdc
from training.evaluation.floors import by_drawings, by_items

pytestmark = pytest.mark.training


def gaussian(n: int, seed: int, shift: float = 0.0, scale: float = 1.0, width: int = 8) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(n, width)) * scale + shift).astype(np.float32)


def whitened(n: int, seed: int, width: int = 4) -> np.ndarray:
    """A set whose mean is exactly 0 and whose covariance is exactly 1."""
    x = np.random.default_rng(seed).normal(size=(n, width))
    x -= x.mean(0)
    values, vectors = np.linalg.eigh(np.cov(x, rowvar=False))
    return (x @ vectors / np.sqrt(values) @ vectors.T).astype(np.float32)


def test_frechet_distance_of_two_gaussians_is_the_formula() -> None:
    a, b = whitened(500, 1), whitened(700, 2)
    assert frechet(a, a) == pytest.approx(0.0, abs=1e-6)
    assert frechet(a, b + 3) == pytest.approx(4 * 9, rel=1e-4)  # equal covariances: the squared shift
    # diagonal covariances: sum of (s1 - s2)^2
    stretched = b * np.array([1, 2, 3, 0.5], np.float32)
    assert frechet(a, stretched) == pytest.approx(0 + 1 + 4 + 0.25, rel=1e-4)
    # covariances that do not commute, against the formula by general eigenvalues
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4)))[0]
    turned = stretched @ turn.T
    c = np.cov(turned, rowvar=False) @ np.cov(stretched, rowvar=False)
    expected = (
        2 * np.trace(np.cov(stretched, rowvar=False)) - 2 * np.sqrt(np.linalg.eigvals(c).astype(complex)).real.sum()
    )
    assert frechet(stretched, turned) == pytest.approx(expected, rel=1e-3)


def test_kernel_distance_is_zero_in_expectation_for_equal_distributions_and_whatever_n() -> None:
    for n in (30, 120):
        same = [kernel(gaussian(n, 2 * s), gaussian(n, 2 * s + 1)) for s in range(30)]
        error = np.std(same) / len(same) ** 0.5
        assert abs(np.mean(same)) < 3 * error
        assert min(same) < 0  # unbiased: it goes below 0 as well
    assert kernel(gaussian(400, 1), gaussian(400, 2, shift=1.0)) > 10 * np.std(same)


def test_kernel_distance_of_two_points_each_is_the_formula() -> None:
    x, y = np.array([[1.0, 0], [0, 1]], np.float32), np.array([[1.0, 1], [0, 0]], np.float32)
    # k(x1, x2) = 1; k(y1, y2) = 1; every k(x, y) is (1/2 + 1)^3 with y1 and 1 with y2
    assert kernel(x, y) == pytest.approx(1 + 1 - 2 * (2 * 1.5**3 + 2) / 4)


def test_prdc_of_equal_sets_is_one_and_of_far_ones_nothing() -> None:
    x = gaussian(300, 1)
    precision, recall, density, coverage = prdc(x, x)
    assert (precision, recall, coverage) == (1.0, 1.0, 1.0)
    assert density >= 1.0
    assert prdc(x, x + 1000) == (0.0, 0.0, 0.0, 0.0)


def test_prdc_knows_samples_that_cover_half_and_sets_full_of_equal_drawings() -> None:
    left, right = gaussian(200, 1), gaussian(200, 2, shift=50)
    precision, recall, _, coverage = prdc(np.concatenate([left, right]), gaussian(400, 3))
    assert precision > 0.9
    assert 0.35 < recall <= 0.5
    assert 0.35 < coverage <= 0.5
    drawn_alike = np.repeat(gaussian(20, 4), 10, axis=0)  # reach 0: an equal sample is still within it
    assert prdc(drawn_alike, drawn_alike)[0::3] == (1.0, 1.0)


def test_the_floor_of_drawings_is_chance_and_the_floor_of_items_is_how_far_items_are() -> None:
    rng = np.random.default_rng(5)
    centres = rng.normal(size=(8, 8)) * 3
    item = np.repeat(np.arange(8), 60)
    real = (centres[item] + rng.normal(size=(480, 8))).astype(np.float32)
    fresh = (centres[item] + rng.normal(size=(480, 8))).astype(np.float32)  # the same distribution
    keys = np.stack([np.zeros(480, np.int64), item], 1)
    drawings, items = by_drawings(real, fresh, 6, 0, 1), by_items(real, fresh, keys, keys, 6, 0)
    assert items is not None
    assert 0.7 < drawings.ratio < 1.4  # as far as chance makes it
    assert items.frechet.mean > 10 * drawings.frechet.mean
    assert items.ratio < 0.2
    assert abs(drawings.kernel.mean) < 0.1 * items.kernel.mean
    mud = by_drawings(real, real + 4, 3, 0, 1)
    assert mud.ratio > 20
    few = np.stack([item, np.zeros(480, np.int64)], 1)  # eight groups of one item
    assert by_items(real, fresh, few, few, 2, 0) is None
