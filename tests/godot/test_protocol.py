"""The protocol in GDScript against the golden files, hostile bytes, and the Python reader on a few thousand mutations.

Everything is prepared here, goes through one start of Godot, and is compared here.
"""

from __future__ import annotations

import hashlib
import json
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.godot import ROOT, GodotProject, new_project
from vcg_bridge.contract import blobs, codec
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import VcgError

pytestmark = pytest.mark.godot

GOLDEN = ROOT / "tests" / "golden"
HOSTILE: list[dict[str, str]] = json.loads((GOLDEN / "hostile.json").read_text(encoding="utf-8"))


def frames_of(path: Path) -> list[bytes]:
    """The frames of a golden message."""
    data = path.read_bytes()
    (count,), at, frames = struct.unpack_from("<I", data), 4, []
    for _ in range(count):
        (size,) = struct.unpack_from("<I", data, at)
        frames.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return frames


MESSAGES = {path.stem: frames_of(path) for path in sorted(GOLDEN.glob("*.bin")) if path.stem != "values"}
REQUESTS = {
    name: x for name, x in MESSAGES.items() if codec.unpack_map(x[0])["type"] in m.REQUESTS and name != "bye_server"
}
REPLIES = {name: x for name, x in MESSAGES.items() if name not in REQUESTS}
VALUES = (GOLDEN / "values.bin").read_bytes()


def golden_maps() -> list[bytes]:
    return [*(frames[0] for frames in MESSAGES.values()), frames_of(GOLDEN / "values.bin")[0]]


# Mutations: the same every time.


def mutated_bytes(source: random.Random, data: bytes) -> bytes:
    """A few bytes changed, put in, taken out, or the end cut off."""
    bytes_ = bytearray(data)
    for _ in range(source.randint(1, 3)):
        if not bytes_:
            break
        at = source.randrange(min(len(bytes_), 400))
        match source.randrange(5):
            case 0 | 1:
                bytes_[at] = source.choice(
                    [0, 0x7F, 0x80, 0x90, 0xA0, 0xC0, 0xC1, 0xCA, 0xCB, 0xD9, 0xDF, 0xE0, 0xFF, source.randrange(256)]
                )
            case 2:
                bytes_.insert(at, source.randrange(256))
            case 3:
                del bytes_[at]
            case 4:
                del bytes_[source.randrange(len(bytes_)) :]
    return bytes(bytes_)


VALUES_TO_TRY: list[Any] = [
    None, True, 0, 1, -1, 255, 65536, 2**53 + 1, -(2**63), 2**63 - 1, 0.5, -1e300, "", "x", "é" * 40, "x" * 65, "x" * 129,
    "x" * 1025, b"", b"x" * 32, b"x" * 1024, [], [1], ["x"], [[1]], {}, {"a": 1}, {"a": "b"}, [1, 2, 3, 4], [0, 0],
    "preview", "walk", "png", ["walk"] * 257,
]  # fmt: skip


def mutated_map(source: random.Random, message: dict[str, Any]) -> dict[str, Any]:
    """One value somewhere in a message taken out or replaced, or a field put in."""
    message = json_like_copy(message)
    holders: list[Any] = [message]
    for holder in holders:
        inner = holder.values() if isinstance(holder, dict) else holder
        holders += [x for x in inner if isinstance(x, dict | list) and x]
    holder = source.choice(holders)
    place = source.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    match source.randrange(4):
        case 0 if isinstance(holder, dict):
            del holder[place]
        case 1 if isinstance(holder, dict):
            holder["novel"] = source.choice(VALUES_TO_TRY)
        case _:
            holder[place] = source.choice(VALUES_TO_TRY)
    return message


def json_like_copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: json_like_copy(x) for key, x in value.items()}
    return [json_like_copy(x) for x in value] if isinstance(value, list) else value


