"""`python -m training train`: start or resume a run."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from training.config import TrainConfig
from training.errors import TrainingError
from training.packs.neutral import load_pack
from training.run import FIGURES, new_run, open_run, run_training
from vcg_bridge.contract.errors import VcgError, near

console = Console()


def train(
    pack: Annotated[Path | None, typer.Option(help="Folder that `prepare` wrote.")] = None,
    out: Annotated[Path, typer.Option(help="Where numbered run folders are made.")] = Path("runs"),
    resume: Annotated[Path | None, typer.Option(help="Go on with this run folder.")] = None,
    workers: Annotated[int, typer.Option(help="Processes, one thread each; 0: one per core.")] = 0,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a setting of the configuration, as NAME=VALUE; may be given again."),
    ] = None,
) -> None:
    """Train a generator for every layer of a pack. Ctrl-C saves; --resume goes on exactly where it stopped."""
    try:
        if resume is not None:
            config, pack_dir = open_run(resume, pack)
            folder = resume
        elif pack is not None:
            config, pack_dir = settings(setting or []), pack
            folder = new_run(out, pack_dir, config)
        else:
            raise TrainingError("nothing to train on", hint="--pack FOLDER starts a run, --resume RUN goes on with one")
        console.print(f"run [bold]{folder}[/]")
        console.print_json(json.dumps(dataclasses.asdict(config)))
        whole = run_training(folder, pack_dir, workers or os.cpu_count() or 1, console)
    except VcgError as error:
        console.print(f"[red]error:[/] {error}")
        raise typer.Exit(2) from None
    if not whole:
        console.print(f"saved. Go on with: python -m training train --resume {folder}")
        raise typer.Exit(130)
    console.print(summary(folder, pack_dir))
    console.print(f"trained. Export with: python -m training export {folder} --out BUNDLE_DIR")


def settings(changes: list[str]) -> TrainConfig:
    """The default configuration with NAME=VALUE changes; TrainingError names an unknown setting or a bad value."""
    types = {f.name: type(f.default) for f in dataclasses.fields(TrainConfig)}
    values: dict[str, Any] = {}
    for change in changes:
        name, _, text = change.partition("=")
        if name not in types:
            raise TrainingError(f"unknown setting {name!r}", hint=near(name, types) or f"there are: {', '.join(types)}")
        try:
            values[name] = types[name](text)
        except ValueError:
            raise TrainingError(f"setting {name} takes {types[name].__name__}, not {text!r}") from None
    return TrainConfig(**values)


def summary(folder: Path, pack_dir: Path) -> Table:
    """Exactness per group of a finished run."""
    table = Table("group", "exact slots", "alpha", "held out", title="redrawing the pack")
    for group in load_pack(pack_dir).groups:
        path = folder / "groups" / group.id / FIGURES
        if path.is_file():
            row = json.loads(path.read_text())
            unseen = f"{row['heldout_exact']:.2%}" if "heldout_exact" in row else ""
            table.add_row(group.id, f"{row['exact']:.2%}", f"{row['alpha']:.3%}", unseen)
    return table
