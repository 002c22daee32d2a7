"""Every setting of a training run, resolved in full, printed and saved beside the checkpoints."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.files import write_text

CONFIG_FILE = "config.json"


@dataclass(frozen=True)
class TrainConfig:
    """What a run does. Numbers of images count drawn layer views, shown once each."""

    seed: int = 0
    z_dim: int = 32  # numbers in a style code
    coarse: int = 72  # channels at 1/4 resolution, in groups of 300 drawings and more; smaller groups get less
    fine: int = 48  # channels at 1/2 resolution, likewise
    hidden: int = 144  # width of the description of (code, view), likewise
    batch: int = 64
    images_per_view: int = 400  # supervised images = this x known (item, view) pairs of the group ...
    min_kimg: int = 100  # ... but at least this many thousands
    max_kimg: int = 450  # ... and at most
    lr: float = 2e-3
    lr_codes: float = 5e-3
    code_noise: float = 0.5  # standard deviation added to codes, so that a neighbourhood of an item draws it
    hard_share: float = 0.7  # share of each batch drawn in proportion to the last seen error, the rest evenly
    ema_kimg: float = 10.0  # half-life of the averaged weights
    gan_share: float = (
        0.0  # last part of the run in which the adversary judges mixtures; 0: never (docs/adr/0003-adversary.md)
    )
    gan_every: int = 2  # one adversarial step after this many supervised ones
    gan_batch: int = 24
    gan_weight: float = 0.1  # weight of the adversarial loss on the generator
    gan_lr: float = 1e-3
    r1_gamma: float = 0.5  # weight of the zero-centred gradient penalties on real (R1) and drawn (R2) pictures
    r1_every: int = 4  # adversarial steps between penalties, whose weight grows by as much (they double D's cost)
    heldout: float = 0.0  # share of (item, view) pairs kept from training, to measure completion of missing art
    checkpoint_s: float = 60.0  # wall-clock seconds between checkpoints
    sample_kimg: float = 100.0  # thousand images between sample pictures; 0: only at the end
    figure_kimg: float = 0.0  # thousand images between evaluations; 0: only at the end
    compile: bool = False  # torch.compile the generator: pays in long runs

    def save(self, folder: Path) -> None:
        """Write the configuration as JSON into the run folder."""
        write_text(folder / CONFIG_FILE, json.dumps(dataclasses.asdict(self), indent=1) + "\n")


def load_config(folder: Path) -> TrainConfig:
    """Read the configuration of a run folder."""
    values: dict[str, Any] = json.loads((folder / CONFIG_FILE).read_text())
    return TrainConfig(**values)
