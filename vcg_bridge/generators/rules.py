"""What the items of one character do to each other: which layers are hidden, which items fit, what is mixed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vcg_bridge.contract.manifest import CODE_SCALE, Item, Manifest
from vcg_bridge.contract.recipe import LayerChoice, Recipe


def hundredths_of(manifest: Manifest, choice: LayerChoice, layer: str) -> NDArray[np.int32]:
    """The style code in hundredths of an int8 step, int32 [z_dim]; of a mixture rounded to whole ones.

    A mixture of a and b with weights 1 - t and t is ((1 - t) a + t b) / sqrt((1 - t)^2 + t^2): as far from the middle of style space as items
    are. Plain sums lie nearer to it, where nothing was ever drawn, and come out frayed (docs/adr/0008-mixtures-keep-their-length.md).
    Root and quotient of IEEE doubles are correctly rounded, so the result is the same everywhere.
    """
    if choice.code:
        return np.array(choice.code, np.int32) * 100
    code = np.array(manifest.item(layer, choice.item).code, np.int32)
    if not choice.mix:
        return code * 100
    other = np.array(manifest.item(layer, choice.mix).code, np.int32)
    first, second = 100 - choice.amount, choice.amount
    total = (code * first + other * second) * 100
    kept: NDArray[np.int32] = np.rint(total / np.sqrt(np.float64(first * first + second * second))).astype(np.int32)
    return kept


def code_of(manifest: Manifest, choice: LayerChoice, layer: str) -> NDArray[np.float32]:
    """The style code a network reads, float32 [z_dim]. Codes are int8 / CODE_SCALE; the same bits everywhere."""
    # both numbers are exact in float32 (below 2**24), so the quotient is the correctly rounded one
    return hundredths_of(manifest, choice, layer).astype(np.float32) / np.float32(100 * CODE_SCALE)


def hidden_layers(manifest: Manifest, layers: Mapping[str, LayerChoice]) -> frozenset[str]:
    """Layers that something worn hides, or that lack what they need. They stay in the recipe: taking the helmet off brings
    the hair back, putting it on the plume."""
    worn = [manifest.item(layer, choice.item) for layer, choice in layers.items()]
    hidden = {layer for item in worn for layer in item.hides}
    return frozenset(
        hidden | {item.layer for item in worn if not hidden.isdisjoint(item.needs) or not item.needs_met(layers)}
    )


def visible_layers(manifest: Manifest, recipe: Recipe) -> tuple[str, ...]:
    """Layers of the recipe that are drawn, in manifest order."""
    hidden = hidden_layers(manifest, recipe.layers)
    return tuple(x.id for x in manifest.layers if x.id in recipe.layers and x.id not in hidden)


def compatible(item: Item, other: Item, seen: bool) -> bool:
    """Whether `item` can be drawn for a character that wears `other`. `seen`: `other` must stay visible."""
    if other.layer in item.hides:
        return not seen
    if item.layer in other.hides:
        return True  # it is in the recipe, and shows when `other` comes off
    inner_fits = item.id in other.allows.get(item.layer, (item.id,))
    return inner_fits and other.id in item.allows.get(other.layer, (other.id,))


def partners(manifest: Manifest, item: Item) -> tuple[Item, ...]:
    """Items whose style can be mixed into this one's.

    Only the same garment of the same body, with the same parts and fixed colours: what lies between a shirt and a dress,
    or between a braid and no braid, is no drawing.
    """
    return tuple(
        x
        for x in manifest.items_of(item.layer)
        if x.id != item.id
        and (x.kind, x.body, sorted(x.parts), len(x.fixed))
        == (item.kind, item.body, sorted(item.parts), len(item.fixed))
    )


def classes_of(manifest: Manifest, item: Item) -> int:
    """How many of the layer's classes this item can show: its fixed colours come last, and unused ones are never drawn."""
    layer = manifest.layer(item.layer)
    return layer.classes - layer.fixed + len(item.fixed)
