"""`vcg serve`: run the server until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from vcg_bridge.cli import report
from vcg_bridge.cli.keys import server_keys
from vcg_bridge.cli.options import Device, read_token
from vcg_bridge.contract.errors import OutputError
from vcg_bridge.contract.vocabulary import DEFAULT_ADDRESS


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
    ready_file: Annotated[
        Path | None,
        typer.Option("--ready-file", help="Write the address to this file once the server listens, for scripts."),
    ] = None,
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
    )

    def ready(address: str) -> None:
        if ready_file is not None:
            _write(ready_file, address)
        report.err.print(f"listening at {address} (Ctrl+C stops)", markup=False)
        if public:
            report.err.print(f"clients need --server-key '{public}'", markup=False)

    if stop_with_stdin:
        threading.Thread(target=_stop_at_end_of_stdin, daemon=True).start()
    run_server(config, ready=ready)


def _write(path: Path, address: str) -> None:
    """The whole address or nothing, so that whoever waits for the file never reads half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(address + "\n", encoding="utf-8")
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
