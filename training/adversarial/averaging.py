"""Averaged weights: what is shown, measured and exported of a generator (Yazici et al., "The unusual effectiveness of averaging", 2019)."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def average_into(ema: nn.Module, network: nn.Module, batch: int, at: int, half_life: float) -> float:
    """Move the averaged weights towards the network's after step `at` (0, 1 ...) of `batch` pictures.

    `half_life` in pictures, shorter at the start: at most a twentieth of what was shown, so that the first drafts are soon forgotten. Buffers
    (statistics of batch normalisation, fixed noise) are averages already and are copied. Returns the share that the average kept, 0..1.
    """
    reach = min(half_life, 0.05 * (at + 1) * batch)
    keep = 0.5 ** (batch / max(reach, 1e-8))
    torch._foreach_lerp_(list(ema.parameters()), list(network.parameters()), 1 - keep)
    for mine, theirs in zip(ema.buffers(), network.buffers(), strict=True):
        mine.copy_(theirs)
    return keep
