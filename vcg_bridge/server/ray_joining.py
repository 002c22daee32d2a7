"""Joining a Ray cluster, or starting one of this machine alone, and what can draw there. For `ray_link` alone: it imports Ray."""

from __future__ import annotations

import contextlib
import os
import platform
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vcg_bridge import __version__
from vcg_bridge.contract.errors import ConfigError
from vcg_bridge.server.ray_actor import version

LOCAL = "local"
"""Instead of an address: a cluster of this machine alone, for as long as this process."""

_REACH_S = 5.0
_PROBE_S = 30.0  # for a machine of the cluster to say which version it has
_LOCAL_STORE_BYTES = 256 << 20  # of shared memory; Ray would take 30% of all
_START = "start one with `ray start --head`, and on other machines `ray start --address HOST:PORT`"


def connect(address: str, temporary: str) -> None:
    """Be a driver of that cluster. temporary: for the files of a local one. Raises ConfigError."""
    # Before Ray is imported: it reads them then.
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_AUTO_CONNECT": "0"}  # it would start clusters unasked
    if address == LOCAL:
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": os.urandom(32).hex()}
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            f"Ray is not installed here ({error})",
            hint="pip install 'vcg-bridge[ray]', the same version on all machines",
        ) from None
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    if address == LOCAL:
        ray.init(LOCAL, include_dashboard=False, object_store_memory=_LOCAL_STORE_BYTES, _temp_dir=temporary, **quiet)
        return
    _check_address(address, ray.util.get_node_ip_address)
    try:
        ray.init(address, **quiet)
    except Exception as error:
        raise ConfigError(_no_cluster(address, error), hint=_hint(error)) from None


def leave() -> None:
    """End being its driver, and with that all actors; end a local cluster. Does nothing where none was joined."""
    with contextlib.suppress(ImportError):
        import ray

        ray.shutdown()


def _check_address(address: str, here: Callable[[], str]) -> None:
    """Raises ConfigError where nothing can be there: Ray itself tries for minutes."""
    if address == "auto":
        return
    host, colon, port = address.rpartition(":")
    if "://" in address or not colon or not port.isdecimal():
        raise ConfigError(
            f"{address!r} is no address of a Ray cluster",
            hint="HOST:PORT as `ray start --head` prints it, auto (the cluster this machine belongs to), or local (one of this machine alone)",
        )
    try:
        # Ray listens at the machine's own address
        target = here() if host in ("localhost", "127.0.0.1", "::1", "[::1]") else host.strip("[]")
        socket.create_connection((target, int(port)), _REACH_S).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"there is no Ray cluster at {address} ({getattr(error, 'strerror', None) or error})", hint=_START
        ) from None


def _no_cluster(address: str, error: Exception) -> str:
    if address == "auto" and "any running Ray instance" in str(error):
        return "there is no Ray cluster on this machine"
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    where = "the Ray cluster of this machine" if address == "auto" else f"the Ray cluster at {address}"
    if _is_refusal(error):
        return f"{where} wants a token, and got none or a wrong one"
    return f"cannot join {where}: {last_line(cause)}"


def _is_refusal(error: Exception) -> bool:
    return "AuthenticationError" in f"{error} {error.__cause__}"


def _hint(error: Exception) -> str:
    if _is_refusal(error):
        return "set RAY_AUTH_MODE=token, and have the token of the cluster's head in ~/.ray/auth_token or RAY_AUTH_TOKEN_PATH"
    if "ersion mismatch" in f"{error} {error.__cause__}":
        return "install the same versions of Python and Ray on all machines"
    return (
        f"{_START}; the server's own machine has to be one of them (with --num-cpus 0 it draws nothing for the cluster)"
    )


def last_line(error: BaseException) -> str:
    """The gist of what Ray says in many lines, or of an exception in an actor."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:240]


@dataclass(frozen=True)
class Room:
    """What a cluster has for replicas."""

    replicas: int
    machines: int


def survey(gpus: bool) -> Room:
    """The machines that could draw. gpus: only those with one count. Raises ConfigError where VCG Bridge is missing or another version."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    unit = "GPU" if gpus else "CPU"
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get(unit, 0) >= 1]
    if not nodes:
        raise ConfigError(
            f"no machine of the Ray cluster has a {unit}",
            hint=f"add one: `ray start --address HOST:PORT` ({unit}s: `ray status`)",
        )
    task = ray.remote(version)
    probes = {
        task.options(
            num_cpus=0, max_retries=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(): str(node["NodeManagerAddress"])
        for node in nodes
    }  # fmt: skip
    done, _ = ray.wait(list(probes), num_returns=len(probes), timeout=_PROBE_S)
    wrong = {}
    for probe in done:
        try:
            found = ray.get(probe)
            problem = f"it has VCG Bridge {found}" if found != __version__ else ""
        except Exception as error:
            problem = last_line(error)
        if problem:
            wrong[probes[probe]] = problem
    if wrong:
        where, why = next(iter(wrong.items()))
        more = f", and {len(wrong) - 1} more machines" if len(wrong) > 1 else ""
        raise ConfigError(
            f"machines of the Ray cluster cannot draw: {where} ({why}){more}",
            hint=f"install VCG Bridge {__version__} there, in the Python that Ray runs with ({platform.python_version()})",
        )
    return Room(sum(int(node["Resources"][unit]) for node in nodes), len(nodes))
