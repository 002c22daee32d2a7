"""What reads bytes from outside, each with inputs to begin with and a way to spoil them: for scripts/fuzz.py and its kin."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import typer.core
import typer.main
import zmq
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from tests.support.commands import ROOT
from tests.support.tiny_bundle import Z_DIM, tiny_manifest, tiny_network, write_tiny_bundle
from vcg_bridge.cli import main, wishes
from vcg_bridge.cli.keys import server_keys
from vcg_bridge.contract import codec, messages
from vcg_bridge.contract.description import description_of
from vcg_bridge.contract.errors import BadRequest, BundleError
from vcg_bridge.contract.fields import Reader
from vcg_bridge.contract.manifest import MANIFEST_FILE, Manifest
from vcg_bridge.contract.manifest_io import dump_manifest
from vcg_bridge.contract.manifest_parse import parse_manifest
from vcg_bridge.contract.recipe_io import parse_recipe, recipe_bytes
from vcg_bridge.contract.recipe_text import PREFIX, recipe_from_text, recipe_text
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.generator import Generator, all_poses
from vcg_bridge.generators.session import LoadedNetwork
from vcg_bridge.server.known_clients import read_keys
from vcg_bridge.sprites.compose import compose
from vcg_bridge.sprites.credits import credit_lines, read_credits

GOLDEN = ROOT / "tests" / "golden"

MESSAGE_WORDS = tuple(bytes([kind]) + b"\x7f\xff\xff\xff" for kind in (0xDB, 0xC6, 0xDD, 0xDF, 0xC9))
"""Long strings, arrays, maps that are not there."""
TEXT_WORDS = (
    b"\0", b"null", b"true", b"-1", b"1e999", b"0.1", b"9" * 30, b"9" * 5000, b'"', b"\\ud800", b"\xed\xa0\x80", b"\xff", b"{}", b"[]",
    b"\xef\xbb\xbf", b"../", b"/etc/passwd", b"x" * 300, b"\r\n", b"[" * 900 + b"]" * 900, b'{"a":' * 700 + b"0" + b"}" * 700, b"[" * 5000,
    b" ", b"=", b"#", b"''", b"vcg1.", b"NaN", b"1979-05-27T07:32:00Z", b"[[bind]]\n",
)  # fmt: skip
NUMBERS = (0, 1, -1, 2, 3, 7, 16, 127, 128, 255, 1000, 65536, 1 << 24, (1 << 31) - 1, 1 << 40, (1 << 62), -(1 << 63))


@dataclass(frozen=True)
class Target:
    """One reader. `read` may raise VcgError and nothing else."""

    name: str
    share: int  # of all inputs
    make: Callable[[random.Random], bytes]
    read: Callable[[bytes], object]


def mutated(rng: random.Random, data: bytes, others: Sequence[bytes], words: Sequence[bytes] = MESSAGE_WORDS) -> bytes:
    """Something like it: bytes changed, taken out, put in, of the words or of other inputs."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(7):
            case 0:
                changed[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                changed[at:at] = rng.randbytes(rng.randrange(1, 9))
            case 2:
                del changed[at : at + rng.randrange(1, 9)]
            case 3:
                changed[at : at + rng.randrange(9)] = rng.choice(words)
            case 4:
                other = rng.choice(others)
                start = rng.randrange(len(other) + 1)
                changed[at:at] = other[start : start + rng.randrange(1, 64)]
            case 5:
                changed[at : at + 1] = bytes([(changed[at] if at < len(changed) else 0) ^ 1 << rng.randrange(8)])
            case _:
                changed = changed[:at]
    return bytes(changed)


def targets(folder: Path) -> list[Target]:
    """All of them. folder: for the files of those that read files; it is theirs alone."""
    manifest_bytes = dump_manifest(tiny_manifest())
    manifest = replace(tiny_manifest(), sha256=hashlib.sha256(manifest_bytes).hexdigest())
    frames = [frames_of(path)[0] for path in sorted(GOLDEN.glob("*.bin"))]
    frames += [bytes.fromhex(entry["hex"]) for entry in json.loads((GOLDEN / "hostile.json").read_text("utf-8"))]
    recipes = [design(manifest, DesignSpec(seed=seed, novelty=seed % 3 / 2)) for seed in range(6)]
    reader = Reader(BundleError, "manifest.json", "")

    def message(rng: random.Random) -> bytes:
        return mutated(rng, rng.choice(frames), frames)

    def of(seeds: Sequence[bytes], words: Sequence[bytes] = TEXT_WORDS) -> Callable[[random.Random], bytes]:
        return lambda rng: mutated(rng, rng.choice(seeds), seeds, words)

    def written(read: Callable[[Path], object]) -> Callable[[bytes], object]:
        path = folder / "input"
        path.touch(0o600)

        def from_file(data: bytes) -> object:
            path.write_bytes(data)
            return read(path)

        return from_file

    texts = [recipe_text(manifest, recipe).encode() for recipe in recipes]
    lines = [line.encode() for line in BATCH_LINES] + [b'{"recipe": ' + recipe_bytes(recipes[0]) + b"}"]
    keys = [
        b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7 anna\n# a remark\n\nrq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yg8 ben"
    ]
    return [
        Target("codec", 200, message, codec.unpack_map),
        Target("request", 200, message, lambda data: messages.decode_request([data])),
        Target("reply", 200, message, lambda data: messages.decode_reply([data])),
        Target("id", 100, message, lambda data: messages.id_in(codec.unpack_map(data, codec.REQUEST.entries))),
        Target("manifest", 15, of([manifest_bytes]), lambda data: parse_manifest(reader.parse(data), "0" * 64)),
        Target("recipe", 60, of([recipe_bytes(recipe) for recipe in recipes]), parse_recipe),
        Target("recipe-text", 80, lambda rng: spoiled_text(rng, texts), lambda data: recipe_from_text(manifest, data.decode("latin-1"))),
        Target("batch-line", 60, of(lines), lambda data: batch_line(data, manifest, folder)),
        Target("settings", 8, of([x.encode() for x in SETTINGS]), written(settings)),
        Target("known-clients", 15, of(keys), written(read_keys)),
        Target("key-file", 10, of([zmq.curve_keypair()[1] + b"\n"]), written(server_keys)),
        Target("bundle", 3, lambda rng: spoiled_tree(rng, manifest_bytes), lambda data: use_bundle(data, folder / "whole")),
        Target("network", 4, lambda rng: spoiled_network(rng, networks()), lambda data: load_and_draw(data, folder)),
    ]  # fmt: skip


def frames_of(path: Path) -> list[bytes]:
    """The frames of a golden file."""
    data, frames, at = path.read_bytes(), [], 4
    for _ in range(int.from_bytes(data[:4], "little")):
        size = int.from_bytes(data[at : at + 4], "little")
        frames.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return frames


def spoiled_text(rng: random.Random, texts: Sequence[bytes]) -> bytes:
    """A recipe text; in most of them the checksum is right, or nothing behind it would be tried."""
    text = rng.choice(texts)
    if rng.random() < 0.3:
        return mutated(rng, text, texts, TEXT_WORDS)
    body = text.removeprefix(PREFIX.encode())
    body = mutated(rng, base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4))[:-4], texts)
    whole = body + binascii.crc32(body).to_bytes(4, "little")
    return PREFIX.encode() + base64.urlsafe_b64encode(whole).rstrip(b"=")


