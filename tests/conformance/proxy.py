"""A TCP proxy between client and server that can slow a connection, hold it, and cut it: a network that misbehaves."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from contextlib import ExitStack

from tests.support.ports import reserved_port

_PIECE = 16384


class Proxy:
    """Listens on a port of its own and passes on what comes. `up` and `down` may be called while it runs."""

    def __init__(
        self, target: str, *, hold_after: int | None = None, piece: int = _PIECE, pause_s: float = 0.0
    ) -> None:
        """hold_after: bytes to the client after which nothing more passes on a connection until `release`.
        piece, pause_s: no more than so many bytes at once, and so long a pause after each.
        """
        self._target, self._piece, self._pause_s = target, piece, pause_s
        self._hold_after = hold_after
        self._reserved = ExitStack()  # the port stays ours while it is down
        self.port = self._reserved.enter_context(reserved_port())
        self._listener: socket.socket | None = socket.create_server(("127.0.0.1", self.port))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._start(self._accept, self._listener)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"tcp://127.0.0.1:{self.port}"

    def down(self) -> None:
        """Cut every connection and refuse new ones."""
        with self._lock:
            listener, self._listener = self._listener, None
            pairs, self._pairs = self._pairs, []
        for one in [*([listener] if listener else []), *(x for pair in pairs for x in pair)]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def up(self, target: str) -> None:
        """Listen again at the same port, for another server, without holding anything."""
        self._target, self._hold_after = target, None
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._start(self._accept, self._listener)

    def close(self) -> None:
        """End everything."""
        self.down()
        self._reserved.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _start(self, run: object, *arguments: object) -> None:
        thread = threading.Thread(target=run, args=arguments, name="proxy", daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            host, _, port = self._target.rpartition("//")[2].rpartition(":")
            try:
                far = socket.create_connection((host, int(port)), 10)
            except OSError:
                near.close()
                continue
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                one.settimeout(None)
            with self._lock:
                self._pairs.append((near, far))
            self._start(self._pass, near, far, None)
            self._start(self._pass, far, near, self._hold_after)

    def _pass(self, source: socket.socket, sink: socket.socket, most: int | None) -> None:
        passed = 0
        with contextlib.suppress(OSError, ValueError):
            while most is None or passed < most:
                data = source.recv(min(self._piece, _PIECE if most is None else most - passed))
                if not data:
                    break
                sink.sendall(data)
                passed += len(data)
                if self._pause_s:
                    time.sleep(self._pause_s)
            else:
                while sink.fileno() >= 0:  # held until somebody cuts it
                    time.sleep(0.02)
                return
            sink.shutdown(socket.SHUT_WR)
