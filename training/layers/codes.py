"""The style codes of a group in training: a learned table with noise, or what an encoder finds in drawings (a VAE).

The encoder (Kingma and Welling, "Auto-encoding variational Bayes", 2014) reads one drawing of the item in any view, so that a code must say what
is the same in all of them. Its codes are kept after `encode_share` of the run, and the generator is finished on them as on learned ones: redrawing
the art exactly does not go together with codes that move. Groups none of whose items can be mixed have a learned table always.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.config import TrainConfig
from training.devices import Device
from training.distributed import SINGLE, Parallel
from training.errors import TrainingError
from training.layers.data import GroupData, initial_codes
from training.layers.losses import one_hot
from training.layers.networks import Encoder, GeneratorShape
from vcg_bridge.contract.errors import near
from vcg_bridge.contract.manifest import CODE_SCALE

CODE_LIMIT = 127 / CODE_SCALE
"""Style codes are stored as int8 / CODE_SCALE: training keeps them in that range."""

KINDS = ("learned", "encoder")

FOLLOW = 0.05
"""How fast an item's code follows what the encoder finds in one more of its drawings."""

TWINS = 1.0
"""Least distance of two items' codes when they are kept. An encoder gives the same garment for two bodies nearly the same code, and a generator
that is then finished with noise on it draws the average of the two: overalls came out 97.9% right, with this 100%."""


class CodeBook:
    """Where the codes of a step come from. All of it depends on (seed, step) and the weights."""

    def __init__(
        self,
        data: GroupData,
        config: TrainConfig,
        shape: GeneratorShape,
        steps: int,
        device: Device,
        frozen: Tensor | None = None,
        parallel: Parallel = SINGLE,
    ) -> None:
        """`frozen` float32 [items, z_dim]: codes that are given and stay. Raises TrainingError for an unknown `config.codes`."""
        if config.codes not in KINDS:
            raise TrainingError(
                f"unknown codes {config.codes!r}", hint=near(config.codes, KINDS) or "learned or encoder"
            )
        self.data, self.config, self.device, self.parallel = data, config, device, parallel
        # where no two items can be mixed there is nothing to sample, and an encoder of two bodies found them to be one
        encoded = config.codes == "encoder" and len(data.mixable) > 0
        learned = frozen is None and not encoded
        self.given = frozen is not None  # by the front part's group
        start = initial_codes(data, config.z_dim, config.seed) if frozen is None else frozen.clone()
        self.codes = nn.Parameter(start.to(device.where), requires_grad=learned)
        self.encoder: Encoder | None = None
        self.encode_steps = 0
        if frozen is None and encoded:
            self.encoder = device.place(Encoder(shape))
            self.encode_steps = int(steps * config.encode_share)
        known = np.zeros(data.planes.shape[:2], bool)
        known[data.pairs[:, 0], data.pairs[:, 1]] = True
        self.views = [np.flatnonzero(row) for row in known]

    def trained(self) -> list[nn.Parameter]:
        """What the optimiser changes beside the generator."""
        if self.encoder is not None:
            return list(self.encoder.parameters())
        return [self.codes] if self.codes.requires_grad else []

    def parameters(self) -> list[dict[str, Any]]:
        """The optimiser's groups of `trained`."""
        rate = self.config.lr if self.encoder is not None else self.config.lr_codes
        decay = 1e-4 if self.encoder is not None else 0.0
        return [{"params": self.trained(), "lr": rate, "base": rate, "weight_decay": decay}] if self.trained() else []

    def sample(self, item: Tensor, step: int, mine: slice, whole: int) -> tuple[Tensor, Tensor, dict[str, float]]:
        """(codes [N, z_dim] to draw the rows `item` with, loss on the codes, figures). `mine`: these rows' place in a batch of `whole`."""
        config = self.config
        rng = np.random.default_rng([config.seed, step, 2])
        noise = torch.from_numpy(rng.normal(0, 1, (whole, config.z_dim))).float()[mine].to(self.device.where)
        nothing = torch.zeros((), device=self.device.where)
        if self.encoder is not None and step == self.encode_steps:
            with torch.no_grad():
                self.codes.copy_(part_twins(self.codes, config.seed))
        if self.encoder is None or step >= self.encode_steps:
            return self.codes[item.to(self.device.where)] + noise * config.code_noise, nothing, {}
        pick = rng.random(whole)[mine]
        view = torch.tensor([int(v[int(p * len(v))]) for p, v in zip(pick, (self.views[i] for i in item), strict=True)])
        picture = one_hot(self.data.planes[item, view], self.data.classes).to(self.device.where)
        mean, log_variance = self.encoder(picture, view.to(self.device.where))
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
        with torch.no_grad():
            items, means = self.parallel.gather(item), self.parallel.gather(mean.float())
            for row in torch.unique(items):
                self.codes[row] = self.codes[row].lerp(means[(items == row).to(means.device)].mean(0), FOLLOW)
        codes = mean + noise * (0.5 * log_variance).exp()
        return codes, config.kl_weight * divergence, {"kl": float(divergence.detach())}

    def after_step(self) -> None:
        """Keep codes where they can be stored."""
        self.codes.clamp_(-CODE_LIMIT, CODE_LIMIT)

    def state_dict(self) -> dict[str, Any]:
        """Codes and encoder."""
        return {"codes": self.codes.detach()} | ({"encoder": self.encoder.state_dict()} if self.encoder else {})

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take what `state_dict` gave."""
        with torch.no_grad():
            self.codes.copy_(state["codes"])
        if self.encoder is not None:
            self.encoder.load_state_dict(state["encoder"])


def part_twins(codes: Tensor, seed: int, least: float = TWINS) -> Tensor:
    """Codes float32 [items, z_dim] of which no two are nearer than about `least`.

    Those that are nearer are set apart along one direction, the same for all, in the order of their rows. So all garments of one body move
    the same way, and what differs within a body's pool stays as it is.
    """
    direction = torch.from_numpy(np.random.default_rng([seed, 9]).normal(size=codes.shape[1])).to(codes)
    direction = direction / direction.norm()
    near = torch.cdist(codes, codes) < least
    parted, left = codes.clone(), set(range(len(codes)))
    while left:
        cluster = {min(left)}
        while True:  # all that are near one that is near ...
            reached = {j for i in cluster for j in torch.nonzero(near[i]).flatten().tolist()}
            if reached <= cluster:
                break
            cluster |= reached
        left -= cluster
        for place, row in enumerate(sorted(cluster)):
            parted[row] += (place - (len(cluster) - 1) / 2) * least * direction
    return parted
