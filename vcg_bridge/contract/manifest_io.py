"""Reading and writing a bundle's manifest.json, and checking the files it names.

A bundle comes from anywhere, so nothing in it is believed: every field is checked before it is used, no path leaves
the folder, every file must hash to what the manifest says, and a graph that the manifest does not pin is refused.
Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vcg_bridge.contract.errors import BundleError
from vcg_bridge.contract.fields import Reader
from vcg_bridge.contract.manifest import MANIFEST_FILE, MANIFEST_FORMAT, Control, Item, Layer, Manifest, Network
from vcg_bridge.contract.manifest_parse import parse_manifest

MAX_MANIFEST_BYTES = 16 << 20
MAX_FILE_BYTES = 256 << 20
MAX_FILES = 1000
LINE = 118  # characters; values that fit stay on one line

_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._ -]{0,99}")
_DAMAGED = "the bundle is damaged or incomplete: install it again from where you got it"


def load_manifest(folder: str | os.PathLike[str], verify: bool = True) -> Manifest:
    """Read and check a bundle folder.

    Every field is checked and every file the manifest names must exist inside the folder. With `verify` (leave it
    on for anything that is going to be loaded) the files' sha256 are checked too, and no .onnx may lie there unlisted.
    Files of other kinds that the manifest does not name are ignored. Raises BundleError.
    """
    folder = Path(folder)
    path = folder / MANIFEST_FILE
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise BundleError(f"{path}: larger than {MAX_MANIFEST_BYTES >> 20} MiB", hint=_DAMAGED)
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if not folder.is_dir():
            raise BundleError(f"{folder}: there is no such folder", hint="give the folder of a bundle") from None
        raise BundleError(f"{folder}: not a bundle, it has no {MANIFEST_FILE}", hint="give a bundle's folder") from None
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: cannot be read ({error})", hint="check the path and its permissions") from None
    reader = Reader(BundleError, str(path), _DAMAGED)
    manifest = parse_manifest(reader.parse(data), hashlib.sha256(data).hexdigest())
    _check_files(folder, manifest, reader, verify)
    return manifest


def _check_files(folder: Path, manifest: Manifest, reader: Reader, verify: bool) -> None:
    if len(manifest.files) > MAX_FILES:
        reader.fail("files", f"names {len(manifest.files)} files; {MAX_FILES} is the most")
    root = folder.resolve()
    for name in manifest.files:
        where = f"files[{name!r}]"
        if not safe_path(name):
            reader.fail(where, "is not a plain path inside the bundle", "do not use this bundle: it may be hostile")
        if name.lower() == MANIFEST_FILE:
            reader.fail(where, "the manifest cannot list itself")
        path = folder / name
        if not path.exists():
            reader.fail(where, "the file is missing")
        if not path.resolve().is_relative_to(root):
            reader.fail(where, "leads outside the bundle", "do not use this bundle: it may be hostile")
        if not path.is_file():
            reader.fail(where, "is not a file")
        if path.stat().st_size > MAX_FILE_BYTES:
            reader.fail(where, f"the file is larger than {MAX_FILE_BYTES >> 20} MiB")
    for i, network in enumerate(manifest.networks):
        if network.file not in manifest.files:
            reader.fail(f"networks[{i}].file", f"{network.file!r} is not listed in files")
    if not verify:
        return
    for name, expected in manifest.files.items():
        with (folder / name).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            reader.fail(
                f"files[{name!r}]", f"the file's sha256 is {found[:12]}..., the manifest says {expected[:12]}..."
            )
    listed = {name.lower() for name in manifest.files}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.lower().endswith(".onnx") and name.lower() not in listed:
            reader.fail(
                "files", f"{name!r} is in the folder but not listed", "remove the file, or get the bundle again"
            )


def safe_path(name: str) -> bool:
    """Whether `name` is a relative path of plain names with '/' between: no '..', drive, backslash or hidden file."""
    parts = name.split("/")
    return len(name) <= 200 and all(_SEGMENT.fullmatch(p) and not p.endswith((".", " ")) for p in parts)


def dump_manifest(manifest: Manifest) -> bytes:
    """The manifest as UTF-8 JSON: sorted keys, one line per small thing, the same bytes for equal manifests.

    `sha256` is not written (it is the digest of these bytes). Raises ValueError for NaN and infinities.
    """
    tree = {
        "format": MANIFEST_FORMAT,
        "name": manifest.name,
        "version": manifest.version,
        "title": manifest.title,
        "licence": manifest.licence,
        "attribution": manifest.attribution,
        "frame_size": manifest.frame_size,
        "z_dim": manifest.z_dim,
        "animations": [
            {
                "id": x.id, "title": x.title, "frames": x.frames, "fps": float(x.fps), "loop": x.loop,
                "directions": x.directions,
            } | _some(frame_names=x.frame_names)
            for x in manifest.animations
        ],
        "layers": [_layer(x) for x in manifest.layers],
        "items": [_item(x) for x in manifest.items],
        "networks": [_network(x) for x in manifest.networks],
        "ramps": [{"id": x.id, "kind": x.kind, "title": x.title, "colours": x.colours} for x in manifest.ramps],
        "archetypes": [
            {
                "id": x.id,
                "title": x.title,
                "description": x.description,
                "layers": {
                    layer: {"chance": float(odds.chance), "items": {k: float(w) for k, w in odds.items.items()}}
                    for layer, odds in x.layers.items()
                },
                "ramps": {group: {k: float(w) for k, w in table.items()} for group, table in x.ramps.items()},
            }
            for x in manifest.archetypes
        ],
        "files": dict(manifest.files),
        "training": dict(manifest.training),
    } | _some(controls=tuple(_control(x) for x in manifest.controls))  # fmt: skip
    return (_write(tree, 0) + "\n").encode("utf-8")


def _some(**fields: Any) -> dict[str, Any]:
    """Only the fields that say something."""
    return {k: v for k, v in fields.items() if v is not None and v != () and v != {}}


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "id": layer.id,
        "title": layer.title,
        "required": layer.required,
        "frame_size": layer.frame_size,
        "materials": [{"group": m.group, "kind": m.kind, "shades": m.shades} for m in layer.materials],
        "fixed": layer.fixed,
        "parts": [
            {"part": p.part, "z": p.z, "network": p.network, "poses": {k: t.tolist() for k, t in p.poses.items()}}
            | _some(cleaning={k: t.tolist() for k, t in p.cleaning.items()})
            for p in layer.parts
        ],
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "id": item.id, "layer": item.layer, "title": item.title, "kind": item.kind, "body": item.body,
        "code": [int(c) for c in item.code], "parts": item.parts,
    } | _some(
        ramps=dict(item.ramps), fixed=item.fixed, z=item.z, hides=item.hides, allows=dict(item.allows),
        needs=item.needs, drawn=item.drawn, credits=item.credits,
    )  # fmt: skip


def _control(control: Control) -> dict[str, Any]:
    return {
        "id": control.id, "layer": control.layer, "title": control.title, "low": control.low, "high": control.high,
        "items": control.items, "direction": [int(c) for c in control.direction],
    }  # fmt: skip


def _network(network: Network) -> dict[str, Any]:
    return {
        "id": network.id, "file": network.file, "views": network.views, "classes": network.classes,
        "height": network.height, "width": network.width, "code_input": network.code_input,
        "view_input": network.view_input, "output": network.output,
    }  # fmt: skip


def _write(value: Any, depth: int) -> str:
    """JSON with sorted keys: arrays of numbers and whatever fits a line on one line, the rest one element a line."""
    flat = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    if depth and (len(flat) + depth <= LINE or _numeric(value)):
        return flat
    indent, end = "\n" + " " * (depth + 1), "\n" + " " * depth
    if isinstance(value, Mapping) and value:
        rows = [f"{json.dumps(k, ensure_ascii=False)}:{_write(value[k], depth + 1)}" for k in sorted(value)]
        return "{" + indent + ("," + indent).join(rows) + end + "}"
    if isinstance(value, list | tuple) and value:
        return "[" + indent + ("," + indent).join(_write(x, depth + 1) for x in value) + end + "]"
    return flat


def _numeric(value: Any) -> bool:
    """Whether it is an array of numbers, at any depth of nesting."""
    if not isinstance(value, list | tuple):
        return False
    return all(isinstance(x, int | float) or _numeric(x) for x in value)
