"""docs/train-your-own.md is followed to the letter: its art, its pack.yaml, its commands, through a real server, to the picture."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.commands import ROOT
from tests.test_readme import environment
from tests.training.own_art import ROBOTS, ROBOTS_YAML, SIZE, draw_plants, draw_robots, jets, jets_behind, sheet_of
from training.packs.pack_yaml import parse_yaml
from vcg_bridge.contract.manifest_io import load_manifest
from vcg_bridge.contract.vocabulary import DIRECTIONS

pytestmark = [pytest.mark.training, pytest.mark.socket, pytest.mark.slow, pytest.mark.timeout(600)]

PAGE = (ROOT / "docs" / "train-your-own.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.M | re.S)
SHELL = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
INSTALL, SERVE = SHELL[0], SHELL[-1]
COMMANDS = SHELL[1:-1]
YAML = [text for kind, text in BLOCKS if kind == "yaml"]
SETTINGS = next(re.findall(r"--set \S+", line) for line in SHELL if " train " in line)


def test_the_page_is_understood() -> None:
    assert {kind for kind, _ in BLOCKS} == {"sh", "yaml", "text"}
    assert INSTALL.startswith("python3 -m venv")
    assert INSTALL in (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    assert SERVE.startswith("vcg serve")
    assert [line.split()[:4][-1] for line in COMMANDS[:3]] == ["prepare", "train", "export"]
    assert YAML[0] == ROBOTS_YAML  # the robots that the test draws are those of the page
    for n, text in enumerate(YAML[1:]):  # the other examples are fragments, and right ones
        parse_yaml(text, f"example {n}", "example")


def run(command: str, folder: Path) -> str:
    """One line of a page, as a user would type it in the checkout with the environment first in PATH."""
    world = environment(folder, PYTHONPATH=str(ROOT), VCG_BUNDLES=str(folder / "bundles"), COLUMNS="200")
    done = subprocess.run(["bash", "-ec", command], cwd=folder, env=world, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which somebody has followed the page."""
    folder = tmp_path_factory.mktemp("own")
    draw_robots(folder / "art/robots", YAML[0])
    for command in COMMANDS:
        run(command, folder)
    return folder


def drawn_crate() -> np.ndarray:
    """The page's blue robot as its artist has it, without its head: uint8 [rows, columns, SIZE, SIZE, 4], walk below idle."""
    layers = [sheet_of(paint) for paint in (jets_behind, ROBOTS["chassis/crate"], jets)]
    return np.stack([x.reshape(8, SIZE, 4, SIZE, 4).swapaxes(1, 2) for x in layers])


def test_what_is_generated_is_what_was_drawn(followed: Path) -> None:
    recipe = json.loads((followed / "npcs/blue.vcg.json").read_text())
    head = recipe["layers"]["head"]["item"]
    behind, chassis, gear = drawn_crate()
    ramps = {"gray": "box", "green": "dome", "red": "visor"}  # whose colours the head has: its own, or another's
    cells = sheet_of(ROBOTS[f"head/{head}"]).reshape(8, SIZE, 4, SIZE, 4).swapaxes(1, 2)
    palette = {
        tuple(c): tuple(d) for c, d in zip(_ramp_of(head), _ramp_of(ramps[recipe["ramps"]["head"]]), strict=True)
    }
    recoloured = cells.copy()
    for old, new in palette.items():
        recoloured[(cells[..., :3] == old).all(-1) & (cells[..., 3] > 0), :3] = new
    sheet = np.asarray(Image.open(followed / "npcs/blue.png").convert("RGBA"))
    listed = json.loads((followed / "npcs/blue.json").read_text())
    rects = [
        f["frame"] for f in (listed["frames"].values() if isinstance(listed["frames"], dict) else listed["frames"])
    ]
    names = [(a, d, f) for a, n in (("idle", 2), ("walk", 4)) for d in range(4) for f in range(n)]
    assert len(rects) == len(names)
    for rect, (animation, d, f) in zip(rects, names, strict=True):
        row = d + (4 if animation == "walk" else 0)
        expected = np.zeros((SIZE, SIZE, 4), np.uint8)
        for layer in (behind, chassis, recoloured, gear):
            expected = np.where(layer[row, f][..., 3:] > 0, layer[row, f], expected)
        found = sheet[rect["y"] : rect["y"] + SIZE, rect["x"] : rect["x"] + SIZE]
        opaque = expected[..., 3] > 0
        np.testing.assert_array_equal(found[..., 3] > 0, opaque, err_msg=f"{animation} {DIRECTIONS[d]} {f}")
        np.testing.assert_array_equal(found[opaque], expected[opaque], err_msg=f"{animation} {DIRECTIONS[d]} {f}")


