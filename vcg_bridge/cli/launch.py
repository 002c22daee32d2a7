"""Start a server process for a command that needs one, and leave no orphan behind.

The process is told to stop when its standard input closes. The system closes that however this process ends, also when
it is killed, so the server never outlives the command that started it, unless it was asked to stay.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from vcg_bridge.contract.errors import OutputError, Timeout, from_code
from vcg_bridge.server.pipes import python

START_LIMIT_S = 120.0
STOP_LIMIT_S = 15.0
_POLL_S = 0.01
_OTHERS = ("VCG_TOKEN", "VCG_TOKEN_FILE")  # of the server that the user's environment names; ours asks nobody for one


class ServerProcess:
    """A server that this process started. `address` is where it listens. Use it in a `with`, or `stop` it."""

    def __init__(self, arguments: Sequence[str], *, bind: str = "tcp://127.0.0.1:0", stays: Path | None = None) -> None:
        """Start `vcg serve --bind BIND ARGUMENTS` and wait until it listens.

        stays: the server is not ended with this process, and logs to this file. Raises what kept it from starting.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="vcg-")
        ready = Path(self._folder.name) / "ready"
        self._log = stays or Path(self._folder.name) / "log"
        command = [*python(), "-m", "vcg_bridge", "serve", "--bind", bind, "--ready-file", str(ready), *arguments]
        if stays is None:
            command.append("--stop-with-stdin")
        self.stays = stays is not None
        try:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("ab") as log:
                self._start = log.tell()
                self.process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL if self.stays else subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    # a session of its own: Ctrl+C is for the command, which then ends the server in good order
                    start_new_session=True,
                    env={**{k: x for k, x in os.environ.items() if k not in _OTHERS}, "PYTHONUNBUFFERED": "1"},
                )
        except OSError as error:
            self._folder.cleanup()
            raise OutputError(f"no server could be started: {error}") from error
        try:
            self.address = self._wait(ready)
        except BaseException:
            self.stop()
            raise

    def _wait(self, ready: Path) -> str:
        limit = time.monotonic() + START_LIMIT_S
        while time.monotonic() < limit:
            if ready.exists():
                return ready.read_text(encoding="utf-8").split()[0]
            if self.process.poll() is not None:
                message, hint = self._complaint()
                raise from_code("config", message, hint=hint)
            time.sleep(_POLL_S)
        raise Timeout(f"the server did not start within {START_LIMIT_S:.0f} s", hint="try `vcg doctor`")

    def _complaint(self) -> tuple[str, str]:
        """Message and hint of the error that ended the server, from its log."""
        message, hint = f"the server ended with code {self.process.returncode}", "try `vcg doctor`"
        with self._log.open("rb") as log:
            log.seek(self._start)
            lines = log.read().decode("utf-8", "replace").splitlines()
        for line in lines:
            if line.startswith("error: "):
                message, hint = line.removeprefix("error: "), ""
            elif line.startswith("hint: "):
                hint = line.removeprefix("hint: ")
        return message, hint

    def stop(self) -> None:
        """End the server, in good order if it lets itself be, and wait for it. Leaves a server that should stay."""
        if self.stays and self.process.poll() is None and hasattr(self, "address"):
            self._folder.cleanup()
            return
        if self.process.stdin is not None:
            self.process.stdin.close()
        else:
            self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._folder.cleanup()

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
