"""Who draws for a server: how many replicas there may be, what each of them has, and where they run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vcg_bridge.contract.messages import Limits
from vcg_bridge.generators.session import default_threads
from vcg_bridge.server.config import MOST_RAY_WORKERS, MOST_WORKERS, NICE, ServerConfig
from vcg_bridge.server.crew import Crew, Replica
from vcg_bridge.server.orders import Settings
from vcg_bridge.server.processes import ProcessReplica
from vcg_bridge.server.ray_replicas import RayCluster
from vcg_bridge.server.shelf import Shelf
from vcg_bridge.server.trace import Trace
from vcg_bridge.server.worker import Worker

GPU = "CUDA_VISIBLE_DEVICES"
"""What a process sees of the GPUs: one, so that its session takes that one."""

JOBS_EACH = 16
"""Unfinished jobs of one client for each replica of a cluster: a batch of single characters has to keep them all busy."""

MOST_JOBS = 512

RAY_SHARES = 4
"""A replica of a cluster has the part of `cache_bytes` that one of so many on this machine has."""


def crew_of(
    config: ServerConfig, shelf: Shelf, worker: Worker, notify: Callable[[], None], trace: Trace | None
) -> Crew:
    """The crew that the configuration asks for. No replica is started yet; a cluster is joined. Raises ConfigError."""
    if config.ray is not None:
        return _crew_of_ray(config, config.ray, shelf, worker, notify, trace)
    most = most_workers(config, next(iter(shelf.current.values())).generator.device)

    def recruit(name: str) -> Replica:
        taken = {replica.environment.get(GPU) for replica in crew.replicas if isinstance(replica, ProcessReplica)}
        gpu = next((gpu for gpu in config.gpus[1:] if gpu not in taken), "")
        environment = {GPU: gpu} if gpu else {}
        return ProcessReplica(name, settings_of(config, shelf, most), shelf.folder, notify, environment)

    crew = Crew(worker, recruit, most, trace=trace)
    return crew


def _crew_of_ray(
    config: ServerConfig, address: str, shelf: Shelf, worker: Worker, notify: Callable[[], None], trace: Trace | None
) -> Crew:
    cluster = RayCluster(address, config.device, notify)
    most = config.workers or min(MOST_RAY_WORKERS, cluster.room)

    def recruit(name: str) -> Replica:
        # Each has one CPU or GPU of its machine, and as much memory as one of those of a machine of its own.
        settings = settings_of(config, shelf, RAY_SHARES)
        device = "cuda" if config.device == "cuda" else "cpu"
        return cluster.recruit(name, replace(settings, device=device, threads=1, nice=0), shelf.folder)

    return Crew(worker, recruit, most, at_once=True, dismiss=cluster.close, trace=trace)


def limits_of(config: ServerConfig, crew: Crew) -> Limits:
    """What one client is allowed: where a cluster draws, so many jobs that all of it has something to do."""
    limits = config.limits
    if config.ray is None:
        return limits
    return replace(limits, jobs=max(limits.jobs, min(MOST_JOBS, JOBS_EACH * crew.most)))


def most_workers(config: ServerConfig, device: str) -> int:
    """Replicas there may be. On a GPU none, unless they were asked for: they would share it, each with a copy of everything."""
    if config.workers is not None:
        return config.workers
    if config.gpus:
        return len(config.gpus) - 1
    cores = config.threads or default_threads()
    return min(cores, max(4, cores // 2), MOST_WORKERS) if device == "cpu" else 0


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
