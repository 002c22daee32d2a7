"""The window's model, which knows no Unity, with the real server: what every button and slider does.

tests/unity/studio/StudioProgram.cs drives it as the window does and says what came of it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.commands import ROOT
from tests.support.tiny_bundle import write_tiny_bundle
from tests.unity.mono import CORE, HERE, PACKAGE, Mono
from vcg_bridge.contract.character import Character, Pose
from vcg_bridge.contract.recipe import Recipe
from vcg_bridge.contract.recipe_io import parse_recipe, recipe_bytes
from vcg_bridge.generators.bundle import Bundle, open_bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.generator import Generator
from vcg_bridge.sprites.compose import compose
from vcg_bridge.sprites.layout import packed, rows
from vcg_bridge.sprites.palette import palette_of, rgba

pytestmark = [pytest.mark.unity, pytest.mark.socket]


class Studio:
    """The program, and where it writes."""

    def __init__(self, mono: Mono, program: Path, folder: Path) -> None:
        self._mono, self._program, self.folder = mono, program, folder

    def run(self, scenario: str, address: str = "", vcg: str = "") -> dict[str, str]:
        lines = self._mono.run(self._program, scenario, str(self.folder), address, vcg).splitlines()
        return dict(line.split("\t", 1) for line in lines)

    def start(self, scenario: str, address: str) -> subprocess.Popen[str]:
        command = [self._mono.mono, str(self._program), scenario, str(self.folder), address, ""]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def program(mono: Mono) -> Path:
    sources = [*CORE.rglob("*.cs"), *(PACKAGE / "Editor" / "Model").glob("*.cs"), HERE / "studio" / "StudioProgram.cs"]
    return mono.compile("studio", sources)


@pytest.fixture
def studio(mono: Mono, program: Path, tmp_path: Path) -> Studio:
    return Studio(mono, program, tmp_path)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return open_bundle(write_tiny_bundle(tmp_path_factory.mktemp("studio") / "tiny"))


@contextmanager
def serving(bundle: Bundle, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server that is not the window's, and its address."""
    command = [
        sys.executable, "-m", "vcg_bridge.server", "--bundle", str(bundle.folder), "--address", f"tcp://127.0.0.1:{port}",
        "--threads", "1", "--log", "warning",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def address(bundle: Bundle) -> Iterator[str]:
    with serving(bundle) as (process, address):
        yield address
        assert process.poll() is None  # nobody has ended it: it is not the window's


def drawn(bundle: Bundle, recipe: Recipe, animations: tuple[str, ...] = ()) -> Character:
    manifest = bundle.manifest
    poses = [
        Pose(a.id, d, f)
        for a in manifest.animations
        if not animations or a.id in animations
        for d in a.directions
        for f in range(a.frames)
    ]
    return compose(manifest, Generator(bundle, device="cpu", threads=1).draw(recipe, poses))


def test_what_the_buttons_do(studio: Studio, bundle: Bundle, address: str) -> None:
    said = studio.run("edit", address)
    manifest, folder = bundle.manifest, studio.folder
    guard = design(manifest, DesignSpec(seed=11, archetype="guard", novelty=0))
    assert (folder / "guard.json").read_bytes() == recipe_bytes(guard)
    character = drawn(bundle, guard)
    expected = rows(character, manifest).plane.tobytes()
    assert (folder / "guard.rows").read_bytes() == expected
    assert (folder / "guard.palette").read_bytes() == character.palette.tobytes()
    assert (folder / "undone.rows").read_bytes() == expected

    sides = [character.frames[Pose("combat-slash", side, 1)] for side in ("up", "left", "down", "right")]
    preview = rgba(np.concatenate(sides, axis=1), character.palette)[::-1]  # from the bottom up, as textures are
    assert said.pop("preview") == f"{preview.shape[1]} {preview.shape[0]}"
    assert (folder / "preview.rgba").read_bytes() == preview.tobytes()

    wine = parse_recipe((folder / "wine.json").read_bytes())
    assert wine.ramps["torso"] == "wine"
    assert (folder / "wine.palette").read_bytes() == palette_of(manifest, wine).tobytes()

    saved = parse_recipe((folder / "saved.vcg.json").read_bytes())
    sheet = packed(drawn(bundle, saved), manifest)
    with Image.open(folder / "saved.png") as image:
        np.testing.assert_array_equal(np.asarray(image), rgba(sheet.plane, sheet.palette))

    assert "'nobody'" in said.pop("trouble")
    steps = said.pop("steps").split(", ")
    assert steps[:4] == ["Change archetype", "Change seed", "Generate NPC", "Change colour of torso"]
    assert said.pop("words").startswith("Tiny test bundle 0.1.0, on cpu")
    assert int(said.pop("credits")) > 0
    assert said == {
        "own": "False",
        "no preview": "True",
        "ramp asked the server": "False",
        "ramp": "wine",
        "reroll keeps what is locked": "True",
        "reroll seed": "True",
        "undo": "True",
        "helm": "False",
        "the rest stays": "True",
        "only the layer is rolled": "True",
        "variations": "12",
        "faces": "True",
        "picked is shown at once": "True",
        "picked is drawn": "True",
        "saved": "1",
        "face": "idle_down_0",
        "name": "True",
        "still there": "True",
        "told": "True",
        "history takes": "True",
        "history takes twice": "False",
        "history moves": "True",
        "history": "True",
    }


def test_the_window_offers_what_fits(studio: Studio, address: str) -> None:
    assert studio.run("offered", address) == {
        "torso": "shirt-01-plain.m shirt-02-laced.m coat-01.m",
        "torso of nobody": "shirt-01-plain.f shirt-01-plain.m shirt-02-laced.f shirt-02-laced.m coat-01.m",
        "hair": "short-01-buzz short-02-cowlick",  # the open helmet allows no more
        "bodies": "body-01-slim body-02-broad body-03-tall",
        "words": "Body 02 Broad, Shirt 01 Plain.M + 30 % Coat 01.M, Short 02 Cowlick, changed, none",
        "controls": "length volume;0;0",
        "hidden": "",
        "hidden now": "Helm 01 Closed;",
        "materials": "skin hair torso helm sword",
    }


def test_a_slider_is_one_step_and_ends_where_it_was_left(studio: Studio, bundle: Bundle, address: str) -> None:
    said = studio.run("live", address)
    base, moved = parse_recipe(said.pop("base")), parse_recipe(said.pop("moved"))
    expected = design(bundle.manifest, DesignSpec(seed=base.seed, base=base, controls={"hair/length": 1.0}))
    assert moved == expected
    assert moved != base
    assert said == {
        "steps while it moves": "0",
        "steps when it rests": "1",
        "all animations": "True",
        "slider": "100",
        "novel": "100",
        "slider after undo": "100",
        "busy after cancel": "False",
    }


def test_the_window_starts_a_server_and_ends_only_that(
    studio: Studio, bundle: Bundle, tmp_path: Path, port: int
) -> None:
    vcg = tmp_path / "a folder" / "vcg"
    vcg.parent.mkdir()
    vcg.write_text(
        f'#!/bin/sh\ncd {ROOT}\nexec {sys.executable} -m vcg_bridge "$@" --bundle {bundle.folder} --threads 1\n'
    )
    vcg.chmod(0o755)
    said = studio.run("own", f"tcp://127.0.0.1:{port}", str(vcg))
    assert said["states"] == "Starting Connecting Ready"
    assert said["own"] == "True"
    assert said["goes on"] == "True"
    pids = [int(pid) for pid in said["pids"].split()]
    assert len(set(pids)) == 3
    for pid in pids:
        wait_for_end(pid)
    assert "the server ended with code 1" in said["cannot start"]
    assert "no `vcg` command" in said["no program"]
    assert "nonsense" in said["bad address"]


def test_a_server_that_comes_back_finds_the_window_waiting(studio: Studio, bundle: Bundle, port: int) -> None:
    with ExitStack() as servers:
        first, address = servers.enter_context(serving(bundle, port))
        with studio.start("foreign", address) as program:
            assert program.stdout is not None
            try:
                said: dict[str, str] = {}
                for line in program.stdout:
                    if line == "SIGNAL end it\n":
                        first.kill()
                        first.wait()
                    elif line == "SIGNAL start it again\n":
                        servers.enter_context(serving(bundle, port))
                    else:
                        said.update([line.rstrip("\n").split("\t", 1)])
                assert program.wait(30) == 0
            finally:
                program.kill()
    assert said == {"states": "Ready Lost Ready", "seed": "5", "complete": "True", "own": "False"}
    recipe = design(bundle.manifest, DesignSpec(seed=5, novelty=0))
    assert (studio.folder / "foreign.rows").read_bytes() == rows(drawn(bundle, recipe), bundle.manifest).plane.tobytes()


def wait_for_end(pid: int) -> None:
    """A server that was let go ends in good order, which takes it a moment."""
    for _ in range(600):
        try:
            os.kill(pid, 0)
            with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:  # noqa: PTH123
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.05)
    pytest.fail(f"the server {pid} was left behind")


