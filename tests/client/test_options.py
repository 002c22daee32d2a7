"""What a client is told of its server, before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.certificates import certificate
from vcg_bridge.client import AsyncClient, Client, ClientOptions, CurveKeys
from vcg_bridge.contract.errors import BadRequest, ConfigError

KEYS = CurveKeys("a" * 40, "b" * 40, "c" * 40)


@pytest.mark.parametrize(
    "address",
    [
        "tcp://10.0.0.5:7421", "tcp://example.org:7421", "tcp://127.0.0.1.nip.io:7421", "tcp://[::]:7421",
        "tcp://[fe80::1%eth0]:7421", "tcp://0.0.0.0:7421", "tcp://localhost.example.org:7421",
    ],
)  # fmt: skip
def test_a_token_does_not_travel_in_clear(address: str) -> None:
    with pytest.raises(ConfigError, match="would travel in clear") as caught:
        ClientOptions(address=address, token="s3cret")
    assert "tls://" in caught.value.hint
    assert "--server-key" in caught.value.hint
    assert "s3cret" not in str(caught.value)
    with pytest.raises(ConfigError):
        Client.connect(address, token="s3cret", timeout_s=0)
    ClientOptions(address=address)
    ClientOptions(address=address, token="s3cret", curve=KEYS)
    ClientOptions(address=address.replace("tcp", "tls"), token="s3cret")


@pytest.mark.parametrize(
    "address",
    ["tcp://127.0.0.1:7421", "tcp://127.9.8.7:7421", "tcp://localhost:7421", "tcp://[::1]:7421", "ipc:///tmp/x"],
)
def test_a_token_may_go_to_this_machine(address: str) -> None:
    assert ClientOptions(address=address, token="s3cret").tls is None


def test_tls_has_a_host_and_a_port() -> None:
    assert ClientOptions(address="tls://example.org:7422").tls == ("example.org", 7422)
    assert ClientOptions(address="tls://[::1]:7422").tls == ("::1", 7422)
    for wrong in ("tls://example.org", "tls://:7422", "tls://example.org:0", "tls://example.org:70000"):
        with pytest.raises(BadRequest, match="is no address"):
            ClientOptions(address=wrong)


def test_what_does_not_go_together() -> None:
    with pytest.raises(BadRequest, match="is not TLS"):
        ClientOptions(tls_certificate="cert.pem")
    with pytest.raises(BadRequest, match="encrypts already"):
        ClientOptions(address="tls://localhost:7422", curve=KEYS)


def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    pem = files.chain.read_text()
    middle = len(pem) // 2
    damaged = {
        "cut": pem[:middle],
        "letters": pem[:middle] + "!!!!" + pem[middle + 4 :],
        "other letters": pem[:100] + "AAAAAAAA" + pem[108:],
        "empty": "",
        "text": "tls://localhost:7422",
        "der": files.chain.read_bytes().hex(),
    }
    for name, content in damaged.items():
        (tmp_path / name).write_text(content)
        with pytest.raises(ConfigError, match=name) as caught:
            Client(ClientOptions(address="tls://localhost:7422", tls_certificate=tmp_path / name))
        assert "PEM file" in caught.value.hint
    for path, says in [(tmp_path / "none.pem", "No such file"), (tmp_path, "directory"), (files.key, "private key")]:
        for kind in (Client, AsyncClient):
            with pytest.raises(ConfigError, match=says):
                kind(ClientOptions(address="tls://localhost:7422", tls_certificate=str(path)))
