"""The JSON that Aseprite writes next to a sprite sheet (`--data`), which most engines' importers read.

Keys and their meaning follow Aseprite's src/app/doc_exporter.cpp (1.3): `frames` as a hash by file name or an array,
each with frame, rotated, trimmed, spriteSourceSize, sourceSize, duration; `meta` with app, version, image, format, size,
scale, frameTags (name, from, to, direction, repeat where it does not loop, color), layers (name, opacity, blendMode) and
slices. What Aseprite has no place for (model, licence, colour groups and their palette slots) is in `meta.vcg`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from vcg_bridge.contract.errors import BadRequest
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.recipe import Recipe
from vcg_bridge.sprites.palette import slots
from vcg_bridge.sprites.sheet import Sheet, SheetFrame, clips

JSON_KINDS = ("hash", "array")
LAYOUT_VERSION = "1.3"
"""Version of Aseprite whose layout of the file this is."""


def aseprite_json(
    sheet: Sheet,
    manifest: Manifest,
    recipe: Recipe,
    *,
    name: str,
    image: str,
    kind: str = "hash",
    normal_map: str = "",
) -> bytes:
    """The JSON of a sheet, UTF-8.

    name: of the character; frames are called `NAME #walk_down 0.aseprite`. image: file name of the sheet's PNG. kind:
    "hash" or "array". normal_map: file name of the normal map's PNG, if there is one.
    """
    if kind not in JSON_KINDS:
        raise BadRequest(f"unknown kind of JSON: {kind!r}", hint='"hash" or "array"')
    tags, entries = [], []
    for clip in clips(sheet, manifest):
        last = clip.first + len(clip.frames) - 1
        once = {} if clip.loop else {"repeat": "1"}
        tags.append(
            {"name": clip.name, "from": clip.first, "to": last, "direction": "forward", **once, "color": "#000000ff"}
        )
        entries += [(f"{name} #{clip.name} {i}.aseprite", frame) for i, frame in enumerate(clip.frames)]
    height, width = sheet.plane.shape
    meta: dict[str, Any] = {
        "app": "VCG Bridge, in the layout of https://www.aseprite.org/",
        "version": LAYOUT_VERSION,
        "image": image,
        "format": "I8",
        "size": {"w": width, "h": height},
        "scale": "1",
        "frameTags": tags,
        "layers": [{"name": name, "opacity": 255, "blendMode": "normal"}],
        "slices": [],
        "vcg": _ours(sheet, manifest, recipe, normal_map),
    }
    frames: Any
    if kind == "hash":
        frames = {key: _frame(frame) for key, frame in entries}
    else:
        frames = [{"filename": key, **_frame(frame)} for key, frame in entries]
    return (_lines({"frames": frames, "meta": meta}) + "\n").encode()


def _frame(frame: SheetFrame) -> dict[str, Any]:
    return {
        "frame": {"x": frame.x, "y": frame.y, "w": frame.w, "h": frame.h},
        "rotated": False,
        "trimmed": frame.trimmed,
        "spriteSourceSize": {"x": frame.source_x, "y": frame.source_y, "w": frame.w, "h": frame.h},
        "sourceSize": {"w": frame.source_w, "h": frame.source_h},
        "duration": frame.duration_ms,
    }


def _ours(sheet: Sheet, manifest: Manifest, recipe: Recipe, normal_map: str) -> dict[str, Any]:
    groups: dict[str, dict[str, Any]] = {}
    for slot in slots(manifest):
        if slot.layer in recipe.layers and slot.group:
            ramp = recipe.ramps.get(slot.group, "")
            group = groups.setdefault(slot.group, {"kind": manifest.groups[slot.group], "ramp": ramp, "slots": []})
            group["slots"].append([slot.index, slot.shade])
    return {
        "format": 1,
        "model": recipe.model,
        "model_sha256": recipe.model_sha256,
        "licence": manifest.licence,
        "attribution": manifest.attribution,
        "layout": sheet.layout,
        "scale": sheet.scale,
        "groups": groups,  # slots: [palette index, shade of the ramp]
        **({"normal_map": normal_map} if normal_map else {}),
    }


def _lines(value: dict[str, Any]) -> str:
    """JSON with one line per frame, tag and layer: small, and a change shows as a few lines in a diff."""
    return "{" + ",\n".join(f"{json.dumps(key)}: {_block(item)}" for key, item in value.items()) + "}"


def _block(value: Any) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) <= 300:
        return flat
    if isinstance(value, dict):
        rows: Sequence[str] = [f" {json.dumps(key, ensure_ascii=False)}: {_block(item)}" for key, item in value.items()]
        return "{\n" + ",\n".join(rows) + "\n}"
    if isinstance(value, list):
        return "[\n" + ",\n".join(f"  {_block(item)}" for item in value) + "\n]"
    return flat
