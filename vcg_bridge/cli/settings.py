"""The settings of `vcg serve`: from the command line, else the environment, else a file, else the default; and what is said of them."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import typer

from vcg_bridge.contract.errors import ConfigError, near

PREFIX = "VCG_SERVE_"
"""Of the environment's variables: VCG_SERVE_TOKEN_FILE is --token-file."""

HERE_ONLY = ("config_file", "stop_with_stdin", "help")
"""Options that no file has."""

_SOURCES = {"COMMANDLINE": "command line", "ENVIRONMENT": "environment", "DEFAULT_MAP": "file"}

_OF_KUBERNETES = ("VCG_SERVE_PORT", "VCG_SERVE_SERVICE_")
"""What it gives every program where a service is called vcg-serve."""


def options_of(context: typer.Context) -> dict[str, typer.core.TyperArgument | typer.core.TyperOption]:
    """Name as in the file -> option."""
    return {
        name.lstrip("-"): parameter  # type: ignore[misc]
        for parameter in context.command.params
        for name in parameter.opts
        if name.startswith("--") and parameter.name not in HERE_ONLY
    }


def read_config_file(context: typer.Context, path: Path | None) -> Path | None:
    """Makes what is in the file the defaults of the other options. Raises ConfigError."""
    if path is None:
        return None
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--config {path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--config {path}: is not TOML: {error}") from None
    known = options_of(context)
    defaults: dict[str, object] = {}
    for name, value in found.items():
        if name not in known:
            raise ConfigError(f"--config {path}: unknown option {name!r}", hint=near(name, known) or ", ".join(known))
        several = known[name].nargs != 1 or getattr(known[name], "multiple", False)
        yes_or_no = isinstance(known[name].default, bool)
        defaults[str(known[name].name)] = _checked(path, name, value, several=several, yes_or_no=yes_or_no)
    context.default_map = {**(context.default_map or {}), **defaults}
    return path


def _checked(path: Path, name: str, value: object, *, several: bool, yes_or_no: bool) -> object:
    """The value of that option in the file, of a kind that the command line could give. Raises ConfigError."""
    values = value if isinstance(value, list) and several else [value]
    if not all(isinstance(x, str | int | float) and isinstance(x, bool) == yes_or_no for x in values):
        wanted = "true or false" if yes_or_no else "a list of texts" if several else "a text or a number"
        raise ConfigError(f"--config {path}: {name} is {value!r}", hint=f"{wanted} is wanted")
    return values if several else value


def said(context: typer.Context, environment: Mapping[str, str] = os.environ) -> str:
    """Every setting that was made, and where; the rest are defaults. Files are named, what is in them is not."""
    made = []
    for parameter in context.command.params:
        name = str(parameter.name)
        source = context.get_parameter_source(name)
        if source is not None and source.name in _SOURCES and name not in ("stop_with_stdin", "ready_file"):
            value = context.params[name]
            shown = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            made.append(f"{parameter.opts[0].lstrip('-')} {shown} ({_SOURCES[source.name]})")
    if environment.get("VCG_TOKEN"):
        made.append(
            f"token of VCG_TOKEN ({'not used: there is a file' if context.params['token_file'] else 'environment'})"
        )
    return ", ".join(made) or "defaults"


def unknown_variables(context: typer.Context, environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """A line for each variable of the environment that looks like a setting of ours and is none."""
    known = {f"{PREFIX}{name.upper().replace('-', '_')}" for name in (*options_of(context), "config")}
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known and not name.startswith(_OF_KUBERNETES):
            yield f"{name} in the environment is no setting ({near(name, known) or 'docs/operations.md has them all'})"
