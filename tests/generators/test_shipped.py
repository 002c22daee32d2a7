"""The bundle in the wheel: whole, in keeping with its own rules, drawn the same in every way."""

from __future__ import annotations

import csv

import numpy as np
import onnxruntime as ort
import pytest

from vcg_bridge.contract.manifest_io import dump_manifest, load_manifest
from vcg_bridge.contract.recipe_io import check_recipe
from vcg_bridge.contract.recipe_text import recipe_from_text, recipe_text
from vcg_bridge.generators.bundle import DEFAULT_BUNDLE, Bundle, open_bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.exact import TAU, ExactNetwork, decide, largest_around
from vcg_bridge.generators.generator import Generator, all_poses
from vcg_bridge.generators.rules import visible_layers

Drawn = dict[int, list[tuple[str, str, int, int, bytes]]]
"""Number of the recipe: layer, part, x, y and classes of each view that is placed."""


def _why_no_gpu() -> str:
    """Why CUDA cannot be used here, "" where it can."""
    with Generator(open_bundle(DEFAULT_BUNDLE)) as generator:
        return generator.device_note


WHY_NO_GPU = _why_no_gpu()


def test_it_is_whole_and_written_as_we_write(shipped: Bundle) -> None:
    data = (shipped.folder / "manifest.json").read_bytes()
    assert dump_manifest(load_manifest(shipped.folder)) == data
    assert {"CREDITS.csv", "MODEL_CARD.md"} <= set(shipped.manifest.files)


def test_every_credit_of_every_item_has_a_line(shipped: Bundle) -> None:
    with (shipped.folder / "CREDITS.csv").open(newline="", encoding="utf-8") as file:
        lines = {row["key"]: row for row in csv.DictReader(file)}
    for item in shipped.manifest.items:
        assert item.credits, item.id
        for key in item.credits:
            assert lines[key]["artists"], key
            assert lines[key]["licence"], key


def test_it_has_what_was_promised(shipped: Bundle) -> None:
    manifest = shipped.manifest
    titles = {x.id for x in manifest.animations}
    body = {
        "walk",
        "run",
        "idle",
        "jump",
        "climb",
        "combat-idle",
        "combat-slash",
        "combat-halfslash",
        "combat-backslash",
    }
    assert body | {"emotes", "sitting"} <= titles
    assert len(manifest.archetypes) >= 8
    assert len({x.body for x in manifest.items_of("body")}) == 2


@pytest.mark.parametrize("novelty", [0.0, 1.0])
def test_a_thousand_characters_are_valid(shipped: Bundle, novelty: float) -> None:
    manifest = shipped.manifest
    texts = set()
    for archetype in manifest.archetypes:
        for seed in range(500 // len(manifest.archetypes)):
            recipe = design(manifest, DesignSpec(seed=seed, archetype=archetype.id, novelty=novelty))
            check_recipe(manifest, recipe)
            text = recipe_text(manifest, recipe)
            assert len(text) <= 120
            texts.add(text)
            for layer in visible_layers(manifest, recipe):
                for other, allowed in manifest.item(layer, recipe.layers[layer].item).allows.items():
                    if other in visible_layers(manifest, recipe):
                        assert recipe.layers[other].item in allowed
    assert len(texts) > 450
    assert recipe_from_text(manifest, text) == recipe


@pytest.mark.parametrize(
    "device", ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(WHY_NO_GPU != "", reason=WHY_NO_GPU))]
)
def test_the_same_bytes_however_it_is_drawn(shipped: Bundle, device: str) -> None:
    manifest = shipped.manifest
    poses = list(all_poses(manifest, ["idle", "climb"]))
    recipes = [design(manifest, DesignSpec(seed=s, novelty=1)) for s in range(6)]

    def drawn(device: str, threads: int, batch: int, order: list[int]) -> Drawn:
        with Generator(shipped, device, threads=threads, batch=batch) as generator:
            drawings = generator.draw_many([(recipes[i], poses) for i in order])
        return {
            i: [
                (part.layer, part.part, p.x, p.y, p.classes.tobytes())
                for part in drawing.parts
                for _, p in sorted(part.placed.items())
            ]
            for i, drawing in zip(order, drawings, strict=True)
        }

    expected = drawn("cpu", 1, 1, [0, 1, 2, 3, 4, 5])
    assert drawn(device, 2, 16, [5, 2, 0, 1, 4, 3]) == expected
    poses.reverse()
    assert drawn(device, 1, 100, [3, 4, 5, 0, 1, 2]) == expected


def test_float32_is_as_good_as_the_tie_rule_needs(shipped: Bundle) -> None:
    """On a few views of every network; benchmarks/ties.py does it over millions of pixels."""
    rng = np.random.default_rng(0)
    manifest = shipped.manifest
    for network in manifest.networks:
        data = (shipped.folder / network.file).read_bytes()
        codes = (rng.integers(-100, 101, (4, manifest.z_dim)) / 32).astype(np.float32)
        views = rng.integers(0, network.views, 4)
        truth = ExactNetwork(network, data, network.file).logits(codes, views)
        feed = {network.code_input: codes, network.view_input: views}
        logits = ort.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, feed)[0]
        noise = np.ptp(logits - truth, axis=1) / largest_around(np.abs(truth).max(axis=1))
        assert noise.max() < TAU / 5, network.id  # of all classes; those that matter are below TAU / 20
        rough, right = decide(logits, network.classes), decide(truth, network.classes, exact=True)
        sure = ~rough.doubtful
        np.testing.assert_array_equal(rough.classes[sure], right.classes[sure])