def test_reloads_at_any_moment_leave_nothing_and_lose_nothing(studio: Studio, bundle: Bundle, address: str) -> None:
    said = studio.run("reload", address)
    assert said == {
        "threads are not more": "True",
        "asked for before there was a server": "78",
        "seed": "77",
        "complete": "True",
    }
    recipe = design(bundle.manifest, DesignSpec(seed=77, novelty=0))
    assert (studio.folder / "reload.json").read_bytes() == recipe_bytes(recipe)
    assert (studio.folder / "reload.rows").read_bytes() == rows(drawn(bundle, recipe), bundle.manifest).plane.tobytes()


def test_what_needs_no_server(studio: Studio) -> None:
    assert studio.run("plain") == {
        "draft": "archetype a guard | body  | seed 1 | novelty 100 | lock hair | control 100 hair/length | file  | folder Assets/N P C",
        "copy": "True",
        "in PATH": "True",
        "in the project": "True",
        "configured": "True",
        "configured wrongly": "null",
        "nowhere": "null",
        "drained": "1 1 1,2",
        "closed": "0",
        "cached": "True",
        "every damage is seen": "True",
        "empty": "True",
        "found": "True",
        "swept": "True False True",
        "damaged is not found": "True",
        "no folder": "False",
        "loops": "0 1 2 0 1 2 0 1",
        "once": "2 False",
        "over": "2 True",
        "still": "False 0",
    }
