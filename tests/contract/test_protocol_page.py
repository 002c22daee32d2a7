"""docs/protocol.md is the authority for plugin authors: it must say what the code does, field by field."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from vcg_bridge.contract import schema
from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.errors import ERRORS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "protocol.md"
GOLDEN = ROOT / "tests" / "golden"
VOCABULARY: dict[str, Any] = schema.vocabulary()
MAPS = [
    (f"{part[:-1]} {name}".replace("replie", "reply"), rows)
    for part in ("requests", "replies", "records")
    for name, rows in VOCABULARY[part].items()
]


def sections() -> dict[str, str]:
    """Heading in lower case, without backticks -> text up to the next heading."""
    parts = re.split(r"^#+ (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.M)
    return {parts[i].replace("`", "").strip().lower(): parts[i + 1] for i in range(1, len(parts), 2)}


def row_start(field: dict[str, Any]) -> str:
    """The first four columns that the page must have for a field; the fifth is free."""
    default = "required" if field["required"] else f"`{json.dumps(field['default'], ensure_ascii=False)}`"
    return f"| `{field['name']}` | {field['type']} | {default} | {limits(field)} |".replace("|  |", "| |")


def limits(field: dict[str, Any]) -> str:
    if "names" in field:
        return ", ".join(f"`{name}`" for name in field["names"])
    if "high" in field:
        low, high = field["low"], field["high"]
        return f"from {low:g}" if high == 2**53 else f"{low:g} to {high}"
    if "most" in field:
        unit = "entries" if field["type"].startswith(("array", "map")) else "bytes"
        least, most = field.get("least", 0), field["most"]
        also = " or none" if "also" in field else ""
        return f"{most} {unit}{also}" if least == most else f"{least} to {most} {unit}{also}"
    return ""


@pytest.mark.parametrize(("name", "rows"), MAPS, ids=[name for name, _ in MAPS])
def test_every_field_stands_on_the_page(name: str, rows: list[dict[str, Any]]) -> None:
    text = sections().get(name)
    assert text is not None, f"the page has no section {name!r}"
    missing = [row_start(row) for row in rows if row_start(row) not in text]
    assert not missing, "\n".join(["missing or outdated rows:", *missing])
    on_page = re.findall(r"^\| `(\w+)` \|", text, flags=re.M)
    assert on_page == [row["name"] for row in rows]


def test_every_error_code_stands_on_the_page() -> None:
    codes = re.findall(r"^\| `(\w+)` \|", sections()["error codes"], flags=re.M)
    assert codes == list(ERRORS)


def test_bounds_and_times_stand_on_the_page() -> None:
    text = sections()["bounds"]
    for name, value in VOCABULARY["constants"].items():
        if name.startswith("MAX_") or name.endswith("_MS"):
            assert re.search(rf"^\| `{name}` \| {value} \|", text, flags=re.M), f"{name} = {value}"


def test_history_has_the_current_version() -> None:
    major, minor = v.PROTOCOL_VERSION
    assert f"| {major}.{minor} |" in sections()["history"]


def test_worked_bytes_are_the_golden_ones() -> None:
    text = sections()["bytes, worked out"]
    block = text.split("```")[1]
    lines = [re.match(r"((?:[0-9a-f]{2} )*[0-9a-f]{2})(?: {2,}|$)", line) for line in block.splitlines()]
    hello = "".join(line.group(1) for line in lines if line)
    assert bytes.fromhex(hello) == (GOLDEN / "hello.bin").read_bytes()[8:]
    for name in ("ping", "pong"):
        assert f"`{(GOLDEN / f'{name}.bin').read_bytes()[8:].hex(' ')}`" in text
