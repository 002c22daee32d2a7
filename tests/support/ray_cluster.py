"""A Ray cluster of this machine, as a studio would start it, and what processes there are."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.commands import ROOT

WAIT_S = 60
"""No test waits longer for anything. The machine may be busy: this is no measure of speed."""


@dataclass(frozen=True)
class Head:
    """A running cluster of one machine."""

    address: str
    pid: int  # of the process that all its processes come from

    def drawers(self) -> list[int]:
        """The processes of our actors."""
        return [pid for pid in descendants(self.pid) if command(pid).startswith("ray::Drawer")]


@contextmanager
def ray_head(cpus: int) -> Iterator[Head]:
    """`ray start --head`; ends with the block, and leaves no process. What joins it needs the environment of the block.

    Its token is known to this process and its children alone: Ray listens on all addresses.
    """
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as folder:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.delenv("RAY_ADDRESS", raising=False)
        words = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--disable-usage-stats"]
        words += ["--port", "0", "--num-cpus", str(cpus), "--include-dashboard=false"]
        words += ["--object-store-memory", "100000000", "--temp-dir", folder]  # a short path: there are sockets in it
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, "TMPDIR": folder},  # what killed actors leave goes with it
        )  # fmt: skip
        guard = threading.Timer(WAIT_S, process.kill)
        guard.start()
        family: list[int] = []
        try:
            address = _address(process)
            guard.cancel()
            yield Head(address, process.pid)
        finally:
            guard.cancel()
            family = descendants(process.pid)
            process.terminate()
            try:
                process.wait(WAIT_S)
            finally:
                process.kill()
                for pid in family:
                    if alive(pid):
                        os.kill(pid, signal.SIGKILL)
        until(lambda: not any(alive(pid) for pid in family))


def _address(process: subprocess.Popen[bytes]) -> str:
    """What it says it listens to."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line.decode()
        if found := re.search(r"ray start --address='([^']+)'", said):
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return found[1]
    pytest.fail(f"no cluster: {said}")


def until(what: Callable[[], bool]) -> None:
    """Waits for it; fails after WAIT_S."""
    end = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)


def descendants(pid: int) -> list[int]:
    """The processes that come from that one, and are not over."""
    found, at = [pid], 0
    while at < len(found):
        for task in Path(f"/proc/{found[at]}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:  # it has just ended
                continue
        at += 1
    return [pid for pid in found[1:] if alive(pid)]


def alive(pid: int) -> bool:
    """Whether the process is not over: waiting to be asked for its end is over."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def command(pid: int) -> str:
    """How it was started, or calls itself."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""
