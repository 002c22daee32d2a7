"""Rules for the whole suite. Each area keeps its own fixtures in its own folder."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import settings


def pytest_configure(config: pytest.Config) -> None:
    # The tests share two cores with each other and often with a training run.
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    # No test asserts a time, so hypothesis does not either.
    settings.register_profile("vcg", deadline=None, max_examples=60)
    settings.load_profile("vcg")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """With VCG_TEST_STRICT=1 (as CI runs) a skipped engine test is named, and fails the run."""
    for report in _skipped_engine_tests(terminalreporter):
        terminalreporter.write_line(f"VCG_TEST_STRICT=1: engine test was skipped: {report.nodeid}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == pytest.ExitCode.OK and reporter is not None and _skipped_engine_tests(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _skipped_engine_tests(reporter: Any) -> list[pytest.TestReport]:
    if os.environ.get("VCG_TEST_STRICT") != "1":
        return []
    return [r for r in reporter.stats.get("skipped", []) if {"godot", "unity"} & set(getattr(r, "keywords", {}))]
