"""What is asked of a drawing that the pack shows. The adversary's losses are in training/adversarial."""

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


def one_hot(planes: Tensor, classes: int) -> Tensor:
    """Class maps [N, h, w] of any integer type -> float32 [N, classes, h, w]."""
    result = torch.zeros(len(planes), classes, *planes.shape[1:], device=planes.device)
    return result.scatter_(1, planes.long()[:, None], 1.0)
