"""A small, complete, valid bundle with networks of random weights, written in a second without torch.

The networks have the shape of the real ones (code and view in, convolutions at 1/4 and 1/2 resolution, pixel shuffle out),
so everything that reads bundles can be tested on it: mirrored poses, a part behind the body, two bodies, an oversize
layer, items that hide layers or allow only some items under them, animations with one direction.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from vcg_bridge.contract.manifest import (
    CODE_SCALE,
    DIRECTIONS,
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
from vcg_bridge.contract.manifest_io import dump_manifest

Z_DIM = 8
FRAME = 32

ANIMATIONS = (
    Animation("walk", "Walk", 3, 8.0, True, DIRECTIONS),
    Animation("idle", "Idle", 2, 4.0, True, DIRECTIONS),
    Animation("climb", "Climb", 2, 8.0, True, ("up",)),
    Animation("combat-slash", "Combat 1h - Slash", 3, 12.0, False, DIRECTIONS),
)

NETWORKS = (
    Network("body", "body.onnx", 7, 6, 24, 16),
    Network("hair", "hair.onnx", 5, 5, 12, 16),
    Network("hair-behind", "hair-behind.onnx", 4, 5, 16, 16),
    Network("torso", "torso.onnx", 7, 7, 12, 16),
    Network("helm", "helm.onnx", 4, 6, 12, 16),
    Network("sword", "sword.onnx", 6, 6, 32, 32),
)


CONTROLS = (
    Control(
        "length", "hair", "Length", "shorter", "longer", ("short-01-buzz", "short-02-cowlick", "short-03-parted"),
        (24, -16, 8, 0, 3, 40, -32, 127),
    ),
    Control(
        "volume", "hair", "Volume", "flat", "full", ("short-02-cowlick", "short-03-parted"), (0, 5, -8, 1, 0, 60, 9, -128)
    ),
    Control(
        "flow", "hair", "Flow", "straight", "wavy", ("long-01-braid", "long-02-loose"), (12, 12, -12, 30, 0, 0, -50, 7)
    ),
    Control(
        "fit", "torso", "Fit", "tighter", "looser", ("shirt-01-plain.f", "shirt-02-laced.f"), (-9, 30, 0, 0, 45, 2, -2, 8)
    ),
)  # fmt: skip


def tiny_network(network: Network, seed: int) -> onnx.ModelProto:
    """A random network of the same operators and layout as the trained ones. Opset 15."""
    rng = np.random.default_rng(seed)
    rows, cols, hidden, coarse, fine, table = network.height // 4, network.width // 4, 16, 8, 8, 4
    weights: list[onnx.TensorProto] = []
    nodes: list[onnx.NodeProto] = []

    def weight(name: str, *shape: int, gain: float = 1.4) -> str:
        fan = int(np.prod(shape[1:])) if len(shape) > 1 else 1
        values = rng.normal(0, gain / fan**0.5 if len(shape) > 1 else 0.1, shape).astype(np.float32)
        weights.append(numpy_helper.from_array(values, name))
        return name

    def ints(name: str, *values: int) -> str:
        weights.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def node(op: str, inputs: list[str], output: str, **attributes: object) -> str:
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def dense(name: str, x: str, outputs: int, inputs: int, act: bool = True) -> str:
        y = node("Gemm", [x, weight(f"{name}.w", outputs, inputs), weight(f"{name}.b", outputs)], f"{name}.y", transB=1)
        return node("LeakyRelu", [y], f"{name}.a", alpha=0.2) if act else y

    def modulated(name: str, x: str, inputs: int, outputs: int) -> str:
        scale = node("Unsqueeze", [dense(f"{name}.scale", "u", inputs, hidden, act=False), "axes"], f"{name}.s4")
        shift = node("Unsqueeze", [dense(f"{name}.shift", "u", outputs, hidden, act=False), "axes"], f"{name}.t4")
        x = node("Mul", [x, scale], f"{name}.x")
        kernel = [weight(f"{name}.w", outputs, inputs, 3, 3), weight(f"{name}.b", outputs)]
        x = node("Conv", [x, *kernel], f"{name}.c", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        return node("LeakyRelu", [node("Add", [x, shift], f"{name}.d")], f"{name}.a", alpha=0.2)

    ints("axes", 2, 3)
    node("Gather", [weight("views", network.views, 8, gain=2.8), network.view_input], "e")
    node("Concat", [network.code_input, "e"], "ce", axis=1)
    node("Identity", [dense("mix", "ce", hidden, Z_DIM + 8)], "u")
    x = node("Reshape", [dense("seed", "u", coarse * rows * cols, hidden), ints("r1", -1, coarse, rows, cols)], "x0")
    x = modulated("coarse1", x, coarse, coarse)
    x = node("Conv", [x, weight("up.w", fine * 4, coarse, 1, 1), weight("up.b", fine * 4)], "up", kernel_shape=[1, 1])
    x = node("DepthToSpace", [x], "x1", blocksize=2, mode="CRD")
    views = node(
        "Reshape", [dense("t", "e", table * rows * cols * 4, 8), ints("r2", -1, table, rows * 2, cols * 2)], "t4"
    )
    x = modulated("fine1", node("Concat", [x, views], "xt", axis=1), fine + table, fine)
    classes = network.classes
    kernel = [weight("out.w", classes * 4, fine, 3, 3, gain=6.0), weight("out.b", classes * 4)]
    x = node("Conv", [x, *kernel], "out", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    node("DepthToSpace", [x], network.output, blocksize=2, mode="CRD")
    inputs = [
        helper.make_tensor_value_info(network.code_input, TensorProto.FLOAT, ["N", Z_DIM]),
        helper.make_tensor_value_info(network.view_input, TensorProto.INT64, ["N"]),
    ]
    shape = ["N", classes, network.height, network.width]
    output = helper.make_tensor_value_info(network.output, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, network.id, inputs, [output], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def _poses(x: int, y: int, views: int, animations: tuple[str, ...]) -> dict[str, NDArray[np.int16]]:
    """Left is the mirrored right; the last view is kept for climbing; frames bob up and down."""
    tables = {}
    for animation in ANIMATIONS:
        if animation.id not in animations:
            continue
        table = np.zeros((len(animation.directions), animation.frames, 4), np.int16)
        for row, direction in enumerate(animation.directions):
            for frame in range(animation.frames):
                side = {"up": 0, "left": 1, "down": 2, "right": 1}[direction]
                view = views - 1 if animation.id == "climb" else (side * 2 + frame % 2) % (views - 1)
                flip = int(direction == "left")
                table[row, frame] = (view, x + (0 if flip else 1), y + frame % 2, flip)
        tables[animation.id] = table
    return tables


def _layers() -> tuple[Layer, ...]:
    every = tuple(a.id for a in ANIMATIONS)
    hair_behind = _poses(8, 2, 4, ("walk", "idle"))
    for table in hair_behind.values():
        table[0, :] = (-1, 0, 0, 0)  # nothing of it shows from behind
    skin, hair = Material("skin", "skin", 4), Material("hair", "hair", 4)
    return (
        Layer("body", "Body", True, FRAME, (skin,), 1, (PartTable("front", 10, "body", _poses(8, 6, 7, every)),)),
        Layer(
            "hair", "Hair", False, FRAME, (hair,), 0,
            (
                PartTable("behind", 0, "hair-behind", hair_behind),
                PartTable("front", 40, "hair", _poses(8, 2, 5, every)),
            ),
        ),
        Layer(
            "torso", "Top", False, FRAME, (Material("torso", "cloth", 4),), 2,
            (PartTable("front", 20, "torso", _poses(8, 14, 7, every)),),
        ),
        Layer(
            "helm", "Helmet", False, FRAME, (Material("helm", "metal", 4),), 1,
            (PartTable("front", 50, "helm", _poses(8, 1, 4, every)),),
        ),
        Layer(
            "sword", "Sword", False, FRAME * 2, (Material("sword", "metal", 4),), 1,
            (PartTable("front", 60, "sword", _poses(-4, 20, 6, ("combat-slash",))),),
        ),
    )  # fmt: skip


def _items(rng: np.random.Generator) -> tuple[Item, ...]:
    def item(
        layer: str, name: str, kind: str, body: str, ramps: dict[str, str], fixed: int = 0, **more: object
    ) -> Item:
        code = tuple(int(c) for c in rng.integers(-60, 61, Z_DIM))
        colours = tuple((40 + 30 * i, 20, 30) for i in range(fixed))
        credit = f"tiny/{layer}/{name}"
        base = Item(name, layer, name.replace("-", " ").title(), kind, body, code, ramps, colours, credits=(credit,))
        return replace(base, drawn=("walk", "idle"), **more)  # type: ignore[arg-type]

    skin, hair, cloth = {"skin": "ivory"}, {"hair": "raven"}, {"torso": "denim"}
    return (
        item("body", "body-01-slim", "body", "f", skin, 1),
        item("body", "body-02-broad", "body", "m", skin, 1),
        item("body", "body-03-tall", "body", "m", skin, 1),
        item("hair", "short-01-buzz", "short", "", hair),
        item("hair", "short-02-cowlick", "short", "", hair),
        item("hair", "short-03-parted", "short", "", hair),
        item("hair", "long-01-braid", "long", "", hair, parts=("behind", "front")),
        item("hair", "long-02-loose", "long", "", hair, parts=("behind", "front")),
        item("torso", "shirt-01-plain.f", "shirt", "f", cloth, 1),
        item("torso", "shirt-01-plain.m", "shirt", "m", cloth, 1),
        item("torso", "shirt-02-laced.f", "shirt", "f", cloth, 1),
        item("torso", "shirt-02-laced.m", "shirt", "m", cloth, 1),
        item("torso", "coat-01.m", "coat", "m", cloth, 2, z=25),
        item("helm", "helm-01-closed", "helm", "", {"helm": "steel"}, 1, hides=("hair",)),
        item("helm", "helm-02-open", "helm", "", {"helm": "steel"}, 1, allows={"hair": ("short-01-buzz", "short-02-cowlick")}),
        item("helm", "hood-01", "hood", "", {"helm": "steel"}, 0, allows={"hair": ("long-01-braid",)}),
        item("sword", "sword-01-short", "sword", "", {"sword": "steel"}, 1),
        item("sword", "sword-02-long", "sword", "", {"sword": "steel"}, 1),
    )  # fmt: skip


def _ramps(rng: np.random.Generator) -> tuple[Ramp, ...]:
    names = {
        "skin": ("ivory", "olive", "umber"), "hair": ("raven", "blonde", "ginger"),
        "cloth": ("denim", "moss", "wine", "white"), "metal": ("steel", "brass"),
    }  # fmt: skip

    def colours() -> tuple[tuple[int, int, int], ...]:
        light = rng.integers(120, 256, 3)
        return tuple((int(r), int(g), int(b)) for r, g, b in (light * s // 100 for s in (100, 80, 60, 40)))

    return tuple(Ramp(i, kind, i.title(), colours()) for kind, ids in names.items() for i in ids)


def _archetypes(items: tuple[Item, ...]) -> tuple[Archetype, ...]:
    def odds(layer: str, chance: float, kinds: tuple[str, ...] = ()) -> LayerOdds:
        return LayerOdds(chance, {x.id: 1.0 for x in items if x.layer == layer and (not kinds or x.kind in kinds)})

    villager = {"body": odds("body", 1), "hair": odds("hair", 0.9), "torso": odds("torso", 1, ("shirt",))}
    guard = {
        "body": odds("body", 1), "hair": odds("hair", 0.8, ("short",)), "torso": odds("torso", 1),
        "helm": odds("helm", 0.9, ("helm",)), "sword": odds("sword", 1),
    }  # fmt: skip
    return (
        Archetype("villager", "Villager", "Lives in the village.", villager, {"torso": {"moss": 2.0, "wine": 1.0}}),
        Archetype("guard", "Guard", "Stands at the gate.", guard, {}),
    )


def tiny_manifest(seed: int = 0) -> Manifest:
    """The manifest without `files`; `write_tiny_bundle` adds them."""
    rng = np.random.default_rng(seed)
    items = _items(rng)
    return Manifest(
        name="tiny",
        version="0.1.0",
        title="Tiny test bundle",
        licence="CC0-1.0",
        attribution="Random weights, drawn by nobody",
        frame_size=FRAME,
        z_dim=Z_DIM,
        animations=ANIMATIONS,
        layers=_layers(),
        items=items,
        networks=NETWORKS,
        ramps=_ramps(rng),
        archetypes=_archetypes(items),
        files={},
        controls=CONTROLS,
        training={"steps": 0, "code_scale": CODE_SCALE},
    )


def write_tiny_bundle(folder: Path, seed: int = 0, name: str = "tiny", version: str = "0.1.0") -> Path:
    """Write the whole bundle into `folder` (made if missing) and return it. The same seed gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = replace(tiny_manifest(seed), name=name, version=version)
    for i, network in enumerate(manifest.networks):
        (folder / network.file).write_bytes(tiny_network(network, seed * 100 + i).SerializeToString(deterministic=True))
    with (folder / "CREDITS.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["key", "item", "artists", "source", "licence", "details"])
        for item in manifest.items:
            rows.writerow([item.credits[0], item.title, "Nobody", "tests/support/tiny_bundle.py", "CC0-1.0", "random"])
    (folder / "MODEL_CARD.md").write_text("# Tiny test bundle\n\nRandom weights.\n", encoding="utf-8")
    Image.new("P", (FRAME, FRAME)).save(folder / "preview.png")
    return seal(folder, manifest)


def seal(folder: Path, manifest: Manifest) -> Path:
    """Write the manifest with the hashes of the files that lie in the folder now."""
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }
    (folder / "manifest.json").write_bytes(dump_manifest(replace(manifest, files=files)))
    return folder
