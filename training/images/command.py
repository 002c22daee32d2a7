"""`python -m training gan` and `demo`: image GANs on IDX files, folders of PNGs and packs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from training.devices import DEVICES, choose, prepare
from training.distributed import join, leave
from training.errors import TrainingError
from training.images.config import PRESETS, preset
from training.images.dataset import ImageData, idx_data, load_data
from training.images.init import init_table
from training.images.run import CURVES, DATA_REPORT, GRID, Source, make_gan, new_gan_run, open_gan_run, train_gan
from training.interrupt import Interrupt
from training.loop import FIGURES
from training.profile import PROFILE_STEPS
from training.progress import Bars
from training.run_folder import locked, record_start
from training.settings import with_settings
from vcg_bridge.contract.errors import VcgError

LISTED = 20
"""Files left out that are named on the screen."""

Data = Annotated[Path | None, typer.Option(help="Folder with PNGs, with IDX files, or a prepared pack.")]
Out = Annotated[Path, typer.Option(help="Where numbered run folders are made.")]
Resume = Annotated[Path | None, typer.Option(help="Go on with this run folder.")]
Preset = Annotated[str, typer.Option("--preset", help=f"Recipe to start from: {', '.join(PRESETS)}.")]
OnDevice = Annotated[str, typer.Option(help=f"What to compute on: {', '.join(DEVICES)}.")]
Profile = Annotated[bool, typer.Option("--profile", help="Write a trace of some steps, trace.json.gz.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Change a setting of the recipe, as NAME=VALUE; may be given again.")
]


def gan(
    data: Data = None,
    group: Annotated[str | None, typer.Option(help="View group of a pack.")] = None,
    preset_name: Preset = "r3gan",
    out: Out = Path("runs"),
    resume: Resume = None,
    init_g: Annotated[Path | None, typer.Option(help="Checkpoint that the generator starts from.")] = None,
    init_d: Annotated[Path | None, typer.Option(help="Checkpoint that the discriminator starts from.")] = None,
    device: OnDevice = "auto",
    profile: Profile = False,
    setting: Settings = None,
) -> None:
    """Train an image GAN on pictures of one size. Ctrl-C saves; --resume goes on exactly where it stopped."""

    starts = tuple(str(p.resolve()) if p else None for p in (init_g, init_d))
    _run(
        lambda: _new(data, group, load_data, preset_name, out, setting or [], starts),
        resume,
        data,
        setting,
        device,
        profile,
        "gan",
    )


def demo(
    data: Annotated[
        Path | None, typer.Option(help="Folder with IDX files: MNIST, Fashion-MNIST (Debian: dataset-fashion-mnist).")
    ] = None,
    preset_name: Preset = "dcgan",
    out: Out = Path("runs"),
    resume: Resume = None,
    device: OnDevice = "auto",
    profile: Profile = False,
    setting: Settings = None,
) -> None:
    """The classic first GAN: minutes on a CPU, from noise to a 10 x 10 grid of pictures that were never taken."""

    _run(
        lambda: _new(data, None, lambda path, group, *rest: idx_data(path, *rest), preset_name, out, setting or []),
        resume,
        data,
        setting,
        device,
        profile,
        "demo",
    )


def _new(
    data: Path | None,
    group: str | None,
    load: Callable[[Path, str | None, float, int], ImageData],
    preset_name: str,
    out: Path,
    changes: list[str],
    starts: tuple[str | None, ...] = (None, None),
) -> Path:
    """A new run folder. Raises TrainingError, PackError before anything is written."""
    if data is None:
        raise TrainingError("nothing to train on", hint="--data FOLDER starts a run, --resume RUN goes on with one")
    config = with_settings(preset(preset_name), changes)
    pictures = load(data, group, config.heldout, config.seed)
    source = Source(str(data.resolve()), group, pictures.sha256, *starts)
    make_gan(out, config, pictures, source)  # what cannot be built, or started from, is said before there is a folder
    return new_gan_run(out, pictures, source, config)


def _run(
    make: Callable[[], Path],
    resume: Path | None,
    data: Path | None,
    changes: list[str] | None,
    device: str,
    profile: bool,
    command: str,
) -> None:
    parallel = join()
    console = Console(quiet=not parallel.first)
    try:
        where = choose(device, local_rank=parallel.local_rank)
        if resume is not None and changes:
            raise TrainingError(
                "--set with --resume: a run goes on with the configuration it began with", hint="start a new run"
            )
        with ExitStack() as held:
            folder = parallel.from_first(lambda: _locked(held, resume or make()))
            config, pictures, source = open_gan_run(folder, data if resume else None)
            prepare(where)
            trainer, loaded = make_gan(folder, config, pictures, source, where, parallel)
            if parallel.first:
                record_start(folder, where, parallel, config.seed)
            console.print(f"run [bold]{folder}[/]", soft_wrap=True)
            console.print_json(json.dumps(dataclasses.asdict(config)))
            _say_data(console, pictures)
            for part in loaded:
                console.print(init_table(part))
            with (
                Interrupt(lambda: console.print("stopping: saving the checkpoint ... (again: end at once)")) as stopped,
                Bars(console, [(config.preset, trainer.steps)]) as bars,
            ):
                whole = train_gan(
                    folder, trainer, stopped, lambda r: bars.show(config.preset, r), PROFILE_STEPS if profile else 0
                )
        leave(parallel)
    except VcgError as error:
        console.print(f"[red]error:[/] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        console.print("ended at once; the last checkpoint is kept")
        raise typer.Exit(130) from None
    console.print(f"look at {folder / GRID} and {folder / CURVES}", soft_wrap=True)
    if not whole:
        console.print(f"saved. Go on with: python -m training {command} --resume {folder}", soft_wrap=True)
        raise typer.Exit(130)
    figures = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
    console.print("  ".join(f"{k} {v:.4g}" for k, v in figures.items()), highlight=False)


def _locked(held: ExitStack, folder: Path) -> Path:
    if not folder.is_dir():
        raise TrainingError(f"no run folder {folder}", hint="--resume takes a folder that a run has made")
    held.enter_context(locked(folder))
    return folder


def _say_data(console: Console, data: ImageData) -> None:
    console.print(
        f"{data.name}: {len(data.train)} {data.kind} pictures of {data.width}x{data.height} to train on, {len(data.heldout)} held out, "
        f"{len(data.label_names) or 'no'} labels",
        highlight=False,
        soft_wrap=True,
    )
    for name, reason in data.dropped[:LISTED]:
        console.print(f"  left out: {name} ({reason})", highlight=False, markup=False, soft_wrap=True)
    if len(data.dropped) > LISTED:
        console.print(f"  left out: {len(data.dropped) - LISTED} more, listed in {DATA_REPORT}", highlight=False)
