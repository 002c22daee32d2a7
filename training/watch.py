"""Warnings from the curves: what goes wrong with GANs, told from the figures of the log, each with what to try.

Each policy is a pure function of the lines so far; `Watch` says each cause once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Line = Mapping[str, float]

RECENT = 8  # lines that count as "now"
WARM_UP = 16  # lines with the figures a policy needs before it may speak: the first moves of a GAN mean nothing
COLLAPSED = 0.35  # share of its best that the diversity has fallen to
UNLIKE_REAL = 0.5  # ... and it is below this share of the real pictures' diversity
ALIKE = 0.1  # share of the real pictures' diversity below which samples are one picture, whatever it was before
STRONG = 0.97  # accuracy of D on real and drawn alike
RISING = 1.15  # factor by which G's adversarial term grew
CHANCE = 0.06  # accuracy within this of one half, on real and drawn alike
AT_CHANCE_LINES = 24
GAMMA = "gan_gamma; of an image GAN adversary.gamma"
EXPLODING = 50.0  # factor over the usual gradient norm


@dataclass(frozen=True)
class Finding:
    """A warning: one cause, what was seen, what to try."""

    cause: str
    what: str
    advice: str


Policy = Callable[[Sequence[Line]], Finding | None]


def diversity(drawn: Tensor, real: Tensor) -> float:
    """Mean distance between neighbours of a drawn batch [N, ...] relative to that between the real ones of the same conditions.

    About 1 for good samples, 0 when all are one picture. Where the batch is conditional (poses), both must have the same
    conditions in the same order.
    """
    own, other = ((x.detach().float() - x.detach().float().roll(1, 0)).abs().mean() for x in (drawn, real))
    return float(own / other.clamp(min=1e-6))


def mode_collapse(lines: Sequence[Line]) -> Finding | None:
    """The diversity of the samples fell far below its best and below that of the real pictures, or there never was any."""
    values = _values(lines, "diversity")
    if len(values) < WARM_UP:
        return None
    means = [_mean(values[i : i + RECENT]) for i in range(len(values) - RECENT + 1)]
    now, best = means[-1], max(means)
    if now < ALIKE or (now < COLLAPSED * best and now < UNLIKE_REAL):
        return Finding(
            "mode-collapse",
            f"Samples are alike: their diversity is {now:.2f} of the real pictures', at best it was {best:.2f}.",
            f"Try a larger gradient penalty ({GAMMA}), the relativistic loss, a lower learning rate, or augmentation; "
            "go back to a sample picture from before the fall.",
        )
    return None


def discriminator_too_strong(lines: Sequence[Line]) -> Finding | None:
    """D is right on nearly all real and drawn pictures while G's adversarial term grows: G learns nothing any more."""
    real, fake, term = (_values(lines, k) for k in ("d/real", "d/fake", "g/adversarial"))
    if min(len(real), len(fake), len(term)) < WARM_UP:
        return None
    before, now = _mean(term[-2 * RECENT : -RECENT]), _mean(term[-RECENT:])
    if _mean(real[-RECENT:]) > STRONG and _mean(fake[-RECENT:]) > STRONG and now > RISING * before:
        return Finding(
            "d-too-strong",
            f"The discriminator is right on {_mean(real[-RECENT:]):.0%} of real and {_mean(fake[-RECENT:]):.0%} of drawn pictures, "
            f"and the generator's loss rises ({before:.2f} to {now:.2f}).",
            f"Try a larger gradient penalty ({GAMMA}), augmentation, a lower learning rate of D, or fewer steps of D per step of G; "
            "with few pictures D learns them by heart.",
        )
    return None


def discriminator_at_chance(lines: Sequence[Line]) -> Finding | None:
    """D has guessed for a long time: its judgement carries no news for G."""
    real, fake = _values(lines, "d/real"), _values(lines, "d/fake")
    if min(len(real), len(fake)) < AT_CHANCE_LINES:
        return None
    if all(abs(v - 0.5) < CHANCE for v in real[-AT_CHANCE_LINES:] + fake[-AT_CHANCE_LINES:]):
        return Finding(
            "d-at-chance",
            f"The discriminator has been guessing for {AT_CHANCE_LINES} lines of the log (right on {_mean(real[-RECENT:]):.0%} of real, "
            f"{_mean(fake[-RECENT:]):.0%} of drawn pictures).",
            f"Try a smaller gradient penalty ({GAMMA}), a higher learning rate of D, more channels in D, or more steps of D per step of G.",
        )
    return None


def exploding_gradients(lines: Sequence[Line]) -> Finding | None:
    """A gradient norm is far above what was usual."""
    for name, who in (("grad/g", "generator"), ("grad/d", "discriminator")):
        values = _values(lines, name)
        if len(values) < WARM_UP:
            continue
        usual = sorted(values[:-1])[(len(values) - 1) // 2]
        if values[-1] > EXPLODING * max(usual, 1e-6):
            return Finding(
                f"exploding-gradients-{who}",
                f"The gradient norm of the {who} is {values[-1]:.3g}, usually {usual:.3g}.",
                "Try a lower learning rate, or a larger gradient penalty where it is the discriminator's.",
            )
    return None


POLICIES: tuple[Policy, ...] = (mode_collapse, discriminator_too_strong, discriminator_at_chance, exploding_gradients)


class Watch:
    """Looks at each line of the log and says each cause once."""

    def __init__(self, policies: Sequence[Policy] = POLICIES) -> None:
        self._policies = policies
        self._lines: list[Line] = []
        self._said: set[str] = set()

    def see(self, line: Line) -> tuple[Finding, ...]:
        """The warnings that this line brings for the first time."""
        self._lines.append(line)
        found = [x for policy in self._policies if (x := policy(self._lines)) is not None and x.cause not in self._said]
        self._said.update(x.cause for x in found)
        return tuple(found)


def _values(lines: Sequence[Line], name: str) -> list[float]:
    return [line[name] for line in lines if name in line]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
