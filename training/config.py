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
    min_kimg: int = 70  # ... but at least this many thousands
    max_kimg: int = 300  # ... and at most
    lr: float = 2e-3
    lr_codes: float = 5e-3
    code_noise: float = (
        0.2  # standard deviation added to kept or learned codes, so that a neighbourhood of an item draws it
    )
    hard_share: float = 0.7  # share of each batch drawn in proportion to the last seen error, the rest evenly
    ema_kimg: float = 10.0  # half-life of the averaged weights
    codes: str = "encoder"  # a VAE: what an encoder finds in a drawing; or "learned": a table with noise
    kl_weight: float = (
        0.01  # encoder: weight of the divergence from a standard normal, beside the loss per foreground pixel
    )
    encode_share: float = 0.6  # encoder: first part of the run; then its codes are kept and G is finished on them
    gan_share: float = 0.4  # last part of the run with an adversary; 0: never (docs/adr/0007)
    gan_every: int = 1  # supervised steps for one with an adversarial term
    gan_batch: int = 24
    gan_weight: float = 0.1  # weight of the adversarial loss on the generator
    gan_judge: str = "layer"  # what it sees: "layer": the drawing, "character": the drawing worn by a whole character
    gan_fakes: str = "prior"  # the codes it judges: "mixtures", "around", "prior", or "all" in turn
    gan_loss: str = "relativistic"  # training/adversarial/losses.py
    gan_penalty: str = "r1r2"  # training/adversarial/penalties.py
    gan_gamma: float = 0.01  # weight of the gradient penalties
    gan_penalty_every: int = 4  # updates of D between penalties, whose weight grows by as much (they double D's cost)
    gan_d_steps: int = 1  # updates of D for one adversarial step of G
    gan_lr: float = 1e-3
    gan_augment: str = (
        "shift"  # names in training/adversarial/augment.py with "," between, for real and drawn pictures alike
    )
    gan_features: int = 16  # channels of D's first stage
    gan_stages: int = 1  # halvings in D: a patch sees 10 pixels with one, 22 with two
    heldout: float = 0.0  # share of (item, view) pairs kept from training, to measure completion of missing art
    heldout_items: float = (
        0.0  # share of a group's items kept from training entirely, to measure what is made of new ones
    )
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
