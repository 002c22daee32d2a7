"""From the parsed JSON of a manifest to a `Manifest`: every field's type and range, every reference between them.

Knows nothing of files; `manifest_io` reads and checks those.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from vcg_bridge.contract.errors import near
from vcg_bridge.contract.fields import Node
from vcg_bridge.contract.manifest import (
    CLEANING_RULES,
    DIRECTIONS,
    MANIFEST_FORMAT,
    MAX_SLOTS,
    PARTS,
    Animation,
    Archetype,
    Control,
    Item,
    Layer,
    LayerOdds,
    Manifest,
    Material,
    Network,
    PartTable,
    Ramp,
)
from vcg_bridge.contract.vocabulary import MAX_KEY_BYTES

BODY_LAYER = "body"
"""The layer whose items say which bodies there are; every other item's `body` is one of theirs, or ""."""

MAX_FRAME = 1024  # pixels
MAX_LOGITS = 1 << 22  # classes * height * width of one view: bounds what one drawn view may cost
VERSION = re.compile(r"\d{1,6}\.\d{1,6}\.\d{1,6}(?:[-.+][0-9A-Za-z.-]{1,40})?")

FIELDS = (
    "format", "name", "version", "title", "licence", "attribution", "frame_size", "z_dim", "animations", "networks",
    "ramps", "layers", "items", "archetypes", "files",
)  # fmt: skip
OPTIONAL_FIELDS = ("controls", "training")

T = TypeVar("T")


def parse_manifest(root: Node, sha256: str) -> Manifest:
    """Check the whole tree and build the manifest. Raises what the node's reader raises."""
    if (
        isinstance(root.value, dict)
        and type(root.value.get("format")) is int
        and root.value["format"] != MANIFEST_FORMAT
    ):
        found = root.value["format"]
        newer = found > MANIFEST_FORMAT
        root["format"].fail(
            f"the bundle has format {found}; this VCG Bridge reads format {MANIFEST_FORMAT}",
            "update VCG Bridge to use this bundle"
            if newer
            else "export the bundle again with the present training kit",
        )
    root.object(FIELDS, OPTIONAL_FIELDS)
    root["format"].integer(MANIFEST_FORMAT, MANIFEST_FORMAT)
    frame_size, z_dim = root["frame_size"].integer(8, MAX_FRAME), root["z_dim"].integer(1, 4096)

    animations = _unique(root["animations"], _animation, 1, 200, lambda x: x.id)
    networks = _unique(root["networks"], _network, 1, 200, lambda x: x.id)
    ramps = _unique(root["ramps"], _ramp, 0, 5000, lambda x: (x.kind, x.id))
    layers = _layers(root["layers"], frame_size, animations, networks, ramps.values())
    items = _items(root["items"], z_dim, animations, layers, ramps)
    archetypes = _unique(
        root["archetypes"], lambda node: _archetype(node, layers, items, ramps), 1, 1000, lambda x: x.id
    )
    controls: dict[str, Control] = {}
    if root.has("controls"):
        controls = _unique(
            root["controls"], lambda node: _control(node, z_dim, layers, items), 0, 1000, lambda x: x.key
        )
    version = root["version"].text(5, 60)
    if not VERSION.fullmatch(version):
        root["version"].fail(f"{version!r} is not a version like 1.2.0")
    training = root["training"].value if root.has("training") else {}
    if not isinstance(training, dict):
        root["training"].fail("expected an object")
    return Manifest(
        name=root["name"].slug(),
        version=version,
        title=root["title"].text(1, 200),
        licence=root["licence"].text(1, 200),
        attribution=root["attribution"].text(1, 2000),
        frame_size=frame_size,
        z_dim=z_dim,
        animations=tuple(animations.values()),
        layers=tuple(layers.values()),
        items=tuple(items.values()),
        networks=tuple(networks.values()),
        ramps=tuple(ramps.values()),
        archetypes=tuple(archetypes.values()),
        files={name: node.sha256() for name, node in root["files"].table()},
        controls=tuple(controls.values()),
        training=training,
        sha256=sha256,
    )


def _unique(node: Node, read: Callable[[Node], T], least: int, most: int, key: Callable[[T], Any]) -> dict[Any, T]:
    """The elements of an array by their key, in order; a repeated key is a fault."""
    table: dict[Any, T] = {}
    for element in node.array(least, most):
        value = read(element)
        if key(value) in table:
            element.fail(f"the id {key(value)!r} is there twice")
        table[key(value)] = value
    return table


