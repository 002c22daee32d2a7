"""The judge finds what is wrong: each fault, put into what the Python client really wrote down, is named."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.conformance.expected import Direct
from tests.conformance.harness import TABLE, Judge, Played

pytestmark = pytest.mark.socket

Found = dict[str, Any]


def _job(change: Callable[[Found], object]) -> Callable[[Found], object]:
    return lambda found: change(found["jobs"]["a"])


FAULTS: dict[str, tuple[str, Callable[[Found], object], str]] = {
    "a picture is missing": ("generate-png", _job(lambda a: a["pictures"].pop()), "pictures: 4"),
    "a picture in the middle is missing": ("generate-png", _job(lambda a: a["pictures"].pop(2)), "seqs"),
    "a picture came twice": ("generate-png", _job(lambda a: a["pictures"].append(a["pictures"][-1])), "seqs"),
    "other pixels": ("many-characters", _job(lambda a: a["pictures"][33].update(sha256="0" * 64)), "chunk 33: sha256"),
    "another length": ("generate-png", _job(lambda a: a["pictures"][1].update(length=9)), "chunk 1: length"),
    "another format": ("generate-png", _job(lambda a: a["pictures"][1].update(format="r8")), "chunk 1: format"),
    "another strip": ("sheet-packed", _job(lambda a: a["pictures"][1]["strips"][0]["rects"].reverse()), "strips"),
    "another palette": ("generate-png", _job(lambda a: a["characters"][0].update(palette="00")), "palette"),
    "another recipe": ("generate-png", _job(lambda a: a["characters"][0]["recipe"].update(seed=8)), "recipe"),
    "a rounded seed": ("largest-seeds", _job(lambda a: a["characters"][0]["recipe"].update(seed=2**63 - 1024)), "recipe"),
    "no credits": ("generate-png", _job(lambda a: a["characters"][0].update(credits=[])), "credits"),
    "a character is missing": ("many-characters", _job(lambda a: a["characters"].pop()), "characters"),
    "no accepted": ("generate-png", _job(lambda a: a.update(accepted=None)), "accepted"),
    "no done": ("generate-png", _job(lambda a: a.update(done=None)), "done"),
    "an error that should not be": ("generate-png", lambda f: f["steps"][2].update(end="error"), "ended with 'error'"),
    "done instead of an error": ("gap", lambda f: f["steps"][2].update(end="done"), "ended with 'done'"),
    "another code": ("gap", _job(lambda a: a["error"].update(code="internal")), "instead of protocol"),
    "a field is not named": ("bad-requests", lambda f: f["jobs"]["c"]["error"].update(message="wrong"), "does not say"),
    "a lost hint": ("error-with-hint", _job(lambda a: a["error"].update(hint="")), "hint"),
    "not cancelled": ("cancel-at-once", lambda f: f["steps"][2].update(end="done"), "ended with 'done'"),
    "an early take": ("killed", _job(lambda a: a["pictures"].__delitem__(slice(2, None))), "fewer than 3"),
    "welcome in spite of a wrong token": ("token-wrong", lambda f: f["steps"][0].pop("error"), "instead of auth"),
    "a damaged description": ("describe", lambda f: f["steps"][1]["description"]["layers"].pop(), "description"),
    "a step was left out": ("describe", lambda f: f["steps"].pop(), "number of steps"),
}  # fmt: skip


@pytest.mark.parametrize("runner", ["python"])
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault: str, runner: str, played: Played, direct: Direct) -> None:
    name, change, said = FAULTS[fault]
    row = next(row for row in TABLE if row["name"] == name)
    found = copy.deepcopy(played.scenarios[name])
    change(found)
    problems = Judge(row, replace(played, scenarios={name: found}), direct).judge()
    assert any(said in problem for problem in problems), problems


@pytest.mark.parametrize("runner", ["python"])
def test_complaints_of_a_server_count(runner: str, played: Played, direct: Direct) -> None:
    row = next(row for row in TABLE if row["name"] == "window")
    problems = Judge(row, replace(played, complaints={"window": ["too much credit"]}), direct).judge()
    assert problems == ["too much credit"]
