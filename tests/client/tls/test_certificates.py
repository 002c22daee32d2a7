"""Who is trusted, and that nobody else gets to know anything."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import trustme

from tests.client.tls.conftest import DESIGN, TOKEN, eventually, secured
from tests.support.certificates import Certificate, certificate
from tests.support.listeners import recorder
from vcg_bridge.client import Client, ClientOptions
from vcg_bridge.contract.errors import AuthError

pytestmark = pytest.mark.socket


def test_without_a_certificate_the_authorities_and_the_name_decide(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = certificate(tmp_path, names=("localhost",))
    with secured(tiny, files) as server:
        port = server.tls_address.rpartition(":")[2]
        with pytest.raises(AuthError, match=r"is not trusted here: .*; nothing was sent") as caught:
            Client.connect(f"tls://localhost:{port}")
        assert "--certificate" in caught.value.hint
        monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))
        with Client.connect(f"tls://localhost:{port}") as client:
            assert client.ping() > 0
        with pytest.raises(AuthError, match=r"not trusted here: .*127\.0\.0\.1"):
            Client.connect(f"tls://127.0.0.1:{port}")


def test_another_certificate_gets_to_know_nothing(tmp_path: Path) -> None:
    authority = trustme.CA()
    mine = certificate(tmp_path / "mine", signed_by=authority)
    for files, pinned in [
        (certificate(tmp_path / "other"), mine.chain),
        (certificate(tmp_path / "sister", signed_by=authority), mine.chain),
        (certificate(tmp_path / "child", signed_by=authority), mine.authority),
    ]:
        with recorder(files) as (address, heard):
            with pytest.raises(AuthError, match=f"certificate is not the one in {pinned}; nothing was sent") as caught:
                Client.connect(address, token=TOKEN, tls_certificate=pinned)
            assert "again if it was renewed" in caught.value.hint
        assert heard == [b""]  # somebody came, and said nothing
    both = tmp_path / "both.pem"
    both.write_text("Old one:\n" + certificate(tmp_path / "old").chain.read_text() + "\n" + mine.chain.read_text())
    with recorder(mine) as (address, heard):
        client = Client(ClientOptions(address=address, token=TOKEN, tls_certificate=both))
        client.generate(design=DESIGN)
        eventually(lambda: len(heard) > 1)
        client.close()
    assert b"".join(heard).startswith(b"\xff")  # ZMTP


@pytest.mark.parametrize("pin", [True, False])
def test_a_certificate_past_its_date(tiny: Path, tmp_path: Path, pin: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    old = certificate(tmp_path, datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
    monkeypatch.setenv("SSL_CERT_FILE", str(old.authority))
    with (
        secured(tiny, old) as server,
        pytest.raises(AuthError, match=r"certificate of the server at 127\.0\.0\.1 has expired; nothing was sent"),
    ):
        Client.connect(server.tls_address, tls_certificate=old.chain if pin else None)


def test_the_server_comes_back_as_somebody_else(tiny: Path, right: Certificate, tmp_path: Path, port: int) -> None:
    """Another certificate at the old address ends the job: it is not asked again and again."""
    with secured(tiny, right, port=port):
        client = Client.connect(f"tls://127.0.0.1:{port}", window_bytes=2000, tls_certificate=right.chain)
        job = client.generate(design=DESIGN, count=200)
        assert job.next() is not None
    with (
        secured(tiny, certificate(tmp_path / "other"), port=port),
        client,
        pytest.raises(AuthError, match="not the one"),
    ):
        list(job)
