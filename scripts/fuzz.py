#!/usr/bin/env python3
"""Feed mutated messages, greetings' maps and manifests to everything that reads bytes from outside. Only our own errors may come of it.

python scripts/fuzz.py --inputs 1000000        a million, some minutes
python scripts/fuzz.py --seed 7                other ones; a failure prints the seed and number that repeat it
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.tiny_bundle import tiny_manifest
from vcg_bridge.contract import codec, messages
from vcg_bridge.contract.errors import BundleError, VcgError
from vcg_bridge.contract.fields import Reader
from vcg_bridge.contract.manifest_io import dump_manifest
from vcg_bridge.contract.manifest_parse import parse_manifest

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
SLOW_S = 2.0


def frames_of(path: Path) -> list[bytes]:
    """The frames of a golden file."""
    data, frames, at = path.read_bytes(), [], 4
    for _ in range(int.from_bytes(data[:4], "little")):
        size = int.from_bytes(data[at : at + 4], "little")
        frames.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return frames


def mutated(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """Something like it."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(6):
            case 0:
                changed[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                changed[at:at] = rng.randbytes(rng.randrange(1, 9))
            case 2:
                del changed[at : at + rng.randrange(1, 9)]
            case 3:
                changed[at : at + 5] = bytes([rng.choice((0xDB, 0xC6, 0xDD, 0xDF, 0xC9))]) + rng.randbytes(
                    4
                )  # long ones
            case 4:
                other = rng.choice(others)
                start = rng.randrange(len(other) + 1)
                changed[at:at] = other[start : start + rng.randrange(1, 64)]
            case _:
                changed = changed[:at]
    return bytes(changed)


def fuzz(inputs: int, seed: int) -> Counter[str]:
    """What came of that many inputs. Raises AssertionError for what must not be."""
    seeds = [frames_of(path)[0] for path in sorted(GOLDEN.glob("*.bin"))]
    seeds += [bytes.fromhex(entry["hex"]) for entry in json.loads((GOLDEN / "hostile.json").read_text("utf-8"))]
    manifest = dump_manifest(tiny_manifest())
    outcomes: Counter[str] = Counter()
    readers = {
        "codec": codec.unpack_map,
        "request": lambda data: messages.decode_request([data]),
        "reply": lambda data: messages.decode_reply([data]),
        "id": lambda data: messages.id_of([data]),
    }
    reader = Reader(BundleError, "manifest.json", "")
    warm = 0
    for number in range(inputs):
        rng = random.Random(f"{seed} {number}")
        data = mutated(rng, rng.choice(seeds), seeds)
        name = rng.choice(list(readers))
        if number % 50 == 0:
            name, data = "manifest", mutated(rng, manifest, seeds)
        begin = time.perf_counter()
        try:
            parse_manifest(reader.parse(data), "0" * 64) if name == "manifest" else readers[name](data)
            outcomes[f"{name}: read"] += 1
        except VcgError as error:
            outcomes[f"{name}: {error.code}"] += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}, input {number} ({name}): {type(error).__name__}: {error}") from error
        spent = time.perf_counter() - begin
        assert spent < SLOW_S, f"seed {seed}, input {number} ({name}) took {spent:.1f} s"
        if number == min(20_000, inputs // 2):
            warm = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - warm
    assert grown < 50_000, f"memory grew by {grown} KiB"
    outcomes["KiB grown"] = grown
    return outcomes


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.monotonic()
    for what, count in sorted(fuzz(options.inputs, options.seed).items()):
        print(f"{count:9} {what}")
    print(f"{options.inputs} inputs in {time.monotonic() - began:.0f} s: no crash, no hang, no growth")
