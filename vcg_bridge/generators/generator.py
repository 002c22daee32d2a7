"""Drawing characters: from recipes and poses to placed layers, with ONNX Runtime.

All views that some characters need are gathered over layers, poses and characters, each drawn once in a batch with others
of its network, and kept in a bounded cache.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Lock
from types import TracebackType

import numpy as np

from vcg_bridge.contract.character import Drawing, DrawnPart, Placed, Pose
from vcg_bridge.contract.errors import BadRequest, DeviceError, near
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.recipe import Recipe
from vcg_bridge.contract.recipe_io import check_recipe
from vcg_bridge.generators.bundle import Bundle
from vcg_bridge.generators.cache import CacheInfo, DrawnView, ViewCache, ViewKey
from vcg_bridge.generators.rules import classes_of, code_of, visible_layers
from vcg_bridge.generators.session import DEVICES, LoadedNetwork, available_devices, default_threads

BATCH = 16
"""Views of one network that are drawn at once: enough to use the processor well, few enough to share among threads."""

CACHE_BYTES = 64 << 20


@dataclass(frozen=True)
class _Part:
    """A part that a character shows, with the key of each pose's view."""

    layer: str
    part: str
    z: int
    frame_size: int
    poses: tuple[tuple[Pose, ViewKey, int, int, bool], ...]  # pose, key, x, y, flip


def all_poses(manifest: Manifest, animations: Iterable[str] | None = None) -> tuple[Pose, ...]:
    """Every pose of the named animations (None: all), direction by direction. Raises BadRequest for unknown names."""
    chosen = manifest.animations if animations is None else [manifest.animation(x) for x in animations]
    return tuple(Pose(a.id, d, f) for a in chosen for d in a.directions for f in range(a.frames))


