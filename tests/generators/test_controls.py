"""Controls: the code they give is exact, they reach what is asked for and nothing else, and what cannot be is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tiny_bundle import CONTROLS
from vcg_bridge.contract.errors import BadRequest
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.recipe import LayerChoice, Recipe
from vcg_bridge.contract.recipe_io import check_recipe, parse_recipe, recipe_bytes
from vcg_bridge.contract.recipe_text import recipe_from_text, recipe_text
from vcg_bridge.generators.controls import moved, wanted_moves
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.generator import Generator, all_poses
from vcg_bridge.generators.rules import visible_layers

KEYS = [control.key for control in CONTROLS]
SHORT = CONTROLS[0].items
PLAIN = DesignSpec(seed=3, archetype="villager", items={"hair": "short-02-cowlick"})


def others(recipe: Recipe, layer: str = "hair") -> dict[str, LayerChoice]:
    return {name: choice for name, choice in recipe.layers.items() if name != layer}


def exact(manifest: Manifest, choice: LayerChoice, amounts: Mapping[str, int]) -> list[int]:
    """The moved code in fractions: what the product's integers must give."""
    code = [Fraction(c) for c in choice.code or manifest.item("hair", choice.item).code]
    if choice.mix:
        second = manifest.item("hair", choice.mix).code
        length = Decimal((100 - choice.amount) ** 2 + choice.amount**2).sqrt()
        sums = [int(a) * (100 - choice.amount) + b * choice.amount for a, b in zip(code, second, strict=True)]
        code = [Fraction(int((Decimal(100 * x) / length).quantize(Decimal(1), ROUND_HALF_EVEN)), 100) for x in sums]
    for key, percent in amounts.items():
        direction = manifest.control(key).direction
        code = [c + Fraction(percent * d, 100) for c, d in zip(code, direction, strict=True)]
    rounded = [int(abs(c) + Fraction(1, 2)) * (1 if c > 0 else -1) for c in code]
    return [max(-128, min(127, c)) for c in rounded]


@given(data=st.data())
def test_the_code_is_exact_and_within_int8(manifest: Manifest, data: st.DataObject) -> None:
    """The pure item, a mixture or a free code, plus every percent of every direction."""
    amounts = data.draw(
        st.dictionaries(st.sampled_from(["hair/length", "hair/volume"]), st.integers(-100, 100), min_size=1)
    )
    free = st.lists(st.integers(-128, 127), min_size=8, max_size=8)
    choice = data.draw(
        st.one_of(
            st.just(LayerChoice("short-02-cowlick")),
            st.integers(1, 100).map(lambda x: LayerChoice("short-02-cowlick", "short-03-parted", x)),
            free.map(lambda code: LayerChoice("short-02-cowlick", code=tuple(code))),
        )
    )
    moves = wanted_moves(manifest, {key: percent / 100 for key, percent in amounts.items()})
    if not any(amounts.values()):
        assert moves == {}
        return
    after = moved(manifest, choice, moves["hair"])
    code = after.code or manifest.item("hair", after.item).code
    if any(
        sum(p * manifest.control(key).direction[i] for key, p in amounts.items()) for i in range(manifest.z_dim)
    ):  # the controls do not cancel each other
        assert list(code) == exact(manifest, choice, amounts)
        assert not after.mix
    assert all(-128 <= c <= 127 for c in code)


@given(
    seed=st.integers(0, 2**40),
    archetype=st.sampled_from(["", "villager", "guard"]),
    novelty=st.floats(0, 1),
    controls=st.dictionaries(st.sampled_from(KEYS), st.floats(-1, 1)),
)
def test_any_controls_give_a_valid_recipe_or_one_clear_refusal(
    manifest: Manifest, seed: int, archetype: str, novelty: float, controls: dict[str, float]
) -> None:
    spec = DesignSpec(seed=seed, archetype=archetype, novelty=novelty, controls=controls)
    if {"hair/flow"} < {key for key, amount in controls.items() if key.startswith("hair/") and round(amount * 100)}:
        with pytest.raises(BadRequest, match="for different items"):
            design(manifest, spec)
        return
    moves = wanted_moves(manifest, controls)
    recipe = design(manifest, spec)
    assert recipe == design(manifest, spec)
    check_recipe(manifest, recipe)
    assert recipe_from_text(manifest, recipe_text(manifest, recipe)) == recipe
    assert parse_recipe(recipe_bytes(recipe)) == recipe
    for layer, wanted in moves.items():
        assert recipe.layers[layer].item in wanted.ids
        assert layer in visible_layers(manifest, recipe)
    if not moves:
        assert recipe == design(manifest, replace(spec, controls={}))


