"""Nothing is told to anybody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tiny_bundle import write_tiny_bundle

ROOT = Path(__file__).parents[2]

DRAW = """
import sys
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.generators.generator import Generator
assert Generator(open_bundle(sys.argv[1]), "cpu", 1).warm_up()
"""


@pytest.mark.skipif(os.name != "posix", reason="on Windows the system itself has the say, and the events")
def test_onnx_runtime_keeps_no_events_to_be_sent(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    muted = ("ORT_", "XDG_", "CI", "GITHUB_", "TF_BUILD", "BUILD_")  # in CI it is silent by itself
    environment = {name: value for name, value in os.environ.items() if not name.startswith(muted)}
    environment |= {"HOME": str(home), "PYTHONPATH": str(ROOT)}
    bundle = write_tiny_bundle(tmp_path / "tiny")
    subprocess.run([sys.executable, "-c", DRAW, str(bundle)], check=True, env=environment, timeout=60)
    assert not [path for path in home.rglob("*") if path.is_file()]
