"""Writes the plugins' vocabulary files: protocol 1 as data in GDScript and C#, from the Python package's own messages.

    python scripts/make_vocabulary.py           write what is missing or outdated
    python scripts/make_vocabulary.py --check   only say whether they are current (exit code 1 if not)

Both files hold the same: every request, reply and record with its fields (type, whether required, default, limits), the
bounds, the names that a field may have, and the error codes. What the constants mean is read off docs/protocol.md.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from vcg_bridge.contract import messages, schema, wire  # noqa: E402
from vcg_bridge.contract import vocabulary as v  # noqa: E402
from vcg_bridge.contract.errors import ERRORS  # noqa: E402

GODOT = "engine_plugins/godot/addons/vcg_bridge/net/vocabulary.gd"
UNITY = "engine_plugins/unity/com.vcg.bridge/Runtime/Core/Protocol/Vocabulary.cs"
WIDTH = 120

Fields = dict[str, dict[str, Any]]
"""Field name -> its shape, with `required` or `default`."""

SAID = {
    "DEFAULT_ADDRESS": "where a server listens unless told otherwise",
    "DEFAULT_HOST": "loopback",
    "DEFAULT_PORT": "of a server",
    "DIRECTIONS": "of a character, in the order of rows",
    "CODECS": "how a blob may be compressed",
    "FORMATS": "what a decoded blob may be",
    "OUTPUT_KINDS": "what may be asked for",
    "CHUNK_KINDS": "what a chunk may show",
    "LAYOUTS": "of a sheet",
    "TRIMS": "how frames of a packed sheet are cut",
    "PRIORITIES": "of a job",
    "PALETTE_BYTES": "256 x RGBA",
    "SHA256_BYTES": "of a chunk's hash",
}
"""What the constants mean that are not in the page's table of bounds."""


def tables() -> dict[str, dict[str, Fields]]:
    """ "requests", "replies", "records" -> name -> fields."""
    kinds: dict[str, Mapping[str, type[Any]]] = {
        "requests": messages.REQUESTS, "replies": messages.REPLIES, "records": schema.RECORDS,
    }  # fmt: skip
    return {name: {kind: _fields(x) for kind, x in table.items()} for name, table in kinds.items()}


def _fields(kind: type[Any]) -> Fields:
    defaults = {str(row["name"]): row for row in schema.fields(kind)}
    found: Fields = {}
    for field in wire.fields_of(kind):
        row = defaults[field.name]
        end: dict[str, Any] = {"required": True} if row["required"] else {"required": False, "default": row["default"]}
        shape = schema.shape_of(field.hint)
        if shape["type"] == "bin":
            assert end.get("default", "") == "", "the files say of a bin only that it may be empty"
            end.pop("default", None)
        found[field.name] = shape | end
    return found


def constants() -> dict[str, tuple[Any, str]]:
    """Name -> value and what it means."""
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| \d+ \| (.+) \|$", page, re.M)
    said = SAID | {name: re.sub(r"\[(.+?)\]\(.+?\)", r"\1", meaning) for name, meaning in rows}
    found = {name: (getattr(v, name), said[name]) for name in dir(v) if name.isupper() and name != "PROTOCOL_VERSION"}
    major, minor = v.PROTOCOL_VERSION
    return {
        "PROTOCOL_MAJOR": (major, "other major versions are refused"),
        "PROTOCOL_MINOR": (minor, "never refuses"),
        **found,
    }


def meanings() -> dict[str, str]:
    """Error code -> what it means."""
    return {code: " ".join((kind.__doc__ or "").split()) for code, kind in ERRORS.items()}


# GDScript


def gdscript() -> str:
    """The text of vocabulary.gd, as gdformat would write it."""
    lines = [
        "extends RefCounted",
        "## Protocol 1 as data. Written by scripts/make_vocabulary.py from vcg_bridge/contract: do not edit.",
        "##",
        "## REQUESTS, REPLIES and RECORDS: name -> field -> what it may hold. [code]type[/code] is str, bin, int, float,",
        "## bool, scalar, recipe, record, array or map; [code]or_nil[/code]: null is allowed; [code]record[/code]: the name",
        "## of a record; [code]of[/code]: the shape of the entries of an array or a map; [code]low[/code] and",
        "## [code]high[/code]: of a number; [code]least[/code] and [code]most[/code] (or [code]also[/code] so many):",
        "## UTF-8 bytes of a str, bytes of a bin, entries of an array or a map; [code]names[/code]: the str is one of them;",
        "## [code]required[/code], or [code]default[/code] (a bin without one is empty; of a record {}: all its defaults).",
        "",
    ]
    for name, (value, meaning) in constants().items():
        lines += [f"## {meaning[0].upper()}{meaning[1:]}.".replace("..", "."), _gd_const(name, value)]
    lines += ["## Every error code -> what it means. A code that is not here counts as internal."]
    lines += [_gd_const("ERRORS", meanings())]
    for name, table in tables().items():
        what = {"requests": "Client to server.", "replies": "Server to client.", "records": "Maps inside of messages."}
        lines += [f"## {what[name]}", _gd_const(name.upper(), table)]
    return "\n".join(lines) + "\n"


