"""Resources for Godot: the text, and whether a real Godot loads it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from vcg_bridge.contract.character import Character
from vcg_bridge.contract.errors import BadRequest
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.sprites.effects import drop_shadow
from vcg_bridge.sprites.godot import sprite_frames
from vcg_bridge.sprites.layout import lay_out
from vcg_bridge.sprites.sheet import Sheet, clips
from vcg_bridge.sprites.writer import WriteOptions, character_files, write_files

ROOT = Path(__file__).resolve().parents[2]


def test_text_is_stable_and_complete(manifest: Manifest, character: Character) -> None:
    sheet = lay_out("packed", character, manifest)
    text = sprite_frames(sheet, manifest, texture="guard.png").decode()
    assert text.startswith('[gd_resource type="SpriteFrames" load_steps=')
    assert text.count("[sub_resource ") == len(sheet.frames) == text.count('"duration": 1.0')
    assert f"load_steps={len(sheet.frames) + 2} format=3]" in text
    assert '[ext_resource type="Texture2D" path="guard.png" id="1_sheet"]' in text
    assert re.findall(r'"loop": (\w+),\n"name": &"(combat-slash_up|walk_up)",\n"speed": ([\d.]+)', text) == [
        ("true", "walk_up", "8.0"),
        ("false", "combat-slash_up", "12.0"),
    ]
    frame = sheet.frames[0]
    assert (
        f'id="walk_up_0"]\natlas = ExtResource("1_sheet")\nregion = Rect2({frame.x}, {frame.y}, {frame.w}, {frame.h})\n'
        f"margin = Rect2({frame.source_x}, {frame.source_y}, {32 - frame.w}, {32 - frame.h})\n"
    ) in text
    assert sprite_frames(sheet, manifest, texture="guard.png").decode() == text


def test_uids_and_paths(manifest: Manifest, character: Character) -> None:
    sheet = lay_out("rows", character, manifest)
    text = sprite_frames(
        sheet, manifest, texture="res://npc/g.png", uid="uid://b36yt8ewr3axr", texture_uid="uid://dql2aoi5h4ivq"
    ).decode()
    assert 'format=3 uid="uid://b36yt8ewr3axr"]' in text
    assert 'uid="uid://dql2aoi5h4ivq" path="res://npc/g.png"' in text
    assert "margin" not in text
    for bad in ({"texture": 'a".png'}, {"texture": "a\\b.png"}, {"texture": "a.png", "uid": "b36yt8ewr3axr"}):
        with pytest.raises(BadRequest):
            sprite_frames(sheet, manifest, **bad)


CHECK = """
extends SceneTree

func _init() -> void:
	var found := {}
	for path: String in ["res://npc/rows.tres", "res://npc/packed.tres"]:
		var frames: SpriteFrames = load(path)
		var names := {}
		for clip: String in frames.get_animation_names():
			var cells := []
			for i: int in frames.get_frame_count(clip):
				var texture: AtlasTexture = frames.get_frame_texture(clip, i)
				var sheet: Texture2D = texture.atlas
				var image := texture.get_image()
				cells.append({
					"region": [texture.region.position.x, texture.region.position.y, texture.region.size.x, texture.region.size.y],
					"size": [texture.get_width(), texture.get_height()],
					"duration": frames.get_frame_duration(clip, i),
					"atlas": sheet.get_class(),
					"sheet": [sheet.get_width(), sheet.get_height()],
					"opaque": _opaque(image),
				})
			names[clip] = {
				"loop": frames.get_animation_loop(clip), "speed": frames.get_animation_speed(clip), "cells": cells,
			}
		found[path.get_file().get_basename()] = names
	print("FOUND ", JSON.stringify(found))
	quit()

func _opaque(image: Image) -> int:
	var count := 0
	for y: int in image.get_height():
		for x: int in image.get_width():
			if image.get_pixel(x, y).a > 0.5:
				count += 1
	return count
"""


def godot() -> str:
    """A Godot 4: GODOT, else what scripts/install_godot.sh finds or installs. Skips where there is none to be had."""
    run = subprocess.run(
        [ROOT / "scripts" / "install_godot.sh"], capture_output=True, text=True, timeout=600, check=False
    )
    if run.returncode:
        pytest.skip(f"no Godot: {run.stderr.strip()[-300:]}")
    return run.stdout.strip().splitlines()[-1]


def run_godot(*arguments: str) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    run = subprocess.run(
        [godot(), "--headless", *arguments], capture_output=True, text=True, timeout=300, env=environment, check=False
    )
    output = run.stdout + run.stderr
    assert run.returncode == 0, output
    assert "ERROR" not in output, output
    return output


@pytest.mark.godot
@pytest.mark.timeout(900)
def test_a_real_godot_loads_the_resources(manifest: Manifest, character: Character, tmp_path: Path) -> None:
    folder = tmp_path / "npc"
    write_files(tmp_path, {"project.godot": b'config_version=5\n\n[application]\n\nconfig/name="check"\n'})
    write_files(tmp_path, {"check.gd": CHECK.encode()})
    write_files(folder, character_files("rows", character, manifest))
    lit = WriteOptions(layout="packed", extrude=1, normal_map=True, shadow=(0, 0, 0, 200))
    write_files(folder, character_files("packed", character, manifest, lit))
    run_godot("--path", str(tmp_path), "--import")
    output = run_godot("--path", str(tmp_path), "--script", "res://check.gd")
    found = json.loads(output.split("FOUND ", 1)[1].splitlines()[0])
    shaded = drop_shadow(character, manifest, colour=(0, 0, 0, 200))
    for name, shown in (("rows", character), ("packed", shaded)):
        sheet = lay_out(name, shown, manifest, extrude=1 if name == "packed" else 0)
        compare(found[name], sheet, shown, manifest)


def compare(found: dict[str, dict[str, object]], sheet: Sheet, character: Character, manifest: Manifest) -> None:
    """What Godot has read is what the sheet says."""
    expected = {}
    for clip in clips(sheet, manifest):
        cells = [
            {
                "region": [f.x, f.y, f.w, f.h],
                "size": [f.source_w, f.source_h],
                "duration": 1.0,
                "atlas": "CanvasTexture" if sheet.layout == "packed" else "CompressedTexture2D",
                "sheet": [sheet.plane.shape[1], sheet.plane.shape[0]],
                "opaque": int((character.frames[f.pose] > 0).sum()),
            }
            for f in clip.frames
        ]
        expected[clip.name] = {"loop": clip.loop, "speed": clip.fps, "cells": cells}
    assert found == expected
