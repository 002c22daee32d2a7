"""Groups of drawings made by code: blocks whose height is the item, so that it is known what lies between."""

from __future__ import annotations

import numpy as np
import torch

from training.layers.data import GroupData

HEIGHTS = (4, 6, 8, 10, 12)


def blocks(views: int = 6, heldout: tuple[int, ...] = ()) -> GroupData:
    """Five items, blocks of two shades hanging from the top, HEIGHTS pixels long; a view is a width."""
    items, size = len(HEIGHTS), 16
    planes = np.zeros((items, views, size, size), np.uint8)
    for i, height in enumerate(HEIGHTS):
        for v in range(views):
            planes[i, v, 1 : 1 + height, 2 : 6 + v] = 1
            planes[i, v, height, 2 : 6 + v] = 2
    pairs = np.argwhere(np.ones((items, views), bool))
    seen = [i for i in range(items) if i not in heldout]
    return GroupData(
        id="blocks",
        planes=torch.from_numpy(planes),
        pairs=pairs[~np.isin(pairs[:, 0], heldout)],
        heldout=np.zeros((0, 2), np.int64),
        weight=np.arange(views, 0, -1),
        items=tuple(("coat", f"coat-{h:02}") for h in HEIGHTS),
        mixable=np.array([(a, b) for a in seen for b in seen if a < b], np.int64),
        classes=3,
        heldout_items=np.array(heldout, np.int64),
        frame_pixels=32 * 32,
    )
