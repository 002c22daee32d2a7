"""Distances between two sets of features, and how one covers the other.

Own code, a few lines each, after the papers, since neither package serves with own features: prdc 0.2 (2020) prints, starts eight processes and brings
scikit-learn, and torch-fidelity 0.4 offers its functions on features only inside a package that must have torchvision, of which it uses nothing here.
tests/training/evaluation compares these with sets whose score is known. Linear algebra is torch's, which keeps to torch.set_num_threads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.evaluation.network import Features

NEIGHBOURS = 5
"""k of precision, recall, density and coverage, as in Naeem et al. 2020."""


@dataclass(frozen=True)
class Realism:
    """How close samples are to real drawings in one feature space."""

    n_real: int
    n: int
    frechet: float  # 0 for equal Gaussians
    kernel: float  # 0 in expectation for equal distributions, whatever n
    precision: float  # share of samples within the reach of a real drawing
    recall: float  # share of real drawings within the reach of a sample
    density: float  # how many real drawings' reach a sample is in, relative to k; about 1 for equal sets, can exceed it
    coverage: float  # share of real drawings that have a sample within their reach


def realism(real: Features, fake: Features) -> Realism:
    """All figures of two sets of at least NEIGHBOURS + 2 features each."""
    return Realism(len(real), len(fake), frechet(real, fake), kernel(real, fake), *prdc(real, fake))


def frechet(a: Features, b: Features) -> float:
    """Frechet distance of the Gaussians with the sets' means and covariances: |ma - mb|^2 + tr(Ca + Cb - 2 (Ca Cb)^(1/2)).

    Dowson and Landau, "The Frechet distance between multivariate normal distributions", 1982; used on features by Heusel et al., 2017.
    The trace of the root is the sum of the roots of the eigenvalues of Ca^(1/2) Cb Ca^(1/2), which is symmetric. Biased upwards by about 1/n:
    compare only figures of equal n.
    """
    x, y = torch.from_numpy(a).double(), torch.from_numpy(b).double()
    ca, cb = torch.cov(x.T), torch.cov(y.T)
    values, vectors = torch.linalg.eigh(ca)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cb @ root).clamp(min=0).sqrt().sum()
    shift = x.mean(0) - y.mean(0)
    return max(float(shift @ shift + ca.trace() + cb.trace() - 2 * cross), 0.0)


def kernel(a: Features, b: Features) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (x.y / d + 1)^3: Binkowski et al., "Demystifying MMD GANs", 2018 (there KID).

    Over whole sets, not over the mean of subsets: the same estimate with less spread. May be slightly below 0.
    """
    x, y = torch.from_numpy(a).double(), torch.from_numpy(b).double()
    n, m = len(x), len(y)
    within = (_cubes(x, x) - _own(x)) / (n * (n - 1)) + (_cubes(y, y) - _own(y)) / (m * (m - 1))
    return within - 2 * _cubes(x, y) / (n * m)


def _cubes(x: Tensor, y: Tensor, rows: int = 1024) -> float:
    total = 0.0
    for part in x.split(rows):
        k = part @ y.T / x.shape[1] + 1
        total += float((k * k * k).sum())  # ten times faster than k ** 3
    return total


def _own(x: Tensor) -> float:
    return float((((x * x).sum(1) / x.shape[1] + 1) ** 3).sum())


def prdc(real: Features, fake: Features, k: int = NEIGHBOURS) -> tuple[float, float, float, float]:
    """Precision, recall, density, coverage: Kynkaanniemi et al., "Improved precision and recall metric", 2019, and Naeem et al., "Reliable fidelity
    and diversity metrics", 2020. The reach of a point is the distance to its k-th neighbour in its own set.

    "Within" includes the border (as the first paper has it): drawings that equal k others have reach 0, and an equal sample is within it.
    """
    reach_real, reach_fake = _reach(real, k), _reach(fake, k)
    inside = np.zeros(len(fake), np.int64)  # real drawings in whose reach a sample is
    recalled, covered = np.zeros(len(real), bool), np.zeros(len(real), bool)
    for start in range(0, len(real), 1024):
        rows = slice(start, start + 1024)
        d = _squares(real[rows], fake)  # [rows, fake]
        within = d <= reach_real[rows, None]
        inside += within.sum(0)
        covered[rows] = within.any(1)
        recalled[rows] = (d <= reach_fake[None]).any(1)
    return float((inside > 0).mean()), float(recalled.mean()), float(inside.mean() / k), float(covered.mean())


def _squares(x: Features, y: Features) -> NDArray[np.float32]:
    """Squared distances [n, m], rounded so that equal features are at distance 0 whatever the order of summation."""
    a, b = torch.from_numpy(x), torch.from_numpy(y)
    d = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * (a @ b.T)
    found: NDArray[np.float32] = torch.where(d < 1e-3, 0.0, d).numpy()
    return found


def _reach(x: Features, k: int) -> NDArray[np.float32]:
    reach = np.empty(len(x), np.float32)
    for start in range(0, len(x), 1024):
        d = _squares(x[start : start + 1024], x)
        reach[start : start + 1024] = np.partition(d, k, axis=1)[:, k]  # the 0th is the point itself
    return reach