BATCH_LINES = (
    '{"archetype": "guard", "seed": 7}',
    '{"name": "Old Tom", "archetype": "villager", "items": {"hair": null}, "ramps": {"hair": "raven"}, "novelty": 0.3}',
    '{"from": "npcs/guard-7.vcg.json", "reroll": ["hair"], "lock": ["item:body"], "seed": 9}',
    '{"recipe": "vcg1.AZVdhw0YQo7mBwMAY6oCBAQMEAw0FAwAAQUGBgosCAsEBp3TcNQ", "animations": ["walk"]}',
    '{"controls": {"hair/length": 0.5}, "body": "f"}',
)


def batch_line(data: bytes, manifest: Manifest, folder: Path) -> object:
    """A line of a batch file, as `vcg batch` reads it."""
    text = data.decode("utf-8", "surrogateescape")
    return wishes.fingerprint(wishes.wish_of_line(text, 1, wishes.Wish(), manifest, folder), {})


SETTINGS = (
    'bind = "tcp://127.0.0.1:0"\nbundle = ["lpc-revised", "other"]\nthreads = 2\ngrace = 1.5\nlog-json = true\n',
    'token-file = "/nowhere"\nkey-file = "k"\nknown-clients = "x"\ntls = ["cert.pem", "key.pem"]\ntls-bind = "tls://[::1]:0"\n',
    'metrics = "http://127.0.0.1:0"\ntrace = "t.json"\ndevice = "cpu"\nverbose = false\nready-file = "r"\n',
)


@cache
def serve_command() -> typer.core.TyperCommand:
    """Building the command line takes a hundred times as long as reading a file with it."""
    group = typer.main.get_command(main.app)
    assert isinstance(group, typer.core.TyperGroup)
    command = group.commands["serve"]
    assert isinstance(command, typer.core.TyperCommand)
    return command


def settings(path: Path) -> object:
    """A file for `vcg serve --config`, up to where the server would start. What the command line refuses counts as a BadRequest."""
    try:
        return serve_command().make_context("serve", ["--config", str(path)]).params
    except typer.TyperException as error:
        raise BadRequest(error.format_message()) from None


