"""The engine-bound code against declarations of Unity's API: assembly by assembly, as the asmdefs say, each with no more
than it names, with and without the packages that are optional.

No Unity is at hand. What the stubs declare follows Unity's documentation, member by member (tests/unity/stubs/README.md).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unity.mono import HERE, PACKAGE, Mono

STUBS = HERE / "stubs"

STUB_FILES: dict[str, tuple[str, ...]] = {
    "UnityEngine": ("UnityEngine.cs", "UnityEngineGui.cs", "UnityLocal.cs"),
    "UnityEditor": ("UnityEditor.cs", "UnityEditorAnimations.cs", "UnityEditorWindows.cs"),
    "Unity.2D.Sprite.Editor": ("Unity2DSprite.cs",),
    "Unity.InferenceEngine": ("InferenceEngine.cs",),
    "Unity.Sentis": ("InferenceEngine.cs",),
    "UnityEngine.TestRunner": ("TestFramework.cs",),
}
ALIASES = {"nunit.framework.dll": "UnityEngine.TestRunner", "UnityEditor.TestRunner": "UnityEngine.TestRunner"}

OPTIONAL = {"com.unity.ai.inference": "Unity.InferenceEngine", "com.unity.sentis": "Unity.Sentis"}
"""Package that a project may have -> its assembly."""

ALWAYS = ("UNITY_2021_3_OR_NEWER", "UNITY_EDITOR", "UNITY_INCLUDE_TESTS")


@dataclass(frozen=True)
class Assembly:
    """An asmdef and the C# files that belong to it."""

    path: Path
    definition: dict[str, object]

    @property
    def name(self) -> str:
        return str(self.definition["name"])

    def texts(self, key: str) -> list[str]:
        value = self.definition[key]
        assert isinstance(value, list)
        return [str(x) for x in value]

    @property
    def references(self) -> list[str]:
        names = self.texts("references") + self.texts("precompiledReferences")
        return list(dict.fromkeys(ALIASES.get(name, name) for name in names))

    @property
    def is_editor(self) -> bool:
        return self.texts("includePlatforms") == ["Editor"]

    def defines(self, package: str) -> set[str]:
        """What is defined in it, where a project has that optional package."""
        versions = self.definition["versionDefines"]
        assert isinstance(versions, list)
        return {*ALWAYS, *(str(v["define"]) for v in versions if v["name"] == package)}

    @property
    def is_test(self) -> bool:
        return "UNITY_INCLUDE_TESTS" in self.texts("defineConstraints")


