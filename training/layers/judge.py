"""The adversary of a layer's generator: what it is shown, and the step of both.

Judge "layer" sees class maps of one view, conditioned on the view. Judge "character" sees the layer worn by a whole character, in colours:
what is around it is the art's, only the layer is drawn (scenes.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.adversarial.adversary import Adversary, AdversaryConfig
from training.adversarial.discriminators import DiscriminatorShape, build_discriminator
from training.adversarial.losses import straight_through
from training.config import TrainConfig
from training.devices import Device
from training.distributed import Parallel
from training.errors import TrainingError
from training.layers.data import GroupData
from training.layers.losses import one_hot
from training.layers.sampling import sample
from training.layers.scenes import Scenes
from training.watch import diversity
from vcg_bridge.contract.errors import near

JUDGES = ("layer", "character")
FAKES = ("mixtures", "around", "prior")


class Judge:
    """A discriminator and the pictures it is trained on."""

    def __init__(
        self, data: GroupData, config: TrainConfig, scenes: Scenes | None, device: Device, parallel: Parallel
    ) -> None:
        """Raises TrainingError for names that do not exist."""
        for what, name, names in (("judge", config.gan_judge, JUDGES), ("fakes", config.gan_fakes, (*FAKES, "all"))):
            if name not in names:
                raise TrainingError(f"unknown {what} {name!r}", hint=near(name, names) or f"one of {', '.join(names)}")
        if config.gan_judge == "character" and scenes is None:
            raise TrainingError("the judge of characters needs scenes", hint="train from a prepared pack")
        self.data, self.config, self.device, self.parallel = data, config, device, parallel
        self.scenes = scenes if config.gan_judge == "character" else None
        height, width = int(data.planes.shape[2]), int(data.planes.shape[3])
        shape = DiscriminatorShape(
            kind="patch",
            channels=data.classes if self.scenes is None else 4,
            height=height,
            width=width,
            labels=data.views,
            features=config.gan_features,
            stages=config.gan_stages,
        )
        game = AdversaryConfig(
            loss=config.gan_loss,
            penalty=config.gan_penalty,
            gamma=config.gan_gamma,
            penalty_every=config.gan_penalty_every,
            d_steps=config.gan_d_steps,
            lr=config.gan_lr,
            augment=tuple(x for x in config.gan_augment.split(",") if x),
            class_maps=self.scenes is None,
        )
        self.adversary = Adversary(
            device.place(build_discriminator(shape)),
            game,
            config.seed,
            parallel.average,
            parallel.draws,
        )

    def step(self, generator: nn.Module, codes: Tensor, number: int) -> tuple[Tensor, dict[str, float]]:
        """Update D, and return the generator's adversarial term with the figures of both. `codes` [items, z_dim] of the art."""
        scalars: dict[str, float] = {}
        real = fake = view = torch.zeros(0)
        for update in self.adversary.updates(number):
            real, fake, view = self._pictures(generator, codes, update)
            scalars |= self.adversary.train(real, fake.detach(), view, update)
        term = self.adversary.generator_loss(real, fake, view, number)
        return term, {**scalars, "g/adversarial": float(term.detach()), "diversity": diversity(fake, real)}

    def _pictures(self, generator: nn.Module, codes: Tensor, update: int) -> tuple[Tensor, Tensor, Tensor]:
        """(real, drawn, view) for one update."""
        config, data, where = self.config, self.data, self.device.where
        rng = np.random.default_rng([config.seed, update, 3])
        mine = self.parallel.share(config.gan_batch)
        pairs = data.pairs[rng.integers(0, len(data.pairs), config.gan_batch)]
        mode = FAKES[update % len(FAKES)] if config.gan_fakes == "all" else config.gan_fakes
        drawn = sample(data, codes.cpu(), mode, config.gan_batch, int(rng.integers(1 << 62)))
        item, view = torch.from_numpy(pairs[mine].T.copy())
        art = one_hot(data.planes[item, view], data.classes).to(where)
        picture = straight_through(generator(drawn.codes[mine].to(where), view.to(where)))
        if self.scenes is not None:
            scene = self.scenes.choose(data, pairs, drawn.item, rng)
            art, picture = (self.scenes.dress(x, rows[mine]) for x, rows in zip((art, picture), scene, strict=True))
        return art, picture, view.to(where)

    def state_dict(self) -> dict[str, Any]:
        """Weights and optimiser of D."""
        return self.adversary.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take what `state_dict` gave."""
        self.adversary.load_state_dict(state)
