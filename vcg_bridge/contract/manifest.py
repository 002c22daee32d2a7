"""The bundle manifest, format 1: everything a server, an editor panel or a game needs to know of a model.

`manifest_io.load_manifest` checks the whole of it, and every file it names, before anything is loaded.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vcg_bridge.contract.errors import BadRequest, near

MANIFEST_FORMAT = 1
"""Format written and read here. 1 (0.1.0): first. A reader refuses any other number."""

MANIFEST_FILE = "manifest.json"
DIRECTIONS = ("up", "left", "down", "right")
"""Row order of LPC sheets."""

PARTS = ("behind", "front")
CODE_SCALE = 32
"""Style codes are int8; the network reads code / CODE_SCALE."""

MAX_SLOTS = 255

CLEANING_RULES = ("speck", "pinhole")
"""Rules of sprites.clean."""


@dataclass(frozen=True)
class Animation:
    """One animation of the bundle. Frame counts and directions hold for every layer."""

    id: str
    title: str  # as the art pack names it, "Combat 1h - Slash"
    frames: int
    fps: float
    loop: bool
    directions: tuple[str, ...]  # a subset of DIRECTIONS, in their order
    frame_names: tuple[str, ...] = ()  # one per frame where frames have names of their own (expressions)


@dataclass(frozen=True)
class Material:
    """Shades of a layer that are coloured together by one ramp."""

    group: str  # colour group; layers that share a group share the ramp (skin of body, head, nose)
    kind: str  # kind of ramp it takes: skin, hair, eyes, cloth, metal
    shades: int  # number of shades, light to dark


@dataclass(frozen=True)
class PartTable:
    """Where one part of a layer is drawn: a network's views, placed in every pose."""

    part: str  # "front" or "behind"
    z: int  # drawing order over all layers, low first
    network: str  # id in Manifest.networks
    poses: Mapping[str, NDArray[np.int16]]
    # animation -> int16 [directions, frames, 4]: view (-1: shows nothing), x, y in the layer's frame, flip (0 or 1)
    cleaning: Mapping[str, NDArray[np.int16]] = field(default_factory=dict)
    # cleaning rule -> int16 [n, 3], sorted: view, x, y in the unmirrored view where the art itself has what the rule takes
    # out, or may have; a rule that is missing is not applied (sprites.clean)


@dataclass(frozen=True)
class Layer:
    """One z-ordered part of a character."""

    id: str
    title: str
    required: bool  # body and head: a character cannot be without
    frame_size: int  # pixels; larger than Manifest.frame_size for oversize layers (swords)
    materials: tuple[Material, ...]
    fixed: int  # number of fixed-colour slots; the colours are per item
    parts: tuple[PartTable, ...]

    @property
    def classes(self) -> int:
        """Number of classes of this layer, transparent included."""
        return 1 + sum(m.shades for m in self.materials) + self.fixed


@dataclass(frozen=True)
class Item:
    """One drawn variant of a layer, and the style code that draws it."""

    id: str
    layer: str
    title: str
    kind: str  # items are mixed only within one kind of a layer ("pants", "boots", "beard")
    body: str  # "" fits every body, else the `body` of the body item it fits
    code: tuple[int, ...]  # int8 [z_dim]
    ramps: Mapping[str, str]  # colour group -> ramp id the artist used
    fixed: tuple[tuple[int, int, int], ...]  # RGB of the fixed slots, first ones first; missing ones are unused
    z: int | None = None  # drawing order of the front part, where it differs from the layer's
    hides: tuple[str, ...] = ()  # layers that are not drawn when this is worn
    allows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # layer -> items that fit under this one
    needs: tuple[str, ...] = ()  # layers without which it is not drawn: a plume floats without its helm
    parts: tuple[str, ...] = ("front",)  # parts this item has
    drawn: tuple[str, ...] = ()  # animations the artists drew; the others are the network's own completion
    credits: tuple[str, ...] = ()  # keys of the lines of CREDITS.csv

    def needs_met(self, worn: Container[str]) -> bool:
        """Whether all layers are worn that this item needs."""
        return all(layer in worn for layer in self.needs)


@dataclass(frozen=True)
class Control:
    """A direction in a layer's style space that means something: "Length", from "shorter" to "longer"."""

    id: str  # unique within the layer
    layer: str
    title: str
    low: str  # the word for amount -1
    high: str  # the word for amount +1
    items: tuple[str, ...]  # ids of the items it means this for, all of one kind and body
    direction: tuple[int, ...]  # int8 [z_dim], in the units of Item.code: what amount +1 adds and -1 takes away

    @property
    def key(self) -> str:
        """Its name among all controls of the bundle, "hair/length"."""
        return f"{self.layer}/{self.id}"


@dataclass(frozen=True)
class Network:
    """One ONNX file: inputs `code` float32 [N, z_dim], `view` int64 [N]; output `logits` float32 [N, classes, h, w]."""

    id: str
    file: str
    views: int
    classes: int  # at least the classes of every layer that uses it; the surplus is never chosen
    height: int
    width: int
    code_input: str = "code"
    view_input: str = "view"
    output: str = "logits"


@dataclass(frozen=True)
class Ramp:
    """An ordered list of colours of one material, light to dark."""

    id: str
    kind: str
    title: str
    colours: tuple[tuple[int, int, int], ...]  # RGB


