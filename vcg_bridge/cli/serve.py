"""`vcg serve`: run the server until it is told to stop."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import threading
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vcg_bridge.cli import report
from vcg_bridge.cli.keys import server_keys
from vcg_bridge.cli.options import Device, read_token
from vcg_bridge.contract.errors import ConfigError, OutputError, near
from vcg_bridge.contract.vocabulary import DEFAULT_ADDRESS

if TYPE_CHECKING:
    from vcg_bridge.server.server import Server


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
    set_up(logging.INFO if verbose else logging.WARNING, json_lines=log_json)
    public, secret = server_keys(key_file) if key_file is not None else ("", "")
    config = ServerConfig(
        address=bind,
        bundles=tuple(bundle or [""]),
        device=device.value,
        threads=threads or None,
        workers=int(number) if (number := workers.removeprefix("ray").removeprefix(":")).isdecimal() else None,
        gpus=tuple(name.strip() for name in gpus.split(",")) if gpus else (),
        ray=ray if workers.startswith("ray") else None,
        token=read_token(token_file),
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
        report.err.print(f"listening at {' and '.join(addresses)} (Ctrl+C stops)", markup=False)
        if public:
            report.err.print(f"clients need --server-key '{public}'", markup=False)
        if server.metrics_address:
            report.err.print(f"metrics at {server.metrics_address}/metrics", markup=False)
        report.err.print(f"settings: {_settings(context)}", markup=False)

    if config.gpus:
        os.environ["CUDA_VISIBLE_DEVICES"] = config.gpus[0]  # before anything looks for GPUs
    if stop_with_stdin:
        threading.Thread(target=_stop_at_end_of_stdin, daemon=True).start()
    run_server(config, ready=ready)


def check_workers(value: str) -> str:
    """auto, a number, ray, or ray: and a number. Raises BadParameter."""
    if not re.fullmatch("auto|[0-9]+|ray(:[1-9][0-9]*)?", value) or int(re.sub("[^0-9]", "", value) or 0) > 256:
        raise typer.BadParameter(
            f"{value!r} is none of auto, a number from 0 to 256, ray, ray: and a number from 1 to 256"
        )
    return value


def read_config_file(context: typer.Context, path: Path | None) -> Path | None:
    """Makes what is in the file the defaults of the other options. Raises ConfigError."""
    if path is None:
        return None
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--config {path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--config {path}: is not TOML: {error}") from None
    known = {
        name.lstrip("-"): parameter
        for parameter in context.command.params
        for name in parameter.opts
        if name.startswith("--") and parameter.name not in ("config_file", "help", "stop_with_stdin")
    }
    defaults: dict[str, object] = {}
    for name, value in found.items():
        if name not in known:
            raise ConfigError(f"--config {path}: unknown option {name!r}", hint=near(name, known) or ", ".join(known))
        several = known[name].nargs != 1 or getattr(known[name], "multiple", False)
        yes_or_no = isinstance(known[name].default, bool)
        defaults[str(known[name].name)] = _checked(path, name, value, several=several, yes_or_no=yes_or_no)
    context.default_map = {**(context.default_map or {}), **defaults}
    return path


def _checked(path: Path, name: str, value: object, *, several: bool, yes_or_no: bool) -> object:
    """The value of that option in the file, of a kind that the command line could give. Raises ConfigError."""
    values = value if isinstance(value, list) and several else [value]
    if not all(isinstance(x, str | int | float) and isinstance(x, bool) == yes_or_no for x in values):
        wanted = "true or false" if yes_or_no else "a list of texts" if several else "a text or a number"
        raise ConfigError(f"--config {path}: {name} is {value!r}", hint=f"{wanted} is wanted")
    return values if several else value


_SOURCES = {"COMMANDLINE": "command line", "ENVIRONMENT": "environment", "DEFAULT_MAP": "file"}


def _settings(context: typer.Context) -> str:
    """Every setting that was made, and where; the rest are defaults. Files are named, what is in them is not."""
    said = []
    for parameter in context.command.params:
        name = str(parameter.name)
        source = context.get_parameter_source(name)
        if source is not None and source.name in _SOURCES and name not in ("stop_with_stdin", "ready_file"):
            value = context.params[name]
            shown = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            said.append(f"{name.replace('_', '-')} {shown} ({_SOURCES[source.name]})")
    return ", ".join(said) or "defaults"


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
