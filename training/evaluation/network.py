"""The feature network: a small CNN over rendered drawings, and the same network with random weights.

Random features measure what any convolution sees (outline, texture); trained ones what tells the items and views of this pack apart. A figure that
only one of the two supports is to be doubted (Naeem et al., "Reliable fidelity and diversity metrics", 2020, section 5, use random embeddings so).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from training.evaluation.render import CANVAS

SLOPE = 0.1
"""Negative slope of every LeakyReLU."""

WIDTH = 64
"""Numbers in a feature."""

Features = NDArray[np.float32]
"""float32 [N, WIDTH], each number standardised over the pack's drawings: mean 0, deviation 1."""


class FeatureNet(nn.Module):
    """RGBA float32 [N, 4, CANVAS, CANVAS] in 0..1 -> float32 [N, WIDTH], not standardised. 115,000 weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(4, 24, 5, stride=2, padding=2)
        self.conv2 = nn.Conv2d(24, 48, 3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(48, 64, 3, stride=2, padding=1)
        self.conv4 = nn.Conv2d(64, 64, 3, stride=2, padding=1)
        self.norm1, self.norm2, self.norm3, self.norm4 = (nn.BatchNorm2d(n) for n in (24, 48, 64, 64))
        self.out = nn.Linear(64 * (CANVAS // 16) ** 2, WIDTH)

    def forward(self, picture: Tensor) -> Tensor:
        x = picture
        x = F.leaky_relu(self.norm1(self.conv1(x)), SLOPE)
        x = F.leaky_relu(self.norm2(self.conv2(x)), SLOPE)
        x = F.leaky_relu(self.norm3(self.conv3(x)), SLOPE)
        x = F.leaky_relu(self.norm4(self.conv4(x)), SLOPE)
        result: Tensor = self.out(x.flatten(1))
        return result


def random_weights(seed: int) -> dict[str, Tensor]:
    """He-initialised weights of a FeatureNet, drawn by numpy: the same numbers with every torch."""
    rng = np.random.default_rng(seed)
    weights = FeatureNet().state_dict()  # the normalisations start as identities
    for name, value in weights.items():
        if value.dim() > 1:
            spread = (2.0 / np.prod(value.shape[1:])) ** 0.5
            weights[name] = torch.from_numpy(rng.normal(0.0, spread, tuple(value.shape))).float()
        elif name.endswith("bias"):
            weights[name] = torch.zeros_like(value)
    return weights


def as_input(pictures: NDArray[np.uint8]) -> Tensor:
    """uint8 [N, CANVAS, CANVAS, 4] -> float32 [N, 4, CANVAS, CANVAS] in 0..1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255


@dataclass(frozen=True, eq=False)
class Space:
    """A feature space: what figures of realism and consistency are measured in."""

    name: str
    net: FeatureNet
    mean: Features  # [WIDTH] over the pack's drawings
    deviation: Features  # [WIDTH]
    sha256: str  # pins the weights

    def __call__(self, pictures: NDArray[np.uint8], batch: int = 512) -> Features:
        """Features of rendered drawings uint8 [N, CANVAS, CANVAS, 4]."""
        found = [np.zeros((0, WIDTH), np.float32)]
        with torch.no_grad():
            for start in range(0, len(pictures), batch):
                raw = self.net(as_input(pictures[start : start + batch])).numpy()
                found.append((raw - self.mean) / self.deviation)
        return np.concatenate(found)


def space(name: str, weights: dict[str, Tensor], pictures: NDArray[np.uint8], sha256: str) -> Space:
    """The space of `weights`, standardised on `pictures` (all drawings of the pack)."""
    net = FeatureNet()
    net.load_state_dict(weights)
    net.eval().requires_grad_(False)
    plain = Space(name, net, np.zeros(WIDTH, np.float32), np.ones(WIDTH, np.float32), sha256)
    raw = plain(pictures)
    return Space(name, net, raw.mean(0), np.maximum(raw.std(0), 1e-6), sha256)
