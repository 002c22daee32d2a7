"""Protocol 1 as plain data, read off the dataclasses: what docs/protocol.md is checked against and plugins are generated from."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

from vcg_bridge.contract import description, messages, recipe, wire
from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.errors import ERRORS

RECORDS: dict[str, type[Any]] = {
    "design": messages.Design,
    "output": messages.Output,
    "limits": messages.Limits,
    "model": messages.Model,
    "strip": messages.Strip,
    "animation": description.DescribedAnimation,
    "layer": description.DescribedLayer,
    "material": description.DescribedMaterial,
    "item": description.DescribedItem,
    "control": description.DescribedControl,
    "ramp": description.DescribedRamp,
    "archetype": description.DescribedArchetype,
}
"""Maps that stand in fields of messages, by the name the page gives them."""

_NAMES: dict[Any, str] = {
    str: "str", bytes: "bin", int: "int", float: "float", bool: "bool", object: "scalar", recipe.Recipe: "recipe",
    **{kind: name for name, kind in RECORDS.items()},
}  # fmt: skip


def type_of(hint: Any) -> str:
    """A field's type in words: "array of str", "design or nil"."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return type_of(args[0])
    if origin in (typing.Union, types.UnionType):
        return f"{type_of(next(x for x in args if x is not type(None)))} or nil"
    if origin is tuple:
        return f"array of {type_of(args[0])}" if args[-1] is Ellipsis else f"array of {len(args)} {type_of(args[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"map of {type_of(args[1])}"
    return _NAMES[hint]


def limits_of(hint: Any) -> dict[str, object]:
    """A field's own limits (not those of its entries), in plain values."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return limits_of(next(x for x in typing.get_args(hint) if x is not type(None)))
    if typing.get_origin(hint) is not typing.Annotated:
        return {}
    limit = typing.get_args(hint)[1]
    table = {name: list(x) if isinstance(x, tuple) else x for name, x in dataclasses.asdict(limit).items()}
    return {name: x for name, x in table.items() if x is not None and (name, x) != ("least", 0)}


def fields(kind: type[Any]) -> list[dict[str, object]]:
    """The fields of a message or record: name, type, required or default, limits."""
    rows: list[dict[str, object]] = []
    for field in wire.fields_of(kind):
        row: dict[str, object] = {"name": field.name, "type": type_of(field.hint), "required": field.default is None}
        if field.default is not None:
            row["default"] = _plain(field.default())
        rows.append(row | limits_of(field.hint))
    return rows


def shape_of(hint: Any) -> dict[str, object]:
    """A field's type as a tree, for readers in other languages: every limit said, also those of entries.

    type: str, bin, int, float, bool, scalar, recipe, record, array, map. or_nil: nil is allowed. record: its name.
    of: the shape of the entries. low, high: of numbers. least, most (also: one further length): UTF-8 bytes of a str,
    bytes of a bin, entries of an array or a map. names: a str that is one of these.
    """
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return shape_of(next(x for x in args if x is not type(None))) | {"or_nil": True}
    if origin is typing.Annotated:
        shape = shape_of(args[0]) | limits_of(hint)
        if shape["type"] == "float":
            shape |= {name: float(typing.cast("float", shape[name])) for name in ("low", "high")}
        if "names" in shape:
            del shape["most"]  # the names say it all
        return shape
    if origin is tuple and args[-1] is not Ellipsis:
        return {"type": "array", "of": shape_of(args[0]), "least": len(args), "most": len(args)}
    if origin is tuple:
        return {"type": "array", "of": shape_of(args[0]), "most": v.MAX_LENGTH}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "map", "of": shape_of(args[1]), "most": v.MAX_LENGTH}
    name = _NAMES[hint]
    if name in RECORDS:
        return {"type": "record", "record": name}
    bounds = {"str": v.MAX_TEXT_BYTES, "bin": v.MAX_BIN_BYTES}
    return {"type": name} | ({"most": bounds[name]} if name in bounds else {})


def _plain(value: object) -> object:
    """A default in JSON: a record whose fields all have their defaults is the empty map."""
    if dataclasses.is_dataclass(value):
        return wire.to_map(value)
    if isinstance(value, bytes):
        return value.hex()
    return list(value) if isinstance(value, tuple) else value


def vocabulary() -> dict[str, object]:
    """Everything that the twins of this package need to agree on, as JSON values."""
    constants = {name: getattr(v, name) for name in dir(v) if name.isupper()}
    return {
        "constants": {name: list(x) if isinstance(x, tuple) else x for name, x in constants.items()},
        "errors": {code: (kind.__doc__ or "").strip() for code, kind in ERRORS.items()},
        "requests": {name: fields(kind) for name, kind in messages.REQUESTS.items()},
        "replies": {name: fields(kind) for name, kind in messages.REPLIES.items()},
        "records": {name: fields(kind) for name, kind in RECORDS.items()},
    }
