"""The training data of one view group, and a sampler whose every draw depends only on (seed, step).

Because nothing about sampling is remembered except the error table in the checkpoint, a resumed run draws what the unbroken one would have drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.packs.neutral import Pack


@dataclass(frozen=True)
class GroupData:
    """All drawings of one view group."""

    id: str
    planes: Tensor  # uint8 [items, views, h, w]
    pairs: NDArray[np.int64]  # [P, 2]: (item, view) that the art has and training may see
    heldout: NDArray[np.int64]  # [Q, 2]: known pairs of trained items, kept back
    weight: NDArray[np.int64]  # [views]: poses that show a view
    items: tuple[tuple[str, str], ...]  # (layer, item) of each row
    mixable: NDArray[np.int64]  # [M, 2]: pairs of rows of one layer, kind and body, that may be mixed
    classes: int
    frame_pixels: int  # of the largest frame that shows it: what exactness is a share of
    heldout_items: NDArray[np.int64]  # rows of items that training never sees

    @property
    def unseen(self) -> NDArray[np.int64]:
        """[R, 2]: (item, view) pairs of the held-out items."""
        opaque = self.planes.flatten(2).any(2).numpy()
        every = [(i, v) for i in self.heldout_items.tolist() for v in np.flatnonzero(opaque[i]).tolist()]
        return np.array(every, np.int64).reshape(-1, 2)

    @property
    def views(self) -> int:
        """Number of views."""
        return int(self.planes.shape[1])


def group_data(pack: Pack, group_id: str, seed: int, heldout: float = 0.0, heldout_items: float = 0.0) -> GroupData:
    """Gather one group of a pack. What is held out is chosen by (seed, group): whole items of pools of three and more, and whole pairs
    of the others."""
    group = pack.group(group_id)
    rows = {key: i for i, key in enumerate(group.items)}
    by_key = {(item.layer, item.id): item for item in pack.items}
    mixable = [
        (rows[a], rows[b])
        for a in group.items
        for b in group.items
        if a < b and a[0] == b[0] and by_key[a].kind == by_key[b].kind and by_key[a].body == by_key[b].body
    ]
    partners = np.bincount(np.array(mixable, np.int64).ravel(), minlength=len(rows))
    rich = np.flatnonzero(partners >= 2)
    rng = np.random.default_rng([seed, *group_id.encode()])
    out = np.sort(rng.permutation(rich)[: round(heldout_items * len(rich))]) if heldout_items else rich[:0]
    pairs = np.argwhere(group.known)
    pairs = pairs[~np.isin(pairs[:, 0], out)]
    kept = np.sort(rng.permutation(len(pairs))[: round(heldout * len(pairs))])
    mask = np.ones(len(pairs), bool)
    mask[kept] = False
    return GroupData(
        id=group_id,
        planes=torch.from_numpy(np.ascontiguousarray(group.planes)),
        pairs=pairs[mask],
        heldout=pairs[~mask],
        weight=group.poses_per_view.astype(np.int64),
        items=tuple(group.items),
        mixable=np.array([x for x in mixable if not np.isin(x, out).any()], np.int64).reshape(-1, 2),
        classes=group.classes,
        frame_pixels=max(pack.layer(layer).frame_size for layer, _ in group.members) ** 2,
        heldout_items=out,
    )


def sample_pairs(
    data: GroupData, errors: NDArray[np.float32], batch: int, hard_share: float, seed: int, step: int
) -> NDArray[np.int64]:
    """Indices [batch] into `data.pairs`: a share by last seen error, the rest evenly."""
    rng = np.random.default_rng([seed, step, 1])
    hard = round(batch * hard_share)
    weight = errors.astype(np.float64) + 1e-4
    cumulated = np.cumsum(weight)
    picked = np.searchsorted(cumulated, rng.random(hard) * cumulated[-1], side="right")
    even = rng.integers(0, len(errors), batch - hard)
    return np.minimum(np.concatenate([picked, even]), len(errors) - 1)


def initial_codes(data: GroupData, z_dim: int, seed: int) -> Tensor:
    """Style codes float32 [items, z_dim] to start from: principal components of the drawings, so that like items start near each other.

    The remaining numbers are small noise. Each layer of the group is centred by itself.
    """
    planes = data.planes.numpy()
    known = np.zeros(planes.shape[:2], bool)
    known[data.pairs[:, 0], data.pairs[:, 1]] = True
    features = np.concatenate(
        [((planes > 0) * known[:, :, None, None]).reshape(len(planes), -1), (planes >= 4).reshape(len(planes), -1)], 1
    ).astype(np.float32)
    features -= features.mean(0)
    gram = (features @ features.T).astype(np.float64)
    values, vectors = np.linalg.eigh(gram)
    order = np.argsort(values)[::-1][: min(z_dim, len(values))]
    vectors = vectors[:, order]
    # eigenvectors have no sign of their own: fix it, or two machines start from mirrored codes
    vectors *= np.where(vectors[np.abs(vectors).argmax(0), np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
    scale = np.sqrt(np.maximum(values[order], 0))
    codes = np.random.default_rng([seed, *data.id.encode()]).normal(0, 0.3, (len(planes), z_dim))
    strength = scale / max(scale.max(initial=0.0), 1e-9)
    codes[:, : len(order)] += vectors * np.sqrt(len(planes)) * (0.4 + 0.6 * strength)
    return torch.from_numpy(codes.astype(np.float32))
