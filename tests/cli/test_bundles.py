"""`vcg bundles`: list, show, verify, add."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.commands import Vcg
from tests.support.tiny_bundle import write_tiny_bundle


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the user's bundles."""
    folder = tmp_path / "mine"
    monkeypatch.setenv("VCG_BUNDLES", str(folder))
    return folder


def test_list_and_show(vcg: Vcg) -> None:
    listed = json.loads(vcg("bundles", "list", "--json").out)
    tiny = next(x for x in listed if x["name"] == "tiny")
    assert (tiny["version"], tiny["embedded"], tiny["problem"]) == ("0.1.0", False, None)
    assert "lpc-revised" in {x["name"] for x in listed if x["embedded"]}
    assert "Tiny test bundle" in vcg("bundles", "list").out
    shown = vcg("bundles", "show", "tiny")
    assert shown.code == 0
    assert all(word in shown.out for word in ("archetypes", "guard", "walk", "hair", "ramps", "CC0-1.0"))
    layers = json.loads(vcg("bundles", "show", "tiny", "layers", "--json").out)["layers"]
    assert f"vcg bundles show tiny {layers[-1]['id']} " in shown.out  # an example that works with this bundle
    facts = json.loads(vcg("bundles", "show", "tiny", "--json").out)
    assert {"archetypes", "animations", "layers", "ramps", "controls"} == set(facts)
    items = json.loads(vcg("bundles", "show", "tiny", "torso", "--json").out)["torso"]
    assert {"id", "title", "kind", "body", "hides", "controls"} == set(items[0])


def test_show_controls(vcg: Vcg) -> None:
    shown = vcg("bundles", "show", "tiny", "controls")
    assert all(word in shown.out for word in ("hair/length", "shorter", "longer", "torso/fit"))
    assert "hair/length" in vcg("bundles", "show", "tiny").out
    controls = json.loads(vcg("bundles", "show", "tiny", "controls", "--json").out)["controls"]
    assert controls[0] == {
        "id": "hair/length", "title": "Length", "low": "shorter", "high": "longer",
        "items": ["short-01-buzz", "short-02-cowlick", "short-03-parted"],
    }  # fmt: skip
    hair = {x["id"]: x["controls"] for x in json.loads(vcg("bundles", "show", "tiny", "hair", "--json").out)["hair"]}
    assert hair["short-01-buzz"] == ["length"]
    assert hair["short-02-cowlick"] == ["length", "volume"]
    assert hair["long-01-braid"] == ["flow"]


def test_a_bundle_without_controls_says_so(vcg: Vcg, user: Path) -> None:
    folder = write_tiny_bundle(user / "bare", name="bare")
    tree = json.loads((folder / "manifest.json").read_bytes())
    del tree["controls"]
    (folder / "manifest.json").write_text(json.dumps(tree))
    assert vcg("bundles", "show", "bare", "controls").out == "controls: none in this bundle\n"
    assert json.loads(vcg("bundles", "show", "bare", "controls", "--json").out) == {"controls": []}
    assert "controls:" not in vcg("bundles", "show", "bare").out


def test_verify(vcg: Vcg, tmp_path: Path) -> None:
    assert "all as the manifest says" in vcg("bundles", "verify", "tiny").out
    folder = write_tiny_bundle(tmp_path / "tiny")
    with (folder / "body.onnx").open("ab") as file:
        file.write(b"x")
    done = vcg("bundles", "verify", folder)
    assert done.code == 2
    assert "body.onnx" in done.error


def test_add_whole_or_not_at_all(vcg: Vcg, tmp_path: Path, user: Path) -> None:
    source = write_tiny_bundle(tmp_path / "source" / "small", name="small")
    done = vcg("bundles", "add", source)
    assert done.code == 0, done.err
    assert "small" in {x["name"] for x in json.loads(vcg("bundles", "list", "--json").out)}
    assert vcg("bundles", "verify", "small").code == 0
    assert vcg("bundles", "add", source).code == 0  # the very same again

    other = write_tiny_bundle(tmp_path / "other" / "small", seed=5, name="small", version="0.2.0")
    refused = vcg("bundles", "add", other)
    assert refused.code == 2
    assert "another version" in refused.error
    assert "--force" in refused.hint
    assert vcg("bundles", "add", other, "--force").code == 0
    assert "0.2.0" in vcg("bundles", "list").out

    broken = tmp_path / "broken"
    shutil.copytree(source, broken)
    (broken / "hair.onnx").unlink()
    done = vcg("bundles", "add", broken)
    assert done.code == 2
    assert "hair.onnx" in done.error
    assert {x.name for x in user.iterdir()} == {"small"}


def test_broken_installed_bundle_is_listed_with_its_problem(vcg: Vcg, user: Path) -> None:
    write_tiny_bundle(user / "small", name="small")
    (user / "small" / "manifest.json").write_text("{")
    done = vcg("bundles", "list")
    assert done.code == 0
    assert "BROKEN" in done.out
