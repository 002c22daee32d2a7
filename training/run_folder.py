"""The folder of a run: numbered, one process at a time, and what made it: environment.json, an entry for each start."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.devices import Device
from training.distributed import Parallel
from training.errors import TrainingError
from training.files import write_text

try:
    import fcntl
except ImportError:  # Windows: no lock there
    fcntl = None  # type: ignore[assignment]

ENVIRONMENT = "environment.json"
LOCK = "lock"


def numbered(out: Path, name: str) -> Path:
    """Make the next numbered folder in `out`: 00001-NAME, 00002-NAME ..."""
    out.mkdir(parents=True, exist_ok=True)
    taken = [int(p.name.split("-")[0]) for p in out.iterdir() if p.is_dir() and p.name.split("-")[0].isdigit()]
    folder = out / f"{max(taken, default=0) + 1:05d}-{name}"
    folder.mkdir()
    return folder


@contextmanager
def locked(folder: Path, wait_s: float | None = 0.0) -> Iterator[None]:
    """Keep other processes from training in a folder. The lock goes with the process, however that ends.

    `wait_s`: seconds to wait for another process to end; None: take no lock (another rank holds it). Raises TrainingError.
    """
    if fcntl is None or wait_s is None:
        yield
        return
    deadline = time.monotonic() + wait_s
    with (folder / LOCK).open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise TrainingError(
                        f"another process is training in {folder}", hint="wait for it, stop it, or start a new run"
                    ) from None
                time.sleep(0.1)
        yield


def record_start(folder: Path, device: Device, parallel: Parallel, seed: int) -> None:
    """Add this start to environment.json: versions, hardware, commit, command line, seed."""
    path = folder / ENVIRONMENT
    starts: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    starts.append(
        {
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": [Path(sys.orig_argv[0]).name, *sys.orig_argv[1:]],
            "seed": seed,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "machine": platform.platform(),
            "processes": parallel.world,
            "commit": _commit(),
            **device.describe(),
        }
    )
    write_text(path, json.dumps(starts, indent=1) + "\n")


def _commit() -> str | None:
    """The commit of this checkout, "+" behind it where tracked files were changed; None without git."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(here), *arguments], capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    return commit and commit + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