def _ramp_of(head: str) -> list[tuple[int, int, int]]:
    """The three shades of a head, light to dark: rows 5, 7 and 10 of its first frame."""
    frame = sheet_of(ROBOTS[f"head/{head}"])[:SIZE, :SIZE]
    return [tuple(int(v) for v in frame[y, 13, :3]) for y in (5, 7, 10)]


def test_licence_and_credits_arrive(followed: Path) -> None:
    text = (followed / "npcs/CREDITS.txt").read_text()
    assert "Ada Painter, Bo Pixel. CC0 1.0." in text
    assert "Licence: CC0 1.0. Model: Little Robots (robots 1.0.0)." in text
    card = (followed / "robots-bundle/MODEL_CARD.md").read_text()
    assert "Licence: CC0 1.0" in card


def test_the_network_redraws_the_pack(followed: Path) -> None:
    manifest = load_manifest(followed / "bundles/robots")
    assert manifest.training["reconstruction"]["exact_slots"] > 0.999  # type: ignore[index]
    assert (manifest.frame_size, [x.id for x in manifest.archetypes]) == (SIZE, ["any"])


@pytest.fixture
def serving(followed: Path, port: int) -> Iterator[int]:
    """`vcg serve` as the page has it, on a port that is surely free."""
    command = SERVE.replace(":7421", f":{port}")
    assert command != SERVE
    process = subprocess.Popen(
        shlex.split(command),
        cwd=followed,
        env=environment(followed, VCG_BUNDLES=str(followed / "bundles")),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("listening at")
    yield port
    process.terminate()
    assert process.wait(60) == 0
    process.stderr.close()


def test_a_server_of_the_bundle_gives_the_same_bytes(followed: Path, serving: int) -> None:
    command = next(x for x in COMMANDS if "--name blue" in x)
    run(command.replace("--out npcs", f"--server tcp://127.0.0.1:{serving} --out served"), followed)
    assert (followed / "served/blue.png").read_bytes() == (followed / "npcs/blue.png").read_bytes()


def test_flat_art_becomes_a_bundle(tmp_path: Path) -> None:
    draw_plants(tmp_path / "art/plants")
    prepare = next(x for x in re.findall(r"`(python -m training prepare [^`]*)`", PAGE) if "plants" in x)
    run(prepare, tmp_path)
    run(f"python -m training train --pack pack --out runs {' '.join(SETTINGS)} --set min_kimg=6", tmp_path)
    run("python -m training export runs/00001-plants --out plants-bundle", tmp_path)
    manifest = load_manifest(tmp_path / "plants-bundle")
    assert [x.id for x in manifest.layers] == ["character"]
    assert "fern" in [x.id for x in manifest.archetypes]
    run("vcg generate --bundle plants-bundle --archetype fern --seed 1 --out npcs --name fern", tmp_path)
    drawn = np.asarray(Image.open(tmp_path / "art/plants/fern.png").convert("RGBA"))
    made = np.asarray(Image.open(tmp_path / "npcs/fern.png").convert("RGBA"))
    np.testing.assert_array_equal(made[..., 3], drawn[..., 3])
    np.testing.assert_array_equal(made[drawn[..., 3] > 0], drawn[drawn[..., 3] > 0])
    assert "Plants by Cy" in (tmp_path / "npcs/CREDITS.txt").read_text()
