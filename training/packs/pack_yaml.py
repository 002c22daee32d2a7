"""`pack.yaml`: what an artist says of a folder of art. Everything that can have a sensible default has one.

Only plain YAML is read (no tags, no aliases); every wrong key, type or value is one PackError that names its place.
docs/train-your-own.md explains the fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from training.packs.neutral import Colour
from training.packs.rules import ArchetypeRule
from training.packs.sheets import slug
from vcg_bridge.contract.errors import PackError, near
from vcg_bridge.contract.fields import Node, Reader
from vcg_bridge.contract.manifest import DIRECTIONS, Ramp

YAML_FILE = "pack.yaml"
HINT = 'see docs/train-your-own.md, "pack.yaml"'
FRAME_LEAST, FRAME_MOST = 8, 512  # pixels
FLAT_LAYER = "character"

KEYS = (
    "name", "title", "licence", "attribution", "source", "credits", "frame", "directions", "animations", "layers",
    "background", "skip", "bodies", "ramps", "share", "archetypes", "kinds",
)  # fmt: skip


@dataclass(frozen=True)
class Strip:
    """One animation, and where its rows are in a sheet that holds all animations."""

    id: str
    title: str
    frames: int
    fps: float
    loop: bool
    rows: tuple[str, ...]  # direction of each row as the art has it
    row: int  # first row in a sheet of all animations, from 0
    frame_names: tuple[str, ...] = ()

    @property
    def directions(self) -> tuple[str, ...]:
        """The directions in the order of bundles."""
        return tuple(d for d in DIRECTIONS if d in self.rows)


@dataclass(frozen=True)
class FolderLayer:
    """One layer: its folder, its place in the drawing order, which of its items may be mixed."""

    id: str
    title: str
    folder: str  # below the pack's folder; "." for flat art
    z: int
    behind_z: int
    required: bool
    chance: float  # that a character of the default archetype wears it
    kinds: Mapping[str, tuple[str, ...]]  # kind -> patterns of item ids; others are of the kind named like the layer
    ramps: tuple[str, ...]  # kinds of declared ramps that its art may be drawn with


@dataclass(frozen=True)
class CreditRule:
    """Who drew what."""

    artists: tuple[str, ...]
    items: tuple[str, ...] = ()  # patterns of "layer/item"; () for the whole pack
    source: str = ""
    licence: str = ""
    details: str = ""


@dataclass(frozen=True)
class FolderRules:
    """Everything that is said of a folder of art; what is not said is "" or a default."""

    name: str
    title: str
    licence: str = ""
    attribution: str = ""
    source: str = ""
    credits: tuple[CreditRule, ...] = ()
    frame: tuple[int, int] | None = None  # width, height in pixels; None: the size that most pictures have
    strips: tuple[Strip, ...] = ()
    layers: tuple[FolderLayer, ...] = ()
    background: Colour | None = None  # a colour that means transparent
    skip: tuple[str, ...] = ()  # patterns of file and folder names that are not looked into
    bodies: tuple[str, ...] = ()
    ramps: Mapping[str, tuple[Ramp, ...]] = field(default_factory=dict)  # kind -> its ramps, all of one length
    share: tuple[str, ...] = ()  # kinds of which a whole character has one ramp
    archetypes: tuple[ArchetypeRule, ...] = ()

    @property
    def flat(self) -> bool:
        """Whether every picture is a whole character."""
        return self.layers[0].folder == "."


STILL = Strip("idle", "Idle", 1, 1.0, True, ("down",), 0)
"""The one animation of art that consists of single frames."""


def default_rules(name: str) -> FolderRules:
    """The rules of a flat folder without a pack.yaml: every picture is one frame of one character."""
    return FolderRules(slug(name) or "pack", name or "pack", strips=(STILL,), layers=(_flat_layer({}),))


def load_yaml(file: Path) -> FolderRules:
    """Read a pack.yaml. Raises PackError naming the file and the place in it."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"cannot read {file}: {error}", hint="is it a text file in UTF-8?") from error
    return parse_yaml(text, str(file), file.resolve().parent.name)


