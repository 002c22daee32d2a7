"""`vcg serve`: run the server until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vcg_bridge.cli import report
from vcg_bridge.cli.keys import server_keys
from vcg_bridge.cli.options import Device, read_token
from vcg_bridge.contract.errors import OutputError
from vcg_bridge.contract.vocabulary import DEFAULT_ADDRESS

if TYPE_CHECKING:
    from vcg_bridge.server.server import Server


def serve(
    bind: Annotated[
        str, typer.Option("--bind", metavar="ADDRESS", help="Where to listen. Port 0: any free one.")
    ] = DEFAULT_ADDRESS,
    bundle: Annotated[
        list[str] | None,
        typer.Option(
            "--bundle",
            metavar="NAME",
            help="Bundle to draw with; may be given several times, the first is the default.",
        ),
    ] = None,
    device: Annotated[
        Device, typer.Option("--device", help="What draws: cpu, cuda, or the best there is.")
    ] = Device.auto,
    threads: Annotated[int, typer.Option("--threads", min=0, help="Threads that draw. 0: all cores.")] = 0,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            envvar="VCG_TOKEN_FILE",
            help="File with a token that clients must show. Needed to listen beyond this machine.",
        ),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key-file",
            help="Encrypt the link with the key in this file, which is made if missing. Clients then need --server-key.",
        ),
    ] = None,
    tls: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--tls",
            metavar="CERT KEY",
            help="Also listen with TLS, with this certificate chain and key (PEM): for the engine plugins.",
        ),
    ] = None,
    tls_bind: Annotated[
        str,
        typer.Option(
            "--tls-bind",
            metavar="ADDRESS",
            help="Where to listen with TLS. Port 0: any free one. Beyond this machine only with a token.",
        ),
    ] = "tls://127.0.0.1:7422",
    ready_file: Annotated[
        Path | None,
        typer.Option(
            "--ready-file",
            help="Write the address to this file once the server listens, for scripts; that of TLS in a second line.",
        ),
    ] = None,
    together: Annotated[
        int, typer.Option("--together", min=1, hidden=True, help="Jobs drawn in one turn; 1: for measurements.")
    ] = 16,
    stop_with_stdin: Annotated[bool, typer.Option("--stop-with-stdin", hidden=True)] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every request.")] = False,
) -> None:
    """Run the server that editors, scripts and games ask for characters. Ctrl+C or SIGTERM stops it in good order."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    from vcg_bridge.server.config import ServerConfig
    from vcg_bridge.server.run import serve as run_server

    public, secret = server_keys(key_file) if key_file is not None else ("", "")
    config = ServerConfig(
        address=bind,
        bundles=tuple(bundle or [""]),
        device=device.value,
        threads=threads or None,
        token=read_token(token_file),
        curve_secret_key=secret,
        tls_certificate=tls[0] if tls else None,
        tls_key=tls[1] if tls else None,
        tls_address=tls_bind,
        together=together,
    )

    def ready(server: Server) -> None:
        addresses = [address for address in (server.address, server.tls_address) if address]
        if ready_file is not None:
            _write(ready_file, "\n".join(addresses))
        report.err.print(f"listening at {' and '.join(addresses)} (Ctrl+C stops)", markup=False)
        if public:
            report.err.print(f"clients need --server-key '{public}'", markup=False)

    if stop_with_stdin:
        threading.Thread(target=_stop_at_end_of_stdin, daemon=True).start()
    run_server(config, ready=ready)


def _write(path: Path, text: str) -> None:
    """All of it or nothing, so that whoever waits for the file never reads half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"--ready-file {path}: cannot be written: {error.strerror or error}") from None


def _stop_at_end_of_stdin() -> None:
    # The parent holds the other end of the pipe and never writes: end of file means that it is gone, however it went.
    while sys.stdin.buffer.read(4096):
        pass
    if hasattr(signal, "pthread_kill"):
        # to the main thread, so that it wakes whatever it waits for
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    else:
        signal.raise_signal(signal.SIGTERM)
