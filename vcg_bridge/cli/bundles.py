"""`vcg bundles`: which models are installed, what is in them, are they whole, install another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from vcg_bridge.cli import report
from vcg_bridge.contract.manifest import Manifest

bundles = typer.Typer(help="The models that draw: list, look into, check and add them.", no_args_is_help=True)

_Json = Annotated[bool, typer.Option("--json", help="Print it as JSON, for programs.")]
_Bundle = Annotated[str, typer.Argument(help="Name of an installed bundle, or a bundle folder.")]


@bundles.command("list")
def list_(as_json: _Json = False) -> None:
    """List the installed bundles."""
    from vcg_bridge.generators.bundle import list_bundles

    entries = list_bundles()
    if as_json:
        rows = [
            {
                "name": e.name,
                "version": e.manifest.version if e.manifest else None,
                "title": e.manifest.title if e.manifest else None,
                "sha256": e.manifest.sha256 if e.manifest else None,
                "folder": str(e.folder),
                "embedded": e.embedded,
                "problem": e.problem or None,
            }
            for e in entries
        ]
        print(json.dumps(rows, indent=2))
        return
    if not entries:
        report.show_warning("no bundle is installed; reinstall VCG Bridge or use `vcg bundles add FOLDER`")
        return
    report.table(
        "",
        ("name", "version", "where", "what"),
        [
            (
                e.name,
                e.manifest.version if e.manifest else "-",
                "built in" if e.embedded else str(e.folder),
                e.manifest.title if e.manifest else f"BROKEN: {e.problem}",
            )
            for e in entries
        ],
    )


@bundles.command()
def show(
    bundle: _Bundle = "lpc-revised",
    part: Annotated[
        str,
        typer.Argument(
            help="One part in full: archetypes, animations, layers, ramps, controls, or the name of a layer."
        ),
    ] = "",
    as_json: _Json = False,
) -> None:
    """Show what a bundle can draw: archetypes, animations, layers and their items, colour ramps, controls."""
    from vcg_bridge.generators.bundle import open_bundle

    opened = open_bundle(bundle, verify=False)
    facts = _facts(opened.manifest)
    if part:
        facts = {part: _part(opened.manifest, facts, part)}
    if as_json:
        print(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    if not part:
        m = opened.manifest
        report.out.print(f"{m.title}  ({m.name} {m.version})", style="bold", markup=False)
        report.out.print(f"licence   {m.licence}\ncredit    {m.attribution}\nfolder    {opened.folder}", markup=False)
        report.out.print(f"sha256    {m.sha256}\n", markup=False)
    for name, rows in facts.items():
        if isinstance(rows, list) and rows:
            report.table(f"{name}:", tuple(rows[0]), [tuple(_cell(x) for x in row.values()) for row in rows])
            report.out.print()
        elif part:
            report.out.print(f"{name}: none in this bundle", markup=False)
    if not part:
        report.out.print(
            f"More: vcg bundles show {bundle} {m.layers[-1].id}   (any layer's items), vcg bundles show {bundle} ramps",
            markup=False,
        )


@bundles.command()
def verify(bundle: _Bundle = "lpc-revised") -> None:
    """Check every file of a bundle against its manifest."""
    from vcg_bridge.generators.bundle import open_bundle

    opened = open_bundle(bundle)
    size = sum((opened.folder / name).stat().st_size for name in opened.manifest.files)
    report.out.print(
        f"{opened.manifest.name} {opened.manifest.version}: {len(opened.manifest.files)} files, {size / 1e6:.1f} MB, all as "
        f"the manifest says (sha256 {opened.sha256[:12]}...)",
        markup=False,
    )


@bundles.command()
def add(
    folder: Annotated[Path, typer.Argument(help="The bundle folder: what `python -m training export` wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Replace another version of the same bundle.")] = False,
) -> None:
    """Check a bundle folder and install it for this user."""
    from vcg_bridge.generators.bundle import add_bundle

    added = add_bundle(folder, force=force)
    report.out.print(f"{added.manifest.name} {added.manifest.version} is in {added.folder}", markup=False)


def _facts(manifest: Manifest) -> dict[str, object]:
    return {
        "archetypes": [{"id": a.id, "description": a.description or a.title} for a in manifest.archetypes],
        "animations": [
            {
                "id": a.id,
                "frames": a.frames,
                "fps": a.fps,
                "loop": a.loop,
                "directions": list(a.directions),
            }
            for a in manifest.animations
        ],
        "layers": [
            {
                "id": layer.id,
                "items": len(manifest.items_of(layer.id)),
                "colour groups": [m.group for m in layer.materials],
                "example": manifest.items_of(layer.id)[0].id if manifest.items_of(layer.id) else "",
            }
            for layer in manifest.layers
        ],
        "ramps": [
            {
                "kind": kind,
                "colour groups": [group for group, k in manifest.groups.items() if k == kind],
                "ramps": [r.id for r in manifest.ramps_of(kind)],
            }
            for kind in dict.fromkeys(r.kind for r in manifest.ramps)
        ],
        "controls": [
            {"id": c.key, "title": c.title, "low": c.low, "high": c.high, "items": list(c.items)}
            for c in manifest.controls
        ],
    }


def _part(manifest: Manifest, facts: dict[str, object], part: str) -> object:
    if part in facts:
        return facts[part]
    layer = manifest.layer(part)  # raises with near names
    return [
        {
            "id": i.id,
            "title": i.title,
            "kind": i.kind,
            "body": i.body or "any",
            "hides": list(i.hides),
            "controls": [c.id for c in manifest.controls_of(layer.id) if i.id in c.items],
        }
        for i in manifest.items_of(layer.id)
    ]


def _cell(value: object) -> object:
    if isinstance(value, list):
        return " ".join(str(x) for x in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value
