"""Clients through TLS: real servers with their TLS front, and what is left when a client has gone."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import config, running
from tests.support.certificates import Certificate, certificate
from tests.support.listeners import raw_server
from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.client import Generated
from vcg_bridge.contract import messages as m
from vcg_bridge.server.server import Server

DESIGN = m.Design(seed=11)
TOKEN = "0123456789abcdef"
LIMIT_S = 60


@pytest.fixture(scope="package")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("tls") / "tiny")


@pytest.fixture(scope="package")
def right(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("right"))


@contextmanager
def secured(tiny: Path, files: Certificate, *, port: int = 0, token: str = "") -> Iterator[Server]:
    """A server with a TLS front."""
    settings: dict[str, Any] = {"tls_certificate": files.chain, "tls_key": files.key}
    with running(
        config(bundles=(str(tiny),), token=token, tls_address=f"tls://127.0.0.1:{port}", **settings)
    ) as server:
        yield server


@pytest.fixture(scope="package")
def server(tiny: Path, right: Certificate) -> Iterator[Server]:
    with secured(tiny, right, token=TOKEN) as server:
        yield server


@pytest.fixture(autouse=True)
def nothing_is_left(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No thread, no connection, no file: whatever a test did, its clients are closed at its end."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    yield
    eventually(lambda: not connections(server))  # the front's own end of what was closed just now
    assert "tls tunnel" not in {thread.name for thread in threading.enumerate()}
    assert list((tmp_path / "temporary").iterdir()) == []


def connections(server: Server) -> int:
    assert server._front is not None
    return server._front.connections


def eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def sockets() -> int:
    """Descriptors that are open in this process."""
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0  # noqa: PTH208


def same(a: Generated, b: Generated) -> bool:
    pictures = zip(a.pictures, b.pictures, strict=True)
    return (a.recipe, a.palette) == (b.recipe, b.palette) and all(x.data == y.data for x, y in pictures)


@contextmanager
def speaker(*lines: bytes | None) -> Iterator[str]:
    """An address of TLS at which somebody says this, without TLS; see raw_server."""
    with raw_server(lines) as address:
        yield address.replace("tcp://", "tls://")
