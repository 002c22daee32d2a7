"""Around the local generator: the inference package stays optional, what is copied into a game is what the manifest says,
credits, and the sample. That all of it compiles is for test_stubs.py."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest

from tests.support.tiny_bundle import write_tiny_bundle
from tests.unity.local_runs import Runner, compile_runner
from tests.unity.mono import PACKAGE, Mono
from vcg_bridge.contract.manifest_io import load_manifest
from vcg_bridge.contract.recipe_io import recipe_bytes
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.sprites.credits import credit_lines, read_credits

pytestmark = pytest.mark.unity


@pytest.fixture(scope="module")
def runner(mono: Mono) -> Runner:
    return compile_runner(mono)


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


def test_two_hundred_villagers_are_all_different_and_stay_in_the_village(runner: Runner) -> None:
    folder = open_bundle().folder
    answers = runner.run([["design", folder, seed, "", "", 30, "", ""] for seed in range(1, 201)] + [["wander"]])
    looks = set()
    for answer in answers[:200]:
        recipe = json.loads(answer[1])
        looks.add(json.dumps([recipe["layers"], recipe["ramps"]], sort_keys=True))
    assert len(looks) == 200
    directions, walking, farthest, fastest = answers[200][1].split()
    assert directions == "down,left,right,up"
    assert 0.5 < float(walking.split("=")[1]) < 0.95
    assert float(farthest.split("=")[1]) <= 1
    assert float(fastest.split("=")[1]) == pytest.approx(1.4, abs=0.01)
