"""Godot 4.4+ resources as text: `SpriteFrames` for AnimatedSprite2D, cut from a sheet.

Names of animations are `walk_down`; ids of sub-resources are stable (`walk_down_0`, `combat_slash_up_3`), so a new export of the same
character changes no line it need not. Checked in a real Godot by tests/sprites/test_godot.py.
"""

from __future__ import annotations

import re

from vcg_bridge.contract.errors import BadRequest
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.sprites.sheet import Sheet, SheetFrame, clips

_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_]")
"""What Godot does not allow in the id of a sub-resource."""

_UID = re.compile(r"uid://[a-y0-8]{1,13}")


def sprite_frames(
    sheet: Sheet,
    manifest: Manifest,
    *,
    texture: str,
    normal_map: str = "",
    uid: str = "",
    texture_uid: str = "",
) -> bytes:
    """A SpriteFrames resource, UTF-8 text.

    texture: path of the sheet's PNG, `res://npc/guard.png` or relative to the resource's own folder (`guard.png`; the
    folder can then be moved). normal_map: the same for a normal map; both are then joined in a CanvasTexture. uid,
    texture_uid: `uid://...` of this resource and of the texture, where the project has given them one already; Godot
    finds its own otherwise. Raises BadRequest for a path or uid that Godot could not read.
    """
    for path in (texture, normal_map):
        if '"' in path or "\\" in path or "\n" in path:
            raise BadRequest(f"{path!r} cannot be a path in Godot", hint="use / and no quotes")
    for value in (uid, texture_uid):
        if value and not _UID.fullmatch(value):
            raise BadRequest(f"{value!r} is not a uid of Godot", hint="they look like uid://b36yt8ewr3axr")
    external = [_external("1_sheet", texture, texture_uid)]
    internal, atlas = [], 'ExtResource("1_sheet")'
    if normal_map:
        external.append(_external("2_normal", normal_map, ""))
        internal.append(
            '[sub_resource type="CanvasTexture" id="CanvasTexture_sheet"]\n'
            f'diffuse_texture = {atlas}\nnormal_texture = ExtResource("2_normal")\n'
        )
        atlas = 'SubResource("CanvasTexture_sheet")'
    animations = []
    taken: set[str] = set()
    for clip in clips(sheet, manifest):
        stem = _free(_NOT_IN_IDS.sub("_", clip.name), taken)
        ids = [f"{stem}_{i}" for i in range(len(clip.frames))]
        internal += [_atlas(name, frame, atlas) for name, frame in zip(ids, clip.frames, strict=True)]
        frames = ", ".join(f'{{\n"duration": 1.0,\n"texture": SubResource("{name}")\n}}' for name in ids)
        animations.append(
            f'{{\n"frames": [{frames}],\n"loop": {str(clip.loop).lower()},\n'
            f'"name": &"{clip.name}",\n"speed": {float(clip.fps)!r}\n}}'
        )
    steps = len(external) + len(internal) + 1
    own_uid = f' uid="{uid}"' if uid else ""
    parts = [
        f'[gd_resource type="SpriteFrames" load_steps={steps} format=3{own_uid}]\n',
        "\n".join(external) + "\n",
        *internal,
        f"[resource]\nanimations = [{', '.join(animations)}]\n",
    ]
    return "\n".join(parts).encode()


def _free(stem: str, taken: set[str]) -> str:
    """The stem itself, longer where another clip has it already ("a-b" and "a.b")."""
    while stem in taken:
        stem += "_x"
    taken.add(stem)
    return stem


def _external(name: str, path: str, uid: str) -> str:
    own_uid = f' uid="{uid}"' if uid else ""
    return f'[ext_resource type="Texture2D"{own_uid} path="{path}" id="{name}"]'


def _atlas(name: str, frame: SheetFrame, atlas: str) -> str:
    """A frame's rectangle; the margin puts back what trimming has cut off, so that frames stay aligned."""
    text = (
        f'[sub_resource type="AtlasTexture" id="{name}"]\natlas = {atlas}\n'
        f"region = Rect2({frame.x}, {frame.y}, {frame.w}, {frame.h})\n"
    )
    if frame.trimmed:
        margin = frame.source_x, frame.source_y, frame.source_w - frame.w, frame.source_h - frame.h
        text += f"margin = Rect2({', '.join(map(str, margin))})\n"
    return text
