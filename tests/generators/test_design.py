"""Design: odds and rules hold, wishes are met or refused, and no choice shifts another."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcg_bridge.contract.errors import BadRequest, RecipeError
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.recipe import LayerChoice, Recipe
from vcg_bridge.contract.recipe_io import check_recipe
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.rules import code_of, hidden_layers, partners, visible_layers

SEEDS = range(200)


def items(recipe: Recipe) -> dict[str, str]:
    return {layer: choice.item for layer, choice in recipe.layers.items()}


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**63 - 1), archetype=st.sampled_from(["", "villager", "guard"]), novelty=st.floats(0, 1))
def test_every_seed_gives_a_valid_recipe_that_follows_the_rules(
    manifest: Manifest, seed: int, archetype: str, novelty: float
) -> None:
    spec = DesignSpec(seed=seed, archetype=archetype, novelty=novelty)
    recipe = design(manifest, spec)
    assert recipe == design(manifest, spec)
    check_recipe(manifest, recipe)
    hidden = hidden_layers(manifest, recipe.layers)
    for layer in visible_layers(manifest, recipe):
        item = manifest.item(layer, recipe.layers[layer].item)
        for other, allowed in item.allows.items():
            if other in recipe.layers and other not in hidden:
                assert recipe.layers[other].item in allowed
    for layer, choice in recipe.layers.items():
        if choice.mix:
            item = manifest.item(layer, choice.item)
            assert choice.mix in {x.id for x in partners(manifest, item)}
            assert 30 <= choice.amount <= 30 + 20 * recipe.novelty / 100 + 0.5


def test_archetypes_keep_to_their_items_and_odds(manifest: Manifest) -> None:
    guards = [design(manifest, DesignSpec(seed=s, archetype="guard")) for s in SEEDS]
    assert all("sword" in r.layers for r in guards)
    helms = sum("helm" in r.layers for r in guards)
    assert 0.8 < helms / len(guards) < 0.98  # odds 0.9
    assert all(items(r).get("hair", "short").startswith("short") for r in guards if "helm" not in r.layers)
    villagers = [design(manifest, DesignSpec(seed=s, archetype="villager")) for s in SEEDS]
    assert not any("helm" in r.layers or "sword" in r.layers for r in villagers)
    assert {r.ramps["torso"] for r in villagers} == {"moss", "wine"}
    shares = Counter(r.ramps["torso"] for r in villagers)
    assert 1.2 < shares["moss"] / shares["wine"] < 3.2  # weights 2 : 1
    assert len({r.archetype for r in (design(manifest, DesignSpec(seed=s)) for s in SEEDS)}) == 2


def test_what_is_said_changes_nothing_else(manifest: Manifest) -> None:
    for seed in range(40):
        spec = DesignSpec(seed=seed, archetype="villager", novelty=0.5)
        free = design(manifest, spec)
        dressed = design(manifest, replace(spec, ramps={"skin": "umber"}, items={"sword": "sword-01-short"}))
        assert {**dressed.layers, "sword": None} == {**free.layers, "sword": None}
        assert {**dressed.ramps, "skin": "", "sword": ""} == {**free.ramps, "skin": "", "sword": ""}
        other_hair = design(manifest, replace(spec, items={"hair": "long-01-braid"}))
        assert {**other_hair.layers, "hair": None} == {**free.layers, "hair": None}


def test_a_bundle_that_grows_gives_similar_characters(manifest: Manifest) -> None:
    """A retrained bundle with one item more: only characters whose race the new item wins change, and only there."""
    extra = replace(manifest.items_of("hair")[0], id="short-09-new")
    villager = manifest.archetype("villager")
    hair = replace(villager.layers["hair"], items={**villager.layers["hair"].items, "short-09-new": 1.0})
    grown = replace(
        manifest,
        items=(*manifest.items, extra),
        archetypes=(replace(villager, layers={**villager.layers, "hair": hair}), manifest.archetype("guard")),
        sha256="1" * 64,
    )
    changed = 0
    for seed in SEEDS:
        spec = DesignSpec(seed=seed, archetype="villager")
        before, after = design(manifest, spec), design(grown, spec)
        assert {**before.layers, "hair": None} == {**after.layers, "hair": None}
        if before.layers.get("hair") != after.layers.get("hair"):
            changed += 1
            assert after.layers["hair"].item == "short-09-new"
    assert 10 < changed < 70  # one of six


def test_both_bodies_dress_alike(manifest: Manifest) -> None:
    for seed in range(30):
        spec = DesignSpec(seed=seed, archetype="villager")
        her, him = (items(design(manifest, replace(spec, body=b))) for b in ("f", "m"))
        assert her["torso"].removesuffix(".f") == him["torso"].removesuffix(".m")
        assert her.get("hair") == him.get("hair")


def test_bodies_follow_the_clothes_asked_for(manifest: Manifest) -> None:
    for seed in range(30):
        recipe = design(manifest, DesignSpec(seed=seed, items={"torso": "shirt-01-plain.f"}))
        assert recipe.layers["body"].item == "body-01-slim"
        either = design(manifest, DesignSpec(seed=seed, items={"torso": "shirt-01-plain"}))
        body = manifest.item("body", either.layers["body"].item).body
        assert either.layers["torso"].item == f"shirt-01-plain.{body}"
        assert design(manifest, DesignSpec(seed=seed, items={"torso": "coat-01"})).layers["torso"].item == "coat-01.m"


def test_items_asked_for_are_never_mixed_and_none_takes_off(manifest: Manifest) -> None:
    for seed in range(30):
        recipe = design(
            manifest,
            DesignSpec(seed=seed, novelty=1, archetype="guard", items={"hair": "short-01-buzz", "sword": None}),
        )
        assert recipe.layers["hair"] == LayerChoice("short-01-buzz")
        assert "sword" not in recipe.layers
        assert "sword" not in recipe.ramps
        assert recipe.layers.get("helm", LayerChoice("")).item != "helm-01-closed"  # it would hide the hair


def test_novelty_mixes_as_often_as_it_says(manifest: Manifest) -> None:
    def share(novelty: float) -> float:
        made = [design(manifest, DesignSpec(seed=s, archetype="villager", novelty=novelty)) for s in SEEDS]
        hair = [r.layers["hair"] for r in made if "hair" in r.layers]
        return sum(bool(x.mix) for x in hair) / len(hair)

    assert share(0) == 0
    assert 0.3 < share(0.5) < 0.7
    assert share(1) == 1
    body = [design(manifest, DesignSpec(seed=s, novelty=1)).layers["body"] for s in SEEDS]
    assert all(not x.mix for x in body if x.item == "body-01-slim")  # the only item of its body


def test_reroll_changes_only_what_is_named(manifest: Manifest) -> None:
    base = design(manifest, DesignSpec(seed=3, archetype="guard", novelty=0.6, items={"hair": "short-01-buzz"}))
    hair, ramps = set(), set()
    for seed in range(30):
        recipe = design(manifest, DesignSpec(seed=seed, base=base, reroll=("item:hair",)))
        assert {**recipe.layers, "hair": 0} == {**base.layers, "hair": 0}
        assert recipe.ramps.get("hair", base.ramps["hair"]) == base.ramps["hair"]
        assert (recipe.archetype, recipe.novelty, recipe.seed) == ("guard", 60, seed)
        hair.add(recipe.layers.get("hair"))
        recipe = design(manifest, DesignSpec(seed=seed, base=base, reroll=("ramp:hair",)))
        assert recipe.layers == base.layers
        assert {**recipe.ramps, "hair": 0} == {**base.ramps, "hair": 0}
        ramps.add(recipe.ramps["hair"])
        kept = design(manifest, DesignSpec(seed=seed, base=base, keep=("hair", "body", "skin")))
        assert kept.layers["hair"] == base.layers["hair"]
        assert (kept.ramps["hair"], kept.ramps["skin"]) == (base.ramps["hair"], base.ramps["skin"])
    assert len(hair) > 2
    assert len(ramps) == 3
    assert design(manifest, DesignSpec(seed=99, base=base)).layers == base.layers


def test_a_helmet_that_comes_off_shows_the_hair_again(manifest: Manifest) -> None:
    seeds = (s for s in SEEDS if design(manifest, DesignSpec(seed=s, archetype="guard")).layers.get("hair"))
    base = design(manifest, DesignSpec(seed=next(seeds), archetype="guard", items={"helm": None}))
    closed = design(manifest, DesignSpec(base=base, items={"helm": "helm-01-closed"}))
    assert "hair" not in visible_layers(manifest, closed)
    assert design(manifest, DesignSpec(base=closed, items={"helm": None})).layers == base.layers


def test_hidden_hair_that_does_not_fit_the_next_helmet_is_drawn_anew(manifest: Manifest) -> None:
    base = design(manifest, DesignSpec(archetype="villager", items={"hair": "long-02-loose"}))
    closed = design(manifest, DesignSpec(base=base, items={"helm": "helm-01-closed"}))
    for seed in range(20):
        opened = design(manifest, DesignSpec(seed=seed, base=closed, items={"helm": "helm-02-open"}))
        assert items(opened).get("hair", "short-01-buzz") in ("short-01-buzz", "short-02-cowlick")


def test_another_body_keeps_the_clothes(manifest: Manifest) -> None:
    base = design(manifest, DesignSpec(seed=1, archetype="guard", body="m", items={"torso": "shirt-02-laced"}))
    her = design(manifest, DesignSpec(seed=2, base=base, body="f"))
    assert items(her)["torso"] == "shirt-02-laced.f"
    assert items(her)["body"] == "body-01-slim"
    assert her.ramps == base.ramps
    coat = design(manifest, DesignSpec(seed=1, base=base, items={"torso": "coat-01"}))
    assert items(design(manifest, DesignSpec(seed=2, base=coat, body="f")))["torso"].endswith(
        ".f"
    )  # no such coat for her
    rerolled = design(manifest, DesignSpec(seed=5, base=base, reroll=("body",)))
    assert manifest.item("body", items(rerolled)["body"]).body == "m"  # the shirt is kept, so the body must fit it


REFUSED = [
    (DesignSpec(archetype="gaurd"), 'unknown archetype.*did you mean "guard"'),
    (DesignSpec(body="x"), "unknown body: 'x'"),
    (DesignSpec(seed=-1), "seed must be"),
    (DesignSpec(seed=2**63), "seed must be"),
    (DesignSpec(novelty=1.5), "novelty must be from 0 to 1"),
    (DesignSpec(novelty=float("nan")), "novelty must be from 0 to 1"),
    (DesignSpec(items={"hiar": "x"}), 'unknown layer.*did you mean "hair"'),
    (DesignSpec(items={"hair": "cowlick"}), "unknown item of layer 'hair'.*short-02-cowlick"),
    (DesignSpec(items={"body": None}), "cannot be taken off"),
    (DesignSpec(ramps={"skn": "ivory"}), 'unknown colour group.*did you mean "skin"'),
    (DesignSpec(ramps={"skin": "ivroy"}), 'unknown skin ramp.*did you mean "ivory"'),
    (DesignSpec(body="m", items={"torso": "shirt-01-plain.f"}), "do not go together: body 'm', and torso"),
    (DesignSpec(body="f", items={"torso": "coat-01"}), "not made for body 'f'.*coat-01.m"),
    (DesignSpec(items={"body": "body-01-slim", "torso": "coat-01.m"}), "do not go together"),
    (DesignSpec(items={"helm": "helm-01-closed", "hair": "short-01-buzz"}), "would not be seen: helm .* hides it"),
    (DesignSpec(items={"helm": "helm-02-open", "hair": "long-01-braid"}), "does not fit under helm.*short-01-buzz"),
    (DesignSpec(reroll=("hair",)), "none was given"),
    (DesignSpec(keep=("hair",)), "none was given"),
]


@pytest.mark.parametrize(("spec", "problem"), REFUSED, ids=[problem for _, problem in REFUSED])
def test_wishes_that_cannot_be_met_are_refused(manifest: Manifest, spec: DesignSpec, problem: str) -> None:
    with pytest.raises(BadRequest, match=problem):
        design(manifest, spec)


def test_wishes_against_a_base_are_refused(manifest: Manifest) -> None:
    base = design(manifest, DesignSpec(archetype="guard", items={"helm": "helm-01-closed"}))
    with pytest.raises(BadRequest, match=r"hair .* would not be seen"):
        design(manifest, DesignSpec(base=base, items={"hair": "short-01-buzz"}))
    bare = design(manifest, DesignSpec(archetype="villager", items={"hair": "long-02-loose"}))
    with pytest.raises(BadRequest, match="'long-02-loose' does not fit under helm 'helm-02-open'"):
        design(manifest, DesignSpec(base=bare, items={"helm": "helm-02-open"}))
    with pytest.raises(BadRequest, match=r"no layer or colour group 'haar'.*did you mean \"hair\""):
        design(manifest, DesignSpec(base=bare, reroll=("haar",)))
    with pytest.raises(BadRequest, match="'ramp:body'"):
        design(manifest, DesignSpec(base=bare, reroll=("ramp:body",)))
    with pytest.raises(BadRequest, match="exclude each other"):
        design(manifest, DesignSpec(base=bare, reroll=("hair",), keep=("body",)))
    with pytest.raises(RecipeError, match="another version"):
        design(manifest, DesignSpec(base=replace(bare, model_sha256="0" * 64)))


def test_codes_of_mixtures_keep_their_length_and_are_the_same_everywhere(manifest: Manifest) -> None:
    """Against exact arithmetic: hundredths of a step, rounded to even, then one division."""
    first, second = manifest.item("hair", "short-01-buzz"), manifest.item("hair", "short-03-parted")
    for amount in range(1, 101):
        code = code_of(manifest, LayerChoice(first.id, second.id, amount), "hair")
        length = Decimal((100 - amount) ** 2 + amount**2).sqrt()
        for a, b, value in zip(first.code, second.code, code, strict=True):
            hundredths = (Decimal((a * (100 - amount) + b * amount) * 100) / length).quantize(
                Decimal(1), ROUND_HALF_EVEN
            )
            exact = int(hundredths) / 3200  # correctly rounded to float64
            assert abs(float(value) - exact) <= 2.0**-24 * max(abs(exact), 2.0**-126)
    pure = code_of(manifest, LayerChoice(first.id), "hair")
    assert pure.dtype == "float32"
    assert [x * 32 for x in pure.tolist()] == list(first.code)
    assert (code_of(manifest, LayerChoice(first.id, code=first.code), "hair") == pure).all()


def _swords_need_a_helm(manifest: Manifest) -> Manifest:
    return replace(
        manifest, items=tuple(replace(x, needs=("helm",)) if x.layer == "sword" else x for x in manifest.items)
    )


def test_what_needs_another_layer_is_not_drawn_without_it(manifest: Manifest) -> None:
    needy = _swords_need_a_helm(manifest)
    wish = {"sword": "sword-01-short", "helm": "hood-01"}
    dressed = design(needy, DesignSpec(archetype="guard", items=wish))
    assert {"sword", "helm"} <= set(visible_layers(needy, dressed))
    bare = design(needy, DesignSpec(base=dressed, items={"helm": None}))
    assert items(bare)["sword"] == "sword-01-short"
    assert "sword" not in visible_layers(needy, bare)
    assert "sword" in visible_layers(manifest, bare)
    again = design(needy, DesignSpec(base=bare, items={"helm": "hood-01"}))
    assert "sword" in visible_layers(needy, again)


def test_a_wish_that_lacks_what_it_needs_is_refused(manifest: Manifest) -> None:
    wish = {"sword": "sword-01-short", "helm": None}
    with pytest.raises(BadRequest, match="needs a helm, and this character wears none") as caught:
        design(_swords_need_a_helm(manifest), DesignSpec(items=wish))
    assert "helm-01-closed" in caught.value.hint
