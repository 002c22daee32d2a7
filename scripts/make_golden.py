"""Writes tests/golden: the bytes of protocol 1 that the Python, GDScript and C# readers are all tested with.

    python scripts/make_golden.py           write what is missing or outdated
    python scripts/make_golden.py --check   only say whether it is current (exit code 1 if not)

The formats are described at the end of docs/protocol.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import msgpack

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from vcg_bridge.contract import blobs, codec, description, messages, schema  # noqa: E402
from vcg_bridge.contract import vocabulary as v  # noqa: E402
from vcg_bridge.contract.errors import VcgError  # noqa: E402
from vcg_bridge.contract.recipe import LayerChoice, Recipe  # noqa: E402

GOLDEN = ROOT / "tests" / "golden"
SHA = hashlib.sha256(b"a manifest").hexdigest()

RECIPE = Recipe(
    model="lpc-revised",
    model_sha256=SHA,
    seed=7,
    archetype="guard",
    novelty=30,
    layers={
        "body": LayerChoice("body-f.f"),
        "head": LayerChoice("head-01", mix="head-02", amount=35),
        "hair": LayerChoice("short-04-cowlick", code=(-128, -1, 0, 1, 31, 127)),
    },
    ramps={"skin": "ivory", "hair": "raven", "eyes": "blue"},
)


@dataclass(frozen=True)
class Sample:
    """One golden message."""

    message: messages.Message
    blob: bytes | None = None  # decoded


def _chunk(kind: str, name: str, seq: int, pixels: bytes, size: tuple[int, int], **more: object) -> Sample:
    chunk = messages.Chunk(
        id="job-1", seq=seq, character=0, kind=kind, name=name, format="r8", width=size[0], height=size[1],
        raw_length=len(pixels), sha256=hashlib.sha256(pixels).digest(),
    )  # fmt: skip
    return Sample(replace(chunk, **more), pixels)  # type: ignore[arg-type]


def _plane(width: int, height: int, step: int) -> bytes:
    """An index plane with a pattern that shows transposed or shifted reading."""
    return bytes((x // 2 + y * step) % 23 for y in range(height) for x in range(width))


PALETTE = bytes(4) + b"".join(bytes((i, 255 - i, i * 7 % 256, 255)) for i in range(1, 256))
WALK = messages.Strip("walk", v.DIRECTIONS, 3, 8, 8, 8.0, True)

SAMPLES: dict[str, Sample] = {
    "hello": Sample(messages.Hello((1,), 0, "vcg-python/0.1.0", "5f2c9e", ("zstd", "gzip", "raw"))),
    "hello_token": Sample(messages.Hello((2, 1), client="godot/4.6", codecs=("gzip",), token="s3cret")),
    "welcome": Sample(
        messages.Welcome(
            1, 0, "vcg-bridge/0.1.0", ("zstd", "gzip", "raw"), messages.Limits(jobs=4, credit=1 << 24),
            (messages.Model("lpc-revised", "1.0.0", "LPC Revised", SHA),), "cpu",
        )
    ),
    "describe": Sample(messages.Describe("d-1", "lpc-revised")),
    "description": Sample(
        description.Description(
            id="d-1", model="lpc-revised", version="1.0.0", title="LPC Revised", sha256=SHA, licence="OGA-BY-3.0",
            attribution="Characters drawn by a network trained on LPC Revised by Eliza Wyatt and others", frame_size=64,
            animations=(
                description.DescribedAnimation("walk", "Walk", 8, 8.0, True, v.DIRECTIONS),
                description.DescribedAnimation("expressions", "Expressions", 2, 1.5, False, ("down",), ("smile", "frown")),
            ),
            layers=(
                description.DescribedLayer(
                    "body", "Body", (description.DescribedItem("body-f.f", "Body, female", body="f"),), True,
                    materials=(description.DescribedMaterial("skin", "skin", 1, 6),), slot=1, slots=7,
                    controls=(description.DescribedControl("build", "Build", "slim", "broad", ("body-f.f",)),),
                ),
                description.DescribedLayer(
                    "helm", "Helm",
                    (description.DescribedItem("hood", "Hood", "hood", hides=("hair",), allows={"facial": ("beard",)}),),
                    frame_size=128, slot=8, slots=6,
                ),
            ),
            ramps={"skin": (description.DescribedRamp("ivory", "Ivory", bytes.fromhex("faece7f9d5bae4a47c")),)},
            groups={"skin": "skin"},
            archetypes=(description.DescribedArchetype("guard", "Guard", "Armed and armoured"),),
            bodies=("f",),
        )
    ),
    "generate_design": Sample(
        messages.Generate(
            "job-1",
            design=messages.Design(
                seed=2**63 - 12, archetype="guard", body="f", novelty=30, items={"helm": None, "hair": "short-04-cowlick"},
                ramps={"hair": "raven"},
            ),
            count=12, animations=("walk", "idle"), credit=8 << 20, priority="batch",
            output=messages.Output(kind="preview"),
        )
    ),
    "generate_recipe": Sample(
        messages.Generate(
            "job-2", "lpc-revised", RECIPE, preview=False, credit=1 << 20, first_seq=3,
            output=messages.Output(
                "sheet", "png", "packed", 2, (16, 12, 20, 255), (0, 0, 0, 96), (-3, 4), True, 2, 1, True, "common"
            ),
        )
    ),
    "generate_reroll": Sample(
        messages.Generate("job-3", design=messages.Design(seed=8, base=RECIPE, reroll=("hair",)), credit=1 << 20)
    ),
    "generate_controls": Sample(
        messages.Generate(
            "job-4", credit=1 << 20,
            design=messages.Design(
                seed=9, items={"hair": "short-04-cowlick"},
                controls={"hair/length": 100, "hair/volume": -100, "body/build": 0, "torso/fit": 35},
            ),
        )
    ),
    "accepted": Sample(messages.Accepted("job-1", 12, 36, "lpc-revised", SHA)),
    "credit": Sample(messages.Credit("job-1", 70_000)),
    "chunk_preview": _chunk(
        "preview", "walk", 0, _plane(8, 8, 3), (8, 8), palette=PALETTE, recipe=RECIPE,
        strips=(replace(WALK, directions=("down",), frames=1),),
    ),
    "chunk_gzip": _chunk("animation", "walk", 1, _plane(24, 32, 5), (24, 32), codec="gzip", strips=(WALK,)),
    "chunk_zstd": _chunk(
        "animation", "walk", 1, _plane(24, 32, 5), (24, 32), codec="zstd", last=True,
        strips=(WALK,),
        credits=("Hair \"Cowlick\" by Eliza Wyatt, OGA-BY 3.0", "Tête par Éloïse, OGA-BY 3.0"),
    ),
    "chunk_sheet": _chunk(
        "sheet", "sheet", 2, _plane(32, 20, 7), (32, 20), character=1,
        strips=(
            replace(WALK, directions=("down",), rects=(0, 0, 6, 8, 1, 0, 8, 0, 7, 8, 0, 0, 0, 0, 6, 8, 1, 0)),
            messages.Strip("emotes", ("down",), 1, 12, 12, 2.5, rects=(20, 8, 12, 12, 0, 0)),
        ),
    ),
    "chunk_normal": _chunk("normal", "walk", 3, bytes((128, 128, 255, 255)) * 64, (8, 8), format="rgba8"),
    "done": Sample(
        messages.Done(
            "job-1", 12, 36, "OGA-BY-3.0", "Art by Eliza Wyatt and others", {"draw": 812.5, "total": 1024.0}, 0.0625, 3,
            {"hits": 210, "misses": 44},
        )
    ),
    "cancel": Sample(messages.Cancel("job-1")),
    "cancelled": Sample(messages.Cancelled("job-1", True)),
    "ping": Sample(messages.Ping("p1")),
    "pong": Sample(messages.Pong("p1")),
    "error_bad_request": Sample(
        messages.Error("bad_request", "unknown archetype: 'gard'", 'did you mean "guard"?', "job-1")
    ),
    "error_busy": Sample(messages.Error("busy", "the queue is full", "", "job-1", {"retry_after_ms": 250})),
    "error_version": Sample(messages.Error("version", "this server speaks protocol 1", "update the plugin")),
    "bye": Sample(messages.Bye()),
    "bye_server": Sample(messages.Bye("shutting down")),
}  # fmt: skip

VALUES: dict[str, object] = {
    "nil": None, "false": False, "true": True,
    "ints": [0, 1, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**53, 2**63 - 1,
             -1, -32, -33, -128, -129, -32768, -32769, -(2**31), -(2**31) - 1, -(2**63)],
    "floats": [0.0, -0.0, 1.0, -1.5, 0.1, 1e300, 5e-324],
    "strs": ["", "a", "x" * 31, "y" * 32, "z" * 255, "w" * 256, "é", "漢字", "🙂", "tab\tnewline\n\"quote\" \\"],
    "bins": [b"", b"\x00", bytes(range(256)), b"\xff" * 255],
    "arrays": [[], [None] * 15, [None] * 16],
    "maps": [{}, {f"k{i:02}": i for i in range(15)}, {f"k{i:02}": i for i in range(16)}],
    "depth": [[[[[[[]]]]]]],
    "keys": {"Z": 1, "a": 2, "_": 3, "A": 4, "!": 5, "~": 6, "a-b": 7, "a.b": 8, "10": 9, "9": 10},
}  # fmt: skip
"""Every form of value at the edges of its encodings."""


def _hostile() -> list[dict[str, str]]:
    """Frame-0 bytes that every reader must refuse, and why."""
    hello = codec.pack_map(messages.to_wire(SAMPLES["hello"].message))
    rows = {
        "empty": b"",
        "not a map: an array": b"\x90",
        "not a map: an int": b"\x01",
        "cut off after the map header": hello[:1],
        "cut off in a key": hello[:4],
        "cut off at the end": hello[:-1],
        "bytes after the end": hello + b"\x00",
        "two messages": hello + hello,
        "map32 that claims 2^32 - 1 entries": b"\xdf\xff\xff\xff\xff",
        "array32 that claims 2^32 - 1 entries": b"\x81\xa1a\xdd\xff\xff\xff\xff",
        "str32 that claims 4 GiB": b"\x81\xa1a\xdb\xff\xff\xff\xff",
        "bin32 that claims 4 GiB": b"\x81\xa1a\xc6\xff\xff\xff\xff",
        "bin over its bound": b"\x81\xa1a\xc6\x00\x01\x00\x01" + bytes(65537),
        "str over its bound": b"\x81\xa1a\xda\x20\x01" + b"x" * 8193,
        "array over its bound": b"\x81\xa1a\xdc\x40\x01" + b"\xc0" * 16385,
        "nested 9 deep": b"\x81\xa1a" + b"\x91" * 8 + b"\xc0",
        "nested 1000 deep": b"\x81\xa1a" + b"\x91" * 1000 + b"\xc0",
        "maps nested 1000 deep": b"\x81\xa1a" * 1000 + b"\xc0",
        "ext": b"\x81\xa1a\xd4\x01\x00",
        "ext8": b"\x81\xa1a\xc7\x01\x01\x00",
        "timestamp": b"\x81\xa1a\xd6\xff\x00\x00\x00\x00",
        "the byte that msgpack never uses": b"\x81\xa1a\xc1",
        "float 32": b"\x81\xa1a\xca\x3f\x80\x00\x00",
        "NaN": b"\x81\xa1a\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
        "infinity": b"\x81\xa1a\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00",
        "2^63": b"\x81\xa1a\xcf\x80\x00\x00\x00\x00\x00\x00\x00",
        "one key twice": b"\x82\xa1a\x01\xa1a\x02",
        "an int as key": b"\x81\x01\x01",
        "nil as key": b"\x81\xc0\x01",
        "a bin as key": b"\x81\xc4\x01a\x01",
        "an array as key": b"\x81\x91\xa1a\x01",
        "an empty key": b"\x81\xa0\x01",
        "a key with a space": b"\x81\xa3a b\x01",
        "a key with a letter outside ASCII": b"\x81\xa2\xc3\xa9\x01",
        "a key of 129 bytes": b"\x81\xd9\x81" + b"k" * 129 + b"\x01",
        "str that is not UTF-8": b"\x81\xa1a\xa1\xff",
        "str with half of a surrogate pair": b"\x81\xa1a\xa3\xed\xa0\x80",
        "str with NUL": b"\x81\xa1a\xa3a\x00b",
        "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "JSON": b'{"type":"hello","versions":[1]}',
        "pickle": b"\x80\x04\x95\x0e\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x06system\x94\x93\x94.",
    }
    for why, data in rows.items():
        try:
            codec.unpack_map(data)
        except VcgError:
            continue
        raise SystemExit(f"not refused: {why}")
    return [{"why": why, "hex": data.hex()} for why, data in rows.items()]


def container(frames: list[bytes]) -> bytes:
    """One message as a file."""
    head = struct.pack("<I", len(frames))
    return head + b"".join(struct.pack("<I", len(frame)) + frame for frame in frames)


def frames_of(data: bytes) -> list[bytes]:
    """The frames of a message in a file."""
    (count,), at, frames = struct.unpack_from("<I", data), 4, []
    for _ in range(count):
        (size,) = struct.unpack_from("<I", data, at)
        frames.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return frames


def _readable(value: object) -> object:
    if isinstance(value, bytes):
        return {"$bin": value.hex()}
    if isinstance(value, dict):
        return {key: _readable(x) for key, x in value.items()}
    return [_readable(x) for x in value] if isinstance(value, list) else value


def _encoded(path: Path, sample: Sample) -> list[bytes]:
    """The blob as the existing file has it, if it is right: zlib and zstd versions write different bytes."""
    if sample.blob is None or not isinstance(sample.message, messages.Chunk):
        return []
    chunk = sample.message
    if path.exists():
        try:
            old = frames_of(path.read_bytes())[1]
            blobs.decode_blob(chunk.codec, old, chunk.raw_length, chunk.sha256)
            return [old]
        except (VcgError, IndexError, struct.error):
            pass
    return [blobs.encode_blob(chunk.codec, sample.blob)]


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def golden_files() -> dict[str, bytes]:
    """File name -> content of everything in tests/golden."""
    files: dict[str, bytes] = {}
    for name, sample in SAMPLES.items():
        encoded = _encoded(GOLDEN / f"{name}.bin", sample)
        frames = messages.encode(sample.message, encoded)
        page: dict[str, object] = {"map": _readable(codec.unpack_map(frames[0])), "blobs": [x.hex() for x in encoded]}
        if sample.blob is not None and encoded != [sample.blob]:
            page["decoded"] = [sample.blob.hex()]
        files |= {f"{name}.bin": container(frames), f"{name}.json": _json(page)}
    head = codec.pack_map(VALUES)
    assert msgpack.unpackb(head, strict_map_key=True) == VALUES  # an independent reader agrees
    files["values.bin"] = container([head])
    files["values.json"] = _json({"map": _readable(codec.unpack_map(head)), "blobs": []})
    files["hostile.json"] = _json(_hostile())
    files["vocabulary.json"] = _json(schema.vocabulary())
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if something is outdated")
    check = parser.parse_args().check
    files = golden_files()
    present = {path.name: path.read_bytes() for path in GOLDEN.glob("*.*")}
    outdated = sorted(name for name in files.keys() | present.keys() if files.get(name) != present.get(name))
    for name in outdated:
        print(f"{'outdated' if check else 'written' if name in files else 'removed'}: tests/golden/{name}")
        if not check:
            (GOLDEN / name).write_bytes(files[name]) if name in files else (GOLDEN / name).unlink()
    return 1 if check and outdated else 0


if __name__ == "__main__":
    raise SystemExit(main())
