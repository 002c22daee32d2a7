"""`python -m training train`: start or resume a run."""

from __future__ import annotations

import dataclasses
import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from training.config import TrainConfig
from training.devices import DEVICES, choose
from training.distributed import join, leave
from training.errors import TrainingError
from training.packs.neutral import load_pack
from training.profile import PROFILE_STEPS
from training.run import FIGURES, check_groups, group_folder, new_run, open_run
from training.run_folder import locked, record_start
from training.settings import with_settings
from training.workers import Job, run_training
from vcg_bridge.contract.errors import VcgError


def train(
    pack: Annotated[Path | None, typer.Option(help="Folder that `prepare` wrote.")] = None,
    out: Annotated[Path, typer.Option(help="Where numbered run folders are made.")] = Path("runs"),
    resume: Annotated[Path | None, typer.Option(help="Go on with this run folder.")] = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="Start from the networks of this run, where shapes match.")
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Processes, one thread each; 0: one per core, and a single one on a GPU.")
    ] = 0,
    groups: Annotated[str | None, typer.Option(help="Only these groups of the pack, as A,B: for trials.")] = None,
    device: Annotated[str, typer.Option(help=f"What to compute on: {', '.join(DEVICES)}.")] = "auto",
    profile: Annotated[
        bool, typer.Option("--profile", help="Write a trace of some steps, trace.json.gz, for ui.perfetto.dev.")
    ] = False,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a setting of the configuration, as NAME=VALUE; may be given again."),
    ] = None,
) -> None:
    """Train a generator for every layer of a pack. Ctrl-C saves; --resume goes on exactly where it stopped.

    With several GPUs or machines: torchrun --nproc-per-node N -m training train ...
    """
    parallel = join()
    console = Console(quiet=not parallel.first)
    only = tuple(x for x in (groups or "").split(",") if x)
    try:
        where = choose(device, local_rank=parallel.local_rank)
        with ExitStack() as held:
            folder, pack_dir, config = parallel.from_first(
                lambda: _folder(held, pack, out, resume, setting or [], only, source)
            )
            where = dataclasses.replace(where, compile=config.compile)
            if parallel.first:
                record_start(folder, where, parallel, config.seed)
            console.print(f"run [bold]{folder}[/]")
            console.print_json(json.dumps(dataclasses.asdict(config)))
            count = workers or (1 if where.where.type == "cuda" else os.cpu_count() or 1)
            job = Job(folder, pack_dir, where, PROFILE_STEPS if profile else 0)
            whole = run_training(job, count, console, parallel, only)
        leave(parallel)
    except VcgError as error:
        console.print(f"[red]error:[/] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        console.print("ended at once; the last checkpoints are kept")
        raise typer.Exit(130) from None
    if not whole:
        console.print(f"saved. Go on with: python -m training train --resume {folder}", soft_wrap=True)
        raise typer.Exit(130)
    console.print(summary(folder, pack_dir))
    if not only:
        console.print(f"trained. Export with: python -m training export {folder} --out BUNDLE_DIR", soft_wrap=True)


def _folder(
    held: ExitStack,
    pack: Path | None,
    out: Path,
    resume: Path | None,
    changes: list[str],
    only: tuple[str, ...],
    source: Path | None,
) -> tuple[Path, Path, TrainConfig]:
    """The run folder, locked until `held` closes, its pack and configuration. Raises TrainingError."""
    if resume is not None:
        if source is not None:
            raise TrainingError(
                "--from with --resume: a run starts from another one when it is new", hint="leave one of them out"
            )
        if changes:
            raise TrainingError(
                "--set with --resume: a run goes on with the configuration it began with", hint="start a new run"
            )
        config, pack_dir = open_run(resume, pack)
        check_groups(load_pack(pack_dir), only, resume)
        folder = resume
    elif pack is not None:
        config, pack_dir = with_settings(TrainConfig(), changes), pack
        check_groups(load_pack(pack_dir), only)
        folder = new_run(out, pack_dir, config, source)
    else:
        raise TrainingError("nothing to train on", hint="--pack FOLDER starts a run, --resume RUN goes on with one")
    held.enter_context(locked(folder))
    return folder, pack_dir, config


def summary(folder: Path, pack_dir: Path) -> Table:
    """Exactness per group of a finished run."""
    table = Table("group", "exact slots", "alpha", "held out", title="redrawing the pack")
    for group in load_pack(pack_dir).groups:
        path = group_folder(folder, group.id) / FIGURES
        if path.is_file():
            row = json.loads(path.read_text())
            unseen = f"{row['heldout_exact']:.2%}" if "heldout_exact" in row else ""
            table.add_row(group.id, f"{row['exact']:.2%}", f"{row['alpha']:.3%}", unseen)
    return table
