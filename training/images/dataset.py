"""Training pictures of any origin in one form: gray, RGB, RGBA, or slot pictures (class maps of a pack's view group)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from training.errors import TrainingError
from training.images.folder import read_folder
from training.images.idx import find_idx, read_pair
from training.packs.neutral import PACK_FILE, load_pack
from vcg_bridge.contract.errors import PackError, near

KINDS = {1: "gray", 3: "rgb", 4: "rgba"}
BACKGROUND = 200
"""Gray behind transparent pixels in pictures for people."""


@dataclass(frozen=True, eq=False)
class ImageData:
    """Pictures with their labels, split into those trained on and those held out."""

    name: str
    kind: str  # "gray", "rgb", "rgba" or "slots"
    pictures: NDArray[np.uint8]  # [N, channels, height, width]; slots: classes [N, 1, height, width]
    labels: NDArray[np.int64]  # [N]; all 0 where there are none
    label_names: tuple[str, ...]  # () where there are none
    train: NDArray[np.int64]  # [n] rows of `pictures`
    heldout: NDArray[np.int64]
    classes: int = 0  # of slots, the transparent one included
    palette: NDArray[np.uint8] | None = None  # RGB [classes, 3] to show slots with
    dropped: tuple[tuple[str, str], ...] = ()  # (what was left out, reason)

    @property
    def channels(self) -> int:
        """Channels of what the networks see."""
        return self.classes if self.kind == "slots" else int(self.pictures.shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.pictures.shape[2])

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.pictures.shape[3])

    @property
    def sha256(self) -> str:
        """Hash of the pictures, labels and split: what a run is pinned to."""
        digest = hashlib.sha256(repr((self.kind, self.pictures.shape, self.classes, self.label_names)).encode())
        for array in (self.pictures, self.labels, self.train, self.heldout):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def batch(self, rows: NDArray[np.int64]) -> Tensor:
        """Pictures as networks see them, float32 [n, channels, height, width]: -1..1, or one-hot class maps."""
        picked = torch.from_numpy(self.pictures[rows])
        if self.kind == "slots":
            return F.one_hot(picked[:, 0].long(), self.classes).permute(0, 3, 1, 2).float()
        return picked.float() / 127.5 - 1

    def shown(self, pictures: Tensor) -> NDArray[np.uint8]:
        """Pictures of networks [n, channels, height, width] (slots: logits or class maps) for people, RGB [n, height, width, 3]."""
        x = pictures.detach().cpu()
        if self.kind == "slots":
            assert self.palette is not None
            return self.palette[x.argmax(1).numpy()]
        values = ((x.clamp(-1, 1) + 1) * 127.5).round().numpy().transpose(0, 2, 3, 1)
        if self.kind == "rgba":
            alpha = values[..., 3:] / 255
            values = values[..., :3] * alpha + BACKGROUND * (1 - alpha)
        rgb: NDArray[np.uint8] = np.broadcast_to(values.round(), (*values.shape[:3], 3)).astype(np.uint8)
        return rgb


def split(items: int, share: float, seed: int) -> NDArray[np.bool_]:
    """Which of so many items are held out: the same for the same seed; at least one stays."""
    order = np.random.default_rng([seed, 77]).permutation(items)
    held = np.zeros(items, bool)
    held[order[: min(round(items * share), items - 1)]] = True
    return held


def load_data(path: Path, group: str | None = None, heldout: float = 0.1, seed: int = 0) -> ImageData:
    """Pictures of a folder with IDX files, of a folder of PNGs, or of one view group of a prepared pack. Raises PackError or TrainingError."""
    if not path.is_dir():
        raise PackError(f"no folder {path}", hint="give a folder with PNGs, IDX files or a prepared pack")
    if (path / PACK_FILE).is_file():
        return slot_data(path, group, heldout, seed)
    if group is not None:
        raise TrainingError(f"--group {group}: {path} is no prepared pack", hint="leave --group out, or run `prepare`")
    return idx_data(path, heldout, seed) if find_idx(path, "train") else folder_data(path, heldout, seed)


def idx_data(path: Path, heldout: float = 0.1, seed: int = 0) -> ImageData:
    """MNIST and its relatives. Held out is the set's own test part where there is one. Raises PackError."""
    if not path.is_dir():
        raise PackError(f"no folder {path}", hint="Debian's package dataset-fashion-mnist has one")
    train, test = find_idx(path, "train"), find_idx(path, "t10k")
    if train is None:
        raise PackError(
            f"no IDX files in {path}", hint="train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz are looked for"
        )
    pictures, labels = read_pair(*train)
    held = split(len(pictures), heldout, seed)
    if test is not None:
        more, more_labels = read_pair(*test)
        if more.shape[1:] != pictures.shape[1:]:
            raise PackError(f"{test[0]} has pictures of {more.shape[1:]}, {train[0]} of {pictures.shape[1:]}")
        held = np.arange(len(pictures) + len(more)) >= len(pictures)
        pictures = np.concatenate([pictures, more])
        both = labels is not None and more_labels is not None
        labels = np.concatenate([labels, more_labels]) if both else None
    count = 0 if labels is None else int(labels.max()) + 1
    numbers = np.zeros(len(pictures), np.int64) if labels is None else labels.astype(np.int64)
    names = tuple(str(i) for i in range(count))
    return _data(path.resolve().name, pictures[:, None], numbers, names, held)