def mutations(count: int) -> dict[str, list[Any]]:
    """maps, replies and requests as frames, blobs."""
    source = random.Random(20261124)
    maps = golden_maps()
    found: dict[str, list[Any]] = {"maps": [mutated_bytes(source, source.choice(maps)) for _ in range(count)]}
    for kind, table in (("replies", REPLIES), ("requests", REQUESTS)):
        found[kind] = []
        for frames in source.choices(list(table.values()), k=count):
            changed = mutated_map(source, dict(codec.unpack_map(frames[0])))
            found[kind].append([codec.pack_map(changed), *frames[1:]])
    found["blobs"] = []
    plain = bytes((i * 7 + i // 50) % 23 for i in range(3000))
    for name in ("gzip", "zstd", "raw"):
        whole = blobs.encode_blob(name, plain)
        found["blobs"] += [
            (name, x, len(plain), hashlib.sha256(plain).digest())
            for x in [whole, whole + b"x", whole * 2, whole[:-1], b""]
        ]
        for _ in range(count // 6):
            found["blobs"].append((name, mutated_bytes(source, whole), len(plain), hashlib.sha256(plain).digest()))
    for length in (0, 2999, 3001, 64 << 20, (64 << 20) + 1):
        found["blobs"] += [
            (name, blobs.encode_blob(name, plain), length, hashlib.sha256(plain).digest())
            for name in ("gzip", "zstd", "raw")
        ]
    for name in ("gzip", "zstd", "raw", "lz4"):
        empty = b"" if name == "lz4" else blobs.encode_blob(name, b"")
        found["blobs"].append((name, empty, 0, hashlib.sha256(b"").digest()))
    return found


FUZZ = mutations(600)


@dataclass(frozen=True)
class Checked:
    """What GDScript made of everything."""

    golden_maps: list[Any]
    golden_replies: dict[str, Any]
    golden_requests: dict[str, Any]
    hostile: list[Any]
    fuzz: dict[str, list[Any]]


@pytest.fixture(scope="module")
def checked(godot_template: GodotProject, tmp_path_factory: pytest.TempPathFactory) -> Checked:
    project = new_project(tmp_path_factory.mktemp("protocol"))
    maps = [*golden_maps(), *(bytes.fromhex(x["hex"]) for x in HOSTILE), *FUZZ["maps"]]
    cases = {
        "maps": [x.hex() for x in maps],
        "replies": [[x.hex() for x in frames] for frames in [*REPLIES.values(), *FUZZ["replies"]]],
        "requests": [frames[0].hex() for frames in [*REQUESTS.values(), *FUZZ["requests"]]],
        "blobs": [{"codec": c, "blob": b.hex(), "length": n, "sha256": h.hex()} for c, b, n, h in FUZZ["blobs"]],
    }
    given, results = project.path / "cases.json", project.path / "results.json"
    given.write_text(json.dumps(cases), encoding="utf-8")
    run = project.run_script("res://tests/protocol_checks.gd", str(given), str(results), check=False)
    assert run.code == 0, run.output
    assert "SCRIPT ERROR" not in run.output, run.output  # of damaged gzip the engine itself complains
    found = json.loads(results.read_text(encoding="utf-8"))
    golden = len(golden_maps())
    return Checked(
        found["maps"][:golden],
        dict(zip(REPLIES, found["replies"], strict=False)),
        dict(zip(REQUESTS, found["requests"], strict=False)),
        found["maps"][golden : golden + len(HOSTILE)],
        {
            "maps": found["maps"][golden + len(HOSTILE) :],
            "replies": found["replies"][len(REPLIES) :],
            "requests": found["requests"][len(REQUESTS) :],
            "blobs": found["blobs"],
        },
    )


def value_of(plain: Any) -> Any:
    """A value that GDScript has written down, as Python has it."""
    if isinstance(plain, list):
        return [value_of(x) for x in plain]
    if isinstance(plain, dict):
        ((kind, x),) = plain.items()
        forms: dict[str, Callable[[Any], Any]] = {
            "$int": int,
            "$float": lambda x: struct.unpack("<d", bytes.fromhex(x))[0],
            "$bin": bytes.fromhex,
            "$str": lambda x: bytes.fromhex(x).decode(),
            "$map": lambda x: {key: value_of(y) for key, y in x.items()},
        }
        return forms[kind](x)
    return plain


def verdict(read: Callable[[], Any]) -> tuple[Any, VcgError | None]:
    """What Python reads, or its error."""
    try:
        return read(), None
    except VcgError as error:
        return None, error


def test_golden_bytes(checked: Checked) -> None:
    for data, found in zip(golden_maps(), checked.golden_maps, strict=True):
        assert "fault" not in found, found
        assert found["again"] == data.hex()
        assert repr(value_of(found["map"])) == repr(codec.unpack_map(data))  # repr: True is not 1, -0.0 is not 0.0


@pytest.mark.parametrize("name", REPLIES)
def test_golden_replies(checked: Checked, name: str) -> None:
    found = checked.golden_replies[name]
    assert "fault" not in found, found
    got = value_of(found["map"])
    expected, _ = m.decode_reply(REPLIES[name])
    assert m.reply_from_wire(got) == expected
    kind = m.REPLIES[got["type"]]
    assert set(got) == {"type", *(field.name for field in m.wire.fields_of(kind))}  # defaults are filled in


@pytest.mark.parametrize("name", REQUESTS)
def test_golden_requests(checked: Checked, name: str) -> None:
    found = checked.golden_requests[name]
    assert "fault" not in found, found
    assert found["again"] == REQUESTS[name][0].hex()


@pytest.mark.parametrize("number", range(len(HOSTILE)), ids=[x["why"] for x in HOSTILE])
def test_hostile_bytes(checked: Checked, number: int) -> None:
    assert checked.hostile[number].get("fault"), checked.hostile[number]


def test_mutated_bytes_are_judged_as_python_does(checked: Checked) -> None:
    refused = 0
    for data, found in zip(FUZZ["maps"], checked.fuzz["maps"], strict=True):
        expected, error = verdict(lambda data=data: codec.unpack_map(data))
        assert bool(found.get("fault")) == (error is not None), (data.hex(), found, error)
        refused += error is not None
        if error is None:
            assert found["again"] == codec.pack_map(expected).hex()
    assert 50 < refused < len(FUZZ["maps"])  # both kinds were tried


@pytest.mark.parametrize("kind", ["replies", "requests"])
def test_mutated_messages_are_judged_as_python_does(checked: Checked, kind: str) -> None:
    refused = 0
    for frames, found in zip(FUZZ[kind], checked.fuzz[kind], strict=True):
        if kind == "replies":
            expected, error = verdict(lambda frames=frames: m.decode_reply(frames)[0])
        else:
            expected, error = verdict(lambda frames=frames: m.decode_request(frames))
        table = codec.unpack_map(frames[0])
        assert ("fault" in found) == (error is not None), (table, found, error)
        if error is None:
            read = m.reply_from_wire if kind == "replies" else m.request_from_wire
            assert read(value_of(found["map"])) == expected
            continue
        refused += 1
        assert found["code"] == error.code, (table, found, error)
        place = error.message.split(":")[0].replace("'", '"')
        assert found["fault"].split(":")[0] == place, (table, found, error)
    assert 50 < refused < len(FUZZ[kind])


def test_mutated_blobs_are_judged_as_python_does(checked: Checked) -> None:
    refused = 0
    for (name, blob, length, sha256), found in zip(FUZZ["blobs"], checked.fuzz["blobs"], strict=True):
        expected, error = verdict(lambda args=(name, blob, length, sha256): blobs.decode_blob(*args))
        assert ("fault" in found) == (error is not None), (name, blob.hex(), length, found, error)
        refused += error is not None
        if error is None:
            assert found["data"] == expected.hex()
    assert 50 < refused < len(FUZZ["blobs"])
