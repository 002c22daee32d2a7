"""Two network namespaces with a cable between them, which can be cut: a server's machine and a client's, on this one.

The namespaces have no name and belong to a process each, so they end with it. The machine's own interfaces are not touched.
"""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 30
ADDRESSES = {"server": "192.0.2.1", "client": "192.0.2.2"}  # of a network that is set aside for examples


class NotPermitted(Exception):
    """This system gives us no namespaces, or lacks a tool. The message says which."""


class TwoHosts:
    """Made when entered. Raises NotPermitted."""

    def __enter__(self) -> TwoHosts:
        self._stack = ExitStack()
        self._holders: dict[str, subprocess.Popen[bytes]] = {}
        try:
            # A user namespace of our own makes it work for those who are not root; both networks are in it.
            self._hold("server", ["unshare", "--user", "--map-root-user", "--net"])
            inside = ["nsenter", "-t", str(self._holders["server"].pid), "-U", "--preserve-credentials"]
            self._hold("client", [*inside, "unshare", "--net"])
            other = str(self._holders["client"].pid)
            self.run(
                "server", "ip", "link", "add", "name", "cable", "type", "veth", "peer", "name", "cable", "netns", other
            )
            for side, address in ADDRESSES.items():
                self.run(side, "ip", "link", "set", "lo", "up")
                self.run(side, "ip", "address", "add", f"{address}/24", "dev", "cable")
                self.run(side, "ip", "link", "set", "cable", "up")
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _hold(self, side: str, command: list[str]) -> None:
        try:
            holder = subprocess.Popen(
                [*command, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise NotPermitted(f"{command[0]}: {error.strerror}") from None
        self._stack.callback(holder.communicate, timeout=LIMIT_S)  # its input closes: it ends
        assert holder.stdin is not None
        assert holder.stdout is not None
        try:
            holder.stdin.write(b"ready\n")
            holder.stdin.flush()
        except OSError:  # it has ended
            pass
        if holder.stdout.readline() != b"ready\n":
            _, complaint = holder.communicate(timeout=LIMIT_S)
            raise NotPermitted(complaint.decode().strip())
        self._holders[side] = holder

    def command(self, side: str, *arguments: str) -> list[str]:
        """A command that runs on one side."""
        pid = str(self._holders[side].pid)
        return ["nsenter", "-t", pid, "-U", "-n", "--preserve-credentials", *arguments]

    def run(self, side: str, *arguments: str) -> None:
        """Run it and wait. Raises NotPermitted."""
        try:
            done = subprocess.run(
                self.command(side, *arguments), capture_output=True, text=True, timeout=LIMIT_S, cwd=ROOT
            )
        except OSError as error:
            raise NotPermitted(f"nsenter: {error.strerror}") from None
        if done.returncode:
            raise NotPermitted(f"{' '.join(arguments)}: {done.stderr.strip()}")

    def pull(self) -> None:
        """The cable is out, and both sides can see that."""
        for side in ADDRESSES:
            self.run(side, "ip", "link", "set", "cable", "down")

    def plug(self) -> None:
        """It is in again."""
        for side in ADDRESSES:
            self.run(side, "ip", "link", "set", "cable", "up")

    def swallow(self) -> None:
        """Nothing gets through any more, and nobody is told."""
        for side in ADDRESSES:
            self.run(side, "tc", "qdisc", "replace", "dev", "cable", "root", "blackhole")

    def slow(self, kilobits: int) -> None:
        """So much gets through in a second, each way; what waits longer than half a second is lost."""
        bucket = ["rate", f"{kilobits}kbit", "burst", "10kb", "latency", "500ms"]
        for side in ADDRESSES:
            self.run(side, "tc", "qdisc", "replace", "dev", "cable", "root", "tbf", *bucket)

    def clear(self) -> None:
        """Everything gets through."""
        for side in ADDRESSES:
            self.run(side, "tc", "qdisc", "replace", "dev", "cable", "root", "pfifo", "limit", "1000")
