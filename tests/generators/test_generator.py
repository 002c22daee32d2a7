"""The generator: right pictures in the right places, the same bytes however they are drawn, and honest errors."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper

from tests.support.tiny_bundle import seal, tiny_manifest, tiny_network, write_tiny_bundle
from vcg_bridge.contract.character import Drawing, Pose
from vcg_bridge.contract.errors import BadRequest, BundleError, DeviceError, RecipeError
from vcg_bridge.contract.recipe import LayerChoice, Recipe
from vcg_bridge.generators.bundle import Bundle, open_bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.generator import Generator, all_poses
from vcg_bridge.generators.rules import code_of
from vcg_bridge.generators.session import default_threads


@pytest.fixture(scope="session")
def guard(tiny: Bundle) -> Recipe:
    spec = DesignSpec(seed=4, archetype="guard", novelty=0.7, items={"helm": None, "hair": "long-01-braid"})
    return design(tiny.manifest, spec)


def shown(drawing: Drawing) -> dict[tuple[str, str], dict[Pose, tuple[int, int, bytes]]]:
    """All that a drawing shows, comparable."""
    return {
        (part.layer, part.part): {pose: (p.x, p.y, p.classes.tobytes()) for pose, p in part.placed.items()}
        for part in drawing.parts
    }


def test_every_view_is_what_the_network_says(generator: Generator, tiny: Bundle, guard: Recipe) -> None:
    manifest = tiny.manifest
    poses = all_poses(manifest)
    drawing = generator.draw(guard, poses)
    assert [(x.layer, x.part) for x in drawing.parts] == [
        ("body", "front"), ("hair", "behind"), ("hair", "front"), ("torso", "front"), ("sword", "front"),
    ]  # fmt: skip
    for part in drawing.parts:
        layer = manifest.layer(part.layer)
        table = next(x for x in layer.parts if x.part == part.part)
        network = manifest.network(table.network)
        item = manifest.item(part.layer, guard.layers[part.layer].item)
        session = ort.InferenceSession(tiny.folder / network.file, providers=["CPUExecutionProvider"])
        code = code_of(manifest, guard.layers[part.layer], part.layer)[None]
        classes = 1 + sum(m.shades for m in layer.materials) + len(item.fixed)
        assert part.z == (table.z if item.z is None else item.z)
        assert part.frame_size == layer.frame_size
        for pose in poses:
            if pose.animation not in table.poses:
                assert pose not in part.placed
                continue
            row = manifest.animation(pose.animation).directions.index(pose.direction)
            view, x, y, flip = table.poses[pose.animation][row, pose.frame].tolist()
            if view < 0:
                assert pose not in part.placed
                continue
            logits = session.run(None, {"code": code, "view": np.array([view])})[0][0, :classes]
            expected = logits.argmax(axis=0)
            if not expected.any():
                assert pose not in part.placed
                continue
            placed = part.placed[pose]
            assert (placed.x, placed.y) == (x, y)
            np.testing.assert_array_equal(placed.classes, expected[:, ::-1] if flip else expected)


def test_poses_that_show_one_view_share_its_array(generator: Generator, guard: Recipe) -> None:
    poses = all_poses(generator.manifest)
    drawing = generator.draw(guard, poses)
    distinct = {id(p.classes) for part in drawing.parts for p in part.placed.values()}
    assert len(distinct) < sum(len(part.placed) for part in drawing.parts) / 2
    assert all(not p.classes.flags.writeable for part in drawing.parts for p in part.placed.values())


def test_the_same_bytes_for_every_batch_thread_count_order_and_company(tiny: Bundle) -> None:
    """Random style codes, drawn in many ways; random weights leave many pixels doubtful, so the rule is at work."""
    rng = np.random.default_rng(0)
    base = design(tiny.manifest, DesignSpec(archetype="guard", items={"helm": "hood-01", "hair": "long-01-braid"}))
    recipes = [
        replace(base, layers={
            layer: replace(choice, code=tuple(int(c) for c in rng.integers(-128, 128, tiny.manifest.z_dim)))
            for layer, choice in base.layers.items()
        })
        for _ in range(25)
    ]  # fmt: skip
    poses = list(all_poses(tiny.manifest))
    with Generator(tiny, "cpu", threads=1, batch=1) as single:
        expected = [shown(single.draw(recipe, poses)) for recipe in recipes]
        redrawn = sum(single.draw(recipe, poses).redrawn for recipe in recipes)
    assert redrawn > 25
    for threads, batch in ((1, 7), (2, 16), (3, 64), (2, 1000)):
        order = rng.permutation(len(recipes))
        with Generator(tiny, "cpu", threads=threads, batch=batch) as other:
            rng.shuffle(poses)
            drawings = other.draw_many([(recipes[i], poses) for i in order])
        for i, drawing in zip(order, drawings, strict=True):
            assert shown(drawing) == expected[i]


def test_a_network_full_of_ties_still_gives_one_picture(tmp_path: Path) -> None:
    """Classes 1 and 2 of the body differ by less than float32 noise: every machine must still show class 2."""
    folder = write_tiny_bundle(tmp_path / "ties")
    network = tiny_manifest().networks[0]
    model = tiny_network(network, seed=0)
    for tensor in model.graph.initializer:
        if tensor.name in ("out.w", "out.b"):
            values = numpy_helper.to_array(tensor).copy()
            values[8:12] = values[4:8] + (np.float32(3e-6) if tensor.name == "out.b" else 0)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    (folder / network.file).write_bytes(model.SerializeToString())
    bundle = open_bundle(seal(folder, tiny_manifest()))
    recipe = design(bundle.manifest, DesignSpec(seed=1, archetype="villager"))
    drawings = []
    for batch in (1, 3, 16):
        with Generator(bundle, "cpu", threads=2, batch=batch) as generator:
            drawings.append(generator.draw(recipe, all_poses(bundle.manifest)))
    assert all(shown(x) == shown(drawings[0]) for x in drawings)
    assert all(x.redrawn >= 5 for x in drawings)
    assert drawings[0].smallest_margin < 1e-5
    classes = {
        int(c)
        for part in drawings[0].parts
        if part.layer == "body"
        for p in part.placed.values()
        for c in np.unique(p.classes)
    }
    assert 2 in classes
    assert 1 not in classes


def test_views_are_drawn_once_and_kept(tiny: Bundle, guard: Recipe) -> None:
    poses = all_poses(tiny.manifest)
    with Generator(tiny, "cpu", threads=2) as generator:
        needed = generator.needed_views(guard, poses)
        first = generator.draw(guard, poses)
        info = generator.cache_info()
        assert (info.misses, info.hits, info.entries) == (len(needed), 0, len(needed))
        again = generator.draw_many([(guard, poses), (guard, poses[:3])])
        assert generator.cache_info().misses == len(needed)
        assert shown(again[0]) == shown(first)
        assert again[0].smallest_margin == first.smallest_margin
        assert again[0].redrawn == first.redrawn


def test_the_cache_keeps_to_its_size(tiny: Bundle) -> None:
    limit = 20_000
    with Generator(tiny, "cpu", threads=1, cache_bytes=limit) as generator:
        for seed in range(20):
            recipe = design(tiny.manifest, DesignSpec(seed=seed, novelty=1))
            generator.draw(recipe, all_poses(tiny.manifest))
            assert generator.cache_info().bytes <= limit
        assert generator.cache_info().entries > 5


def test_unused_fixed_colours_are_never_drawn(generator: Generator, tiny: Bundle) -> None:
    hood = design(tiny.manifest, DesignSpec(items={"helm": "hood-01", "hair": None}))
    parts = generator.draw(hood, all_poses(tiny.manifest)).parts
    helm = next(x for x in parts if x.layer == "helm")
    assert (
        max(p.classes.max() for p in helm.placed.values()) <= 4
    )  # its four shades; the layer has a fixed slot besides


def test_hidden_layers_are_not_drawn(generator: Generator, tiny: Bundle) -> None:
    bare = design(tiny.manifest, DesignSpec(archetype="villager", items={"hair": "long-02-loose"}))
    closed = design(tiny.manifest, DesignSpec(base=bare, items={"helm": "helm-01-closed"}))
    layers = [x.layer for x in generator.draw(closed, all_poses(tiny.manifest, ["walk"])).parts]
    assert "hair" in closed.layers
    assert "hair" not in layers
    assert "helm" in layers


def test_several_threads_may_draw_at_once(tiny: Bundle) -> None:
    recipes = [design(tiny.manifest, DesignSpec(seed=s, novelty=0.5)) for s in range(8)]
    poses = all_poses(tiny.manifest)
    with Generator(tiny, "cpu", threads=2) as alone:
        expected = [shown(alone.draw(r, poses)) for r in recipes]
    found: dict[int, object] = {}
    with Generator(tiny, "cpu", threads=2, cache_bytes=30_000) as generator:

        def work(start: int) -> None:
            for i in range(start, len(recipes), 2):
                found[i] = shown(generator.draw(recipes[i], poses))

        threads = [threading.Thread(target=work, args=(s,)) for s in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [found[i] for i in range(len(recipes))] == expected


def test_a_tick_can_stop_the_drawing(tiny: Bundle, guard: Recipe) -> None:
    class StopNow(Exception):
        pass

    def stop() -> None:
        raise StopNow

    with Generator(tiny, "cpu", threads=1, batch=1) as generator:
        with pytest.raises(StopNow):
            generator.draw(guard, all_poses(tiny.manifest), tick=stop)
        assert generator.draw(guard, all_poses(tiny.manifest)).parts  # and it goes on


def test_poses_and_recipes_that_are_not_there(generator: Generator, guard: Recipe) -> None:
    for pose, problem in (
        (Pose("wlak", "up", 0), 'unknown animation.*did you mean "walk"'),
        (Pose("climb", "left", 0), "'climb' has no direction 'left'"),
        (Pose("walk", "up", 3), "'walk' has no frame 3"),
        (Pose("walk", "up", -1), "'walk' has no frame -1"),
    ):
        with pytest.raises(BadRequest, match=problem):
            generator.draw(guard, [pose])
    with pytest.raises(BadRequest, match="unknown animation"):
        all_poses(generator.manifest, ["fly"])
    with pytest.raises(RecipeError, match="another version"):
        generator.draw(replace(guard, model_sha256="0" * 64), [])
    with pytest.raises(RecipeError, match="no item of layer"):
        generator.draw(replace(guard, layers={**guard.layers, "hair": LayerChoice("wig")}), [])
    empty = generator.draw(guard, [])
    assert all(not part.placed for part in empty.parts)


def test_devices(tiny: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeviceError, match=r"unknown device: 'gpu'"):
        Generator(tiny, device="gpu")
    with pytest.raises(DeviceError, match="threads must be 1"):
        Generator(tiny, threads=0)
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        with pytest.raises(DeviceError, match="no CUDA device") as caught:
            Generator(tiny, device="cuda")
        assert "vcg-bridge[gpu]" in caught.value.hint
        with Generator(tiny, device="auto") as generator:
            assert generator.device == "cpu"
            assert "no CUDA support" in generator.device_note
    with Generator(tiny, device="cpu") as generator:
        assert (generator.device, generator.device_note) == ("cpu", "")
    monkeypatch.setenv("VCG_THREADS", "3")
    assert default_threads() == 3
    monkeypatch.setenv("VCG_THREADS", "many")
    with pytest.raises(DeviceError, match="VCG_THREADS is 'many'"):
        default_threads()


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    return write_tiny_bundle(tmp_path / "broken")


def swap(folder: Path, model: onnx.ModelProto | bytes) -> Bundle:
    """Put another file in place of the body's network, with its right hash."""
    data = model if isinstance(model, bytes) else model.SerializeToString()
    (folder / "body.onnx").write_bytes(data)
    return open_bundle(seal(folder, tiny_manifest()))


