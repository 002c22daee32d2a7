"""What the local generator reads: bundles, recipes and JSON, whole, damaged and hostile. Python says what is right."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.contract.test_manifest_io import BROKEN
from tests.support.tiny_bundle import tiny_network, write_tiny_bundle
from tests.unity.local_runs import Runner, compile_runner
from tests.unity.mono import Mono
from vcg_bridge.contract.errors import BundleError, VcgError
from vcg_bridge.contract.fields import Reader
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.manifest_io import load_manifest
from vcg_bridge.contract.manifest_parse import parse_manifest
from vcg_bridge.contract.recipe import LayerChoice, Recipe
from vcg_bridge.contract.recipe_io import check_recipe, parse_recipe, recipe_bytes, recipe_to_dict
from vcg_bridge.generators.bundle import embedded_folder
from vcg_bridge.generators.design import DesignSpec, design

pytestmark = pytest.mark.unity


@pytest.fixture(scope="module")
def runner(mono: Mono) -> Runner:
    return compile_runner(mono)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Callable[[], Path]:
    """Copies to break."""
    made: list[Path] = []

    def one() -> Path:
        made.append(tmp_path / f"copy{len(made)}")
        return Path(shutil.copytree(whole, made[-1]))

    return one


def refusal(answer: list[str], code: str) -> tuple[str, str]:
    """Message and hint of an answer that must be an error."""
    assert answer[:2] == ["error", code], answer
    return answer[2], answer[3]


def attempt(work: Callable[[], Any]) -> tuple[Any, str]:
    """What Python gives, or what it complains of."""
    try:
        return work(), ""
    except VcgError as error:
        return None, str(error)


def seal_again(folder: Path) -> None:
    """Write the right hashes into a manifest whose files were changed."""
    tree = json.loads((folder / "manifest.json").read_bytes())
    tree["files"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in tree["files"]}
    (folder / "manifest.json").write_text(json.dumps(tree))


# bundles


def test_whole_bundles_are_opened(runner: Runner, whole: Path) -> None:
    for folder in (whole, embedded_folder() / "lpc-revised"):
        sha256 = load_manifest(folder).sha256
        assert runner.run([["open", folder], ["bytes", folder]]) == [["ok", sha256], ["ok", sha256]]


def test_every_fault_of_a_manifest_is_found(runner: Runner, whole: Path, tmp_path: Path) -> None:
    """All that Python's own tests break, and values of random places replaced by values of other kinds."""
    original = (whole / "manifest.json").read_bytes()
    trees: list[Any] = []
    for edit, where, _ in BROKEN:
        tree = json.loads(original)
        edit(tree)
        trees.append((where, tree))
    rng = np.random.default_rng(3)
    values = [None, True, -1, 0, 1, 2, 10**20, 0.5, "", "x", "x" * 300, "../x", [], {}, [0, 0, 0, 0], {"walk": 1}]
    for _ in range(400):
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
        trees.append(("", tree))
    commands = []
    for i, (_, tree) in enumerate(trees):
        (tmp_path / f"{i}.json").write_text(json.dumps(tree))
        commands.append(["manifest", tmp_path / f"{i}.json"])
    for (where, _), command, answer in zip(trees, commands, runner.run(commands), strict=True):
        data = Path(command[1]).read_bytes()
        _, problem = attempt(lambda read=data: parse_manifest(Reader(BundleError, "manifest.json", "").parse(read), ""))
        assert (answer[0] == "error") == bool(problem), (problem, answer)
        if problem:
            message, hint = refusal(answer, "bundle")
            assert "manifest.json" in message
            assert hint
            if where:
                assert where.split(".")[0].split("[")[0] in message, (where, message)


