"""`python -m training prepare`: from a folder of sprite sheets to the neutral pack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from training.packs.check import Checked, check_pack, duplicates
from training.packs.generic import Options, Reading, read_folder
from training.packs.lpc_revised import read_pack
from training.packs.neutral import Pack, check_out, save_pack
from training.packs.overview import overview
from training.packs.pack_yaml import YAML_FILE
from training.packs.palette_picture import palette_picture
from training.packs.rules import DEFAULT_RULES, load_rules
from vcg_bridge.contract.errors import PackError, VcgError

console = Console()
_LISTED = 10  # pictures that were left out, printed one by one


def prepare(
    pack_dir: Annotated[
        Path,
        typer.Argument(
            help="The art: LPC Revised (github.com/ElizaWy/LPC), or a folder as docs/train-your-own.md says."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the neutral pack; an old pack there is replaced.")] = Path(
        "pack"
    ),
    licence: Annotated[str, typer.Option(help="The art's licence, where pack.yaml does not say it.")] = "",
    attribution: Annotated[str, typer.Option(help="The line that products must show.")] = "",
    name: Annotated[str, typer.Option(help="Name of the pack and its bundle: letters, digits and dashes.")] = "",
    colours: Annotated[
        int, typer.Option(min=0, max=250, help="Reduce the art to so many colours; palette.png shows what that does.")
    ] = 0,
    strict: Annotated[
        bool, typer.Option("--strict", help="A picture that would be left out (corrupt, empty ...) is an error.")
    ] = False,
    rules: Annotated[
        Path | None, typer.Option(help="LPC Revised: how its folders map to layers, kinds and archetypes.")
    ] = None,
) -> None:
    """Read an art pack, check it, and write it in the neutral form that training reads."""
    try:
        pack, checked = prepare_pack(pack_dir, out, rules, Options(licence, attribution, name, colours, strict))
    except VcgError as error:
        console.print(f"[red]error:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    _summary(pack, checked)
    console.print(f"wrote {out}: look at overview.png and palette.png in it", soft_wrap=True)


def prepare_pack(
    pack_dir: Path, out: Path, rules: Path | None = None, options: Options | None = None
) -> tuple[Pack, Checked]:
    """Read, check and write a pack. Raises PackError and OutputError; nothing is written unless all is well."""
    options = options or Options()
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("reading")

        def tell(what: str) -> None:
            bar.update(task, description=what)

        check_out(out)  # before the work, and again when writing
        reading = read_art(pack_dir, rules, options, tell)
        tell("checking")
        checked = check_pack(reading.pack, reading.drawn)
        report = {
            **reading.pack.report,
            "checked": {**vars(checked), "shared_colours": list(checked.shared_colours)},
            "duplicates": duplicates(reading.drawn),
        }
        pack = replace(reading.pack, report=report)
        tell("drawing the overview")
        pictures = {"overview.png": overview(pack), "palette.png": palette_picture(pack, reading)}
        save_pack(pack, out, pictures)
    return pack, checked


def read_art(folder: Path, rules: Path | None, options: Options, tell: Callable[[str], None]) -> Reading:
    """Find out what kind of folder it is, and read it."""
    if not folder.is_dir():
        raise PackError(f"there is no folder {folder}", hint="give the folder that holds the art")
    if rules is None and ((folder / YAML_FILE).is_file() or not _is_lpc(folder)):
        return read_folder(folder, options, tell)
    for said, value in (("--licence", options.licence), ("--colours", options.colours), ("--name", options.name)):
        if value:
            raise PackError(f"{said} is for art of your own; {folder} is read as LPC Revised", hint="leave it out")
    pack, drawn = read_pack(folder, load_rules(rules or DEFAULT_RULES), tell)
    return Reading(replace(pack, attribution=options.attribution or pack.attribution), drawn, ())


def _is_lpc(folder: Path) -> bool:
    return (folder / load_rules().root).is_dir()


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
        console.print(escape(line), soft_wrap=True)
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

    faint, cleaned = report["faint_pixels"], report.get("cleaned", {})
    gaps = {k: v["fill_in"] for k, v in report["missing"].items() if v["fill_in"]}
    views = sum(x["unknown"] for x in report["views"].values())
    skipped, opaque = report.get("skipped", ()), report.get("without_transparency", ())
    twins = report["duplicates"]
    notes = {
        **{f"left out, {x['kind']}: {x['file']} {x['why']}": True for x in skipped[:_LISTED]},
        f"left out besides: {len(skipped) - _LISTED} more pictures, listed in pack.json under report": skipped[
            _LISTED:
        ],
        f"not art: {some(report.get('other_files', ()))}": report.get("other_files"),
        f"no layer takes {some(report.get('ignored_folders', ()))}": report.get("ignored_folders"),
        f"in no colour folder, so not art: {some(report.get('uncoloured_folders', ()))}": report.get(
            "uncoloured_folders"
        ),
        f"not an animation: {some(report.get('unused_sheets', ()))}": report.get("unused_sheets"),
        f"drawn exactly alike: {some(twins)}": twins,
        f'without a transparent pixel: {some(opaque)}. If the background is a colour, say `background: "#rrggbb"` in '
        f"{YAML_FILE}": opaque,
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
        _reduced(report.get("reduced_colours")): report.get("reduced_colours"),
    }
    return [line for line, found in notes.items() if found]


def _reduced(found: Mapping[str, Any] | None) -> str:
    if not found:
        return ""
    return (
        f"colours: {found['colours_before']} reduced to {found['colours_after']}; {found['changed_share']:.1%} of the pixels changed, "
        f"by {found['mean_distance']:.1f} of 441 on average and {found['worst_distance']:.1f} at most: compare in palette.png"
    )
