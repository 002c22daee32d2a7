"""Rules for the whole suite. Each area keeps its own fixtures in its own folder."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.ports import reserved_port

OURS = ("VCG_TEST_STRICT", "VCG_PICTURES")
"""Settings of the tests themselves."""


def pytest_configure(config: pytest.Config) -> None:
    # The tests share two cores with each other and often with a training run.
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    _forget_the_user(config)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # in the background of a shell; the tests press Ctrl+C
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # The same examples in every run: one that fails did not wait for another day. No test asserts a time, so hypothesis does not either.
    slow = [HealthCheck.too_slow]
    settings.register_profile("vcg", deadline=None, max_examples=60, derandomize=True, suppress_health_check=slow)
    settings.register_profile("search", deadline=None, max_examples=1000, suppress_health_check=slow)
    settings.load_profile("vcg")


def _forget_the_user(config: pytest.Config) -> None:
    """No test, nor any process of one, sees this user's server, token, settings or bundles, or leaves anything among their files."""
    for name in [name for name in os.environ if name.startswith("VCG_") and name not in OURS]:
        del os.environ[name]
    # Beside each other, not within: paths of sockets have to be short.
    home = tempfile.TemporaryDirectory(prefix="vcg-tests-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT"))
    config.add_cleanup(home.cleanup)
    for kind in ("CONFIG", "DATA", "STATE"):  # not CACHE: there are the engines
        os.environ[f"XDG_{kind}_HOME"] = str(Path(home.name) / kind.lower())
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # what pytest keeps of the last runs
    (Path(home.name) / "tmp").mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(Path(home.name) / "tmp")  # what a killed server leaves


@pytest.fixture
def port() -> Iterator[int]:
    """A port at which nothing listens, and nothing of others will, until the test is over."""
    with reserved_port() as port:
        yield port


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
