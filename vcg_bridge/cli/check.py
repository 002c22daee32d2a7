"""One thing that `vcg doctor` looks at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vcg_bridge.contract.errors import VcgError


@dataclass(frozen=True)
class Check:
    """What was found."""

    name: str
    ok: bool | None  # None: a fact, neither good nor bad
    found: str
    hint: str = ""  # what to do about it
    warn: bool = False  # it is well, but will not stay so


def tried(name: str, look: Callable[[], Check]) -> Check:
    """The check, or what kept it from being made. Nothing ends a doctor's visit."""
    try:
        return look()
    except VcgError as error:
        return Check(name, False, error.message, error.hint)
    except Exception as error:  # a broken package can raise anything; that is what we are here to find
        return Check(name, False, f"{type(error).__name__}: {error}", "run `vcg --debug generate` for all of it")
