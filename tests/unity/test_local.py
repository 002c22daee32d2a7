"""Characters without a server: the package's Runtime/Core/Local on mono beside vcg_bridge.generators and sprites.compose.

Planes and palette must be the same bytes for the same recipe: drawn by the managed networks, and from logits that ONNX
Runtime gave, also where those are off by as much as float noise may be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper

from tests.support.tiny_bundle import seal, write_tiny_bundle
from tests.unity.local_runs import Runner, compile_runner, parse_drawn
from tests.unity.mono import Mono
from vcg_bridge.contract.character import Character
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.manifest_io import load_manifest
from vcg_bridge.contract.recipe import LayerChoice, Recipe
from vcg_bridge.contract.recipe_io import recipe_bytes
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.exact import TAU, largest_around
from vcg_bridge.generators.generator import Generator, all_poses
from vcg_bridge.generators.rules import compatible
from vcg_bridge.sprites.compose import canvas_sizes, compose

pytestmark = pytest.mark.unity


@pytest.fixture(scope="module")
def runner(mono: Mono) -> Runner:
    return compile_runner(mono)


@pytest.fixture(scope="module")
def shipped() -> Iterator[Generator]:
    with Generator(open_bundle(), device="cpu", threads=2) as generator:
        yield generator


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generator]:
    folder = write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")
    with Generator(open_bundle(folder), device="cpu", threads=2) as generator:
        yield generator


def free_code(manifest: Manifest, seed: int, spread: float) -> Recipe:
    """A character all of whose layers have random style codes."""
    base, rng = design(manifest, DesignSpec(seed=seed)), np.random.default_rng(seed)
    layers = {
        layer: LayerChoice(
            choice.item,
            code=tuple(int(c) for c in np.clip(rng.normal(0, spread, manifest.z_dim), -128, 127)),
        )
        for layer, choice in base.layers.items()
    }
    return Recipe(base.model, base.model_sha256, seed, base.archetype, 100, layers, base.ramps)


def recipes(manifest: Manifest) -> dict[str, Recipe]:
    """Every archetype as it is and mixed, controls both ways, free codes, things that hide and need others."""
    made = {}
    for i, archetype in enumerate(manifest.archetypes):
        made[archetype.id] = design(manifest, DesignSpec(seed=i, archetype=archetype.id))
        made[f"{archetype.id}-mixed"] = design(manifest, DesignSpec(seed=100 + i, archetype=archetype.id, novelty=1.0))
    for i, control in enumerate(manifest.controls):
        made[f"control-{i}"] = design(manifest, DesignSpec(seed=i, controls={control.key: 1.0 if i % 2 else -0.6}))
    for seed in range(3):
        made[f"free-{seed}"] = free_code(manifest, seed, 40.0)
    for item in manifest.items:
        if item.hides or item.needs or item.z is not None or item.allows:
            wished = {item.layer: item.id}
            for layer in item.needs:
                fitting = (
                    x for x in manifest.items_of(layer) if compatible(item, x, True) and item.layer not in x.hides
                )
                wished[layer] = next(fitting).id
            made[f"rules-{item.layer}-{item.id}"] = design(manifest, DesignSpec(seed=5, body=item.body, items=wished))
    return made


def expected(generator: Generator, recipe: Recipe, animations: Sequence[str] | None) -> bytes:
    """What the program must write: the palette, then all frames; poses in which nothing shows are transparent."""
    drawing = generator.draw(recipe, all_poses(generator.manifest, animations))
    sizes = canvas_sizes(generator.manifest, drawing)
    return as_written(generator.manifest, compose(generator.manifest, drawing), sizes, animations)


def as_written(
    manifest: Manifest, character: Character, sizes: dict[str, int], animations: Sequence[str] | None
) -> bytes:
    parts = [character.palette.tobytes()]
    for pose in all_poses(manifest, animations):
        edge = sizes[pose.animation]
        name = f"{pose.animation}/{pose.direction}".encode()
        parts += [np.array([pose.frame, edge, edge, len(name)], "<i4").tobytes(), name]
        parts.append(character.frames.get(pose, np.zeros((edge, edge), np.uint8)).tobytes())
    return b"".join(parts)


def record_logits(
    generator: Generator, wanted: dict[str, tuple[Recipe, Sequence[str] | None]], folder: Path, noise: float
) -> None:
    """Write the logits that ONNX Runtime gives for all views of those characters.

    noise: share of the largest logit around that is added or taken away, at random.
    """
    keys = {k for r, a in wanted.values() for k in generator.needed_views(r, all_poses(generator.manifest, a))}
    groups = defaultdict(list)
    for network, code, view in sorted({(k.network, k.code, k.view) for k in keys}):
        groups[network].append((code, view))
    rng = np.random.default_rng(1)
    folder.mkdir()
    for name, views in groups.items():
        network = generator.manifest.network(name)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        session = ort.InferenceSession(generator.bundle.folder / network.file, options)
        with (folder / f"{name}.logits").open("wb") as file:
            size = network.classes * network.height * network.width
            file.write(np.array([size, generator.manifest.z_dim, len(views)], "<i4").tobytes())
            for start in range(0, len(views), 16):
                batch = views[start : start + 16]
                codes = np.stack([np.frombuffer(code, np.float32) for code, _ in batch])
                numbers = np.array([view for _, view in batch], np.int64)
                logits = session.run([network.output], {network.code_input: codes, network.view_input: numbers})[0]
                around = np.stack([largest_around(np.abs(x)) for x in logits])
                logits = logits + (around * rng.uniform(-noise, noise, logits.shape)).astype(np.float32)
                for (code, view), values in zip(batch, logits, strict=True):
                    file.write(np.int32(view).tobytes() + code + values.astype("<f4").tobytes())


def draw_all(
    runner: Runner,
    generator: Generator,
    wanted: dict[str, tuple[Recipe, Sequence[str] | None]],
    folder: Path,
    logits: Path | str | None = None,
) -> dict[str, int]:
    """Let the program draw them all and compare each; name -> views drawn again."""
    commands = []
    for name, (recipe, animations) in wanted.items():
        (folder / f"{name}.vcg.json").write_bytes(recipe_bytes(recipe))
        commands.append(
            ["draw", generator.bundle.folder, folder / f"{name}.vcg.json", ",".join(animations or ["*"]), logits or "",
             folder / f"{name}.bin"]
        )  # fmt: skip
    answers = runner.run(commands)
    redrawn = {}
    for (name, (recipe, animations)), answer in zip(wanted.items(), answers, strict=True):
        assert answer[0] == "ok", (name, answer)
        redrawn[name] = int(answer[1].removeprefix("redrawn="))
        found, right = (folder / f"{name}.bin").read_bytes(), expected(generator, recipe, animations)
        if found != right:
            raise AssertionError(f"{name}: {difference(found, right)}")
    return redrawn


def difference(found: bytes, right: bytes) -> str:
    (found_palette, found_frames), (palette, frames) = parse_drawn(found), parse_drawn(right)
    if found_palette != palette:
        return "the palettes differ"
    if found_frames.keys() != frames.keys():
        return f"the frames differ: {sorted(found_frames.keys() ^ frames.keys())[:5]}"
    wrong = {k: int((frames[k] != v).sum()) for k, v in found_frames.items() if not np.array_equal(frames[k], v)}
    return f"{len(wrong)} of {len(frames)} frames differ, {sum(wrong.values())} pixels: {list(wrong.items())[:3]}"


ALL = None
WALK_IDLE = ("walk", "idle")


def test_the_shipped_bundle_is_drawn_the_same_by_the_managed_networks(
    runner: Runner, shipped: Generator, tmp_path: Path
) -> None:
    made = recipes(shipped.manifest)
    # rules change what is worn, not how it is drawn: the next test tries them all
    wanted = {name: (recipe, ("idle",)) for name, recipe in made.items() if not name.startswith("rules-")}
    wanted["everything"] = (made["guard"], ALL)
    wanted["walk"] = (made["free-0"], WALK_IDLE)
    draw_all(runner, shipped, wanted, tmp_path)


def test_logits_of_another_engine_give_the_same_even_with_its_noise(
    runner: Runner, shipped: Generator, tmp_path: Path
) -> None:
    made = recipes(shipped.manifest)
    wanted = {name: (recipe, ("idle",)) for name, recipe in made.items()}
    wanted |= {"everything": (made["guard-mixed"], ALL), "free-0": (made["free-0"], WALK_IDLE)}
    noise = TAU / 4  # two logits can come nearer by twice that
    record_logits(shipped, wanted, tmp_path / "logits", noise)
    redrawn = draw_all(runner, shipped, wanted, tmp_path, tmp_path / "logits")
    assert sum(redrawn.values()) > 0  # else the rule was not tried
    # and where the engine can only be asked on its main thread, and answers some frames later
    some = {name: wanted[name] for name in list(wanted)[:6]}
    draw_all(runner, shipped, some, tmp_path, f"frames:{tmp_path / 'logits'}")


def test_a_bundle_of_another_kind_is_drawn_the_same(runner: Runner, tiny: Generator, tmp_path: Path) -> None:
    made = recipes(tiny.manifest)
    wanted = {name: (recipe, ALL) for name, recipe in made.items()}
    wanted |= {f"mixed-{i}": (design(tiny.manifest, DesignSpec(seed=i, novelty=1.0)), ALL) for i in range(30)}
    draw_all(runner, tiny, wanted, tmp_path)
    record_logits(tiny, wanted, tmp_path / "logits", 0.0)
    draw_all(runner, tiny, wanted, tmp_path, tmp_path / "logits")


def test_classes_that_tie_exactly_go_to_the_lowest(runner: Runner, tmp_path: Path) -> None:
    """Two classes of each network have the same weights, but for a bias that differs by about what still counts as a tie."""
    folder = write_tiny_bundle(tmp_path / "tied")
    manifest = load_manifest(folder)
    for network in manifest.networks:
        model = onnx.load(folder / network.file)
        for tensor in model.graph.initializer:
            if tensor.name in ("out.w", "out.b"):
                values = numpy_helper.to_array(tensor).copy()
                values[8:12] = values[4:8]  # class 2 is class 1; four outputs each, for the pixels of a block
                if tensor.name == "out.b":
                    values[8:12] = np.nextafter(values[8:12], np.float32(np.inf))  # float32's last bit
                tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), tensor.name))
        (folder / network.file).write_bytes(model.SerializeToString())
    seal(folder, replace(manifest, files={}))
    with Generator(open_bundle(folder), device="cpu", threads=1) as generator:
        wanted = {f"{i}": (design(generator.manifest, DesignSpec(seed=i, novelty=1.0)), ALL) for i in range(6)}
        draw_all(runner, generator, wanted, tmp_path)
        record_logits(generator, wanted, tmp_path / "logits", 0.0)
        assert sum(draw_all(runner, generator, wanted, tmp_path, tmp_path / "logits").values()) > 100
