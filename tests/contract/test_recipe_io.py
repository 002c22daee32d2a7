"""Recipes: three lossless forms, and a clear error for everything that is not a recipe of this bundle."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.contract.errors import RecipeError
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.manifest_io import load_manifest
from vcg_bridge.contract.recipe import LayerChoice, Recipe
from vcg_bridge.contract.recipe_io import (
    check_recipe,
    parse_recipe,
    recipe_bytes,
    recipe_from_dict,
    recipe_sha256,
    recipe_to_dict,
    worn_groups,
)
from vcg_bridge.contract.recipe_text import PREFIX, is_recipe_text, recipe_from_text, recipe_text, text_model


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return load_manifest(write_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny"))


@pytest.fixture
def recipe(manifest: Manifest) -> Recipe:
    return Recipe(
        model="tiny",
        model_sha256=manifest.sha256,
        seed=7,
        archetype="guard",
        novelty=35,
        layers={
            "body": LayerChoice("body-02-broad"),
            "hair": LayerChoice("short-01-buzz", "short-03-parted", 30),
            "torso": LayerChoice("coat-01.m", code=(1, -128, 127, 0, 5, 6, 7, -8)),
        },
        ramps={"skin": "umber", "hair": "ginger", "torso": "moss"},
    )


@st.composite
def recipes(draw: st.DrawFn, manifest: Manifest) -> Recipe:
    """Any complete character of the bundle."""
    body = draw(st.sampled_from(manifest.items_of("body")))
    layers = {}
    for layer in manifest.layers:
        if not layer.required and draw(st.booleans()):
            continue
        items = [x for x in manifest.items_of(layer.id) if x.body in ("", body.body)]
        item = body if layer.id == "body" else draw(st.sampled_from(items))
        others = [x.id for x in items if (x.kind, x.body) == (item.kind, item.body) and x.id != item.id]
        how = draw(st.sampled_from(("pure", "mix", "code") if others else ("pure", "code")))
        if how == "mix":
            layers[layer.id] = LayerChoice(item.id, draw(st.sampled_from(others)), draw(st.integers(1, 100)))
        elif how == "code":
            code = draw(st.lists(st.integers(-128, 127), min_size=manifest.z_dim, max_size=manifest.z_dim))
            layers[layer.id] = LayerChoice(item.id, code=tuple(code))
        else:
            layers[layer.id] = LayerChoice(item.id)
    ramps = {
        group: draw(st.sampled_from([x.id for x in manifest.ramps_of(kind)]))
        for group, kind in worn_groups(manifest, layers).items()
    }
    archetype = draw(st.sampled_from(["", *(x.id for x in manifest.archetypes)]))
    seed, novelty = draw(st.integers(0, 2**63 - 1)), draw(st.integers(0, 100))
    return Recipe(manifest.name, manifest.sha256, seed, archetype, novelty, layers, ramps)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_every_recipe_survives_its_three_forms(manifest: Manifest, data: st.DataObject) -> None:
    recipe = data.draw(recipes(manifest))
    check_recipe(manifest, recipe)
    raw = recipe_bytes(recipe)
    assert parse_recipe(raw) == recipe
    assert recipe_bytes(parse_recipe(raw)) == raw
    assert recipe_from_dict(recipe_to_dict(recipe)) == recipe
    text = recipe_text(manifest, recipe)
    assert recipe_from_text(manifest, text) == recipe
    assert text.isascii()


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_damaged_text_passes(manifest: Manifest, data: st.DataObject) -> None:
    text = recipe_text(manifest, data.draw(recipes(manifest)))
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(max_codepoint=0x2FF).filter(lambda c: c != text[at]))
    how = data.draw(st.sampled_from(("change", "cut", "insert")))
    damaged = {"change": text[:at] + other + text[at + 1 :], "cut": text[:at], "insert": text[:at] + other + text[at:]}[
        how
    ]
    if damaged.strip() == text:
        return
    with pytest.raises(RecipeError):
        recipe_from_text(manifest, damaged)


@settings(max_examples=300, deadline=None)
@given(raw=st.binary(max_size=200))
def test_no_bytes_end_in_another_error(manifest: Manifest, raw: bytes) -> None:
    with pytest.raises(RecipeError):
        parse_recipe(raw)
    with pytest.raises(RecipeError):
        recipe_from_text(manifest, raw.decode("latin-1"))


def test_canonical_json_is_this_and_stays_so(recipe: Recipe) -> None:
    expected = (
        '{"archetype":"guard","format":1,"layers":{"body":{"item":"body-02-broad"},'
        '"hair":{"amount":30,"item":"short-01-buzz","mix":"short-03-parted"},'
        '"torso":{"code":[1,-128,127,0,5,6,7,-8],"item":"coat-01.m"}},"model":"tiny","model_sha256":"SHA",'
        '"novelty":35,"ramps":{"hair":"ginger","skin":"umber","torso":"moss"},"seed":7}'
    )
    assert recipe_bytes(recipe).decode().replace(recipe.model_sha256, "SHA") == expected
    shuffled = replace(recipe, layers=dict(reversed(recipe.layers.items())), ramps=dict(reversed(recipe.ramps.items())))
    assert recipe_sha256(shuffled) == recipe_sha256(recipe)
    assert recipe_sha256(replace(recipe, seed=8)) != recipe_sha256(recipe)


def test_the_text_form_is_short(manifest: Manifest, recipe: Recipe) -> None:
    text = recipe_text(
        manifest, replace(recipe, seed=2**63 - 1, layers=dict(recipe.layers) | {"torso": LayerChoice("coat-01.m")})
    )
    assert text.startswith(PREFIX)
    assert len(text) < 70
    assert is_recipe_text(f" {text}\n")
    assert recipe_from_text(manifest, f" {text}\n").seed == 2**63 - 1
    assert manifest.sha256.startswith(text_model(text))


def test_a_recipe_of_another_bundle_or_version_is_refused(manifest: Manifest, recipe: Recipe) -> None:
    with pytest.raises(RecipeError, match="made with the bundle 'other', not with 'tiny'"):
        check_recipe(manifest, replace(recipe, model="other"))
    with pytest.raises(RecipeError, match="another version of the bundle 'tiny'"):
        check_recipe(manifest, replace(recipe, model_sha256="0" * 64))
    text = recipe_text(manifest, recipe)
    with pytest.raises(RecipeError, match="another version of the bundle 'tiny'"):
        recipe_from_text(replace(manifest, sha256="0" * 64), text)


def test_newer_formats_are_refused(manifest: Manifest, recipe: Recipe) -> None:
    with pytest.raises(RecipeError, match="format 2; this VCG Bridge reads format 1"):
        parse_recipe(recipe_bytes(recipe).replace(b'"format":1', b'"format":2'))
    with pytest.raises(RecipeError, match="does not read"):
        recipe_from_text(manifest, "vcg2." + recipe_text(manifest, recipe).removeprefix(PREFIX))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"seed": -1}, "recipe: seed: expected an integer from 0"),
        ({"seed": 2**63}, "recipe: seed: expected an integer from 0"),
        ({"seed": 1.0}, "recipe: seed: expected an integer"),
        ({"novelty": 101}, "recipe: novelty: expected an integer from 0 to 100"),
        ({"model": ""}, "recipe: model: expected an id"),
        ({"model_sha256": "abc"}, "recipe: model_sha256: expected a sha256"),
        ({"layers": []}, "recipe: layers: expected an object"),
        ({"layers": {"body": "body-02-broad"}}, r"recipe: layers\.body: expected an object"),
        ({"layers": {"body": {}}}, r"recipe: layers\.body: the field 'item' is missing"),
        ({"layers": {"body": {"item": "a", "mix": "b"}}}, r"recipe: layers\.body: `mix` and `amount` belong together"),
        (
            {"layers": {"body": {"item": "a", "mix": "b", "amount": 0}}},
            r"layers\.body\.amount: expected an integer from 1",
        ),
        ({"layers": {"body": {"item": "a", "code": [200]}}}, r"layers\.body\.code\[0\]: expected an integer from -128"),
        ({"layers": {"body": {"item": "a", "code": [1], "mix": "b", "amount": 2}}}, "cannot be mixed"),
        ({"ramps": {"skin": 3}}, r"recipe: ramps\.skin: expected an id"),
        ({"colour": 1}, "recipe: unknown field 'colour'"),
    ],
)
def test_wrong_fields_are_named(recipe: Recipe, change: dict[str, Any], problem: str) -> None:
    tree = recipe_to_dict(recipe) | change
    with pytest.raises(RecipeError, match=problem):
        parse_recipe(json.dumps(tree))


@pytest.mark.parametrize(
    ("layers", "ramps", "problem"),
    [
        ({"hiar": LayerChoice("short-01-buzz")}, {}, "no layer 'hiar'.*did you mean \"hair\""),
        ({"hair": LayerChoice("short-01")}, {}, "no item of layer 'hair' 'short-01'.*short-01-buzz"),
        ({"hair": LayerChoice("short-01-buzz", "short-03", 20)}, {}, r"hair\.mix: there is no item"),
        ({"hair": LayerChoice("short-01-buzz", "long-01-braid", 20)}, {}, "not another item of the same kind"),
        ({"hair": LayerChoice("short-01-buzz", "short-01-buzz", 20)}, {}, "not another item"),
        ({"hair": LayerChoice("short-01-buzz", "short-03-parted", 0)}, {}, "from 1 to 100"),
        ({"hair": LayerChoice("short-01-buzz", amount=5)}, {}, "must be 0 where there is no mix"),
        ({"hair": LayerChoice("short-01-buzz", code=(1, 2))}, {}, "must be 8 integers"),
        ({"hair": LayerChoice("short-01-buzz", "short-03-parted", 5, (0,) * 8)}, {}, "cannot be mixed"),
        ({"torso": LayerChoice("shirt-01-plain.f")}, {}, "made for body 'f', this character has body 'm'"),
        ({"body": None}, {}, "the layer 'body' is missing"),
        ({}, {"skin": "ivroy"}, "no skin ramp 'ivroy'.*did you mean \"ivory\""),
        ({}, {"skin": None}, "the colour group 'skin' is missing"),
        ({}, {"helm": "steel"}, "no layer of this character is coloured by 'helm'"),
    ],
)
def test_what_the_bundle_has_not_is_named(
    manifest: Manifest, recipe: Recipe, layers: dict[str, Any], ramps: dict[str, Any], problem: str
) -> None:
    broken = replace(
        recipe,
        layers={k: v for k, v in (dict(recipe.layers) | layers).items() if v is not None},
        ramps={k: v for k, v in (dict(recipe.ramps) | ramps).items() if v is not None},
    )
    with pytest.raises(RecipeError, match=problem):
        check_recipe(manifest, broken)
    with pytest.raises(RecipeError, match=problem):
        recipe_text(manifest, broken)


def test_a_file_with_a_byte_order_mark_is_read(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "a.vcg.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(recipe_to_dict(recipe), indent=2).encode())
    assert parse_recipe(path.read_bytes()) == recipe


def test_a_recipe_of_more_layers_than_any_bundle_has_is_refused_before_they_are_read(recipe: Recipe) -> None:
    for field, entry in (("layers", {"item": "a"}), ("ramps", "a")):
        tree = recipe_to_dict(recipe) | {field: {f"x{i}": entry for i in range(257)}}
        with pytest.raises(RecipeError, match=f"{field}: has 257 entries; at most 256"):
            recipe_from_dict(tree)


def test_what_is_said_of_a_wrong_value_is_short_and_harmless(recipe: Recipe) -> None:
    for value in ("\x9b2J\u202e\u2028" * 50, [[None] * 9] * 5000, {"a": 1}, 10**5000, "x" * 100_000):
        with pytest.raises(RecipeError) as caught:
            recipe_from_dict(recipe_to_dict(recipe) | {"seed": value})
        assert caught.value.message.isprintable()
        assert len(caught.value.message) < 200
