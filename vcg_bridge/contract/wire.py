"""Frozen dataclasses to and from wire maps, driven by their type hints.

A field's hint says its type, `Annotated` its limits: `scale: Annotated[int, Whole(1, 8)] = 1`. Reading names the
field that is wrong ("generate.output.scale"). A field with its default value is left out when written; unknown
fields are ignored when read. So messages grow by appended, defaulted fields.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from typing import Any, TypeVar

from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.errors import BadRequest, ProtocolError, near
from vcg_bridge.contract.recipe import Recipe

D = TypeVar("D")
Read = Callable[[object, str], Any]


@dataclass(frozen=True)
class Text:
    """Limits of a str, in UTF-8 bytes."""

    most: int
    least: int = 0


@dataclass(frozen=True)
class Octets:
    """Limits of a bin, in bytes."""

    least: int
    most: int
    also: int | None = None  # one further length that is allowed (0: may be left empty)


@dataclass(frozen=True)
class Whole:
    """Limits of an int."""

    low: int
    high: int


@dataclass(frozen=True)
class Real:
    """Limits of a float."""

    low: float
    high: float


@dataclass(frozen=True)
class Choice:
    """A str that is one of these."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Many:
    """Limits of the number of entries of an array or a map."""

    most: int
    least: int = 0


Limit = Text | Octets | Whole | Real | Choice | Many


@dataclass(frozen=True)
class Field:
    """One field of a wire map, as it is read."""

    name: str
    hint: Any
    read: Read
    default: Callable[[], Any] | None  # None: required


_FIELDS: dict[type[Any], tuple[Field, ...]] = {}


def fields_of(kind: type[Any]) -> tuple[Field, ...]:
    """The wire fields of a dataclass, in declared order."""
    if kind not in _FIELDS:
        hints = typing.get_type_hints(kind, include_extras=True)
        _FIELDS[kind] = tuple(
            Field(f.name, hints[f.name], _reader(hints[f.name]), _default(f))
            for f in dataclasses.fields(kind)
            if f.init
        )
    return _FIELDS[kind]


def _default(field: dataclasses.Field[Any]) -> Callable[[], Any] | None:
    if field.default is not MISSING:
        value = field.default
        return lambda: value
    return None if field.default_factory is MISSING else field.default_factory


def to_map(record: object) -> dict[str, object]:
    """The wire map of a dataclass instance, without fields that have their default value."""
    table: dict[str, object] = {}
    for field in fields_of(type(record)):
        value = getattr(record, field.name)
        if field.default is None or value != field.default():
            table[field.name] = _plain(value)
    return table


_AS_IS = frozenset({str, int, float, bool, bytes, type(None)})


def _plain(value: object) -> object:
    if type(value) in _AS_IS:
        return value
    if isinstance(value, Recipe):
        from vcg_bridge.contract.recipe_io import recipe_to_dict

        return recipe_to_dict(value)
    if dataclasses.is_dataclass(value):
        return to_map(value)
    if isinstance(value, Mapping):
        return {key: _plain(x) for key, x in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(x) for x in value]
    return value


def from_map(kind: type[D], table: object, where: str) -> D:
    """The dataclass instance of a wire map.

    Raises ProtocolError for a missing field or a wrong type, BadRequest for a value outside its limits.
    """
    if not isinstance(table, Mapping):
        _wrong(table, where, "a map")
    values = {}
    for field in fields_of(kind):
        if field.name in table:
            values[field.name] = field.read(table[field.name], f"{where}.{field.name}")
        elif field.default is None:
            raise ProtocolError(f"{where}: the field {field.name!r} is missing")
    return kind(**values)


def _wrong(value: object, where: str, wanted: str) -> typing.NoReturn:
    name = "nil" if value is None else type(value).__name__
    raise ProtocolError(f"{where}: {wanted} is wanted, not {name}")


def _reader(hint: Any, limit: Limit | None = None) -> Read:
    origin = typing.get_origin(hint)
    if origin is typing.Annotated:
        inner, *limits = typing.get_args(hint)
        return _reader(inner, limits[0])
    if origin in (typing.Union, types.UnionType):
        (inner,) = (x for x in typing.get_args(hint) if x is not type(None))
        read = _reader(inner, limit)
        return lambda value, where: None if value is None else read(value, where)
    if origin is tuple:
        return _array_reader(typing.get_args(hint), limit)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _map_reader(typing.get_args(hint)[1], limit)
    if hint is Recipe:
        return _read_recipe
    if dataclasses.is_dataclass(hint):
        return lambda value, where: from_map(typing.cast("type[Any]", hint), value, where)
    return _SCALARS[hint](limit)


