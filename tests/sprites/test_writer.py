from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vcg_bridge.contract.character import Character
from vcg_bridge.contract.errors import BadRequest, OutputError
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.recipe_io import parse_recipe
from vcg_bridge.sprites.layout import rows
from vcg_bridge.sprites.normals import FLAT
from vcg_bridge.sprites.palette import rgba
from vcg_bridge.sprites.writer import WriteOptions, character_files, check_name, write_character, write_files

LINES = ["Hair: A. CC0."]
EVERYTHING = {
    "guard-7.png", "guard-7.json", "guard-7.tres", "guard-7.gif", "guard-7.contact.png", "guard-7.vcg.json",
    "CREDITS.txt",
}  # fmt: skip


def test_everything_is_written_and_fits_together(manifest: Manifest, character: Character, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "npcs"
    paths = write_character(folder, "guard-7", character, manifest, credits=LINES)
    assert {p.name for p in paths} == {p.name for p in folder.iterdir()} == EVERYTHING
    sheet = rows(character, manifest)
    image = Image.open(folder / "guard-7.png")
    np.testing.assert_array_equal(np.asarray(image), sheet.plane)
    assert image.info["Copyright"] == manifest.attribution
    described = json.loads((folder / "guard-7.json").read_text())
    assert described["meta"]["image"] == "guard-7.png"
    assert 'path="guard-7.png"' in (folder / "guard-7.tres").read_text()
    assert parse_recipe((folder / "guard-7.vcg.json").read_bytes()) == character.recipe
    assert "- Hair: A. CC0." in (folder / "CREDITS.txt").read_text()


def test_the_same_character_gives_the_same_bytes(manifest: Manifest, character: Character, tmp_path: Path) -> None:
    options = WriteOptions(layout="packed", normal_map=True, gifs=True, outline=(0, 0, 0, 255), shadow=(0, 0, 0, 90))
    for folder in ("a", "b"):
        write_character(tmp_path / folder, "guard-7", character, manifest, options, credits=LINES)
    again = write_character(tmp_path / "a", "guard-7", character, manifest, options, credits=LINES)
    assert len(again) == 8 + len(manifest.animations)
    for path in again:
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_options_reach_the_files(manifest: Manifest, character: Character) -> None:
    files = character_files(
        "guard-7",
        character,
        manifest,
        WriteOptions(scale=2, rgba=True, normal_map=True, texture="res://npc/guard-7.png"),
    )
    sheet = rows(character, manifest)
    picture = Image.open(io.BytesIO(files["guard-7.png"]))
    np.testing.assert_array_equal(np.asarray(picture)[::2, ::2], rgba(sheet.plane, sheet.palette))
    assert Image.open(io.BytesIO(files["guard-7.normal.png"])).size == picture.size
    text = files["guard-7.tres"].decode()
    assert 'path="res://npc/guard-7.png"' in text
    assert 'path="res://npc/guard-7.normal.png"' in text
    assert json.loads(files["guard-7.json"])["meta"]["vcg"]["normal_map"] == "guard-7.normal.png"


def test_shadows_take_no_light(manifest: Manifest, character: Character) -> None:
    options = WriteOptions(normal_map=True, shadow=(0, 0, 0, 90), layout="rows")
    files = character_files("guard-7", character, manifest, options)
    slots = np.asarray(Image.open(io.BytesIO(files["guard-7.png"])))
    normals = np.asarray(Image.open(io.BytesIO(files["guard-7.normal.png"])))
    assert (slots == 254).any()
    assert (normals[slots == 254] == FLAT).all()


def test_a_second_character_keeps_the_first_ones_credits(
    manifest: Manifest, character: Character, tmp_path: Path
) -> None:
    write_character(tmp_path, "a", character, manifest, credits=["Hair: A."])
    write_character(tmp_path, "b", character, manifest, credits=["Helm: B."])
    text = (tmp_path / "CREDITS.txt").read_text()
    assert "- Hair: A." in text
    assert "- Helm: B." in text


@pytest.mark.parametrize(
    "name", ["", ".hidden", "a/b", "..", "a\\b", "name.", "CON", "nul.png", "x" * 101, "a\nb", "é"]
)
def test_names_that_are_no_file_names(name: str) -> None:
    with pytest.raises(BadRequest, match="file name"):
        check_name(name)


def test_a_folder_below_a_file_cannot_be_made(manifest: Manifest, character: Character, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="file"):
        write_character(tmp_path / "file" / "npcs", "guard-7", character, manifest, credits=LINES)
    assert (tmp_path / "file").read_text() == "mine"


def test_nothing_is_written_where_a_folder_has_the_name_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "b.json").mkdir()
    (tmp_path / "a.png").write_bytes(b"earlier")
    with pytest.raises(OutputError, match=r"b\.json is a folder"):
        write_files(tmp_path, {"a.png": b"new", "b.json": b"{}"})
    assert {p.name for p in tmp_path.iterdir()} == {"a.png", "b.json"}
    assert (tmp_path / "a.png").read_bytes() == b"earlier"


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from vcg_bridge.contract.errors import OutputError
from vcg_bridge.sprites.writer import write_files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))  # a write beyond fails in the middle, as on a full disk
try:
    write_files(Path(sys.argv[1]), {"a.png": b"x" * 4000, "b.png": b"y" * 6000})
except OutputError as error:
    print(error.code, error.message)
"""


def test_a_disk_that_fills_up_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "npcs"
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(folder)], capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout.startswith(f"output cannot write to {folder}")
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot write"):
        write_files(tmp_path, {"a.png": b"x"})
