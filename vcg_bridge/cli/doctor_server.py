"""What `vcg doctor` finds of a server's settings: the file that `vcg serve` reads, and the certificates that end one day."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import typer

from vcg_bridge.cli.check import Check, tried
from vcg_bridge.cli.serve import serve
from vcg_bridge.cli.settings import said, unknown_variables
from vcg_bridge.contract.errors import ConfigError

TIMEOUT_S = 3.0


def settings_checks(config: Path) -> Iterator[Check]:
    """What `vcg serve --config FILE` would start with, without starting it."""
    found: list[typer.Context] = []  # none or one

    def settings() -> Check:
        app = typer.Typer()
        app.command()(serve)
        command = typer.main.get_command(app)
        try:
            context = command.make_context("serve", ["--config", str(config)], auto_envvar_prefix="VCG_SERVE")
            found.append(cast(typer.Context, context))
        except typer.TyperException as error:
            raise ConfigError(f"{config}: {error.format_message()}", hint="docs/operations.md") from None
        return Check("settings", True, said(found[0]))

    yield tried("settings", settings)
    if not found:
        return
    for line in unknown_variables(found[0]):
        yield Check("settings", True, line, warn=True)
    chosen = found[0].params
    if chosen["tls"]:
        yield tried("certificate", lambda: _certificate(*chosen["tls"]))
    if chosen["token_file"]:
        yield tried("token", lambda: _token(chosen["token_file"]))
    if chosen["known_clients"]:
        yield tried("known clients", lambda: _known_clients(chosen["known_clients"]))


def _certificate(certificate: Path, key: Path) -> Check:
    from vcg_bridge.server.certificates import certificate_problem, expiry, server_context

    context = server_context(certificate, key)
    problem = certificate_problem(context, certificate)
    ends = expiry(context, certificate)
    if problem:
        return Check("certificate", False, f"{certificate}: {problem}", "put another in its place")
    return _ending("certificate", str(certificate), ends)


def _ending(name: str, whose: str, ends: float | None) -> Check:
    """How long a certificate lasts."""
    from vcg_bridge.server.certificates import WARN_DAYS, ends_in, remaining_days

    if ends is None:
        return Check(name, None, f"{whose}: OpenSSL does not say when it ends")
    left, found = remaining_days(ends), f"{whose} {ends_in(ends)}"
    soon = left < WARN_DAYS
    return Check(name, left > 0, found, "renew it" if soon else "", warn=soon and left > 0)


def _token(path: Path) -> Check:
    from vcg_bridge.server.auth import LEAST_TOKEN, token_in

    length = len(token_in(path))
    if length < LEAST_TOKEN:
        hint = f"beyond this machine {LEAST_TOKEN} or more are needed"
        return Check("token", True, f"{path}: {length} characters", hint, warn=True)
    return Check("token", True, f"{path}: {length} characters")


def _known_clients(path: Path) -> Check:
    from vcg_bridge.server.known_clients import read_keys

    return Check("known clients", True, f"{path}: {len(read_keys(path))} keys")


def served_certificate(address: str, pinned: Path | None) -> Check | None:
    """How long the certificate lasts that the server at tls://HOST:PORT shows us now. None where it cannot be had: another check says why."""
    from vcg_bridge.server.auth import parse_address
    from vcg_bridge.server.certificates import NO_CHECK_TIME

    endpoint = parse_address(address, "tls")
    context = ssl.create_default_context()
    context.verify_flags |= NO_CHECK_TIME
    if pinned is not None:
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        with contextlib.suppress(OSError):
            context.load_verify_locations(pinned)
    try:
        place = (endpoint.host.strip("[]"), endpoint.port)
        with (
            socket.create_connection(place, TIMEOUT_S) as bare,
            context.wrap_socket(bare, server_hostname=place[0]) as wrapped,
        ):
            ends = str((wrapped.getpeercert() or {}).get("notAfter", ""))
    except OSError:
        return None
    return _ending("its certificate", address, ssl.cert_time_to_seconds(ends)) if ends else None
