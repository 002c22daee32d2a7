"""`python -m training prepare`: from a folder of sprite sheets to the neutral pack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from training.packs.lpc_revised import read_pack
from training.packs.neutral import save_pack
from training.packs.rules import DEFAULT_RULES, load_rules
from vcg_bridge.contract.errors import VcgError

console = Console()


def prepare(
    pack_dir: Annotated[Path, typer.Argument(help="The art: the top folder of LPC Revised (github.com/ElizaWy/LPC).")],
    out: Annotated[Path, typer.Option(help="Folder for the neutral pack; an old pack there is replaced.")] = Path("pack"),
    rules: Annotated[Path, typer.Option(help="How the pack's folders map to layers, kinds and archetypes.")] = DEFAULT_RULES,
) -> None:
    """Read an art pack, check it, and write it in the neutral form that training reads."""
    try:
        with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True) as bar:
            task = bar.add_task("reading")
            pack, _ = read_pack(pack_dir, load_rules(rules), lambda what: bar.update(task, description=what))
        save_pack(pack, out)
    except VcgError as error:
        console.print(f"[red]error:[/red] {error}", highlight=False)
        raise typer.Exit(2) from error
