"""What an editor needs to build its panel for a model: the answer to `describe`, made from the manifest.

Kept small, because msgpack is slow in GDScript: colours are packed, style codes and pose tables stay at home.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.wire import Many, Octets, Text

if TYPE_CHECKING:  # brings numpy, which a light client can do without
    from vcg_bridge.contract.manifest import Item, Layer, Manifest

Id = Annotated[str, Text(v.MAX_ID_BYTES, 1)]
Name = Annotated[str, Text(v.MAX_NAME_BYTES)]
Title = Annotated[str, Text(v.MAX_TITLE_BYTES)]


@dataclass(frozen=True)
class DescribedAnimation:
    """One animation."""

    id: Name
    title: Title
    frames: int  # per direction
    fps: float
    loop: bool
    directions: tuple[Name, ...]
    frame_names: tuple[Title, ...] = ()  # where frames have names of their own (expressions)


@dataclass(frozen=True)
class DescribedMaterial:
    """Palette slots of a layer that one ramp colours: slot + i shows colour i of the ramp."""

    group: Name  # colour group: layers that share it share the ramp
    kind: Name  # kind of ramp it takes
    slot: int  # first palette slot
    shades: int  # number of slots


@dataclass(frozen=True)
class DescribedItem:
    """One drawn variant of a layer."""

    id: Name
    title: Title
    kind: Name = ""  # only items of one kind are mixed
    body: Name = ""  # "" fits every body
    hides: tuple[Name, ...] = ()  # layers not drawn when it is worn
    allows: Mapping[str, tuple[Name, ...]] = field(default_factory=dict)  # layer -> the only items that fit under it
    needs: tuple[Name, ...] = ()  # layers without which it is not drawn


@dataclass(frozen=True)
class DescribedControl:
    """A slider of a layer: how its style can be moved."""

    id: Name  # "layer/id" is its key in design.controls
    title: Title
    low: Title  # the word for -100
    high: Title  # the word for 100
    items: tuple[Name, ...]  # that it works for


@dataclass(frozen=True)
class DescribedLayer:
    """One layer and its items."""

    id: Name
    title: Title
    items: tuple[DescribedItem, ...]
    required: bool = False  # a character cannot be without
    frame_size: int = 0  # pixels, where larger than the model's
    materials: tuple[DescribedMaterial, ...] = ()
    slot: int = 0  # first palette slot of the layer
    slots: int = 0  # number of palette slots, fixed colours included
    controls: tuple[DescribedControl, ...] = ()


@dataclass(frozen=True)
class DescribedRamp:
    """An ordered list of colours, light to dark."""

    id: Name
    title: Title
    colours: Annotated[bytes, Octets(0, 768)]  # RGBRGB...


@dataclass(frozen=True)
class DescribedArchetype:
    """A named distribution over items and ramps."""

    id: Name
    title: Title
    description: str = ""


@dataclass(frozen=True)
class Description:
    """Answer to describe."""

    id: Id
    model: Name
    version: Name
    title: Title
    sha256: Name  # hex, of the bundle's manifest.json
    licence: Title
    attribution: str  # one line that a product must show
    frame_size: int  # pixels, square
    animations: tuple[DescribedAnimation, ...]
    layers: tuple[DescribedLayer, ...]
    ramps: Annotated[Mapping[str, tuple[DescribedRamp, ...]], Many(64)]  # kind -> ramps
    groups: Annotated[Mapping[str, Name], Many(256)]  # colour group -> kind of ramp
    archetypes: tuple[DescribedArchetype, ...] = ()
    bodies: tuple[Name, ...] = ()  # body types


def description_of(manifest: Manifest, request_id: str) -> Description:
    """The answer to `describe` for a bundle."""
    return Description(
        id=request_id,
        model=manifest.name,
        version=manifest.version,
        title=manifest.title,
        sha256=manifest.sha256,
        licence=manifest.licence,
        attribution=manifest.attribution,
        frame_size=manifest.frame_size,
        animations=tuple(
            DescribedAnimation(a.id, a.title, a.frames, float(a.fps), a.loop, a.directions, a.frame_names)
            for a in manifest.animations
        ),
        layers=tuple(_layer(manifest, layer) for layer in manifest.layers),
        ramps={
            kind: tuple(
                DescribedRamp(r.id, r.title, bytes(c for rgb in r.colours for c in rgb))
                for r in manifest.ramps_of(kind)
            )
            for kind in dict.fromkeys(r.kind for r in manifest.ramps)
        },
        groups=dict(manifest.groups),
        archetypes=tuple(DescribedArchetype(a.id, a.title, a.description) for a in manifest.archetypes),
        bodies=tuple(dict.fromkeys(i.body for i in manifest.items if i.body)),
    )


def _layer(manifest: Manifest, layer: Layer) -> DescribedLayer:
    slot = manifest.slot_base[layer.id]
    materials = []
    first = slot
    for material in layer.materials:
        materials.append(DescribedMaterial(material.group, material.kind, first, material.shades))
        first += material.shades
    return DescribedLayer(
        id=layer.id,
        title=layer.title,
        items=tuple(_item(i) for i in manifest.items_of(layer.id)),
        required=layer.required,
        frame_size=0 if layer.frame_size == manifest.frame_size else layer.frame_size,
        materials=tuple(materials),
        slot=slot,
        slots=layer.classes - 1,
        controls=tuple(DescribedControl(c.id, c.title, c.low, c.high, c.items) for c in manifest.controls_of(layer.id)),
    )


def _item(item: Item) -> DescribedItem:
    return DescribedItem(item.id, item.title, item.kind, item.body, tuple(item.hides), dict(item.allows), item.needs)
