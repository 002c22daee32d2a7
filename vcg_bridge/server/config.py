"""Settings and limits of a server, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.errors import ConfigError
from vcg_bridge.contract.messages import Limits

DEFAULT_TLS_ADDRESS = f"tls://{v.DEFAULT_HOST}:{v.DEFAULT_PORT + 1}"

CACHE_BYTES = 256 << 20
"""More than a generator's own default: a server draws the same layers for many characters."""

MOST_WORKERS = 16
"""Where nothing is said: each replica takes some 200 MB once it draws."""

MOST_RAY_WORKERS = 64
"""On the machines of a Ray cluster, where nothing is said: one thread sends what all of them draw."""

NICE = 10
"""How much replicas give way to other processes, the server's own threads among them."""


@dataclass(frozen=True)
class ServerConfig:
    """All that a server needs to know. The defaults serve the embedded bundle to this machine alone."""

    address: str = v.DEFAULT_ADDRESS  # tcp://HOST:PORT; port 0: the system chooses a free one
    bundles: tuple[str, ...] = ("",)  # names or folders; the first is the default, "" the embedded one
    device: str = "auto"  # auto, cpu, cuda
    threads: int | None = None  # that draw; None: as the generator decides
    workers: int | None = (
        None  # replicas beside the server's own threads; None: as the machine has cores, at most MOST_WORKERS
    )
    ray: str | None = (
        None  # the Ray cluster whose machines the replicas are on: HOST:PORT, auto, local; "" as Ray's RAY_ADDRESS says
    )
    gpus: tuple[
        str, ...
    ] = ()  # numbers or UUIDs as NVIDIA names them: the own threads have the first, a replica each other
    token: str = field(default="", repr=False)  # that clients must show in hello; "" none
    token_file: Path | None = None  # where `token` is from: it is read again when it changes; None: `token` stays
    curve_secret_key: str = field(default="", repr=False)  # 40 characters of Z85; "" the link is not encrypted
    known_clients: Path | None = None  # file of the public CURVE keys that may connect; None: any
    tls_certificate: Path | None = None  # PEM; None: no TLS front
    tls_key: Path | None = field(default=None, repr=False)  # PEM
    tls_address: str = DEFAULT_TLS_ADDRESS  # tls://HOST:PORT; port 0: the system chooses a free one
    metrics_address: str = ""  # http://HOST:PORT on loopback, for /metrics, /live and /ready; "" none
    trace: Path | None = None  # file for a time line of all requests
    limits: Limits = field(default_factory=Limits)  # of one client
    clients: int = 256  # connected at once
    requests_per_s: float = 200.0  # generate, describe and hello, of one client, in the long run
    requests_burst: int = 2000  # at once
    queue: int = 1000  # unfinished jobs of all clients
    held_bytes: int = 256 << 20  # drawn but not sent, of all jobs
    backlog_bytes: int = 4 << 20  # answers that a client does not take: above it the client is dropped
    remembered: int = 256  # ids of jobs that a session's retries are compared with
    loaded: int = 4  # bundles whose networks are in memory; more may be served
    cache_bytes: int = CACHE_BYTES  # drawn views, of each bundle; half of it is the replicas', where there are any
    step_ms: float = (
        150.0  # so long, about, a batch job draws before others get their turn; interactive ones interrupt it
    )
    early_ms: float = 150.0  # an interactive character that takes longer shows its first animation before the others
    together: int = 16  # jobs whose steps are drawn in one turn; 1: one request at a time
    step_characters: int = 16  # drawn at once in a batch
    grace_s: float = 10.0  # after SIGTERM: time for running jobs to finish

    @property
    def own_cache_bytes(self) -> int:
        """What the server's own threads have of `cache_bytes`."""
        return self.cache_bytes if self.workers == 0 else max(1, self.cache_bytes // 2)


def check_config(config: ServerConfig) -> ServerConfig:
    """The configuration, if its numbers make sense. Raises ConfigError. (What may be bound: `auth.check_address`.)"""
    counts = {
        "clients": config.clients, "queue": config.queue, "held_bytes": config.held_bytes,
        "backlog_bytes": config.backlog_bytes, "remembered": config.remembered, "cache_bytes": config.cache_bytes,
        "step_characters": config.step_characters, "together": config.together, "loaded": config.loaded, "requests_burst": config.requests_burst,
    }  # fmt: skip
    for name, value in counts.items():
        if value < 1:
            raise ConfigError(f"{name} is {value}; it must be 1 or more")
    least = 0 if config.ray is None else 1
    if config.workers is not None and not least <= config.workers <= 256:
        raise ConfigError(f"workers is {config.workers}; it must be {least} to 256")
    for name, number in {"grace_s": config.grace_s, "step_ms": config.step_ms, "early_ms": config.early_ms}.items():
        if not 0 <= number <= 3600_000:
            raise ConfigError(f"{name} is {number}; it must be 0 or more")
    if not 0 < config.requests_per_s <= 1e9:
        raise ConfigError(f"requests_per_s is {config.requests_per_s}; it must be above 0")
    if config.gpus and (config.device == "cpu" or config.ray is not None):
        raise ConfigError(
            "--gpus is for --device cuda on this machine",
            hint="a Ray cluster divides its GPUs among the replicas by itself",
        )
    if len(set(config.gpus)) < len(config.gpus):
        raise ConfigError("--gpus names one twice", hint="each has one generator: --gpus 0,1")
    if config.known_clients is not None and not config.curve_secret_key:
        raise ConfigError("known clients are known by their CURVE keys", hint="add --key-file")
    if (config.tls_certificate is None) != (config.tls_key is None):
        raise ConfigError("TLS takes a certificate and its key", hint="give two PEM files: --tls CERT KEY")
    if not config.bundles:
        raise ConfigError("there is no bundle to serve", hint="name one, or leave it out for the embedded one")
    if len(config.token.encode("utf-8", "replace")) > v.MAX_NAME_BYTES:
        raise ConfigError(f"the token is longer than {v.MAX_NAME_BYTES} bytes; no client could send it")
    return config