def test_only_the_style_of_that_layer_changes(manifest: Manifest) -> None:
    plain = design(manifest, PLAIN)
    longer = design(manifest, replace(PLAIN, controls={"hair/length": 1.0}))
    assert others(longer) == others(plain)
    assert longer.ramps == plain.ramps
    control, item = manifest.control("hair/length"), manifest.item("hair", "short-02-cowlick")
    wanted = (min(127, max(-128, c + d)) for c, d in zip(item.code, control.direction, strict=True))
    assert longer.layers["hair"] == LayerChoice(item.id, code=tuple(wanted))


def test_amounts_of_one_layer_add_and_none_changes_nothing(manifest: Manifest) -> None:
    plain = design(manifest, PLAIN)
    for nothing in ({}, {"hair/length": 0.0, "torso/fit": -0.004}):
        assert design(manifest, replace(PLAIN, controls=nothing)) == plain
    both = {"hair/length": 0.5, "hair/volume": -0.25}
    code = design(manifest, replace(PLAIN, controls=both)).layers["hair"].code
    assert list(code) == exact(manifest, plain.layers["hair"], {"hair/length": 50, "hair/volume": -25})


def test_steps_start_from_the_code_that_the_base_has(manifest: Manifest) -> None:
    recipe = design(manifest, PLAIN)
    for step in range(1, 5):
        recipe = design(manifest, DesignSpec(seed=step, base=recipe, controls={"hair/volume": 0.25}))
        assert others(recipe) == others(design(manifest, PLAIN))
    whole = design(manifest, replace(PLAIN, controls={"hair/volume": 1.0})).layers["hair"].code
    assert all(abs(a - b) <= 2 for a, b in zip(recipe.layers["hair"].code, whole, strict=True))  # four times rounded
    kept = design(manifest, DesignSpec(seed=9, base=recipe))
    assert kept.layers == recipe.layers  # a moved style is kept like any other


def test_back_at_the_items_own_code_it_is_the_item(manifest: Manifest) -> None:
    longer = design(manifest, replace(PLAIN, controls={"hair/length": 0.25}))
    assert longer.layers["hair"].code
    back = design(manifest, DesignSpec(seed=3, base=longer, controls={"hair/length": -0.25}))
    assert back.layers["hair"] == LayerChoice("short-02-cowlick")


def test_a_mixture_of_the_base_is_moved_from_between_its_items(manifest: Manifest) -> None:
    plain = design(manifest, PLAIN)
    mixture = LayerChoice("short-02-cowlick", "short-03-parted", 33)
    base = replace(plain, layers={**plain.layers, "hair": mixture})
    recipe = design(manifest, DesignSpec(base=base, controls={"hair/length": 0.07}))
    assert recipe.layers["hair"].item == "short-02-cowlick"
    assert list(recipe.layers["hair"].code) == exact(manifest, mixture, {"hair/length": 7})
    outside = replace(base, layers={**plain.layers, "hair": replace(mixture, mix="short-01-buzz")})
    with pytest.raises(BadRequest, match="hair/volume cannot be had with hair 'short-01-buzz'"):
        design(manifest, DesignSpec(base=outside, controls={"hair/volume": 1}))


def test_what_is_drawn_is_worn_and_seen_and_can_be_moved(manifest: Manifest) -> None:
    bodies = set()
    for seed in range(60):
        for archetype in ("guard", "villager"):
            spec = DesignSpec(seed=seed, archetype=archetype, novelty=0.5, controls={"hair/volume": 1.0})
            recipe = design(manifest, spec)
            assert recipe.layers["hair"].item in ("short-02-cowlick", "short-03-parted")
            assert "hair" in visible_layers(manifest, recipe)
            fitted = design(manifest, replace(spec, controls={"torso/fit": 1.0}))
            assert fitted.layers["torso"].item.endswith(".f")
            assert fitted.layers["body"].item == "body-01-slim"
            bodies.add(design(manifest, spec).layers["body"].item)
    assert len(bodies) == 3  # hair fits all


def test_an_item_without_its_body_becomes_the_one_that_can_be_moved(manifest: Manifest) -> None:
    for seed in range(10):
        spec = DesignSpec(seed=seed, items={"torso": "shirt-01-plain"}, controls={"torso/fit": -1.0})
        assert design(manifest, spec).layers["torso"].item == "shirt-01-plain.f"


