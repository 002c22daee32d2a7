"""`python -m training prepare`: from a folder of sprite sheets to the neutral pack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from training.packs.check import Checked, check_pack
from training.packs.lpc_revised import read_pack
from training.packs.neutral import Pack, save_pack
from training.packs.overview import overview
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
        pack, checked = prepare_pack(pack_dir, out, rules)
    except VcgError as error:
        console.print(f"[red]error:[/red] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    _summary(pack, checked)
    console.print(f"wrote {out} (pack.json, planes.npz, overview.png)", soft_wrap=True)


def prepare_pack(pack_dir: Path, out: Path, rules: Path = DEFAULT_RULES) -> tuple[Pack, Checked]:
    """Read, check and write a pack. Raises PackError and OutputError; nothing is written unless all is well."""
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task("reading")

        def tell(what: str) -> None:
            bar.update(task, description=what)

        pack, drawn = read_pack(pack_dir, load_rules(rules), tell)
        tell("checking")
        checked = check_pack(pack, drawn)
        pack = replace(pack, report={**pack.report, "checked": {**vars(checked), "shared_colours": list(checked.shared_colours)}})
        tell("drawing the overview")
        save_pack(pack, out, {"overview.png": overview(pack)})
    return pack, checked


def _summary(pack: Pack, checked: Checked) -> None:
    table = Table(title=f"{pack.title}: {len(pack.items)} items, {len(pack.archetypes)} archetypes, {len(pack.credits)} credits")
    for name in ("group", "items", "views", "window", "classes", "poses drawn", "drawings to fill in"):
        table.add_column(name, justify="left" if name == "group" else "right")
    for g in pack.groups:
        drawn = int(g.poses_per_view.sum())
        row = (len(g.items), g.views, f"{g.width}x{g.height}", g.classes, drawn, int((~g.known).sum()))
        table.add_row(g.id, *(str(x) for x in row))
    console.print(table)
    for line in _notes(pack.report):
        console.print(line, soft_wrap=True)
    console.print(
        f"checked: {checked.frames} frames rebuilt exactly ({checked.pixels} pixels; {checked.cleaned_pixels} cleaned), "
        f"{checked.recolourings} recolourings exact"
    )


def _notes(report: Mapping[str, object]) -> list[str]:
    """What was found and is worth knowing, a line each."""
    notes = []

    def note(key: str, text: str) -> None:
        found = report[key]
        if isinstance(found, list | dict) and found:
            notes.append(f"{len(found)} {text}: {', '.join(list(found)[:4])}{' ...' if len(found) > 4 else ''}")

    note("ignored_folders", "item folders that no layer takes")
    note("unused_sheets", "kinds of sheet are no animation")
    note("faint_pixels", "sheets had partly transparent pixels")
    note("cleaned", "items had stray pixels")
    note("missing", "items lack animations")
    note("without_own_credit", "items have no credit entry of their own, only their folder's")
    note("archetype_patterns_without_match", "patterns of archetypes match nothing")
    return [f"{line} (details: report in pack.json)" for line in notes]
