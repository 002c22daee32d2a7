"""One drawing of a layer as every feature network sees it: RGBA in the layer's colours, on one square canvas.

All items of a layer wear the same ramps here. A pack has each item in one colour, often a different one, and colour is the palette's work,
not the generator's (DESIGN.md section 4): left in, a network would know an item by its colour, and no fault of the drawing could hide it.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from training.layers.data import GroupData
from training.packs.neutral import Pack

CANVAS = 48
"""Side of the canvas, pixels. Bodies and all garments fit; larger windows (wings, swords) are reduced by a whole number."""

STRAY = (255, 0, 255)
"""Colour of a class that the item's layer does not have: a fault, made visible."""

Palettes = NDArray[np.uint8]
"""uint8 [items, classes, 4]: RGBA of every class, per row of a group."""


def palettes(pack: Pack, data: GroupData) -> Palettes:
    """The colours in which each row of a group is rendered: the same for all items of a layer."""
    table = np.zeros((len(data.items), data.classes, 4), np.uint8)
    table[:, 1:] = (*STRAY, 255)
    by_layer = {layer: layer_colours(pack, layer) for layer in {layer for layer, _ in data.items}}
    for row, (layer, _) in enumerate(data.items):
        colours = by_layer[layer]
        table[row, 1 : 1 + len(colours), :3] = colours
    return table


def layer_colours(pack: Pack, layer_id: str) -> NDArray[np.uint8]:
    """uint8 [classes - 1, 3] RGB of a layer's opaque classes: the ramps with the widest range from light to dark, on which shading shows most."""
    layer = pack.layer(layer_id)
    items = [x for x in pack.items if x.layer == layer_id]
    colours: list[tuple[int, int, int]] = []
    for material in layer.materials:
        ramps = [r.colours[: material.shades] for r in pack.ramps if r.kind == material.kind]
        colours += list(max(ramps, key=lambda ramp: abs(sum(ramp[0]) - sum(ramp[-1]))))
    fixed = max((x.fixed for x in items), key=len, default=())
    colours += [*fixed, *[(255, 255, 255)] * (layer.fixed - len(fixed))]
    return np.array(colours, np.uint8).reshape(-1, 3)


def render(colours: Palettes, planes: NDArray[np.uint8], item: NDArray[np.int64]) -> NDArray[np.uint8]:
    """uint8 [N, CANVAS, CANVAS, 4], alpha premultiplied, of planes uint8 [N, h, w] in the colours of rows `item` [N]."""
    n, h, w = planes.shape
    picture = colours[item[:, None, None], planes]
    factor = math.ceil(max(h, w) / CANVAS)
    if factor > 1:
        size = (w // factor, h // factor)
        picture = np.stack([cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in picture]) if n else picture
        h, w = size[1], size[0]
    canvas = np.zeros((n, CANVAS, CANVAS, 4), np.uint8)
    y, x = (CANVAS - h) // 2, (CANVAS - w) // 2
    canvas[:, y : y + h, x : x + w] = picture[:, :h, :w]
    return canvas
