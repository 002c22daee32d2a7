"""Losses. The adversarial part follows R3GAN (Huang et al., "The GAN is dead; long live the GAN!", NeurIPS 2024):
relativistic pairing with zero-centred gradient penalties on real and drawn pictures."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

LABEL_SMOOTHING = 0.01
"""Keeps logits near 10 (without it they grew to 1,400, and float noise with them: docs/adr/0001-ties.md) and margins near 6."""


def slot_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy per picture [N], summed over pixels and divided by the foreground's size.

    Transparent surroundings are most of a window; dividing by the foreground (target or drawn border, at least 16 pixels) keeps
    a moustache of ten pixels as loud as a body of four hundred.
    """
    per_pixel = F.cross_entropy(logits, target, reduction="none", label_smoothing=LABEL_SMOOTHING).flatten(1).sum(1)
    foreground = (target > 0).flatten(1).sum(1).clamp(min=16)
    return per_pixel / foreground


def slot_errors(logits: Tensor, target: Tensor) -> Tensor:
    """Share of wrong pixels per picture [N], relative to the foreground's size."""
    wrong = (logits.argmax(1) != target).flatten(1).sum(1)
    return wrong / (target > 0).flatten(1).sum(1).clamp(min=16)


def straight_through(logits: Tensor) -> Tensor:
    """One-hot argmax [N, classes, h, w] whose gradient is that of the softmax.

    Without it the adversary would tell soft pictures from hard ones instead of looking at the drawing.
    """
    soft = logits.softmax(1)
    hard = torch.zeros_like(soft).scatter_(1, soft.argmax(1, keepdim=True), 1.0)
    return hard + soft - soft.detach()


def relativistic_d(real: Tensor, fake: Tensor) -> Tensor:
    """Discriminator: every real patch should score above its drawn partner."""
    return F.softplus(fake - real).mean()


def relativistic_g(real: Tensor, fake: Tensor) -> Tensor:
    """Generator: the opposite wish."""
    return F.softplus(real - fake).mean()


def gradient_penalty(score: Tensor, picture: Tensor) -> Tensor:
    """Mean squared gradient norm of the mean patch score with respect to the picture (R1 on real, R2 on drawn ones).

    Of the mean, not the sum, over a picture's patches: summed, the penalty drowned the loss and D stayed at chance.
    """
    (gradient,) = torch.autograd.grad(score.flatten(1).mean(1).sum(), picture, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()
