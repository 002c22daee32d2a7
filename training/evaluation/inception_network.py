"""The Inception network of the FID, as a structure that takes torch-fidelity's weights file by its names.

Szegedy et al., "Rethinking the Inception architecture", 2015, in the form in which TensorFlow's 2015-12-05 graph has it and Heusel et al. used it: average pools that do
not count the padding, a max pool in the last block, and TensorFlow 1's bilinear enlargement. Own code, since torch-fidelity 0.4 loads its weights by
unguarded unpickling and must have a torchvision that fits the installed torch, of which it uses nothing here. Its features are equal to torch-fidelity's.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 299
"""Pixels a picture is enlarged to."""

Conv = tuple[str, int, tuple[int, int], int, bool]
"""Name, output channels, kernel (height, width), stride, padded to keep the size."""


class Unit(nn.Module):
    """Convolution, normalisation, ReLU."""

    def __init__(self, inputs: int, conv: Conv) -> None:
        super().__init__()
        _, outputs, (kh, kw), stride, padded = conv
        padding = (kh // 2, kw // 2) if padded else 0
        self.conv = nn.Conv2d(inputs, outputs, (kh, kw), stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


def _c(name: str, outputs: int, kernel: str = "1x1", stride: int = 1) -> Conv:
    height, width = (int(x) for x in kernel.split("x"))
    return name, outputs, (height, width), stride, stride == 1


class Block(nn.Module):
    """Branches side by side. A branch is a list of units; a tuple in it is two units side by side. Then a pooled branch, with a unit of `pooled` channels."""

    def __init__(self, inputs: int, branches: list[list[Conv | tuple[Conv, Conv]]], pool: str, pooled: int = 0) -> None:
        super().__init__()
        self.pool, self.names = pool, [[_names(step) for step in branch] for branch in branches]
        self.outputs = 0
        for branch in branches:
            width = inputs
            for step in branch:
                both = step if isinstance(step[0], tuple) else (step,)
                for conv in both:
                    self.add_module(conv[0], Unit(width, conv))  # type: ignore[arg-type, index]
                width = sum(conv[1] for conv in both)  # type: ignore[misc, index]
            self.outputs += width
        if pooled:
            self.branch_pool = Unit(inputs, _c("", pooled))
        self.outputs += pooled or inputs

    def forward(self, x: Tensor) -> Tensor:
        found = []
        for branch in self.names:
            y = x
            for names in branch:
                y = torch.cat([self.get_submodule(name)(y) for name in names], 1)
            found.append(y)
        if self.pool == "average":
            found.append(self.branch_pool(F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)))
        elif self.pool == "largest":
            found.append(self.branch_pool(F.max_pool2d(x, 3, 1, 1)))
        else:  # halved
            found.append(F.max_pool2d(x, 3, 2))
        return torch.cat(found, 1)


def _names(step: Conv | tuple[Conv, Conv]) -> list[str]:
    return [conv[0] for conv in step] if isinstance(step[0], tuple) else [step[0]]  # type: ignore[index, misc, list-item]


def _a(inputs: int, pooled: int) -> Block:
    double = [_c("branch3x3dbl_1", 64), _c("branch3x3dbl_2", 96, "3x3"), _c("branch3x3dbl_3", 96, "3x3")]
    five = [_c("branch5x5_1", 48), _c("branch5x5_2", 64, "5x5")]
    return Block(inputs, [[_c("branch1x1", 64)], five, double], "average", pooled)


def _seven(inputs: int, c: int) -> Block:
    single = [_c("branch7x7_1", c), _c("branch7x7_2", c, "1x7"), _c("branch7x7_3", 192, "7x1")]
    double = [
        _c("branch7x7dbl_1", c), _c("branch7x7dbl_2", c, "7x1"), _c("branch7x7dbl_3", c, "1x7"),
        _c("branch7x7dbl_4", c, "7x1"), _c("branch7x7dbl_5", 192, "1x7"),
    ]  # fmt: skip
    return Block(inputs, [[_c("branch1x1", 192)], single, double], "average", 192)


def _wide(inputs: int, pool: str) -> Block:
    single = [_c("branch3x3_1", 384), (_c("branch3x3_2a", 384, "1x3"), _c("branch3x3_2b", 384, "3x1"))]
    double = [
        _c("branch3x3dbl_1", 448), _c("branch3x3dbl_2", 384, "3x3"),
        (_c("branch3x3dbl_3a", 384, "1x3"), _c("branch3x3dbl_3b", 384, "3x1")),
    ]  # fmt: skip
    return Block(inputs, [[_c("branch1x1", 320)], single, double], pool, 192)


class InceptionNetwork(nn.Module):
    """RGB uint8 [N, 3, H, W] -> float32 [N, 2048]."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Unit(3, _c("", 32, "3x3", 2))
        self.Conv2d_2a_3x3 = Unit(32, ("", 32, (3, 3), 1, False))
        self.Conv2d_2b_3x3 = Unit(32, _c("", 64, "3x3"))
        self.Conv2d_3b_1x1 = Unit(64, _c("", 80))
        self.Conv2d_4a_3x3 = Unit(80, ("", 192, (3, 3), 1, False))
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = _a(192, 32), _a(256, 64), _a(288, 64)
        double = [_c("branch3x3dbl_1", 64), _c("branch3x3dbl_2", 96, "3x3"), _c("branch3x3dbl_3", 96, "3x3", 2)]
        self.Mixed_6a = Block(288, [[_c("branch3x3", 384, "3x3", 2)], double], "halved")
        self.Mixed_6b, self.Mixed_6c = _seven(768, 128), _seven(768, 160)
        self.Mixed_6d, self.Mixed_6e = _seven(768, 160), _seven(768, 192)
        seven = [
            _c("branch7x7x3_1", 192), _c("branch7x7x3_2", 192, "1x7"), _c("branch7x7x3_3", 192, "7x1"),
            _c("branch7x7x3_4", 192, "3x3", 2),
        ]  # fmt: skip
        self.Mixed_7a = Block(768, [[_c("branch3x3_1", 192), _c("branch3x3_2", 320, "3x3", 2)], seven], "halved")
        self.Mixed_7b, self.Mixed_7c = _wide(1280, "average"), _wide(2048, "largest")

    def forward(self, picture: Tensor) -> Tensor:
        x = (enlarged(picture.float()) - 128) / 128
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
        x = F.max_pool2d(x, 3, 2)
        for name in ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"):
            x = self.get_submodule(f"Mixed_{name}")(x)
        return x.mean((2, 3))

    def take(self, weights: Mapping[str, Tensor]) -> None:
        """Load torch-fidelity's weights, all but its classifier. Raises RuntimeError where they do not fit."""
        self.load_state_dict({k: v for k, v in weights.items() if not k.startswith("fc.")})


def enlarged(x: Tensor) -> Tensor:
    """float32 [N, C, H, W] -> [N, C, SIDE, SIDE], bilinear as TensorFlow 1 has it: pixel k of the result is at k * H / SIDE."""
    for axis in (2, 3):
        size = x.shape[axis]
        at = torch.arange(SIDE, dtype=torch.float32) * (size / SIDE)
        low = at.long()
        high = (low + 1).clamp_max(size - 1)
        share = (at - low).view(-1, 1) if axis == 2 else at - low
        x = torch.lerp(
            x.index_select(axis, low), x.index_select(axis, high), share.expand(-1, x.shape[3]) if axis == 2 else share
        )
    return x
