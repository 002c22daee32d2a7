"""Recipes to and from plain values and canonical JSON, and the check of a recipe against a bundle.

The text form is in `recipe_text`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from vcg_bridge.contract.errors import RecipeError, near
from vcg_bridge.contract.fields import Node, Reader
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.manifest_parse import BODY_LAYER
from vcg_bridge.contract.recipe import RECIPE_FORMAT, LayerChoice, Recipe

MAX_RECIPE_BYTES = 1 << 20
MAX_SEED = 2**63 - 1
MAX_CODE = 4096
MAX_LAYERS = 256  # and colour groups: no bundle has more


def recipe_to_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe in plain values (str, int, list, dict), for JSON and the wire. Fields that say nothing are left out."""
    layers: dict[str, Any] = {}
    for layer, choice in recipe.layers.items():
        entry: dict[str, Any] = {"item": choice.item}
        if choice.mix:
            entry |= {"mix": choice.mix, "amount": choice.amount}
        if choice.code:
            entry["code"] = [int(c) for c in choice.code]
        layers[layer] = entry
    return {
        "format": RECIPE_FORMAT,
        "model": recipe.model,
        "model_sha256": recipe.model_sha256,
        "seed": recipe.seed,
        "archetype": recipe.archetype,
        "novelty": recipe.novelty,
        "layers": layers,
        "ramps": dict(recipe.ramps),
    }


