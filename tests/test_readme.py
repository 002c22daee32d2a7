"""Every command and snippet of the README is run, as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import contents

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.M | re.S)
SHELL = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
INSTALL = SHELL[0]
TEST = "scripts/test"
SERVE = next(line for line in SHELL if line.startswith("vcg serve"))
COMMANDS = [line for line in SHELL if line not in (INSTALL, TEST, SERVE)]
PYTHON = [text for kind, text in BLOCKS if kind == "python"]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """As a user's, with this interpreter's `vcg` first in PATH and nothing of this machine's settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("VCG_")}
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": programs, "VCG_BUNDLES": str(folder / "no-bundles"), **more}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readme")


def test_readme_is_understood() -> None:
    assert {kind for kind, _ in BLOCKS} == {"sh", "python"}
    assert INSTALL.startswith("python3 -m venv")
    assert TEST in SHELL
    assert len(COMMANDS) >= 8
    assert len(PYTHON) == 1


def test_ci_calls_the_test_command_of_the_readme() -> None:
    lines = [x for x in (ROOT / ".ci" / "run").read_text().splitlines() if x and not x.startswith("#")]
    assert lines[-1].removeprefix("VCG_TEST_STRICT=1 exec ") == TEST
    assert os.access(ROOT / TEST, os.X_OK)


@pytest.mark.parametrize(
    "page",
    ["README.md", "CONTRIBUTING.md", *sorted(x.relative_to(ROOT).as_posix() for x in (ROOT / "docs").rglob("*.md"))],
)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target


@pytest.mark.slow
@pytest.mark.socket
@pytest.mark.timeout(600)
def test_five_minutes(folder: Path) -> None:
    """In order, in one folder: later commands use what earlier ones made."""
    for command in COMMANDS:
        done = subprocess.run(
            ["bash", "-ec", command], cwd=folder, env=environment(folder), capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert done.stderr == "", command
    first, again = contents(folder / "npcs"), contents(folder / "again")
    credits = again.pop("CREDITS.txt")  # in npcs/ it names the artists of the other characters too
    assert set(credits.splitlines()) <= set(first["CREDITS.txt"].splitlines())
    assert set(again) == {name for name in first if name.startswith("guard-7.")}
    assert all(first[name] == data for name, data in again.items())
    assert {p.name for p in (folder / "village").iterdir() if p.is_dir()} == {"villager-1", "Old Tom"}
    assert (folder / "game" / "guard-7.normal.png").is_file()


@pytest.fixture
def running(folder: Path, port: int) -> Iterator[int]:
    """`vcg serve` as the README has it, on a port that is surely free."""
    command = SERVE.replace(":7421", f":{port}")
    assert command != SERVE
    process = subprocess.Popen(
        shlex.split(command), cwd=folder, env=environment(folder), stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("listening at")
    yield port
    process.terminate()
    assert process.wait(60) == 0
    process.stderr.close()


@pytest.mark.socket
@pytest.mark.slow
def test_server_and_python_client(folder: Path, running: int) -> None:
    code = PYTHON[0].replace(":7421", f":{running}")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment(folder), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "44 frames" in done.stdout.splitlines()[0]  # walk 4 x 8 and idle 4 x 3
    assert len(done.stdout.splitlines()) > 2


@pytest.mark.slow
@pytest.mark.socket
@pytest.mark.timeout(900)
def test_first_command_in_a_fresh_checkout(tmp_path: Path) -> None:
    """The one command that installs and makes a character: files that git has or would add, a new environment, nothing of ours in it."""
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tmp_path / name)
    inherited = {k: v for k, v in environment(tmp_path).items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    begin = time.monotonic()
    done = subprocess.run(["bash", "-ec", INSTALL], cwd=tmp_path, env=inherited, capture_output=True, text=True)
    print(f"install and first character: {time.monotonic() - begin:.0f} s")
    assert done.returncode == 0, done.stdout + done.stderr
    made = {path.name for path in (tmp_path / "my-npc").iterdir()}
    suffixes = ("png", "json", "tres", "gif", "contact.png", "vcg.json")
    assert made == {f"guard-7.{suffix}" for suffix in suffixes} | {"CREDITS.txt"}
    listed = subprocess.run(
        [tmp_path / ".venv/bin/python", "-m", "pip", "list", "--format=freeze"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "torch" not in listed
    shown = subprocess.run(
        [tmp_path / ".venv/bin/vcg", "doctor"], cwd=tmp_path, env=inherited, capture_output=True, text=True
    )
    assert shown.returncode == 0, shown.stdout
