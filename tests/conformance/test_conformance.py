"""Every client, every scenario of the table."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.expected import Direct
from tests.conformance.harness import Judge, Played, wanted
from tests.conformance.runners import RUNNERS

CASES = [
    pytest.param(runner.name, row, marks=runner.marks, id=f"{runner.name}-{row['name']}")
    for runner in RUNNERS
    for row in wanted(runner)
]


@pytest.mark.parametrize(("runner", "row"), CASES)
def test_scenario(runner: str, row: dict[str, Any], played: Played, direct: Direct) -> None:
    problems = Judge(row, played, direct).judge()
    assert not problems, "\n".join([row["what"], *problems])
