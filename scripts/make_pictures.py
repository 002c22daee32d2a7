#!/usr/bin/env python3
"""Make the pictures of README and docs from the shipped bundle: real output, nothing touched up.

    scripts/make_pictures.py [--bundle NAME_OR_FOLDER] [--out docs/images]

Run it again whenever the bundle changes. The seeds are fixed and were not picked: 1 to 24 for the crowd.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vcg_bridge.contract.character import Character
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.generator import Generator, all_poses
from vcg_bridge.sprites.compose import compose
from vcg_bridge.sprites.contact import contact_sheet, crowd_sheet
from vcg_bridge.sprites.gif import animation_gif
from vcg_bridge.sprites.png import indexed_png, png
from vcg_bridge.sprites.writer import write_files

ROOT = Path(__file__).resolve().parent.parent
CROWD = 24
README_SEED = 7


def draw(generator: Generator, specs: Sequence[DesignSpec], animations: Sequence[str] | None) -> list[Character]:
    """The characters of these specs, in these animations (None: all)."""
    poses = all_poses(generator.manifest, animations)
    recipes = [design(generator.manifest, spec) for spec in specs]
    drawings = generator.draw_many([(recipe, poses) for recipe in recipes])
    return [compose(generator.manifest, drawing) for drawing in drawings]


def crowd(generator: Generator, novelty: float) -> NDArray[np.uint8]:
    """24 characters of all archetypes in turn, seeds 1 to 24."""
    kinds = [a.id for a in generator.manifest.archetypes]
    specs = [DesignSpec(seed=i + 1, archetype=kinds[i % len(kinds)], novelty=novelty) for i in range(CROWD)]
    characters = draw(generator, specs, ["idle", "walk"])
    labels = [f"{c.recipe.archetype} {c.recipe.seed}" for c in characters]
    return crowd_sheet(characters, labels=labels, columns=8, scale=3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default="", help="name or folder (default: the shipped one)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    options = parser.parse_args()
    with Generator(open_bundle(options.bundle), device="cpu", threads=2) as generator:
        manifest = generator.manifest
        (guard,) = draw(generator, [DesignSpec(seed=README_SEED, archetype="guard")], None)
        files = {
            "24-npcs.png": png(crowd(generator, novelty=0.0)),
            "24-npcs-novelty.png": png(crowd(generator, novelty=1.0)),
            "guard-7.contact.png": indexed_png(
                *contact_sheet(guard, manifest, title="guard-7   guard seed 7", scale=1)
            ),
            "guard-7.walk.gif": animation_gif(guard, manifest, "walk", scale=3),
        }
    for path in write_files(options.out, files):
        print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


if __name__ == "__main__":
    main()
