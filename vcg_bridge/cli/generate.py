"""`vcg generate`: one character, or a few, as files in a folder."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vcg_bridge.cli import options as o
from vcg_bridge.cli import report, wishes
from vcg_bridge.cli.wishes import Wish
from vcg_bridge.contract.errors import BadRequest, OutputError
from vcg_bridge.contract.messages import Design

if TYPE_CHECKING:
    from vcg_bridge.cli.connect import Connection
    from vcg_bridge.client import Generated, Picture
    from vcg_bridge.contract.manifest import Manifest
    from vcg_bridge.contract.recipe import Recipe
    from vcg_bridge.sprites.writer import WriteOptions

FILE_NOTES = {
    ".contact.png": "all frames at a glance: look at this one",
    ".normal.png": "normal map for 2D lights",
    ".png": "the sprite sheet",
    ".json": "frames, tags and durations (Aseprite)",
    ".tres": "SpriteFrames for Godot",
    ".gif": "all animations, moving",
    ".vcg.json": "makes the same character again",
    "CREDITS.txt": "whom to credit: ship it with your game",
}


def generate(
    *,
    archetype: Annotated[
        str,
        typer.Option(
            "--archetype",
            "-a",
            help="Kind of person: guard, villager ... (vcg bundles show). Default: any.",
            rich_help_panel=o.WHAT,
        ),
    ] = "",
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            "-s",
            help="The same seed gives the same character. Default: a random one.",
            rich_help_panel=o.WHAT,
        ),
    ] = None,
    body: Annotated[
        str, typer.Option("--body", help="Body type of the bundle: f or m in lpc-revised.", rich_help_panel=o.WHAT)
    ] = "",
    item: Annotated[
        list[str] | None,
        typer.Option("--item", metavar="LAYER=ITEM", help="Wear this. May be repeated.", rich_help_panel=o.WHAT),
    ] = None,
    no: Annotated[
        list[str] | None,
        typer.Option("--no", metavar="LAYER", help="Do not wear this layer. May be repeated.", rich_help_panel=o.WHAT),
    ] = None,
    ramp: Annotated[
        list[str] | None,
        typer.Option(
            "--ramp",
            metavar="GROUP=RAMP",
            help="Colour: skin=ivory, torso=denim. May be repeated.",
            rich_help_panel=o.WHAT,
        ),
    ] = None,
    control: Annotated[
        list[str] | None,
        typer.Option(
            "--control",
            metavar="LAYER/CONTROL=AMOUNT",
            help="Change a style: hair/length=0.5, from -1 to 1 (vcg bundles show NAME controls). May be repeated.",
            rich_help_panel=o.WHAT,
        ),
    ] = None,
    novelty: Annotated[
        float | None,
        typer.Option("--novelty", help="0: items as the artists drew them. 1: freely mixed.", rich_help_panel=o.WHAT),
    ] = None,
    start: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="RECIPE",
            help="Start from this character: a .vcg.json or a vcg1... text.",
            rich_help_panel=o.WHAT,
        ),
    ] = "",
    reroll: Annotated[
        list[str] | None,
        typer.Option(
            "--reroll",
            metavar="LAYER",
            help="With --from: draw only this anew (layer or colour group). May be repeated.",
            rich_help_panel=o.WHAT,
        ),
    ] = None,
    lock: Annotated[
        list[str] | None,
        typer.Option(
            "--lock",
            metavar="LAYER",
            help="With --from: keep this, draw the rest anew. May be repeated.",
            rich_help_panel=o.WHAT,
        ),
    ] = None,
    recipe: Annotated[
        str,
        typer.Option(
            "--recipe",
            "-r",
            metavar="RECIPE",
            help="Make exactly this character again: a .vcg.json or a vcg1... text.",
            rich_help_panel=o.WHAT,
        ),
    ] = "",
    count: Annotated[
        int,
        typer.Option(
            "--count", "-n", min=1, max=1000, help="So many, with seeds one after another.", rich_help_panel=o.WHAT
        ),
    ] = 1,
    animations: o.Animations = "",
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the files; made if missing.", rich_help_panel=o.SHEET)
    ],
    name: Annotated[
        str,
        typer.Option(
            "--name",
            help="Name of the files. Default: archetype and seed, or the recipe's own.",
            rich_help_panel=o.SHEET,
        ),
    ] = "",
    layout: o.LayoutOption = o.Layout.rows,
    scale: o.Scale = 1,
    outline: o.Outline = "",
    shadow: o.Shadow = 0,
    normal_map: o.NormalMap = False,
    padding: o.Padding = 1,
    extrude: o.Extrude = 0,
    gifs: o.Gifs = False,
    server: o.Server = "",
    keep_server: o.KeepServer = False,
    bundle: o.BundleOption = "",
    device: o.DeviceOption = None,
    token_file: o.TokenFile = None,
    server_key: o.ServerKey = "",
    client_key: o.ClientKey = None,
    certificate: o.Certificate = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was made as JSON, for programs.")] = False,
) -> None:
    """Make a character: sprite sheet, animations for your engine, a picture to look at, and the credits."""
    sheet = o.write_options(
        layout=layout, scale=scale, outline=outline, shadow=shadow, normal_map=normal_map,
        padding=padding, extrude=extrude, gifs=gifs,
    )  # fmt: skip
    wishes.check_name(name)
    asked = Design(
        seed=wishes.check_seed(secrets.randbelow(2**31) if seed is None else seed),
        archetype=archetype,
        body=body,
        novelty=wishes.percent(novelty),
        items=wishes.wear(wishes.split_pairs(item or (), "--item"), no or ()),
        ramps=wishes.split_pairs(ramp or (), "--ramp"),
        reroll=tuple(reroll or ()),
        keep=tuple(lock or ()),
        controls=wishes.amounts(wishes.split_pairs(control or (), "--control")),
    )
    _check(asked, recipe=recipe, start=start, seed=seed, novelty=novelty, count=count)
    check_folder(out)

    from vcg_bridge.cli.connect import Place, connected

    if not bundle and not server and (recipe or start):
        bundle = wishes.bundle_of(recipe or start)
    with connected(
        Place(server, keep_server, bundle, device, token_file, server_key, client_key, certificate)
    ) as connection:
        wish = _wish(asked, recipe, start, novelty, connection.manifest)
        wish = replace(wish, animations=wishes.split_names(animations, "--animations"), name=name or wish.name)
        made = _write_all(connection, wish, count, out, sheet)
        if as_json:
            print(
                json.dumps({"server": connection.address, "started": connection.started, "characters": made}, indent=2)
            )
        else:
            _show(made, out)


def _check(asked: Design, *, recipe: str, start: str, seed: int | None, novelty: float | None, count: int) -> None:
    """Options that do not go together. Raises BadRequest."""
    changes = {
        "--archetype": asked.archetype, "--seed": seed is not None, "--body": asked.body, "--novelty": novelty is not None,
        "--item or --no": asked.items, "--ramp": asked.ramps, "--control": asked.controls, "--from": start,
        "--reroll": asked.reroll, "--lock": asked.keep, "--count": count > 1,
    }  # fmt: skip
    given = [option for option, value in changes.items() if value]
    if recipe and given:
        raise BadRequest(
            f"--recipe makes exactly that character; {given[0]} cannot change it", hint="use --from to change one"
        )
    if not start and (asked.reroll or asked.keep):
        raise BadRequest("--reroll and --lock need a character to start from", hint="add --from NAME.vcg.json")
    if asked.reroll and asked.keep:
        raise BadRequest("give either --reroll or --lock", hint="--reroll draws only that anew, --lock keeps only that")


def _wish(asked: Design, recipe: str, start: str, novelty: float | None, manifest: Manifest) -> Wish:
    if recipe:
        exact, name = wishes.read_recipe(recipe, manifest)
        return Wish(recipe=exact, name=name)
    if start:
        base, _ = wishes.read_recipe(start, manifest)
        return Wish(design=replace(asked, base=base, novelty=base.novelty if novelty is None else asked.novelty))
    return Wish(design=asked)


def check_folder(folder: Path) -> None:
    """Whether files could be written there, before any work is done. Raises OutputError."""
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise OutputError(f"cannot write to {folder}: {nearest} is not a folder", hint="choose another --out")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write to {folder}: no permission in {nearest}", hint="choose another --out")


def _write_all(connection: Connection, wish: Wish, count: int, out: Path, sheet: WriteOptions) -> list[dict[str, Any]]:
    """Write each character as soon as it is complete. Returns what is told of them."""
    from vcg_bridge.client import Gatherer
    from vcg_bridge.sprites.writer import write_character

    gatherer, made = Gatherer(), []
    with _progress() as advance:
        job = connection.client.generate(
            model=connection.manifest.name,
            recipe=wish.recipe,
            design=wish.design,
            count=count,
            animations=wish.animations,
        )
        with job:  # however this ends, the server stops drawing
            while (picture := job.next()) is not None:
                advance(picture, job.accepted.chunks if job.accepted else 0)
                one = gatherer.add(picture)
                if one is None:
                    continue
                name = file_name(wish, one.recipe, one.index, count)
                files = write_character(out, name, one.character(), connection.manifest, sheet, credits=one.credits)
                made.append(_made(one, name, files, connection))
    return made


@contextmanager
def _progress() -> Iterator[Any]:
    """A callback that takes each picture and moves the bar."""
    with report.progress(counted=False) as bar:
        task = bar.add_task("starting", total=None)

        def advance(picture: Picture, chunks: int) -> None:
            bar.update(task, total=chunks or None, advance=1, description=f"{picture.kind} {picture.name}")

        yield advance


def file_name(wish: Wish, recipe: Recipe, index: int = 0, count: int = 1) -> str:
    """The name of a character's files: as wished, else archetype and seed."""
    if wish.name:
        return wish.name if count == 1 else f"{wish.name}-{index + 1}"
    return f"{recipe.archetype or 'npc'}-{recipe.seed}"


