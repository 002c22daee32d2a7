#!/usr/bin/env python3
"""Fuzzing guided by coverage, with atheris (pip install atheris): it keeps what reaches new lines, and goes on from there.

python scripts/fuzz_guided.py codec manifest --seconds 300      each kind for so long, in a process of its own
python scripts/fuzz_guided.py --seconds 60                      all kinds

Finds what scripts/fuzz.py would not; needs no server. What it has found is kept under --corpus.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import atheris

READERS = ["vcg_bridge.contract", "vcg_bridge.cli", "vcg_bridge.server.known_clients", "tomllib"]

with atheris.instrument_imports(include=READERS):
    import tomllib  # noqa: F401  (of the settings; else it would be imported too late to be watched)

    from tests.support.fuzz_targets import targets
    from vcg_bridge.contract.errors import VcgError

SEEDS = 200


def guide(kind: str, seconds: int, corpus: Path) -> None:
    """Fuzz one kind. Does not return: libFuzzer ends the process, with 0 where nothing was found."""
    with tempfile.TemporaryDirectory(prefix="vcg-fuzz-") as folder:
        target = next(x for x in targets(Path(folder)) if x.name == kind)
        corpus.mkdir(parents=True, exist_ok=True)
        for number in range(SEEDS):
            (corpus / f"seed-{number:03}").write_bytes(target.make(random.Random(number)))

        def one(data: bytes) -> None:
            try:
                target.read(data)
            except VcgError:
                return

        flags = [
            f"-max_total_time={seconds}",
            "-timeout=5",
            "-rss_limit_mb=2048",
            "-max_len=65536",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *flags, f"-artifact_prefix={corpus}/", str(corpus)], one)
        atheris.Fuzz()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path, default=Path(tempfile.gettempdir()) / "vcg-fuzz-corpus")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        guide(options.kinds[0], options.seconds, options.corpus / options.kinds[0])
    names = options.kinds or [target.name for target in targets(Path.cwd())]
    common = ["--here", f"--seconds={options.seconds}", f"--corpus={options.corpus}"]
    failed = [name for name in names if subprocess.run([sys.executable, __file__, name, *common]).returncode]
    if failed:
        sys.exit(f"found something in {', '.join(failed)}: see above, and {options.corpus}")
