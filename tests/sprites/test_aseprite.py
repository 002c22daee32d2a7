from __future__ import annotations

import json
from typing import Any

import pytest

from vcg_bridge.contract.character import Character
from vcg_bridge.contract.errors import BadRequest
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.sprites.aseprite import aseprite_json
from vcg_bridge.sprites.layout import lay_out
from vcg_bridge.sprites.palette import slots
from vcg_bridge.sprites.sheet import Sheet


def read(sheet: Sheet, manifest: Manifest, character: Character, **options: str) -> dict[str, Any]:
    data = aseprite_json(sheet, manifest, character.recipe, name="guard", image="guard.png", **options)
    parsed: dict[str, Any] = json.loads(data)
    return parsed


@pytest.mark.parametrize("layout", ["rows", "packed"])
def test_frames_say_what_aseprite_says(manifest: Manifest, character: Character, layout: str) -> None:
    sheet = lay_out(layout, character, manifest)
    data = read(sheet, manifest, character)
    assert set(data) == {"frames", "meta"}
    assert list(data["frames"])[:2] == ["guard #walk_up 0.aseprite", "guard #walk_up 1.aseprite"]
    for described, frame in zip(data["frames"].values(), sheet.frames, strict=True):
        assert described == {
            "frame": {"x": frame.x, "y": frame.y, "w": frame.w, "h": frame.h},
            "rotated": False,
            "trimmed": layout == "packed",
            "spriteSourceSize": {"x": frame.source_x, "y": frame.source_y, "w": frame.w, "h": frame.h},
            "sourceSize": {"w": frame.source_w, "h": frame.source_h},
            "duration": frame.duration_ms,
        }


def test_meta_has_aseprites_keys(manifest: Manifest, character: Character) -> None:
    meta = read(lay_out("rows", character, manifest), manifest, character)["meta"]
    assert list(meta) == [
        "app", "version", "image", "format", "size", "scale", "frameTags", "layers", "slices", "vcg",
    ]  # fmt: skip
    assert meta["image"] == "guard.png"
    assert meta["format"] == "I8"
    assert meta["size"] == {"w": 192, "h": 544}
    assert meta["layers"] == [{"name": "guard", "opacity": 255, "blendMode": "normal"}]
    assert "aseprite" in meta["app"]  # some importers look for it


def test_tags_are_clips(manifest: Manifest, character: Character) -> None:
    data = read(lay_out("rows", character, manifest), manifest, character)
    tags = {tag["name"]: tag for tag in data["meta"]["frameTags"]}
    assert tags["walk_down"] == {
        "name": "walk_down", "from": 6, "to": 8, "direction": "forward", "color": "#000000ff",
    }  # fmt: skip
    assert tags["combat-slash_up"]["repeat"] == "1"  # it does not loop
    covered = [i for tag in tags.values() for i in range(tag["from"], tag["to"] + 1)]
    assert covered == list(range(len(data["frames"])))


def test_the_array_form_has_the_same_frames(manifest: Manifest, character: Character) -> None:
    sheet = lay_out("packed", character, manifest)
    by_name, listed = (read(sheet, manifest, character, kind=kind) for kind in ("hash", "array"))
    assert listed["frames"] == [{"filename": name, **frame} for name, frame in by_name["frames"].items()]
    assert listed["meta"] == by_name["meta"]


def test_colour_groups_name_their_slots(manifest: Manifest, character: Character) -> None:
    ours = read(lay_out("rows", character, manifest), manifest, character, normal_map="guard.normal.png")["meta"]["vcg"]
    assert set(ours["groups"]) == {"skin", "hair", "torso", "sword"}
    assert ours["groups"]["hair"] == {
        "kind": "hair",
        "ramp": "raven",
        "slots": [[s.index, s.shade] for s in slots(manifest) if s.group == "hair"],
    }
    assert ours["normal_map"] == "guard.normal.png"
    assert ours["licence"] == manifest.licence


def test_unknown_kind(manifest: Manifest, character: Character) -> None:
    with pytest.raises(BadRequest, match="kind of JSON"):
        read(lay_out("rows", character, manifest), manifest, character, kind="list")
