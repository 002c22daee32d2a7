"""Who draws for a server: how many replicas there may be, what each of them has, and where they run."""

from __future__ import annotations

from collections.abc import Callable

from vcg_bridge.generators.session import default_threads
from vcg_bridge.server.config import MOST_WORKERS, NICE, ServerConfig
from vcg_bridge.server.crew import Crew, Replica
from vcg_bridge.server.orders import Settings
from vcg_bridge.server.processes import ProcessReplica
from vcg_bridge.server.shelf import Shelf
from vcg_bridge.server.trace import Trace
from vcg_bridge.server.worker import Worker


def crew_of(
    config: ServerConfig, shelf: Shelf, worker: Worker, notify: Callable[[], None], trace: Trace | None
) -> Crew:
    """The crew that the configuration asks for. Nothing is started yet."""
    most = most_workers(config, next(iter(shelf.current.values())).generator.device)

    def recruit(name: str) -> Replica:
        return ProcessReplica(name, settings_of(config, shelf, most), shelf.folder, notify)

    return Crew(worker, recruit, most, trace=trace)


def most_workers(config: ServerConfig, device: str) -> int:
    """Replicas there may be. On a GPU none, unless they were asked for: they would share it, each with a copy of everything."""
    if config.workers is not None:
        return config.workers
    return min(MOST_WORKERS, config.threads or default_threads()) if device == "cpu" else 0


def settings_of(config: ServerConfig, shelf: Shelf, most: int) -> Settings:
    """Of one of `most` replicas."""
    return Settings(
        device=config.device,
        threads=max(1, (config.threads or default_threads()) // most),
        cache_bytes=max(1, (config.cache_bytes - config.own_cache_bytes) // most),
        loaded=config.loaded,
        limits=config.limits,
        bundles=tuple((sha256, shelf.folder(sha256)) for sha256 in (s.manifest.sha256 for s in shelf.current.values())),
        nice=NICE,
    )
