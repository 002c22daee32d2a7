"""The shape of the project: who imports whom, what is light, what the wheel holds (DESIGN.md section 3)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WHEEL_LIMIT_MB = 20


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh interpreter at the repository root."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)


def test_import_rules_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", ["contract", "generators", "sprites", "server", "client", "cli.main"])
def test_installed_packages_import_without_torch_and_training(package: str) -> None:
    # None in sys.modules makes any import of that name raise, from however deep it comes.
    poison = "import sys; sys.modules.update(dict.fromkeys(['torch', 'training', 'tensorboard', 'onnxscript']))\n"
    done = run_python(poison + f"import vcg_bridge.{package}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("package", "heavy"),
    [
        ("contract", {"zmq", "cv2", "onnxruntime", "onnx", "PIL", "typer", "rich"}),
        (
            "client",
            {"cv2", "onnxruntime", "onnx", "PIL", "typer", "rich", "vcg_bridge.generators", "vcg_bridge.sprites"},
        ),
        ("sprites", {"zmq", "onnxruntime", "onnx", "typer", "rich"}),
        ("cli.main", {"cv2", "onnxruntime", "onnx", "zmq"}),  # `vcg --help` answers at once
    ],
)
def test_imports_stay_light(package: str, heavy: set[str]) -> None:
    done = run_python(f"import sys, json, vcg_bridge.{package}; print(json.dumps(sorted(sys.modules)))")
    assert done.returncode == 0, done.stderr
    assert not heavy & set(json.loads(done.stdout))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(ROOT),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_wheel_is_the_product_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"vcg_bridge"}
    expected = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "vcg_bridge").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".tmp"
    }
    assert expected <= names, "files missing from the wheel"
    assert "vcg_bridge/bundles/lpc-revised/manifest.json" in names
    assert "vcg_bridge/bundles/lpc-revised/CREDITS.csv" in names


def test_wheel_is_small(wheel: Path) -> None:
    megabytes = wheel.stat().st_size / 1e6
    print(f"wheel: {megabytes:.1f} MB")
    assert megabytes < WHEEL_LIMIT_MB


def test_versions_agree() -> None:
    from importlib.metadata import version

    import vcg_bridge

    assert version("vcg-bridge") == vcg_bridge.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {vcg_bridge.__version__}" in changelog
