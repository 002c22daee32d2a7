from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.sprites.conftest import ITEMS, recipe_of
from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.contract.errors import BundleError
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.recipe import LayerChoice
from vcg_bridge.sprites.credits import Credit, credit_keys, credit_lines, credits_text, read_credits


def test_credits_are_those_of_the_items_worn_in_layer_order(manifest: Manifest) -> None:
    shuffled = dict(reversed(ITEMS.items()))
    assert credit_keys(manifest, recipe_of(shuffled)) == (
        "tiny/body/body-02-broad", "tiny/hair/long-01-braid", "tiny/torso/coat-01.m", "tiny/sword/sword-01-short",
    )  # fmt: skip


def test_a_mixture_owes_both_and_a_free_code_its_whole_kind(manifest: Manifest) -> None:
    recipe = recipe_of({})
    mixed = replace(recipe, layers={"hair": LayerChoice("short-01-buzz", mix="short-03-parted", amount=30)})
    assert credit_keys(manifest, mixed) == ("tiny/hair/short-01-buzz", "tiny/hair/short-03-parted")
    free = replace(recipe, layers={"hair": LayerChoice("long-01-braid", code=(0,) * 8)})
    assert credit_keys(manifest, free) == ("tiny/hair/long-01-braid", "tiny/hair/long-02-loose")


def test_a_character_changed_by_controls_owes_all_it_owed_before(manifest: Manifest) -> None:
    recipe = recipe_of({})
    for control in manifest.controls:
        mixed = LayerChoice(control.items[0], mix=control.items[1], amount=30)
        moved = LayerChoice(control.items[0], code=(1,) * 8)
        before, after = (
            set(credit_keys(manifest, replace(recipe, layers={control.layer: choice}))) for choice in (mixed, moved)
        )
        pool = {key for name in control.items for key in manifest.item(control.layer, name).credits}
        assert before <= pool <= after


def test_lines_are_read_from_the_bundle(manifest: Manifest, tmp_path: Path) -> None:
    credits = read_credits(write_tiny_bundle(tmp_path / "tiny"))
    assert credit_lines(manifest, recipe_of({"hair": "long-01-braid"}), credits) == (
        "Long 01 Braid: Nobody. CC0-1.0. random. tests/support/tiny_bundle.py",
    )
    with pytest.raises(BundleError, match="tiny/body"):
        credit_lines(manifest, recipe_of(ITEMS), {})


def test_no_line_twice(manifest: Manifest) -> None:
    same = {key: Credit(key, "Everything", "A, B", "", "CC0", "") for key in credit_keys(manifest, recipe_of(ITEMS))}
    assert credit_lines(manifest, recipe_of(ITEMS), same) == ("Everything: A, B. CC0.",)


@pytest.mark.parametrize("content", [None, "key;item\n", "key,item\nx,y\n", b"\xff\xfe\x00"])
def test_a_broken_file_is_a_bundle_error(tmp_path: Path, content: str | bytes | None) -> None:
    if isinstance(content, bytes):
        (tmp_path / "CREDITS.csv").write_bytes(content)
    elif content is not None:
        (tmp_path / "CREDITS.csv").write_text(content)
    if content == "key;item\n":
        assert read_credits(tmp_path) == {}  # a header only: nobody to credit
    else:
        with pytest.raises(BundleError, match=r"CREDITS\.csv"):
            read_credits(tmp_path)


def test_the_text_names_licence_model_and_everybody(manifest: Manifest) -> None:
    text = credits_text(manifest, ["Hair: A. CC0.", "Body: B. CC0.", "Hair: A. CC0."])
    assert manifest.attribution in text
    assert f"Licence: {manifest.licence}. Model: {manifest.title} (tiny 0.1.0)." in text
    assert text.count("- Hair: A. CC0.\n") == 1


def test_a_second_character_adds_only_what_is_new(manifest: Manifest) -> None:
    first = credits_text(manifest, ["Hair: A.", "Body: B."])
    assert credits_text(manifest, ["Body: B.", "Hair: A."], first) == first
    both = credits_text(manifest, ["Helm: C.", "Body: B."], first)
    assert both == first + "- Helm: C.\n"
    other = credits_text(replace(manifest, name="other", attribution="By others."), ["Body: B."], both)
    assert other.startswith(both)
    assert "By others." in other


def test_what_the_owner_wrote_is_kept(manifest: Manifest) -> None:
    mine = "My game, music by Z"
    text = credits_text(manifest, ["Hair: A."], mine)
    assert text.startswith(mine + "\n")
    assert manifest.attribution in text
