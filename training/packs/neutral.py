"""The neutral pack, format 1: what `prepare` writes and what training and export read.

A folder with `pack.json` (everything but pixels) and `planes.npz` (the drawings, one stack per view group). Written
whole or not at all; the same art and rules give the same bytes.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vcg_bridge.contract.errors import OutputError, PackError
from vcg_bridge.contract.manifest import Animation, Archetype, LayerOdds, Material, Ramp

PACK_FORMAT = 1
"""Format written and read here. 1: first. A reader refuses any other number."""

PACK_FILE = "pack.json"
PLANES_FILE = "planes.npz"

Colour = tuple[int, int, int]
PoseTable = Mapping[str, NDArray[np.int16]]  # animation -> [directions, frames, 4]: view (-1: nothing), x, y, flip


@dataclass(frozen=True)
class PackPart:
    """Where a part of a layer is in the drawing order, and which views draw it."""

    part: str  # "front" or "behind"
    z: int
    group: str  # id in Pack.groups


@dataclass(frozen=True)
class PackLayer:
    """One z-ordered part of a character."""

    id: str
    title: str
    required: bool
    frame_size: int
    materials: tuple[Material, ...]
    fixed: int  # number of fixed-colour slots
    parts: tuple[PackPart, ...]

    @property
    def classes(self) -> int:
        """Number of classes, transparent included."""
        return 1 + sum(m.shades for m in self.materials) + self.fixed


@dataclass(frozen=True)
class PackItem:
    """One drawn variant of a layer. The fields mean what they mean in contract.manifest.Item."""

    id: str
    layer: str
    title: str
    kind: str
    body: str
    ramps: Mapping[str, str]  # colour group -> ramp id the artist used
    fixed: tuple[Colour, ...]
    parts: tuple[str, ...]
    drawn: tuple[str, ...]
    credits: tuple[str, ...]
    z: int | None = None
    hides: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    allows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Credit:
    """One line of the artists' credit files."""

    key: str
    item: str  # heading as the file has it
    artists: tuple[str, ...]
    source: str  # addresses, space between them; may be ""
    licence: str
    details: str


@dataclass(frozen=True, eq=False)
class Group:
    """Parts that one network draws, and all their distinct drawings."""

    id: str
    members: tuple[tuple[str, str], ...]  # (layer, part)
    items: tuple[tuple[str, str], ...]  # (layer, item), in the order of the planes
    planes: NDArray[np.uint8]  # [items, views, height, width], classes of the item's layer, 0 where not known
    known: NDArray[np.bool_]  # [items, views]: the art shows this item in this view
    poses_per_view: NDArray[np.int32]  # [views]: how many drawn poses show it
    classes: int  # at least the classes of every member's layer

    @property
    def views(self) -> int:
        """Number of distinct drawings."""
        return int(self.planes.shape[1])

    @property
    def height(self) -> int:
        """Window height, pixels, a multiple of 4."""
        return int(self.planes.shape[2])

    @property
    def width(self) -> int:
        """Window width, pixels, a multiple of 4."""
        return int(self.planes.shape[3])


@dataclass(frozen=True, eq=False)
class Pack:
    """An art pack in neutral form."""

    name: str
    title: str
    licence: str
    attribution: str
    source: str
    frame_size: int
    animations: tuple[Animation, ...]
    layers: tuple[PackLayer, ...]
    items: tuple[PackItem, ...]
    ramps: tuple[Ramp, ...]
    archetypes: tuple[Archetype, ...]
    credits: tuple[Credit, ...]
    groups: tuple[Group, ...]
    poses: Mapping[str, PoseTable]  # "layer/part" -> table
    report: Mapping[str, object]  # what was found, cleaned, missing

    def layer(self, layer_id: str) -> PackLayer:
        """The layer of that id. Raises KeyError."""
        return {x.id: x for x in self.layers}[layer_id]

    def group(self, group_id: str) -> Group:
        """The group of that id. Raises KeyError."""
        return {x.id: x for x in self.groups}[group_id]

    def ramp(self, kind: str, ramp_id: str) -> Ramp:
        """The ramp of that kind and id. Raises KeyError."""
        return {(x.kind, x.id): x for x in self.ramps}[kind, ramp_id]


def save_pack(pack: Pack, folder: Path, pictures: Mapping[str, bytes] | None = None) -> None:
    """Write the pack to `folder`, replacing a pack that is there. `pictures`: further files by name.

    Raises OutputError when the folder holds something that is not a pack, or cannot be written.
    """
    check_out(folder)
    with _replacing(folder) as temporary:
        text = json.dumps(_to_json(pack), indent=1, ensure_ascii=False) + "\n"
        (temporary / PACK_FILE).write_text(text, encoding="utf-8", newline="\n")
        _write_planes(temporary / PLANES_FILE, pack.groups)
        for name, data in (pictures or {}).items():
            (temporary / name).write_bytes(data)


def check_out(folder: Path) -> None:
    """Raise OutputError when `save_pack` would overwrite something that is not a pack."""
    if folder.exists() and not (folder / PACK_FILE).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} exists and is not a pack", hint="give a new folder, or an old pack's")


