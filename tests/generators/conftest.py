"""The tiny bundle, and the shipped one where it is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.generators.bundle import Bundle, open_bundle
from vcg_bridge.generators.generator import Generator


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> Bundle:
    return open_bundle(tiny_folder)


@pytest.fixture(scope="session")
def manifest(tiny: Bundle) -> Manifest:
    return tiny.manifest


@pytest.fixture
def generator(tiny: Bundle) -> Iterator[Generator]:
    with Generator(tiny, device="cpu", threads=2) as made:
        yield made


@pytest.fixture(scope="session")
def shipped() -> Bundle:
    """The bundle in the wheel."""
    return open_bundle()
