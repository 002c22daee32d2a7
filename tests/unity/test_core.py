"""The package's engine-free core on mono, beside Python: the same bytes for the same message, the same refusals."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import struct
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.make_golden import RECIPE, SAMPLES
from tests.support.tiny_bundle import tiny_manifest
from tests.unity.core_program import CoreProgram
from tests.unity.mono import CORE, Mono
from vcg_bridge.contract import codec
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.blobs import decode_blob
from vcg_bridge.contract.description import description_of
from vcg_bridge.contract.errors import VcgError
from vcg_bridge.contract.recipe import LayerChoice, Recipe
from vcg_bridge.contract.recipe_io import recipe_bytes, recipe_from_dict, recipe_to_dict, worn_groups
from vcg_bridge.sprites.palette import palette_of, slots

pytestmark = pytest.mark.unity

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def write_frames(path: Path, frames: Iterable[bytes]) -> Path:
    """For each its length and its bytes."""
    path.write_bytes(b"".join(struct.pack("<I", len(x)) + x for x in frames))
    return path


def golden_frame(path: Path) -> bytes:
    """Frame 0 of a golden message."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<I", data, 4)
    return data[8 : 8 + length]


def damaged(seed: int, count: int) -> list[bytes]:
    """Golden frames with a few bytes changed, cut, doubled or moved."""
    rng = random.Random(seed)
    whole = [golden_frame(x) for x in sorted(GOLDEN.glob("*.bin"))]
    found = []
    for _ in range(count):
        frame = bytearray(rng.choice(whole))
        for _ in range(rng.randrange(1, 4)):
            frame = frame or bytearray(b"\x80")
            at = rng.randrange(len(frame))
            how = rng.randrange(5)
            if how == 0:
                frame[at] = rng.randrange(256)
            elif how == 1:
                frame[at] = rng.choice((0xC1, 0xC7, 0xCA, 0xDF, 0xDD, 0xDB, 0xC6, 0xCF, 0xCB, 0x80, 0x90, 0xFF))
            elif how == 2:
                del frame[at : at + rng.randrange(1, 9)]
            elif how == 3:
                frame[at:at] = frame[at : at + rng.randrange(1, 9)]
            else:
                frame = frame[: at + 1]
        found.append(bytes(frame))
    return found


def test_public_things_are_documented(mono: Mono) -> None:
    mono.compile("core", sorted(CORE.rglob("*.cs")), library=True, doc=mono.folder / "core.xml")


def test_golden_messages(program: CoreProgram) -> None:
    said = program.run("golden", GOLDEN)
    files = list(GOLDEN.glob("*.bin"))
    requests = [x for x in files if x.stem in ("bye", "cancel", "credit", "describe", "ping")]
    requests += [x for x in files if x.stem.startswith(("generate", "hello"))]
    assert said.startswith(f"{len(files)} messages, {len(requests)} requests, ")


def test_hostile_frames(program: CoreProgram, tmp_path: Path) -> None:
    hostile = [bytes.fromhex(x["hex"]) for x in json.loads((GOLDEN / "hostile.json").read_text())]
    said = program.run("maps", write_frames(tmp_path / "frames", hostile)).split("\n")
    assert said == ["no"] * len(hostile)


def test_damaged_frames_are_read_or_refused_as_in_python(program: CoreProgram, tmp_path: Path) -> None:
    frames = damaged(5, 6000)
    wanted = []
    for frame in frames:
        try:
            wanted.append(hashlib.sha256(codec.pack_map(codec.unpack_map(frame))).hexdigest())
        except VcgError:
            wanted.append("no")
    said = program.run("maps", write_frames(tmp_path / "frames", frames)).split("\n")
    different = [(x.hex(), a, b) for x, a, b in zip(frames, said, wanted, strict=True) if a != b]
    assert not different, different[:3]
    assert wanted.count("no") > len(wanted) / 3
    assert wanted.count("no") < len(wanted) * 0.97


