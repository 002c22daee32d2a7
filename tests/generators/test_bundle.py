"""Bundles are found by name or folder, installed whole or not at all, and every fault is one clear error."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.contract.errors import BundleError, OutputError
from vcg_bridge.generators.bundle import add_bundle, list_bundles, open_bundle, user_folder


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "user" / "bundles"
    monkeypatch.setenv("VCG_BUNDLES", str(folder))
    return folder


def test_a_bundle_is_added_found_and_listed(user: Path, tiny_folder: Path) -> None:
    assert user_folder() == user
    (tiny_folder / "notes.txt").write_text("not in the manifest")
    try:
        added = add_bundle(tiny_folder)
    finally:
        (tiny_folder / "notes.txt").unlink()
    assert added.folder == user / "tiny"
    assert not (added.folder / "notes.txt").exists()
    assert open_bundle("tiny").sha256 == added.sha256 == added.manifest.sha256
    assert open_bundle(tiny_folder).sha256 == added.sha256
    assert open_bundle(str(added.folder)).sha256 == added.sha256
    entry = next(x for x in list_bundles() if x.name == "tiny")
    assert (entry.folder, entry.embedded, entry.problem) == (user / "tiny", False, "")
    assert add_bundle(tiny_folder).folder == added.folder  # again: nothing to do
    assert [x.name for x in user.iterdir()] == ["tiny"]


def test_another_version_is_replaced_only_by_force(user: Path, tiny_folder: Path, tmp_path: Path) -> None:
    first = add_bundle(tiny_folder)
    other = write_tiny_bundle(tmp_path / "other", seed=5, version="0.2.0")
    with pytest.raises(BundleError, match=r"another version of 'tiny' is installed: 0\.1\.0"):
        add_bundle(other)
    assert open_bundle("tiny").sha256 == first.sha256
    assert add_bundle(other, force=True).manifest.version == "0.2.0"
    assert open_bundle("tiny").manifest.version == "0.2.0"
    assert [x.name for x in user.iterdir()] == ["tiny"]


def test_a_broken_bundle_is_not_added_and_leaves_nothing(user: Path, tmp_path: Path) -> None:
    broken = write_tiny_bundle(tmp_path / "broken")
    (broken / "hair.onnx").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"hair\.onnx"):
        add_bundle(broken)
    assert not user.exists()


def test_an_installed_bundle_that_broke_is_listed_with_its_problem(user: Path, tiny_folder: Path) -> None:
    add_bundle(tiny_folder)
    (user / "tiny" / "hair.onnx").unlink()
    entry = next(x for x in list_bundles() if x.name == "tiny")
    assert entry.manifest is None
    assert "hair.onnx" in entry.problem
    with pytest.raises(BundleError, match="missing"):
        open_bundle("tiny")
    with pytest.raises(BundleError, match="a broken bundle 'tiny' is installed"):
        add_bundle(tiny_folder)
    assert add_bundle(tiny_folder, force=True).sha256 == open_bundle("tiny").sha256


def test_an_unwritable_folder_is_an_output_error(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VCG_BUNDLES", str(tmp_path / "file" / "bundles"))
    with pytest.raises(OutputError, match="cannot be written"):
        add_bundle(tiny_folder)


def test_unknown_bundles_are_named(
    user: Path, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # so that no folder beside the checkout is meant
    add_bundle(tiny_folder)
    with pytest.raises(BundleError, match=r"no bundle named 'tinny'.*did you mean \"tiny\""):
        open_bundle("tinny")
    with pytest.raises(BundleError, match=r"not a bundle folder"):
        open_bundle(tmp_path / "nothing")
    with pytest.raises(BundleError):
        open_bundle("../tiny")
    with pytest.raises(BundleError):
        add_bundle(tmp_path)


def test_a_folder_of_another_name_is_refused(user: Path, tiny_folder: Path) -> None:
    shutil.copytree(tiny_folder, user / "renamed")
    with pytest.raises(BundleError, match="holds the bundle 'tiny', not 'renamed'"):
        open_bundle("renamed")
    assert next(x for x in list_bundles() if x.name == "renamed").problem
