"""`python -m training redraw`: from one drawing of a new item to all its poses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import torch
import typer
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from training.errors import TrainingError
from training.files import write_text, write_with
from training.layers.encoder import EncoderTrainer
from training.layers.exactness import torch_draw
from training.layers.networks import Encoder
from training.layers.redraw import read_drawing, redraw, sheet
from training.layers.trainer import GroupTrainer
from training.loop import CHECKPOINT, LoopOptions, Report, run_loop
from training.packs.neutral import load_pack
from training.packs.overview import paint_table
from training.run import group_folder, load_group, open_run
from vcg_bridge.contract.errors import VcgError
from vcg_bridge.contract.manifest import CODE_SCALE

console = Console()


def redraw_item(
    run: Annotated[Path, typer.Argument(help="A run folder that `train` made.")],
    layer: Annotated[str, typer.Option(help="Layer of the item.")],
    drawing: Annotated[list[Path], typer.Option(help="PNG of one frame; may be given again, with a --pose each.")],
    pose: Annotated[list[str], typer.Option(help="What the drawing shows: ANIMATION/DIRECTION/FRAME, as walk/down/0.")],
    out: Annotated[Path, typer.Option(help="Folder for the sheet and the style code; made if missing.")],
    name: Annotated[str, typer.Option(help="Name of the files.")] = "new-item",
    pack: Annotated[Path | None, typer.Option(help="The pack, if it has moved since training.")] = None,
    refine: Annotated[bool, typer.Option(help="Search for the best code near the encoder's.")] = True,
) -> None:
    """Find the style code of a drawing and draw the item in every pose. The first time, an encoder is trained: a minute or two."""
    try:
        if len(drawing) != len(pose):
            raise TrainingError(
                f"{len(drawing)} drawings and {len(pose)} poses", hint="give a --pose for each --drawing"
            )
        config, pack_dir = open_run(run, pack)
        art = load_pack(pack_dir)
        given = [read_drawing(art, layer, file, p) for file, p in zip(drawing, pose, strict=True)]
        group = next(g for g in art.groups if (layer, "front") in g.members)
        torch.set_num_threads(1)
        torch.set_flush_denormal(True)
        trainer = load_group(run, art, group.id, config)
        if trainer.at == 0:
            raise TrainingError(f"group {group.id} of {run} is not trained", hint=f"train --resume {run}")
        encoder = trained_encoder(run, group.id, trainer)
        found = redraw(trainer.data, trainer.ema.eval(), encoder, layer, given, refine)
        like = next(i for i in art.items if (i.layer, i.id) == (layer, found.nearest))
        colours = paint_table(art, like, given[0].ramps)
        code = torch.tensor(found.code).float() / CODE_SCALE
        picture = sheet(art, group, layer, code, colours, torch_draw(trainer.ema))
        out.mkdir(parents=True, exist_ok=True)
        write_with(out / f"{name}.png", lambda temporary: Image.fromarray(picture).save(temporary, "PNG"))
        choice = {"item": found.nearest, "code": list(found.code)}
        write_text(out / f"{name}.code.json", json.dumps({layer: choice}) + "\n")
    except (VcgError, OSError) as error:
        console.print(f"[red]error:[/] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None
    for x, file in zip(given, drawing, strict=True):
        if x.snapped or x.outside:
            console.print(
                f"{file}: {x.snapped} pixels given the nearest colour, {x.outside} beyond the window left out"
            )
    console.print(
        f"{out / name}.png: the item in every pose. The code redraws {found.exact:.1%} of the given pixels exactly; the nearest item, "
        f"{found.nearest}, differs in {found.distance:.1%} of them. {name}.code.json goes into `layers` of a recipe.",
        soft_wrap=True,
    )


def trained_encoder(run: Path, group_id: str, trainer: GroupTrainer) -> Encoder:
    """The encoder of a group's generator: the one beside its checkpoint, finished first where it is not."""
    task = EncoderTrainer(trainer.data, trainer.shape, trainer.ema, trainer.ema_codes, trainer.config.seed)
    folder = group_folder(run, group_id) / f"encoder-{trainer.at}"
    if (folder / CHECKPOINT).is_file():
        task.load(folder / CHECKPOINT)
    if task.at < task.steps:
        columns = (TextColumn("training the encoder"), BarColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            bar = progress.add_task("", total=task.steps, completed=task.at)

            def tell(report: Report) -> None:
                progress.update(bar, completed=report.at)

            run_loop(task, folder, LoopOptions(sample_kimg=0), report=tell)
    return task.e.eval()