def test_damaged_replies_are_read_or_refused_as_in_python(program: CoreProgram, tmp_path: Path) -> None:
    frames = damaged(6, 6000)
    wanted = []
    for frame in frames:
        kind = "no"
        for blobs in ([], [b""]):
            try:
                kind = str(m.to_wire(m.decode_reply([frame, *blobs])[0])["type"])
            except VcgError:
                continue
        wanted.append(kind)
    said = program.run("replies", write_frames(tmp_path / "frames", frames)).split("\n")
    different = [(x.hex(), a, b) for x, a, b in zip(frames, said, wanted, strict=True) if a != b]
    assert not different, different[:3]
    assert len(set(wanted)) > 5


def test_requests_are_refused_in_the_same_words(program: CoreProgram, tmp_path: Path) -> None:
    recipe = recipe_to_dict(RECIPE)
    generate: list[dict[str, object]] = [
        {"design": {}},
        {"design": {"seed": -1}},
        {"design": {"seed": 2**63 - 1}, "count": 2},
        {"design": {"seed": "7"}},
        {"design": {"novelty": 101}},
        {"design": {"novelty": None, "items": {"hair": None}}},
        {"design": {"items": {"hair": 3}}},
        {"design": {"controls": {"hair/length": 101}}},
        {"design": {"reroll": ["hair"]}},
        {"design": {"base": recipe, "reroll": ["hair"], "keep": ["body"]}},
        {"design": {"base": recipe, "reroll": ["hair"]}},
        {"design": {}, "recipe": recipe},
        {},
        {"recipe": recipe, "count": 2},
        {"recipe": recipe},
        {"design": {}, "count": 0},
        {"design": {}, "count": 1001},
        {"design": {}, "output": {"scale": 99}},
        {"design": {}, "output": {"layout": "grid"}},
        {"design": {}, "output": {"outline": [0, 0, 0]}},
        {"design": {}, "output": {"outline": [0, 0, 0, 256]}},
        {"design": {}, "output": {"kind": "preview"}, "preview": False},
        {"design": {}, "output": 3},
        {"design": [], "count": 1},
        {"design": {}, "animations": "walk"},
        {"design": {}, "animations": ["x" * 129]},
        {"design": {}, "animations": ["ä" * 65]},
        {"design": {}, "id": ""},
        {"design": {}, "id": "x" * 65},
        {"design": {}, "unknown": 3},
        {"design": {}, "priority": "high"},
    ]
    maps = [{"type": "generate", "id": "x", **x} for x in generate]
    maps += [
        {"type": "describe", "id": "x", "model": 3},
        {"type": "describe"},
        {"type": "credit", "id": "x", "bytes": -1},
    ]
    wanted = []
    for table in maps:
        try:
            m.request_from_wire(codec.unpack_map(codec.pack_map(table)))
            wanted.append("ok")
        except VcgError as error:
            message = error.message
            for python, wire in (("not list", "not array"), ("not dict", "not map"), ("not bytes", "not bin")):
                message = message.replace(python, wire)
            wanted.append(f"{error.code}\t{message}")
    said = program.run("requests", write_frames(tmp_path / "frames", map(codec.pack_map, maps))).split("\n")
    assert said == wanted
    assert wanted.count("ok") == 5


def recipes(count: int) -> list[Recipe]:
    """Recipes of every form, of the tiny bundle and not."""
    rng = random.Random(7)
    found = [RECIPE]
    for i in range(count):
        layers = {}
        for name in rng.sample(["body", "hair", "head", "torso", "a.b-c_d", "0"], rng.randrange(6)):
            choice = LayerChoice(f"item-{rng.randrange(99)}")
            if i % 3 == 1:
                choice = replace(choice, mix="other", amount=rng.randrange(1, 101))
            elif i % 3 == 2:
                choice = replace(choice, code=tuple(rng.randrange(-128, 128) for _ in range(rng.randrange(1, 40))))
            layers[name] = choice
        ramps = {f"group{j}": f"ramp-{rng.randrange(9)}" for j in range(rng.randrange(4))}
        seed = rng.choice((0, 7, 2**31, 2**53 + 1, 2**63 - 1))
        sha = hashlib.sha256(bytes([i])).hexdigest()
        found.append(Recipe(f"model-{i}", sha, seed, rng.choice(("", "guard")), rng.randrange(101), layers, ramps))
    return found


