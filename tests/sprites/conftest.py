"""Hand-made drawings of the tiny bundle's layers: no network is involved, every pixel is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest

from tests.support.tiny_bundle import tiny_manifest
from vcg_bridge.contract.character import Character, Drawing, DrawnPart, Placed, Plane, Pose
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.recipe import LayerChoice, Recipe
from vcg_bridge.sprites.compose import compose

ITEMS = {
    "body": "body-02-broad",
    "hair": "long-01-braid",
    "torso": "coat-01.m",
    "sword": "sword-01-short",
}
RAMPS = {"skin": "olive", "hair": "raven", "torso": "wine", "sword": "brass"}

Draw = Callable[..., Drawing]


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    return tiny_manifest()


def recipe_of(items: dict[str, str], ramps: dict[str, str] | None = None) -> Recipe:
    choices = {layer: LayerChoice(item) for layer, item in items.items()}
    return Recipe("tiny", "0" * 64, 7, "guard", 0, choices, RAMPS if ramps is None else ramps)


def poses_of(manifest: Manifest, animations: Iterable[str]) -> list[Pose]:
    return [
        Pose(a.id, direction, frame)
        for a in manifest.animations
        if a.id in animations
        for direction in a.directions
        for frame in range(a.frames)
    ]


def blob(classes: int, view: int, height: int, width: int) -> Plane:
    """A figure that differs from view to view: an ellipse in stripes of all classes."""
    y, x = np.mgrid[0:height, 0:width]
    inside = ((2 * y - height + 1) / height) ** 2 + ((2 * x - width + 1) / width) ** 2 <= 0.8
    stripes = 1 + (x // 3 + y // 4 + view) % (classes - 1)
    return np.where(inside, stripes, 0).astype(np.uint8)


def draw(manifest: Manifest, animations: Iterable[str] = ("walk", "idle", "climb", "combat-slash")) -> Drawing:
    """Every layer of ITEMS in the views and places of the manifest's pose tables."""
    recipe = recipe_of(ITEMS)
    wanted = set(poses_of(manifest, animations))
    parts = []
    for layer_id, choice in recipe.layers.items():
        layer, item = manifest.layer(layer_id), manifest.item(layer_id, choice.item)
        for table in layer.parts:
            if table.part not in item.parts:
                continue
            network = manifest.network(table.network)
            planes = [blob(layer.classes, view, network.height, network.width) for view in range(network.views)]
            mirrored = [np.ascontiguousarray(plane[:, ::-1]) for plane in planes]
            placed = {}
            for animation, rows in table.poses.items():
                for row, direction in enumerate(manifest.animation(animation).directions):
                    for frame, (view, x, y, flip) in enumerate(rows[row].tolist()):
                        pose = Pose(animation, direction, frame)
                        if view >= 0 and pose in wanted:
                            placed[pose] = Placed(x, y, (mirrored if flip else planes)[view])
            z = item.z if item.z is not None and table.part == "front" else table.z
            parts.append(DrawnPart(layer_id, table.part, z, layer.frame_size, placed))
    return Drawing(recipe, tuple(parts), 1.0, 0)


@pytest.fixture(scope="session")
def drawing(manifest: Manifest) -> Drawing:
    return draw(manifest)


@pytest.fixture(scope="session")
def character(manifest: Manifest, drawing: Drawing) -> Character:
    return compose(manifest, drawing)
