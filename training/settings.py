"""Settings of a configuration, whatever its dataclass: changed by NAME=VALUE on the command line, kept as JSON in the run folder.

Fields are bool, int, float, str, tuples of str (written a,b,c), or dataclasses of such, whose fields are named OUTER.INNER.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from training.errors import TrainingError
from vcg_bridge.contract.errors import near

C = TypeVar("C")
WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def with_settings(config: C, changes: Iterable[str]) -> C:
    """The configuration with NAME=VALUE changes; TrainingError names an unknown setting or a bad value."""
    known = flat(config)
    values: dict[str, Any] = {}
    for change in changes:
        name, _, text = change.partition("=")
        if name not in known:
            raise TrainingError(f"unknown setting {name!r}", hint=near(name, known) or f"there are: {', '.join(known)}")
        values[name] = _parse(name, text, type(known[name]))
    return _replaced(config, values)


def flat(config: object) -> dict[str, Any]:
    """Values by name, inner ones under OUTER.INNER."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(config):  # type: ignore[arg-type]
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            values |= {f"{field.name}.{k}": v for k, v in flat(value).items()}
        else:
            values[field.name] = value
    return values


def from_json(default: C, values: Mapping[str, Any]) -> C:
    """A configuration of what `dataclasses.asdict` gave, after a way through JSON. Raises TrainingError if the fields differ."""
    names = [f.name for f in dataclasses.fields(default)]  # type: ignore[arg-type]
    if sorted(values) != sorted(names):
        odd = ", ".join(sorted(set(values) ^ set(names)))
        raise TrainingError(f"the configuration is of another version: {odd}", hint="start a new run")
    fields: dict[str, Any] = {}
    for name, value in values.items():
        inner = getattr(default, name)
        if dataclasses.is_dataclass(inner):
            fields[name] = from_json(inner, value)
        else:
            fields[name] = tuple(value) if isinstance(value, list) else value
    return dataclasses.replace(default, **fields)  # type: ignore[type-var]


def _parse(name: str, text: str, kind: type) -> Any:
    try:
        if kind is bool:
            return WORDS[text.lower()]
        if kind is tuple:
            return tuple(x for x in text.split(",") if x)
        return kind(text)
    except (ValueError, KeyError):
        raise TrainingError(f"setting {name} takes {kind.__name__}, not {text!r}") from None


def _replaced(config: C, values: Mapping[str, Any]) -> C:
    fields: dict[str, Any] = {k: v for k, v in values.items() if "." not in k}
    for outer in {k.partition(".")[0] for k in values if "." in k}:
        inner = {k.partition(".")[2]: v for k, v in values.items() if k.startswith(f"{outer}.")}
        fields[outer] = _replaced(getattr(config, outer), inner)
    return dataclasses.replace(config, **fields)  # type: ignore[type-var]