def parse_yaml(text: str, source: str, folder_name: str) -> FolderRules:
    """The rules of a YAML text. folder_name: the pack's name where none is given. Raises PackError."""
    try:
        data = yaml.load(text, Loader=_Loader)  # a SafeLoader
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        problem = " ".join(str(error).split()) or type(error).__name__
        raise PackError(f"{source}: not YAML that can be read: {problem}", hint=HINT) from error
    root = Node(Reader(PackError, source, HINT), "", {} if data is None else data)
    root.object((), KEYS)
    name = root["name"].slug() if root.has("name") else slug(folder_name)[:60].strip("-") or "pack"
    title = root["title"].text(1, 200) if root.has("title") else name.replace("-", " ").capitalize()
    ramps = _ramps(root["ramps"]) if root.has("ramps") else {}
    bodies = root["bodies"].each(lambda x: x.slug(), 1, 20) if root.has("bodies") else ()
    layers = _layers(root, ramps)
    strips = _strips(root)
    archetypes = ()
    if root.has("archetypes"):
        node = root["archetypes"]
        archetypes = tuple(_archetype(_id(node, k), x, layers) for k, x in node.table())
        if not archetypes:
            node.fail("names no archetype")
        _each_once(root["archetypes"], [x.id for x in archetypes])
    if bodies and "body" not in [x.id for x in layers]:
        root["bodies"].fail("bodies need a layer called 'body', whose items say which bodies there are")
    return FolderRules(
        name=name,
        title=title,
        licence=_text(root, "licence", 200),
        attribution=_text(root, "attribution", 2000),
        source=_text(root, "source", 1000),
        credits=_credits(root["credits"]) if root.has("credits") else (),
        frame=_frame(root["frame"]) if root.has("frame") else None,
        strips=strips,
        layers=layers,
        background=_colour(root["background"]) if root.has("background") else None,
        skip=_texts(root["skip"]) if root.has("skip") else (),
        bodies=bodies,
        ramps=ramps,
        share=root["share"].each(lambda x: x.known(dict(ramps), "kind of ramp"), 0, 100) if root.has("share") else (),
        archetypes=archetypes,
    )


