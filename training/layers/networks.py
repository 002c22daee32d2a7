"""The networks of a view group: its generator, and the encoder that finds the style code of a drawing.

A generator draws one view of one layer part: G(code, view) -> logits. Everything in it exports to ONNX opset 15 with operators
that Unity's Inference Engine knows: Gather, Gemm, Mul, Add, LeakyRelu, Conv, DepthToSpace, Reshape, Concat. No normalisation layer, no padding
operator, no Einsum (EXPERIMENTS.md, "Export").
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

SLOPE = 0.2
"""Negative slope of every LeakyReLU."""


@dataclass(frozen=True)
class GeneratorShape:
    """Sizes of one generator. `height` and `width` are multiples of 4 pixels."""

    views: int
    classes: int
    height: int
    width: int
    z_dim: int = 32
    embed: int = 64  # numbers that describe a view
    hidden: int = 144  # width of the joint description of (code, view)
    seed_channels: int = 16  # channels of the picture the description is first spread into, at 1/4 resolution
    coarse: int = 72  # channels at 1/4 resolution
    fine: int = 48  # channels at 1/2 resolution
    table: int = 4  # channels at 1/2 resolution that depend on the view alone


class ModulatedConv(nn.Module):
    """3x3 convolution whose input channels are scaled and whose output is shifted by the description.

    The scale is applied to activations, not weights, so a batch of different styles is one dense convolution.
    """

    def __init__(self, inputs: int, outputs: int, hidden: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.scale = nn.Linear(hidden, inputs)
        self.shift = nn.Linear(hidden, outputs, bias=False)
        nn.init.kaiming_normal_(self.conv.weight, a=SLOPE)
        nn.init.zeros_(self.conv.bias)
        nn.init.normal_(self.scale.weight, std=hidden**-0.5 * 0.3)
        nn.init.ones_(self.scale.bias)
        nn.init.normal_(self.shift.weight, std=hidden**-0.5 * 0.3)

    def forward(self, x: Tensor, u: Tensor) -> Tensor:  # [N, inputs, h, w], [N, hidden] -> [N, outputs, h, w]
        x = x * self.scale(u)[:, :, None, None]
        return F.leaky_relu(self.conv(x) + self.shift(u)[:, :, None, None], SLOPE)


class LayerGenerator(nn.Module):
    """G(code, view) -> logits float32 [N, classes, height, width]."""

    def __init__(self, shape: GeneratorShape) -> None:
        super().__init__()
        self.shape = s = shape
        self.rows, self.cols = s.height // 4, s.width // 4
        self.view = nn.Embedding(s.views, s.embed)
        self.mix1 = nn.Linear(s.z_dim + s.embed, s.hidden)
        self.mix2 = nn.Linear(s.hidden, s.hidden)
        self.seed = nn.Linear(s.hidden, s.seed_channels * self.rows * self.cols)
        self.table = nn.Linear(s.embed, s.table * self.rows * self.cols * 4)
        self.coarse1 = ModulatedConv(s.seed_channels, s.coarse, s.hidden)
        self.coarse2 = ModulatedConv(s.coarse, s.coarse, s.hidden)
        self.up = nn.Conv2d(s.coarse, s.fine * 4, 1)
        self.fine1 = ModulatedConv(s.fine + s.table, s.fine, s.hidden)
        self.fine2 = ModulatedConv(s.fine, s.fine, s.hidden)
        self.out = nn.Conv2d(s.fine, s.classes * 4, 3, padding=1)
        nn.init.normal_(self.view.weight)
        for layer in (self.mix1, self.mix2, self.seed, self.table):
            nn.init.kaiming_normal_(layer.weight, a=SLOPE)
            nn.init.zeros_(layer.bias)
        nn.init.kaiming_normal_(self.up.weight, a=SLOPE)
        nn.init.normal_(self.out.weight, std=0.02)
        nn.init.zeros_(self.out.bias)

    def forward(self, code: Tensor, view: Tensor) -> Tensor:  # [N, z_dim] float32, [N] int64
        s = self.shape
        e = self.view(view)  # [N, embed]
        u = F.leaky_relu(self.mix1(torch.cat([code, e], dim=1)), SLOPE)
        u = F.leaky_relu(self.mix2(u), SLOPE)  # [N, hidden]
        x = self.seed(u).reshape(-1, s.seed_channels, self.rows, self.cols)
        x = self.coarse1(x, u)
        x = x + self.coarse2(x, u)
        x = F.leaky_relu(F.pixel_shuffle(self.up(x), 2), SLOPE)  # [N, fine, height/2, width/2]
        t = self.table(e).reshape(-1, s.table, self.rows * 2, self.cols * 2)
        y = self.fine1(torch.cat([x, t], dim=1), u)
        y = y + self.fine2(y, u)
        logits: Tensor = F.pixel_shuffle(self.out(y), 2)
        return logits


class Encoder(nn.Module):
    """E(picture, view) -> mean and log variance of the style code that draws it, both float32 [N, z_dim].

    The picture is a one-hot class map float32 [N, classes, height, width] of one view.
    """

    def __init__(self, shape: GeneratorShape, width: int = 32) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(shape.classes, width, 4, stride=2, padding=1)
        self.conv2 = nn.Conv2d(width, width * 2, 4, stride=2, padding=1)
        self.view = nn.Embedding(shape.views, 64)
        self.mix = nn.Linear(width * 2 * (shape.height // 4) * (shape.width // 4) + 64, 128)
        self.out = nn.Linear(128, 2 * shape.z_dim)
        for layer in (self.conv1, self.conv2, self.mix):
            nn.init.kaiming_normal_(layer.weight, a=SLOPE)
            nn.init.zeros_(layer.bias)
        nn.init.normal_(self.out.weight, std=0.01)
        nn.init.zeros_(self.out.bias)

    def forward(self, picture: Tensor, view: Tensor) -> tuple[Tensor, Tensor]:
        x = F.leaky_relu(self.conv1(picture), SLOPE)
        x = F.leaky_relu(self.conv2(x), SLOPE)
        x = F.leaky_relu(self.mix(torch.cat([x.flatten(1), self.view(view)], dim=1)), SLOPE)
        mean, log_variance = self.out(x).chunk(2, dim=1)
        return mean, log_variance


def gflop(generator: LayerGenerator) -> float:
    """Arithmetic of drawing one view, in 10^9 floating-point operations (a multiplication and an addition count as two)."""
    where = next(generator.parameters()).device
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        generator(torch.zeros(1, generator.shape.z_dim, device=where), torch.zeros(1, dtype=torch.int64, device=where))
    return float(counter.get_total_flops()) / 1e9
