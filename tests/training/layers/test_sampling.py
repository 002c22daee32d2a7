"""Codes between and around items."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.training.layers.made import blocks
from training.errors import TrainingError
from training.layers.sampling import AROUND, LEAST, MODES, MOST, fit_prior, mix, pools, sample

pytestmark = pytest.mark.training
CODES = torch.arange(20, dtype=torch.float32).reshape(5, 4)


def test_a_mixture_has_30_to_50_percent_of_another_item_and_the_length_of_items() -> None:
    drawn = sample(blocks(), CODES, "mixtures", 200, seed=1)
    assert (drawn.item != drawn.other).all()
    assert drawn.amount.min() >= LEAST
    assert drawn.amount.max() <= MOST
    share = torch.from_numpy(drawn.amount[:, None]).float()
    expected = CODES[drawn.item] * (1 - share) + CODES[drawn.other] * share
    assert torch.allclose(drawn.codes, expected / (share**2 + (1 - share) ** 2).sqrt())
    apart = mix(
        torch.eye(2)[:1], torch.eye(2)[1:], torch.tensor([[0.35]])
    )  # codes at a right angle, as those of many numbers nearly are
    assert float(apart.norm()) == pytest.approx(1.0)


def test_items_are_the_art_and_around_is_near_it() -> None:
    assert torch.equal(
        sample(blocks(), CODES, "items", 50, 1).codes, CODES[sample(blocks(), CODES, "items", 50, 1).item]
    )
    drawn = sample(blocks(), CODES, "around", 4000, 1)
    assert float((drawn.codes - CODES[drawn.item]).std()) == pytest.approx(AROUND, rel=0.05)


def test_the_prior_has_the_pool_s_mean_and_nearly_its_covariance() -> None:
    codes = torch.randn(5, 4, generator=torch.Generator().manual_seed(3))
    found = fit_prior(codes).sample(40_000, np.random.default_rng(0))
    assert torch.allclose(found.mean(0), codes.mean(0), atol=0.03)
    real, made = torch.cov(codes.T), torch.cov(found.T)
    assert float((made - real).abs().max()) < 0.15 * float(real.abs().max()) + 0.02
    assert float(made.trace()) == pytest.approx(
        float(real.trace()), rel=0.03
    )  # shrinking moves variance, it loses none


@pytest.mark.parametrize("mode", MODES)
def test_the_same_seed_gives_the_same_codes(mode: str) -> None:
    one, two, other = (sample(blocks(), CODES, mode, 30, seed) for seed in (4, 4, 5))
    assert torch.equal(one.codes, two.codes)
    assert not torch.equal(one.codes, other.codes)


def test_items_held_out_are_in_no_pool() -> None:
    data = blocks(heldout=(1, 3))
    assert pools(data) == ((0, 2, 4),)
    for mode in MODES:
        assert set(sample(data, CODES, mode, 60, 0).item.tolist()) <= {0, 2, 4}
    assert {tuple(x) for x in data.unseen} == {(i, v) for i in (1, 3) for v in range(data.views)}


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(TrainingError, match="mixture"):
        sample(blocks(), CODES, "mixture", 1, 0)
