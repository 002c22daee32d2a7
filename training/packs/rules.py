"""The rules of an art pack: how its folders, colours and animations map to layers, kinds and archetypes.

They are data (`lpc_revised.toml`); this reads and checks them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.packs.neutral import tuples
from vcg_bridge.contract.errors import PackError
from vcg_bridge.contract.manifest import DIRECTIONS

DEFAULT_RULES = Path(__file__).with_name("lpc_revised.toml")


@dataclass(frozen=True)
class SheetRule:
    """One animation: its file and how the file is cut."""

    id: str
    title: str  # file name without .png
    frames: int
    fps: float
    loop: bool
    rows: tuple[str, ...] = DIRECTIONS  # direction of each row; "" is a row that is no art
    frame_names: tuple[str, ...] = ()

    @property
    def directions(self) -> tuple[str, ...]:
        """Directions of the rows that are art, in their order."""
        return tuple(r for r in self.rows if r)


@dataclass(frozen=True)
class BodyRule:
    """A folder name that says which body the items in it fit."""

    folder: str
    id: str
    suffix: str


@dataclass(frozen=True)
class LayerRule:
    """Which folders a layer takes, its drawing order and its colours."""

    id: str
    title: str
    folders: tuple[str, ...]  # patterns of item folders below the root
    kind: str  # kind of ramp of its first material
    z: int
    group: str = ""  # colour group of the first material; default: the layer's id
    also: tuple[str, ...] = ()  # kinds of ramp a further material may have
    keep: tuple[int, ...] = ()  # 0xRRGGBB of colours that are rare and yet art
    aliases: Mapping[int, int] = field(default_factory=dict)  # 0xRRGGBB used in place of a shade -> that shade, from 1
    views: str = ""  # id of the view group; default: the layer's id
    behind_z: int | None = None
    required: bool = False
    frame_size: int = 64
    still: str = "idle"  # what it shows in animations that borrow: "idle" or "nothing"
    follows: str = ""  # layer it moves with, showing its first frame of `follow_from`, in animations it has no art for

    @property
    def colour_group(self) -> str:
        """Colour group of the first material."""
        return self.group or self.id

    @property
    def view_group(self) -> str:
        """Id of the view group of the front part; the behind part has "-behind" after it."""
        return self.views or self.id


@dataclass(frozen=True)
class ItemRule:
    """What is said of items whose id matches a pattern. Later rules override earlier ones."""

    layer: str
    match: str
    kind: str | None = None
    body: str | None = None
    z: int | None = None
    hides: tuple[str, ...] | None = None
    needs: tuple[str, ...] | None = None
    allows: Mapping[str, tuple[str, ...]] | None = None  # layer -> patterns of items


@dataclass(frozen=True)
class ArchetypeRule:
    """An archetype with patterns instead of item ids."""

    id: str
    title: str
    description: str
    layers: Mapping[str, tuple[float, Mapping[str, float]]]  # layer -> chance, pattern -> weight
    ramps: Mapping[str, Mapping[str, float]]  # colour group -> ramp pattern -> weight


@dataclass(frozen=True)
class Cleaning:
    """How stray pixels are told from art (slots.py)."""

    rare_share: float = 0.2  # a colour outside the ramps in fewer of an item's frames is irregular
    snap_neighbours: float = 1.0  # irregular pixels with so many art pixels around (of 8) get the nearest colour
    island_pixels: int = 4  # irregular pixels on an island with fewer art pixels are a scrap of something else


@dataclass(frozen=True)
class Rules:
    """Everything that is known of an art pack beforehand."""

    name: str
    title: str
    licence: str
    attribution: str
    source: str
    frame_size: int
    root: str
    ramps: str  # ramp file, below the root
    ramp_kinds: Mapping[str, str]  # kind as the ramp file names it -> our kind
    colours: tuple[str, ...]  # colour folders, the best first
    behind: tuple[str, ...]  # names of the folders of behind parts
    skip: tuple[str, ...]  # folders that are not looked into
    borrow: Mapping[str, str]  # animation -> animation whose first frame stands in where a layer has no art
    follow_from: str  # animation whose first frame a layer that follows another shows where it has no art
    sheets: tuple[SheetRule, ...]
    bodies: tuple[BodyRule, ...]
    layers: tuple[LayerRule, ...]
    items: tuple[ItemRule, ...]
    archetypes: tuple[ArchetypeRule, ...]
    credits: Mapping[str, str] = field(default_factory=dict)  # item folder pattern -> heading in the credit file
    cleaning: Cleaning = field(default_factory=Cleaning)


def load_rules(file: Path = DEFAULT_RULES) -> Rules:
    """Read a rules file. Raises PackError naming the entry that is wrong."""
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PackError(f"cannot read the rules {file}: {error}", hint="see training/packs/lpc_revised.toml") from error
    part = "top level"
    try:
        part = "animations"
        sheets = tuple(SheetRule(**tuples(x)) for x in data.pop("animations"))
        part = "bodies"
        bodies = tuple(BodyRule(**x) for x in data.pop("bodies"))
        part = "layers"
        layers = tuple(
            LayerRule(
                **tuples(
                    {
                        **x,
                        "keep": [int(c, 16) for c in x.get("keep", [])],
                        "aliases": {int(c, 16): shade for c, shade in x.get("aliases", {}).items()},
                    }
                )
            )
            for x in data.pop("layers")
        )
        part = "items"
        items = tuple(ItemRule(**tuples(x)) for x in data.pop("items", []))
        part = "archetypes"
        sets, common = data.pop("sets", {}), data.pop("common", {})
        archetypes = tuple(_archetype(x, common, sets) for x in data.pop("archetypes", []))
        part = "cleaning"
        cleaning = Cleaning(**data.pop("cleaning", {}))
        part = "top level"
        return Rules(
            **tuples(data),
            sheets=sheets,
            bodies=bodies,
            layers=layers,
            items=items,
            archetypes=archetypes,
            cleaning=cleaning,
        )
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise PackError(f"{file}: {part}: {error}", hint="see training/packs/lpc_revised.toml") from error


def _archetype(x: dict[str, Any], common: dict[str, Any], sets: dict[str, Any]) -> ArchetypeRule:
    def weights(value: Any) -> dict[str, float]:
        table = sets[value] if isinstance(value, str) else value
        return {pattern: float(weight) for pattern, weight in table.items()}

    layers = {**common.get("layers", {}), **x.get("layers", {})}
    ramps = {**common.get("ramps", {}), **x.get("ramps", {})}
    return ArchetypeRule(
        x["id"],
        x["title"],
        x["description"],
        {k: (float(v["chance"]), weights(v["items"])) for k, v in layers.items()},
        {k: weights(v) for k, v in ramps.items()},
    )
