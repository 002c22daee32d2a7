"""Every request of protocol 1 and its answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.server.conftest import WINDOW, Dealer, config, running
from vcg_bridge.contract import codec
from vcg_bridge.contract import messages as m
from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.blobs import decode_blob
from vcg_bridge.contract.description import Description, description_of
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.generators.design import DesignSpec, design

pytestmark = pytest.mark.socket
SMALL = m.Generate("small", design=m.Design(seed=4), animations=("idle",), credit=WINDOW)


@pytest.fixture(scope="module")
def manifest(tiny: Path) -> Manifest:
    return open_bundle(tiny).manifest


def error(reply: m.Reply) -> m.Error:
    assert isinstance(reply, m.Error), reply
    return reply


def test_hello_says_what_the_server_is(dealer: Dealer, manifest: Manifest) -> None:
    welcome = dealer.hello(codecs=("lz4", "gzip", "zstd"))
    assert welcome.version == v.PROTOCOL_VERSION[0]
    assert welcome.codecs == ("gzip", "zstd", "raw")
    assert welcome.models == (m.Model(manifest.name, manifest.version, manifest.title, manifest.sha256),)
    assert welcome.device in ("cpu", "cuda")
    assert welcome.limits == m.Limits(count=500)


@pytest.mark.parametrize("versions", [(2,), (7, 9)])
def test_another_major_version_is_refused(dealer: Dealer, versions: tuple[int, ...]) -> None:
    dealer.send(m.Hello(versions))
    refused = error(dealer.reply())
    assert (refused.code, refused.id) == ("version", "")
    dealer.send(m.Ping("p"))
    assert error(dealer.reply()).code == "hello_required"


def test_a_client_that_also_speaks_a_newer_version_is_welcome(dealer: Dealer) -> None:
    dealer.send(m.Hello((2, 1), minor=9))
    welcome = dealer.reply()
    assert isinstance(welcome, m.Welcome)
    assert (welcome.version, welcome.minor) == v.PROTOCOL_VERSION


@pytest.mark.parametrize(
    "request_",
    [m.Ping("x"), m.Describe("x"), SMALL, m.Credit("x", 1), m.Cancel("x"), m.Bye()],
    ids=lambda r: type(r).__name__,
)
def test_hello_comes_first(dealer: Dealer, request_: m.Request) -> None:
    dealer.send(request_)
    refused = error(dealer.reply())
    assert refused.code == "hello_required"
    assert refused.id == getattr(request_, "id", "")


def test_controls_are_described_and_reach_the_recipe(dealer: Dealer, manifest: Manifest) -> None:
    dealer.hello()
    dealer.send(m.Describe("d"))
    described = dealer.reply()
    assert isinstance(described, Description)
    hair = next(x for x in described.layers if x.id == "hair")
    control = hair.controls[0]
    wish = m.Design(seed=4, items={"hair": control.items[1]}, controls={f"hair/{control.id}": 29})
    answer = dealer.job(replace(SMALL, design=wish, output=m.Output(kind="preview")))
    spec = DesignSpec(seed=4, items=wish.items, controls={"hair/length": 0.29})
    assert answer.chunks[0].recipe == design(manifest, spec)
    assert len({line.split(":")[0] for line in answer.chunks[0].credits} & {"Short 01 Buzz", "Short 03 Parted"}) == 2
    refused = dealer.job(replace(SMALL, id="other", design=replace(wish, items={"hair": "long-01-braid"})))
    assert error(refused.end).code == "bad_request"
    assert "short-02-cowlick" in error(refused.end).hint


def test_ping(dealer: Dealer) -> None:
    dealer.hello()
    dealer.send(m.Ping("7"), m.Ping())
    assert [dealer.reply(), dealer.reply()] == [m.Pong("7"), m.Pong()]


def test_describe_is_all_that_an_editor_needs(dealer: Dealer, manifest: Manifest) -> None:
    dealer.hello()
    dealer.send(m.Describe("d"), m.Describe("e", manifest.name), m.Describe("f", "tiyn"))
    assert dealer.reply() == description_of(manifest, "d")
    named = dealer.reply()
    assert isinstance(named, Description)
    assert named.id == "e"
    refused = error(dealer.reply())
    assert (refused.code, refused.id) == ("bad_request", "f")
    assert manifest.name in refused.hint


def test_generate_gives_preview_animations_and_done(dealer: Dealer, manifest: Manifest) -> None:
    dealer.hello()
    answer = dealer.job(m.Generate("g", design=m.Design(seed=5, archetype="guard"), count=2, credit=WINDOW))
    accepted, done = answer.replies[0], answer.end
    assert accepted == m.Accepted("g", 2, 2 * (1 + len(manifest.animations)), manifest.name, manifest.sha256)
    assert [c.seq for c in answer.chunks] == list(range(len(answer.chunks)))
    assert [c.kind for c in answer.chunks if c.character == 1] == ["preview"] + ["animation"] * len(manifest.animations)
    for chunk in answer.chunks:
        decode_blob(chunk.codec, answer.blobs[chunk.seq], chunk.raw_length, chunk.sha256)  # checks length and hash
    assert isinstance(done, m.Done)
    assert (done.characters, done.chunks, done.licence) == (2, len(answer.chunks), manifest.licence)
    assert done.attribution == manifest.attribution
    assert {"queued", "draw", "compose", "encode", "first_chunk", "total"} <= set(done.timings_ms)
    assert all(x >= 0 for x in done.timings_ms.values())
    assert done.margin > 0
    assert done.cache["hits"] + done.cache["misses"] > 0


def test_a_recipe_gives_the_identical_bytes(dealer: Dealer) -> None:
    dealer.hello()
    first = dealer.job(SMALL)
    again = dealer.job(m.Generate("again", recipe=first.chunks[0].recipe, animations=("idle",), credit=WINDOW))
    assert [c.sha256 for c in first.chunks] == [c.sha256 for c in again.chunks]
    assert first.chunks[0].palette == again.chunks[0].palette
    assert first.blobs == again.blobs


@pytest.mark.parametrize(
    ("request_", "code", "names"),
    [
        (m.Generate("x", design=m.Design(archetype="gaurd")), "bad_request", "guard"),
        (m.Generate("x", design=m.Design(), animations=("wlak",)), "bad_request", "walk"),
        (m.Generate("x", design=m.Design(items={"hiar": "a"})), "bad_request", "hair"),
        (m.Generate("x", design=m.Design(ramps={"skin": "ivroy"})), "bad_request", "ivory"),
        (m.Generate("x", design=m.Design(), model="tiyn"), "bad_request", "tiny"),
        (m.Generate("x", design=m.Design(), count=501), "limit", ""),
    ],
)  # fmt: skip
def test_bad_requests_get_one_clear_error(dealer: Dealer, request_: m.Generate, code: str, names: str) -> None:
    dealer.hello()
    answer = dealer.job(replace(request_, credit=WINDOW))
    refused = error(answer.end)
    assert (refused.code, refused.id) == (code, "x")
    assert names in refused.hint
    assert not answer.chunks
    dealer.send(m.Ping("still there"))
    assert dealer.reply() == m.Pong("still there")


def test_limits_of_form_are_bad_requests_with_their_id(dealer: Dealer) -> None:
    dealer.hello()
    plain = m.to_wire(SMALL)
    for fields, message in [
        ({"count": 0}, "count"), ({"count": 1001}, "count"), ({"priority": "now"}, "priority"), ({"design": None}, "either"),
    ]:  # fmt: skip
        dealer.send_raw([codec.pack_map({**plain, **fields})])
        refused = error(dealer.reply())
        assert (refused.code, refused.id) == ("bad_request", "small")
        assert message in refused.message


def test_cancel_ends_a_job_and_says_so(dealer: Dealer) -> None:
    dealer.hello()
    dealer.send(m.Generate("long", design=m.Design(seed=1), count=500, credit=WINDOW, priority="batch"))
    assert isinstance(dealer.reply(), m.Accepted)
    dealer.send(m.Cancel("long"))
    last = dealer.until(m.Cancelled)[-1]
    assert last == m.Cancelled("long", active=True)
    dealer.send(m.Cancel("long"), m.Cancel("never was"))
    assert [dealer.reply(), dealer.reply()] == [m.Cancelled("long"), m.Cancelled("never was")]
    assert dealer.quiet(0.5)
    assert isinstance(dealer.job(SMALL).end, m.Done)


def test_an_interactive_job_overtakes_a_batch(dealer: Dealer) -> None:
    dealer.hello()
    batch = m.Generate("batch", design=m.Design(seed=1, novelty=50), count=300, credit=WINDOW * 4, priority="batch")
    dealer.send(batch, m.Generate("quick", design=m.Design(seed=2), animations=("walk",), credit=WINDOW))
    replies = dealer.until(m.Done)
    assert getattr(replies[-1], "id", "") == "quick"
    dealer.send(m.Cancel("batch"))
    dealer.until(m.Cancelled)


def test_bye_drops_the_jobs(dealer: Dealer) -> None:
    dealer.hello()
    dealer.send(m.Generate("g", design=m.Design(), count=100, priority="batch"), m.Bye(), m.Ping("p"))
    replies = dealer.until(m.Error)
    assert error(replies[-1]).code == "hello_required"


def test_the_token_is_asked_for(tiny: Path) -> None:
    token = "a token of some length"
    with running(config(bundles=(str(tiny),), token=token)) as server, Dealer(server.address) as dealer:
        for wrong in ("", "another token"):
            dealer.send(m.Hello((1,), token=wrong))
            refused = error(dealer.reply())
            assert (refused.code, refused.id) == ("auth", "")
            assert token not in refused.message + refused.hint
        dealer.send(SMALL)
        assert error(dealer.reply()).code == "hello_required"
        dealer.hello(token=token)
        assert isinstance(dealer.job(SMALL).end, m.Done)
