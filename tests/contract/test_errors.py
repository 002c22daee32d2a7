"""Errors: one table, and the way over the wire and back."""

from __future__ import annotations

import pickle

import pytest

from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import ERRORS, BadRequest, BusyError, InternalError, VcgError, from_code, near


def classes(kind: type[VcgError]) -> set[type[VcgError]]:
    return {kind} | {x for child in kind.__subclasses__() for x in classes(child)}


def test_every_class_is_in_the_table_under_its_own_code() -> None:
    ours = {kind for kind in classes(VcgError) if kind.__module__ == "vcg_bridge.contract.errors"}
    assert set(ERRORS.values()) == ours - {VcgError}
    assert all(kind.code == code for code, kind in ERRORS.items())


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_survives_the_wire(code: str) -> None:
    error = ERRORS[code]("it broke", hint="mend it", retry_after_ms=5, path="a", secret=object())
    reply, _ = m.decode_reply(m.encode(m.error_message(error, "job")))
    assert isinstance(reply, m.Error)
    assert reply.id == "job"
    back = m.exception_of(reply)
    assert type(back) is ERRORS[code]
    assert (back.message, back.hint, back.details) == ("it broke", "mend it", {"retry_after_ms": 5, "path": "a"})
    assert str(back) == "it broke (mend it)"


def test_details_cannot_take_the_place_of_what_stands_beside_them() -> None:
    reply = m.Error(
        "busy", "full", "wait", details={"message": "x", "hint": "y", "code": "z", "retry_after_ms": "soon"}
    )
    error = m.exception_of(reply)
    assert (error.message, error.hint) == ("full", "wait")
    assert isinstance(error, BusyError)
    assert error.retry_after_ms == 0


def test_a_code_from_the_future_is_internal() -> None:
    error = from_code("teapot", "short and stout", hint="pour")
    assert type(error) is InternalError
    assert "teapot" in error.message


def test_a_strangers_message_stays_at_home() -> None:
    reply = m.error_message(OSError("/home/ann/secret.txt"), "job")
    assert reply.code == "internal"
    assert "secret" not in reply.message + reply.hint
    long = m.error_message(BadRequest("x" * 100_000))
    m.encode(long)


def test_errors_can_be_pickled_between_processes() -> None:
    error = pickle.loads(pickle.dumps(BusyError("full", hint="wait", retry_after_ms=3)))
    assert (type(error), error.hint, error.retry_after_ms) == (BusyError, "wait", 3)


@pytest.mark.parametrize(
    ("name", "candidates", "hint"),
    [
        ("gard", ["guard", "villager"], 'did you mean "guard"?'),
        ("GUARD", ["guard"], 'did you mean "guard"?'),
        ("cowlick", ["short-04-cowlick", "long-01"], 'did you mean "short-04-cowlick"?'),
        ("hiar", ["hair", "hail", "hait"], None),
        ("zzz", ["guard"], ""),
        ("", ["guard"], ""),
        ("x" * 100_000, ["guard"], ""),
        ("guard", [], ""),
    ],
)
def test_near_names(name: str, candidates: list[str], hint: str | None) -> None:
    found = near(name, candidates)
    assert found == hint if hint is not None else found.startswith("did you mean ")
