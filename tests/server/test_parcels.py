"""Bundles as bytes, and the private folders where they become files again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import msgpack
import pytest

from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.contract.errors import BundleError
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.server import parcels, private_folder
from vcg_bridge.server.parcels import Depot, parcel_of
from vcg_bridge.server.private_folder import new_prefix


def test_a_parcel_becomes_the_same_bundle_elsewhere(tiny: Path, tmp_path: Path) -> None:
    original = open_bundle(tiny)
    (tiny / "notes.txt").write_text("not listed")
    parcel = parcel_of(str(tiny), original.sha256)
    depot = Depot(tmp_path)
    depot.add(original.sha256, parcel)
    depot.add(original.sha256, parcel)
    folder = Path(depot.locate(original.sha256, "anything"))
    assert folder.is_relative_to(tmp_path)
    copy = open_bundle(folder)
    assert copy.sha256 == original.sha256
    for name in copy.manifest.files:
        assert (folder / name).read_bytes() == (tiny / name).read_bytes()
    assert not (folder / "notes.txt").exists()
    depot.close()
    assert list(tmp_path.iterdir()) == []


def test_another_version_is_not_sent_in_its_place(tiny: Path, tmp_path: Path) -> None:
    old = open_bundle(tiny).sha256
    folder = write_tiny_bundle(tmp_path / "tiny", version="9.9.9")
    with pytest.raises(BundleError, match="another version"):
        parcel_of(str(folder), old)
    sha256 = open_bundle(folder).sha256
    (folder / "body.onnx").write_bytes((folder / "hair.onnx").read_bytes())
    with pytest.raises(BundleError, match=r"body.onnx: has changed"):
        parcel_of(str(folder), sha256)
    (folder / "body.onnx").unlink()
    with pytest.raises(BundleError, match=r"body.onnx"):
        parcel_of(str(folder), sha256)
    shutil.rmtree(folder)
    with pytest.raises(BundleError, match="no such folder"):
        parcel_of(str(folder), sha256)


def test_what_is_too_large_is_not_sent(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "MOST_BYTES", 1000)
    with pytest.raises(BundleError, match="too much"):
        parcel_of(str(tiny), open_bundle(tiny).sha256)


@pytest.mark.parametrize("name", ["../out.onnx", "/etc/out", "a/../../out", ".hidden"])
def test_no_file_of_a_parcel_leaves_its_folder(tmp_path: Path, name: str) -> None:
    depot = Depot(tmp_path)
    with pytest.raises(BundleError, match="not a plain path"):
        depot.add("0" * 64, msgpack.packb({name: b"x"}))
    assert list(depot.folder.iterdir()) == []
    depot.close()


@pytest.mark.skipif(private_folder.fcntl is None, reason="this system has no such locks")
def test_depots_of_killed_processes_are_removed_by_the_next_one(tmp_path: Path) -> None:
    code = "import os, pathlib; from vcg_bridge.server.parcels import Depot; d = Depot(pathlib.Path({!r})); print(d.folder); os._exit(9)"
    done = subprocess.run([sys.executable, "-c", code.format(str(tmp_path))], capture_output=True, text=True)
    dead = Path(done.stdout.strip())
    assert dead.is_dir()
    made = tmp_path / f"{new_prefix(parcels._PREFIX)}x"  # one that is just being made by somebody else
    other = tmp_path / "vcg-other"
    for folder in (made, other):
        folder.mkdir()
    alive = Depot(tmp_path)
    assert not dead.exists()
    Depot(tmp_path).close()
    assert set(tmp_path.iterdir()) == {alive.folder, made, other}
    alive.close()


def test_a_depot_holds_the_latest_used_versions(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server gets new versions for months, and the folder is on somebody else's machine."""
    monkeypatch.setattr(parcels, "KEPT", 2)
    parcel = msgpack.packb({"file": b"x"})
    depot = Depot(tmp_path)
    depot.add("a" * 64, parcel)
    depot.add("b" * 64, parcel)
    depot.locate("a" * 64, "anything")
    depot.add("c" * 64, parcel)
    assert depot.versions == ("a" * 64, "c" * 64)
    assert {folder.name for folder in depot.folder.iterdir()} == set(depot.versions)
    depot.add("b" * 64, parcel)
    assert (Path(depot.locate("b" * 64, "anything")) / "file").read_bytes() == b"x"
    depot.close()