def test_networks_that_are_not_what_the_manifest_says(broken: Path) -> None:
    network = tiny_manifest().networks[0]
    wrong_inputs = tiny_network(replace(network, code_input="style"), seed=0)
    smaller = tiny_network(replace(network, height=12), seed=0)
    not_finite = tiny_network(network, seed=0)
    for tensor in not_finite.graph.initializer:
        if tensor.name == "out.b":
            tensor.CopyFrom(numpy_helper.from_array(np.full(24, np.nan, np.float32), "out.b"))
    few_views = tiny_network(replace(network, views=2), seed=0)
    for model, problem in (
        (b"junk", r"body\.onnx"),
        (wrong_inputs, r"body\.onnx.*before anything makes it"),
        (smaller, r"'logits' is .*12.*the manifest says"),
        (not_finite, "not finite"),
        (few_views, "ONNX Runtime failed"),
    ):
        bundle = swap(broken, model)
        recipe = design(bundle.manifest, DesignSpec())
        with Generator(bundle, "cpu", threads=2) as generator, pytest.raises(BundleError, match=problem):
            generator.draw(recipe, all_poses(bundle.manifest))


def test_a_file_that_changes_after_opening_is_noticed(broken: Path) -> None:
    bundle = open_bundle(broken)
    (broken / "body.onnx").write_bytes(tiny_network(bundle.manifest.networks[0], seed=77).SerializeToString())
    with Generator(bundle, "cpu") as generator, pytest.raises(BundleError, match="sha256 is not the manifest's"):
        generator.warm_up()


def test_warming_up_makes_way(tiny: Bundle) -> None:
    """Interrupted at once it loads nothing; what is needed is loaded when it is needed."""
    with Generator(tiny, device="cpu", threads=2) as generator:
        assert not generator.warm_up(lambda: True)
        recipe = design(generator.manifest, DesignSpec(seed=1))
        before = generator.draw(recipe, all_poses(generator.manifest, ["idle"]))
        assert generator.warm_up()
        assert before.parts
