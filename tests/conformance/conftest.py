"""The servers are started once; each runner plays the whole table once, when the first of its scenarios is judged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.expected import Direct
from tests.conformance.harness import Played, play
from tests.conformance.runners import RUNNERS
from tests.conformance.stage import House, Stage
from tests.support.tiny_bundle import write_tiny_bundle


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("conformance") / "tiny")


@pytest.fixture(scope="session")
def direct(tiny: Path) -> Iterator[Direct]:
    made = Direct(tiny)
    yield made
    made.close()


@pytest.fixture(scope="session")
def house(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tiny, tmp_path_factory.mktemp("house")).open() as house:
        yield house


_PLAYED: dict[str, Played | BaseException] = {}


@pytest.fixture
def played(request: pytest.FixtureRequest, house: House, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """What the runner of this test wrote down. Where it failed, every scenario of it fails, but it runs only once."""
    name: str = request.node.callspec.params["runner"]
    if name not in _PLAYED:
        runner = next(x for x in RUNNERS if x.name == name)
        try:
            with Stage(house).use() as stage:
                _PLAYED[name] = play(runner, stage, tmp_path_factory.mktemp(name))
        except BaseException as error:
            _PLAYED[name] = error
    found = _PLAYED[name]
    if isinstance(found, BaseException):
        raise found
    return found
