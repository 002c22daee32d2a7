"""`python -m training prepare`: from a folder of sprite sheets to the neutral pack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from training.packs.check import Checked, check_pack
from training.packs.lpc_revised import read_pack
from training.packs.neutral import Pack, check_out, save_pack
from training.packs.overview import overview
from training.packs.rules import DEFAULT_RULES, load_rules
from vcg_bridge.contract.errors import VcgError

console = Console()


def prepare(
    pack_dir: Annotated[Path, typer.Argument(help="The art: the top folder of LPC Revised (github.com/ElizaWy/LPC).")],
    out: Annotated[Path, typer.Option(help="Folder for the neutral pack; an old pack there is replaced.")] = Path(
        "pack"
    ),
    rules: Annotated[
        Path, typer.Option(help="How the pack's folders map to layers, kinds and archetypes.")
    ] = DEFAULT_RULES,
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
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("reading")

        def tell(what: str) -> None:
            bar.update(task, description=what)

        check_out(out)  # before the work, and again when writing
        pack, drawn = read_pack(pack_dir, load_rules(rules), tell)
        tell("checking")
        checked = check_pack(pack, drawn)
        pack = replace(
            pack, report={**pack.report, "checked": {**vars(checked), "shared_colours": list(checked.shared_colours)}}
        )
        tell("drawing the overview")
        save_pack(pack, out, {"overview.png": overview(pack)})
    return pack, checked


def _summary(pack: Pack, checked: Checked) -> None:
    table = Table(
        title=f"{pack.title}: {len(pack.items)} items, {len(pack.archetypes)} archetypes, {len(pack.credits)} credits"
    )
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
        f"{checked.recolourings} recolourings exact",
        soft_wrap=True,
    )


def _notes(report: Mapping[str, Any]) -> list[str]:
    """What was found and is worth knowing, a line each. The whole of it is `report` in pack.json."""

    def some(names: Iterable[str]) -> str:
        every = list(names)
        return ", ".join(every[:4]) + (f" and {len(every) - 4} more" if len(every) > 4 else "")

    faint, cleaned = report["faint_pixels"], report["cleaned"]
    gaps = {k: v["fill_in"] for k, v in report["missing"].items() if v["fill_in"]}
    views = sum(x["unknown"] for x in report["views"].values())
    notes = {
        f"no layer takes {some(report['ignored_folders'])}": report["ignored_folders"],
        f"in no colour folder, so not art: {some(report['uncoloured_folders'])}": report["uncoloured_folders"],
        f"not an animation: {some(report['unused_sheets'])}": report["unused_sheets"],
        f"nearly transparent pixels: {sum(x['dropped'] for x in faint.values())} dropped, {sum(x['kept'] for x in faint.values())} "
        f"made opaque, in {len(faint)} sheets": faint,
        f"stray pixels: {sum(x['snapped'] for x in cleaned.values())} given the item's nearest colour, "
        f"{sum(x['removed'] for x in cleaned.values())} removed, in {len(cleaned)} items": cleaned,
        f"{len(gaps)} items lack animations that others of their group have ({views} drawings to fill in): {some(gaps)}": gaps,
        f"no credit entry of their own, only their folder's or the pack's: {some(report['without_own_credit'])}": report[
            "without_own_credit"
        ],
        f"archetype patterns that match nothing: {some(report['archetype_patterns_without_match'])}": report[
            "archetype_patterns_without_match"
        ],
    }
    return [line for line, found in notes.items() if found]