def _distinct(node: Node, names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        node.fail("names something twice")
    return names


def _animation(node: Node) -> Animation:
    node.object(("id", "title", "frames", "fps", "loop", "directions"), ("frame_names",))
    frames = node["frames"].integer(1, 256)
    directions = node["directions"].each(lambda x: x.one_of(DIRECTIONS), 1, len(DIRECTIONS))
    if [d for d in DIRECTIONS if d in directions] != list(directions):
        node["directions"].fail(f"must be in the order {', '.join(DIRECTIONS)}, each once")
    names: tuple[str, ...] = ()
    if node.has("frame_names"):
        names = _distinct(node["frame_names"], node["frame_names"].each(lambda x: x.text(1, 60), frames, frames))
    return Animation(
        node["id"].slug(), node["title"].text(1, 200), frames, node["fps"].number(0.01, 240),
        node["loop"].boolean(), directions, names,
    )  # fmt: skip


def _network(node: Node) -> Network:
    node.object(("id", "file", "views", "classes", "height", "width"), ("code_input", "view_input", "output"))
    network = Network(
        id=node["id"].slug(),
        file=node["file"].text(1, 200),
        views=node["views"].integer(1, 32_767),
        classes=node["classes"].integer(2, MAX_SLOTS + 1),
        height=node["height"].integer(1, MAX_FRAME),
        width=node["width"].integer(1, MAX_FRAME),
        code_input=node["code_input"].text(1, 100) if node.has("code_input") else "code",
        view_input=node["view_input"].text(1, 100) if node.has("view_input") else "view",
        output=node["output"].text(1, 100) if node.has("output") else "logits",
    )
    if network.classes * network.height * network.width > MAX_LOGITS:
        node.fail(f"classes * height * width is more than {MAX_LOGITS}")
    return network


def _rgb(node: Node) -> tuple[int, int, int]:
    red, green, blue = node.ints(0, 255, 3)
    return red, green, blue


def _ramp(node: Node) -> Ramp:
    node.object(("id", "kind", "title", "colours"))
    return Ramp(
        node["id"].slug(), node["kind"].slug(), node["title"].text(1, 200), node["colours"].each(_rgb, 1, MAX_SLOTS)
    )


def _layers(
    node: Node,
    frame_size: int,
    animations: Mapping[str, Animation],
    networks: dict[str, Network],
    ramps: Iterable[Ramp],
) -> dict[str, Layer]:
    shades: dict[str, int] = {}  # kind of ramp -> colours of its shortest ramp
    for ramp in ramps:
        shades[ramp.kind] = min(len(ramp.colours), shades.get(ramp.kind, MAX_SLOTS))
    kinds: dict[str, str] = {}  # colour group -> kind

    def material(entry: Node) -> Material:
        entry.object(("group", "kind", "shades"))
        group, kind = entry["group"].slug(), entry["kind"].known(shades, "kind of ramp")
        if kinds.setdefault(group, kind) != kind:
            entry.fail(f"the colour group {group!r} is of kind {kinds[group]!r} in another layer, {kind!r} here")
        return Material(group, kind, entry["shades"].integer(1, shades[kind]))

    def layer(entry: Node) -> Layer:
        entry.object(("id", "title", "required", "frame_size", "materials", "fixed", "parts"))
        size = entry["frame_size"].integer(frame_size, MAX_FRAME)
        if (size - frame_size) % 2:
            entry["frame_size"].fail(f"{size} cannot be centred on {frame_size}: the difference must be even")
        materials = entry["materials"].each(material, 0, 32)
        _distinct(entry["materials"], tuple(m.group for m in materials))
        built = Layer(
            entry["id"].slug(), entry["title"].text(1, 200), entry["required"].boolean(), size, materials,
            entry["fixed"].integer(0, MAX_SLOTS), (),
        )  # fmt: skip
        if not 2 <= built.classes <= MAX_SLOTS + 1:
            entry.fail(f"has {built.classes - 1} slots; 1 to {MAX_SLOTS} are possible")
        parts = entry["parts"].each(lambda x: _part(x, built, animations, networks), 1, len(PARTS))
        _distinct(entry["parts"], tuple(p.part for p in parts))
        return Layer(built.id, built.title, built.required, size, materials, built.fixed, parts)

    layers = _unique(node, layer, 1, MAX_SLOTS, lambda x: x.id)
    slots = sum(x.classes - 1 for x in layers.values())
    if slots > MAX_SLOTS:
        node.fail(f"all layers together have {slots} slots; {MAX_SLOTS} is the most")
    return layers


def _part(node: Node, layer: Layer, animations: Mapping[str, Animation], networks: dict[str, Network]) -> PartTable:
    node.object(("part", "z", "network", "poses"), ("cleaning",))
    network = networks[node["network"].known(networks, "network")]
    if layer.classes > network.classes:
        node["network"].fail(
            f"the layer has {layer.classes} classes, the network {network.id!r} only {network.classes}"
        )
    poses = {
        name: _pose_table(entry, _known(node["poses"], name, animations, "animation"), layer.frame_size, network)
        for name, entry in node["poses"].table()
    }
    cleaning = {}
    for rule, entry in node["cleaning"].table() if node.has("cleaning") else ():
        if rule not in CLEANING_RULES:
            node["cleaning"].fail(f"there is no cleaning rule {rule!r}", near(rule, CLEANING_RULES))
        cleaning[rule] = _places(entry, network)
    return PartTable(node["part"].one_of(PARTS), node["z"].integer(-10_000, 10_000), network.id, poses, cleaning)


def _places(node: Node, network: Network) -> NDArray[np.int16]:
    """int16 [n, 3]: view, x, y; within the network's views and sorted."""
    try:
        table = np.zeros((0, 3), np.int64) if node.value == [] else np.array(node.value)
    except ValueError:  # rows of different length
        table = np.zeros(0)
    if table.ndim != 2 or table.shape[1] != 3 or table.dtype.kind != "i":
        node.fail("expected integers in the shape [n, 3]: (view, x, y)")
    limits = (network.views, network.width, network.height)
    if (table < 0).any() or (table >= limits).any():
        node.fail(f"view, x and y must be from 0 and below {', '.join(map(str, limits))}")
    rows = table.tolist()
    if any(a >= b for a, b in pairwise(rows)):
        node.fail("must be sorted, each place once")
    result: NDArray[np.int16] = table.astype(np.int16)
    result.setflags(write=False)
    return result


def _pose_table(node: Node, animation: Animation, frame_size: int, network: Network) -> NDArray[np.int16]:
    """int16 [directions, frames, 4]: view, x, y, flip; each within its range."""
    try:
        table = np.array(node.value)
    except ValueError:  # rows of different length
        table = np.zeros(0)
    shape = (len(animation.directions), animation.frames, 4)
    if table.shape != shape or table.dtype.kind != "i":
        node.fail(f"expected integers in the shape {list(shape)}: directions, frames, (view, x, y, flip)")
    view, x, y, flip = np.moveaxis(table, -1, 0)
    for ok, problem in (
        ((view >= -1) & (view < network.views), f"view must be from -1 to {network.views - 1}"),
        ((x >= -network.width) & (x <= frame_size), f"x must be from {-network.width} to {frame_size}"),
        ((y >= -network.height) & (y <= frame_size), f"y must be from {-network.height} to {frame_size}"),
        ((flip == 0) | (flip == 1), "flip must be 0 or 1"),
    ):
        if not ok.all():
            row, frame = (int(i[0]) for i in np.nonzero(~ok))
            node.reader.fail(f"{node.path}[{row}][{frame}]", f"{problem}, found {table[row, frame].tolist()}")
    result: NDArray[np.int16] = table.astype(np.int16)
    result.setflags(write=False)
    return result


def _known(node: Node, key: str, table: Mapping[str, T], what: str) -> T:
    """The value that a key of an object refers to."""
    if key not in table:
        node.fail(f"there is no {what} {key!r}", near(key, table))
    return table[key]


def _items(
    node: Node,
    z_dim: int,
    animations: Mapping[str, Animation],
    layers: dict[str, Layer],
    ramps: Mapping[tuple[str, str], Ramp],
) -> dict[tuple[str, str], Item]:
    optional = ("ramps", "fixed", "z", "hides", "allows", "needs", "parts", "drawn", "credits")

    def item(entry: Node) -> Item:
        entry.object(("id", "layer", "title", "kind", "body", "code"), optional)
        layer = layers[entry["layer"].known(layers, "layer")]
        kinds = {m.group: m.kind for m in layer.materials}

        def texts(key: str, read: Callable[[Node], str], default: tuple[str, ...] = ()) -> tuple[str, ...]:
            return _distinct(entry[key], entry[key].each(read, 0, 1000)) if entry.has(key) else default

        chosen = {}
        for group, value in entry["ramps"].table() if entry.has("ramps") else ():
            kind = _known(entry["ramps"], group, kinds, f"colour group of layer {layer.id!r}")
            chosen[group] = value.known([i for k, i in ramps if k == kind], f"{kind} ramp")
        hides = texts("hides", lambda x: x.known(layers, "layer"))
        allows = {}
        for other, value in entry["allows"].table() if entry.has("allows") else ():
            _known(entry["allows"], other, layers, "layer")
            allows[other] = _distinct(value, value.each(lambda x: x.slug(), 0, 5000))
        needs = texts("needs", lambda x: x.known(layers, "layer"))
        if layer.id in (*hides, *allows, *needs):
            entry.fail("an item cannot rule over its own layer")
        part_names = [p.part for p in layer.parts]
        return Item(
            id=entry["id"].slug(),
            layer=layer.id,
            title=entry["title"].text(1, 200),
            kind=entry["kind"].slug(),
            body=entry["body"].slug() if entry["body"].value != "" else "",
            code=entry["code"].ints(-128, 127, z_dim),
            ramps=chosen,
            fixed=entry["fixed"].each(_rgb, 0, layer.fixed) if entry.has("fixed") else (),
            z=entry["z"].integer(-10_000, 10_000) if entry.has("z") else None,
            hides=hides,
            allows=allows,
            needs=needs,
            parts=texts("parts", lambda x: x.known(part_names, f"part of layer {layer.id!r}"), ("front",)),
            drawn=texts("drawn", lambda x: x.known(list(animations), "animation")),
            credits=texts("credits", lambda x: x.text(1, 300)),
        )

    items: dict[tuple[str, str], Item] = _unique(node, item, 1, 20_000, lambda x: (x.layer, x.id))
    bodies = {x.body for x in items.values() if x.layer == BODY_LAYER and x.body}
    for entry, read in zip(node.array(), items.values(), strict=True):
        if read.body and read.body not in bodies:
            entry["body"].fail(f"no item of the layer {BODY_LAYER!r} is of body {read.body!r}", near(read.body, bodies))
        if not read.parts:
            entry["parts"].fail("an item has at least one part")
        for other, names in read.allows.items():
            for name in names:
                if (other, name) not in items:
                    of_layer = [i for owner, i in items if owner == other]
                    entry["allows"][other].fail(f"the layer {other!r} has no item {name!r}", near(name, of_layer))
    for layer in layers.values():
        if layer.required and not any(owner == layer.id for owner, _ in items):
            node.fail(f"the required layer {layer.id!r} has no item")
    return items


def _control(node: Node, z_dim: int, layers: dict[str, Layer], items: Mapping[tuple[str, str], Item]) -> Control:
    node.object(("id", "layer", "title", "low", "high", "items", "direction"))
    layer = node["layer"].known(layers, "layer")
    owned = {i: item for (owner, i), item in items.items() if owner == layer}
    names = node["items"].each(lambda x: x.known(owned, f"item of layer {layer!r}"), 1, 5000)
    if len({(owned[i].kind, owned[i].body) for i in _distinct(node["items"], names)}) > 1:
        node["items"].fail("must all be of one kind and body")
    direction = node["direction"].ints(-128, 127, z_dim)
    if not any(direction):
        node["direction"].fail("is 0 everywhere: it would change nothing")
    control = Control(
        node["id"].slug(), layer, node["title"].text(1, 60), node["low"].text(1, 60), node["high"].text(1, 60),
        names, direction,
    )  # fmt: skip
    if len(control.key) > MAX_KEY_BYTES:
        node["id"].fail(f"is too long: with its layer it may have {MAX_KEY_BYTES} characters")
    return control


def _weights(node: Node, names: list[str], what: str) -> dict[str, float]:
    weights = {}
    for key, value in node.table():
        if key not in names:
            node.fail(f"there is no {what} {key!r}", near(key, names))
        weights[key] = value.number(0, 1e6)
    if not math.fsum(weights.values()) > 0:
        node.fail("needs at least one weight above 0")
    return weights


def _archetype(
    node: Node,
    layers: dict[str, Layer],
    items: Mapping[tuple[str, str], Item],
    ramps: Mapping[tuple[str, str], Ramp],
) -> Archetype:
    node.object(("id", "title", "description", "layers"), ("ramps",))
    kinds = {m.group: m.kind for layer in layers.values() for m in layer.materials}
    odds = {}
    for name, entry in node["layers"].table():
        layer = _known(node["layers"], name, layers, "layer")
        entry.object(("chance", "items"))
        chance = entry["chance"].number(0, 1)
        if layer.required and chance != 1:
            entry["chance"].fail(f"the layer {name!r} is required: its chance must be 1")
        owned = [i for owner, i in items if owner == name]
        odds[name] = LayerOdds(chance, _weights(entry["items"], owned, f"item of layer {name!r}"))
    for layer in layers.values():
        if layer.required and layer.id not in odds:
            node["layers"].fail(f"the required layer {layer.id!r} is missing")
    weights = {}
    for group, entry in node["ramps"].table() if node.has("ramps") else ():
        kind = _known(node["ramps"], group, kinds, "colour group")
        weights[group] = _weights(entry, [i for k, i in ramps if k == kind], f"{kind} ramp")
    return Archetype(node["id"].slug(), node["title"].text(1, 200), node["description"].text(0, 2000), odds, weights)
