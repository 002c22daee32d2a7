"""An image GAN in training: a generator, its average, perhaps an encoder, and the adversary."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.adversarial.adversary import Adversary, AdversaryConfig
from training.adversarial.augment import COLOUR_ONLY
from training.adversarial.averaging import average_into
from training.adversarial.discriminators import build_discriminator
from training.adversarial.losses import combined, straight_through
from training.devices import CPU, Device
from training.distributed import SINGLE, Parallel
from training.errors import TrainingError
from training.files import write_with
from training.images.config import ImageGanConfig, discriminator_shape, generator_shape
from training.images.dataset import ImageData
from training.images.distance import sliced_distance
from training.images.generators import Encoder, build_generator
from training.images.grid import grid
from training.images.init import read_checkpoint
from training.layers.losses import slot_loss
from training.loop import Scalars
from training.watch import diversity

CHECKPOINT_FORMAT = "vcg image gan 1"
GRID = 10  # pictures a side of the sample grid
MEASURED = 2000  # pictures, at most, that figures are measured on

D_PICK, D_CODE, G_PICK, G_CODE, POSTERIOR = range(5)
"""Streams of random numbers within a step, or an update of D."""


class ImageGan:
    """Implements `training.loop.Trainable`. All randomness comes from (seed, number of the step or of the update of D)."""

    def __init__(
        self, data: ImageData, config: ImageGanConfig, device: Device = CPU, parallel: Parallel = SINGLE
    ) -> None:
        """With several ranks, batch normalisation sees each rank's share only: use g_norm=pixel for the batch of one process."""
        torch.manual_seed(config.seed)
        self.data, self.config, self.device, self.parallel = data, config, device, parallel
        if len(data.train) < 2:
            raise TrainingError(f"{data.name} has {len(data.train)} pictures to train on", hint="give it more")
        self.at, self.steps = 0, math.ceil(config.kimg * 1000 / config.batch)
        shape = generator_shape(config, data)
        self.conditional = shape.labels > 0
        self.g = device.place(build_generator(shape))
        self.e = device.place(Encoder(shape)) if config.encoder else None
        self.d = device.place(build_discriminator(discriminator_shape(config, data)))
        self.ema = copy.deepcopy(self.g).requires_grad_(False).eval()
        game = replace(config.adversary, class_maps=data.kind == "slots")
        _check_augmentation(game, data)
        self.adversary = Adversary(self.d, game, config.seed, parallel.average, parallel.draws)
        self.trained = [*self.g.parameters(), *(self.e.parameters() if self.e else ())]
        self.optimiser = torch.optim.Adam(
            self.trained, lr=config.g_lr, betas=(config.g_beta1, config.g_beta2), foreach=True
        )

    @property
    def images_per_step(self) -> int:
        """Real pictures that G's step stands for; D sees as many in each of its updates."""
        return self.config.batch

    def step(self) -> Scalars:
        """Train D as often as it is due, then G once."""
        config, scalars = self.config, dict[str, float]()
        for update in self.adversary.updates(self.at):
            real, label, z = self._batch(update, D_PICK, D_CODE)
            with torch.no_grad():
                fake = self._seen(self.g(z, label))
            scalars = self.adversary.train(real, fake, label, update)
        real, label, z = self._batch(self.at, G_PICK, G_CODE)
        terms: dict[str, Tensor] = {}
        if self.e is None:
            drawn = self.g(z, label)
            loss = torch.zeros((), device=z.device)
        else:
            drawn, loss = self._autoencode(real, label, z, terms)
        fake = self._seen(drawn)
        terms["g/adversarial"] = self.adversary.generator_loss(real, fake, label, self.at)
        terms["loss"] = loss + config.adversarial_weight * terms["g/adversarial"]
        self.optimiser.zero_grad(set_to_none=True)
        terms["loss"].backward()  # type: ignore[no-untyped-call]
        self.parallel.average(self.trained)
        terms["grad/g"] = nn.utils.get_total_norm([p.grad for p in self.trained if p.grad is not None])
        self.optimiser.step()
        average_into(self.ema, self.g, config.batch, self.at, config.ema_kimg * 1000)
        self.at += 1
        scalars |= dict(zip(terms, torch.stack([x.detach() for x in terms.values()]).tolist(), strict=True))
        scalars["diversity"] = diversity(fake, real)
        if "d/loss" in scalars:
            weight = config.adversary.combined_lambda
            scalars["combined"] = combined(scalars["g/adversarial"], scalars["d/loss"], weight)
        return self.parallel.means(scalars)

    def _autoencode(
        self, real: Tensor, label: Tensor | None, z: Tensor, terms: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Drawings of the prior's codes `z`, and the loss of reconstructing `real`; adds to `terms`."""
        assert self.e is not None
        mean, log_variance = self.e(real, label)
        noise = self._normal(self.at, POSTERIOR)
        # prior and posterior codes in one batch: batch normalisation then keeps one set of statistics for both
        both = torch.cat([z, mean + noise * (log_variance / 2).exp()])
        drawn = self.g(both, None if label is None else label.repeat(2))
        drawn, again = drawn[: len(z)], drawn[len(z) :]
        if self.data.kind == "slots":
            terms["reconstruction"] = slot_loss(again, real.argmax(1)).mean()
        else:
            terms["reconstruction"] = (again - real).square().mean()
        # Kingma and Welling 2014, appendix B, per number of the code
        terms["kl"] = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        weights = self.config.reconstruction_weight, self.config.kl_weight
        return drawn, weights[0] * terms["reconstruction"] + weights[1] * terms["kl"]

    def _batch(self, number: int, pick: int, code: int) -> tuple[Tensor, Tensor | None, Tensor]:
        """This rank's share of real pictures, their labels (None: unconditional) and codes of the prior."""
        train, config = self.data.train, self.config
        mine = self.parallel.share(config.batch)
        rows = train[self._rng(number, pick).integers(0, len(train), config.batch)[mine]]
        real = self.data.batch(rows).to(self.device.where)
        label = torch.from_numpy(self.data.labels[rows]).to(self.device.where) if self.conditional else None
        return real, label, self._normal(number, code)

    def _normal(self, number: int, stream: int) -> Tensor:
        shape = (self.config.batch, self.config.z_dim)
        values = self._rng(number, stream).standard_normal(shape, np.float32)
        return torch.from_numpy(values[self.parallel.share(shape[0])]).to(self.device.where)

    def _rng(self, number: int, stream: int) -> np.random.Generator:
        return np.random.default_rng([self.config.seed, number, stream])

    def _seen(self, drawn: Tensor) -> Tensor:
        """What D sees of what G drew."""
        return straight_through(drawn) if self.data.kind == "slots" else drawn

    @torch.no_grad()
    def draw(self, z: Tensor, label: Tensor | None) -> Tensor:
        """Pictures [n, channels, height, width] of the averaged generator, in batches; slots as one-hot maps."""
        parts = range(0, len(z), 250)
        return torch.cat(
            [self._seen(self.ema(z[i : i + 250], None if label is None else label[i : i + 250])) for i in parts]
        )

    def sample(self, n: int, seed: int, label: Tensor | None = None) -> Tensor:
        """`n` pictures of random codes; labels as given, or else in the proportions of the training pictures."""
        rng = np.random.default_rng([self.config.seed, seed, 91])
        z = torch.from_numpy(rng.standard_normal((n, self.config.z_dim), np.float32)).to(self.device.where)
        if label is None:
            label = torch.from_numpy(self.data.labels[rng.choice(self.data.train, n)])
        return self.draw(z, label.to(self.device.where) if self.conditional else None)

    def samples(self) -> NDArray[np.uint8]:
        """A grid of 10 x 10, always of the same codes; with labels, each row one label."""
        names = len(self.data.label_names) if self.conditional else 0
        label = None
        if names:
            chosen = (
                np.linspace(0, names - 1, GRID).round().astype(np.int64) if names > GRID else np.arange(GRID) % names
            )
            label = torch.from_numpy(chosen.repeat(GRID))
        return grid(self.data.shown(self.sample(GRID * GRID, 0, label)), GRID)

    def figures(self) -> dict[str, float]:
        """Sliced distances (training.images.distance): drawn against held-out pictures; training against held-out ones, the floor.

        With an encoder also the error of reconstructing held-out pictures: mean squared, or of slots the share of wrong pixels.
        """
        data, n = self.data, min(MEASURED, len(self.data.heldout), len(self.data.train))
        if n < 2:
            return {}
        rng = np.random.default_rng([self.config.seed, 92])
        held, train = (data.batch(rng.choice(rows, n, replace=False)) for rows in (data.heldout, data.train))
        result = {
            "sliced": sliced_distance(self.sample(n, 1).cpu(), held),
            "sliced_floor": sliced_distance(train, held),
        }
        if self.e is not None:
            result["heldout_error"] = self._heldout_error(data.heldout[:n])
        return result

    @torch.no_grad()
    def _heldout_error(self, rows: NDArray[np.int64]) -> float:
        assert self.e is not None
        real = self.data.batch(rows).to(self.device.where)
        label = torch.from_numpy(self.data.labels[rows]).to(self.device.where) if self.conditional else None
        again = self.draw(self.e(real, label)[0], label)
        if self.data.kind == "slots":
            return float((again.argmax(1) != real.argmax(1)).float().mean())
        return float((again - real).square().mean())

    def save(self, path: Path) -> None:
        """Write the whole state; the file is replaced in one step."""
        state: dict[str, Any] = {
            "format": CHECKPOINT_FORMAT,
            "at": self.at,
            "g": self.g.state_dict(),
            "ema": self.ema.state_dict(),
            "e": self.e.state_dict() if self.e is not None else {},
            "g_opt": self.optimiser.state_dict(),
            "adversary": self.adversary.state_dict(),
        }
        write_with(path, lambda temporary: torch.save(state, temporary))

    def load(self, path: Path) -> None:
        """Take the state of a checkpoint of the same data and configuration. Raises TrainingError for any other file."""
        state = read_checkpoint(path)
        if state.get("format") != CHECKPOINT_FORMAT:
            raise TrainingError(
                f"{path} is no checkpoint of an image GAN", hint="--resume takes a run that `gan` or `demo` made"
            )
        self.at = state["at"]
        self.g.load_state_dict(state["g"])
        self.ema.load_state_dict(state["ema"])
        if self.e is not None:
            self.e.load_state_dict(state["e"])
        self.optimiser.load_state_dict(state["g_opt"])
        self.adversary.load_state_dict(state["adversary"])


def _check_augmentation(game: AdversaryConfig, data: ImageData) -> None:
    """Raise TrainingError for an augmentation that means nothing on such pictures."""
    useless = COLOUR_ONLY if data.kind == "slots" else {"hue"} if data.kind == "gray" else set()
    for name in game.augment:
        if name in useless:
            raise TrainingError(f"augmentation {name!r} does nothing for {data.kind} pictures", hint="leave it out")
