#!/usr/bin/env python3
"""Feed mutated bytes to everything that reads what others have written. Only our own errors may come of it.

python scripts/fuzz.py --inputs 1000000        a million, some minutes
python scripts/fuzz.py --only networks         one kind of input
python scripts/fuzz.py --seed 7                other ones; a failure prints the seed and number that repeat it

Sockets: scripts/fuzz_server.py. Guided by coverage: scripts/fuzz_guided.py.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.fuzz_targets import Target, targets
from vcg_bridge.contract.errors import VcgError

SLOW_S = 2.0
GROWN_KIB = 60_000
"""More than the allocator's own to and fro."""


def fuzz(inputs: int, seed: int, only: Sequence[str] = ()) -> Counter[str]:
    """What came of that many inputs, of the kinds in `only` or of all. Raises AssertionError for what must not be."""
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="vcg-fuzz-") as folder:
        chosen = [target for target in targets(Path(folder)) if not only or target.name in only]
        weights = [target.share for target in chosen]
        warm = 0
        for number in range(inputs):
            rng = random.Random(f"{seed} {number}")
            target = rng.choices(chosen, weights)[0]
            data = target.make(rng)
            outcomes[f"{target.name}: {feed(target, data, f'seed {seed}, input {number}')}"] += 1
            if number == min(50_000, inputs // 2):
                warm = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - warm
    assert grown < GROWN_KIB, f"memory grew by {grown} KiB"
    outcomes["KiB grown"] = grown
    return outcomes


def feed(target: Target, data: bytes, name: str) -> str:
    """What came of one input: "read", or the code of our error. Raises AssertionError for what must not be."""
    begin = time.perf_counter()
    try:
        target.read(data)
        outcome = "read"
    except VcgError as error:
        outcome = error.code
    except Exception as error:
        raise AssertionError(f"{name} ({target.name}): {type(error).__name__}: {error}\n{data[:2000]!r}") from error
    spent = time.perf_counter() - begin
    assert spent < SLOW_S, f"{name} ({target.name}) took {spent:.1f} s"
    return outcome


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", default=[], metavar="KIND", help="codec, manifest, network ...")
    options = parser.parse_args()
    began = time.monotonic()
    for what, count in sorted(fuzz(options.inputs, options.seed, options.only).items()):
        print(f"{count:9} {what}")
    print(f"{options.inputs} inputs in {time.monotonic() - began:.0f} s: no crash, no hang, no growth")
