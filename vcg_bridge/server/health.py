"""/live, /ready and /metrics over HTTP, on a port of its own that only this machine reaches."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer

from vcg_bridge.contract.errors import AddressError, ConfigError
from vcg_bridge.server.auth import Endpoint

log = logging.getLogger("vcg_bridge.server")

Answer = tuple[int, str, bytes]
"""Status, content type, body."""

TIMEOUT_S = 5.0


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

    def handle_error(self, request: object, client_address: object) -> None:
        log.debug("health port: a connection from %s broke off", client_address)


def _handler(pages: dict[str, Callable[[], Answer]]) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = TIMEOUT_S
        server_version, sys_version = "vcg", ""

        def do_GET(self) -> None:  # (the name is http.server's)
            page = pages.get(self.path.partition("?")[0])
            status, kind, body = page() if page is not None else (404, "text/plain", b"not here\n")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            log.debug("health port: " + format, *args)

    def make(request: object, address: object, server: BaseServer) -> BaseHTTPRequestHandler:
        return Handler(request, address, server)  # type: ignore[arg-type]

    return make
