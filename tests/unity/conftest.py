"""Tests of the Unity package: its engine-free C# runs on mono, the rest is compiled against stubs."""

from __future__ import annotations

import pytest

from tests.unity.core_program import CoreProgram, compile_program
from tests.unity.mono import Mono, find_mono


@pytest.fixture(scope="session")
def mono(tmp_path_factory: pytest.TempPathFactory) -> Mono:
    found = find_mono(tmp_path_factory.mktemp("mono"))
    if found is None:
        pytest.skip("no mono here: scripts/install_mono.sh installs it")
    return found


@pytest.fixture(scope="session")
def program(mono: Mono) -> CoreProgram:
    return compile_program(mono)