def test_recipes_have_the_same_canonical_text(program: CoreProgram, tmp_path: Path) -> None:
    made = recipes(60)
    frames = [codec.pack_map(recipe_to_dict(x)) for x in made]
    said = program.run("recipes", write_frames(tmp_path / "frames", frames)).split("\n")
    assert said == [recipe_bytes(x).decode() for x in made]


def test_recipes_that_are_refused(program: CoreProgram, tmp_path: Path) -> None:
    good = recipe_to_dict(RECIPE)
    layer = next(iter(good["layers"]))
    bad = [
        {**good, "format": 2}, {**good, "format": 0}, {**good, "format": "1"}, {**good, "new": 1},
        {**good, "model": ""}, {**good, "model": "A"}, {**good, "model": "a..b"}, {**good, "model": "-a"},
        {**good, "model": "a" * 65}, {**good, "model": "a."}, {**good, "model_sha256": "A" * 64},
        {**good, "model_sha256": "0" * 63}, {**good, "seed": -1}, {**good, "seed": 1.0}, {**good, "seed": None},
        {**good, "novelty": 101}, {**good, "archetype": None}, {**good, "layers": []}, {**good, "ramps": {"a": 1}},
        {**good, "layers": {layer: "x"}}, {**good, "layers": {layer: {}}}, {**good, "layers": {layer: {"item": "a", "x": 1}}},
        {**good, "layers": {layer: {"item": "a", "mix": "b"}}}, {**good, "layers": {layer: {"item": "a", "amount": 5}}},
        {**good, "layers": {layer: {"item": "a", "mix": "b", "amount": 0}}},
        {**good, "layers": {layer: {"item": "a", "mix": "b", "amount": 5, "code": [1]}}},
        {**good, "layers": {layer: {"item": "a", "code": []}}}, {**good, "layers": {layer: {"item": "a", "code": [128]}}},
        {**good, "layers": {layer: {"item": "a", "code": [1.5]}}}, {**good, "layers": {layer: {"item": "a", "code": "x"}}},
        *({k: x for k, x in good.items() if k != name} for name in good),
    ]  # fmt: skip
    for table in bad:
        with pytest.raises(VcgError):
            recipe_from_dict(table)
    said = program.run("recipes", write_frames(tmp_path / "frames", map(codec.pack_map, bad))).split("\n")
    assert said == ["recipe"] * len(bad)


def test_colours_change_as_the_server_would_change_them(program: CoreProgram, tmp_path: Path) -> None:
    manifest = tiny_manifest()
    rng = random.Random(3)
    frames = [codec.pack_map(m.to_wire(description_of(manifest, "x")))]
    wanted = []
    items = manifest.items_by_layer
    for number in range(20):
        worn = [x.id for x in manifest.layers if x.required or rng.random() < 0.6]
        layers = {layer: LayerChoice(rng.choice(list(items[layer]))) for layer in worn}
        groups = worn_groups(manifest, layers)

        def ramps(groups: dict[str, str] = groups) -> dict[str, str]:
            return {group: rng.choice([r.id for r in manifest.ramps_of(kind)]) for group, kind in groups.items()}

        before = Recipe("tiny", "0" * 64, number, "", 0, layers, ramps())
        after = replace(before, ramps=ramps())
        asked = {group: ramp for group, ramp in after.ramps.items() if ramp != before.ramps[group]}
        frames += [
            palette_of(manifest, before).tobytes(),
            codec.pack_map(recipe_to_dict(before)),
            codec.pack_map(asked),
        ]
        changed, there = palette_of(manifest, before), palette_of(manifest, after)
        # What the server changes besides are fixed slots that no item uses: they follow the darkest shade.
        coloured = [slot.index for slot in slots(manifest) if slot.group and slot.layer in layers]
        changed[coloured] = there[coloured]
        wanted.append(changed.tobytes().hex())
    said = program.run("recolour", write_frames(tmp_path / "frames", frames)).split("\n")
    assert said == wanted


