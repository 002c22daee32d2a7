"""A skipped engine test fails the run where CI asks for it, and only there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

SUITE = """
import pytest

@pytest.mark.{marker}
def test_engine():
    pytest.skip("no engine here")

def test_other():
    pass
"""


@pytest.mark.parametrize(
    ("marker", "strict", "code"),
    [("godot", "1", 1), ("unity", "1", 1), ("godot", "0", 0), ("godot", "", 0), ("slow", "1", 0)],
)
def test_skipped_engine_test(tmp_path: Path, marker: str, strict: str, code: int) -> None:
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    (tmp_path / "tests").mkdir()
    shutil.copyfile(ROOT / "tests" / "conftest.py", tmp_path / "tests" / "conftest.py")
    (tmp_path / "tests" / "test_it.py").write_text(SUITE.format(marker=marker))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"],
        cwd=tmp_path,
        env={**os.environ, "VCG_TEST_STRICT": strict},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert ("engine test was skipped" in done.stdout) == (code == 1)
