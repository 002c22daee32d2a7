"""Messages: growth by unknown and missing fields, and one clear error for whatever is wrong."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.make_golden import RECIPE, SAMPLES
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import BadRequest, ProtocolError, RecipeError, VcgError

GENERATE: dict[str, Any] = {"type": "generate", "id": "a", "design": {}}


def test_unknown_fields_are_ignored_and_missing_ones_have_defaults() -> None:
    message = m.request_from_wire({**GENERATE, "from_the_future": 1, "output": {"kind": "sheet", "hologram": True}})
    assert message == m.Generate("a", design=m.Design(), output=m.Output("sheet"))


def test_defaults_do_not_travel() -> None:
    assert m.to_wire(m.Generate("a", design=m.Design())) == GENERATE
    assert m.to_wire(m.Pong()) == {"type": "pong"}


def test_an_int_is_a_float_and_nothing_else_is_converted() -> None:
    strip = {"animation": "walk", "directions": ["up"], "frames": 1, "frame_width": 8, "frame_height": 8, "fps": 8}
    chunk = {**m.to_wire(SAMPLES["chunk_normal"].message), "strips": [strip]}
    reply = m.reply_from_wire(chunk)
    assert isinstance(reply, m.Chunk)
    assert type(reply.strips[0].fps) is float
    for fps in ("8", True, None, b"8"):
        with pytest.raises(ProtocolError, match=r"chunk\.strips\[0\]\.fps: a float is wanted"):
            m.reply_from_wire({**chunk, "strips": [{**strip, "fps": fps}]})


@pytest.mark.parametrize(
    ("fields", "kind", "message"),
    [
        ({"type": "generat"}, ProtocolError, r"unknown message type 'generat' \(did you mean \"generate\"\?\)"),
        ({"type": 7}, ProtocolError, "without a type"),
        ({"type": "welcome"}, ProtocolError, "unknown message type 'welcome'"),
        ({"id": ""}, BadRequest, r"generate\.id: 0 bytes; at least 1"),
        ({"id": "ä" * 33}, BadRequest, r"generate\.id: 66 bytes; at most 64"),
        ({"id": 5}, ProtocolError, r"generate\.id: a str is wanted, not int"),
        ({"id": None}, ProtocolError, r"generate\.id: a str is wanted, not nil"),
        ({"count": 0}, BadRequest, r"generate\.count: 0 is outside 1 to 1000"),
        ({"count": 1001}, BadRequest, r"generate\.count: 1001"),
        ({"count": 1.0}, ProtocolError, r"generate\.count: an int is wanted, not float"),
        ({"count": True}, ProtocolError, r"generate\.count: an int is wanted, not bool"),
        ({"credit": -1}, BadRequest, r"generate\.credit: -1"),
        ({"preview": 1}, ProtocolError, r"generate\.preview: a bool is wanted"),
        ({"animations": "walk"}, ProtocolError, r"generate\.animations: an array is wanted"),
        ({"animations": ["walk", 2]}, ProtocolError, r"generate\.animations\[1\]: a str is wanted"),
        ({"animations": ["walk"] * 257}, BadRequest, r"generate\.animations: 257 entries"),
        ({"output": []}, ProtocolError, r"generate\.output: a map is wanted"),
        ({"output": {"kind": "sheets"}}, BadRequest, r"generate\.output\.kind: 'sheets' is unknown .*\"sheet\""),
        ({"output": {"format": "bmp"}}, BadRequest, r"possible are r8, rgba8, png"),
        ({"output": {"outline": [1, 2, 3]}}, BadRequest, r"generate\.output\.outline: 3 entries; at least 4"),
        ({"output": {"outline": [1, 2, 3, 256]}}, BadRequest, r"generate\.output\.outline\[3\]: 256"),
        ({"output": {"kind": "preview"}, "preview": False}, BadRequest, "asks for nothing else"),
        ({"design": None}, BadRequest, "either a recipe or a design"),
        ({"design": {"novelty": 0.5}}, ProtocolError, r"design\.novelty: an int is wanted, not float"),
        ({"design": {"items": {"hair": 3}}}, ProtocolError, r"design\.items\.hair: a str is wanted"),
        ({"design": {"reroll": ["hair"]}}, BadRequest, "need a base recipe"),
        (
            {"design": {"controls": {"hair/length": 101}}},
            BadRequest,
            r"controls\.hair/length: 101 is outside -100 to 100",
        ),
        ({"design": {"controls": {"hair/length": 0.5}}}, ProtocolError, r"hair/length: an int is wanted, not float"),
        ({"design": {"controls": {f"hair/{i}": 1 for i in range(257)}}}, BadRequest, r"design\.controls: 257 entries"),
        ({"design": {"seed": 2**63 - 2}, "count": 3}, BadRequest, "last seed"),
        ({"design": {"base": {}}}, RecipeError, r"generate\.design\.base: the field 'format' is missing"),
        ({"recipe": {"format": 2}, "design": None}, RecipeError, "format 2"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], kind: type[VcgError], message: str) -> None:
    with pytest.raises(kind, match=message):
        m.request_from_wire({**GENERATE, **fields})


def test_recipe_and_design_exclude_each_other() -> None:
    with pytest.raises(BadRequest, match="either a recipe or a design"):
        m.decode_request(m.encode(m.Generate("a", recipe=RECIPE, design=m.Design())))
    with pytest.raises(BadRequest, match="2 characters of one recipe"):
        m.decode_request(m.encode(m.Generate("a", recipe=RECIPE, count=2)))
    with pytest.raises(BadRequest, match="either reroll or keep"):
        m.decode_request(m.encode(m.Generate("a", design=m.Design(base=RECIPE, reroll=("a",), keep=("b",)))))


def test_a_reply_outside_its_limits_is_the_servers_fault() -> None:
    with pytest.raises(ProtocolError, match=r"chunk\.kind: 'hologram'"):
        m.reply_from_wire({**m.to_wire(SAMPLES["chunk_normal"].message), "kind": "hologram"})
    with pytest.raises(ProtocolError, match=r"chunk\.sha256: 31 bytes"):
        m.reply_from_wire({**m.to_wire(SAMPLES["chunk_normal"].message), "sha256": bytes(31)})
    with pytest.raises(ProtocolError, match="format"):
        m.reply_from_wire({**m.to_wire(SAMPLES["chunk_normal"].message), "recipe": {}})


def test_blobs_come_with_chunks_and_nothing_else() -> None:
    with pytest.raises(ProtocolError, match="chunk: 0 blobs; 1 are wanted"):
        m.decode_reply(m.encode(SAMPLES["chunk_normal"].message))
    with pytest.raises(ProtocolError, match="pong: 1 blobs; 0 are wanted"):
        m.decode_reply(m.encode(m.Pong("a"), [b""]))
    with pytest.raises(ProtocolError, match="at most 0"):
        m.decode_request([*m.encode(m.Ping("a")), b""])


def test_the_id_of_a_bad_request_is_found() -> None:
    assert m.id_in({**GENERATE, "count": 0}) == "a"
    assert m.id_in({**GENERATE, "id": 7}) == ""
    assert m.id_in({**GENERATE, "id": "x" * 65}) == ""
    assert m.id_in({}) == ""


def test_the_request_key_is_of_what_is_asked_for() -> None:
    request = m.Generate("a", design=m.Design(seed=1))
    key = m.request_key(request)
    assert key == m.request_key(replace(request, credit=5, first_seq=3, priority="batch"))
    assert key != m.request_key(replace(request, count=2))
    assert key != m.request_key(replace(request, design=m.Design(seed=2)))


WORDS = st.sampled_from(["a", "walk", "guard", "r8", "sheet", "", "x" * 70])
JUNK = st.none() | st.booleans() | st.integers(-2, 2**40) | st.floats(allow_nan=False) | WORDS | st.binary(max_size=3)
NAMES = sorted(
    {f for kind in m.REQUESTS.values() for f in kind.__dataclass_fields__} | {"seed", "items", "kind", "base"}
)
TREES = st.recursive(
    JUNK,
    lambda x: st.lists(x, max_size=3) | st.dictionaries(st.sampled_from(NAMES), x, max_size=6),
    max_leaves=20,
)


@given(st.sampled_from([*m.REQUESTS, *m.REPLIES]), st.dictionaries(st.sampled_from(NAMES), TREES, max_size=10))
def test_any_map_is_a_message_or_one_clear_error(kind: str, fields: dict[str, Any]) -> None:
    for read in (m.request_from_wire, m.reply_from_wire):
        with suppress(VcgError):
            message = read({**fields, "type": kind})
            assert read(m.to_wire(message)) == message
