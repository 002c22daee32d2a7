"""Recipes, palettes and characters at run time, in a real Godot: cache, server, colours, and words where it fails."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from tests.godot.conftest import GodotProject
from tests.server.conftest import config, running
from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.client import Client
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.character import Character
from vcg_bridge.contract.errors import RecipeError
from vcg_bridge.contract.recipe import LayerChoice, Recipe
from vcg_bridge.contract.recipe_io import parse_recipe, recipe_bytes, recipe_sha256
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.sprites.palette import palette_of

pytestmark = [pytest.mark.godot, pytest.mark.socket]

DEAD = "tcp://127.0.0.1:1"

GOOD = Recipe(
    "tiny", "0" * 64, 2**63 - 1, "", 100,
    {"hair": LayerChoice("short-01-buzz", "short-02-cowlick", 40), "body": LayerChoice("body", code=(-128, 0, 127))},
    {"skin": "olive", "hair": "raven"},
)  # fmt: skip


def cases() -> list[bytes]:
    """Recipe files, good and bad."""
    text = recipe_bytes(GOOD).decode()
    bad = [
        (":100,", ":101,"), ('"format":1', '"format":2'), ('"format":1', '"format":1.0'), ('"format":1,', ""), ("127]", "128]"),
        ('"seed":9223372036854775807', '"seed":9223372036854775808'), ('"seed":9223372036854775807', '"seed":-1'),
        ('"seed":9223372036854775807', '"seed":"7"'), ('"model":"tiny"', '"model":"Tiny"'), ("0000", "000g"), ("{", "["),
        ('"amount":40,', ""), ('"amount":40', '"amount":0'), ('"novelty":100', '"novelty":100,"novelty":100'),
        ('"novelty":100', '"novelty":NaN'), ('"novelty":100', '"novelty":true'), ('"skin":"olive"', '"skin":null'),
        ('"archetype":""', '"archetype":"a..b"'), ('"archetype":""', '"archetype":"","extra":1'), ("}", ""), ("}", "}}"),
        ('"item":"body"', '"mix":"x","amount":1,"item":"body"'), ("[-128,0,127]", "[]"), ("[-128,0,127]", "{}"), (",", ",,"),
        ('"novelty":100', '"novelty":0100'), ('"novelty":100', '"novelty":1e2'), ("olive", "ol\\u00efve"), ("olive", "olïve"),
    ]  # fmt: skip
    good = [("{", " {\r\n\t"), ("olive", "ol\\u0069ve"), ('"archetype":""', '"archetype":"guard"'), (":", " : ")]
    found = [text, "\ufeff" + text, "", "null", "[" * 5000, *(text.replace(old, new, 1) for old, new in bad + good)]
    return [case.encode() for case in found] + [b"\xff\xfe", text.encode().replace(b"olive", b"ol\x00ve")]


@dataclass
class Seen:
    """What runtime_checks.gd saw."""

    results: dict[str, Any]
    cases: list[bytes]
    shown: list[Character]
    ginger: list[bytes]  # the palettes of those with ginger hair
    palettes: list[bytes]  # expected


@pytest.fixture(scope="module")
def seen(godot_template: GodotProject, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("runtime")
    project = GodotProject(godot_template.godot, folder / "project", folder / "home")
    shutil.copytree(godot_template.path, project.path)
    bundle = write_tiny_bundle(folder / "tiny")
    tiny, shipped = open_bundle(str(bundle)), open_bundle("")
    parts, palettes = [], []
    with running(config(bundles=(str(bundle), ""))) as server:
        for which in (tiny, shipped):
            tasks = []
            for seed in range(12):
                recipe = design(which.manifest, DesignSpec(seed=seed))
                ramps = {
                    group: which.manifest.ramps_of(which.manifest.groups[group])[seed % 4 - 2].id
                    for group in recipe.ramps
                }
                palettes.append(palette_of(which.manifest, replace(recipe, ramps=ramps)).tobytes())
                palette = palette_of(which.manifest, recipe).tobytes()
                tasks.append({"palette": palette.hex(), "ramps": list(ramps.items())})
            parts.append({"model": which.manifest.name, "tasks": tasks})
        with Client.connect(server.address) as client:
            shown = [client.generate_character(design=m.Design(seed=x)).character() for x in range(4)]
        for i in range(24):
            recipe = design(tiny.manifest, DesignSpec(seed=100 + i))
            (project.path / f"crowd{i}.vcg.json").write_bytes(recipe_bytes(recipe))
        for i, character in enumerate(shown):
            (project.path / f"shown{i}.vcg.json").write_bytes(recipe_bytes(character.recipe))
        job = {
            "address": server.address, "dead": DEAD, "palettes": parts, "recipes": [case.hex() for case in cases()],
            "show": [f"res://shown{i}.vcg.json" for i in range(4)], "crowd": [f"res://crowd{i}.vcg.json" for i in range(24)],
        }  # fmt: skip
        project.write("job.json", json.dumps(job))
        project.run_script("res://tests/runtime_checks.gd", "res://job.json", "res://results.json")
    ginger = []
    for character in shown:
        ramps = dict(character.recipe.ramps)
        if "hair" in ramps:
            ramps["hair"] = "ginger"
        ginger.append(palette_of(tiny.manifest, replace(character.recipe, ramps=ramps)).tobytes())
    return Seen(json.loads((project.path / "results.json").read_text()), cases(), shown, ginger, palettes)


def test_recipes_are_read_as_in_python(seen: Seen) -> None:
    refused = 0
    for case, found in zip(seen.cases, seen.results["recipes"], strict=True):
        recipe, problem = read(case)
        if recipe is not None:
            assert found["problem"] == "", case[:400]
            assert found["json"].encode() == recipe_bytes(recipe)
            assert found["sha256"] == recipe_sha256(recipe)
            continue
        refused += 1
        assert found["code"] == "recipe", case[:400]
        if not any(x in problem for x in ("is not valid JSON", "nested", "ï")):
            assert found["problem"].replace("'", '"').removesuffix(".0") == problem.replace("'", '"').removesuffix(".0")
    assert 20 < refused < len(seen.cases) - 4


def read(case: bytes) -> tuple[Recipe | None, str]:
    """What Python makes of a recipe file."""
    try:
        return parse_recipe(case, "case"), ""
    except RecipeError as error:
        return None, error.message


def test_colours_change_without_the_server_to_what_the_server_would_give(seen: Seen) -> None:
    for found, expected in zip(seen.results["palettes"], seen.palettes, strict=True):
        assert (found["problem"], found["untouched"], found["texture"]) == ("", True, True)
        assert found["palette"] == expected.hex()


@pytest.mark.parametrize("source", ["first", "offline"])
def test_a_character_shows_what_the_server_draws(seen: Seen, source: str) -> None:
    for found, character, ginger in zip(seen.results[source], seen.shown, seen.ginger, strict=True):
        assert (found["before"], found["state"], found["solid"], found["error"]) == ("loading", "shown", "shown", "")
        wanted: dict[str, list[str]] = {}
        for pose, plane in character.frames.items():
            if pose.animation in ("walk", "idle"):
                wanted.setdefault(f"{pose.animation}_{pose.direction}", []).append(plane.tobytes().hex())
        assert {name: clip["frames"] for name, clip in found["clips"].items()} == wanted
        assert found["clips"]["walk_up"]["fps"] == 8.0
        rows = np.nonzero(character.frames[next(p for p in character.frames if p[:2] == ("walk", "down"))])[0]
        assert abs(found["feet"] - (rows.max() + 1 - 16)) <= 1, (
            "the first picture that came may be of another animation"
        )
        assert found["material"]
        assert found["mesh"] == [32, 32]
        assert sorted(found["played"]) == [0, 1, 2]
        assert (found["ramp"], found["palette"]) == ("", ginger.hex())
        assert found["unknown"].startswith('There is no colour group "tail". It is one of: ')


def test_a_damaged_cache_is_not_shown(seen: Seen) -> None:
    for found in seen.results["damaged"]:
        assert (found["state"], found["solid"]) == ("failed", "failed")
        assert f"No VCG Bridge server at {DEAD}" in found["error"]
        assert "clips" not in found


def test_more_characters_than_a_server_takes_at_once(seen: Seen) -> None:
    assert seen.results["crowd"] == ["shown"] * 24


def test_the_cache_is_bounded(seen: Seen) -> None:
    found = seen.results["cache"]
    assert 30_000 < found["most"] <= 40_000
    assert (found["last"], found["cleared"], found["missing"]) == (True, True, True)


def test_characters_share_a_loader_and_say_why_they_fail(seen: Seen) -> None:
    found = seen.results["shared"]
    assert found["loaders"] == 1
    assert f"No VCG Bridge server at {DEAD}" in found["error"]
    assert (found["state"], found["broken"]) == (
        "failed", 'nonsense: the field "format" is missing. Use the recipe as VCG Bridge wrote it.',
    )  # fmt: skip
