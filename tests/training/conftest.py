"""What the commands of the training change in the process that they run in is put back after each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def arithmetic() -> Iterator[None]:
    """Commands let torch flush the smallest numbers to zero, in every sum of the thread: hypothesis then refuses to draw floats."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)
