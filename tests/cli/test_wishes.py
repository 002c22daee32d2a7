"""Options and batch lines become requests; what is wrong in them is said once and clearly."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.cli import wishes
from vcg_bridge.cli.wishes import Wish, wish_of_line
from vcg_bridge.contract.errors import BadRequest, RecipeError, VcgError
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.messages import Design
from vcg_bridge.contract.recipe import Recipe
from vcg_bridge.contract.recipe_io import recipe_bytes
from vcg_bridge.contract.recipe_text import recipe_text
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.generators.design import DesignSpec, design


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return open_bundle(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")).manifest


@pytest.fixture
def recipe(manifest: Manifest) -> Recipe:
    return design(manifest, DesignSpec(seed=3))


def line(manifest: Manifest, text: str, defaults: Wish | None = None, folder: Path = Path()) -> Wish:
    return wish_of_line(text, 12, defaults or Wish(), manifest, folder)


def test_pairs_names_and_novelty() -> None:
    assert wishes.split_pairs(["hair=a", " torso = b=c "], "--item") == {"hair": "a", "torso": "b=c"}
    assert wishes.split_names("walk, idle,walk", "--animations") == ("walk", "idle")
    assert wishes.percent(0.305) == 30
    assert wishes.percent(None) == 0
    assert wishes.amounts({"hair/length": "0.29", "torso/fit": "-1"}) == {"hair/length": 29, "torso/fit": -100}


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: wishes.split_pairs(["hair"], "--item"), "--item 'hair' is not of the form NAME=VALUE"),
        (lambda: wishes.split_pairs(["hair="], "--item"), "not of the form"),
        (lambda: wishes.split_pairs(["a=b", "a=c"], "--ramp"), "--ramp names 'a' twice"),
        (lambda: wishes.split_names(" , ", "--animations"), "names nothing"),
        (lambda: wishes.percent(1.5), "novelty must be from 0 to 1, not 1.5"),
        (lambda: wishes.percent(float("nan")), "novelty must be from 0 to 1, not nan"),
        (lambda: wishes.amounts({"hair/length": "1.01"}), "--control hair/length: '1.01' is not a number from -1 to 1"),
        (lambda: wishes.amounts({"hair/length": "nan"}), "'nan' is not a number"),
        (lambda: wishes.amounts({"hair/length": "much"}), "'much' is not a number"),
        (lambda: wishes.check_seed(-1), "seed must be from 0"),
        (lambda: wishes.check_seed(2**63), "seed must be from 0"),
        (lambda: wishes.check_name("../evil"), "cannot be a file name"),
        (lambda: wishes.check_name("a/b"), "cannot be a file name"),
        (lambda: wishes.check_name("nul"), "cannot be a file name"),
    ],
)
def test_bad_options_are_named(call: object, says: str) -> None:
    with pytest.raises(BadRequest, match=re.escape(says)):
        call()  # type: ignore[operator]


def test_recipe_from_file_and_text(manifest: Manifest, recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "anna.vcg.json"
    path.write_bytes(recipe_bytes(recipe))
    assert wishes.read_recipe(str(path), manifest) == (recipe, "anna")
    text = recipe_text(manifest, recipe)
    assert wishes.read_recipe(text, manifest) == (recipe, "")
    (tmp_path / "anna.txt").write_text(text + "\n")
    assert wishes.read_recipe(str(tmp_path / "anna.txt"), manifest) == (recipe, "anna")


def test_recipe_that_is_not_there_names_the_near_one(manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "anna.vcg.json").write_bytes(b"{}")
    with pytest.raises(RecipeError, match="there is no such file") as caught:
        wishes.read_recipe(str(tmp_path / "ana.vcg.json"), manifest)
    assert "anna.vcg.json" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"format": 99}', b"vcg1.AAAA", b"{" * 5000])
def test_damaged_recipes_are_one_clear_error(manifest: Manifest, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.vcg.json"
    path.write_bytes(content)
    with pytest.raises(RecipeError):
        wishes.read_recipe(str(path), manifest)


def test_recipe_path_that_is_a_folder(manifest: Manifest, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        wishes.read_recipe(str(tmp_path), manifest)
    with pytest.raises(RecipeError):
        wishes.read_recipe("bad\0path", manifest)


def test_line_takes_defaults_and_its_number_as_seed(manifest: Manifest) -> None:
    defaults = Wish(design=Design(archetype="guard", novelty=20, items={"helm": None}), animations=("walk",))
    wish = line(manifest, '{"items": {"hair": "bob", "torso": null}}', defaults)
    assert wish.design == Design(
        seed=12, archetype="guard", novelty=20, items={"helm": None, "hair": "bob", "torso": None}
    )
    assert wish.animations == ("walk",)
    wish = line(manifest, '{"seed": 5, "archetype": "elder", "novelty": 0.5, "name": "Old Tom"}', defaults)
    assert wish.design is not None
    assert (wish.design.seed, wish.design.archetype, wish.design.novelty, wish.name) == (5, "elder", 50, "Old Tom")


def test_line_with_recipes(manifest: Manifest, recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "anna.vcg.json").write_bytes(recipe_bytes(recipe))
    assert line(manifest, '{"recipe": "anna.vcg.json"}', folder=tmp_path) == Wish(recipe=recipe, name="anna")
    inline = json.dumps({"recipe": json.loads(recipe_bytes(recipe)), "name": "b"})
    assert line(manifest, inline) == Wish(recipe=recipe, name="b")
    text = json.dumps({"from": recipe_text(manifest, recipe), "reroll": ["hair"]})
    wish = line(manifest, text)
    assert wish.design is not None
    assert (wish.design.base, wish.design.reroll) == (recipe, ("hair",))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 12"),
        ("[]", "line 12: expected an object"),
        ('{"seed": 1, "seed": 2}', "line 12: is not valid JSON: the key 'seed' is there twice"),
        ('{"archtype": "guard"}', "line 12: unknown field 'archtype'"),
        ('{"seed": -1}', "line 12: seed: expected an integer"),
        ('{"seed": 1.5}', "line 12: seed"),
        ('{"novelty": 2}', "line 12: novelty"),
        ('{"novelty": NaN}', "line 12"),
        ('{"controls": {"hair/length": 2}}', "line 12: controls.hair/length"),
        ('{"controls": ["hair/length"]}', "line 12: controls: expected an object"),
        ('{"recipe": "x", "controls": {}}', "`controls` cannot be given with it"),
        ('{"name": "../x"}', "cannot be a file name"),
        ('{"items": ["hair"]}', "line 12: items: expected an object"),
        ('{"animations": []}', "line 12: animations"),
        ('{"reroll": ["hair"]}', "`reroll` and `lock` need `from`"),
        ('{"recipe": "none.vcg.json"}', "no such file"),
        ('{"recipe": {}}', "recipe"),
        ('{"recipe": "x", "seed": 1}', "`seed` cannot be given with it"),
        ("[" * 3000, "line 12: is nested too deeply"),
    ],
)
def test_bad_lines_say_where(manifest: Manifest, text: str, says: str) -> None:
    with pytest.raises(VcgError) as caught:
        line(manifest, text)
    assert says in caught.value.message


def test_unknown_field_names_the_near_one(manifest: Manifest) -> None:
    with pytest.raises(BadRequest) as caught:
        line(manifest, '{"archtype": "guard"}')
    assert '"archetype"' in caught.value.hint


def test_fingerprint_depends_on_the_wish_and_its_context(manifest: Manifest, recipe: Recipe) -> None:
    first = line(manifest, '{"archetype": "guard", "items": {"hair": "bob", "helm": null}}')
    same = line(manifest, '{"items": {"helm": null, "hair": "bob"}, "archetype": "guard"}')
    other = line(manifest, '{"archetype": "guard", "items": {"hair": "bob"}}')
    assert wishes.fingerprint(first, {"scale": 1}) == wishes.fingerprint(same, {"scale": 1})
    assert wishes.fingerprint(first, {"scale": 1}) != wishes.fingerprint(first, {"scale": 2})
    assert wishes.fingerprint(first, {}) != wishes.fingerprint(other, {})
    longer = line(manifest, '{"archetype": "guard", "items": {"hair": "bob"}, "controls": {"hair/length": 0.29}}')
    assert wishes.fingerprint(longer, {}) != wishes.fingerprint(other, {})
    assert longer.design is not None
    assert longer.design.controls == {"hair/length": 29}
    assert wishes.fingerprint(Wish(recipe=recipe), {}) != wishes.fingerprint(Wish(), {})
