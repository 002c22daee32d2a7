"""Differentiable augmentation of what D sees, real and drawn alike (Zhao et al., "Differentiable Augmentation", NeurIPS 2020).

Pictures are float32 [N, channels, height, width]: gray, RGB or RGBA in -1..1, or (straight-through) one-hot class maps, for which only `flip`,
`shift` and `cutout` make sense. Every picture gets a draw of its own; the draws depend on nothing but the generator passed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

SHIFT = 1 / 8  # furthest shift, share of the side
CUTOUT = 3 / 8  # side of the hole, share of the picture's side
GAIN = 0.25  # brightness is multiplied by 1 - GAIN .. 1 + GAIN


def augment(
    picture: Tensor, names: Sequence[str], rng: np.random.Generator, chance: float = 1.0, class_maps: bool = False
) -> Tensor:
    """Pass pictures through the named transformations, in that order; each picture meets each one with `chance`.

    Uncovered pixels become 0, or the transparent class 0 of class maps. Raises KeyError for a name that is not in AUGMENTATIONS.
    """
    fill = torch.zeros(1, picture.shape[1], 1, 1, device=picture.device)
    if class_maps:
        fill[:, 0] = 1.0
    for name in names:
        n = len(picture)
        chosen = rng.random(n) < chance
        picture = AUGMENTATIONS[name](picture, chosen, rng, fill)
    return picture


def _flip(picture: Tensor, chosen: np.ndarray, rng: np.random.Generator, fill: Tensor) -> Tensor:
    """Mirror half of the chosen ones left to right. Only where the art has no handedness: not for a side view."""
    mirrored = _mask(chosen & (rng.random(len(picture)) < 0.5), picture)
    return torch.where(mirrored, picture.flip(3), picture)


def _shift(picture: Tensor, chosen: np.ndarray, rng: np.random.Generator, fill: Tensor) -> Tensor:
    """Move by whole pixels."""
    n, _, height, width = picture.shape
    for axis, side in ((2, height), (3, width)):
        reach = max(1, round(side * SHIFT))
        by = np.where(chosen, rng.integers(-reach, reach + 1, n), 0)
        source = np.arange(side)[None] - by[:, None]  # [N, side]
        inside = (source >= 0) & (source < side)
        shape = (n, 1, side, 1) if axis == 2 else (n, 1, 1, side)
        index = torch.from_numpy(source.clip(0, side - 1)).reshape(shape).to(picture.device).expand_as(picture)
        valid = torch.from_numpy(inside).reshape(shape).to(picture.device)
        picture = torch.where(valid, picture.gather(axis, index), fill)
    return picture


def _cutout(picture: Tensor, chosen: np.ndarray, rng: np.random.Generator, fill: Tensor) -> Tensor:
    """Blank a rectangle, which may reach over the border."""
    n, _, height, width = picture.shape
    rows, columns = (
        np.abs(np.arange(side)[None] - rng.uniform(0, side, (n, 1))) < side * CUTOUT / 2 for side in (height, width)
    )
    hole = chosen[:, None, None] & rows[:, :, None] & columns[:, None, :]
    return torch.where(torch.from_numpy(hole)[:, None].to(picture.device), fill, picture)


def _hue(picture: Tensor, chosen: np.ndarray, rng: np.random.Generator, fill: Tensor) -> Tensor:
    """Turn the colours of RGB or RGBA pictures around the gray axis by any angle: other ramps, same shading."""
    angle = np.where(chosen, rng.uniform(-math.pi, math.pi, len(picture)), 0.0)
    # Rodrigues' rotation around (1, 1, 1) / sqrt 3
    c, s = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    turn = torch.from_numpy(c * np.eye(3) + s * cross + (1 - c) / 3).float().to(picture.device)  # [N, 3, 3]
    colours = torch.bmm(turn, picture[:, :3].flatten(2)).reshape(picture[:, :3].shape)
    return torch.cat([colours, picture[:, 3:]], dim=1)


def _brightness(picture: Tensor, chosen: np.ndarray, rng: np.random.Generator, fill: Tensor) -> Tensor:
    """Scale colours from black (-1), never alpha."""
    colours = 3 if picture.shape[1] >= 3 else 1
    gain = np.where(chosen, rng.uniform(1 - GAIN, 1 + GAIN, len(picture)), 1.0).reshape(-1, 1, 1, 1)
    scaled = (picture[:, :colours] + 1) * torch.from_numpy(gain).float().to(picture.device) - 1
    return torch.cat([scaled, picture[:, colours:]], dim=1)


def _mask(chosen: np.ndarray, picture: Tensor) -> Tensor:
    return torch.from_numpy(chosen).reshape(-1, 1, 1, 1).to(picture.device)


AUGMENTATIONS: dict[str, Callable[[Tensor, np.ndarray, np.random.Generator, Tensor], Tensor]] = {
    "flip": _flip,
    "shift": _shift,
    "cutout": _cutout,
    "hue": _hue,
    "brightness": _brightness,
}
COLOUR_ONLY = frozenset({"hue", "brightness"})
"""Transformations of colours: they make no sense on class maps, and `hue` none on gray pictures."""
