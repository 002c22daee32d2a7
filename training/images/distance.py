"""How far drawn pictures are from real ones, without a network: the sliced Wasserstein distance of pixels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

DIRECTIONS = 256


def sliced_distance(one: Tensor, other: Tensor, seed: int = 0) -> float:
    """Mean over random directions of the Wasserstein-1 distance between the projections of two sets [n, ...] of the same size.

    Rabin et al., "Wasserstein barycenter and its application to texture mixing", 2011. In units of the pictures' values times the root of
    the number of values: two disjoint halves of the real pictures give the floor to compare with.
    """
    rng = np.random.default_rng([seed, 31])
    size = one[0].numel()
    directions = torch.from_numpy(rng.standard_normal((size, DIRECTIONS), np.float32)).to(one.device)
    directions = directions / directions.norm(dim=0)
    a, b = ((x.flatten(1).float() @ directions).sort(0).values for x in (one, other))
    return float((a - b).abs().mean())
