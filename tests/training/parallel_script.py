"""Under torchrun: trains some steps of each kind and writes what each rank ends with, then runs the train command. PACK OUT.

Started by test_loop_parallel.py, and imported there for the same steps in one process.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from training.__main__ import app
from training.config import TrainConfig
from training.devices import CPU, prepare
from training.distributed import SINGLE, Parallel, join
from training.images.config import PRESETS
from training.images.dataset import ImageData
from training.images.trainer import ImageGan
from training.layers.trainer import GroupTrainer
from training.loop import STOP_EVERY, LoopOptions, run_loop
from training.packs.neutral import load_pack
from training.run import new_group

STEPS = STOP_EVERY  # where ranks agree on whether to stop
LEARNED = TrainConfig(
    **{"images_per_view": 0, "min_kimg": 1, "batch": 16, "coarse": 24, "fine": 16, "hidden": 32, "gan_batch": 8},
    **{
        "gan_share": 0.99,
        "gan_every": 2,
        "gan_penalty_every": 2,
        "gan_augment": "shift,cutout",
        "lr": 0.02,
        "lr_codes": 0.05,
    },
)
ENCODER = replace(LEARNED, codes="encoder")
IMAGE = replace(PRESETS["wgan-gp"], kimg=1, batch=16, z_dim=8, g_features=16, d_features=16, g_norm="pixel")
IMAGE = replace(IMAGE, adversary=replace(IMAGE.adversary, augment=("shift", "brightness"), d_steps=2))
COMMAND = {"images_per_view": 0, "min_kimg": 1, "batch": 16, "coarse": 16, "fine": 16, "hidden": 16}
KINDS = ("learned", "encoder", "image")


def boxes() -> ImageData:
    """32 pictures of one gray box each."""
    rng = np.random.default_rng(0)
    pictures = np.zeros((32, 1, 8, 8), np.uint8)
    for picture in pictures:
        y, x, h, w = *rng.integers(0, 4, 2), *rng.integers(2, 5, 2)
        picture[0, y : y + h, x : x + w] = rng.integers(100, 256)
    rows = np.arange(32)
    return ImageData("boxes", "gray", pictures, np.zeros(32, np.int64), (), rows, rows[:0])


def trainer(kind: str, pack: Path, parallel: Parallel = SINGLE) -> GroupTrainer | ImageGan:
    """One of KINDS at step 0."""
    if kind == "image":
        return ImageGan(boxes(), IMAGE, CPU, parallel)
    config = LEARNED if kind == "learned" else ENCODER
    return new_group(pack, load_pack(pack), "hair", config, CPU, parallel)


def train(made: GroupTrainer | ImageGan, folder: Path, until: int, parallel: Parallel = SINGLE) -> None:
    """Go on to step `until` and save."""
    run_loop(made, folder, LoopOptions(log_every=5), stop=lambda: made.at >= until, parallel=parallel)


if __name__ == "__main__":
    parallel, pack, out = join(), Path(sys.argv[1]), Path(sys.argv[2])
    prepare(CPU)
    for kind in KINDS:
        made = trainer(kind, pack, parallel)
        train(made, out / kind, STEPS, parallel)
        made.save(out / f"{kind}-rank{parallel.rank}.pt")
    # a group whose codes come from another, which all ranks must find finished; the command parts from the other ranks itself
    arguments = ["train", "--pack", str(pack), "--out", str(out / "runs"), "--groups", "hair,hair-behind"]
    app([*arguments, *(x for k, v in COMMAND.items() for x in ("--set", f"{k}={v}"))])
