"""A training of milliseconds for tests of the loop: a line fitted to noisy points, every step drawn from (seed, step)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.files import write_with
from training.loop import Scalars


class Tiny:
    """Fits y = 2x + 1. `fail_at`: the step in which the process "dies"; `poison_at`: the step after which the loss is no number."""

    def __init__(self, steps: int = 130, fail_at: int = -1, poison_at: int = -1) -> None:
        torch.manual_seed(0)
        self.at, self.steps = 0, steps
        self.net = nn.Linear(1, 1)
        self.opt = torch.optim.Adam(self.net.parameters(), lr=0.05)
        self.fail_at, self.poison_at = fail_at, poison_at

    @property
    def images_per_step(self) -> int:
        return 100

    def step(self) -> Scalars:
        if self.at == self.fail_at:
            raise RuntimeError("the machine lost its power")
        rng = np.random.default_rng([0, self.at])
        x = torch.from_numpy(rng.normal(size=(8, 1))).float()
        noise = torch.from_numpy(rng.normal(0, 0.1, (8, 1))).float()
        loss = (self.net(x) - (2 * x + 1 + noise)).square().mean()
        if self.at == self.poison_at:
            loss = loss * float("nan")
        self.opt.zero_grad()
        loss.backward()
        norm = nn.utils.get_total_norm([p.grad for p in self.net.parameters() if p.grad is not None])
        self.opt.step()
        self.at += 1
        rare = {"d/loss": float(x.mean())} if self.at % 3 == 0 else {}  # as figures of a step that is not always due
        return {"loss": float(loss.detach()), "grad/g": float(norm), **rare}

    def save(self, path: Path) -> None:
        state = {"at": self.at, "net": self.net.state_dict(), "opt": self.opt.state_dict()}
        write_with(path, lambda temporary: torch.save(state, temporary))

    def load(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        self.at = state["at"]
        self.net.load_state_dict(state["net"])
        self.opt.load_state_dict(state["opt"])

    def samples(self) -> NDArray[np.uint8]:
        with torch.no_grad():
            value = float(self.net(torch.ones(1, 1)))
        picture = np.zeros((16, 16, 3), np.uint8)
        picture[:, :, 0] = int(np.clip(value * 50, 0, 255))
        return picture

    def figures(self) -> dict[str, float]:
        return {"slope": float(self.net.weight.detach())}
