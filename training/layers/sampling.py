"""Style codes between and around the items of a pack.

Items of one layer, kind and body form a pool (`GroupData.mixable` lists its pairs); what lies between a shirt and a dress is no
drawing, so nothing is ever sampled across pools.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.errors import TrainingError
from training.layers.data import GroupData
from vcg_bridge.contract.errors import near

Mode = Literal["items", "mixtures", "around", "prior"]
MODES: tuple[Mode, ...] = get_args(Mode)

LEAST, MOST = 0.3, 0.5
"""Share of the second item in a mixture, as the product draws it (vcg_bridge.generators.design)."""

AROUND = 0.5
"""Standard deviation of the noise around an item: that of training (`TrainConfig.code_noise`)."""

SHRINKAGE = 0.1
"""Share of the fitted covariance that is replaced by its mean variance in every direction: a pool of n items spans n - 1 only."""


@dataclass(frozen=True)
class Samples:
    """Style codes to draw. `item` lends layer, kind and fixed colours."""

    codes: Tensor  # float32 [n, z_dim]
    item: NDArray[np.int64]  # [n]: row of the group
    other: NDArray[np.int64]  # [n]: second item of a mixture, -1 for none
    amount: NDArray[np.float64]  # [n]: share of `other`, 0..1

    def __len__(self) -> int:
        return len(self.item)


def sample(data: GroupData, codes: Tensor, mode: str, n: int, seed: int) -> Samples:
    """`n` codes of a mode, the same for the same seed.

    items: the pack's own. mixtures: 30 to 50 percent of another item of the pool. around: an item with noise. prior: the Gaussian
    fitted to the pool (`Prior`). Items are drawn evenly from pools of two and more; where the group has none, from all items, and
    mixtures and prior are then the items themselves. Raises TrainingError for an unknown mode.
    """
    if mode not in MODES:
        raise TrainingError(
            f"unknown kind of samples: {mode!r}", hint=near(mode, MODES) or f"one of {', '.join(MODES)}"
        )
    rng = np.random.default_rng([seed, *data.id.encode(), MODES.index(mode)])
    mixable = pools(data)
    rows = np.array(sorted(i for pool in mixable for i in pool) or range(len(data.items)), np.int64)
    item = rows[rng.integers(0, len(rows), n)]
    other, amount = np.full(n, -1, np.int64), np.zeros(n)
    chosen = codes[torch.from_numpy(item)].clone()
    if mode == "around":
        chosen += torch.from_numpy(rng.normal(0, AROUND, tuple(chosen.shape))).float()
    elif mode == "mixtures" and mixable:
        pool_of = {i: pool for pool in mixable for i in pool}
        for k, i in enumerate(item.tolist()):
            others = [j for j in pool_of[i] if j != i]
            other[k] = others[rng.integers(0, len(others))]
        amount = rng.uniform(LEAST, MOST, n)
        share = torch.from_numpy(amount[:, None]).float()
        chosen = mix(chosen, codes[torch.from_numpy(other)], share)
    elif mode == "prior" and mixable:
        for pool in mixable:
            prior = fit_prior(codes[list(pool)])
            mine = np.flatnonzero(np.isin(item, pool))
            chosen[torch.from_numpy(mine)] = prior.sample(len(mine), rng)
    return Samples(chosen, item, other, amount)


def mix(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """Codes [n, z_dim] of mixtures with `share` [n, 1] of `second`, as far from the middle as items are: what vcg_bridge.generators.rules does."""
    return (first * (1 - share) + second * share) / ((1 - share).square() + share.square()).sqrt()


def pools(data: GroupData) -> tuple[tuple[int, ...], ...]:
    """Rows of items that may be mixed with each other, pools of two and more, in row order."""
    found: dict[int, set[int]] = {}
    for a, b in data.mixable.tolist():
        pool = found.get(a, {a}) | found.get(b, {b})
        for i in pool:
            found[i] = pool
    return tuple(dict.fromkeys(tuple(sorted(found[i])) for i in sorted(found)))


@dataclass(frozen=True)
class Prior:
    """A Gaussian over style codes."""

    mean: Tensor  # float32 [z_dim]
    spread: Tensor  # float32 [k, z_dim]: a sample is mean + normal [k] @ spread + noise * normal [z_dim]
    noise: float

    def sample(self, n: int, rng: np.random.Generator) -> Tensor:
        """float32 [n, z_dim]."""
        along = torch.from_numpy(rng.normal(size=(n, len(self.spread)))).float()
        around = torch.from_numpy(rng.normal(size=(n, len(self.mean)))).float()
        return self.mean + along @ self.spread + self.noise * around


def fit_prior(codes: Tensor) -> Prior:
    """The Gaussian of a pool's codes float32 [items, z_dim]: their mean, and their covariance shrunk towards its mean variance
    (Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", 2004, with a fixed amount)."""
    mean = codes.mean(0)
    centred = codes - mean
    scale = max(len(codes) - 1, 1) ** -0.5
    variance = float(centred.square().sum()) * scale**2 / codes.shape[1]
    return Prior(mean, centred * scale * (1 - SHRINKAGE) ** 0.5, (SHRINKAGE * variance) ** 0.5)
