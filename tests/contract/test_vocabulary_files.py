"""The plugins' vocabulary files are current. That the engines read them is tested in tests/godot and tests/unity."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from scripts import make_vocabulary
from vcg_bridge.contract import schema


def test_vocabulary_files_are_current() -> None:
    script = make_vocabulary.ROOT / "scripts" / "make_vocabulary.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def constants(text: str) -> dict[str, Any]:
    """The constants of a GDScript file whose values are JSON, but for the comma behind the last entry."""
    found = re.findall(r"^const (\w+): [^=]+ = (.+?)\n(?=const|##|\Z)", text, re.M | re.S)
    return {name: json.loads(re.sub(r",\s*([}\]])", r"\1", value)) for name, value in found}


def test_gdscript_says_what_the_golden_vocabulary_says() -> None:
    said = constants(make_vocabulary.gdscript())
    page: Any = json.loads(json.dumps(schema.vocabulary()))
    assert [said.pop("PROTOCOL_MAJOR"), said.pop("PROTOCOL_MINOR")] == page["constants"].pop("PROTOCOL_VERSION")
    assert said.pop("ERRORS") == page["errors"]
    for table in ("requests", "replies", "records"):
        mine = said.pop(table.upper())
        assert {kind: list(fields) for kind, fields in mine.items()} == {
            kind: [row["name"] for row in rows] for kind, rows in page[table].items()
        }
        for kind, rows in page[table].items():
            for row in rows:
                spec = mine[kind][row["name"]]
                kept = {
                    k: x for k, x in row.items() if k not in ("name", "type") and (k, row["type"]) != ("default", "bin")
                }
                assert kept.items() <= spec.items(), (kind, row["name"])
                assert words(spec) == row["type"], (kind, row["name"])
    assert said == page["constants"]


def words(spec: dict[str, Any]) -> str:
    """The type in the words of docs/protocol.md."""
    name: str = spec.get("record", spec["type"])
    if name == "array" and spec.get("least") == spec["most"]:
        name = f"array of {spec['most']} {words(spec['of'])}"
    elif name in ("array", "map"):
        name += f" of {words(spec['of'])}"
    return name + (" or nil" if spec.get("or_nil") else "")


@pytest.mark.parametrize("name", list(make_vocabulary.files()))
def test_lines_fit(name: str) -> None:
    text = make_vocabulary.files()[name]
    assert text.endswith("}\n")
    assert max(len(line.expandtabs(4)) for line in text.splitlines()) <= make_vocabulary.WIDTH