def load_pack(folder: Path) -> Pack:
    """Read what `save_pack` wrote. Raises PackError naming what is wrong with it."""
    try:
        data = json.loads((folder / PACK_FILE).read_text(encoding="utf-8"))
        if data.get("format") != PACK_FORMAT:
            raise PackError(
                f"{folder / PACK_FILE} has format {data.get('format')!r}, this version reads {PACK_FORMAT}",
                hint="run `python -m training prepare` again",
            )
        with np.load(folder / PLANES_FILE, allow_pickle=False) as planes:
            return _from_json(data, planes)
    except FileNotFoundError as error:
        raise PackError(f"no {Path(error.filename).name} in {folder}", hint=_PREPARE_HINT) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise PackError(f"{folder} is not a readable pack: {error!r}", hint=_PREPARE_HINT) from error


_PREPARE_HINT = "make it with `python -m training prepare PACK_DIR --out FOLDER`"


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder` that takes its place on success and vanishes on failure."""
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        temporary.chmod(0o755)
        yield temporary
        old = temporary.with_name(f"{temporary.name}.old")
        if folder.exists():
            folder.rename(old)
        temporary.rename(folder)
        temporary = None
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error}", hint="check the path and the free space") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _write_planes(path: Path, groups: tuple[Group, ...]) -> None:
    arrays: dict[str, NDArray[Any]] = {}
    for g in groups:
        arrays[f"{g.id}.planes"] = g.planes
        arrays[f"{g.id}.known"] = g.known
        arrays[f"{g.id}.poses_per_view"] = g.poses_per_view
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # one keyword of savez is a flag


def _to_json(pack: Pack) -> dict[str, object]:
    return {
        "format": PACK_FORMAT,
        **{k: getattr(pack, k) for k in ("name", "title", "licence", "attribution", "source", "frame_size")},
        "animations": [
            dict(vars(a), directions=list(a.directions), frame_names=list(a.frame_names)) for a in pack.animations
        ],
        "layers": [
            {
                "id": x.id,
                "title": x.title,
                "required": x.required,
                "frame_size": x.frame_size,
                "materials": [vars(m) for m in x.materials],
                "fixed": x.fixed,
                "parts": [vars(p) for p in x.parts],
            }
            for x in pack.layers
        ],
        "items": [vars(x) for x in pack.items],
        "ramps": [vars(x) for x in pack.ramps],
        "archetypes": [dict(vars(x), layers={k: vars(o) for k, o in x.layers.items()}) for x in pack.archetypes],
        "credits": [vars(x) for x in pack.credits],
        "groups": [
            {
                "id": g.id,
                "height": g.height,
                "width": g.width,
                "views": g.views,
                "classes": g.classes,
                "members": g.members,
                "items": g.items,
            }
            for g in pack.groups
        ],
        "poses": {k: {a: t.tolist() for a, t in table.items()} for k, table in pack.poses.items()},
        "report": pack.report,
    }


def _from_json(data: dict[str, Any], planes: Mapping[str, NDArray[Any]]) -> Pack:
    return Pack(
        **{k: data[k] for k in ("name", "title", "licence", "attribution", "source", "frame_size", "report")},
        animations=tuple(Animation(**tuples(a)) for a in data["animations"]),
        layers=tuple(_layer(x) for x in data["layers"]),
        items=tuple(PackItem(**tuples(x)) for x in data["items"]),
        ramps=tuple(Ramp(**tuples(x)) for x in data["ramps"]),
        archetypes=tuple(
            Archetype(**{**x, "layers": {k: LayerOdds(**odds) for k, odds in x["layers"].items()}})
            for x in data["archetypes"]
        ),
        credits=tuple(Credit(**tuples(x)) for x in data["credits"]),
        groups=tuple(_group(x, planes) for x in data["groups"]),
        poses={
            part: {a: np.array(rows, np.int16).reshape(len(rows), -1, 4) for a, rows in table.items()}
            for part, table in data["poses"].items()
        },
    )


def _layer(x: dict[str, Any]) -> PackLayer:
    materials = tuple(Material(**m) for m in x["materials"])
    return PackLayer(**{**x, "materials": materials, "parts": tuple(PackPart(**p) for p in x["parts"])})


def _group(x: dict[str, Any], planes: Mapping[str, NDArray[Any]]) -> Group:
    members, items = tuples(x)["members"], tuples(x)["items"]
    arrays = {k: planes[f"{x['id']}.{k}"] for k in ("planes", "known", "poses_per_view")}
    g = Group(id=x["id"], members=members, items=items, classes=x["classes"], **arrays)
    said = (len(g.items), x["views"], x["height"], x["width"])
    if g.planes.shape != said or g.known.shape != said[:2]:
        raise ValueError(f"planes of {g.id} are {g.planes.shape}, {PACK_FILE} says {said}")
    return g


def tuples(value: dict[str, Any]) -> dict[str, Any]:
    """Lists of JSON or TOML as tuples, all the way down."""

    def deep(x: Any) -> Any:
        if isinstance(x, list):
            return tuple(deep(y) for y in x)
        return {k: deep(y) for k, y in x.items()} if isinstance(x, dict) else x

    return {k: deep(v) for k, v in value.items()}
