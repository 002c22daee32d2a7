"""What a user asks for, on the command line or in a line of a batch file, as the protocol says it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vcg_bridge.contract.errors import BadRequest, RecipeError, VcgError, near
from vcg_bridge.contract.fields import Node, Reader
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.messages import Design
from vcg_bridge.contract.recipe import Recipe
from vcg_bridge.contract.recipe_io import MAX_RECIPE_BYTES, parse_recipe, recipe_from_dict
from vcg_bridge.contract.recipe_text import is_recipe_text, recipe_from_text, text_model
from vcg_bridge.contract.vocabulary import MAX_SEED

RECIPE_SUFFIX = ".vcg.json"


@dataclass(frozen=True)
class Wish:
    """One character to make: exactly this recipe, or drawn from this design."""

    recipe: Recipe | None = None
    design: Design | None = None
    animations: tuple[str, ...] = ()  # () all
    name: str = ""  # of its files; "" made from archetype and seed


def split_pairs(values: Iterable[str], option: str) -> dict[str, str]:
    """`hair=short-04` pairs of a repeated option. Raises BadRequest naming the option."""
    pairs: dict[str, str] = {}
    for value in values:
        left, equals, right = (x.strip() for x in value.partition("="))
        if not (left and equals and right):
            raise BadRequest(f"{option} {value!r} is not of the form NAME=VALUE", hint=f"for example {option} hair=...")
        if left in pairs:
            raise BadRequest(f"{option} names {left!r} twice")
        pairs[left] = right
    return pairs


def split_names(text: str, option: str) -> tuple[str, ...]:
    """`walk,idle` as names. Raises BadRequest for an empty list."""
    names = tuple(dict.fromkeys(x.strip() for x in text.split(",") if x.strip()))
    if text and not names:
        raise BadRequest(f"{option} {text!r} names nothing", hint=f"for example {option} walk,idle")
    return names


def wear(items: Mapping[str, str], without: Iterable[str]) -> dict[str, str | None]:
    """Layer -> item, or None for layers that stay bare. Raises BadRequest where both are asked for."""
    bare = dict.fromkeys(without)
    for layer in bare:
        if layer in items:
            raise BadRequest(f"--no {layer} and --item {layer}={items[layer]} contradict each other")
    return {**bare, **items}


def percent(novelty: float | None) -> int:
    """Novelty as users give it (0..1) in whole percent. Raises BadRequest outside of that."""
    if novelty is None:
        return 0
    if not 0 <= novelty <= 1:  # also refuses nan
        raise BadRequest(
            f"novelty must be from 0 to 1, not {novelty}", hint="0: the pack's own items, 1: free mixtures"
        )
    return round(novelty * 100)


def amounts(pairs: Mapping[str, str]) -> dict[str, int]:
    """`hair/length=0.5` pairs of --control in percent. Raises BadRequest for what is not a number from -1 to 1."""
    percents = {}
    for key, text in pairs.items():
        try:
            amount = float(text)
        except ValueError:
            amount = math.nan
        if not -1 <= amount <= 1:  # also refuses nan
            raise BadRequest(f"--control {key}: {text!r} is not a number from -1 to 1", hint=f"for example {key}=0.5")
        percents[key] = round(amount * 100)
    return percents


def check_seed(seed: int) -> int:
    """The seed itself. Raises BadRequest outside of 0 .. 2**63 - 1."""
    if not 0 <= seed <= MAX_SEED:
        raise BadRequest(f"seed must be from 0 to {MAX_SEED}, not {seed}")
    return seed


def check_name(name: str) -> str:
    """The name itself, where it is "" or can be a file name everywhere. Raises BadRequest."""
    from vcg_bridge.sprites.writer import check_name as check

    if name:
        check(name)
    return name


def read_recipe(source: str, manifest: Manifest) -> tuple[Recipe, str]:
    """The recipe of a file or a text form, and the name that goes with it ("" for a text).

    Raises RecipeError where it is neither, is damaged, or belongs to another bundle than `manifest` (text form only:
    for a file the server says so).
    """
    if is_recipe_text(source):
        return recipe_from_text(manifest, source), ""
    path = Path(source)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_RECIPE_BYTES + 1)
    except FileNotFoundError:
        raise RecipeError(
            f"{source}: there is no such file", hint=_nearby(path) or "give a NAME.vcg.json, or a text vcg1..."
        ) from None
    except (OSError, ValueError) as error:
        raise RecipeError(f"{source}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    name = path.name.removesuffix(RECIPE_SUFFIX) if path.name.endswith(RECIPE_SUFFIX) else path.stem
    if is_recipe_text(data[:64].decode("utf-8", "replace")):
        return recipe_from_text(manifest, data.decode("utf-8", "replace")), name
    return parse_recipe(data, source), name


def bundle_of(source: str) -> str:
    """Name of the installed bundle that a recipe (file or text) was made with; "" where none is, or it cannot be told."""
    from vcg_bridge.generators.bundle import list_bundles

    try:
        if not is_recipe_text(source):
            data = Path(source).read_bytes()
            source = data[:MAX_RECIPE_BYTES].decode("utf-8", "replace")
        prefix = text_model(source) if is_recipe_text(source) else parse_recipe(source).model_sha256
    except (VcgError, OSError, ValueError):
        return ""  # what is wrong with it is told when it is read for good
    entries = (entry for entry in list_bundles() if entry.manifest is not None)
    return next((e.name for e in entries if e.manifest and e.manifest.sha256.startswith(prefix)), "")


def _nearby(path: Path) -> str:
    try:
        return near(path.name, [x.name for x in path.parent.glob("*" + RECIPE_SUFFIX)])
    except OSError:
        return ""


LINE_FIELDS = (
    "name", "recipe", "archetype", "seed", "body", "novelty", "items", "ramps", "controls", "from", "reroll", "lock",
    "animations",
)  # fmt: skip
"""What a line of a batch file may hold. The same words as the options of `vcg generate`."""


def wish_of_line(line: str, number: int, defaults: Wish, manifest: Manifest, folder: Path) -> Wish:
    """The wish of one line of a batch file: a JSON object with LINE_FIELDS.

    number: 1-based, also the seed where the line gives none. defaults: for what the line does not say. folder: where
    the batch file is; its recipe paths are relative to that. Raises BadRequest or RecipeError.
    """
    reader = Reader(BadRequest, f"line {number}", 'for example {"archetype": "guard", "seed": 7}')
    node = reader.parse(line.encode("utf-8", "surrogatepass")).object((), LINE_FIELDS)
    name = check_name(node["name"].text(1, 100)) if node.has("name") else ""
    animations = node["animations"].each(lambda x: x.slug(), 1, 256) if node.has("animations") else defaults.animations
    if node.has("recipe"):
        for other in LINE_FIELDS[2:-1]:
            if node.has(other):
                node.fail(
                    f"`recipe` is a whole character: `{other}` cannot be given with it", "use `from` to change one"
                )
        recipe, found = _recipe_of(node["recipe"], manifest, folder)
        return Wish(recipe=recipe, animations=animations, name=name or found)
    base = defaults.design or Design()
    items = dict(base.items) | (_items(node["items"]) if node.has("items") else {})
    ramps = dict(base.ramps) | ({k: x.slug() for k, x in node["ramps"].table()} if node.has("ramps") else {})
    design = Design(
        seed=node["seed"].integer(0, MAX_SEED) if node.has("seed") else number,
        archetype=node["archetype"].slug() if node.has("archetype") else base.archetype,
        body=node["body"].text(0, 32) if node.has("body") else base.body,
        novelty=percent(node["novelty"].number(0, 1)) if node.has("novelty") else base.novelty,
        items=items,
        ramps=ramps,
        controls={k: round(x.number(-1, 1) * 100) for k, x in node["controls"].table()} if node.has("controls") else {},
        base=_recipe_of(node["from"], manifest, folder)[0] if node.has("from") else None,
        reroll=node["reroll"].each(lambda x: x.text(1, 64), 0, 256) if node.has("reroll") else (),
        keep=node["lock"].each(lambda x: x.text(1, 64), 0, 256) if node.has("lock") else (),
    )
    if design.base is None and (design.reroll or design.keep):
        node.fail("`reroll` and `lock` need `from`, the recipe to start from")
    return Wish(design=design, animations=animations, name=name)


def _items(node: Node) -> dict[str, str | None]:
    return {layer: None if entry.value is None else entry.slug() for layer, entry in node.table()}


def _recipe_of(node: Node, manifest: Manifest, folder: Path) -> tuple[Recipe, str]:
    if isinstance(node.value, dict):
        return recipe_from_dict(node.value, node.path), ""
    text = node.text(1, 200_000)
    return read_recipe(text if is_recipe_text(text) else str(folder / text), manifest)


def plain(wish: Wish) -> dict[str, Any]:
    """The wish as plain values, the same for equal wishes: what a journal remembers it by."""
    from vcg_bridge.contract.recipe_io import recipe_to_dict

    design: dict[str, Any] | None = None
    if wish.design is not None:
        design = dict(vars(wish.design)) | {
            name: dict(getattr(wish.design, name)) for name in ("items", "ramps", "controls")
        }
        design["base"] = recipe_to_dict(wish.design.base) if wish.design.base else None
    return {
        "recipe": recipe_to_dict(wish.recipe) if wish.recipe else None,
        "design": design,
        "animations": list(wish.animations),
        "name": wish.name,
    }


def fingerprint(wish: Wish, context: Mapping[str, object]) -> str:
    """sha256 of the wish and of what else its files depend on (`context`: bundle, sheet options)."""
    import hashlib

    text = json.dumps({**plain(wish), "context": dict(context)}, sort_keys=True, separators=(",", ":"), default=list)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def named(wish: Wish, name: str) -> Wish:
    """The same wish under that name."""
    return replace(wish, name=name)
