"""Discriminators: convolutional (one score per patch, or one per picture) and fully connected.

None of them mixes the pictures of a batch (no batch normalisation), so that gradient penalties mean what they say and real and drawn
pictures may share a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from training.errors import TrainingError
from vcg_bridge.contract.errors import near

SLOPE = 0.2
"""Negative slope of every LeakyReLU."""


@dataclass(frozen=True)
class DiscriminatorShape:
    """Sizes of a discriminator."""

    kind: str = (
        "patch"  # "patch": a score per patch; "global": one per picture; "dense": fully connected, one per picture
    )
    channels: int = 1  # of the pictures; for slots the number of classes
    height: int = 28
    width: int = 28
    labels: int = 0  # number of labels that condition it by projection; 0: not conditioned
    features: int = (
        48  # channels of the first stage, doubled with each further one up to 4 times; width of dense layers
    )
    stages: int = 2  # halvings of the resolution; layers of the dense one
    depth: int = (
        1  # 3x3 convolutions in a stage before it halves, and one more at the end if there are any; 0: as DCGAN's
    )
    spectral: bool = False  # spectral normalisation (Miyato et al. 2018)

    @property
    def receptive_field(self) -> int:
        """Pixels of side that one patch score sees (the picture may be smaller)."""
        field, stride = 1, 1
        for _ in range(self.stages):
            field += 2 * stride * self.depth + 3 * stride
            stride *= 2
        return field + (2 * stride if self.depth else 0)


class ConvDiscriminator(nn.Module):
    """D(picture [N, channels, height, width], label int64 [N] or None) -> scores [N, 1, h, w] ("patch") or [N, 1] ("global")."""

    def __init__(self, shape: DiscriminatorShape) -> None:
        super().__init__()
        self.shape = shape
        layers: list[nn.Module] = []
        inputs, height, width = shape.channels, shape.height, shape.width
        for stage in range(shape.stages):
            outputs = shape.features * min(2**stage, 4)
            for _ in range(shape.depth):
                layers += [_normed(nn.Conv2d(inputs, outputs, 3, padding=1), shape.spectral), nn.LeakyReLU(SLOPE)]
                inputs = outputs
            layers += [_normed(nn.Conv2d(inputs, outputs, 4, 2, 1), shape.spectral), nn.LeakyReLU(SLOPE)]
            inputs, height, width = outputs, height // 2, width // 2
        if min(height, width) < 1:
            raise TrainingError(
                f"{shape.stages} halvings are too many for pictures of {shape.width}x{shape.height}",
                hint="fewer stages of the discriminator",
            )
        if shape.depth:
            layers += [_normed(nn.Conv2d(inputs, inputs, 3, padding=1), shape.spectral), nn.LeakyReLU(SLOPE)]
        self.body = nn.Sequential(*layers)
        patch = shape.kind == "patch"
        self.score = _normed(nn.Conv2d(inputs, 1, 1 if patch else (height, width)), shape.spectral)
        self.label = _label_table(shape.labels, inputs)

    def forward(self, picture: Tensor, label: Tensor | None = None) -> Tensor:
        x = self.body(picture)  # [N, features, h, w]
        score = self.score(x)  # [N, 1, h, w] or [N, 1, 1, 1]
        if self.label is not None:
            # projection conditioning: Miyato and Koyama, "cGANs with projection discriminator", 2018
            projected = (x * self.label(label)[:, :, None, None]).sum(1, keepdim=True) / x.shape[1] ** 0.5
            score = score + (projected if self.shape.kind == "patch" else projected.mean((2, 3), keepdim=True))
        return score if self.shape.kind == "patch" else score.flatten(1)


class DenseDiscriminator(nn.Module):
    """Fully connected D(picture, label) -> scores [N, 1], as in Goodfellow et al. 2014 (LeakyReLU in place of maxout)."""

    def __init__(self, shape: DiscriminatorShape) -> None:
        super().__init__()
        widths = [shape.channels * shape.height * shape.width] + [shape.features] * shape.stages
        self.body = nn.ModuleList(_normed(nn.Linear(a, b), shape.spectral) for a, b in pairwise(widths))
        self.score = _normed(nn.Linear(widths[-1], 1), shape.spectral)
        self.label = _label_table(shape.labels, widths[-1])

    def forward(self, picture: Tensor, label: Tensor | None = None) -> Tensor:
        x = picture.flatten(1)
        for layer in self.body:
            x = F.leaky_relu(layer(x), SLOPE)
        score: Tensor = self.score(x)
        return score if self.label is None else score + (x * self.label(label)).sum(1, keepdim=True) / x.shape[1] ** 0.5


KINDS = ("patch", "global", "dense")


def build_discriminator(shape: DiscriminatorShape) -> nn.Module:
    """The discriminator of that shape, randomly initialised from torch's generator. Raises TrainingError for an unknown kind."""
    if shape.kind not in KINDS:
        raise TrainingError(
            f"unknown discriminator {shape.kind!r}", hint=near(shape.kind, KINDS) or f"there are: {', '.join(KINDS)}"
        )
    return DenseDiscriminator(shape) if shape.kind == "dense" else ConvDiscriminator(shape)


def _normed(layer: nn.Module, spectral: bool) -> nn.Module:
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    nn.init.kaiming_normal_(layer.weight, a=SLOPE)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return spectral_norm(layer) if spectral else layer


def _label_table(labels: int, features: int) -> nn.Embedding | None:
    if not labels:
        return None
    table = nn.Embedding(labels, features)
    with torch.no_grad():
        table.weight.mul_(0.5)
    return table