def _gd_const(name: str, value: Any) -> str:
    if isinstance(value, dict):
        inner = "String" if isinstance(next(iter(value.values())), str) else "Dictionary"
        kind = f"Dictionary[String, {inner}]"
    elif isinstance(value, tuple):
        kind = "Array[String]"
    else:
        kind = "int" if isinstance(value, int) else "String"
    head = f"const {name}: {kind} = "
    return head + _gd_value(value, 0, len(head))


def _gd_value(value: Any, depth: int, before: int) -> str:
    """A constant on one line where it fits behind so many characters, else an entry a line."""
    short = _gd_short(value)
    if depth * 4 + before + len(short) <= WIDTH or not isinstance(value, dict | list | tuple):
        return short
    tabs = "\t" * (depth + 1)
    rows = []
    if isinstance(value, dict):
        for key, x in value.items():
            head = f"{json.dumps(key)}: "
            text = _gd_value(x, depth + 1, len(head) + 1)
            rows.append(f"{head.rstrip()}\n{tabs}{text}" if "\n" in text else head + text)
    else:
        rows = [_gd_value(x, depth + 1, 1) for x in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + "\n" + "".join(f"{tabs}{row},\n" for row in rows) + "\t" * depth + closing


def _gd_short(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_gd_short(x)}" for key, x in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_gd_short, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


# C#


def csharp() -> str:
    """The text of Vocabulary.cs."""
    lines: list[str] = []
    for name, (value, meaning) in constants().items():
        lines += [
            f"        /// <summary>{_xml(meaning[0].upper() + meaning[1:])}</summary>",
            _cs_const(name, value),
            "",
        ]
    lines += [
        "        /// <summary>Codes of errors, as they travel.</summary>",
        "        public static class ErrorCode",
        "        {",
    ]
    for code, meaning in meanings().items():
        lines += [
            f"            /// <summary>{_xml(meaning)}</summary>",
            f"            public const string {_pascal(code)} = {json.dumps(code)};",
            "",
        ]
    lines[-1] = "        }"
    lines += [
        "",
        "        /// <summary>Every error code and what it means. A code that is not here counts as internal.</summary>",
        "        public static readonly IReadOnlyDictionary<string, string> Errors = new Dictionary<string, string>",
        "        {",
        *(f"            {{ ErrorCode.{_pascal(code)}, {json.dumps(text)} }}," for code, text in meanings().items()),
        "        };",
    ]
    said = {
        "requests": "Client to server, by type.",
        "replies": "Server to client, by type.",
        "records": "Maps inside of messages, by name.",
    }
    for name, table in tables().items():
        lines += ["", f"        /// <summary>{said[name]}</summary>"]
        lines += [f"        public static readonly IReadOnlyDictionary<string, Record> {name.capitalize()} = Table("]
        lines += _joined(_cs_record(kind, fields) for kind, fields in table.items())
        lines[-1] += ");"
    return _CS_HEAD + "\n".join(lines) + _CS_TAIL


def _joined(blocks: Iterable[list[str]]) -> list[str]:
    every = list(blocks)
    for block in every[:-1]:
        block[-1] += ","
    return [line for block in every for line in block]


def _cs_record(name: str, fields: Fields) -> list[str]:
    rows = [f"                {_cs_field(field, spec)}" for field, spec in fields.items()]
    return [f"            new Record({json.dumps(name)},", *(f"{row}," for row in rows[:-1]), f"{rows[-1]})"]


def _cs_field(name: str, spec: dict[str, Any]) -> str:
    shape = _cs_shape(spec)
    if spec["required"]:
        return f"Required({json.dumps(name)}, {shape})"
    return f"Optional({json.dumps(name)}, {shape}, {_cs_default(spec)})"


def _cs_shape(spec: dict[str, Any]) -> str:
    kind, least, most = spec["type"], spec.get("least", 0), spec.get("most", 0)
    makers: dict[str, Callable[[], str]] = {
        "str": lambda: f"OneOf({_pascal(_enum_of(spec['names']))})" if "names" in spec else f"Text({least}, {most})",
        "bin": lambda: f"Octets({least}, {most}" + (f", {spec['also']})" if "also" in spec else ")"),
        "int": lambda: f"Whole({spec['low']}, {spec['high']})" if "low" in spec else "Whole()",
        "float": lambda: f"Real({spec['low']}, {spec['high']})" if "low" in spec else "Real()",
        "bool": lambda: "Flag()",
        "scalar": lambda: "Scalar()",
        "recipe": lambda: "Recipe()",
        "record": lambda: f"RecordOf({json.dumps(spec['record'])})",
        "array": lambda: f"ArrayOf({_cs_shape(spec['of'])}, {least}, {most})",
        "map": lambda: f"MapOf({_cs_shape(spec['of'])}, {most})",
    }
    return makers[kind]() + (".OrNil()" if spec.get("or_nil") else "")


def _enum_of(names: list[str]) -> str:
    """The constant that lists these names."""
    return next(name for name in dir(v) if name.isupper() and getattr(v, name) == tuple(names))


def _cs_default(spec: dict[str, Any]) -> str:
    value, kind = spec.get("default"), spec["type"]
    if kind == "bin":
        return "new byte[0]"
    if value is None:
        return "null"
    if kind in ("record", "map"):
        return "NoEntries"
    if kind == "array":
        return f"new object[] {{ {', '.join(map(json.dumps, value))} }}" if value else "new object[0]"
    return f"{value}L" if kind == "int" else json.dumps(value)


def _cs_const(name: str, value: Any) -> str:
    if isinstance(value, tuple):
        entries = ", ".join(map(json.dumps, value))
        return f"        public static readonly IReadOnlyList<string> {_pascal(name)} = Listed({entries});"
    kind = "string" if isinstance(value, str) else "int" if value < 1 << 31 else "long"
    return f"        public const {kind} {_pascal(name)} = {json.dumps(value)};"


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.lower().split("_"))


