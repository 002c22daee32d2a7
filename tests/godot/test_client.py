"""VcgClient in a real Godot with a real `vcg serve` of the shipped bundle: pictures, and every way to leave.

What a server or a network can do wrong is in tests/conformance, which this client plays as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
import zmq
from zmq.auth.thread import ThreadAuthenticator

from tests.conformance.stage import stop, wait_until_ready
from tests.support.commands import start_vcg
from tests.support.godot import GodotProject, GodotResult, new_project
from tests.support.peer import Peer
from vcg_bridge.client import Client

pytestmark = [pytest.mark.godot, pytest.mark.socket]

REQUESTS: list[dict[str, Any]] = [
    {"design": {"seed": 7, "archetype": "guard"}},
    {"design": {"seed": 40, "novelty": 100}, "count": 3, "animations": ["idle", "walk"]},
    {"design": {"seed": 9}, "output": {"kind": "sheet", "layout": "packed", "normal_map": True}},
    {"design": {"seed": 9}, "animations": ["walk"], "output": {"format": "png"}},
    {"design": {"seed": 9}, "animations": ["walk"], "output": {"format": "rgba8"}},
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    ready = tmp_path_factory.mktemp("serve") / "ready"
    process = start_vcg(
        "serve", "--bind", "tcp://127.0.0.1:0", "--device", "cpu", "--threads", 1, "--ready-file", ready
    )
    try:
        yield wait_until_ready(process, ready)[0]
    finally:
        stop(process)


@pytest.fixture(scope="module")
def project(godot_template: GodotProject, tmp_path_factory: pytest.TempPathFactory) -> GodotProject:
    return new_project(tmp_path_factory.mktemp("client"))


def said(run: GodotResult) -> list[dict[str, Any]]:
    """What the script told."""
    return [json.loads(line[5:]) for line in run.output.splitlines() if line.startswith("JSON ")]


def check(project: GodotProject, *arguments: str) -> list[dict[str, Any]]:
    return said(project.run_script("res://tests/client_checks.gd", *arguments))


def test_frames_and_state_machine(project: GodotProject) -> None:
    run = project.run_script("res://tests/wire_checks.gd", check=False)
    assert run.code == 0, run.output
    assert "wrong 0" in run.output
    assert not run.complaints, run.output


def test_pictures_are_those_of_the_python_client(project: GodotProject, address: str, tmp_path: Path) -> None:
    (tmp_path / "requests.json").write_text(json.dumps(REQUESTS))
    *jobs, description = check(project, "pictures", address, str(tmp_path / "requests.json"))
    with Client.connect(address) as client:
        for request, job in zip(REQUESTS, jobs, strict=True):
            found = list(client.generate_characters(**request_of(request)))
            pictures = [picture for character in found for picture in character.pictures]
            assert len(job["pictures"]) == len(pictures)
            for got, picture in zip(job["pictures"], pictures, strict=True):
                digest = hashlib.sha256(picture.data).hexdigest()
                expected = (picture.character, picture.kind, picture.name, digest, digest)
                assert tuple(got[x] for x in ("character", "kind", "name", "sha256", "announced")) == expected
                assert got["size"] == [picture.chunk.width, picture.chunk.height]
                assert got["palette"] == picture.palette.hex()
                assert got["recipe"]["seed"] == picture.recipe.seed
            assert job["credits"] == list(found[-1].credits)
            assert job["model"] == client.welcome.models[0].name
        described = client.describe()
        assert {(job["licence"], job["attribution"]) for job in jobs} == {(described.licence, described.attribution)}
        assert [x["id"] for x in description["layers"]] == [x.id for x in described.layers]


def request_of(request: dict[str, Any]) -> dict[str, Any]:
    """The fields of a request as the Python client takes them."""
    from vcg_bridge.contract import messages as m

    read = m.request_from_wire({"type": "generate", "id": "x", **request})
    assert isinstance(read, m.Generate)
    return {name: getattr(read, name) for name in request}


def test_nothing_is_left_however_a_client_goes(project: GodotProject, address: str) -> None:
    *ways, cancel, end = check(project, "leaving", address)
    assert [x["way"] for x in ways] == [
        "close",
        "queue_free",
        "free",
        "close and open",
        "remove",
        "free while connecting",
    ]
    for way in ways:
        assert way["later"] == 0, way
        assert way["held"], way  # no thread, no socket
        closed = way["way"] in ("close", "close and open", "remove")
        assert (way["state"], way["cancelled"]) == ("cancelled", int(closed)), way
    assert (cancel["later"], cancel["another"]) == (0, "done")
    assert end["held"]


def test_quitting_in_the_middle_of_a_job_is_clean(project: GodotProject, address: str) -> None:
    (middle,) = check(project, "quitting", address)
    assert middle["received"] >= 5


def test_settings_that_are_wrong(project: GodotProject, address: str) -> None:
    *wrong, repaired = check(project, "settings", address)
    assert [x["code"] for x in wrong] == ["bad_request"] * 3 + ["no_server"] + ["config"] * 5
    for row in wrong:
        assert (row["state"], row["job"]) == ("failed", "failed"), row
    for row, part in zip(
        wrong,
        [
            "localhost:7421",
            ":0",
            "http://",
            "not known",
            "token for 203.0.113.7 would travel in clear. Use the server's TLS port, tls://HOST:PORT",
            "password for 127.evil.example would travel in clear",
            "certificate",
            "/no/such/file.pem",
            "project.godot",
        ],
        strict=True,
    ):
        assert part in row["text"], row
    assert repaired == {"repaired": "ready", "conflict": "bad_request", "first": "done"}


def connect(project: GodotProject, address: str, settings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What becomes of a client with each of these settings. The engine itself complains where a certificate is wrong."""
    given = project.write("settings.json", json.dumps(settings))
    run = project.run_script("res://tests/client_checks.gd", "connect", address, str(given), check=False)
    assert run.code == 0, run.output
    assert "SCRIPT ERROR" not in run.output, run.output
    return said(run)


