"""The server a command talks to: the one it was told, one that runs on this machine, or one it starts itself."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_log_path

from vcg_bridge.cli import report
from vcg_bridge.cli.keys import client_keys
from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.cli.options import Device, read_token
from vcg_bridge.client import Client
from vcg_bridge.contract.errors import (
    AuthError,
    BadRequest,
    BundleError,
    BusyError,
    NoServer,
    VcgError,
    VersionMismatch,
)
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.vocabulary import DEFAULT_ADDRESS, DEFAULT_HOST, DEFAULT_PORT
from vcg_bridge.generators.bundle import Bundle, open_bundle

CONNECT_LIMIT_S = 5.0
_PROBE_S = 0.5


@dataclass(frozen=True)
class Place:
    """What was said of the server: the options of `vcg generate` and `vcg batch`."""

    server: str = ""  # address; "" one that runs here, else start one
    keep: bool = False  # leave a started one running
    bundle: str = ""  # name or folder; "" the default
    device: Device | None = None  # of a started one
    token_file: Path | None = None
    server_key: str = ""  # public key of a server that encrypts
    client_key: Path | None = None  # file of our own secret key; None: a new one for each connection
    certificate: Path | None = None  # PEM file: of the server behind tls://
    ray: str = ""  # cluster that a started one draws with: HOST:PORT, auto, local


@dataclass(frozen=True)
class Connection:
    """A welcome client, and the bundle that its server draws with."""

    client: Client
    bundle: Bundle
    address: str
    started: bool  # by this command

    @property
    def manifest(self) -> Manifest:
        """Of the bundle."""
        return self.bundle.manifest


@contextmanager
def connected(place: Place) -> Iterator[Connection]:
    """A connection for as long as the block runs. A server that had to be started ends with it, unless it was to stay.

    Raises NoServer, AuthError, VersionMismatch, BundleError, and whatever keeps a server from starting.
    """
    check_place(place)
    if place.server:
        with client_of(place) as client:
            yield Connection(client, bundle_of(client, place), place.server, started=False)
        return
    bundle = open_bundle(place.bundle, verify=False)  # the server checks every file before it draws
    running = _running(bundle, read_token(place.token_file)) if not place.ray else None
    if running is not None:
        with running:
            yield Connection(running, bundle, DEFAULT_ADDRESS, started=False)
        return
    with report.waiting("starting the server that draws"):
        process = _start(place)
    with process, Client.connect(process.address, timeout_s=CONNECT_LIMIT_S, wait=True) as client:
        yield Connection(client, bundle, process.address, started=True)


def check_place(place: Place) -> None:
    """Raises BadRequest for options that do not go together."""
    if place.server_key and not place.server:
        raise BadRequest("--server-key belongs to a server that is named", hint="add --server ADDRESS")
    if place.certificate is not None and not place.server:
        raise BadRequest("--certificate belongs to a server that is named", hint="add --server tls://HOST:PORT")
    if place.client_key is not None and not place.server_key:
        raise BadRequest("--client-key is for a server that encrypts", hint="add --server-key KEY")
    if place.ray and place.server:
        raise BadRequest(
            "--ray is for a server that this command starts, and --server (or VCG_SERVER) names one that runs",
            hint="leave one of them out; a server that runs is given a cluster by `vcg serve --workers ray`",
        )


def client_of(place: Place, timeout_s: float = CONNECT_LIMIT_S) -> Client:
    """A welcome client of the server that is named. Raises NoServer, AuthError, VersionMismatch, and for keys that are none."""
    return Client.connect(
        place.server,
        timeout_s=timeout_s,
        token=read_token(place.token_file),
        curve=client_keys(place.server_key, place.client_key) if place.server_key else None,
        tls_certificate=place.certificate,
    )


def bundle_of(client: Client, place: Place) -> Bundle:
    """The bundle of a server that was named. Its files are needed here as well: names, credits, timing."""
    address, models = client.options.address, {model.name: model for model in client.welcome.models}
    if place.bundle:
        bundle = open_bundle(place.bundle, verify=False)
        if any(model.sha256 == bundle.sha256 for model in models.values()):
            return bundle
    else:
        first = client.welcome.models[0]
        bundle = open_bundle(first.name, verify=False)
        if bundle.sha256 == first.sha256:
            return bundle
    raise BundleError(
        f"the server at {address} draws with {', '.join(f'{m.name} {m.version}' for m in models.values())}, "
        f"but {bundle.manifest.name} {bundle.manifest.version} is installed here, which is not the same",
        hint="install the server's bundle here with `vcg bundles add FOLDER`",
    )


def _running(bundle: Bundle, token: str) -> Client | None:
    """A client of the server at the default address, if one is there that draws with this bundle."""
    try:
        socket.create_connection((DEFAULT_HOST, DEFAULT_PORT), _PROBE_S).close()
    except OSError:
        return None
    why = "draws with another bundle"
    try:
        client = Client.connect(DEFAULT_ADDRESS, timeout_s=CONNECT_LIMIT_S, token=token)
    except (NoServer, VersionMismatch, AuthError, BusyError) as error:
        why = error.message
    else:
        if any(model.sha256 == bundle.sha256 for model in client.welcome.models):
            return client
        client.close()
    report.show_warning(f"what runs at {DEFAULT_ADDRESS} is not used ({why}); starting a server of my own")
    return None


def _start(place: Place) -> ServerProcess:
    arguments = [f"--bundle={place.bundle}"] if place.bundle else []
    if place.device is not None:
        arguments.append(f"--device={place.device.value}")
    if place.ray:
        arguments += ["--workers=ray", f"--ray={place.ray}"]
    if not place.keep:
        return ServerProcess(arguments)
    log = user_log_path("vcg-bridge", appauthor=False) / "server.log"
    try:
        return ServerProcess(arguments, bind=DEFAULT_ADDRESS, stays=log)
    except VcgError as error:
        if error.code != "address":
            raise
        return ServerProcess(arguments, stays=log)  # the default address is taken by something else
