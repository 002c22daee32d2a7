"""The Unity package as files: its manifest, assembly definitions, .meta files, and every C# file read a second time."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import tree_sitter_c_sharp
from tree_sitter import Language, Node, Parser

import vcg_bridge
from scripts import unity_meta
from tests.unity.mono import HERE, PACKAGE

ASMDEF_KEYS = {
    "name", "rootNamespace", "references", "includePlatforms", "excludePlatforms", "allowUnsafeCode",
    "overrideReferences", "precompiledReferences", "autoReferenced", "defineConstraints", "versionDefines",
    "noEngineReferences",
}  # fmt: skip


def asmdefs() -> list[tuple[Path, dict[str, object]]]:
    return [(p, json.loads(p.read_text(encoding="utf-8"))) for p in sorted(PACKAGE.rglob("*.asmdef"))]


def test_the_manifest_says_what_unity_needs() -> None:
    manifest = json.loads((PACKAGE / "package.json").read_text(encoding="utf-8"))
    assert manifest["name"] == PACKAGE.name
    assert manifest["version"] == vcg_bridge.__version__
    assert manifest["unity"] == "2021.3"
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])
    for name, version in manifest["dependencies"].items():
        assert re.fullmatch(r"com\.unity\.[a-z0-9.]+", name)
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    for sample in manifest["samples"]:
        assert (PACKAGE / sample["path"]).is_dir()
    for name in ("README.md", "CHANGELOG.md", "LICENSE.md", "Third Party Notices.md"):
        assert (PACKAGE / name).is_file()
    assert f"## [{manifest['version']}]" in (PACKAGE / "CHANGELOG.md").read_text(encoding="utf-8")
    assert any((PACKAGE / "Documentation~").glob("*.md"))


def test_the_package_has_what_its_assemblies_need() -> None:
    """Assemblies of other packages are those of packages that it depends on, or that are optional."""
    manifest = json.loads((PACKAGE / "package.json").read_text(encoding="utf-8"))
    packages = {"Unity.2D.Sprite.Editor": "com.unity.2d.sprite"}
    ours = {definition["name"] for _, definition in asmdefs()}
    for path, definition in asmdefs():
        assert isinstance(definition["references"], list)
        assert isinstance(definition["versionDefines"], list)
        optional = bool(definition["versionDefines"]) and bool(definition["defineConstraints"])
        for name in definition["references"]:
            if name in ours or "TestRunner" in name or optional:
                continue
            assert packages[name] in manifest["dependencies"], f"{path.name}: {name}"


def test_assembly_definitions_are_whole_and_have_names_of_their_own() -> None:
    names = []
    for path, definition in asmdefs():
        assert set(definition) == ASMDEF_KEYS, path.name
        assert path.stem == definition["name"]
        names.append(definition["name"])
        editor = definition["includePlatforms"] == ["Editor"]
        assert editor == ("Editor" in path.parts), (
            f"{path.name}: editor code is for the editor alone, and the other way round"
        )
        if "Core" in path.parts or "Model" in path.parts:
            assert definition["noEngineReferences"], path.name
    assert len(set(names)) == len(names)


def test_the_core_names_no_engine() -> None:
    for path in [*(PACKAGE / "Runtime" / "Core").rglob("*.cs"), *(PACKAGE / "Editor" / "Model").rglob("*.cs")]:
        assert not re.search(r"\busing\s+Unity|\bUnity(Engine|Editor)\.", path.read_text(encoding="utf-8")), path.name


def test_every_asset_has_a_meta_and_every_meta_an_asset() -> None:
    assert unity_meta.problems() == []


def test_metas_keep_their_guids(tmp_path: Path) -> None:
    package = tmp_path / "package"
    (package / "Runtime").mkdir(parents=True)
    (package / "Documentation~").mkdir()
    (package / "Samples~" / "Village").mkdir(parents=True)
    for name in ("package.json", "Runtime/A.cs", "Documentation~/a.md", "Samples~/Village/Village.unity", ".hidden"):
        (package / name).write_text("{}")
    assert unity_meta.write(package) == [
        "Runtime.meta", "Runtime/A.cs.meta", "Samples~/Village.meta", "Samples~/Village/Village.unity.meta", "package.json.meta",
    ]  # fmt: skip
    assert unity_meta.problems(package) == []
    assert unity_meta.write(package) == []
    first = (package / "Runtime" / "A.cs.meta").read_text()
    (package / "Runtime" / "A.cs").rename(package / "Runtime" / "B.cs")
    (package / "Runtime" / "A.cs.meta").rename(package / "Runtime" / "B.cs.meta")
    assert unity_meta.write(package) == []
    assert (package / "Runtime" / "B.cs.meta").read_text() == first  # moved together: the GUID stays
    shutil.copy(package / "Runtime" / "B.cs.meta", package / "Runtime" / "C.cs.meta")
    (package / "Runtime" / "C.cs").write_text("")
    (package / "Runtime" / "gone.cs.meta").write_text(first)
    (package / "Runtime" / "D.cs").write_text("")
    assert unity_meta.problems(package) == [
        "Runtime/C.cs.meta: has the guid of Runtime/B.cs",
        "Runtime/D.cs: has no .meta",
        "Runtime/gone.cs.meta: its asset is gone",
    ]


def _broken(node: Node) -> str:
    """Where a tree has something that is no C#; "" where nowhere."""
    if node.type == "ERROR" or node.is_missing:
        return f"line {node.start_point[0] + 1}"
    return next(
        (found for child in node.children if child.has_error or child.is_missing if (found := _broken(child))), ""
    )


@pytest.mark.parametrize("folder", [PACKAGE, HERE], ids=["package", "tests"])
def test_a_second_reader_understands_every_file(folder: Path) -> None:
    """mcs is old and lenient in places; this grammar is another hand's."""
    parser = Parser(Language(tree_sitter_c_sharp.language()))
    # not the stubs: it does not preprocess
    files = [f for f in sorted(folder.rglob("*.cs")) if "stubs" not in f.parts]
    assert len(files) > 5
    for path in files:
        tree = parser.parse(path.read_bytes())
        assert not tree.root_node.has_error, f"{path.name}: {_broken(tree.root_node)}"


def test_unitys_scripts_have_the_names_of_their_classes() -> None:
    """Unity finds a component, an asset or a window by the name of its file."""
    kinds = re.compile(
        r"class (\w+)\s*:\s*(?:MonoBehaviour|ScriptableObject|EditorWindow|ScriptedImporter|ScriptableSingleton<)"
    )
    found = 0
    for path in PACKAGE.rglob("*.cs"):
        for name in kinds.findall(path.read_text(encoding="utf-8")):
            assert name == path.stem
            found += 1
    assert found >= 5