def _xml(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").rstrip(".") + "."


_CS_HEAD = """\
// Written by scripts/make_vocabulary.py from vcg_bridge/contract: do not edit.
using System;
using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>Protocol 1 as data: names, bounds, messages and their fields. docs/protocol.md explains each.</summary>
    public static class Vocabulary
    {
        /// <summary>What a value may be.</summary>
        public enum Kind
        {
            /// <summary>Text.</summary>
            Str,

            /// <summary>Bytes.</summary>
            Bin,

            /// <summary>A whole number of 64 bits.</summary>
            Int,

            /// <summary>A finite number of 64 bits; a whole one is taken too.</summary>
            Float,

            /// <summary>True or false.</summary>
            Bool,

            /// <summary>Nil, bool, int, float or str.</summary>
            Scalar,

            /// <summary>A recipe: it has a format version and rules of its own.</summary>
            Recipe,

            /// <summary>A map with known fields, one of <see cref="Records"/>.</summary>
            Record,

            /// <summary>Entries of one shape.</summary>
            Array,

            /// <summary>Entries of one shape by name.</summary>
            Map,
        }

        /// <summary>The type of a value and its limits.</summary>
        public sealed class Shape
        {
            internal Shape(Kind kind)
            {
                Kind = kind;
            }

            /// <summary>What the value is.</summary>
            public Kind Kind { get; internal set; }

            /// <summary>Nil is allowed as well.</summary>
            public bool Nullable { get; internal set; }

            /// <summary>Name of the record.</summary>
            public string Record { get; internal set; }

            /// <summary>Shape of the entries of an array or a map.</summary>
            public Shape Of { get; internal set; }

            /// <summary>Smallest int.</summary>
            public long Low { get; internal set; } = long.MinValue;

            /// <summary>Largest int.</summary>
            public long High { get; internal set; } = long.MaxValue;

            /// <summary>Smallest float.</summary>
            public double LowReal { get; internal set; } = double.MinValue;

            /// <summary>Largest float.</summary>
            public double HighReal { get; internal set; } = double.MaxValue;

            /// <summary>Fewest bytes (of the UTF-8 of a str, of a bin) or entries (of an array or a map).</summary>
            public int Least { get; internal set; }

            /// <summary>Most bytes or entries.</summary>
            public int Most { get; internal set; }

            /// <summary>One further number of bytes that is allowed; -1: none.</summary>
            public int Also { get; internal set; } = -1;

            /// <summary>The str must be one of these; null: any.</summary>
            public IReadOnlyList<string> Names { get; internal set; }

            internal Shape OrNil()
            {
                Nullable = true;
                return this;
            }
        }

        /// <summary>One field of a message or a record.</summary>
        public sealed class Field
        {
            internal Field(string name, Shape shape, bool required, object value)
            {
                Name = name;
                Shape = shape;
                Required = required;
                Default = value;
            }

            /// <summary>Its key.</summary>
            public string Name { get; }

            /// <summary>Type and limits.</summary>
            public Shape Shape { get; }

            /// <summary>It has no default.</summary>
            public bool Required { get; }

            /// <summary>
            /// What a field that is missing has: null, bool, long, double, string, byte[], object[], or an empty map
            /// (of a record: the defaults of all its fields). Not to be changed.
            /// </summary>
            public object Default { get; }
        }

        /// <summary>A message, or a map inside of one.</summary>
        public sealed class Record
        {
            private readonly Dictionary<string, Field> byName = new Dictionary<string, Field>();

            internal Record(string name, params Field[] fields)
            {
                Name = name;
                Fields = Array.AsReadOnly(fields);
                foreach (var field in fields)
                {
                    byName.Add(field.Name, field);
                }
            }

            /// <summary>Type of the message, or name of the record.</summary>
            public string Name { get; }

            /// <summary>All fields, in the order of the page.</summary>
            public IReadOnlyList<Field> Fields { get; }

            /// <summary>The field of that name, null where there is none.</summary>
            public Field Find(string name)
            {
                Field field;
                return byName.TryGetValue(name, out field) ? field : null;
            }
        }

        private static readonly IReadOnlyDictionary<string, object> NoEntries = new Dictionary<string, object>();

"""

_CS_TAIL = """

        private static Field Required(string name, Shape shape)
        {
            return new Field(name, shape, true, null);
        }

        private static Field Optional(string name, Shape shape, object value)
        {
            return new Field(name, shape, false, value);
        }

        private static Shape Text(int least, int most)
        {
            return new Shape(Kind.Str) { Least = least, Most = most };
        }

        private static Shape OneOf(IReadOnlyList<string> names)
        {
            return new Shape(Kind.Str) { Names = names, Most = MaxTextBytes };
        }

        private static Shape Octets(int least, int most, int also = -1)
        {
            return new Shape(Kind.Bin) { Least = least, Most = most, Also = also };
        }

        private static Shape Whole(long low = long.MinValue, long high = long.MaxValue)
        {
            return new Shape(Kind.Int) { Low = low, High = high };
        }

        private static Shape Real(double low = double.MinValue, double high = double.MaxValue)
        {
            return new Shape(Kind.Float) { LowReal = low, HighReal = high };
        }

        private static Shape Flag()
        {
            return new Shape(Kind.Bool);
        }

        private static Shape Scalar()
        {
            return new Shape(Kind.Scalar);
        }

        private static Shape Recipe()
        {
            return new Shape(Kind.Recipe);
        }

        private static Shape RecordOf(string name)
        {
            return new Shape(Kind.Record) { Record = name };
        }

        private static Shape ArrayOf(Shape entry, int least, int most)
        {
            return new Shape(Kind.Array) { Of = entry, Least = least, Most = most };
        }

        private static Shape MapOf(Shape entry, int most)
        {
            return new Shape(Kind.Map) { Of = entry, Most = most };
        }

        private static IReadOnlyList<string> Listed(params string[] names)
        {
            return Array.AsReadOnly(names);
        }

        private static IReadOnlyDictionary<string, Record> Table(params Record[] records)
        {
            var table = new Dictionary<string, Record>();
            foreach (var record in records)
            {
                table.Add(record.Name, record);
            }

            return table;
        }
    }
}
"""


def files() -> dict[str, str]:
    """Path in the tree -> text of each vocabulary file."""
    return {GODOT: gdscript(), UNITY: csharp()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if something is outdated")
    check, outdated = parser.parse_args().check, False
    for name, text in files().items():
        path = ROOT / name
        if path.exists() and path.read_bytes() == text.encode("utf-8"):
            continue
        outdated = True
        print(f"{'outdated' if check else 'written'}: {name}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8"))
    return 1 if check and outdated else 0


if __name__ == "__main__":
    raise SystemExit(main())
