"""Augmentation: what it does to pictures, that it is seeded, and that gradients pass."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from training.adversarial.augment import AUGMENTATIONS, COLOUR_ONLY, augment

pytestmark = pytest.mark.training
N, H, W = 64, 12, 16


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def class_maps() -> torch.Tensor:
    return F.one_hot(torch.from_numpy(rng(9).integers(1, 5, (N, H, W))), 5).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_same_seed_same_pictures_and_gradients_reach_what_is_left(name: str) -> None:
    x = torch.rand(N, 3, H, W, generator=torch.Generator().manual_seed(0)).mul_(2).sub_(1).requires_grad_(True)
    one, two, other = (augment(x, [name], rng(s)) for s in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert not torch.equal(one, x)
    one.sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    assert torch.equal(augment(x, [name], rng(), chance=0.0), x) or name in COLOUR_ONLY
    assert torch.allclose(augment(x, [name], rng(), chance=0.0), x, atol=1e-6)


@pytest.mark.parametrize("name", sorted(set(AUGMENTATIONS) - COLOUR_ONLY))
def test_class_maps_stay_class_maps(name: str) -> None:
    x = class_maps()
    y = augment(x, [name], rng(3), class_maps=True)
    assert torch.equal(y.sum(1), torch.ones(N, H, W))
    assert set(y.unique().tolist()) == {0.0, 1.0}
    uncovered = y[:, 0].sum()  # class 0 is nowhere in the originals
    assert uncovered == 0 if name == "flip" else uncovered > 0


def test_shift_moves_whole_pictures_by_whole_pixels() -> None:
    x = class_maps()
    y = augment(x, ["shift"], rng(4), class_maps=True)
    moved = set()
    for a, b in zip(x, y, strict=True):
        padded = F.pad(a, (2, 2, 2, 2))
        padded[0] = 1 - padded[1:].sum(0)
        found = [(dy, dx) for dy in range(5) for dx in range(5) if torch.equal(padded[:, dy : dy + H, dx : dx + W], b)]
        assert len(found) == 1
        moved.add(found[0])
    assert len(moved) > 10


def test_flip_mirrors_about_half_and_nothing_else() -> None:
    x = class_maps()
    y = augment(x, ["flip"], rng(5))
    mirrored = [torch.equal(a.flip(2), b) for a, b in zip(x, y, strict=True)]
    assert all(m or torch.equal(a, b) for m, a, b in zip(mirrored, x, y, strict=True))
    assert N / 4 < sum(mirrored) < 3 * N / 4


def test_hue_keeps_gray_and_alpha_and_brightness_keeps_black_and_alpha() -> None:
    x = torch.rand(N, 4, H, W).mul(2).sub(1)
    turned = augment(x, ["hue"], rng(6))
    assert torch.equal(turned[:, 3], x[:, 3])
    assert torch.allclose(turned[:, :3].mean(1), x[:, :3].mean(1), atol=1e-5)
    gray = x[:, :1].repeat(1, 3, 1, 1)
    assert torch.allclose(augment(gray, ["hue"], rng(6)), gray, atol=1e-5)
    black = -torch.ones(N, 4, H, W)
    assert torch.allclose(augment(black, ["brightness"], rng(6)), black)
