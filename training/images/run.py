"""A run of an image GAN: its folder, what it is pinned to, and the way from there through the training loop."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from training.devices import CPU, Device
from training.distributed import SINGLE, Parallel
from training.errors import TrainingError
from training.files import write_text
from training.images.config import ImageGanConfig, load_gan_config
from training.images.curves import write_curves
from training.images.dataset import ImageData, load_data
from training.images.init import Loaded, initialise
from training.images.trainer import ImageGan
from training.loop import CHECKPOINT, LoopOptions, Report, run_loop
from training.pictures import write_png
from training.run_folder import numbered

RUN = "run.json"
GRID = "grid.png"
CURVES = "curves.png"
DATA_REPORT = "data.json"
LOG_EVERY = 20  # steps


@dataclass(frozen=True)
class Source:
    """Where the pictures are."""

    path: str
    group: str | None
    sha256: str
    init_g: str | None = None  # checkpoints that the networks started from
    init_d: str | None = None


def new_gan_run(out: Path, data: ImageData, source: Source, config: ImageGanConfig) -> Path:
    """Make the next numbered run folder."""
    folder = numbered(out, f"{data.name}-{config.preset}")
    config.save(folder)
    write_text(folder / RUN, json.dumps(vars(source), indent=1) + "\n")
    report = {
        "kind": data.kind,
        "size": [data.width, data.height],
        "trained_on": len(data.train),
        "held_out": len(data.heldout),
        "labels": data.label_names,
        "left_out": data.dropped,
    }
    write_text(folder / DATA_REPORT, json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    return folder


def open_gan_run(folder: Path, elsewhere: Path | None = None) -> tuple[ImageGanConfig, ImageData, Source]:
    """Configuration and pictures of an existing run; `elsewhere`: where the pictures are now. Raises TrainingError, PackError."""
    config = load_gan_config(folder)
    try:
        source = Source(**json.loads((folder / RUN).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise TrainingError(f"{folder} has no readable {RUN}", hint="start a new run") from None
    where = elsewhere or Path(source.path)
    data = load_data(where, source.group, config.heldout, config.seed)
    if data.sha256 != source.sha256:
        raise TrainingError(f"{where} holds other pictures than this run was started with", hint="start a new run")
    return config, data, source


def make_gan(
    folder: Path,
    config: ImageGanConfig,
    data: ImageData,
    source: Source,
    device: Device = CPU,
    parallel: Parallel = SINGLE,
) -> tuple[ImageGan, list[Loaded]]:
    """The trainer, initialised from the checkpoints that the run names unless it has one of its own already, and what was loaded."""
    gan = ImageGan(data, config, device, parallel)
    loaded: list[Loaded] = []
    if not (folder / CHECKPOINT).is_file():
        if source.init_g:
            loaded.append(initialise(gan.g, Path(source.init_g), "generator"))
            gan.ema.load_state_dict(gan.g.state_dict())
        if source.init_d:
            loaded.append(initialise(gan.d, Path(source.init_d), "discriminator"))
    return gan, loaded


def train_gan(
    folder: Path,
    gan: ImageGan,
    stop: Callable[[], bool] = lambda: False,
    report: Callable[[Report], None] = lambda _: None,
    profile_steps: int = 0,
) -> bool:
    """Train to the end or until `stop`; False in that case. A sample grid per epoch; at the end, or when stopped, grid.png and curves.png."""
    epoch_kimg = min(len(gan.data.train) / 1000, gan.config.kimg / 4)
    options = LoopOptions(log_every=LOG_EVERY, sample_kimg=epoch_kimg, profile_steps=profile_steps)
    whole = run_loop(gan, folder, options, stop=stop, report=report, parallel=gan.parallel)
    if gan.parallel.first:
        write_png(folder / GRID, gan.samples())
        write_curves(folder, folder / CURVES, gan.images_per_step)
    return whole
