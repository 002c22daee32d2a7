"""Normal maps for 2D lighting, from nothing but index planes.

Convention: RGB8, X+ right, Y+ up (OpenGL; what Godot and Unity expect), flat blue (128, 128, 255) where transparent.
All sums are of whole numbers and the only rounding is one IEEE square root and division: the same bytes everywhere.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vcg_bridge.contract.character import Character, Plane, Pose
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.sprites.palette import Palette, slots

FLAT = (128, 128, 255)
UNIT = 64  # steps of height per pixel
BEVEL = 7  # pixels from the silhouette's edge over which the figure is rounded
RELIEF = 2.0  # pixels of height between the darkest and the lightest shade


def normal_maps(character: Character, manifest: Manifest, *, strength: float = 1.0) -> dict[Pose, NDArray[np.uint8]]:
    """Pose -> uint8 [H, W, 3] normal map. strength: slope of the relief, 0 is flat."""
    relief = relief_of(manifest, character.palette)
    return {pose: normal_map(plane, relief, strength=strength) for pose, plane in character.frames.items()}


def relief_of(manifest: Manifest, palette: Palette) -> NDArray[np.int32]:
    """int32 [256]: height that a slot adds, in 1/UNIT pixels. Light shades stand out, dark ones and outlines lie deep.

    The order of the shades counts, not their colours: a recoloured character keeps its normal map. Fixed colours, which
    no ramp changes, count by their brightness.
    """
    heights = np.zeros(256, np.int32)
    shades = {(layer.id, material.group): material.shades for layer in manifest.layers for material in layer.materials}
    for slot in slots(manifest):
        if slot.group:
            last = shades[slot.layer, slot.group] - 1
            share = 1 - slot.shade / last if last else 0.5
        else:
            red, green, blue = (int(c) for c in palette[slot.index, :3])
            share = (299 * red + 587 * green + 114 * blue) / 255_000
        heights[slot.index] = round(share * RELIEF * UNIT)
    return heights


def normal_map(plane: Plane, relief: NDArray[np.int32], *, strength: float = 1.0) -> NDArray[np.uint8]:
    """uint8 [H, W] slots -> uint8 [H, W, 3]: the silhouette is rounded like a cushion and the shades are carved in it."""
    opaque = plane > 0
    result = np.empty((*plane.shape, 3), np.uint8)
    result[:] = FLAT
    if not opaque.any():
        return result
    height = _smooth(np.where(opaque, _cushion(opaque) + relief[plane], 0).astype(np.float32))
    # Scharr's weights 3, 10, 3 over two pixels, and 16 of the smoothing: one pixel of slope is 32 * 16 * UNIT
    slope = strength / (32 * 16 * UNIT)
    right = cv2.Scharr(height, cv2.CV_32F, 1, 0, borderType=cv2.BORDER_CONSTANT).astype(np.float64) * slope
    down = cv2.Scharr(height, cv2.CV_32F, 0, 1, borderType=cv2.BORDER_CONSTANT).astype(np.float64) * slope
    normal = np.stack([-right, down, np.ones_like(right)], axis=-1)  # rows run downwards, Y upwards: signs cancel
    normal /= np.sqrt(right * right + down * down + 1)[..., None]
    encoded = np.clip(np.rint(normal * 127.5 + 127.5), 0, 255).astype(np.uint8)
    result[opaque] = encoded[opaque]
    return result


def _cushion(opaque: NDArray[np.bool_]) -> NDArray[np.int64]:
    """int64 [H, W]: a quarter circle of height over the distance to the edge, in 1/UNIT pixels."""
    padded = cv2.copyMakeBorder(opaque.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(0,))
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    steps = np.minimum(np.rint(distance * 16).astype(np.int64), BEVEL * 16)  # rounded: its last bits are the library's
    table = np.arange(BEVEL * 16 + 1) / 16.0
    circle = np.rint(UNIT * np.sqrt(BEVEL**2 - (BEVEL - table) ** 2) * 0.75).astype(np.int64)
    return circle[steps]


def _smooth(height: NDArray[np.float32]) -> NDArray[np.float32]:
    """Binomial 3x3, times 16. Whole numbers below 2**24 in float32: exact in any order of summing."""
    kernel = np.array([1, 2, 1], np.float32)
    return np.asarray(cv2.sepFilter2D(height, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_CONSTANT), np.float32)