def _made(one: Generated, name: str, files: list[Path], connection: Connection) -> dict[str, Any]:
    from vcg_bridge.contract.recipe_io import recipe_to_dict
    from vcg_bridge.contract.recipe_text import recipe_text

    return {
        "name": name,
        "files": [str(path) for path in files],
        "picture": str(next(path for path in files if path.name.endswith(".contact.png"))),
        "recipe_text": recipe_text(connection.manifest, one.recipe),
        "recipe": recipe_to_dict(one.recipe),
        "credits": list(one.credits),
    }


def _show(made: list[dict[str, Any]], out: Path) -> None:
    if len(made) > 1:
        report.table("", ("name", "picture"), [(x["name"], x["picture"]) for x in made])
        report.out.print(f"{len(made)} characters in {out}", markup=False)
        return
    (one,) = made
    rows = []
    for text in one["files"]:
        path = Path(text)
        suffix = path.name if path.name in FILE_NOTES else path.name.removeprefix(one["name"])
        rows.append(
            (
                path.name,
                _size(path.stat().st_size),
                FILE_NOTES.get(suffix, "one animation" if suffix.endswith(".gif") else ""),
            )
        )
    recipe = one["recipe"]
    report.out.print(
        f"{one['name']}: {recipe['archetype'] or 'character'}, seed {recipe['seed']}, in {out}", markup=False
    )
    report.table("", ("file", "size", "what"), rows)
    report.out.print(f"\nrecipe   {one['recipe_text']}", markup=False)
    report.out.print(f"picture  {one['picture']}", markup=False)


def _size(size: int) -> str:
    return f"{size / 1000:.0f} kB" if size >= 1000 else f"{size} B"