def test_damaged_and_hostile_bundles_are_refused(runner: Runner, copy: Callable[[], Path]) -> None:
    def edited(change: Callable[[dict[str, Any]], None]) -> Path:
        folder = copy()
        tree = json.loads((folder / "manifest.json").read_bytes())
        change(tree)
        (folder / "manifest.json").write_text(json.dumps(tree))
        return folder

    missing, changed, stray, linked, gone = copy(), copy(), copy(), copy(), copy()
    (missing / "hair.onnx").unlink()
    data = bytearray((changed / "hair.onnx").read_bytes())
    data[-1] ^= 1
    (changed / "hair.onnx").write_bytes(data)
    shutil.copy(stray / "hair.onnx", stray / "other.ONNX")
    (linked / "hair.onnx").rename(linked.parent / "outside.onnx")
    (linked / "hair.onnx").symlink_to(linked.parent / "outside.onnx")
    (gone / "manifest.json").unlink()
    cases = [
        (missing, "hair.onnx: the file is missing"),
        (changed, "hair.onnx: the sha256 is "),
        (stray, "other.ONNX: is in the folder but not listed"),
        (linked, "hair.onnx: is a link"),
        (gone, "not a bundle, it has no manifest.json"),
        (gone / "nowhere", "not a bundle"),
        (edited(lambda t: t["files"].pop("hair.onnx")), "'hair.onnx' of the network 'hair' is not listed"),
        (edited(lambda t: t.update(format=2)), "the bundle has format 2; this VCG Bridge reads format 1"),
    ]
    for name in ("../secret", "/etc/passwd", "a/../../b", "a\\b", "C:/evil", "a//b", ".", "a/.hidden", "x.", ""):
        cases.append((edited(lambda t, n=name: t["files"].update({n: "0" * 64})), "is not a plain path inside"))
    cases.append((edited(lambda t: t["files"].update({"Manifest.JSON": "0" * 64})), "cannot list itself"))
    for (_, problem), answer in zip(cases, runner.run([["open", folder] for folder, _ in cases]), strict=True):
        message, hint = refusal(answer, "bundle")
        assert problem in message
        assert hint


def test_a_network_is_checked_when_it_is_used(runner: Runner, copy: Callable[[], Path], tmp_path: Path) -> None:
    """Its hash may be right and the file still not one of ours."""
    import onnx
    from onnx import TensorProto, helper

    def broken(change: Callable[[onnx.ModelProto], None] | bytes) -> list[object]:
        folder = copy()
        path = folder / "body.onnx"
        if isinstance(change, bytes):
            path.write_bytes(change)
        else:
            model = onnx.load(path)
            change(model)
            path.write_bytes(model.SerializeToString())
        seal_again(folder)
        manifest = load_manifest(folder)
        recipe = folder.with_suffix(".vcg.json")
        recipe.write_bytes(recipe_bytes(design(manifest, DesignSpec(seed=1))))
        return ["draw", folder, recipe, "idle", "", tmp_path / "out"]

    def external(model: onnx.ModelProto) -> None:
        model.graph.initializer[0].data_location = TensorProto.EXTERNAL

    def foreign(model: onnx.ModelProto) -> None:
        model.opset_import.append(helper.make_opsetid("com.example", 1))

    def operator(model: onnx.ModelProto) -> None:
        model.graph.node[-1].op_type = "SpaceToDepth"

    def huge(model: onnx.ModelProto) -> None:
        shape = next(x for x in model.graph.initializer if x.name == "r1")
        shape.raw_data = np.array([1 << 20, 1 << 20, 1 << 20, 1 << 20], np.int64).tobytes()

    def infinite(model: onnx.ModelProto) -> None:
        bias = next(x for x in model.graph.initializer if x.name == "out.b")
        bias.raw_data = np.full(bias.dims[0], np.inf, np.float32).tobytes()

    def other_shape(model: onnx.ModelProto) -> None:
        model.graph.output[0].name = model.graph.node[-1].output[0] = "logits2"

    cases = {
        "is not an ONNX file": broken(b"no onnx at all"),
        "lies in another file": broken(external),
        "beyond ONNX's own: com.example": broken(foreign),
        "does not draw with the operator 'SpaceToDepth'": broken(operator),
        "dimension": broken(huge),
        "not finite": broken(infinite),
        "has no output 'logits'": broken(other_shape),
        "the manifest says": broken(tiny_network(load_manifest(copy()).network("torso"), 1).SerializeToString()),
    }
    for problem, answer in zip(cases, runner.run(list(cases.values())), strict=True):
        message, hint = refusal(answer, "bundle")
        assert problem in message
        assert "body.onnx" in message
        assert hint


