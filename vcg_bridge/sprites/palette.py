"""Colour: from a recipe's ramps to the 256 colours of its frames. Pixels never change, only what a slot looks like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vcg_bridge.contract.character import Character
from vcg_bridge.contract.errors import BadRequest, near
from vcg_bridge.contract.manifest import Item, Layer, Manifest, Ramp
from vcg_bridge.contract.recipe import Recipe

Palette = NDArray[np.uint8]
"""uint8 [256, 4] RGBA, slot -> colour."""

RGB = tuple[int, int, int]

OUTLINE_SLOT = 255
SHADOW_SLOT = 254
"""Slots that effects take for themselves, from the upper end; layers take theirs from the lower."""


@dataclass(frozen=True)
class Slot:
    """One palette index and what it stands for."""

    index: int
    layer: str
    group: str  # colour group, "" for a fixed colour
    shade: int  # 0-based, light to dark; for a fixed colour its number

    @property
    def name(self) -> str:
        """For people: `hair/hair/0`, `head/fixed/2`."""
        return f"{self.layer}/{self.group or 'fixed'}/{self.shade}"


def slots(manifest: Manifest) -> tuple[Slot, ...]:
    """Every slot of the bundle's layers, by index. Slot 0 (transparent) is not among them."""
    found = []
    for layer in manifest.layers:
        index = manifest.slot_base[layer.id]
        for group, shade in _classes(layer):
            found.append(Slot(index, layer.id, group, shade))
            index += 1
    return tuple(found)


def palette_of(manifest: Manifest, recipe: Recipe) -> Palette:
    """The colours of a recipe. Slots of layers that it does not wear stay (0, 0, 0, 0).

    A group without a ramp takes the one the artist used. A fixed slot that the item does not use, where a drawing error
    may still put a pixel, takes the item's darkest fixed colour (its outline), or else the darkest shade of the layer.
    Raises BadRequest for an unknown layer, item or ramp.
    """
    palette = np.zeros((256, 4), np.uint8)
    for layer_id, choice in recipe.layers.items():
        layer = manifest.layer(layer_id)
        item = manifest.item(layer_id, choice.item)
        colours = _shade_colours(manifest, recipe, layer, item)
        spare = min(item.fixed or colours or [(0, 0, 0)], key=_brightness)
        colours += [item.fixed[i] if i < len(item.fixed) else spare for i in range(layer.fixed)]
        base = manifest.slot_base[layer_id]
        if colours:
            palette[base : base + len(colours), :3] = colours
            palette[base : base + len(colours), 3] = 255
    return palette


def recolour(character: Character, manifest: Manifest, ramps: Mapping[str, str]) -> Character:
    """The same frames (not copied) in other colours.

    ramps: colour group -> ramp id; groups that are not named keep theirs. The recipe changes with the colours. What
    effects have added (outline, shadow) keeps its colour. Raises BadRequest for a group that the character does not
    wear and for an unknown ramp, with near names.
    """
    worn = {m.group for layer_id in character.recipe.layers for m in manifest.layer(layer_id).materials}
    for group, ramp_id in ramps.items():
        if group not in worn:
            raise BadRequest(
                f"this character has no colour group {group!r}",
                hint=near(group, worn) or f"it has: {', '.join(g for g in manifest.groups if g in worn)}",
            )
        manifest.ramp(manifest.groups[group], ramp_id)
    recipe = replace(character.recipe, ramps={**character.recipe.ramps, **ramps})
    palette = palette_of(manifest, recipe)
    first_free = 1 + len(slots(manifest))
    palette[first_free:] = character.palette[first_free:]
    return Character(recipe, character.frames, palette)


def claim_slot(character: Character, manifest: Manifest, slot: int, colour: tuple[int, int, int, int]) -> Palette:
    """A copy of the character's palette in which an effect's slot has that RGBA colour.

    Raises BadRequest where the slot belongs to a layer.
    """
    used = len(slots(manifest))
    if not used < slot <= 255:
        raise BadRequest(
            f"palette slot {slot} is not free: the layers of {manifest.name!r} take 1 to {used}",
            hint=f"choose one from {used + 1} to 255" if used < 255 else "this model leaves no slot free for effects",
        )
    palette = character.palette.copy()
    palette[slot] = colour
    return palette


def rgba(plane: NDArray[np.uint8], palette: Palette) -> NDArray[np.uint8]:
    """uint8 [H, W, 4] picture of an index plane."""
    return palette[plane]


def _classes(layer: Layer) -> list[tuple[str, int]]:
    shades = [(material.group, i) for material in layer.materials for i in range(material.shades)]
    return shades + [("", i) for i in range(layer.fixed)]


def _shade_colours(manifest: Manifest, recipe: Recipe, layer: Layer, item: Item) -> list[RGB]:
    colours: list[RGB] = []
    for material in layer.materials:
        ramp = _ramp(manifest, material.kind, recipe.ramps.get(material.group) or item.ramps.get(material.group))
        last = len(ramp.colours) - 1
        colours += [ramp.colours[min(i, last)] for i in range(material.shades)]
    return colours


def _ramp(manifest: Manifest, kind: str, ramp_id: str | None) -> Ramp:
    if ramp_id is not None:
        return manifest.ramp(kind, ramp_id)
    ramps = manifest.ramps_of(kind)
    if not ramps:
        raise BadRequest(f"the model {manifest.name!r} has no {kind} ramp")
    return ramps[0]


def _brightness(colour: RGB) -> int:
    return 299 * colour[0] + 587 * colour[1] + 114 * colour[2]
