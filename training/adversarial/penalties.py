"""Gradient penalties by name. They keep D smooth, and with it the training stable.

The score whose gradient is penalised is one number per picture. Where D scores patches, that number is their mean or their sum, and the
choice matters: `n` patches summed weigh up to n squared times as much. Summed, the penalty drowned the loss and D stayed at chance
(docs/adr/0003-adversary.md), so the mean is the default.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Penalty:
    """Which pictures a penalty looks at, what their gradient norms should be, and the factor in front."""

    real: bool = False
    drawn: bool = False
    mixed: bool = False  # points on the lines between real and drawn pictures
    target: float = 0.0  # norm asked for
    factor: float = 0.5  # of gamma


PENALTIES: dict[str, Penalty] = {
    "none": Penalty(),
    # Mescheder et al., "Which training methods for GANs do actually converge?", 2018: gamma/2 |grad D|^2
    "r1": Penalty(real=True),
    "r2": Penalty(drawn=True),
    "r1r2": Penalty(real=True, drawn=True),
    # Gulrajani et al., "Improved training of Wasserstein GANs", 2017: gamma (|grad D| - 1)^2
    "wgan-gp": Penalty(mixed=True, target=1.0, factor=1.0),
}


def picture_scores(score: Tensor, patches: str = "mean") -> Tensor:
    """One score per picture [N] of scores [N, ...]; `patches` is "mean" or "sum"."""
    flat = score.flatten(1)
    return flat.mean(1) if patches == "mean" else flat.sum(1)


def gradient_penalty(
    score: Tensor, picture: Tensor, patches: str = "mean", target: float = 0.0, rows: Tensor | None = None
) -> Tensor:
    """Mean over pictures of (|gradient of the picture's score| - target)^2, unweighted; differentiable in D's weights.

    With target 0 and real pictures that is R1, with drawn ones R2. `picture` [N, ...] must require gradients; `rows` bool [N]: only these.
    """
    per_picture = picture_scores(score, patches)
    chosen = per_picture if rows is None else per_picture[rows]
    (gradient,) = torch.autograd.grad(chosen.sum(), picture, create_graph=True)
    squared = gradient.square().flatten(1).sum(1)
    squared = squared if rows is None else squared[rows]
    if target == 0.0:
        return squared.mean()
    # the root has no slope at 0, which would make NaN of the weights' gradients
    return ((squared + 1e-12).sqrt() - target).square().mean()
