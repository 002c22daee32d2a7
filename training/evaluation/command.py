"""`python -m training evaluate`: how good is a bundle or a run?"""

from __future__ import annotations

import dataclasses
import json
import shlex
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from training.errors import TrainingError
from training.evaluation.copies import write_audit
from training.evaluation.evaluate import LEAST_SAMPLES, QUICK, Evaluation, Settings, evaluate
from training.evaluation.gallery import galleries
from training.evaluation.inception import load_inception
from training.evaluation.page import page
from training.evaluation.rows import ROWS, columns, text
from training.evaluation.subject import Subject, open_subject
from training.files import write_text
from training.packs.neutral import Pack, load_pack
from training.run import pack_sha256
from vcg_bridge.contract.errors import VcgError

RESULTS, PAGE = "evaluation.json", "evaluation.html"
console = Console()


def evaluate_command(
    subject: Annotated[Path, typer.Argument(help="A bundle folder, or a run folder (finished or not).")],
    pack: Annotated[Path, typer.Option(help="The prepared pack it was trained on.")],
    out: Annotated[
        Path | None, typer.Option(help="Where the results go. Default: evaluation/<name of the subject>.")
    ] = None,
    samples: Annotated[
        int, typer.Option(help=f"Samples of each kind; figures to quote need {LEAST_SAMPLES} or more.")
    ] = LEAST_SAMPLES,
    seed: Annotated[int, typer.Option(help="Of everything that is random.")] = 0,
    quick: Annotated[
        bool, typer.Option("--quick", help="A look in under a minute: fewer samples, mixtures only.")
    ] = False,
    inception: Annotated[
        Path | None, typer.Option(help="Inception weights (the .pth of torch-fidelity's releases): adds the FID.")
    ] = None,
) -> None:
    """Measure clarity, realism, diversity, consistency and copies; write a JSON, the audit of copies and a page with pictures."""
    try:
        if samples < 256:
            raise TrainingError(f"{samples} samples say nothing", hint="give --samples 256 or more")
        torch.set_num_threads(1)
        torch.set_flush_denormal(True)
        art, pinned = load_pack(pack), pack_sha256(pack)
        opened = open_subject(subject, art, pack)
        settings = dataclasses.replace(QUICK if quick else Settings(samples=samples), seed=seed)
        network = load_inception(inception) if inception else None
        started = time.monotonic()
        columns_ = (TextColumn("{task.description:45}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns_, console=console, transient=True) as progress:
            bar = progress.add_task("starting", total=1.0)
            done = evaluate(
                art, pack, pinned, opened, settings,
                lambda what, share: progress.update(bar, description=what, completed=share), network,
            )  # fmt: skip
        done.figures["command"] = shlex.join(["python", "-m", "training", *sys.argv[1:]])
        done.figures["seconds"] = round(time.monotonic() - started, 1)
        folder = out or Path("evaluation") / subject.resolve().name
        write_results(folder, art, opened, done)
    except VcgError as error:
        console.print(f"[red]error:[/] {error}", highlight=False)
        raise typer.Exit(2) from None
    console.print(table(done.figures))
    console.print(f"{done.figures['seconds']:.0f} s. Pictures and explanations: [bold]{folder / PAGE}[/]")


def write_results(folder: Path, pack: Pack, subject: Subject, done: Evaluation) -> None:
    """Write JSON, audits (one JSON-lines file per mode) and the page, each whole or not at all."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for shown in done.shown:
            if shown.mode != "items":
                write_audit(folder / f"copies-{shown.mode}.jsonl", subject, shown.drawn, shown.audit)
        write_text(folder / RESULTS, json.dumps(done.figures, indent=1) + "\n")
        write_text(folder / PAGE, page(done.figures, galleries(pack, subject, done, done.figures["settings"]["seed"])))
    except OSError as error:
        raise TrainingError(f"cannot write {folder}: {error}", hint="choose another --out") from None


def table(figures: dict[str, Any]) -> Table:
    """The figures on the terminal."""
    names = columns(figures)
    exact = figures["exact"]["seen"]["all"]
    title = f"{figures['subject']['name']}: {exact['exact_slots']:.2%} exact slots, alpha {exact['alpha']:.3%}"
    result = Table(title=title + (" (quick)" if figures["quick"] else ""), box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    result.add_column("")  # where the terminal is narrow, titles are wrapped, not figures
    for name in names:
        result.add_column(name.replace(" ", "\n"), justify="right", no_wrap=True)
    for row in ROWS:
        cells = [text(figures, row, name) for name in names]
        if any(cells):
            result.add_row(row.title, *cells)
    return result
