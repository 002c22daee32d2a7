"""How much one client may ask: requests in a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.conftest import Dealer, config, running
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import BusyError
from vcg_bridge.server.rate import Bucket


def test_a_bucket_empties_and_fills() -> None:
    bucket = Bucket(10.0, 3, 0.0)
    for _ in range(3):
        bucket.take(0.0)
    with pytest.raises(BusyError, match="10 requests a second") as caught:
        bucket.take(0.0)
    assert caught.value.retry_after_ms == 100
    bucket.take(0.1)
    with pytest.raises(BusyError):
        bucket.take(0.1)
    with pytest.raises(BusyError):
        bucket.take(-50.0)  # a clock that jumps back gives nothing
    for _ in range(3):
        bucket.take(1000.0)
    with pytest.raises(BusyError):
        bucket.take(1000.0)  # and however long one waits, no more than the burst


@pytest.mark.socket
def test_who_asks_too_often_is_told_when_to_come_back_and_others_are_served(tiny: Path) -> None:
    limited = config(bundles=(str(tiny),), requests_per_s=1.0, requests_burst=3)
    with running(limited) as server, Dealer(server.address) as busy, Dealer(server.address) as other:
        busy.hello("s")
        for i in range(5):
            busy.send(m.Describe(f"d{i}"))
        answers = [busy.reply() for _ in range(5)]
        assert [type(a) for a in answers[:3]] == [m.Description] * 3
        for refused in answers[3:]:
            assert isinstance(refused, m.Error)
            assert refused.code == "busy"
            assert 0 < refused.details["retry_after_ms"] <= 1000  # type: ignore[operator]
        busy.send(m.Hello((1,), session="s"))  # saying hello again does not fill the bucket
        again = busy.reply()
        assert isinstance(again, m.Error)
        assert again.code == "busy"
        busy.send(m.Ping("p"))
        assert busy.reply() == m.Pong("p")
        other.hello()
        other.send(m.Describe("d"))
        assert isinstance(other.reply(), m.Description)
