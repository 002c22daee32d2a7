"""The frozen in-domain feature network of a pack: found, or trained once and kept, and pinned by its hash.

Figures of two evaluations may be compared only when they name the same hash. For LPC Revised the file is part of the kit
(`features-lpc-revised.npz`); for any other pack `evaluate` trains it once and keeps it beside the pack. An npz of half-precision arrays, no pickle.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.errors import TrainingError
from training.evaluation.network import FeatureNet, Space, as_input, random_weights, space
from training.evaluation.render import palettes, render
from training.evaluation.train_features import Drawn, Recipe, held_views, item_logits, train
from training.files import write_with
from training.layers.data import group_data
from training.packs.neutral import Pack

FEATURES_VERSION = 1
"""1: first. Counts up with every change to the rendering, the network or the recipe: a file of another version is not read."""

SHIPPED = Path(__file__).with_name("features-lpc-revised.npz")
RANDOM_SEED = 20261124
"""Seed of the random feature network. Never changes within a version."""

META = "meta"


@dataclass(frozen=True, eq=False)
class InDomain:
    """The trained network of a pack: a feature space, and an answer to "which item is this"."""

    space: Space
    weights: Mapping[str, Tensor]  # with the item head
    first: Mapping[str, int]  # group -> number of its first item in the head
    recipe: Recipe
    source: str  # "shipped", "kept beside the pack" or "trained now"

    def logits(self, pictures: NDArray[np.uint8], group: str, items: int, batch: int = 512) -> NDArray[np.float32]:
        """float32 [N, items]: how much each rendered drawing looks like each item of its group."""
        first, found = self.first[group], [np.zeros((0, items), np.float32)]
        with torch.no_grad():
            for start in range(0, len(pictures), batch):
                raw = self.space.net(as_input(pictures[start : start + batch])).numpy()
                found.append(item_logits(self.weights, raw)[:, first : first + items])
        return np.concatenate(found)


def drawings_of(pack: Pack, seed: int) -> Drawn:
    """Every drawing of a pack, rendered, in the order of groups and pairs."""
    pictures, items, views, held, groups = [], [], [], [], []
    first_item = first_view = 0
    for number, group in enumerate(pack.groups):
        data = group_data(pack, group.id, 0)
        item, view = data.pairs.T
        pictures.append(render(palettes(pack, data), data.planes.numpy()[item, view], item))
        items.append(first_item + item)
        views.append(first_view + view)
        held.append(held_views(group.id, data.views, seed)[view])
        groups.append(np.full(len(data.items), number))
        first_item += len(data.items)
        first_view += data.views
    return Drawn(*(np.concatenate(x) for x in (pictures, items, views, held, groups)))


def in_domain(
    pack: Pack,
    pack_dir: Path,
    pack_sha256: str,
    recipe: Recipe | None = None,
    said: Callable[[float], None] | None = None,
) -> InDomain:
    """The network of this pack: the shipped one, the one kept beside the pack, or else one trained now and kept there."""
    recipe = recipe or Recipe()
    drawn = drawings_of(pack, recipe.seed)
    kept = pack_dir / f"features-{FEATURES_VERSION}.npz"
    for path, source in ((SHIPPED, "shipped"), (kept, "kept beside the pack")):
        if path.is_file() and _matches(path, pack_sha256, recipe):
            return _read(path, pack, drawn, recipe, source)
    weights = train(drawn, recipe, said or (lambda share: None))
    meta = {"version": FEATURES_VERSION, "pack_sha256": pack_sha256, "recipe": asdict(recipe)}
    arrays = {name: value.numpy() for name, value in weights.items()}

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez_compressed(file, **{META: np.array(json.dumps(meta))}, **arrays)  # type: ignore[arg-type]

    write_with(kept, write)
    return _read(kept, pack, drawn, recipe, "trained now")


def random_space(pack: Pack) -> Space:
    """The random feature network, standardised on this pack."""
    weights = random_weights(RANDOM_SEED)
    digest = hashlib.sha256(b"".join(v.numpy().tobytes() for v in weights.values())).hexdigest()
    return space("random", weights, drawings_of(pack, 0).pictures, digest)


def _matches(path: Path, pack_sha256: str, recipe: Recipe) -> bool:
    try:
        with np.load(path, allow_pickle=False) as file:
            meta = json.loads(str(file[META]))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise TrainingError(f"{path} is no file of features: {error}", hint="delete it; it is made again") from None
    expected = {"version": FEATURES_VERSION, "pack_sha256": pack_sha256, "recipe": asdict(recipe)}
    return bool(meta == expected)


def _read(path: Path, pack: Pack, drawn: Drawn, recipe: Recipe, source: str) -> InDomain:
    with np.load(path, allow_pickle=False) as file:
        names = [*FeatureNet().state_dict(), "items.weight", "items.bias"]
        weights = {name: torch.from_numpy(np.asarray(file[name])) for name in names}
    weights = {k: v.float() if v.is_floating_point() else v for k, v in weights.items()}
    first, at = {}, 0
    for group in pack.groups:
        first[group.id] = at
        at += len(group.items)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    trained = {k: v for k, v in weights.items() if not k.startswith("items.")}
    return InDomain(space("in-domain", trained, drawn.pictures, digest), weights, first, recipe, source)
