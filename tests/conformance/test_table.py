"""The table says what the harness and the runners know, and each scenario once."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.conformance.harness import TABLE
from tests.conformance.peers import ACTS
from tests.conformance.stage import HOSTS, RAW
from vcg_bridge.contract.errors import ERRORS

SERVERS = {
    "bundle", "token", "tls", "tls-expired", "tls-signed", "plain-at-tls", "tls-at-plain", "killed", "gone", "slow", "nothing",
    *(f"raw/{name}" for name in RAW), *(f"as/{name}" for name in HOSTS), *(f"peer/{name}" for name in ACTS),
}  # fmt: skip
STEPS = {
    "open": set(), "describe": {"model"}, "ping": set(), "generate": {"job", "request"}, "take": {"job", "count"},
    "wait": {"job"}, "cancel": {"job"}, "signal": {"name"}, "close": set(),
}  # fmt: skip
CLIENT = {"token", "tls_certificate", "codecs", "window_bytes", "retry_s", "timeout_s", "ping_ms", "dead_ms"}


def test_names_are_used_once_and_every_server_is_met() -> None:
    names = [row["name"] for row in TABLE]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in names)
    assert {row["server"] for row in TABLE} == SERVERS
    peers = [row["server"] for row in TABLE if row["server"].startswith("peer/")]
    assert len(set(peers)) == len(peers)  # an act keeps account of one scenario


@pytest.mark.parametrize("row", TABLE, ids=[row["name"] for row in TABLE])
def test_row(row: dict[str, Any]) -> None:
    assert row.keys() <= {"name", "what", "server", "needs", "client", "steps"}
    assert row["what"].endswith(".")
    assert set(row.get("needs", [])) <= {"zstd", "tls"}
    assert row.get("client", {}).keys() <= CLIENT
    assert row["steps"][0]["do"] == "open"
    jobs: list[str] = []
    for step in row["steps"]:
        assert step.keys() - {"do", "expect"} <= STEPS[step["do"]]
        if step["do"] == "generate":
            assert step["job"] not in jobs
            jobs.append(step["job"])
        elif "job" in step:
            assert step["job"] in jobs
        expect = step.get("expect", {})
        assert expect.keys() <= {"error", "end"}
        if "error" in expect:
            codes = expect["error"]["code"]
            assert {codes} if isinstance(codes, str) else set(codes) <= ERRORS.keys()
            assert expect["error"].keys() <= {"code", "says", "hint"}
