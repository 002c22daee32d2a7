"""The bundles that are served: opened, renewed while they serve, unloaded when memory is short.

Every version has a Studio of its own, known by the sha256 of its manifest. Jobs keep the version they began with; new ones get the
newest. A new version is opened, checked and loaded in a thread beside, and put up only when all of that worked.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from vcg_bridge.contract.errors import ConfigError, VcgError
from vcg_bridge.contract.manifest import MANIFEST_FILE
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.server.config import ServerConfig
from vcg_bridge.server.studio import Studio

log = logging.getLogger("vcg_bridge.server")

LOOK_S = 2.0
"""How often it is looked whether a bundle has changed on disk."""

AGAIN_S = 10.0
"""How soon a version that could not be put up is tried again: it may still be copied."""


class Shelf:
    """All studios. Owned by the server's thread, but for `get` and `use`, which the worker calls."""

    def __init__(self, config: ServerConfig, notify: Callable[[], None]) -> None:
        """Opens every bundle. notify: called from another thread when a new version is ready to be put up.

        Raises BundleError, DeviceError, ConfigError.
        """
        self._config, self._notify = config, notify
        self._all: dict[str, Studio] = {}  # by sha256 of the manifest
        self._sources: dict[str, str] = {}  # name of the bundle -> what was given: a name or a folder
        self._stamps: dict[str, int] = {}  # name -> when its manifest was written, as far as it was looked at
        self.current: dict[str, Studio] = {}
        """By name of the bundle, the default first."""
        self._retired: dict[str, float] = {}  # sha256 -> s, since when no job needs it
        self._ready: list[tuple[str, Studio]] = []
        self._lock = threading.Lock()
        self._loading: threading.Thread | None = None
        self._looked, self._failed_at = 0.0, float("-inf")
        self._complaints: dict[str, str] = {}
        self._used: OrderedDict[str, None] = OrderedDict()  # that hold networks, the latest used last
        try:
            for source in config.bundles:
                studio = self._open(source)
                name = studio.manifest.name
                if name in self.current:
                    studio.close()
                    raise ConfigError(f"there are two bundles named {name!r}", hint="serve one of them")
                self._put(studio)
                self._sources[name] = source
                self._stamps[name] = _stamp(studio.bundle.folder)
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[Studio]:
        return iter(tuple(self._all.values()))

    @property
    def most_loaded(self) -> int:
        """Bundles whose networks may be in memory at once."""
        return self._config.loaded

    def get(self, sha256: str) -> Studio:
        """The studio of that version."""
        return self._all[sha256]

    def folder(self, sha256: str) -> str:
        """Where the bundle of that version is, or was."""
        return str(self._all[sha256].bundle.folder)

    def has(self, sha256: str) -> bool:
        """Whether that version can still be drawn with."""
        return sha256 in self._all

    def use(self, sha256: str) -> Studio:
        """The studio of that version, which is about to draw. Those that were not used for longest are unloaded if there are too many.

        But not versions that have been replaced: their files are gone, and the jobs that began with them could not be finished.
        """
        too_many = []
        with self._lock:
            self._used[sha256] = None
            self._used.move_to_end(sha256)
            loaded = [other for other in self._used if other not in self._retired]
            for other in loaded[: max(0, len(loaded) - self._config.loaded)]:
                del self._used[other]
                too_many.append(self._all.get(other))
        for studio in too_many:
            if studio is not None:
                log.info("bundle %s %s unloaded", studio.manifest.name, studio.manifest.version)
                studio.generator.unload()
        return self._all[sha256]

    def _open(self, source: str) -> Studio:
        config = self._config
        bundle = open_bundle(source)
        studio = Studio(bundle, config.device, config.threads, config.own_cache_bytes)
        generator = studio.generator
        log.info(
            "bundle %s %s on %s, %d threads%s", bundle.manifest.name, bundle.manifest.version, generator.device,
            generator.threads, f" ({generator.device_note})" if generator.device_note else "",
        )  # fmt: skip
        return studio

    def _put(self, studio: Studio) -> None:
        self._all[studio.manifest.sha256] = studio
        self.current[studio.manifest.name] = studio

    # renewing

    def look(self, now: float, needed: Collection[str], *, all_of_them: bool = False) -> None:
        """Begin to open what has changed on disk; close what is retired. needed: versions that unfinished jobs began with."""
        self._close_retired(now, needed)
        if self._loading is not None and self._loading.is_alive():
            return
        if not all_of_them and now - self._looked < LOOK_S:
            return
        self._looked = now
        again = now - self._failed_at >= AGAIN_S
        changed = []
        for name, studio in self.current.items():
            stamp = _stamp(studio.bundle.folder)
            if all_of_them or stamp != self._stamps[name] or (again and name in self._complaints):
                self._stamps[name] = stamp
                changed.append(name)
        if changed:
            self._failed_at = now
            self._loading = threading.Thread(target=self._load, args=(changed,), name="vcg-reload", daemon=True)
            self._loading.start()

    def _load(self, names: list[str]) -> None:
        for name in names:
            try:
                found = open_bundle(self._sources[name])
                if found.manifest.name != name:
                    raise ConfigError(f"{found.folder} holds {found.manifest.name!r} now, not {name!r}")
                if found.sha256 == self.current[name].manifest.sha256:
                    self._complaints.pop(name, None)
                    continue
                studio = self._open(self._sources[name])
                studio.warm_up()
                self._complaints.pop(name, None)
                with self._lock:
                    self._ready.append((name, studio))
                self._notify()
            except VcgError as error:
                self._complain(name, str(error))
            except Exception as error:
                self._complain(name, f"{type(error).__name__}: {error}")

    def _complain(self, name: str, why: str) -> None:
        if self._complaints.get(name) != why:
            log.error("bundle %s has changed, but the old version goes on serving: %s", name, why)
        self._complaints[name] = why

    @property
    def complaints(self) -> dict[str, str]:
        """Bundles whose new version could not be put up, and why."""
        return dict(self._complaints)

    def put_up(self, now: float) -> bool:
        """Let new jobs have the versions that are ready. Returns whether there were any."""
        with self._lock:
            ready, self._ready = self._ready, []
        for name, studio in ready:
            old, sha256 = self.current[name], studio.manifest.sha256
            known = self._all.get(sha256)
            if known is not None:  # an earlier version is back, or it was looked at again before this one was put up
                studio.close()
                studio = known
            if studio is old:
                continue
            self._put(studio)
            with self._lock:
                self._retired.pop(sha256, None)
                self._retired[old.manifest.sha256] = now
                self._used[sha256] = None
            log.warning(
                "bundle %s: version %s takes the place of %s", name, studio.manifest.version, old.manifest.version
            )
        return bool(ready)

    def _close_retired(self, now: float, needed: Collection[str]) -> None:
        linger_s = self._config.limits.forget_ms / 1000  # so long clients come back for what they began
        for sha256, since in list(self._retired.items()):
            if sha256 in needed:
                self._retired[sha256] = now
            elif now - since >= linger_s:
                studio = self._all.pop(sha256)
                with self._lock:
                    del self._retired[sha256]
                    self._used.pop(sha256, None)
                studio.close()
                log.info("bundle %s %s closed", studio.manifest.name, studio.manifest.version)

    def close(self) -> None:
        """End all."""
        if self._loading is not None:
            self._loading.join(5.0)
        for _, studio in self._ready:
            studio.close()
        for studio in self._all.values():
            studio.close()


def _stamp(folder: Path) -> int:
    try:
        return (folder / MANIFEST_FILE).stat().st_mtime_ns
    except OSError:
        return 0
