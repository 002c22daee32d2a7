"""Tests of the Unity package: its engine-free C# runs on mono, the rest is compiled against stubs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.stage import stop, wait_until_ready
from tests.support.commands import start_vcg
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


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of `vcg serve` with the bundle that is shipped."""
    ready = tmp_path_factory.mktemp("shipped") / "ready"
    process = start_vcg(
        "serve", "--bind", "tcp://127.0.0.1:0", "--device", "cpu", "--threads", 2, "--ready-file", ready
    )
    try:
        yield wait_until_ready(process, ready)[0]
    finally:
        stop(process)
