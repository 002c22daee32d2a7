"""The runners: one line each. See README.md."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Runner:
    """A client's program."""

    name: str
    command: Callable[[Path], list[str]]  # from an empty folder that it may use; may call pytest.skip
    marks: tuple[pytest.MarkDecorator, ...]
    abilities: frozenset[str]  # of `zstd`, `tls`


def _python(folder: Path) -> list[str]:
    return [sys.executable, "-m", "tests.conformance.runner"]


RUNNERS = (Runner("python", _python, (pytest.mark.socket,), frozenset({"zstd"})),)
