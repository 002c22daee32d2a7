"""A bounded store of drawn views: the least recently used go first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ENTRY_BYTES = 400
"""What an entry costs beside its pixels: key, array header, table cell."""


class ViewKey(NamedTuple):
    """All that the classes of a drawn view depend on, within one bundle."""

    network: str
    code: bytes  # float32 [z_dim]
    view: int
    classes: int  # only the first ones may be chosen


@dataclass(frozen=True)
class DrawnView:
    """One view of a layer part."""

    classes: NDArray[np.uint8]  # [height, width] of the network's window, read-only
    empty: bool  # nothing shows
    margin: float  # smallest logit distance over its pixels
    redrawn: bool  # it was doubtful and drawn again in double precision

    @cached_property
    def mirrored(self) -> NDArray[np.uint8]:
        """The classes with left and right exchanged: one array however often it is asked for."""
        mirrored = np.ascontiguousarray(self.classes[:, ::-1])
        mirrored.setflags(write=False)
        return mirrored


@dataclass(frozen=True)
class CacheInfo:
    """How the cache is doing."""

    hits: int
    misses: int
    entries: int
    bytes: int
    max_bytes: int


class ViewCache:
    """Thread-safe."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes, self._bytes, self._hits, self._misses = max_bytes, 0, 0, 0
        self._views: OrderedDict[ViewKey, DrawnView] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: ViewKey) -> DrawnView | None:
        with self._lock:
            view = self._views.get(key)
            if view is None:
                self._misses += 1
            else:
                self._hits += 1
                self._views.move_to_end(key)
            return view

    def put(self, key: ViewKey, view: DrawnView) -> None:
        with self._lock:
            if key not in self._views:
                self._views[key] = view
                self._bytes += _size(key, view)
            while self._bytes > self._max_bytes:
                self._bytes -= _size(*self._views.popitem(last=False))

    def clear(self) -> None:
        with self._lock:
            self._views.clear()
            self._bytes = 0

    def info(self) -> CacheInfo:
        with self._lock:
            return CacheInfo(self._hits, self._misses, len(self._views), self._bytes, self._max_bytes)


def _size(key: ViewKey, view: DrawnView) -> int:
    return 2 * view.classes.nbytes + len(key.code) + ENTRY_BYTES  # twice: mirrored ones may come to it
