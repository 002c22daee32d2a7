"""`vcg serve`: run the server until it is told to stop."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vcg_bridge.cli.keys import server_keys
from vcg_bridge.cli.options import Device, read_token
from vcg_bridge.cli.settings import read_config_file, said, unknown_variables
from vcg_bridge.contract.errors import ConfigError, OutputError
from vcg_bridge.contract.vocabulary import DEFAULT_ADDRESS

if TYPE_CHECKING:
    from vcg_bridge.server.server import Server

log = logging.getLogger("vcg_bridge.server")


def serve(
    context: typer.Context,
    config_file: Annotated[
        Path | None,
        typer.Option(
            "--config",
            envvar="VCG_SERVE_CONFIG",
            is_eager=True,
            callback=read_config_file,
            help="TOML file with these options by name: bind, threads, token-file ... The environment (VCG_SERVE_THREADS) and "
            "the command line come before it.",
        ),
    ] = None,
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
    workers: Annotated[
        str,
        typer.Option(
            "--workers",
            metavar="auto|N|ray|ray:N",
            callback=check_workers,
            help="Processes that draw batches, and what is too much for the server's own threads. They start when they are "
            "needed. auto: as many as there are cores, on larger machines half of that; none on a GPU. ray: on the machines of a Ray cluster, one for each CPU.",
        ),
    ] = "auto",
    gpus: Annotated[
        str,
        typer.Option(
            "--gpus",
            metavar="0,1,...",
            help="Several GPUs, one generator each: the first for the server's own threads, each other one for a replica.",
        ),
    ] = "",
    ray: Annotated[
        str,
        typer.Option(
            "--ray",
            metavar="ADDRESS",
            help="With --workers ray: the cluster, HOST:PORT; auto: the one that this machine is part of; local: one of this machine alone, "
            "for trying. Default: RAY_ADDRESS, else auto.",
        ),
    ] = "",
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
    known_clients: Annotated[
        Path | None,
        typer.Option(
            "--known-clients",
            help="With --key-file: only clients whose public key is in this file (vcg keys) may connect.",
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
    metrics: Annotated[
        str,
        typer.Option(
            "--metrics",
            metavar="ADDRESS",
            help="Answer /metrics (Prometheus), /live and /ready there: http://127.0.0.1:9464. Only on this machine.",
        ),
    ] = "",
    trace: Annotated[
        Path | None, typer.Option("--trace", help="Write a time line of all requests, for ui.perfetto.dev.")
    ] = None,
    grace: Annotated[
        float, typer.Option("--grace", min=0.0, help="Seconds for running jobs to finish after SIGTERM.")
    ] = 10.0,
    log_json: Annotated[bool, typer.Option("--log-json", help="Log a JSON object a line, for programs.")] = False,
    together: Annotated[
        int, typer.Option("--together", min=1, hidden=True, help="Jobs drawn in one turn; 1: for measurements.")
    ] = 16,
    stop_with_stdin: Annotated[bool, typer.Option("--stop-with-stdin", hidden=True)] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every request.")] = False,
) -> None:
    """Run the server that editors, scripts and games ask for characters. Ctrl+C or SIGTERM stops it in good order."""
    from vcg_bridge.server.config import ServerConfig
    from vcg_bridge.server.logs import set_up
    from vcg_bridge.server.run import serve as run_server

    if ray and not workers.startswith("ray"):
        raise ConfigError("--ray is the cluster that --workers ray draws with", hint="add --workers ray")
    say = set_up(logging.INFO if verbose else logging.WARNING, json_lines=log_json)
    for line in unknown_variables(context):
        _warn(line)
    public, secret = server_keys(key_file, _warn) if key_file is not None else ("", "")
    config = ServerConfig(
        address=bind,
        bundles=tuple(bundle or [""]),
        device=device.value,
        threads=threads or None,
        workers=int(number) if (number := workers.removeprefix("ray").removeprefix(":")).isdecimal() else None,
        gpus=tuple(name.strip() for name in gpus.split(",")) if gpus else (),
        ray=ray if workers.startswith("ray") else None,
        token=read_token(token_file, _warn),
        token_file=token_file,
        curve_secret_key=secret,
        known_clients=known_clients,
        tls_certificate=tls[0] if tls else None,
        tls_key=tls[1] if tls else None,
        tls_address=tls_bind,
        together=together,
        metrics_address=metrics,
        trace=trace,
        grace_s=grace,
    )

    def ready(server: Server) -> None:
        addresses = [address for address in (server.address, server.tls_address) if address]
        if ready_file is not None:
            _write(ready_file, "\n".join(addresses))
        say(f"listening at {' and '.join(addresses)} (Ctrl+C stops)")
        if public:
            say(f"clients need --server-key '{public}'")
        if server.metrics_address:
            say(f"metrics at {server.metrics_address}/metrics")
        say(f"settings: {said(context)}")

    if config.gpus:
        os.environ["CUDA_VISIBLE_DEVICES"] = config.gpus[0]  # before anything looks for GPUs
    if stop_with_stdin:
        threading.Thread(target=_stop_at_end_of_stdin, daemon=True).start()
    run_server(config, ready=ready)


def _warn(words: str) -> None:
    log.warning("%s", words)


def check_workers(value: str) -> str:
    """auto, a number, ray, or ray: and a number. Raises BadParameter."""
    if not re.fullmatch("auto|[0-9]+|ray(:[1-9][0-9]*)?", value) or int(re.sub("[^0-9]", "", value) or 0) > 256:
        raise typer.BadParameter(
            f"{value!r} is none of auto, a number from 0 to 256, ray, ray: and a number from 1 to 256"
        )
    return value


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
    # Read without Python's buffer: at the interpreter's end nobody could take its lock from us.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    if hasattr(signal, "pthread_kill"):
        # to the main thread, so that it wakes whatever it waits for
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    else:
        signal.raise_signal(signal.SIGTERM)
