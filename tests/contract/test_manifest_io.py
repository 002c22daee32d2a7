"""Bundle manifests: what is written is read again, and everything broken or hostile is one clear BundleError."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.tiny_bundle import tiny_manifest, write_tiny_bundle
from vcg_bridge.contract.errors import BundleError
from vcg_bridge.contract.fields import Reader
from vcg_bridge.contract.manifest_io import dump_manifest, load_manifest, safe_path
from vcg_bridge.contract.manifest_parse import parse_manifest


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture
def bundle(whole: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(whole, tmp_path / "tiny"))


def change(bundle: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    path = bundle / "manifest.json"
    tree = json.loads(path.read_bytes())
    edit(tree)
    path.write_text(json.dumps(tree))


def problem_of(bundle: Path) -> BundleError | None:
    """What loading complains of; any other exception is the test's failure."""
    try:
        load_manifest(bundle, verify=False)
    except BundleError as error:
        return error
    return None


def test_a_manifest_survives_writing_and_reading(whole: Path) -> None:
    data = (whole / "manifest.json").read_bytes()
    manifest = load_manifest(whole)
    assert dump_manifest(manifest) == data
    assert manifest.sha256 == hashlib.sha256(data).hexdigest()
    made = tiny_manifest()
    assert manifest.items == made.items
    assert manifest.archetypes == made.archetypes
    assert manifest.ramps == made.ramps
    for read, written in zip(manifest.layers, made.layers, strict=True):
        assert replace(read, parts=()) == replace(written, parts=())
        for part, original in zip(read.parts, written.parts, strict=True):
            assert {k: v.tolist() for k, v in part.poses.items()} == {k: v.tolist() for k, v in original.poses.items()}
            assert all(v.dtype == np.int16 and not v.flags.writeable for v in part.poses.values())


def test_art_in_fixed_colours_only_needs_no_ramps() -> None:
    made = tiny_manifest()
    plain = replace(
        made,
        ramps=(),
        layers=tuple(replace(x, materials=(), fixed=x.classes - 1) for x in made.layers),
        items=tuple(replace(x, ramps={}) for x in made.items),
        archetypes=tuple(replace(x, ramps={}) for x in made.archetypes),
    )
    read = parse_manifest(Reader(BundleError, "manifest.json", "").parse(dump_manifest(plain)), "")
    assert read.ramps == ()
    assert [x.classes for x in read.layers] == [x.classes for x in made.layers]


def test_writing_is_deterministic_and_diffable() -> None:
    manifest = tiny_manifest()
    data = dump_manifest(manifest)
    assert data == dump_manifest(copy.deepcopy(manifest))
    changed = replace(manifest, items=(replace(manifest.items[0], title="Renamed"), *manifest.items[1:]))
    lines = zip(data.splitlines(), dump_manifest(changed).splitlines(), strict=True)
    assert sum(a != b for a, b in lines) == 1


def test_a_bundle_without_controls_says_nothing_of_them(bundle: Path) -> None:
    assert load_manifest(bundle).controls == tiny_manifest().controls
    bare = json.loads(dump_manifest(replace(tiny_manifest(), controls=())))
    assert "controls" not in bare
    assert set(json.loads(dump_manifest(tiny_manifest()))) == {*bare, "controls"}
    change(bundle, drop("controls"))
    assert load_manifest(bundle).controls == ()


def test_the_key_of_a_control_fits_the_wire(bundle: Path) -> None:
    path, layer = bundle / "manifest.json", "h" * 64
    path.write_text(path.read_text().replace('"hair"', f'"{layer}"'))
    change(bundle, put("controls/0/id", "c" * 63))
    assert load_manifest(bundle).controls[0].key == f"{layer}/{'c' * 63}"
    change(bundle, put("controls/0/id", "c" * 64))
    with pytest.raises(BundleError, match=r"controls\[0\]\.id: is too long"):
        load_manifest(bundle)


def test_numbers_that_json_lacks_are_not_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        dump_manifest(replace(tiny_manifest(), training={"loss": float("nan")}))


def test_unlisted_files_of_other_kinds_are_ignored(bundle: Path) -> None:
    (bundle / "notes.txt").write_text("hello")
    assert load_manifest(bundle).name == "tiny"


Edit = Callable[[dict[str, Any]], None]


def put(path: str, value: Any) -> Edit:
    """An edit that sets `layers.0.title`-like paths."""

    def edit(tree: Any) -> None:
        *parents, last = [int(p) if p.isdigit() else p for p in path.split("/")]
        for key in parents:
            tree = tree[key]
        tree[last] = value

    return edit