# recipes


@pytest.fixture(scope="module")
def manifest(whole: Path) -> Manifest:
    return load_manifest(whole)


def changes(recipe: Recipe) -> list[dict[str, Any]]:
    layer = {"item": "short-01-buzz"}
    return [
        {}, {"seed": 2**63 - 1}, {"archetype": ""}, {"novelty": 100},
        {"seed": -1}, {"seed": 2**63}, {"seed": 1.0}, {"novelty": 101}, {"model": ""}, {"model": "A"}, {"model_sha256": "abc"},
        {"format": 2}, {"format": 0}, {"colour": 1}, {"layers": []}, {"layers": {"body": "x"}}, {"layers": {"body": {}}},
        {"layers": {"body": {"item": "a", "mix": "b"}}}, {"layers": {"body": {"item": "a", "amount": 3}}},
        {"layers": {"hair": layer | {"mix": "b", "amount": 0}}}, {"layers": {"hair": layer | {"code": [200]}}},
        {"layers": {"hair": layer | {"code": []}}}, {"layers": {"hair": layer | {"code": [1], "mix": "b", "amount": 2}}},
        {"layers": {"hair": layer | {"code": [1, -128, 127]}}}, {"ramps": {"skin": 3}}, {"ramps": {"skin": "no such"}},
    ]  # fmt: skip


def test_recipes_are_read_and_written_as_python_does(runner: Runner, manifest: Manifest, tmp_path: Path) -> None:
    recipe = design(manifest, DesignSpec(seed=3, novelty=1.0))
    texts = [json.dumps(recipe_to_dict(recipe) | change).encode() for change in changes(recipe)]
    texts += [
        b"\xef\xbb\xbf" + texts[0],
        b"",
        b"{",
        b"[1]",
        texts[0] + b"x",
        texts[0].replace(b'"seed"', b'"seed": 1, "seed"'),
    ]
    texts += [recipe_bytes(design(manifest, DesignSpec(seed=i, novelty=1.0))) for i in range(20)]
    commands = []
    for i, text in enumerate(texts):
        (tmp_path / f"{i}.vcg.json").write_bytes(text)
        commands.append(["recipe", tmp_path / f"{i}.vcg.json"])
    read = 0
    for text, answer in zip(texts, runner.run(commands), strict=True):
        right, problem = attempt(lambda data=text: recipe_bytes(parse_recipe(data)).decode())
        if problem:
            _, hint = refusal(answer, "recipe")
            assert hint, problem
        else:
            assert answer == ["ok", right]
            read += 1
    assert read >= 25


def test_a_recipe_of_another_bundle_is_refused(runner: Runner, whole: Path, manifest: Manifest, tmp_path: Path) -> None:
    recipe = design(manifest, DesignSpec(seed=3, body="m"))
    buzz, code = LayerChoice("short-01-buzz"), (0,) * 8
    layers: list[dict[str, LayerChoice | None]] = [
        {}, {"hiar": buzz}, {"hair": LayerChoice("short-01")}, {"hair": LayerChoice("short-01-buzz", "short-03", 20)},
        {"hair": LayerChoice("short-01-buzz", "long-01-braid", 20)}, {"hair": LayerChoice("short-01-buzz", "short-01-buzz", 20)},
        {"hair": LayerChoice("short-01-buzz", code=(1, 2))}, {"hair": LayerChoice("short-01-buzz", code=code)},
        {"hair": LayerChoice("short-01-buzz", "short-03-parted", 5)}, {"torso": LayerChoice("shirt-01-plain.f")}, {"body": None},
    ]  # fmt: skip
    ramps: list[dict[str, str | None]] = [{"skin": "ivroy"}, {"skin": None}, {"helm": "steel"}]
    wanted = [
        replace(recipe, layers={k: v for k, v in (dict(recipe.layers) | change).items() if v is not None})
        for change in layers
    ]
    wanted += [
        replace(recipe, ramps={k: v for k, v in (dict(recipe.ramps) | change).items() if v is not None})
        for change in ramps
    ]
    wanted += [
        replace(recipe, model="other"),
        replace(recipe, model_sha256="0" * 64),
        replace(recipe, archetype="king"),
    ]
    commands = []
    for i, each in enumerate(wanted):
        (tmp_path / f"{i}.vcg.json").write_bytes(recipe_bytes(each))
        commands.append(["check", whole, tmp_path / f"{i}.vcg.json"])
    refused = 0
    for each, answer in zip(wanted, runner.run(commands), strict=True):
        _, problem = attempt(lambda asked=each: check_recipe(manifest, asked))
        if problem:
            message, _ = refusal(answer, "recipe")
            assert message.split(":")[:2] == problem.split(":")[:2] or "made with" in message, (problem, message)
            refused += 1
        else:
            assert answer[0] == "ok", answer
    assert refused >= 13


