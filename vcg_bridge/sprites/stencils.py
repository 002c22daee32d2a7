"""Stencils: drawn views as palette slots, cleaned, and where they are opaque. What several characters share is made once."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from vcg_bridge.contract.character import Plane

Stencil = tuple[Plane, NDArray[np.bool_]]
"""Slots of one drawn view, and where it is opaque."""

ENTRY_BYTES = 500
"""What an entry costs beside its pixels."""


class StencilCache:
    """Of views that are drawn once and shown by many characters. The least used go first. For one bundle and one thread.

    A view is known by its array, which is kept as long as its stencil: generators give the same array for the same view as
    long as they remember it.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes, self.bytes = max_bytes, 0
        self._entries: OrderedDict[tuple[str, str, int], tuple[Plane, Stencil]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, layer: str, part: str, classes: Plane) -> Stencil | None:
        """The stencil of a view of that part."""
        key = (layer, part, id(classes))
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[1]

    def put(self, layer: str, part: str, classes: Plane, stencil: Stencil) -> None:
        """Remember it. The arrays are kept as they are, read-only."""
        for array in stencil:
            array.setflags(write=False)
        self._entries[layer, part, id(classes)] = classes, stencil
        self.bytes += _size(classes, stencil)
        while self.bytes > self._max_bytes:
            self.bytes -= _size(*self._entries.popitem(last=False)[1])


def _size(classes: Plane, stencil: Stencil) -> int:
    return classes.nbytes + stencil[0].nbytes + stencil[1].nbytes + ENTRY_BYTES