def folder_data(path: Path, heldout: float = 0.1, seed: int = 0) -> ImageData:
    """PNGs; where all lie in subfolders, the folder is the label. An item is a file. Raises PackError."""
    found = read_folder(path)
    names = tuple(sorted(set(found.labels)))
    numbers = np.array([names.index(x) for x in found.labels] or [0] * len(found.names), np.int64)
    held = split(len(found.names), heldout, seed)
    return _data(path.resolve().name, found.pictures, numbers, names if len(names) > 1 else (), held, found.dropped)


def slot_data(path: Path, group: str | None, heldout: float = 0.1, seed: int = 0) -> ImageData:
    """All drawings of a view group of a prepared pack, labelled by view; whole items are held out. Raises PackError, TrainingError."""
    from training.layers.pictures import class_colours  # brings the whole layer trainer, which pictures do not need

    pack = load_pack(path)
    ids = [g.id for g in pack.groups]
    if group not in ids:
        said = "--group is missing" if group is None else f"no group {group!r} in {path}"
        raise TrainingError(said, hint=(near(group, ids) if group else "") or f"there are: {', '.join(ids)}")
    chosen = pack.group(group)
    item, view = np.argwhere(chosen.known).T
    held = split(len(chosen.items), heldout if len(chosen.items) > 1 else 0.0, seed)[item]
    rows = np.arange(len(item))
    return ImageData(
        name=f"{pack.name}-{group}",
        kind="slots",
        pictures=np.ascontiguousarray(chosen.planes[item, view][:, None]),
        labels=view.astype(np.int64),
        label_names=tuple(str(v) for v in range(chosen.views)),
        train=rows[~held],
        heldout=rows[held],
        classes=chosen.classes,
        palette=_palette(class_colours(pack, *chosen.items[0]), chosen.classes),
    )


def _palette(rgba: NDArray[np.uint8], classes: int) -> NDArray[np.uint8]:
    palette = np.full((classes, 3), BACKGROUND, np.uint8)
    known = min(classes, len(rgba))
    palette[1:known] = rgba[1:known, :3]
    return palette


def _data(
    name: str,
    pictures: NDArray[np.uint8],
    labels: NDArray[np.int64],
    label_names: tuple[str, ...],
    held: NDArray[np.bool_],
    dropped: tuple[tuple[str, str], ...] = (),
) -> ImageData:
    rows = np.arange(len(pictures))
    kind = KINDS[int(pictures.shape[1])]
    return ImageData(name, kind, pictures, labels, label_names, rows[~held], rows[held], dropped=dropped)