def test_hashes(program: CoreProgram, tmp_path: Path) -> None:
    data = [random.Random(i).randbytes(i) for i in [*range(200), 1000, 65536, 1_000_003]]
    said = program.run("hash", write_frames(tmp_path / "frames", data)).split("\n")
    assert said == [hashlib.sha256(x).hexdigest() for x in data]


def test_blobs_are_taken_or_refused_as_in_python(program: CoreProgram, tmp_path: Path) -> None:
    rng = random.Random(11)
    data = bytes(rng.choice(range(20)) for _ in range(3000))
    noise = rng.randbytes(2000)
    sha = hashlib.sha256(data).digest()
    packed = gzip.compress(data, mtime=0)
    bomb = gzip.compress(bytes(1 << 24), mtime=0)
    cases = [
        ("raw", data, len(data), sha), ("raw", data + b"x", len(data), sha), ("raw", data[:-1], len(data), sha),
        ("raw", b"", 0, hashlib.sha256(b"").digest()), ("raw", noise, len(noise), sha),
        ("gzip", packed, len(data), sha), ("gzip", packed, len(data) + 1, sha), ("gzip", packed, len(data) - 1, sha),
        ("gzip", packed + b"\0", len(data), sha), ("gzip", packed + packed, len(data), sha), ("gzip", b"", 0, sha),
        ("gzip", packed + noise + packed[-8:], len(data), sha), ("gzip", packed[:-8] + b"abc" + packed[-8:], len(data), sha),
        ("gzip", packed + bytes(4) + packed[-4:], len(data), sha), ("gzip", packed[:-1], len(data), sha),
        ("gzip", bomb, 3000, sha), ("gzip", bomb, 1 << 24, hashlib.sha256(bytes(1 << 24)).digest()),
        ("gzip", data, len(data), sha), ("gzip", packed, 1 << 30, sha), ("gzip", packed[:20], len(data), sha),
        ("gzip", gzip.compress(b"", mtime=0), 0, hashlib.sha256(b"").digest()), ("lz4", data, len(data), sha),
        ("gzip", gzip.compress(noise, mtime=0), len(noise), hashlib.sha256(noise).digest()),
        ("gzip", packed[:3] + b"\x08" + packed[4:10] + b"name\0" + packed[10:], len(data), sha),
        ("gzip", packed[:3] + b"\x04" + packed[4:10] + b"\x03\0abc" + packed[10:], len(data), sha),
        ("gzip", packed[:3] + b"\x08" + packed[4:10] + b"endless", len(data), sha),
    ]  # fmt: skip
    for _ in range(600):
        blob = bytearray(packed)
        for _ in range(rng.randrange(1, 3)):
            blob[rng.randrange(len(blob) - 8)] = rng.randrange(256)  # not the CRC-32, which C# leaves to the sha256
        blob = blob[: rng.randrange(len(blob))] if rng.random() < 0.2 else blob
        cases.append(("gzip", bytes(blob), len(data), sha))
    wanted = []
    for case in cases:
        try:
            decode_blob(*case)
            wanted.append("ok")
        except VcgError:
            wanted.append("no")
    parts = [x for name, blob, length, hashed in cases for x in (name.encode(), blob, b"%d" % length, hashed)]
    said = program.run("blobs", write_frames(tmp_path / "frames", parts)).split("\n")
    different = [(case, a, b) for case, a, b in zip(cases, said, wanted, strict=True) if a != b]
    assert not different, different[:2]
    assert wanted.count("ok") > 6


def test_zmtp_streams_that_are_damaged(program: CoreProgram) -> None:
    assert "messages" in program.run("zmtp", 1, 3000)


def test_samples_cover_every_message() -> None:
    kinds = {type(x.message) for x in SAMPLES.values()}
    assert {*m.REQUESTS.values(), *m.REPLIES.values()} <= kinds


def test_the_session_without_sockets_and_clocks(program: CoreProgram) -> None:
    assert program.run("session") == "14 checks"
