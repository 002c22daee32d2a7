"""pack.yaml: short files have defaults, every mistake is one error that names its place, and nothing else ever comes out."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.own_art import ROBOTS_YAML
from training.packs.pack_yaml import KEYS, FolderRules, load_yaml, parse_yaml
from vcg_bridge.contract.errors import PackError


def rules_or_none(text: str) -> FolderRules | None:
    """None where the text is refused; anything but a PackError that names the file fails the test."""
    try:
        return read(text)
    except PackError as error:
        problem = error.message
    if not problem.startswith("pack.yaml"):
        raise AssertionError(problem)
    return None


def read(text: str) -> FolderRules:
    return parse_yaml(text, "pack.yaml", "My Folder")


def test_the_smallest_file_has_defaults_for_the_rest() -> None:
    rules = read(ROBOTS_YAML)
    assert [(x.id, x.z, x.behind_z, x.required, x.chance) for x in rules.layers] == [
        ("chassis", 10, -10, True, 1.0),
        ("head", 20, -20, False, 1.0),
        ("gear", 30, -30, False, 1.0),
    ]
    assert [(x.id, x.frames, x.row, x.rows) for x in rules.strips] == [
        ("idle", 2, 0, ("up", "left", "down", "right")),
        ("walk", 4, 4, ("up", "left", "down", "right")),
    ]
    assert rules.frame == (32, 32)
    assert rules.credits[0].artists == ("Ada Painter", "Bo Pixel")


def test_an_empty_file_is_flat_art_in_single_frames() -> None:
    rules = read("")
    assert (rules.name, rules.flat, rules.frame) == ("my-folder", True, None)
    assert [(x.id, x.frames, x.rows) for x in rules.strips] == [("idle", 1, ("down",))]


def test_rows_in_another_order_and_a_first_row() -> None:
    rules = read(
        "frame: [32, 48]\ndirections: [down, left, right, up]\nanimations: {walk: 3, hurt: {frames: 6, row: 8, directions: [down], loop: no}}"
    )
    walk, hurt = rules.strips
    assert (walk.rows, walk.directions) == (("down", "left", "right", "up"), ("up", "left", "down", "right"))
    assert (hurt.row, hurt.loop, hurt.directions) == (8, False, ("down",))
    assert rules.frame == (32, 48)


@pytest.mark.parametrize(
    ("text", "where", "problem"),
    [
        ("licens: CC0", "pack.yaml", 'did you mean "licence"'),
        ("frame: large", "frame", "an integer from 8 to 512"),
        ("frame: [32, 32, 32]", "frame", "width and height"),
        ("animations: {walk: {frames: 4, fsp: 8}}", "animations.walk", 'did you mean "fps"'),
        ("animations: {walk: {frames: many}}", "animations.walk.frames", "an integer from 1 to 256"),
        ("animations: {walk: 4}\ndirections: [north]", "directions[0]", "one of up, left, down, right"),
        ("animations: {walk: 4, run: {frames: 4, row: 2}}", "animations", "row 2 of a sheet cannot be both 'walk' and 'run'"),
        ("animations: {}", "animations", "names no animation"),
        ("directions: [down]", "directions", "there are none"),
        ("layers: [body, body]", "layers", "there twice"),
        ("layers: {body: {zz: 3}}", "layers.body", "unknown field 'zz'"),
        ("layers: {body: {required: true, chance: 0.5}}", "layers.body.chance", "always worn"),
        ("layers: [body]\nkinds: {a: b}", "kinds", "per layer"),
        ("bodies: [slim]", "bodies", "a layer called 'body'"),
        ('ramps: {skin: {light: ["#fff", "#000000"]}}', "ramps.skin.light[0]", '"#ff00ff"'),
        ('ramps: {skin: {a: ["#ffffff", "#000000"], b: ["#ffffff"]}}', "ramps.skin.b", "has 1 shades"),
        ('ramps: {skin: {a: ["#ffffff", "#ffffff"]}}', "ramps.skin.a", "two shades have one colour"),
        ("share: [skin]", "share[0]", "no kind of ramp 'skin'"),
        ("credits: [{artist: Ada}]", "credits[0]", "'artists' is missing"),
        ("layers: [body]\narchetypes: {guard: {layers: {hat: x}}}", "archetypes.guard.layers", "no layer 'hat'"),
        ("background: red", "background", '"#ff00ff"'),
        ("name: No Good", "name", "an id of lower-case letters"),
        ("- a\n- b", "pack.yaml", "expected an object"),
        ("a: [", "pack.yaml", "not YAML"),
        ("name: a\nname: b", "pack.yaml", "'name' is there twice"),
        ("on: a", "pack.yaml", "put it in quotes"),
        ("a: &x [1]\nb: *x", "pack.yaml", "aliases are not read"),
        ("a: !!python/object:os.system x", "pack.yaml", "not YAML"),
    ],
)  # fmt: skip
def test_every_mistake_is_named_with_its_place(text: str, where: str, problem: str) -> None:
    with pytest.raises(PackError) as found:
        read(text)
    assert where in found.value.message
    assert problem in str(found.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PackError, match="cannot read"):
        load_yaml(tmp_path / "pack.yaml")


WORDS = st.sampled_from(
    [
        *KEYS,
        "frames",
        "fps",
        "row",
        "chance",
        "required",
        "artists",
        "items",
        "down",
        "left",
        "walk",
        "#ff00ff",
        "*",
        "body",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | WORDS
    | st.text(max_size=12)
    | st.dates()
    | st.binary(max_size=4)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=6), inner, max_size=4), max_leaves=12
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6))
def test_random_documents_are_rules_or_one_error(document: dict[str, object]) -> None:
    rules = rules_or_none(yaml.safe_dump(document, allow_unicode=True))
    assert rules is None or (rules.layers and rules.strips)


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"#%@, \n\t0.~?"), max_size=40))
def test_random_text_is_rules_or_one_error(text: str) -> None:
    rules = rules_or_none(text)
    assert rules is None or isinstance(rules, FolderRules)
