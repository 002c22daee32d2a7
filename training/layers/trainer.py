"""One view group's training: its networks, optimisers and everything a resumed run needs to go on exactly."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.adversarial.losses import relativistic_d, relativistic_g, straight_through
from training.adversarial.penalties import gradient_penalty
from training.config import TrainConfig
from training.devices import CPU, Device
from training.distributed import SINGLE, Parallel
from training.files import write_with
from training.layers.data import GroupData, initial_codes, sample_pairs
from training.layers.exactness import exactness, torch_draw
from training.layers.losses import slot_errors, slot_loss
from training.layers.networks import GeneratorShape, LayerDiscriminator, LayerGenerator
from training.loop import Scalars
from vcg_bridge.contract.manifest import CODE_SCALE

CODE_LIMIT = 127 / CODE_SCALE
"""Style codes are stored as int8 / CODE_SCALE: training keeps them in that range."""

CHECKPOINT_FORMAT = 1

SIZES = ((300, 1.0), (60, 0.67), (0, 0.45))
"""(drawings in the group, share of the configured channels): a moustache needs no network of a megabyte."""


def total_steps(data: GroupData, config: TrainConfig) -> int:
    """Number of optimiser steps of a group."""
    images = min(max(config.images_per_view * len(data.pairs), config.min_kimg * 1000), config.max_kimg * 1000)
    return math.ceil(images / config.batch)


def shape_of(data: GroupData, config: TrainConfig) -> GeneratorShape:
    """Sizes of the generator that suits a group; channels are multiples of 8."""
    share = next(share for drawings, share in SIZES if len(data.pairs) >= drawings)

    def channels(full: int) -> int:
        return max(16, round(full * share / 8) * 8)

    return GeneratorShape(
        views=data.views,
        classes=data.classes,
        height=int(data.planes.shape[2]),
        width=int(data.planes.shape[3]),
        z_dim=config.z_dim,
        hidden=channels(config.hidden),
        coarse=channels(config.coarse),
        fine=channels(config.fine),
        seed_channels=8 if share < 1 else 16,
        embed=64 if share == 1 else 32,
        table=4 if share == 1 else 2,
    )


Picture = Callable[["GroupTrainer"], NDArray[np.uint8]]
"""What a trainer draws now, RGB [H, W, 3]: it knows the pack, which the trainer need not."""


class GroupTrainer:
    """Networks and optimisers of one group. `step()` runs one step; `save` and `load` make it exact across kills."""

    def __init__(
        self,
        data: GroupData,
        config: TrainConfig,
        frozen_codes: Tensor | None = None,
        picture: Picture | None = None,
        device: Device = CPU,
        parallel: Parallel = SINGLE,
    ) -> None:
        """`frozen_codes` float32 [items, z_dim]: a part behind the body takes the codes its front part has learned.

        `picture` draws what `samples` shows.
        """
        torch.manual_seed(config.seed)
        self.data, self.config = data, config
        self.picture, self.device, self.parallel = picture, device, parallel
        self.steps = total_steps(data, config)
        self.at = 0
        self.shape = shape_of(data, config)
        self.g = device.place(LayerGenerator(self.shape))
        self.draw = device.compiled(parallel.wrap(self.g))
        codes = initial_codes(data, config.z_dim, config.seed) if frozen_codes is None else frozen_codes.clone()
        self.codes = nn.Parameter(codes.to(device.where), requires_grad=frozen_codes is None)
        self.ema = copy.deepcopy(self.g).requires_grad_(False)
        self.ema_codes = self.codes.detach().clone()
        self.d = device.place(LayerDiscriminator(data.classes, data.views))
        groups: list[dict[str, Any]] = [{"params": list(self.g.parameters()), "lr": config.lr, "base": config.lr}]
        if frozen_codes is None:
            groups.append({"params": [self.codes], "lr": config.lr_codes, "base": config.lr_codes, "weight_decay": 0.0})
        self.g_opt = torch.optim.AdamW(groups, betas=(0.9, 0.99), weight_decay=1e-4, foreach=True)
        self.d_opt = torch.optim.AdamW(self.d.parameters(), lr=config.gan_lr, betas=(0.0, 0.99), weight_decay=0.0)
        self.errors = np.ones(len(data.pairs), np.float32)
        self.gan_start = self.steps if not len(data.mixable) else int(self.steps * (1 - config.gan_share))

    @property
    def images_per_step(self) -> int:
        """Drawings shown in one step."""
        return self.config.batch

    @property
    def done(self) -> bool:
        """Whether all steps have been run."""
        return self.at >= self.steps

    def step(self) -> Scalars:
        """One supervised step, and an adversarial one where it is due."""
        config, data = self.config, self.data
        self._set_lr()
        picked = sample_pairs(data, self.errors, config.batch, config.hard_share, config.seed, self.at)
        mine = self.parallel.share(len(picked))
        item, view = torch.from_numpy(data.pairs[picked[mine]].T.copy())
        noise = torch.from_numpy(
            np.random.default_rng([config.seed, self.at, 2]).normal(0, config.code_noise, (len(picked), config.z_dim))
        ).float()[mine]
        target, item, view, noise = (
            x.to(self.device.where) for x in (data.planes[item, view].long(), item, view, noise)
        )
        with self.device.autocast():
            logits = self.draw(self.codes[item] + noise, view)
            loss = slot_loss(logits, target).mean()
        adversarial = self.at >= self.gan_start and self.at % config.gan_every == 0
        scalars: dict[str, float] = {}
        if adversarial:
            g_term, scalars = self._adversarial()
            loss = loss + config.gan_weight * g_term
        self.g_opt.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.parallel.average([self.codes])  # those of the network were averaged on the way
        norm = nn.utils.clip_grad_norm_(self.g.parameters(), 5.0)
        self.g_opt.step()
        with torch.no_grad():
            self.codes.clamp_(-CODE_LIMIT, CODE_LIMIT)
            error = self.parallel.gather(slot_errors(logits, target)).cpu().numpy()
            self.errors[picked] = 0.5 * self.errors[picked] + 0.5 * error
            self._average()
        self.at += 1
        scalars |= {"loss": float(loss.detach()), "error": float(error.mean()), "grad/g": float(norm)}
        return self.parallel.means(scalars)

    def _adversarial(self) -> tuple[Tensor, dict[str, float]]:
        """Train D once on real drawings against mixtures; return the generator's term and the figures of D's step.

        The loss is relativistic: D's accuracy is the share of patches that it scores above (real) or below (drawn) the mean
        score of the other kind.
        """
        config, data = self.config, self.data
        rng = np.random.default_rng([config.seed, self.at, 3])
        n = config.gan_batch
        item, view = torch.from_numpy(data.pairs[rng.integers(0, len(data.pairs), n)].T.copy())
        first, second = torch.from_numpy(data.mixable[rng.integers(0, len(data.mixable), n)].T.copy())
        amount = torch.from_numpy(rng.uniform(0.15, 0.5, (n, 1))).float()
        swap = torch.from_numpy(rng.random(n) < 0.5)
        first, second = torch.where(swap, second, first), torch.where(swap, first, second)
        mine = self.parallel.share(n)
        item, view, first, second, amount = (x[mine].to(self.device.where) for x in (item, view, first, second, amount))
        real = (
            nn.functional.one_hot(data.planes[item.cpu(), view.cpu()].long().to(view.device), data.classes)
            .permute(0, 3, 1, 2)
            .float()
        )
        fake = straight_through(
            self.g(self.codes[first].detach() * (1 - amount) + self.codes[second].detach() * amount, view)
        )

        lazily = (self.at - self.gan_start) // config.gan_every % config.r1_every == 0
        real_in, fake_in = real.requires_grad_(lazily), fake.detach().requires_grad_(lazily)
        score_real, score_fake = self.d(real_in, view), self.d(fake_in, view)
        d_loss = relativistic_d(score_real, score_fake)
        scalars = {
            "d/loss": float(d_loss.detach()),
            "d/real": float((score_real > score_fake.mean()).float().mean()),
            "d/fake": float((score_fake < score_real.mean()).float().mean()),
        }
        objective = d_loss
        if lazily:
            penalty = gradient_penalty(score_real, real_in) + gradient_penalty(score_fake, fake_in)
            penalty = config.r1_gamma / 2 * config.r1_every * penalty
            objective = d_loss + penalty
            scalars["d/penalty"] = float(penalty.detach())
        self.d_opt.zero_grad(set_to_none=True)
        objective.backward()
        self.parallel.average(self.d.parameters())
        scalars["grad/d"] = float(nn.utils.get_total_norm([p.grad for p in self.d.parameters() if p.grad is not None]))
        self.d_opt.step()

        self.d.requires_grad_(False)
        with torch.no_grad():
            score_real = self.d(real, view)
        g_loss = relativistic_g(score_real, self.d(fake, view))
        self.d.requires_grad_(True)
        return g_loss, {"g/adversarial": float(g_loss.detach()), **scalars}

    def _set_lr(self) -> None:
        warm = min(1.0, (self.at + 1) / 100)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.at / self.steps)))
        for group in self.g_opt.param_groups:
            group["lr"] = group["base"] * warm * max(cosine, 0.002)

    def _average(self) -> None:
        half_life = min(self.config.ema_kimg * 1000, 0.05 * (self.at + 1) * self.config.batch)
        keep = 0.5 ** (self.config.batch / max(half_life, 1e-8))
        torch._foreach_lerp_(list(self.ema.parameters()), list(self.g.parameters()), 1 - keep)
        self.ema_codes.lerp_(self.codes, 1 - keep)

    def samples(self) -> NDArray[np.uint8]:
        """Items, drawings and mixtures, RGB [H, W, 3]."""
        assert self.picture is not None, "made without a picture function"
        return self.picture(self)

    def figures(self) -> dict[str, float]:
        """Exactness of the averaged network on what it was trained on and, where there is such, on what was held out; shares 0..1."""
        draw = torch_draw(self.ema.eval())
        seen = exactness(self.data, self.ema_codes, self.data.pairs, draw)
        result = {"exact": seen.exact_share, "alpha": seen.alpha_share}
        if len(self.data.heldout):
            unseen = exactness(self.data, self.ema_codes, self.data.heldout, draw)
            result |= {"heldout_exact": unseen.exact_share, "heldout_alpha": unseen.alpha_share}
        return result

    def save(self, path: Path) -> None:
        """Write the whole state; the file is replaced in one step."""
        state = {
            "format": CHECKPOINT_FORMAT,
            "at": self.at,
            "g": self.g.state_dict(),
            "ema": self.ema.state_dict(),
            "d": self.d.state_dict(),
            "codes": self.codes.detach(),
            "ema_codes": self.ema_codes,
            "g_opt": self.g_opt.state_dict(),
            "d_opt": self.d_opt.state_dict(),
            "errors": torch.from_numpy(self.errors),
        }
        write_with(path, lambda temporary: torch.save(state, temporary))

    def load(self, path: Path) -> None:
        """Take the state of a checkpoint of the same data and configuration."""
        state = torch.load(path, weights_only=True, map_location="cpu")
        self.at = state["at"]
        for module, key in ((self.g, "g"), (self.ema, "ema"), (self.d, "d")):
            module.load_state_dict(state[key])
        with torch.no_grad():
            self.codes.copy_(state["codes"])
        self.ema_codes = state["ema_codes"].to(self.device.where)
        self.g_opt.load_state_dict(state["g_opt"])
        self.d_opt.load_state_dict(state["d_opt"])
        self.errors = state["errors"].numpy()