def test_a_layer_drawn_anew_is_moved_and_keeps_to_the_kept_body(manifest: Manifest) -> None:
    base = design(manifest, replace(PLAIN, body="f"))
    for seed in range(10):
        spec = DesignSpec(seed=seed, base=base, reroll=("item:torso",), controls={"torso/fit": 1.0})
        recipe = design(manifest, spec)
        assert others(recipe, "torso") == others(base, "torso")
        assert recipe.layers["torso"].code
    him = design(manifest, replace(PLAIN, body="m"))
    with pytest.raises(BadRequest, match="none of the torso items that take torso/fit goes with") as caught:
        design(manifest, DesignSpec(base=him, reroll=("item:torso",), controls={"torso/fit": 1.0}))
    assert "shirt-02-laced.f" in caught.value.hint


REFUSED = [
    ({}, {"hair/lenght": 1}, 'unknown control.*did you mean "hair/length"'),
    ({}, {"length": 1}, 'unknown control.*did you mean "hair/length"'),
    ({}, {"hair/length": 1.01}, r"must be from -1 \(shorter\) to 1 \(longer\)"),
    ({}, {"hair/length": float("nan")}, "must be from -1"),
    ({}, {"hair/length": 1, "hair/flow": 1}, "hair/length and hair/flow are for different items"),
    ({"items": {"hair": "long-01-braid"}}, {"hair/length": 1}, "hair 'long-01-braid'.*short-01-buzz"),
    ({"items": {"hair": "short-01-buzz"}}, {"hair/length": 1, "hair/volume": 1}, "short-02-cowlick, short-03-parted"),
    ({"items": {"hair": None}}, {"hair/length": 1}, "hair/length has nothing to change: this character wears no hair"),
    ({"body": "m"}, {"torso/fit": 1}, "do not go together: body 'm', and torso/fit, made for body 'f'"),
    ({"items": {"torso": "coat-01"}}, {"torso/fit": 1}, "not made for body 'f'"),
    ({"items": {"helm": "helm-01-closed"}}, {"hair/length": 1}, "none of the hair items that take hair/length goes"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "controls", "problem"), REFUSED, ids=[problem for *_, problem in REFUSED])
def test_what_cannot_be_is_said(
    manifest: Manifest, fields: dict[str, object], controls: dict[str, float], problem: str
) -> None:
    spec = DesignSpec(**fields, controls=controls)  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match=problem):
        design(manifest, spec)


def test_what_cannot_be_with_a_base_is_said(manifest: Manifest) -> None:
    base = design(manifest, PLAIN)
    hidden = design(manifest, DesignSpec(base=base, items={"helm": "helm-01-closed"}))
    with pytest.raises(BadRequest, match="hair 'short-02-cowlick' would not be seen: helm 'helm-01-closed' hides it"):
        design(manifest, DesignSpec(base=hidden, controls={"hair/length": 1}))
    bald = design(manifest, DesignSpec(base=base, items={"hair": None}))
    with pytest.raises(BadRequest, match="this character wears no hair"):
        design(manifest, DesignSpec(base=bald, controls={"hair/length": 1}))
    worn = DesignSpec(base=bald, items={"hair": "short-01-buzz"}, controls={"hair/length": 1})
    assert design(manifest, worn).layers["hair"].code
    with pytest.raises(BadRequest, match="hair/flow cannot be had with hair 'short-02-cowlick'"):
        design(manifest, DesignSpec(base=base, controls={"hair/flow": 1}))
    with pytest.raises(BadRequest, match="has no controls"):
        design(replace(manifest, controls=()), replace(PLAIN, controls={"hair/length": 1}))


def test_what_needs_another_layer_is_refused_without_it(manifest: Manifest) -> None:
    """As for items that are asked for: a plume that is changed must be seen."""
    needy = replace(manifest, items=tuple(replace(x, needs=("helm",)) if x.id in SHORT else x for x in manifest.items))
    with pytest.raises(BadRequest, match="needs a helm"):
        design(needy, DesignSpec(items={"helm": None}, controls={"hair/length": 1}))


def test_a_moved_style_is_another_drawing_of_that_layer_alone(generator: Generator, manifest: Manifest) -> None:
    poses = all_poses(manifest)
    plain, moved_ = (
        generator.draw(design(manifest, replace(PLAIN, controls=controls)), poses)
        for controls in ({}, {"hair/length": 1.0})
    )
    for before, after in zip(plain.parts, moved_.parts, strict=True):
        same = all(
            (before.placed[p].classes.shape, before.placed[p].classes.tobytes())
            == (after.placed[p].classes.shape, after.placed[p].classes.tobytes())
            for p in before.placed
        )
        assert same == (before.layer != "hair")