def recipe_bytes(recipe: Recipe) -> bytes:
    """Canonical JSON: sorted keys, no spaces, UTF-8. Equal recipes give equal bytes."""
    text = json.dumps(recipe_to_dict(recipe), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8")


def recipe_sha256(recipe: Recipe) -> str:
    """Hex sha256 of the canonical JSON: names the character."""
    return hashlib.sha256(recipe_bytes(recipe)).hexdigest()


def parse_recipe(data: bytes | str, source: str = "recipe") -> Recipe:
    """A recipe from JSON, canonical or not. `source` names it in messages. Raises RecipeError."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    reader = Reader(RecipeError, source, "use the recipe as VCG Bridge wrote it")
    if len(raw) > MAX_RECIPE_BYTES:
        reader.fail("", f"is larger than {MAX_RECIPE_BYTES >> 20} MiB")
    return _parse(reader.parse(raw.removeprefix(b"\xef\xbb\xbf")))


def recipe_from_dict(value: Any, source: str = "recipe") -> Recipe:
    """A recipe from plain values as `recipe_to_dict` gives them. Raises RecipeError."""
    return _parse(Node(Reader(RecipeError, source, "use the recipe as VCG Bridge wrote it"), "", value))


def _parse(root: Node) -> Recipe:
    if isinstance(root.value, dict) and type(root.value.get("format")) is int and root.value["format"] > RECIPE_FORMAT:
        root["format"].fail(
            f"the recipe has format {root.value['format']}; this VCG Bridge reads format {RECIPE_FORMAT}",
            "update VCG Bridge to use this recipe",
        )
    root.object(("format", "model", "model_sha256", "seed", "archetype", "novelty", "layers", "ramps"))
    root["format"].integer(RECIPE_FORMAT, RECIPE_FORMAT)
    return Recipe(
        model=root["model"].slug(),
        model_sha256=root["model_sha256"].sha256(),
        seed=root["seed"].integer(0, MAX_SEED),
        archetype=root["archetype"].slug() if root["archetype"].value != "" else "",
        novelty=root["novelty"].integer(0, 100),
        layers={layer: _choice(node) for layer, node in root["layers"].table(MAX_LAYERS)},
        ramps={group: node.slug() for group, node in root["ramps"].table(MAX_LAYERS)},
    )


def _choice(node: Node) -> LayerChoice:
    node.object(("item",), ("mix", "amount", "code"))
    item = node["item"].slug()
    if node.has("code"):
        if node.has("mix") or node.has("amount"):
            node.fail("a style code cannot be mixed: give `code`, or `mix` and `amount`")
        code = node["code"].array(1, MAX_CODE)
        values = tuple(node["code"].value)  # a message may hold thousands: no Node for each that is right
        if all(type(x) is int and -128 <= x <= 127 for x in values):
            return LayerChoice(item, code=values)
        return LayerChoice(item, code=tuple(x.integer(-128, 127) for x in code))
    if node.has("mix") != node.has("amount"):
        node.fail("`mix` and `amount` belong together")
    if not node.has("mix"):
        return LayerChoice(item)
    return LayerChoice(item, node["mix"].slug(), node["amount"].integer(1, 100))


def check_model(manifest: Manifest, model: str, model_sha256: str) -> None:
    """Raise RecipeError unless that is the very bundle. A prefix of the sha256 is enough."""
    if model != manifest.name:
        raise RecipeError(
            f"the recipe was made with the bundle {model!r}, not with {manifest.name!r}",
            hint=f"open the bundle {model!r} to use it",
        )
    if not model_sha256 or not manifest.sha256.startswith(model_sha256):
        raise RecipeError(
            f"the recipe was made with another version of the bundle {model!r} (sha256 {model_sha256[:12]}...) than this one: "
            f"{manifest.version} (sha256 {manifest.sha256[:12]}...)",
            hint="install that version of the bundle; only it gives the same character",
        )


def check_recipe(manifest: Manifest, recipe: Recipe) -> None:
    """Raise RecipeError unless `recipe` is a complete character of this very bundle, with nothing superfluous."""
    check_model(manifest, recipe.model, recipe.model_sha256)

    def fail(path: str, problem: str, hint: str = "") -> NoReturn:
        raise RecipeError(f"recipe: {path}: {problem}", hint=hint)

    def known(path: str, name: str, names: Collection[str], what: str) -> None:
        if name not in names:
            fail(path, f"there is no {what} {name!r} in the bundle {manifest.name!r}", near(name, names))

    if not 0 <= recipe.seed <= MAX_SEED:
        fail("seed", f"must be from 0 to {MAX_SEED}")
    if not 0 <= recipe.novelty <= 100:
        fail("novelty", "must be from 0 to 100")
    if recipe.archetype:
        known("archetype", recipe.archetype, [x.id for x in manifest.archetypes], "archetype")
    items = manifest.items_by_layer
    for layer, choice in recipe.layers.items():
        known("layers", layer, items, "layer")
        path = f"layers.{layer}"
        known(f"{path}.item", choice.item, items[layer], f"item of layer {layer!r}")
        if choice.code:
            if len(choice.code) != manifest.z_dim or not all(-128 <= c <= 127 for c in choice.code):
                fail(f"{path}.code", f"must be {manifest.z_dim} integers from -128 to 127")
            if choice.mix or choice.amount:
                fail(path, "a style code cannot be mixed")
        elif choice.mix:
            known(f"{path}.mix", choice.mix, items[layer], f"item of layer {layer!r}")
            first, second = items[layer][choice.item], items[layer][choice.mix]
            if choice.mix == choice.item or first.kind != second.kind or first.body != second.body:
                fail(f"{path}.mix", f"{choice.mix!r} is not another item of the same kind and body as {choice.item!r}")
            if not 1 <= choice.amount <= 100:
                fail(f"{path}.amount", "must be from 1 to 100")
        elif choice.amount:
            fail(f"{path}.amount", "must be 0 where there is no mix")
    for required in manifest.layers:
        if required.required and required.id not in recipe.layers:
            fail("layers", f"the layer {required.id!r} is missing; no character is without")
    body = items[BODY_LAYER][recipe.layers[BODY_LAYER].item].body if BODY_LAYER in recipe.layers else ""
    for layer, choice in recipe.layers.items():
        fits = items[layer][choice.item].body
        if fits not in ("", body) and layer != BODY_LAYER:
            fail(f"layers.{layer}.item", f"{choice.item!r} is made for body {fits!r}, this character has body {body!r}")
    worn = worn_groups(manifest, recipe.layers)
    for group, kind in worn.items():
        if group not in recipe.ramps:
            fail("ramps", f"the colour group {group!r} is missing")
        known(f"ramps.{group}", recipe.ramps[group], manifest.ramps_by_kind.get(kind, {}), f"{kind} ramp")
    for group in recipe.ramps:
        if group not in worn:
            fail("ramps", f"no layer of this character is coloured by {group!r}", near(group, worn))


def worn_groups(manifest: Manifest, layers: Mapping[str, LayerChoice]) -> dict[str, str]:
    """Colour group -> kind of ramp, of the layers that are worn, in manifest order."""
    worn = (layer for layer in manifest.layers if layer.id in layers)
    return {m.group: m.kind for layer in worn for m in layer.materials}
