"""What of the local generator is bound to the engine: it compiles against the stubs, with either name of the inference
package and without; what is copied into a game is what the manifest says."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest

from tests.support.tiny_bundle import write_tiny_bundle
from tests.unity.local_runs import Runner, compile_runner
from tests.unity.mono import CORE, HERE, PACKAGE, Mono
from vcg_bridge.contract.manifest_io import load_manifest
from vcg_bridge.contract.recipe_io import recipe_bytes
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.sprites.credits import credit_lines, read_credits

pytestmark = pytest.mark.unity

LOCAL = PACKAGE / "Runtime" / "Local"


@pytest.fixture(scope="module")
def runner(mono: Mono) -> Runner:
    return compile_runner(mono)


def sources(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.cs"))


@pytest.mark.parametrize(("define", "stub"), [("VCG_INFERENCE", ""), ("VCG_SENTIS", "STUB_SENTIS")])
def test_the_engine_bound_part_compiles(mono: Mono, define: str, stub: str) -> None:
    def library(name: str, files: list[Path], *references: Path, defines: tuple[str, ...] = ()) -> Path:
        return mono.compile(f"{name}-{define}", files, references=references, defines=defines, library=True)

    engine = library("UnityEngine", sources(HERE / "stubs"), defines=(stub,) if stub else ())
    core = library("Vcg.Bridge.Core", sorted(CORE.rglob("*.cs")))
    runtime = library("Vcg.Bridge", sources(PACKAGE / "Runtime"), core, engine)
    local = library("Vcg.Bridge.Local", sources(LOCAL), core, runtime, engine)
    library("Vcg.Bridge.Local.Inference", sources(LOCAL / "Inference"), core, local, engine, defines=(define,))
    library("Vcg.Bridge.Local.Editor", sources(LOCAL / "Editor"), core, local, engine)


def test_the_inference_package_is_not_needed() -> None:
    """Only one assembly refers to it, and that one is not compiled without it."""
    for path in PACKAGE.rglob("*.asmdef"):
        assembly = json.loads(path.read_text(encoding="utf-8"))
        if {"Unity.InferenceEngine", "Unity.Sentis"} & set(assembly["references"]):
            assert assembly["name"] == "Vcg.Bridge.Local.Inference"
            assert assembly["defineConstraints"] == ["VCG_INFERENCE || VCG_SENTIS"]
            names = {x["name"]: x["define"] for x in assembly["versionDefines"]}
            assert names == {"com.unity.ai.inference": "VCG_INFERENCE", "com.unity.sentis": "VCG_SENTIS"}
    package = json.loads((PACKAGE / "package.json").read_text(encoding="utf-8"))
    assert not [x for x in package["dependencies"] if "inference" in x or "sentis" in x]


def test_a_game_gets_the_manifest_the_credits_and_the_networks_it_needs(runner: Runner, tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny")
    answer = runner.one("install", folder, tmp_path / "all", "*")
    assert answer[0] == "ok", answer
    plan = [x.split("=") for x in answer[1].split()]
    networks = load_manifest(folder).networks
    assert [path for path, _, network in plan if not network] == [
        "manifest.json", "CREDITS.csv", *(n.file for n in networks),
    ]  # fmt: skip
    assert [(path, asset, network) for path, asset, network in plan if network] == [
        (n.file, n.file, n.id) for n in networks
    ]
    for path, asset, _ in plan:
        assert (tmp_path / "all" / asset).read_bytes() == (folder / path).read_bytes()
    assert len(list((tmp_path / "all").iterdir())) == len(plan)  # no temporary file is left
    answer = runner.one("install", folder, tmp_path / "some", "body,hair")
    assert {x.split("=")[2] for x in answer[1].split()} == {"", "body", "hair", "hair-behind"}


def test_a_game_that_ships_some_networks_draws_with_those(runner: Runner, tmp_path: Path) -> None:
    """The manifest is checked, and each network when it is used; one that is not there is one clear error."""
    folder = write_tiny_bundle(tmp_path / "tiny")
    some = Path(shutil.copytree(folder, tmp_path / "some"))
    for name in ("sword.onnx", "preview.png", "MODEL_CARD.md"):
        (some / name).unlink()
    assert runner.one("bytes", some)[0] == "ok"
    assert runner.one("open", some)[:2] == ["error", "bundle"]


def test_credits_are_those_of_the_server(runner: Runner, tmp_path: Path) -> None:
    bundle = open_bundle()
    credits = read_credits(bundle.folder)
    specs = [DesignSpec(seed=i, novelty=i / 5) for i in range(5)]
    specs.append(DesignSpec(seed=3, controls={"hair/length": 0.5}))
    commands: list[list[object]] = []
    for i, spec in enumerate(specs):
        (tmp_path / f"{i}.vcg.json").write_bytes(recipe_bytes(design(bundle.manifest, spec)))
        commands.append(["credits", bundle.folder, tmp_path / f"{i}.vcg.json"])
    answers = [base64.b64decode(x[1]).decode().split("\n") for x in runner.run(commands)]
    for spec, found in zip(specs, answers, strict=True):
        assert found == list(credit_lines(bundle.manifest, design(bundle.manifest, spec), credits))
    every = base64.b64decode(runner.one("credits", bundle.folder, "")[1]).decode().split("\n")
    assert set(every) == {credits[key].line for item in bundle.manifest.items for key in item.credits}
