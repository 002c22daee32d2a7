"""What tests/conftest.py sees to: a skipped engine test fails the run where CI asks for it, and only there; nothing of the user's is touched."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

TWO = ("-n", "2", "--dist", "loadfile")
"""As scripts/test runs them."""

SUITE = """
import pytest

@pytest.mark.{marker}
def test_engine():
    pytest.skip("no engine here")

def test_other():
    pass
"""

ALONE = """
import os, pathlib, signal, tempfile

def test_alone():
    assert "VCG_SERVER" not in os.environ
    assert os.environ["XDG_DATA_HOME"] != "/home/of/a/user"
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    pathlib.Path(tempfile.gettempdir(), "left").touch()
"""


def run(folder: Path, suite: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """These tests under the rules of ours, as if started in the background of a shell."""
    for name in ("pyproject.toml", "tests/conftest.py", "tests/support/ports.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    (folder / "tests" / "test_it.py").write_text(suite)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=folder,
        env={**{k: x for k, x in os.environ.items() if k != "PYTEST_DEBUG_TEMPROOT"}, **environment},
        capture_output=True,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )


@pytest.mark.parametrize("arguments", [(), TWO])
def test_nothing_of_the_user_is_seen_and_nothing_is_left_among_their_files(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    user = tmp_path / "user"
    user.mkdir()
    done = run(
        tmp_path, ALONE, *arguments, VCG_SERVER="tcp://127.0.0.1:1", XDG_DATA_HOME="/home/of/a/user", TMPDIR=str(user)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    kept = [f"pytest-of-{getpass.getuser()}"] if arguments else []  # pytest's own: the folders of its last runs
    assert [path.name for path in user.iterdir()] == kept


@pytest.mark.parametrize(
    ("marker", "strict", "code"),
    [("godot", "1", 1), ("unity", "1", 1), ("godot", "0", 0), ("godot", "", 0), ("slow", "1", 0)],
)
def test_skipped_engine_test(tmp_path: Path, marker: str, strict: str, code: int) -> None:
    arguments = TWO if code else ()
    done = run(tmp_path, SUITE.format(marker=marker), *arguments, VCG_TEST_STRICT=strict)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("engine test was skipped" in done.stdout) == (code == 1)
