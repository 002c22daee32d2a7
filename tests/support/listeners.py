"""Things that listen and are no server of ours."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.support.certificates import Certificate

LIMIT_S = 60


@contextmanager
def raw_server(lines: Sequence[bytes | None], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Says the same to everyone; its address, tcp://. None for a line: the connection is closed. Else it stays open until the end."""
    kept: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            kept.append(connection)
            with contextlib.suppress(OSError):
                if tls is not None:
                    connection.settimeout(LIMIT_S)
                    connection = tls.wrap_socket(connection, server_side=True)
                    kept.append(connection)
                for line in lines:
                    connection.sendall(line) if line is not None else connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, name="raw server", daemon=True)
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(LIMIT_S)
            for connection in kept:
                connection.close()


@contextmanager
def recorder(files: Certificate) -> Iterator[tuple[str, list[bytes]]]:
    """Ends TLS for one client with that certificate; its address, tls://, and what came: b"" first, then what was inside of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.chain, files.key)
    heard: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        connection.settimeout(LIMIT_S)
        with connection:
            heard.append(b"")
            with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
                while data := secure.recv(1000):
                    heard.append(data)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, name="recorder", daemon=True)
        thread.start()
        yield f"tls://127.0.0.1:{listener.getsockname()[1]}", heard
        thread.join(LIMIT_S)