def _read_recipe(value: object, where: str) -> Recipe:
    """A recipe has a format version of its own, and is the same map in a recipe file and on the wire."""
    from vcg_bridge.contract.recipe_io import recipe_from_dict  # brings numpy, which a light client can do without

    return recipe_from_dict(value, where)


def _array_reader(args: tuple[Any, ...], limit: Limit | None) -> Read:
    if len(args) == 2 and args[1] is Ellipsis:
        bounds = limit if isinstance(limit, Many) else Many(v.MAX_LENGTH)
    else:
        bounds = Many(len(args), len(args))
    read = _reader(args[0])

    def array(value: object, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            _wrong(value, where, "an array")
        _check_size(len(value), bounds, where, "entries")
        return tuple([read(x, f"{where}[{i}]") for i, x in enumerate(value)])

    return array


def _map_reader(inner: Any, limit: Limit | None) -> Read:
    bounds = limit if isinstance(limit, Many) else Many(v.MAX_LENGTH)
    read = _reader(inner)

    def table(value: object, where: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            _wrong(value, where, "a map")
        _check_size(len(value), bounds, where, "entries")
        return {key: read(x, f"{where}.{key}") for key, x in value.items()}

    return table


def _check_size(size: int, bounds: Many | Text, where: str, unit: str) -> None:
    if size > bounds.most:
        raise BadRequest(f"{where}: {size} {unit}; at most {bounds.most} are allowed")
    if size < bounds.least:
        raise BadRequest(f"{where}: {size} {unit}; at least {bounds.least} are needed")


def _text_reader(limit: Limit | None) -> Read:
    if isinstance(limit, Choice):
        names = limit.names

        def choice(value: object, where: str) -> str:
            if not isinstance(value, str):
                _wrong(value, where, "a str")
            if value not in names:
                known = f"possible are {', '.join(names)}"
                raise BadRequest(f"{where}: {value[:40]!r} is unknown", hint=near(value, names) or known)
            return value

        return choice
    bounds = limit if isinstance(limit, Text) else Text(v.MAX_TEXT_BYTES)

    def text(value: object, where: str) -> str:
        if not isinstance(value, str):
            _wrong(value, where, "a str")
        _check_size(len(value.encode("utf-8", "replace")), bounds, where, "bytes")
        return value

    return text


def _octets_reader(limit: Limit | None) -> Read:
    bounds = limit if isinstance(limit, Octets) else Octets(0, v.MAX_BIN_BYTES)

    def octets(value: object, where: str) -> bytes:
        if not isinstance(value, bytes):
            _wrong(value, where, "a bin")
        if len(value) != bounds.also and not bounds.least <= len(value) <= bounds.most:
            raise BadRequest(f"{where}: {len(value)} bytes; {bounds.least} to {bounds.most} are allowed")
        return value

    return octets


def _whole_reader(limit: Limit | None) -> Read:
    low, high = (limit.low, limit.high) if isinstance(limit, Whole) else (-(1 << 63), (1 << 63) - 1)

    def whole(value: object, where: str) -> int:
        if type(value) is not int:
            _wrong(value, where, "an int")
        if not low <= value <= high:
            raise BadRequest(f"{where}: {value} is outside {low} to {high}")
        return value

    return whole


def _real_reader(limit: Limit | None) -> Read:
    low, high = (limit.low, limit.high) if isinstance(limit, Real) else (-1.8e308, 1.8e308)

    def real(value: object, where: str) -> float:
        if type(value) is not int and type(value) is not float:  # 3 is written for 3.0 by many languages
            _wrong(value, where, "a float")
        if not low <= value <= high:
            raise BadRequest(f"{where}: {value} is outside {low:g} to {high:g}")
        return float(value)

    return real


def _flag_reader(_limit: Limit | None) -> Read:
    def flag(value: object, where: str) -> bool:
        if type(value) is not bool:
            _wrong(value, where, "a bool")
        return value

    return flag


def _scalar_reader(_limit: Limit | None) -> Read:
    def scalar(value: object, where: str) -> object:
        if not isinstance(value, None | bool | int | float | str):
            _wrong(value, where, "nil, bool, int, float or str")
        return value

    return scalar


_SCALARS: dict[Any, Callable[[Limit | None], Read]] = {
    str: _text_reader,
    bytes: _octets_reader,
    int: _whole_reader,
    float: _real_reader,
    bool: _flag_reader,
    object: _scalar_reader,
}