@dataclass(frozen=True)
class LayerOdds:
    """How an archetype fills one layer."""

    chance: float  # 0..1 that the layer is worn at all; required layers have 1
    items: Mapping[str, float]  # item id -> weight; only these are chosen


@dataclass(frozen=True)
class Archetype:
    """A named distribution over items and ramps."""

    id: str
    title: str
    description: str
    layers: Mapping[str, LayerOdds]  # a layer that is missing here is never worn
    ramps: Mapping[
        str, Mapping[str, float]
    ]  # colour group -> ramp id -> weight; a missing group takes any ramp of its kind


@dataclass(frozen=True)
class Manifest:
    """A trained model as users install it (DESIGN.md section 6)."""

    name: str
    version: str
    title: str
    licence: str
    attribution: str  # one line that a product must show
    frame_size: int  # pixels, square
    z_dim: int
    animations: tuple[Animation, ...]
    layers: tuple[Layer, ...]
    items: tuple[Item, ...]
    networks: tuple[Network, ...]
    ramps: tuple[Ramp, ...]
    archetypes: tuple[Archetype, ...]
    files: Mapping[str, str]  # relative path -> sha256 hex of every other file of the bundle
    controls: tuple[Control, ...] = ()
    training: Mapping[str, object] = field(default_factory=dict)  # how it was trained, evaluation figures
    sha256: str = ""  # of manifest.json's bytes; pins the whole bundle, since `files` pins the rest

    @cached_property
    def _layers(self) -> dict[str, Layer]:
        return {x.id: x for x in self.layers}

    @cached_property
    def items_by_layer(self) -> Mapping[str, Mapping[str, Item]]:
        """Layer id -> item id -> item, all in manifest order."""
        table: dict[str, dict[str, Item]] = {layer.id: {} for layer in self.layers}
        for item in self.items:
            table.setdefault(item.layer, {})[item.id] = item
        return table

    @cached_property
    def _controls(self) -> dict[str, Control]:
        return {x.key: x for x in self.controls}

    @cached_property
    def ramps_by_kind(self) -> Mapping[str, Mapping[str, Ramp]]:
        """Kind -> ramp id -> ramp, all in manifest order."""
        table: dict[str, dict[str, Ramp]] = {}
        for ramp in self.ramps:
            table.setdefault(ramp.kind, {})[ramp.id] = ramp
        return table

    @cached_property
    def _animations(self) -> dict[str, Animation]:
        return {x.id: x for x in self.animations}

    @cached_property
    def _networks(self) -> dict[str, Network]:
        return {x.id: x for x in self.networks}

    @cached_property
    def _archetypes(self) -> dict[str, Archetype]:
        return {x.id: x for x in self.archetypes}

    @cached_property
    def groups(self) -> Mapping[str, str]:
        """Colour group -> kind of ramp it takes, in layer order."""
        return {m.group: m.kind for layer in self.layers for m in layer.materials}

    @cached_property
    def slot_base(self) -> Mapping[str, int]:
        """Layer id -> palette slot of its class 1. Static per bundle: class c > 0 is slot base + c - 1."""
        base, table = 1, {}
        for layer in self.layers:
            table[layer.id] = base
            base += layer.classes - 1
        return table

    def layer(self, layer_id: str) -> Layer:
        """The layer of that id. Raises BadRequest with near names."""
        return _find(self._layers, layer_id, "layer", self._layers)

    def item(self, layer_id: str, item_id: str) -> Item:
        """The item of that layer. Raises BadRequest with near names."""
        self.layer(layer_id)
        items = self.items_by_layer[layer_id]
        return _find(items, item_id, f"item of layer {layer_id!r}", items)

    def items_of(self, layer_id: str) -> tuple[Item, ...]:
        """All items of a layer, in manifest order."""
        return tuple(self.items_by_layer.get(layer_id, {}).values())

    def control(self, key: str) -> Control:
        """The control of that key, "layer/id". Raises BadRequest with near names."""
        return _find(self._controls, key, "control", self._controls)

    def controls_of(self, layer_id: str) -> tuple[Control, ...]:
        """All controls of a layer, in manifest order."""
        return tuple(x for x in self.controls if x.layer == layer_id)

    def ramp(self, kind: str, ramp_id: str) -> Ramp:
        """The ramp of that kind. Raises BadRequest with near names."""
        ramps = self.ramps_by_kind.get(kind, {})
        return _find(ramps, ramp_id, f"{kind} ramp", ramps)

    def ramps_of(self, kind: str) -> tuple[Ramp, ...]:
        """All ramps of a kind, in manifest order."""
        return tuple(self.ramps_by_kind.get(kind, {}).values())

    def animation(self, animation_id: str) -> Animation:
        """The animation of that id. Raises BadRequest with near names."""
        return _find(self._animations, animation_id, "animation", self._animations)

    def network(self, network_id: str) -> Network:
        """The network of that id. Raises BadRequest with near names."""
        return _find(self._networks, network_id, "network", self._networks)

    def archetype(self, archetype_id: str) -> Archetype:
        """The archetype of that id. Raises BadRequest with near names."""
        return _find(self._archetypes, archetype_id, "archetype", self._archetypes)


T = TypeVar("T")


def _find(table: Mapping[str, T], name: str, what: str, names: Iterable[str]) -> T:
    if name in table:
        return table[name]
    raise BadRequest(f"unknown {what}: {name!r}", hint=near(name, names))
