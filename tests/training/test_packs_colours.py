"""Colours into ramps and slots: what belongs together is found, and every pixel of indexed art maps back exactly."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.own_art import BLUE, GREEN, INK, RED
from training.packs.pack_yaml import FolderRules, default_rules, parse_yaml
from training.packs.quantise import quantise
from training.packs.rules import LayerRule
from training.packs.scheme import SLOTS, classes_of, schemes
from training.packs.shades import find_chains, usage
from training.packs.sheets import CLEAR, Art, Codes
from training.packs.slots import code
from vcg_bridge.contract.errors import PackError


def art(name: str, codes: Codes, layer: str = "character") -> Art:
    frames = codes.reshape(1, 1, *codes.shape)
    return Art(name, LayerRule(layer, layer, (".",), "", 10), name, name, "", "", {"front": {"idle": frames}})


def stripes(colours: list[int], width: int = 8) -> Codes:
    """Each colour touches the next."""
    return np.repeat(np.array(colours, np.int32)[:, None], width, 1)


def codes_of(ramp: object) -> list[int]:
    return [code(c) for c in ramp]  # type: ignore[attr-defined]


def test_shades_of_a_material_become_a_ramp_light_to_dark_and_the_outline_stays_alone() -> None:
    picture = np.full((12, 12), code(INK), np.int32)
    picture[1:5, 1:11] = np.array([*codes_of(RED), code(RED[2])], np.int32)[:, None]
    picture[6:10, 1:11] = np.array([*codes_of(BLUE), code(BLUE[2])], np.int32)[:, None]
    chains, alone = find_chains([usage([picture])])
    assert set(chains) == {tuple(codes_of(RED)), tuple(codes_of(BLUE))}
    assert alone == (code(INK),)


def test_how_many_clusters_there_are_follows_from_the_art() -> None:
    for n in range(1, 4):
        ramps = [RED, BLUE, GREEN][:n]
        pictures = [stripes(codes_of(r)) for r in ramps]
        assert len(find_chains([usage(pictures)])[0]) == n


def test_a_figure_in_two_colours_is_one_material_with_two_ramps() -> None:
    found = schemes([art("red", stripes(codes_of(RED))), art("blue", stripes(codes_of(BLUE)))], default_rules("x"))
    layer = found["character"]
    assert [m.shades for m in layer.materials] == [3]
    assert {r.id for r in layer.ramps} == {"red", "blue"}
    assert layer.fixed == 0
    assert layer.items["red"].ramps["character"].id == "red"


def test_flat_characters_of_another_shape_do_not_lend_each_other_colours() -> None:
    one, two = (np.full((8, 16), CLEAR, np.int32) for _ in range(2))
    one[:3, :8], two[5:, 8:] = stripes(codes_of(RED)), stripes(codes_of(BLUE))
    layer = schemes([art("red", one), art("blue", two)], default_rules("x"))["character"]
    assert [m.shades for m in layer.materials] == [3, 3]


def test_named_ramps_come_first_and_a_shared_kind_is_one_group() -> None:
    said = ", ".join(f'"#{c:02x}{d:02x}{e:02x}"' for c, d, e in RED)
    other = ", ".join(f'"#{c:02x}{d:02x}{e:02x}"' for c, d, e in GREEN)
    text = f"layers: [body, head]\nramps: {{skin: {{red: [{said}], green: [{other}]}}}}\nshare: [skin]"
    rules = parse_yaml(text, "pack.yaml", "x")
    arts = [art("a", stripes(codes_of(RED)), "body"), art("b", stripes([*codes_of(RED)[:2], *codes_of(BLUE)]), "head")]
    found = schemes(arts, rules)
    assert [m.group for m in found["body"].materials] == ["skin"]
    assert [(m.group, m.shades) for m in found["head"].materials] == [("skin", 3), ("head", 3)]


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_every_pixel_of_indexed_art_maps_back(data: st.DataObject) -> None:
    palette = data.draw(st.lists(st.integers(0, 0xFFFFFF), min_size=1, max_size=40, unique=True))
    arts = []
    for n in range(data.draw(st.integers(1, 4))):
        indices = data.draw(st.lists(st.integers(-1, len(palette) - 1), min_size=36, max_size=36))
        codes = np.array([CLEAR if i < 0 else palette[i] for i in indices], np.int32).reshape(6, 6)
        codes[0, 0] = palette[0]
        arts.append(art(f"item-{n}", codes))
    found = schemes(arts, default_rules("x"))["character"]
    assert found.slots <= SLOTS
    for a in arts:
        scheme = found.items[a.id]
        codes = a.sheets["front"]["idle"]
        classes = classes_of(codes, scheme.classes)
        table = np.full(256, CLEAR, np.int32)
        table[list(scheme.classes)] = list(scheme.classes.values())
        np.testing.assert_array_equal(table[classes], codes)
        base = 1 + sum(m.shades for m in found.materials)
        for n, c in scheme.classes.items():
            if n >= base:
                assert scheme.fixed[n - base] == c  # what the bundle will say of the slot
    for m in found.materials:
        for ramp in (r for r in found.ramps if r.kind == m.kind):
            assert len(set(ramp.colours)) == m.shades


def noise(seed: int, colours: int) -> Codes:
    """A picture with so many colours."""
    rng = np.random.default_rng(seed)
    return rng.permutation(1 << 24)[:colours].astype(np.int32).reshape(8, -1)


def test_many_characters_with_palettes_of_their_own_share_slots() -> None:
    arts = [art(f"c{n}", noise(n, 40)) for n in range(10)]  # 400 colours, 40 at a time
    found = schemes(arts, default_rules("x"))["character"]
    assert 40 <= found.slots <= SLOTS
    for a in arts:
        assert len(set(found.items[a.id].classes.values())) >= 40


def test_photographs_are_refused_with_numbers_and_advice() -> None:
    with pytest.raises(PackError) as found:
        schemes([art("photo", noise(1, 4000))], default_rules("x"))
    assert "253 are possible" in found.value.message
    assert "photo alone has 4000" in found.value.message
    assert "--colours" in found.value.hint


def test_layers_that_need_too_much_together_are_refused() -> None:
    rules: FolderRules = parse_yaml("layers: [a, b]", "pack.yaml", "x")
    with pytest.raises(PackError, match="the art has 400 colours"):
        schemes([art("one", noise(1, 200), "a"), art("two", noise(2, 200), "b")], rules)


def test_reducing_colours_keeps_colours_of_the_art_and_says_what_it_cost() -> None:
    arts = [art("photo", noise(1, 4000)), art("flat", stripes(codes_of(RED)))]
    done, figures = quantise(arts, 32)
    before = {int(c) for a in arts for c in np.unique(a.sheets["front"]["idle"])}
    after = {int(c) for a in done for c in np.unique(a.sheets["front"]["idle"])}
    assert after <= before
    assert len(after) == figures.colours_after <= 32
    assert figures.colours_before == len(before)
    assert 0 < figures.mean_distance < figures.worst_distance
    same, nothing = quantise(arts[1:], 8)
    assert same == tuple(arts[1:])
    assert dataclasses.astuple(nothing) == (3, 3, 0.0, 0.0, 0.0)
