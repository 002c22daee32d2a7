"""/live, /ready and /metrics over HTTP, on a port of its own that only this machine reaches."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer
from typing import Any

from vcg_bridge.contract.errors import AddressError, ConfigError
from vcg_bridge.server.auth import Endpoint

log = logging.getLogger("vcg_bridge.server")

Answer = tuple[int, str, bytes]
"""Status, content type, body."""

REQUEST_S = 5.0
"""For a whole request, however slowly it comes, and for taking its answer."""

REQUESTS = 16
"""At once; one more ends the oldest. Each has a thread."""


class HealthPort:
    """Listens when made; serves from `start` to `stop`."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Raises ConfigError for an address beyond loopback, AddressError."""
        self.pages: dict[str, Callable[[], Answer]] = {}
        """Path -> what it answers."""
        if not endpoint.loopback:
            raise ConfigError(
                f"--metrics: {endpoint.host} can be reached from other machines, and this port asks nobody who they are",
                hint="use 127.0.0.1, and let a collector on this machine pass the figures on",
            )
        try:
            self._server = _Server((endpoint.host.strip("[]"), endpoint.port), _handler(self.pages))
        except OSError as error:
            raise AddressError(
                f"--metrics: cannot listen at {endpoint.host}:{endpoint.port}: {error.strerror or error}",
                hint="choose another port",
            ) from None
        self.address = f"http://{endpoint.host}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="vcg-health", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        if self._thread.ident is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 16

    def __init__(self, address: tuple[str, int], handler: Callable[..., BaseHTTPRequestHandler]) -> None:
        self._since: dict[socket.socket, float] = {}  # requests, the oldest first
        self._lock = threading.Lock()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # (the names are socketserver's)
        with self._lock:
            if len(self._since) >= REQUESTS:
                self._end(next(iter(self._since)))
            self._since[request] = time.monotonic()
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        with self._lock:
            for request, since in tuple(self._since.items()):
                if time.monotonic() - since > REQUEST_S:
                    self._end(request)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._since.pop(request, None)
        super().shutdown_request(request)

    def _end(self, request: socket.socket) -> None:
        """Its thread finds the connection closed."""
        del self._since[request]
        with contextlib.suppress(OSError):  # its other end was quicker
            request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        log.debug("health port: a connection from %s broke off", client_address)


def _for_us(host: str | None) -> bool:
    """Whether a request was meant for this machine. A page in a browser could else give its own host our address (DNS rebinding), and read."""
    if host is None:  # no browser leaves it out
        return True
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return Endpoint(name, 0).loopback


def _handler(pages: dict[str, Callable[[], Answer]]) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_S
        server_version, sys_version = "vcg", ""

        def do_GET(self) -> None:  # (the name is http.server's)
            page = pages.get(self.path.partition("?")[0])
            if not _for_us(self.headers.get("Host")):
                status, kind, body = (
                    421,
                    "text/plain",
                    b"this port answers to the names of this machine alone: localhost\n",
                )
            else:
                status, kind, body = page() if page is not None else (404, "text/plain", b"not here\n")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            log.debug("health port: %r", format % args)  # a request line holds whatever its sender likes

    def make(request: object, address: object, server: BaseServer) -> BaseHTTPRequestHandler:
        return Handler(request, address, server)  # type: ignore[arg-type]

    return make