def drop(path: str) -> Edit:
    def edit(tree: Any) -> None:
        *parents, last = path.split("/")
        for key in parents:
            tree = tree[int(key) if key.isdigit() else key]
        del tree[last]

    return edit


BROKEN: list[tuple[Edit, str, str]] = [
    (put("format", 2), "format", "this VCG Bridge reads format 1"),
    (put("format", "1"), "format", "expected an integer"),
    (put("name", "../evil"), "name", "an id of lower-case"),
    (put("name", "Tiny"), "name", "an id of lower-case"),
    (put("version", "new"), "version", "a text of 5"),
    (put("version", "one.two"), "version", "not a version"),
    (drop("licence"), "", "the field 'licence' is missing"),
    (put("attribution", ""), "attribution", "a text of 1"),
    (put("title", "a\x00b"), "title", "control characters"),
    (put("surprise", 1), "", "unknown field 'surprise'"),
    (put("frame_size", 0), "frame_size", "an integer from 8"),
    (put("frame_size", True), "frame_size", "an integer from 8"),
    (put("z_dim", 9), "items[0].code", "an array of 9 integers"),
    (put("animations", []), "animations", "has 0 elements"),
    (put("animations/0/frames", 4), "layers[0].parts[0].poses.walk", "shape [4, 4, 4]"),
    (put("animations/0/fps", 0), "animations[0].fps", "a number from 0.01"),
    (put("animations/0/directions", ["left", "up"]), "animations[0].directions", "in the order up, left"),
    (put("animations/0/directions", ["north"]), "animations[0].directions[0]", "one of up, left"),
    (put("animations/1/id", "walk"), "animations[1]", "there twice"),
    (put("networks/0/views", 3), "layers[0].parts[0].poses.climb", "view must be from -1 to 2"),
    (put("networks/0/classes", 3), "layers[0].parts[0].network", "the network 'body' only 3"),
    (put("networks/0/height", 10**6), "networks[0].height", "an integer from 1"),
    (lambda t: t["networks"][0].update(height=1024, width=1024), "networks[0]", "height * width"),
    (put("networks/0/file", "../../body.onnx"), "networks[0].file", "not listed"),
    (put("ramps/0/colours/0", [1, 2, 300]), "ramps[0].colours[0]", "not an integer from 0 to 255"),
    (put("ramps/0/colours/0", [1, 2]), "ramps[0].colours[0]", "an array of 3"),
    (put("layers/0/materials/0/kind", "skn"), "layers[0].materials[0].kind", "kind of ramp 'skn'"),
    (put("layers/0/materials/0/shades", 5), "layers[0].materials[0].shades", "an integer from 1 to 4"),
    (put("layers/2/materials/0/group", "skin"), "layers[2].materials[0]", "is of kind 'skin' in another layer"),
    (put("layers/0/fixed", 252), "layers[0]", "256 slots"),
    (put("layers/0/frame_size", 33), "layers[0].frame_size", "must be even"),
    (put("layers/0/frame_size", 16), "layers[0].frame_size", "an integer from 32"),
    (put("layers/0/parts/0/part", "middle"), "layers[0].parts[0].part", "one of behind, front"),
    (put("layers/0/parts/0/network", "bodi"), "layers[0].parts[0].network", 'did you mean "body"'),
    (put("layers/0/parts/0/poses/wlak", []), "layers[0].parts[0].poses", 'did you mean "walk"'),
    (put("layers/0/parts/0/poses/walk/0/0", [99, 0, 0, 0]), "poses.walk[0][0]", "view must be"),
    (put("layers/0/parts/0/poses/walk/0/0", [0, 99, 0, 0]), "poses.walk[0][0]", "x must be from -16 to 32"),
    (put("layers/0/parts/0/poses/walk/0/0", [0, 0, -25, 0]), "poses.walk[0][0]", "y must be from -24 to 32"),
    (put("layers/0/parts/0/poses/walk/0/0", [0, 0, 0, 2]), "poses.walk[0][0]", "flip"),
    (put("layers/0/parts/0/poses/walk/0/0", [0, 0, 0]), "poses.walk", "in the shape"),
    (put("layers/0/parts/0/poses/walk/0/0", [0, 0, 0.5, 0]), "poses.walk", "expected integers"),
    (put("layers/0/parts/0/poses/walk/0/0", [0, 0, 10**30, 0]), "poses.walk", "expected integers"),
    (put("items/0/layer", "bdoy"), "items[0].layer", 'did you mean "body"'),
    (put("items/1/id", "body-01-slim"), "items[1]", "there twice"),
    (put("items/0/code/0", 128), "items[0].code", "not an integer from -128 to 127"),
    (put("items/0/code/0", 0.5), "items[0].code", "not an integer"),
    (put("items/0/ramps", {"hair": "raven"}), "items[0].ramps", "no colour group of layer 'body'"),
    (put("items/0/ramps", {"skin": "raven"}), "items[0].ramps.skin", "no skin ramp 'raven'"),
    (put("items/0/fixed", [[0, 0, 0]] * 2), "items[0].fixed", "has 2 elements"),
    (put("items/3/body", "x"), "items[3].body", "is of body 'x'"),
    (put("items/3/hides", ["helmet"]), "items[3].hides[0]", "no layer 'helmet'"),
    (put("items/3/hides", ["hair"]), "items[3]", "its own layer"),
    (put("items/3/allows", {"helm": ["helm-09"]}), "items[3].allows.helm", "no item 'helm-09'"),
    (put("items/3/parts", []), "items[3].parts", "at least one part"),
    (put("items/3/drawn", ["fly"]), "items[3].drawn[0]", "no animation 'fly'"),
    (put("archetypes/0/layers/hair/chance", 1.5), "archetypes[0].layers.hair.chance", "a number from 0 to 1"),
    (put("archetypes/0/layers/body/chance", 0.5), "archetypes[0].layers.body.chance", "its chance must be 1"),
    (drop("archetypes/0/layers/body"), "archetypes[0].layers", "required layer 'body' is missing"),
    (put("archetypes/0/layers/hair/items", {"short-01": 1}), "layers.hair.items", "no item of layer 'hair'"),
    (put("archetypes/0/layers/hair/items", {"short-01-buzz": 0}), "layers.hair.items", "weight above 0"),
    (put("archetypes/0/ramps", {"skni": {}}), "archetypes[0].ramps", 'did you mean "skin"'),
    (put("archetypes/0/ramps", {"skin": {"denim": 1}}), "archetypes[0].ramps.skin", "no skin ramp 'denim'"),
    (put("files/body.onnx", "abc"), "files.body.onnx", "64 hex digits"),
    (put("files/body.onnx", "0" * 64), "files['body.onnx']", "the manifest says 000000"),
    (put("files/more.onnx", "0" * 64), "files['more.onnx']", "is missing"),
    (put("files/manifest.json", "0" * 64), "files['manifest.json']", "cannot list itself"),
    (drop("files/body.onnx"), "networks[0].file", "not listed"),
    (put("files/.", "0" * 64), "files['.']", "not a plain path"),
    (put("training", []), "training", "expected an object"),
    (put("controls", {}), "controls", "expected an array"),
    (put("controls/0/layer", "hiar"), "controls[0].layer", 'did you mean "hair"'),
    (put("controls/0/id", "Length"), "controls[0].id", "an id of lower-case"),
    (put("controls/1/id", "length"), "controls[1]", "the id 'hair/length' is there twice"),
    (put("controls/0/low", ""), "controls[0].low", "a text of 1"),
    (put("controls/0/items", []), "controls[0].items", "has 0 elements"),
    (put("controls/0/items", ["short-01"]), "controls[0].items[0]", "no item of layer 'hair' 'short-01'"),
    (put("controls/0/items", ["hood-01"]), "controls[0].items[0]", "no item of layer 'hair' 'hood-01'"),
    (put("controls/0/items", ["short-01-buzz"] * 2), "controls[0].items", "names something twice"),
    (put("controls/0/items/0", "long-01-braid"), "controls[0].items", "of one kind and body"),
    (put("controls/3/items/0", "shirt-01-plain.m"), "controls[3].items", "of one kind and body"),
    (put("controls/0/direction", [1] * 7), "controls[0].direction", "an array of 8 integers"),
    (put("controls/0/direction/7", -129), "controls[0].direction", "not an integer from -128 to 127"),
    (put("controls/0/direction", [0] * 8), "controls[0].direction", "0 everywhere"),
    (drop("controls/0/high"), "controls[0]", "the field 'high' is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "where", "problem"), BROKEN, ids=lambda x: x if isinstance(x, str) else "")
def test_every_fault_is_named_with_its_place(bundle: Path, edit: Edit, where: str, problem: str) -> None:
    change(bundle, edit)
    with pytest.raises(BundleError) as caught:
        load_manifest(bundle)
    message = str(caught.value)
    assert where in message
    assert problem in message
    assert "manifest.json" in message
    assert caught.value.hint


@pytest.mark.parametrize(
    "name",
    ["../secret", "/etc/passwd", "a/../../b", "a\\b", "C:evil", "C:/evil", "~/x", "a//b", "", ".", "..", "a/.hidden", "x\n", "a/.", "x."],
)  # fmt: skip
def test_paths_that_leave_the_bundle_are_refused_before_any_file_is_read(bundle: Path, name: str) -> None:
    assert not safe_path(name)
    change(bundle, lambda t: t["files"].update({name: "0" * 64}))
    with pytest.raises(BundleError, match="not a plain path inside the bundle"):
        load_manifest(bundle)


def test_a_symbolic_link_out_of_the_bundle_is_refused(bundle: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_bytes((bundle / "body.onnx").read_bytes())
    (bundle / "body.onnx").unlink()
    try:
        (bundle / "body.onnx").symlink_to(secret)
    except OSError:
        pytest.skip("this system makes no symbolic links")
    with pytest.raises(BundleError, match="leads outside the bundle"):
        load_manifest(bundle)


def test_a_changed_file_is_found_only_when_verifying(bundle: Path) -> None:
    (bundle / "body.onnx").write_bytes(b"something else")
    assert load_manifest(bundle, verify=False).name == "tiny"
    with pytest.raises(BundleError, match="sha256"):
        load_manifest(bundle)


def test_an_unlisted_graph_is_refused(bundle: Path) -> None:
    (bundle / "extra").mkdir()
    (bundle / "extra" / "Other.ONNX").write_bytes(b"")
    with pytest.raises(BundleError, match=r"extra/Other\.ONNX.*not listed"):
        load_manifest(bundle)


def test_a_listed_folder_is_not_a_file(bundle: Path) -> None:
    (bundle / "folder").mkdir()
    change(bundle, lambda t: t["files"].update(folder="0" * 64))
    with pytest.raises(BundleError, match="is not a file"):
        load_manifest(bundle)


def test_more_slots_than_a_palette_has_are_refused(bundle: Path) -> None:
    def edit(tree: dict[str, Any]) -> None:
        for layer in tree["layers"]:
            layer["fixed"] = 60
        for network in tree["networks"]:
            network["classes"] = 100

    change(bundle, edit)
    with pytest.raises(BundleError, match="all layers together have 320 slots"):
        load_manifest(bundle)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe{}", "not valid JSON"),
        (b"[]", "expected an object"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"format":1,"format":1}', "there twice"),
        (b'{"format":NaN}', "NaN is not a number"),
        (b'{"format":' + b"9" * 5000 + b"}", "not valid JSON"),
        (b" " * ((16 << 20) + 1), "larger than 16 MiB"),
    ],
    ids=lambda x: "" if isinstance(x, bytes) else x,
)
def test_garbage_is_one_clear_error(tmp_path: Path, data: bytes, problem: str) -> None:
    (tmp_path / "manifest.json").write_bytes(data)
    with pytest.raises(BundleError, match=problem):
        load_manifest(tmp_path)


def test_what_is_no_bundle_is_said(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such folder"):
        load_manifest(tmp_path / "nothing")
    with pytest.raises(BundleError, match=r"has no manifest\.json"):
        load_manifest(tmp_path)
    with pytest.raises(BundleError):
        load_manifest(os.fspath(tmp_path) + "/a\0b")


@pytest.mark.parametrize("key", sorted(json.loads(dump_manifest(tiny_manifest()))))
@pytest.mark.parametrize("value", [None, 7, -1.5, "x", [], {}, [[]], {"a": {}}, True])
def test_no_wrong_type_at_the_top_ends_in_another_error(bundle: Path, key: str, value: Any) -> None:
    change(bundle, put(key, value))
    if error := problem_of(bundle):
        assert error.hint
        assert "manifest.json" in error.message


def test_random_damage_never_ends_in_another_error(bundle: Path) -> None:
    """Values of random places are replaced by values of other kinds; loading gives a manifest or a BundleError."""
    rng = np.random.default_rng(1)
    original = (bundle / "manifest.json").read_bytes()
    values = [None, True, -1, 10**20, 0.5, "", "x" * 300, "../x", [], {}, [0, 0, 0, 0], {"walk": 1}]
    for _ in range(300):
        tree = json.loads(original)
        node = tree
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            key = keys[rng.integers(len(keys))]
            if isinstance(node[key], dict | list) and node[key] and rng.random() < 0.8:
                node = node[key]
                continue
            node[key] = values[rng.integers(len(values))]
            break
        (bundle / "manifest.json").write_text(json.dumps(tree))
        if error := problem_of(bundle):
            assert error.hint
