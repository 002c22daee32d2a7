"""All files of a character into a folder: whole or not at all."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vcg_bridge.contract.character import Character
from vcg_bridge.contract.errors import BadRequest, OutputError
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.recipe_io import recipe_bytes
from vcg_bridge.sprites.aseprite import aseprite_json
from vcg_bridge.sprites.contact import contact_sheet
from vcg_bridge.sprites.credits import credits_text
from vcg_bridge.sprites.effects import drop_shadow, outline
from vcg_bridge.sprites.gif import animation_gif, combined_gif
from vcg_bridge.sprites.godot import sprite_frames
from vcg_bridge.sprites.layout import lay_out
from vcg_bridge.sprites.normals import FLAT, normal_maps
from vcg_bridge.sprites.palette import rgba
from vcg_bridge.sprites.png import indexed_png, png
from vcg_bridge.sprites.sheet import paint, scale_sheet

CREDITS_NAME = "CREDITS.txt"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,99}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # device names on Windows


@dataclass(frozen=True)
class WriteOptions:
    """What is written and how it looks. The defaults are what `vcg generate` writes."""

    layout: str = "rows"  # "rows", "lpc" or "packed"
    scale: int = 1  # of the sheet: every pixel becomes scale x scale
    padding: int = 1  # packed: pixels between two frames
    extrude: int = 0  # packed: pixels by which frame edges are repeated
    power_of_two: bool = False  # packed: width and height
    outline: tuple[int, int, int, int] | None = None  # RGBA; None: no outline
    shadow: tuple[int, int, int, int] | None = None  # RGBA; None: no drop shadow
    shadow_offset: tuple[int, int] | None = None  # pixels right and down of the silhouette's shadow; None: an ellipse
    normal_map: bool = False  # also NAME.normal.png
    rgba: bool = False  # NAME.png in full colour instead of indexed
    json: str = "hash"  # or "array"
    gif_scale: int = 2
    gifs: bool = False  # also NAME.walk.gif ..., one per animation
    contact_scale: int = 2
    texture: str = ""  # path of the sheet in the Godot project; "": beside the .tres, wherever that is


def dressed(character: Character, manifest: Manifest, options: WriteOptions) -> Character:
    """The character with the outline and shadow that the options ask for."""
    if options.outline is not None:
        character = outline(character, manifest, colour=options.outline)
    if options.shadow is not None:
        character = drop_shadow(character, manifest, colour=options.shadow, offset=options.shadow_offset)
    return character


def character_files(
    name: str, character: Character, manifest: Manifest, options: WriteOptions | None = None
) -> dict[str, bytes]:
    """File name -> contents of everything but the credits, in the order in which they should appear."""
    options = options or WriteOptions()
    check_name(name)
    solid = dressed(
        character, manifest, replace(options, shadow=None)
    )  # a shadow lies on the ground: it takes no light
    character = dressed(character, manifest, options)
    sheet = lay_out(
        options.layout,
        character,
        manifest,
        padding=options.padding,
        extrude=options.extrude,
        power_of_two=options.power_of_two,
    )
    sheet = scale_sheet(sheet, options.scale)
    image, normal = f"{name}.png", f"{name}.normal.png" if options.normal_map else ""
    text = {"Software": "VCG Bridge", "Copyright": manifest.attribution}
    files = {
        image: png(rgba(sheet.plane, sheet.palette), text)
        if options.rgba
        else indexed_png(sheet.plane, sheet.palette, text)
    }
    if normal:
        files[normal] = png(paint(sheet, normal_maps(solid, manifest), FLAT))
    recipe = character.recipe
    files[f"{name}.json"] = aseprite_json(
        sheet, manifest, recipe, name=name, image=image, kind=options.json, normal_map=normal
    )
    texture = options.texture or image
    beside = texture.rpartition("/")[0]
    files[f"{name}.tres"] = sprite_frames(
        sheet, manifest, texture=texture, normal_map=normal and (f"{beside}/{normal}" if beside else normal)
    )
    files[f"{name}.gif"] = combined_gif(character, manifest, scale=options.gif_scale)
    if options.gifs:
        for animation in dict.fromkeys(frame.pose.animation for frame in sheet.frames):
            gif = animation_gif(character, manifest, animation, scale=options.gif_scale)
            files[f"{name}.{animation}.gif"] = gif
    contact = contact_sheet(character, manifest, title=_title(name, character), scale=options.contact_scale)
    files[f"{name}.contact.png"] = indexed_png(*contact)
    files[f"{name}.vcg.json"] = recipe_bytes(recipe) + b"\n"
    return files


def write_character(
    folder: Path,
    name: str,
    character: Character,
    manifest: Manifest,
    options: WriteOptions | None = None,
    *,
    credits: Sequence[str],
) -> list[Path]:
    """NAME.png, .json, .tres, .gif, .contact.png, .vcg.json and CREDITS.txt in the folder, which is made if missing.

    credits: lines of sprites.credits.credit_lines. A CREDITS.txt that is there keeps what it says. Returns the paths
    written. Raises BadRequest for a name that cannot be a file's, OutputError where the folder cannot be written; then
    nothing of it is there, and files of an earlier run are as they were.
    """
    return place_files(folder, character_files(name, character, manifest, options), manifest, credits=credits)


def place_files(folder: Path, files: Mapping[str, bytes], manifest: Manifest, *, credits: Sequence[str]) -> list[Path]:
    """What `character_files` gave, and CREDITS.txt, into the folder; see `write_character`."""
    text = credits_text(manifest, credits, _existing(folder / CREDITS_NAME))
    return write_files(folder, {**files, CREDITS_NAME: text.encode("utf-8")})


def write_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Writes all files under temporary names first, then gives them their names. Raises OutputError; see above."""
    made: list[Path] = []  # folders that this call has made
    waiting: list[tuple[Path, Path]] = []
    try:
        _make(folder, made)
        for name, data in files.items():
            temporary = folder / f".{name}.{secrets.token_hex(4)}.tmp"
            waiting.append((temporary, folder / name))
            with temporary.open("xb") as file:
                file.write(data)
        for _, path in waiting:
            if path.is_dir():
                raise IsADirectoryError(f"{path.name} is a folder")
        for temporary, path in waiting:
            temporary.replace(path)
    except OSError as error:
        for temporary, _ in waiting:
            temporary.unlink(missing_ok=True)
        for path in reversed(made):
            _remove_empty(path)
        reason = error.strerror or str(error)
        raise OutputError(
            f"cannot write to {folder}: {reason}", hint="check that the folder can be written and the disk is not full"
        ) from error
    return [path for _, path in waiting]


def check_name(name: str) -> None:
    """Raises BadRequest for a name that is no plain file name on some system."""
    if not _NAME.fullmatch(name) or name.endswith((".", " ")) or _RESERVED.fullmatch(name):
        raise BadRequest(
            f"{name!r} cannot be a file name", hint="use letters, digits, '-', '_', '.' and spaces, 100 at most"
        )


def _make(folder: Path, made: list[Path]) -> None:
    missing = []
    for path in (folder, *folder.parents):
        if path.exists():
            break
        missing.append(path)
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        made.append(path)


def _remove_empty(path: Path) -> None:
    try:
        path.rmdir()
    except OSError:  # something else is in it by now
        return


def _existing(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"{path}: cannot be read ({error})", hint="move it away, or choose another folder") from error


def _title(name: str, character: Character) -> str:
    recipe = character.recipe
    return f"{name}   {recipe.archetype} seed {recipe.seed}" if recipe.archetype else name
