"""What is renewed while a server runs: its certificate, its token. The new is for whoever comes; who is there stays; what is broken is not taken."""

from __future__ import annotations

import datetime
import logging
import shutil
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.conftest import ANSWER_S, WINDOW, Dealer, config, figure, running
from tests.server.test_tls import IDLE, pictures, ready, tls_config
from tests.support.certificates import Certificate, certificate
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import ConfigError
from vcg_bridge.server import renewal
from vcg_bridge.server.certificates import ServedCertificate, ends_in
from vcg_bridge.server.renewal import AGAIN_S, LOOK_S, Renewed
from vcg_bridge.server.server import Server

pytestmark = pytest.mark.socket
TOKEN, OTHER = "0123456789abcdef", "fedcba9876543210"


def in_days(days: float) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)


def replace_by(files: Certificate, new: Certificate) -> None:
    """As a renewal does: the certificate first, the key a moment later."""
    shutil.copy(new.chain, files.chain)
    shutil.copy(new.key, files.key)


def eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + ANSWER_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def gives(server: Server, new: Certificate) -> bool:
    """Whether a newcomer that trusts that certificate alone is served."""
    try:
        with ready(server, new.chain) as client:
            return len(pictures(client, IDLE)) > 0
    except ssl.SSLError:
        return False


@pytest.mark.parametrize("told", [True, False])
def test_a_renewed_certificate_is_for_newcomers_and_nobody_is_cut_off(tiny: Path, tmp_path: Path, told: bool) -> None:
    files, new = certificate(tmp_path / "old"), certificate(tmp_path / "new", in_days(30))
    old = Certificate(tmp_path / "kept.pem", files.key, files.authority)
    shutil.copy(files.chain, old.chain)
    with running(tls_config(tiny, files, token=TOKEN)) as server, ready(server, old.chain) as there:
        assert gives(server, old)
        replace_by(files, new)
        if told:
            server.reload()
        eventually(lambda: gives(server, new))
        assert not gives(server, old)
        assert len(pictures(there, IDLE)) > 0  # on the connection it has had all the time
        days = (figure(server, "certificate_expiry_timestamp_seconds") - time.time()) / 86400
        assert 29 < days < 31


def test_a_broken_pair_leaves_the_old_one_until_it_is_whole(
    tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, new = certificate(tmp_path / "old"), certificate(tmp_path / "new")
    ended = certificate(tmp_path / "ended", in_days(-1))
    old = Certificate(tmp_path / "kept.pem", files.key, files.authority)
    shutil.copy(files.chain, old.chain)
    monkeypatch.setattr(renewal, "AGAIN_S", 0.1)
    with running(tls_config(tiny, files, token=TOKEN)) as server:

        def complains(of: str) -> bool:
            return any(of in r.message and "stays in force" in r.message for r in caplog.records)

        shutil.copy(new.chain, files.chain)  # its key is not there yet
        eventually(lambda: complains("is not the key of"))
        assert figure(server, "credentials_not_renewed") == 1
        assert gives(server, old)
        files.chain.write_bytes(new.chain.read_bytes()[:200])
        eventually(lambda: complains("are no certificate and its key"))
        files.chain.unlink()
        eventually(lambda: complains("cannot be read"))
        replace_by(files, ended)
        eventually(lambda: complains("clients would refuse it"))
        assert gives(server, old)
        replace_by(files, new)
        eventually(lambda: gives(server, new))
        assert figure(server, "credentials_not_renewed") == 0


def test_the_token_is_taken_anew(tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    address = "tcp://0.0.0.0:0"  # beyond this machine: a short one is refused
    settings = config(bundles=(str(tiny),), address=address, token=TOKEN, token_file=file)

    def answer(server: Server, token: str) -> m.Reply:
        with Dealer(server.address.replace("0.0.0.0", "127.0.0.1")) as dealer:
            dealer.send(m.Hello((1,), token=token))
            return dealer.reply()

    with running(settings) as server, Dealer(server.address.replace("0.0.0.0", "127.0.0.1")) as there:
        there.hello(token=TOKEN)
        file.write_text("short")
        server.reload()
        eventually(lambda: figure(server, "credentials_not_renewed") == 1)
        assert isinstance(answer(server, TOKEN), m.Welcome)
        file.write_text(OTHER + "\n")
        eventually(lambda: figure(server, "credentials_not_renewed") == 0)
        assert isinstance(answer(server, OTHER), m.Welcome)
        refused = answer(server, TOKEN)
        assert isinstance(refused, m.Error)
        assert refused.code == "auth"
        assert isinstance(there.job(m.Generate("x", design=m.Design(seed=1), credit=WINDOW)).end, m.Done)
    assert TOKEN not in caplog.text
    assert OTHER not in caplog.text
    assert "the token has only 5 characters" in caplog.text


def test_a_certificate_is_warned_about_in_its_last_days(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    for days, warned in [(20.5, False), (13.5, True)]:
        files = certificate(tmp_path / str(days), in_days(days))
        served = ServedCertificate(files.chain, files.key)
        caplog.clear()
        for hours in range(0, 49, 4):  # once a day
            served.look(hours * 3600.0)
        lines = [r.message for r in caplog.records]
        assert len(lines) == (3 if warned else 0), lines
        assert all("ends in 13 days" in line and "renew it" in line for line in lines)
    ended = certificate(tmp_path / "ended", in_days(-3.5))
    caplog.clear()
    served = ServedCertificate(ended.chain, ended.key)  # it starts all the same: there may be no other
    assert served.expiry is not None
    assert "ended 3 days ago" in ends_in(served.expiry)
    assert "has expired; clients will refuse it" in caplog.text


def test_files_are_looked_at_now_and_then_and_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file, taken = tmp_path / "file", list[float]()
    file.write_text("1")
    now = 0.0

    def take() -> str:
        taken.append(now)
        if file.read_text() == "bad":
            raise ConfigError("it is bad")
        return "fine"

    renewed = Renewed("--file", (file,), take)
    for now in (0.0, LOOK_S, 100.0):
        renewed.look(now)
    assert taken == []
    file.write_text("bad")
    for now in (101.0, 102.0, 104.0, 102.0 + AGAIN_S, 114.0):
        renewed.look(now)
    assert taken == [102.0, 102.0 + AGAIN_S]
    assert renewed.complaint == "it is bad"
    assert caplog.text.count("it is bad") == 1
    renewed.look(114.1, at_once=True)
    assert caplog.text.count("it is bad") == 2  # who asks is told
    file.write_text("good")
    now = 117.0
    renewed.look(now)
    assert (taken[-1], renewed.complaint) == (117.0, "")
