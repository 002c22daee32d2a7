"""How exactly a group redraws its art: the figures of the model card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.layers.data import GroupData

Draw = Callable[[Tensor, Tensor], NDArray[np.uint8]]
"""(codes float32 [N, z_dim], views int64 [N]) -> classes uint8 [N, h, w]"""


@dataclass(frozen=True)
class Exactness:
    """Pixel counts over all poses (a view counts once for every pose that shows it)."""

    foreground: int  # pixels opaque in the art
    exact: int  # of those, pixels drawn in exactly the right slot
    pixels: int  # all pixels of the poses' frames
    alpha: int  # of those, pixels rightly opaque or transparent

    def __add__(self, other: Exactness) -> Exactness:
        return Exactness(
            self.foreground + other.foreground,
            self.exact + other.exact,
            self.pixels + other.pixels,
            self.alpha + other.alpha,
        )

    @property
    def exact_share(self) -> float:
        """Share of foreground pixels in exactly the right slot, 0..1."""
        return self.exact / max(self.foreground, 1)

    @property
    def alpha_share(self) -> float:
        """Share of all frame pixels with the right alpha, 0..1."""
        return self.alpha / max(self.pixels, 1)


def exactness(
    data: GroupData, codes: Tensor, pairs: NDArray[np.int64], draw: Draw, frame_pixels: int = 0, batch: int = 128
) -> Exactness:
    """Redraw `pairs` [P, 2] (item, view) and compare with the art. Outside its window a layer is empty, hence right.

    frame_pixels: of a whole frame; 0: as the group's data says.
    """
    frame_pixels = frame_pixels or data.frame_pixels
    total = Exactness(0, 0, 0, 0)
    for start in range(0, len(pairs), batch):
        item, view = torch.from_numpy(pairs[start : start + batch].T.copy())
        art = data.planes[item, view].numpy()
        drawn = draw(codes[item], view)
        weight = data.weight[view.numpy()]
        opaque = art > 0
        total += Exactness(
            int((opaque.sum((1, 2)) * weight).sum()),
            int(((opaque & (art == drawn)).sum((1, 2)) * weight).sum()),
            int(frame_pixels * weight.sum()),
            int(((frame_pixels - (opaque != (drawn > 0)).sum((1, 2))) * weight).sum()),
        )
    return total


def torch_draw(generator: torch.nn.Module) -> Draw:
    """Draw with a torch network."""

    def draw(codes: Tensor, views: Tensor) -> NDArray[np.uint8]:
        with torch.no_grad():
            result: NDArray[np.uint8] = generator(codes, views.to(codes.device)).argmax(1).to(torch.uint8).cpu().numpy()
        return result

    return draw