def networks() -> list[bytes]:
    """The bytes of two whole networks."""
    if not _NETWORKS:
        _NETWORKS.extend(
            tiny_network(x, 1).SerializeToString(deterministic=True) for x in tiny_manifest().networks[1:3]
        )
    return _NETWORKS


_NETWORKS: list[bytes] = []


def spoiled_network(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Half of them have wrong bytes, half are well-formed protobuf with wrong content."""
    data = rng.choice(seeds)
    if rng.random() < 0.5:
        return mutated(rng, data, seeds)
    model = onnx.load_model_from_string(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        spoil(rng, model)
    return model.SerializeToString()


def spoil(rng: random.Random, message: Message) -> None:
    """Change one field somewhere in a protobuf message."""
    fields = message.ListFields()
    if not fields:
        return
    field, value = rng.choice(fields)
    repeated = hasattr(value, "extend")
    if field.type == FieldDescriptor.TYPE_MESSAGE and rng.random() < 0.9:
        if not repeated:
            spoil(rng, value)
        elif rng.random() < 0.1:
            value.add().CopyFrom(rng.choice(value))
        elif rng.random() < 0.1:
            del value[rng.randrange(len(value))]
        else:
            spoil(rng, rng.choice(value))
    elif rng.random() < 0.1:
        message.ClearField(field.name)
    elif field.cpp_type in (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64):
        number = (
            rng.choice(NUMBERS) % (1 << 31) if field.cpp_type == FieldDescriptor.CPPTYPE_INT32 else rng.choice(NUMBERS)
        )
        if not repeated:
            setattr(message, field.name, number)
        elif rng.random() < 0.7:
            value[rng.randrange(len(value))] = number
        else:
            value.append(number)
    elif field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        word: bytes | str = rng.choice(
            (b"", b"Loop", b"Concat", b"Conv", b"Reshape", b"Gather", b"codes", b"logits", b"axes", bytes(40))
        )
        word = word.decode() if field.type == FieldDescriptor.TYPE_STRING else word
        if not repeated:
            setattr(message, field.name, word)
        else:
            value[rng.randrange(len(value))] = word


def load_and_draw(data: bytes, folder: Path) -> object:
    """Load an .onnx of a bundle whose manifest vouches for it, and draw with it."""
    manifest = tiny_manifest()
    network = manifest.networks[1]
    (folder / network.file).write_bytes(data)
    manifest = replace(manifest, files={network.file: hashlib.sha256(data).hexdigest()})
    loaded = LoadedNetwork(folder, manifest, network, "cpu")
    codes = np.linspace(-1, 1, 2 * Z_DIM, dtype=np.float32).reshape(2, Z_DIM)
    loaded._exact.logits(codes, np.arange(2))  # also where no view is doubtful
    return loaded.draw(codes, np.arange(2), network.classes)


def spoiled_tree(rng: random.Random, data: bytes) -> bytes:
    """JSON with one or a few values changed, taken out or doubled somewhere in it."""
    tree = json.loads(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        node = tree
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = rng.choice(keys)
            value = node[key]
            if isinstance(value, dict | list) and value and rng.random() < 0.93:
                node = value
                continue
            match rng.randrange(5):
                case 0:
                    del node[key]
                case 1 if isinstance(node, list):
                    node.append(value)
                case 2 if type(value) is int:
                    node[key] = value + rng.choice((-1, 1, -8, 8, 100))
                case 3:
                    other = rng.choice(keys)
                    node[key], node[other] = node[other], value
                case _:
                    node[key] = rng.choice((*NUMBERS, 0.5, "", "front", "body", "../x", None, True, [], {}))
            break
    return json.dumps(tree).encode()


def use_bundle(data: bytes, folder: Path) -> object:
    """Open a bundle of whole networks with that manifest, and do with it what a server does."""
    if not folder.exists():
        write_tiny_bundle(folder)
        _FILES[folder] = json.loads((folder / MANIFEST_FILE).read_bytes())["files"]
    tree = json.loads(data)
    if isinstance(tree, dict) and tree.get("files") == {}:
        tree["files"] = _FILES[folder]
    (folder / MANIFEST_FILE).write_text(json.dumps(tree), encoding="utf-8")
    bundle = open_bundle(folder)
    description_of(bundle.manifest, "describe")
    credits = read_credits(folder)
    with Generator(bundle, device="cpu", threads=1) as generator:
        for seed in range(2):
            recipe = design(bundle.manifest, DesignSpec(seed=seed, novelty=1))
            recipe_text(bundle.manifest, recipe)
            credit_lines(bundle.manifest, recipe, credits)
            compose(bundle.manifest, generator.draw(recipe, all_poses(bundle.manifest)))
    return bundle


_FILES: dict[Path, dict[str, str]] = {}