class Generator:
    """Draws characters of one bundle. Safe in threads; `close` it, or use it in a `with`, to end its threads."""

    def __init__(
        self,
        bundle: Bundle,
        device: str = "auto",  # auto: CUDA where it works, else the CPU
        threads: int | None = None,  # None: VCG_THREADS, else all cores
        cache_bytes: int = CACHE_BYTES,
        batch: int = BATCH,
    ) -> None:
        """Networks are loaded when first needed. Raises DeviceError for a device that is not there."""
        if device not in DEVICES:
            raise DeviceError(
                f"unknown device: {device!r}", hint=near(device, DEVICES) or f"one of {', '.join(DEVICES)}"
            )
        if threads is not None and threads < 1:
            raise DeviceError(f"threads must be 1 or more, not {threads}")
        self.bundle, self.manifest = bundle, bundle.manifest
        self.threads = threads or default_threads()
        self._cache, self._batch = ViewCache(cache_bytes), batch
        self._networks: dict[str, LoadedNetwork] = {}
        self._locks = {x.id: Lock() for x in self.manifest.networks}
        self._tables = {
            (layer.id, part.part): {name: table.tolist() for name, table in part.poses.items()}
            for layer in self.manifest.layers
            for part in layer.parts
        }
        self.device, self.device_note = self._choose(device)
        """The device in use, and why it is not the one that was hoped for ("" where it is)."""
        # On a GPU that draws, and a second thread decides what it drew.
        self._workers = self.threads if self.device == "cpu" else 2
        self._meter = time.thread_time if self.device == "cpu" else time.perf_counter
        self._spent_s, self._spending = 0.0, Lock()
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="vcg-draw")

    def _choose(self, device: str) -> tuple[str, str]:
        if device == "cpu":
            return "cpu", ""
        if "cuda" not in available_devices():
            problem = "the installed ONNX Runtime has no CUDA support"
            if device == "cuda":
                raise DeviceError(f"no CUDA device: {problem}", hint="install vcg-bridge[gpu], or use device cpu")
            return "cpu", problem
        self.device = "cuda"
        try:
            self._network(self.manifest.networks[0].id)  # only loading shows whether the GPU works
        except DeviceError as error:
            if device == "cuda":
                raise
            return "cpu", str(error)
        return "cuda", ""

    def __enter__(self) -> Generator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the drawing threads. Nothing can be drawn afterwards."""
        self._pool.shutdown(cancel_futures=True)

    def unload(self) -> None:
        """Free the networks and the cache; both come back when they are needed."""
        for network_id, lock in self._locks.items():
            with lock:
                self._networks.pop(network_id, None)
        self._cache.clear()

    def cache_info(self) -> CacheInfo:
        """Hits, misses and size of the cache of drawn views."""
        return self._cache.info()

    @property
    def work_ms(self) -> float:
        """How long the networks have drawn so far, were all threads always busy and alone on the machine.

        Taken from their processor time, on a GPU from the time that they waited for it: other work does not count.
        """
        return self._spent_s * 1000 / self._workers

    def warm_up(self, interrupted: Callable[[], bool] = lambda: False) -> bool:
        """Load every network now, so that the first character need not wait for it. Raises BundleError.

        Stops between two networks when `interrupted` says so. Returns whether all are loaded.
        """

        def load(network_id: str) -> bool:
            return not interrupted() and bool(self._network(network_id))

        return all(list(self._pool.map(load, self._locks)))

    def _network(self, network_id: str) -> LoadedNetwork:
        with self._locks[network_id]:
            if network_id not in self._networks:
                network = self.manifest.network(network_id)
                self._networks[network_id] = LoadedNetwork(self.bundle.folder, self.manifest, network, self.device)
            return self._networks[network_id]

    # drawing

    def draw(self, recipe: Recipe, poses: Sequence[Pose], tick: Callable[[], None] | None = None) -> Drawing:
        """The layers of one character in those poses; see `draw_many`."""
        return self.draw_many([(recipe, poses)], tick)[0]

    def draw_many(
        self, requests: Sequence[tuple[Recipe, Sequence[Pose]]], tick: Callable[[], None] | None = None
    ) -> list[Drawing]:
        """Draw several characters, sharing what they have in common.

        `tick` is called between batches; what it raises ends the drawing. Raises RecipeError for a recipe of another
        bundle, BadRequest for poses the bundle has not, BundleError, DeviceError.
        """
        plans = [self._plan(recipe, poses) for recipe, poses in requests]
        views = self._views({key for plan in plans for part in plan for _, key, *_ in part.poses}, tick)
        return [_drawing(recipe, plan, views) for (recipe, _), plan in zip(requests, plans, strict=True)]

    def needed_views(self, recipe: Recipe, poses: Sequence[Pose]) -> frozenset[ViewKey]:
        """The distinct views that drawing those poses takes, whether cached or not."""
        return frozenset(key for part in self._plan(recipe, poses) for _, key, *_ in part.poses)

    def _plan(self, recipe: Recipe, poses: Sequence[Pose]) -> list[_Part]:
        """Which view goes where, for every part that is seen."""
        manifest = self.manifest
        check_recipe(manifest, recipe)
        rows = [(pose, *self._row(pose)) for pose in dict.fromkeys(poses)]
        plan = []
        for layer_id in visible_layers(manifest, recipe):
            layer, choice = manifest.layer(layer_id), recipe.layers[layer_id]
            item = manifest.item(layer_id, choice.item)
            code, classes = code_of(manifest, choice, layer_id).tobytes(), classes_of(manifest, item)
            for part in layer.parts:
                if part.part not in item.parts:
                    continue
                table = self._tables[layer_id, part.part]
                keys: dict[int, ViewKey] = {}
                placed = []
                for pose, row in rows:
                    if pose.animation not in table:
                        continue
                    view, x, y, flip = table[pose.animation][row][pose.frame]
                    if view >= 0:
                        key = keys.get(view) or keys.setdefault(view, ViewKey(part.network, code, view, classes))
                        placed.append((pose, key, x, y, bool(flip)))
                z = item.z if item.z is not None and part.part == "front" else part.z
                plan.append(_Part(layer_id, part.part, z, layer.frame_size, tuple(placed)))
        return plan

    def _row(self, pose: Pose) -> tuple[int]:
        """The row of the pose's direction in pose tables."""
        animation = self.manifest.animation(pose.animation)
        if pose.direction not in animation.directions:
            known = ", ".join(animation.directions)
            raise BadRequest(f"{animation.id!r} has no direction {pose.direction!r}", hint=f"it has {known}")
        if not 0 <= pose.frame < animation.frames:
            raise BadRequest(f"{animation.id!r} has no frame {pose.frame}", hint=f"it has 0 to {animation.frames - 1}")
        return (animation.directions.index(pose.direction),)

    def _views(self, keys: set[ViewKey], tick: Callable[[], None] | None) -> dict[ViewKey, DrawnView]:
        """Those views, from the cache or drawn."""
        views: dict[ViewKey, DrawnView] = {}
        missing: dict[tuple[str, int], list[ViewKey]] = defaultdict(list)
        for key in sorted(keys):
            found = self._cache.get(key)
            if found is None:
                missing[key.network, key.classes].append(key)
            else:
                views[key] = found
        pending = {self._pool.submit(self._draw_batch, batch) for batch in _batches(missing.values(), self._batch)}
        try:
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    views.update(future.result())
                if tick is not None:
                    tick()
        except BaseException:
            _cancel(pending)
            raise
        return views

    def _draw_batch(self, keys: list[ViewKey]) -> dict[ViewKey, DrawnView]:
        """Draw views of one network and class count, and cache them."""
        began = self._meter()
        codes = np.stack([np.frombuffer(key.code, np.float32) for key in keys])
        numbers = np.array([key.view for key in keys], np.int64)
        decision = self._network(keys[0].network).draw(codes, numbers, keys[0].classes)
        views = {}
        for i, key in enumerate(keys):
            classes = decision.classes[i].copy()  # its own memory, or one view in the cache would hold the whole batch
            classes.setflags(write=False)
            views[key] = DrawnView(classes, not classes.any(), float(decision.margin[i]), bool(decision.doubtful[i]))
            self._cache.put(key, views[key])
        with self._spending:
            self._spent_s += self._meter() - began
        return views


def _batches(groups: Iterable[list[ViewKey]], most: int) -> Iterator[list[ViewKey]]:
    """Lists of at most `most` keys, evenly filled."""
    for keys in groups:
        count = -(-len(keys) // most)
        for i in range(count):
            yield keys[len(keys) * i // count : len(keys) * (i + 1) // count]


def _cancel(pending: set[Future[dict[ViewKey, DrawnView]]]) -> None:
    for future in pending:
        future.cancel()
    wait(pending)


def _drawing(recipe: Recipe, plan: list[_Part], views: Mapping[ViewKey, DrawnView]) -> Drawing:
    """Put the views in their places. Poses that show the same view share its array."""
    parts = []
    used: dict[ViewKey, DrawnView] = {}
    for part in plan:
        placed = {}
        for pose, key, x, y, flip in part.poses:
            view = used[key] = views[key]
            if view.empty:
                continue
            placed[pose] = Placed(x, y, view.mirrored if flip else view.classes)
        parts.append(DrawnPart(part.layer, part.part, part.z, part.frame_size, placed))
    margin = min((view.margin for view in used.values()), default=float("inf"))
    return Drawing(recipe, tuple(parts), margin, sum(view.redrawn for view in used.values()))
