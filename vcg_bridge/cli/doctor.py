"""`vcg doctor`: is everything there, and does a whole round trip work?"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

import vcg_bridge
from vcg_bridge.cli import options as o
from vcg_bridge.cli import report
from vcg_bridge.cli.check import Check, tried
from vcg_bridge.cli.doctor_server import served_certificate, settings_checks
from vcg_bridge.contract.errors import VcgError

PACKAGES = (
    "pyzmq",
    "msgpack",
    "numpy",
    "opencv-python-headless",
    "onnxruntime",
    "onnxruntime-gpu",
    "onnx",
    "zstandard",
    "pillow",
    "ray",
)
OPTIONAL = {
    "onnxruntime-gpu": "only for NVIDIA GPUs: pip install 'vcg-bridge[gpu]'",
    "ray": "only for several machines: pip install 'vcg-bridge[ray]'",
}


def doctor(
    bundle: o.BundleOption = "",
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", envvar="VCG_SERVE_CONFIG", help="Also look at this file of `vcg serve`, and at what it names."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, for programs.")] = False,
) -> None:
    """Check the installation: packages, devices, bundles, and one real character through a real server."""
    checks = []
    for check in _checks(bundle, config):
        checks.append(check)
        if not as_json:
            mark = "warn" if check.warn else {True: "ok  ", False: "FAIL", None: "    "}[check.ok]
            report.out.print(f"{mark}  {check.name:18} {check.found}", markup=False)
            if check.hint:
                report.out.print(f"      {'':18} {check.hint}", markup=False)
    failed = [check for check in checks if check.ok is False]
    warned = any(check.warn for check in checks)
    if as_json:
        print(json.dumps({"ok": not failed, "checks": [asdict(c) for c in checks]}, indent=1))
    elif not failed:
        report.out.print(f"\nAll is well{', but for what is warned about' if warned else ''}.", markup=False)
    if failed:
        raise typer.Exit(report.EXIT_MISTAKE)


def _checks(bundle: str, config: Path | None) -> Iterator[Check]:
    yield Check("vcg", None, f"{vcg_bridge.__version__} in {Path(vcg_bridge.__file__).parent}")
    yield Check("python", True, f"{platform.python_version()} on {platform.platform()}, {os.cpu_count()} cores")
    yield from (_package(name) for name in PACKAGES)
    yield tried("device", lambda: _device(bundle))
    yield from _bundles()
    if config is not None:
        yield from settings_checks(config)
    yield tried("server here", _server_here)
    if (address := os.environ.get("VCG_SERVER", "")).startswith("tls://"):
        certificate = served_certificate(address, _file("VCG_CERTIFICATE"))
        if certificate is not None:
            yield certificate
    yield tried("round trip", lambda: _round_trip(bundle))


def _package(name: str) -> Check:
    try:
        return Check(name, True, version(name))
    except PackageNotFoundError:
        if name in OPTIONAL:
            return Check(name, None, "not installed", OPTIONAL[name])
        if name == "onnxruntime" and _installed("onnxruntime-gpu"):
            return Check(name, None, "onnxruntime-gpu takes its place")
        return Check(name, False, "not installed", f"install VCG Bridge again; {sys.executable} is used")


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _device(bundle: str) -> Check:
    """What draws here, and why."""
    from vcg_bridge.generators.bundle import open_bundle
    from vcg_bridge.generators.generator import Generator
    from vcg_bridge.server.config import ServerConfig
    from vcg_bridge.server.recruiting import most_workers

    with Generator(open_bundle(bundle, verify=False)) as generator:
        most = most_workers(ServerConfig(), generator.device)
        found = f"{generator.device}, {generator.threads} threads, up to {most} replicas for batches"
        return Check("device", True, f"{found} ({generator.device_note})" if generator.device_note else found)


def _bundles() -> Iterator[Check]:
    from vcg_bridge.generators.bundle import list_bundles, open_bundle

    try:
        entries = list_bundles()
    except (VcgError, OSError) as error:
        yield Check("bundles", False, str(error))
        return
    if not entries:
        yield Check("bundles", False, "none is installed", "install VCG Bridge again, or use `vcg bundles add FOLDER`")
    for entry in entries:
        try:
            opened = open_bundle(entry.folder)
            found = f"{opened.manifest.version}, {len(opened.manifest.files)} files as they should be"
            yield Check(f"bundle {entry.name}", True, found)
        except VcgError as error:
            yield Check(f"bundle {entry.name}", False, error.message, error.hint)


def _file(variable: str) -> Path | None:
    return Path(os.environ[variable]) if os.environ.get(variable) else None


def _server_here() -> Check:
    from vcg_bridge.cli.connect import Place, client_of
    from vcg_bridge.contract.errors import NoServer
    from vcg_bridge.contract.vocabulary import DEFAULT_ADDRESS

    address = os.environ.get("VCG_SERVER") or DEFAULT_ADDRESS
    place = Place(address, token_file=_file("VCG_TOKEN_FILE"))
    if os.environ.get("VCG_SERVER"):
        place = replace(
            place,
            server_key=os.environ.get("VCG_SERVER_KEY", ""),
            client_key=_file("VCG_CLIENT_KEY_FILE"),
            certificate=_file("VCG_CERTIFICATE"),
        )
    try:
        with client_of(place, timeout_s=3.0) as client:
            welcome = client.welcome
            models = ", ".join(f"{m.name} {m.version}" for m in welcome.models)
            return Check("server here", True, f"{address}: {welcome.server} on {welcome.device}, {models}")
    except NoServer as error:
        if os.environ.get("VCG_SERVER"):
            return Check("server here", False, error.message, error.hint)
        return Check("server here", None, f"none at {address}; commands start one themselves")


def _round_trip(bundle: str) -> Check:
    """Start a server, make a character, write its files, end the server."""
    from vcg_bridge.cli.launch import ServerProcess
    from vcg_bridge.client import Client
    from vcg_bridge.contract.messages import Design
    from vcg_bridge.generators.bundle import open_bundle
    from vcg_bridge.sprites.writer import write_character

    opened = open_bundle(bundle, verify=False)
    begin = time.perf_counter()
    with (
        ServerProcess([f"--bundle={bundle}"] if bundle else []) as server,
        Client.connect(server.address, wait=True) as client,
        tempfile.TemporaryDirectory(prefix="vcg-doctor-") as folder,
    ):
        started = time.perf_counter()
        animations = tuple(a.id for a in opened.manifest.animations if a.id in ("walk", "idle"))
        job = client.generate(design=Design(seed=7), model=opened.manifest.name, animations=animations)
        job.next()
        preview = time.perf_counter()
        job.cancel()
        made = client.generate_character(design=Design(seed=7), model=opened.manifest.name, animations=animations)
        files = write_character(Path(folder), "npc", made.character(), opened.manifest, credits=made.credits)
        done = time.perf_counter()
        device = client.welcome.device
    return Check(
        "round trip",
        True,
        f"server up in {started - begin:.2f} s, first frame {(preview - started) * 1000:.0f} ms later, walk and idle in "
        f"{len(files)} files after {done - preview:.2f} s more, drawn on {device}",
    )