def test_plain(project: GodotProject) -> None:
    peer = Peer()
    peer._router.setsockopt(zmq.PLAIN_SERVER, 1)
    guard = ThreadAuthenticator(peer._context)
    guard.start()
    guard.configure_plain(domain="*", passwords={"me": "right"})
    try:
        with peer:
            settings = [{"username": "me", "password": x} for x in ("right", "wrong")] + [{}]
            right, wrong, none = connect(project, peer.address, settings)
            guard.stop()
    finally:
        guard.stop()
    assert right == {"state": "ready", "received": 3}
    assert (wrong["state"], wrong["code"]) == ("failed", "auth")
    assert "user name and password" in wrong["text"]
    assert (none["state"], none["code"]) == ("failed", "no_server")  # libzmq closes without a word
    assert "closed the connection during the handshake" in none["text"]


def test_tls_with_an_authority_and_a_name(project: GodotProject, tmp_path: Path) -> None:
    """What the table does not have: an authority's certificate is pinned, which is good for a server of a given name only."""
    authority, other = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    other.cert_pem.write_to_path(str(tmp_path / "other.pem"))
    made, ready = authority.issue_cert("vcg.example"), tmp_path / "ready"
    made.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    made.cert_chain_pems[0].write_to_path(str(tmp_path / "own.pem"))
    (tmp_path / "server.pem").chmod(0o600)
    (tmp_path / "token").write_text("a-token-of-the-tests")
    (tmp_path / "token").chmod(0o600)
    files = [tmp_path / "server.pem", tmp_path / "server.pem"]
    process = start_vcg(
        "serve", "--bind", "tcp://127.0.0.1:0", "--tls-bind", "tls://127.0.0.1:0", "--tls", *files, "--token-file",
        tmp_path / "token", "--device", "cpu", "--threads", 1, "--ready-file", ready,
    )  # fmt: skip
    try:
        _, address = wait_until_ready(process, ready)
        pinned = {"token": "a-token-of-the-tests", "tls_certificate_path": str(tmp_path / "authority.pem")}
        changes = [{"tls_server_name": "vcg.example"}, {"tls_server_name": "other.example"},
                   {"tls_server_name": "vcg.example", "tls_certificate_path": str(tmp_path / "other.pem")},
                   {}, {"tls_certificate_path": str(tmp_path / "own.pem")}, {"tls_server_name": "x" * 256}]  # fmt: skip
        right, wrong, stranger, *unclear = connect(project, address, [pinned | x for x in changes])
    finally:
        stop(process)
    assert right == {"state": "ready", "received": 1}
    assert (wrong["code"], stranger["code"]) == ("auth", "auth")
    assert 'not for "other.example"' in wrong["text"]
    assert "not signed by" in stranger["text"]
    assert [x["code"] for x in unclear] == ["config", "config", "bad_request"]
    for row, part in zip(unclear, ["bears no name", "another has signed", "255 bytes"], strict=True):
        assert part in row["text"]
