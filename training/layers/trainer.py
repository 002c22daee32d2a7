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

from training.adversarial.averaging import average_into
from training.config import TrainConfig
from training.devices import CPU, Device
from training.distributed import SINGLE, Parallel
from training.files import write_with
from training.layers.codes import CodeBook
from training.layers.data import GroupData, sample_pairs
from training.layers.exactness import exactness, torch_draw
from training.layers.judge import Judge
from training.layers.losses import slot_errors, slot_loss
from training.layers.networks import GeneratorShape, LayerGenerator
from training.layers.scenes import Scenes
from training.loop import Scalars

CHECKPOINT_FORMAT = 2
"""1: learned codes, a discriminator of its own kind. 2: code book (encoder), judge."""

SIZES = ((300, 1.0), (60, 0.67), (0, 0.45))
"""(drawings in the group, share of the configured channels): a moustache needs no network of a megabyte."""

TINY_PIXELS, TINY = 10_000, 0.3
"""Groups whose drawings have fewer pixels in all get this share: noses and eyebrows."""

SEED_CHANNELS = ((5, 60, 16), (3, 0, 8), (0, 60, 8), (0, 0, 6))
"""(items, drawings in the group, channels of the picture the code is first spread into), the first that fits. Most of the weights of a large window
lie there, and two wings have little to say."""


def total_steps(data: GroupData, config: TrainConfig) -> int:
    """Number of optimiser steps of a group."""
    images = min(max(config.images_per_view * len(data.pairs), config.min_kimg * 1000), config.max_kimg * 1000)
    return math.ceil(images / config.batch)


def shape_of(data: GroupData, config: TrainConfig) -> GeneratorShape:
    """Sizes of the generator that suits a group; channels are multiples of 8."""
    height, width = int(data.planes.shape[2]), int(data.planes.shape[3])
    share = next(share for drawings, share in SIZES if len(data.pairs) >= drawings)
    if len(data.pairs) * height * width < TINY_PIXELS:
        share = TINY
    seed = next(c for items, drawn, c in SEED_CHANNELS if len(data.items) >= items and len(data.pairs) >= drawn)

    def channels(full: int) -> int:
        return max(16, round(full * share / 8) * 8)

    return GeneratorShape(
        views=data.views,
        classes=data.classes,
        height=height,
        width=width,
        z_dim=config.z_dim,
        hidden=channels(config.hidden),
        coarse=channels(config.coarse),
        fine=channels(config.fine),
        seed_channels=min(seed, 16 if share == 1 else 8),
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
        scenes: Scenes | None = None,
    ) -> None:
        """`frozen_codes` float32 [items, z_dim]: a part behind the body takes the codes its front part has learned.

        `picture` draws what `samples` shows. `scenes` are needed where the adversary judges whole characters.
        """
        torch.manual_seed(config.seed)
        self.data, self.config = data, config
        self.picture, self.device, self.parallel = picture, device, parallel
        self.steps = total_steps(data, config)
        self.at = 0
        self.shape = shape_of(data, config)
        self.g = device.place(LayerGenerator(self.shape))
        self.draw = device.compiled(parallel.wrap(self.g))
        self.book = CodeBook(data, config, self.shape, self.steps, device, frozen_codes, parallel)
        self.ema = copy.deepcopy(self.g).requires_grad_(False)
        self.ema_codes = self.book.codes.detach().clone()
        groups: list[dict[str, Any]] = [{"params": list(self.g.parameters()), "lr": config.lr, "base": config.lr}]
        self.g_opt = torch.optim.AdamW(
            groups + self.book.parameters(), betas=(0.9, 0.99), weight_decay=1e-4, foreach=True
        )
        self.errors = np.ones(len(data.pairs), np.float32)
        judged = config.gan_share > 0 and len(data.mixable) > 0
        self.gan_start = int(self.steps * (1 - config.gan_share)) if judged else self.steps
        self.judge = Judge(data, config, scenes, device, parallel) if judged else None

    @property
    def codes(self) -> Tensor:
        """Style codes of the items, float32 [items, z_dim]."""
        return self.book.codes

    @property
    def images_per_step(self) -> int:
        """Drawings shown in one step."""
        return self.config.batch

    @property
    def done(self) -> bool:
        """Whether all steps have been run."""
        return self.at >= self.steps

    def step(self) -> Scalars:
        """One supervised step, with an adversarial term where it is due."""
        config, data = self.config, self.data
        self._set_lr()
        picked = sample_pairs(data, self.errors, config.batch, config.hard_share, config.seed, self.at)
        mine = self.parallel.share(len(picked))
        item, view = torch.from_numpy(data.pairs[picked[mine]].T.copy())
        target = data.planes[item, view].long().to(self.device.where)
        with self.device.autocast():
            codes, code_loss, scalars = self.book.sample(item, self.at, mine, len(picked))
            logits = self.draw(codes, view.to(self.device.where))
            loss = slot_loss(logits, target).mean() + code_loss
        if self.judge is not None and self.at >= self.gan_start and self.at % config.gan_every == 0:
            g_term, judged = self.judge.step(
                self.g, self.codes.detach(), (self.at - self.gan_start) // config.gan_every
            )
            loss = loss + config.gan_weight * g_term
            scalars |= judged
        self.g_opt.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.parallel.average(self.book.trained())  # those of the network were averaged on the way
        norm = nn.utils.clip_grad_norm_(self.g.parameters(), 5.0)
        self.g_opt.step()
        with torch.no_grad():
            self.book.after_step()
            error = self.parallel.gather(slot_errors(logits, target)).cpu().numpy()
            self.errors[picked] = 0.5 * self.errors[picked] + 0.5 * error
            keep = average_into(self.ema, self.g, config.batch, self.at, config.ema_kimg * 1000)
            self.ema_codes.lerp_(self.codes, 1 - keep)
        self.at += 1
        scalars |= {"loss": float(loss.detach()), "error": float(error.mean()), "grad/g": float(norm)}
        return self.parallel.means(scalars)

    def _set_lr(self) -> None:
        warm = min(1.0, (self.at + 1) / 100)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.at / self.steps)))
        for group in self.g_opt.param_groups:
            group["lr"] = group["base"] * warm * max(cosine, 0.002)

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
            "book": self.book.state_dict(),
            "ema_codes": self.ema_codes,
            "g_opt": self.g_opt.state_dict(),
            "errors": torch.from_numpy(self.errors),
        }
        if self.judge is not None:
            state["judge"] = self.judge.state_dict()
        write_with(path, lambda temporary: torch.save(state, temporary))

    def load(self, path: Path) -> None:
        """Take the state of a checkpoint of the same data and configuration."""
        state = torch.load(path, weights_only=True, map_location="cpu")
        self.at = state["at"]
        self.g.load_state_dict(state["g"])
        self.ema.load_state_dict(state["ema"])
        self.book.load_state_dict(state["book"])
        self.ema_codes = state["ema_codes"].to(self.device.where)
        self.g_opt.load_state_dict(state["g_opt"])
        self.errors = state["errors"].numpy()
        if self.judge is not None:
            self.judge.load_state_dict(state["judge"])