# JSON


def plain(value: Any) -> Any:
    """As the test program says a value: numbers that are not whole by their bits."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(x) for x in value]
    if isinstance(value, float) or (type(value) is int and not -(2**63) <= value < 2**63):
        return {"real": struct.pack(">d", float(value)).hex()}
    return value


def test_json_is_what_python_says_it_is(runner: Runner, tmp_path: Path) -> None:
    good = [
        "null", " [ ] ", "{}", "-0", "0", "-12", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
        "1.5",  "1e5", "1E-7", "123456789.123456789", "2.2250738585072014e-308", "0.1", "1e22", "1e23", "5e-324",
        "true", "false", '"a\\u00e9\\ud83d\\ude00\\n\\"\\\\\\/\\b\\f\\r\\t"', '"é😀"', '{"a":{"b":[1,2,{"c":null}]}}',
        "[" * 60 + "]" * 60, '{"":1}', "\t[1\n,\r2]",
    ]  # fmt: skip
    bad = [
        "", " ", "nul", "nulll", "tru", "[1,]", "[,1]", "[1 2]", "{,}", '{"a"}', '{"a":}', '{"a":1,}', "{a:1}", "01", "-", "1.",
        ".5", "1e", "1e+", "+1", "0x10", "NaN", "Infinity", "-Infinity", '"', '"\n"', '"\\x"', '"\\u12g4"', '"\\u12', "'a'",
        '"\\ud800"', '"\\udc00\\ud800"', "[1] 2", '{"a":1,"a":2}', "//x\n1", "[" * 70 + "]" * 70, "[" * 100_000, "\ufeff1", "\x00",
    ]  # fmt: skip
    texts = [*(x.encode() for x in [*good, *bad]), b'"\xff"', b'"\xc0\x80"', b"\xff\xfe{}"]
    commands = []
    for i, text in enumerate(texts):
        (tmp_path / f"{i}.json").write_bytes(text)
        commands.append(["json", tmp_path / f"{i}.json"])
    answers = runner.run(commands)
    for text, answer in zip(texts[: len(good)], answers, strict=False):
        # Libraries of other tests make this process flush the smallest numbers to zero: that one is written out.
        right = {"real": "0000000000000001"} if text == b"5e-324" else plain(json.loads(text))
        assert json.loads(answer[1]) == right, text
    for text, answer in zip(texts[len(good) :], answers[len(good) :], strict=True):
        assert answer[1].startswith("refused: "), (text, answer)


# damage


def test_no_damage_ends_in_another_error(runner: Runner, whole: Path, tmp_path: Path) -> None:
    """Any other exception ends the program. Damage must be found often enough to be damage."""
    recipe = tmp_path / "r.vcg.json"
    recipe.write_bytes(recipe_bytes(design(load_manifest(whole), DesignSpec(seed=1, novelty=1.0))))
    answers = runner.run(
        [
            ["fuzz", "json", recipe, 1, 4000],
            ["fuzz", "recipe", recipe, 2, 4000],
            ["fuzz", "manifest", whole / "manifest.json", 3, 60],
            ["fuzz", "onnx", whole / "hair.onnx", 4, 1500],
        ]
    )
    for answer, least in zip(answers, (2000, 2000, 30, 200), strict=True):
        refused, slowest = (int(word.split("=")[1]) for word in answer[1].split())
        assert refused >= least, answer
        assert slowest < 5000  # nothing is read for ever
