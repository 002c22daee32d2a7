#!/usr/bin/env python3
"""The Godot client's figures: a real server with the shipped bundle, a real engine without a window.

    python benchmarks/godot_client.py [--rounds 20] [--threads 0] [--out FILE.md]

"Click" is a call of VcgClient.generate at the start of a frame; what it waits for is the signal on the main thread, so
the engine's frame rate counts: 60 frames a second is what an editor has, at 500 almost only the work is left.
Decoding is what the client's thread does with a blob: its length, its codec, its sha256.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.godot import new_project  # noqa: E402
from vcg_bridge import __version__  # noqa: E402
from vcg_bridge.cli import report  # noqa: E402
from vcg_bridge.cli.bench import Figure, goal, number, verdict  # noqa: E402
from vcg_bridge.cli.launch import ServerProcess  # noqa: E402
from vcg_bridge.client import Client  # noqa: E402
from vcg_bridge.contract import codec  # noqa: E402
from vcg_bridge.contract import messages as m  # noqa: E402

COLUMNS = ("figure", "value", "goal", "", "note")


def measure(rounds: int, threads: int) -> list[Figure]:
    """Start the server and the engine, and gather what they give."""
    folder = Path(tempfile.mkdtemp(prefix="vcg-bench-"))
    try:
        project = new_project(folder)
        shutil.copy(Path(__file__).with_suffix(".gd"), project.path / "bench.gd")
        with ServerProcess(["--threads", str(threads)]) as server:
            with Client.connect(server.address) as client:
                description = codec.pack_map(m.to_wire(client.describe()))
            (folder / "description").write_bytes(description)
            script = ("res://bench.gd", server.address, str(folder / "description"), str(rounds))
            output = project.run_script(*script, timeout_s=600).output
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found = json.loads(next(line[5:] for line in output.splitlines() if line.startswith("JSON ")))

    def median(name: str) -> float:
        return statistics.median(found[name])

    def worst(name: str) -> str:
        return f"worst of {len(found[name])}: {max(found[name]):.0f} ms"

    crowd = f"{10 * rounds} characters come, walk + idle"
    return [
        Figure("click to preview, 60 fps", median("preview at 60"), "ms", 150, note=worst("preview at 60")),
        Figure("click to preview, 500 fps", median("preview at 500"), "ms", 150, note=worst("preview at 500")),
        Figure("click to walk + idle, 60 fps", median("character at 60"), "ms", note=worst("character at 60")),
        Figure("click to walk + idle, 500 fps", median("character at 500"), "ms", note=worst("character at 500")),
        Figure("3 MiB decoded, zstd", median("zstd"), "ms", 15, note=f"{median('zstd kB'):.0f} kB as sent; thread time"),
        Figure("3 MiB decoded, gzip", median("gzip"), "ms", note=f"{median('gzip kB'):.0f} kB as sent"),
        Figure("3 MiB decoded, raw", median("raw"), "ms", note="the sha256 alone"),
        Figure("description, msgpack", median("description, msgpack"), "ms", note=f"{len(description) / 1000:.1f} kB"),
        Figure("description, read and checked", median("description, checked"), "ms", note="in the client's thread"),
        Figure("longest frame, nothing going on", median("frame, idle"), "ms", note="60 fps: 16.7 ms"),
        Figure("longest frame, a crowd comes", median("frame, crowd"), "ms", note=crowd),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="of each measurement; the median counts")
    parser.add_argument("--threads", type=int, default=0, help="of the server; 0: all cores")
    parser.add_argument("--out", type=Path, help="also write the table to this file, as Markdown")
    arguments = parser.parse_args()
    rows = [
        (f.name, number(f.value, f.unit), goal(f), verdict(f), f.note)
        for f in measure(arguments.rounds, arguments.threads)
    ]
    report.table("", COLUMNS, rows)
    if arguments.out is not None:
        about = {
            "vcg_bridge": __version__, "cores": os.cpu_count(), "load_1min": round(os.getloadavg()[0], 2),
            "rounds": arguments.rounds, "platform": platform.platform(),
        }  # fmt: skip
        head = ["# Figures of the Godot client", "Written by `python benchmarks/godot_client.py --out FILE`.", ""]
        lines = [*head, ", ".join(f"{name} {x}" for name, x in about.items()), "", f"| {' | '.join(COLUMNS)} |"]
        lines += ["|---|---|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
        arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
