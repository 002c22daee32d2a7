"""Readers of training pictures: what they give, what they leave out and say, and what they refuse."""

from __future__ import annotations

import contextlib
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from tests.training.images.image_art import blobs, idx_bytes, write_mnist, write_pngs
from tests.training.pack_art import draw_pack
from training.errors import TrainingError
from training.images.dataset import load_data, split
from training.images.folder import read_folder
from training.images.idx import read_idx, read_pair
from vcg_bridge.contract.errors import PackError

pytestmark = pytest.mark.training

ARRAYS = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6))


@given(ARRAYS, st.booleans())
def test_idx_round_trip(tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, packed: bool) -> None:
    path = tmp_path_factory.mktemp("idx") / "x"
    data = idx_bytes(array)
    path.write_bytes(gzip.compress(data) if packed else data)
    assert np.array_equal(read_idx(path), array)


@given(ARRAYS, st.booleans(), st.data())
def test_damaged_idx_is_one_clear_error(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, packed: bool, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("idx") / "x"
    good = idx_bytes(array)
    whole = gzip.compress(good) if packed else good
    cut = data.draw(st.integers(0, len(whole) - 1))
    path.write_bytes(whole[:cut])
    with pytest.raises(PackError) as error:
        read_idx(path)
    assert str(path) in str(error.value)
    assert error.value.hint
    path.write_bytes(whole + b"\0")
    if not packed:  # gzip ignores zeros behind its end
        with pytest.raises(PackError):
            read_idx(path)
    flipped = bytearray(whole)
    flipped[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(flipped))
    with contextlib.suppress(PackError):  # an altered pixel is no error; anything else must be this one
        read_idx(path)


@given(st.binary(max_size=200))
def test_garbage_never_gives_anything_but_pack_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    for start in (b"", b"\x1f\x8b", b"\0\0\x08\x03"):
        path = tmp_path_factory.mktemp("idx") / "x"
        path.write_bytes(start + data)
        try:
            array = read_idx(path)
        except PackError:
            continue
        assert idx_bytes(array) == start + data


def test_idx_headers_are_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(b"\0\0\x08\x03" + b"\xff" * 12)
    with pytest.raises(PackError, match="claims"):
        read_idx(path)
    path.write_bytes(b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0")
    with pytest.raises(PackError, match="type 0xd"):
        read_idx(path)
    with pytest.raises(PackError, match="cannot read"):
        read_idx(tmp_path / "none")


def test_labels_must_fit(tmp_path: Path) -> None:
    pictures, labels = blobs(4)
    (tmp_path / "i").write_bytes(idx_bytes(pictures))
    (tmp_path / "l").write_bytes(idx_bytes(labels[:3]))
    with pytest.raises(PackError, match="4 pictures"):
        read_pair(tmp_path / "i", tmp_path / "l")


def test_mnist_folder_holds_its_test_part_out(tmp_path: Path) -> None:
    data = load_data(write_mnist(tmp_path / "m"))
    assert (data.kind, data.pictures.shape, data.label_names) == ("gray", (250, 1, 8, 8), ("0", "1"))
    assert (len(data.train), len(data.heldout)) == (200, 50)
    batch = data.batch(data.train[:4])
    assert float(batch.min()) == -1.0
    assert float(batch.max()) > 0.4
    assert np.array_equal(data.shown(batch)[..., 0], data.pictures[data.train[:4], 0])


def test_a_folder_says_what_it_leaves_out(tmp_path: Path) -> None:
    folder = write_pngs(tmp_path / "p")
    (folder / "b.png").write_bytes((folder / "000.png").read_bytes()[:60])
    (folder / "c.png").write_text("no picture")
    Image.open(folder / "001.png").save(folder / "d.png", compress_level=0)
    Image.new("RGB", (8, 8), (9, 9, 9)).save(folder / "e.png")
    Image.new("RGBA", (9, 8), (0, 0, 0, 0)).save(folder / "f.png")
    Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8)).save(folder / "g.png")
    found = read_folder(folder)
    assert len(found.names) == 12
    assert found.pictures.shape == (12, 3, 8, 8)
    reasons = dict(found.dropped)
    assert sorted(reasons) == [f"{x}.png" for x in "bcdefg"]
    assert reasons["b.png"].startswith("corrupt")
    assert reasons["c.png"].startswith("corrupt")
    assert reasons["d.png"] == "duplicate of 001.png"
    assert reasons["e.png"].startswith("empty")
    assert reasons["f.png"] == "wrong size: 9x8, not 8x8"
    assert "8 bits" in reasons["g.png"]
    assert load_data(folder).dropped == found.dropped


def test_transparent_pictures_are_rgba_and_subfolders_are_labels(tmp_path: Path) -> None:
    write_pngs(tmp_path / "p/owls", 5, alpha=True, seed=6)
    write_pngs(tmp_path / "p/hats", 9, alpha=True)
    data = load_data(tmp_path / "p", heldout=0.25, seed=3)
    assert data.kind == "rgba"
    assert data.label_names == ("hats", "owls")
    assert data.labels.tolist() == [0] * 9 + [1] * 5
    assert len(data.heldout) == 4
    assert not set(data.train) & set(data.heldout)
    again = load_data(tmp_path / "p", heldout=0.25, seed=3)
    assert again.sha256 == data.sha256
    assert load_data(tmp_path / "p", heldout=0.25, seed=4).sha256 != data.sha256
    assert data.shown(data.batch(data.train)).shape == (10, 8, 8, 3)


def test_slot_pictures_hold_whole_items_out(tmp_path: Path) -> None:
    from training.packs.command import prepare_pack
    from training.packs.neutral import load_pack

    prepare_pack(draw_pack(tmp_path / "art"), tmp_path / "pack")
    data = load_data(tmp_path / "pack", "hair", heldout=0.5)
    group = load_pack(tmp_path / "pack").group("hair")
    assert data.kind == "slots"
    assert data.channels == group.classes
    assert len(data.pictures) == group.known.sum()
    item = np.argwhere(group.known)[:, 0]
    assert not set(item[data.train]) & set(item[data.heldout])
    batch = data.batch(data.train)
    assert np.array_equal(batch.argmax(1).numpy(), data.pictures[data.train, 0])
    assert data.shown(batch).shape == (len(data.train), data.height, data.width, 3)
    with pytest.raises(TrainingError, match='did you mean "hair"'):
        load_data(tmp_path / "pack", "hare")


@pytest.mark.parametrize(("items", "share", "held"), [(1, 0.9, 0), (10, 0.1, 1), (10, 1.0, 9), (10, 0.0, 0)])
def test_split_keeps_something_to_train_on(items: int, share: float, held: int) -> None:
    assert split(items, share, 0).sum() == held


def test_folders_without_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="no PNG files"):
        load_data(tmp_path)
    with pytest.raises(PackError, match="no folder"):
        load_data(tmp_path / "none")
    (tmp_path / "x.png").write_text("no picture")
    with pytest.raises(PackError, match="none of the 1 PNG"):
        load_data(tmp_path)