def assemblies() -> list[Assembly]:
    """Every asmdef of the package, its samples included."""
    found = [Assembly(path, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(PACKAGE.rglob("*.asmdef"))]
    assert len(found) >= 6
    return found


def sources(assembly: Assembly, all_of_them: list[Assembly]) -> list[Path]:
    """Files under its folder, but for those under a folder that has an asmdef of its own."""
    folder = assembly.path.parent
    inner = [x.path.parent for x in all_of_them if x.path.parent != folder and folder in x.path.parent.parents]
    return [f for f in sorted(folder.rglob("*.cs")) if not any(i in f.parents for i in inner)]


def holds(constraint: str, defines: set[str]) -> bool:
    """`A || B` as Unity reads define constraints."""
    return any(part.strip() in defines for part in constraint.split("||"))


@pytest.fixture(scope="module")
def stubs(mono: Mono) -> dict[str, Path]:
    built: dict[str, Path] = {}
    for name, files in STUB_FILES.items():
        defines = ("STUB_SENTIS",) if name == "Unity.Sentis" else ()
        built[name] = mono.compile(
            name, [STUBS / f for f in files], references=list(built.values()), defines=defines, library=True
        )
    return built


@pytest.fixture(scope="module")
def compiled() -> dict[tuple[str, ...], Path]:
    """Assemblies that were compiled already, by name and defines: most of them have no optional part."""
    return {}


def build(mono: Mono, stubs: dict[str, Path], compiled: dict[tuple[str, ...], Path], package: str) -> dict[str, Path]:
    """Every assembly that Unity would compile in a project with that optional package, by name, the stubs among them."""
    available = {
        name: path for name, path in stubs.items() if name not in OPTIONAL.values() or name == OPTIONAL.get(package)
    }
    everything = assemblies()
    ours = {assembly.name for assembly in everything}
    waiting = [a for a in everything if all(holds(c, a.defines(package)) for c in a.texts("defineConstraints"))]
    while waiting:
        ready = [a for a in waiting if not any(r in ours and r not in available for r in a.references)]
        assert ready, f"assemblies refer to each other in a circle: {[a.name for a in waiting]}"
        for assembly in ready:
            names = [r for r in assembly.references if r in available]
            missing = [r for r in assembly.references if r not in available and r not in OPTIONAL.values()]
            assert not missing, f"{assembly.name} refers to {missing}, of which there is no stub"
            if assembly.definition["noEngineReferences"]:
                assert not any(name.startswith("Unity") for name in names)
            else:
                names += ["UnityEngine"] + (["UnityEditor"] if assembly.is_editor else [])
            key = (assembly.name, *sorted(assembly.defines(package)))
            if key not in compiled:
                compiled[key] = mono.compile(
                    f"{assembly.name}{len(compiled)}",
                    sources(assembly, everything),
                    references=[available[name] for name in dict.fromkeys(names)],
                    defines=sorted(assembly.defines(package)),
                    library=True,
                    doc=None if assembly.is_test else mono.folder / f"{assembly.name}.xml",
                )
            available[assembly.name] = compiled[key]
        waiting = [a for a in waiting if a not in ready]
    return available


@pytest.mark.unity
@pytest.mark.parametrize("package", ["", *OPTIONAL])
def test_every_assembly_compiles_with_what_it_names_and_no_more(
    mono: Mono, stubs: dict[str, Path], compiled: dict[tuple[str, ...], Path], package: str
) -> None:
    available = build(mono, stubs, compiled, package)
    assert ("Vcg.Bridge.Local.Inference" in available) == bool(package)


@pytest.mark.unity
def test_the_readmes_code_compiles(
    mono: Mono, stubs: dict[str, Path], compiled: dict[tuple[str, ...], Path], tmp_path: Path
) -> None:
    built = build(mono, stubs, compiled, "")
    code = snippet()
    source = tmp_path / "Readme.cs"
    source.write_text(f"""
using System.Collections.Generic;
using UnityEngine;
using Vcg.Bridge;

static class Readme
{{
    static void InTheGame(
        GameObject character, VcgCharacter vcgCharacter, Recipe recipe, Description description, Dictionary<string, string> ramps)
    {{
{code}
    }}
}}
""")
    mono.compile(
        "readme",
        [source],
        references=[built[x] for x in ("UnityEngine", "Vcg.Bridge", "Vcg.Bridge.Core")],
        library=True,
    )


def snippet() -> str:
    blocks = re.findall(r"```csharp\n(.*?)```", (PACKAGE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    return str(blocks[0])


def test_every_stub_names_the_page_that_it_follows() -> None:
    member = re.compile(
        r"^\s*(public|protected)\s|^\s*\w[\w ]*(\s*=\s*\d+)?,\s*(//.*)?$|^\s*[\w<>\[\]]+ \w+(<\w+>)?\(.*\)( where .*)?;"
    )
    page = re.compile(r"// (ScriptReference/\S+|com\.unity\.[\w.-]+@[\d.]+/\S+|NUnit 3: \S+)")
    for path in sorted(STUBS.glob("*.cs")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if member.match(line):
                assert page.search(line), f"{path.name}:{number}: names no page: {line.strip()}"


def test_stubs_declare_nothing_that_is_not_used() -> None:
    """What no code uses need not be trusted."""
    written = "\n".join(f.read_text(encoding="utf-8") for f in PACKAGE.rglob("*.cs") if "Core" not in f.parts)
    words = set(re.findall(r"\w+", written + snippet()))
    name = re.compile(r"(?:public|protected)\b[^(={;/]*?\b(\w+)(?:<\w+>)?\s*(?:\(|\{|=|;)")
    known = {
        "Equals",
        "GetHashCode",
        "operator",
        "ToString",
        "CloseScope",
        "Dispose",
        "Scope",
        "GUIUtility",
        "PropertyAttribute",
    }
    for path in sorted(STUBS.glob("*.cs")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = name.search(line.split("//")[0])
            if (
                found
                and " class " not in line
                and " operator " not in line
                and " delegate " not in line
                and found[1] not in known
            ):
                bare = found[1].removesuffix("Attribute")
                assert found[1] in words or bare in words, f"{path.name}:{number}: {found[1]} is used nowhere"
