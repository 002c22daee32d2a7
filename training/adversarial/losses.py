"""The adversarial losses by name. Scores are float32 of any shape, one per picture or per patch: higher means "real"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

PairLoss = Callable[[Tensor, Tensor], Tensor]
"""(scores of real pictures, scores of drawn ones of the same shape) -> scalar."""


@dataclass(frozen=True)
class AdversarialLoss:
    """What D and G each minimise."""

    discriminator: PairLoss
    generator: PairLoss
    paired: bool = False  # G's loss needs the scores of real pictures too
    threshold: float | None = 0.0  # D takes a score above it for real; None: above the mean score of the other side


def _goodfellow_d(real: Tensor, fake: Tensor) -> Tensor:
    # binary cross-entropy on logits: -log D(x) - log(1 - D(G(z))), with D = sigmoid(score)
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def relativistic_d(real: Tensor, fake: Tensor) -> Tensor:
    """Discriminator: every real patch should score above its drawn partner."""
    return F.softplus(fake - real).mean()


def relativistic_g(real: Tensor, fake: Tensor) -> Tensor:
    """Generator: the opposite wish."""
    return F.softplus(real - fake).mean()


LOSSES: dict[str, AdversarialLoss] = {
    # Goodfellow et al., "Generative Adversarial Nets", 2014: D by binary cross-entropy, G by -log D(G(z))
    "nonsaturating": AdversarialLoss(_goodfellow_d, lambda real, fake: F.softplus(-fake).mean()),
    # the same paper's first form: G minimises log(1 - D(G(z))), whose gradient vanishes when D is sure
    "minimax": AdversarialLoss(_goodfellow_d, lambda real, fake: -F.softplus(fake).mean()),
    # Lim and Ye, "Geometric GAN", 2017; Miyato et al., "Spectral normalization", 2018
    "hinge": AdversarialLoss(
        lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean(), lambda real, fake: -fake.mean()
    ),
    # Jolicoeur-Martineau 2018; Huang et al., "The GAN is dead; long live the GAN!" (R3GAN), NeurIPS 2024
    "relativistic": AdversarialLoss(relativistic_d, relativistic_g, paired=True, threshold=None),
    # Arjovsky et al., "Wasserstein GAN", 2017: needs a penalty that holds D's slope near 1 ("wgan-gp")
    "wasserstein": AdversarialLoss(
        lambda real, fake: fake.mean() - real.mean(), lambda real, fake: -fake.mean(), threshold=None
    ),
    # Mao et al., "Least squares GAN", 2017, with targets 1 (real), 0 (drawn), and 1 for G
    "least-squares": AdversarialLoss(
        lambda real, fake: 0.5 * ((real - 1).square().mean() + fake.square().mean()),
        lambda real, fake: 0.5 * (fake - 1).square().mean(),
        threshold=0.5,
    ),
}


def combined(g_loss: float, d_loss: float, weight: float) -> float:
    """The classic report of a GAN in one number, Loss_G + lambda * Loss_D. Reported, never minimised."""
    return g_loss + weight * d_loss


def accuracies(loss: AdversarialLoss, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Shares of real pictures that D takes for real and of drawn ones that it takes for drawn, each 0..1.

    A picture's score is the mean of its patches.
    """
    real_score, fake_score = real.detach().flatten(1).mean(1), fake.detach().flatten(1).mean(1)
    above = fake_score.mean() if loss.threshold is None else loss.threshold
    below = real_score.mean() if loss.threshold is None else loss.threshold
    return (real_score > above).float().mean(), (fake_score < below).float().mean()


def straight_through(logits: Tensor) -> Tensor:
    """One-hot argmax [N, classes, h, w] whose gradient is that of the softmax.

    Without it the adversary would tell soft pictures from hard ones instead of looking at the drawing.
    """
    soft = logits.softmax(1)
    hard = torch.zeros_like(soft).scatter_(1, soft.argmax(1, keepdim=True), 1.0)
    return hard + soft - soft.detach()