class _Loader(yaml.SafeLoader):
    """Plain YAML: no aliases (a short text could mean gigabytes), no repeated keys, no keys that are not texts."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            event = self.peek_event()
            raise yaml.constructor.ConstructorError(None, None, "aliases are not read", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in getattr(node, "value", ()):
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                said = getattr(key, "value", "")
                problem = f"the key {said!r} is not a text: put it in quotes"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            if key.value in seen:
                problem = f"the key {key.value!r} is there twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _text(node: Node, key: str, most: int) -> str:
    return node[key].text(1, most).strip() if node.has(key) else ""


def _texts(node: Node) -> tuple[str, ...]:
    """A text, or a list of texts."""
    return (node.text(1, 300),) if isinstance(node.value, str) else node.each(lambda x: x.text(1, 300), 1, 1000)


def _id(node: Node, key: str) -> str:
    """The id that a key gives."""
    name = slug(key)[:60].strip("-")
    if not name:
        node.fail(f"{key!r} is no name: use letters and digits")
    return name


def _each_once(node: Node, names: list[str]) -> None:
    twice = next((x for x in names if names.count(x) > 1), "")
    if twice:
        node.fail(f"{twice!r} is there twice")


def _frame(node: Node) -> tuple[int, int]:
    if isinstance(node.value, list):
        if len(node.value) != 2:
            node.fail("expected one number, or two: width and height")
        width, height = (x.integer(FRAME_LEAST, FRAME_MOST) for x in node.array(2, 2))
        return width, height
    edge = node.integer(FRAME_LEAST, FRAME_MOST)
    return edge, edge


def _colour(node: Node) -> Colour:
    said = node.value
    digits = said.removeprefix("#") if isinstance(said, str) else ""
    if len(digits) != 6 or any(c not in "0123456789abcdefABCDEF" for c in digits):
        node.fail('expected a colour like "#ff00ff", in quotes')
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def _directions(node: Node) -> tuple[str, ...]:
    found = node.each(lambda x: x.one_of(DIRECTIONS), 1, len(DIRECTIONS))
    _each_once(node, list(found))
    return found


def _strips(root: Node) -> tuple[Strip, ...]:
    if not root.has("animations"):
        if root.has("directions"):
            root["directions"].fail("directions are those of the animations, and there are none")
        return (STILL,)
    directions = _directions(root["directions"]) if root.has("directions") else DIRECTIONS
    strips: list[Strip] = []
    row = 0
    for key, node in root["animations"].table():
        strips.append(_strip(_id(root["animations"], key), key, node, directions, row))
        row = strips[-1].row + len(strips[-1].rows)
    if not strips:
        root["animations"].fail("names no animation")
    _each_once(root["animations"], [x.id for x in strips])
    taken: dict[int, str] = {}
    for x in strips:
        for r in range(x.row, x.row + len(x.rows)):
            if r in taken:
                root["animations"].fail(f"row {r} of a sheet cannot be both {taken[r]!r} and {x.id!r}")
            taken[r] = x.id
    return tuple(strips)


def _strip(name: str, title: str, node: Node, directions: tuple[str, ...], row: int) -> Strip:
    if isinstance(node.value, int):
        return Strip(name, title, node.integer(1, 256), 8.0, True, directions, row)
    node.object(("frames",), ("fps", "loop", "directions", "row", "title", "frame_names"))
    frames = node["frames"].integer(1, 256)
    names = node["frame_names"].each(lambda x: x.text(1, 60), frames, frames) if node.has("frame_names") else ()
    _each_once(node, list(names))
    return Strip(
        id=name,
        title=_text(node, "title", 200) or title,
        frames=frames,
        fps=node["fps"].number(0.1, 240) if node.has("fps") else 8.0,
        loop=node["loop"].boolean() if node.has("loop") else True,
        rows=_directions(node["directions"]) if node.has("directions") else directions,
        row=node["row"].integer(0, 1000) if node.has("row") else row,
        frame_names=names,
    )


def _layers(root: Node, ramps: Mapping[str, tuple[Ramp, ...]]) -> tuple[FolderLayer, ...]:
    if not root.has("layers"):
        return (_flat_layer(_kinds(root["kinds"]) if root.has("kinds") else {}, tuple(ramps)),)
    if root.has("kinds"):
        root["kinds"].fail("kinds are said per layer", hint="put them under the layer's name, in `layers`")
    node = root["layers"]
    if isinstance(node.value, list):
        named: list[tuple[str, Node | None]] = [(x.text(1, 100), None) for x in node.array(1, 100)]
    else:
        named = [(key, None if x.value is None else x) for key, x in node.table()]
    if not named:
        node.fail("names no layer")
    layers = tuple(_layer(_id(node, name), name, i, x, ramps) for i, (name, x) in enumerate(named))
    _each_once(node, [x.id for x in layers])
    return layers


def _flat_layer(kinds: Mapping[str, tuple[str, ...]], ramps: tuple[str, ...] = ()) -> FolderLayer:
    return FolderLayer(FLAT_LAYER, "Character", ".", 10, -10, True, 1.0, kinds, ramps)


def _kinds(node: Node) -> dict[str, tuple[str, ...]]:
    return {_id(node, key): _texts(x) for key, x in node.table()}


def _layer(name: str, folder: str, at: int, node: Node | None, ramps: Mapping[str, tuple[Ramp, ...]]) -> FolderLayer:
    z = 10 * (at + 1)
    plain = FolderLayer(name, folder, folder, z, -z, at == 0, 1.0, {}, tuple(ramps))
    if node is None:
        return plain
    node.object((), ("title", "folder", "z", "behind_z", "required", "chance", "kinds", "ramps"))
    required = node["required"].boolean() if node.has("required") else plain.required and not node.has("chance")
    chance = node["chance"].number(0, 1) if node.has("chance") else 1.0
    if required and chance != 1:
        node["chance"].fail("a required layer is always worn: its chance is 1", hint="say `required: false`")
    return FolderLayer(
        id=name,
        title=_text(node, "title", 200) or folder,
        folder=_text(node, "folder", 200) or folder,
        z=node["z"].integer(-10_000, 10_000) if node.has("z") else z,
        behind_z=node["behind_z"].integer(-10_000, 10_000) if node.has("behind_z") else -z,
        required=required,
        chance=chance,
        kinds=_kinds(node["kinds"]) if node.has("kinds") else {},
        ramps=node["ramps"].each(lambda x: x.known(dict(ramps), "kind of ramp"), 0, 50)
        if node.has("ramps")
        else plain.ramps,
    )


def _ramps(node: Node) -> dict[str, tuple[Ramp, ...]]:
    kinds: dict[str, tuple[Ramp, ...]] = {}
    for key, table in node.table():
        kind = _id(node, key)
        if kind in kinds:
            node.fail(f"{kind!r} is there twice")
        found = []
        for title, colours in table.table():
            ramp = Ramp(_id(table, title), kind, title[:200], colours.each(_colour, 1, 32))
            if len(set(ramp.colours)) != len(ramp.colours):
                colours.fail("two shades have one colour")
            if found and len(ramp.colours) != len(found[0].colours):
                colours.fail(
                    f"has {len(ramp.colours)} shades and {found[0].title!r} has {len(found[0].colours)}: "
                    "all ramps of a kind have as many"
                )
            found.append(ramp)
        if not found:
            table.fail("names no ramp")
        _each_once(table, [x.id for x in found])
        kinds[kind] = tuple(found)
    return kinds


def _credits(node: Node) -> tuple[CreditRule, ...]:
    if isinstance(node.value, str):
        return (CreditRule((node.text(1, 300),)),)
    entries = list(node.array(1, 5000))
    if all(isinstance(x.value, str) for x in entries):
        return (CreditRule(tuple(x.text(1, 300) for x in entries)),)
    return tuple(_credit(x) for x in entries)


def _credit(node: Node) -> CreditRule:
    node.object(("artists",), ("items", "source", "licence", "details"))
    return CreditRule(
        artists=_texts(node["artists"]),
        items=_texts(node["items"]) if node.has("items") else (),
        source=_text(node, "source", 1000),
        licence=_text(node, "licence", 200),
        details=_text(node, "details", 2000),
    )


def _archetype(name: str, node: Node, layers: tuple[FolderLayer, ...]) -> ArchetypeRule:
    node.object((), ("title", "description", "layers", "ramps"))
    odds: dict[str, tuple[float, Mapping[str, float]]] = {}
    for layer, x in node["layers"].table() if node.has("layers") else ():
        known = {y.id: y for y in layers}
        if layer not in known:
            node["layers"].fail(f"there is no layer {layer!r}", near(layer, known))
        if not isinstance(x.value, dict) or ("items" not in x.value and "chance" not in x.value):
            odds[layer] = 1.0, _weights(x)
            continue
        x.object((), ("chance", "items"))
        chance = x["chance"].number(0, 1) if x.has("chance") else 1.0
        if known[layer].required and chance != 1:
            x["chance"].fail(f"the layer {layer!r} is required: its chance is 1")
        odds[layer] = chance, _weights(x["items"]) if x.has("items") else {"*": 1.0}
    ramps = {group: _weights(x) for group, x in node["ramps"].table()} if node.has("ramps") else {}
    title = _text(node, "title", 200) or name.replace("-", " ").capitalize()
    return ArchetypeRule(name, title, _text(node, "description", 2000), odds, ramps)


def _weights(node: Node) -> dict[str, float]:
    """A pattern, a list of patterns, or pattern -> weight."""
    if isinstance(node.value, dict):
        weights = {key: x.number(0, 1e6) for key, x in node.table()}
        if not any(weights.values()):
            node.fail("needs at least one weight above 0")
        return weights
    return dict.fromkeys(_texts(node), 1.0)
