#!/usr/bin/env python3
"""The dock's figures in the real Godot editor, with a real server and the shipped bundle.

    python benchmarks/godot_editor.py [--rounds 20] [--out FILE.md]

From the click on Generate (a mouse event) to the first picture of the new character, and to a saved and imported scene
whose walk and idle play. Then a designer's hour with the dock (tests/godot/editor/designer.gd), without a window and,
where there is an Xvfb, with one: the longest halt of the main thread in each part of it, beside what the editor alone
takes on the same machine for a redraw, a menu, the import of one picture, and another addon of four lines.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.godot import find_godot  # noqa: E402
from tests.support.godot_editor import editor_run, find_xvfb, virtual_screen  # noqa: E402
from vcg_bridge import __version__  # noqa: E402
from vcg_bridge.cli import report  # noqa: E402
from vcg_bridge.cli.bench import Figure, goal, number, verdict  # noqa: E402

COLUMNS = ("figure", "value", "goal", "", "note")
HOUR = ROOT / "tests" / "godot" / "editor" / "designer.gd"
ALONE = "editor alone: "
MARGIN_MS = 50
"""How much longer than the editor's own a halt of the main thread may be."""


def play(scenario: Path, display: str | None, **job: object) -> dict[str, Any]:
    """The results of a scenario. Raises where one of its checks fails: a figure of something broken says nothing."""
    with (
        tempfile.TemporaryDirectory(prefix="vcg-bench-") as folder,
        editor_run(Path(folder), scenario, display, **job) as run,
    ):
        failed = [what for what, holds, _ in run.results["checks"] if not holds]
        if failed:
            raise RuntimeError(f"{scenario.name}: {failed}\n{run.output}")
        return run.results


def clicks(rounds: int) -> list[Figure]:
    """Generate, and save."""
    notes = play(Path(__file__).with_suffix(".gd"), None, rounds=rounds)["notes"]

    def figure(name: str, key: str, limit: float) -> Figure:
        values = notes[key]
        return Figure(name, statistics.median(values), "ms", limit, note=f"worst of {rounds}: {max(values):.0f} ms")

    return [
        figure("click to first preview", "first", 150),
        figure("click to saved, imported, playing walk + idle", "playable", 2000),
    ]


def halts(display: str | None) -> list[Figure]:
    """The longest of each part; the goal is the editor's own longest and MARGIN_MS."""
    stalls: dict[str, float] = play(HOUR, display)["stalls_ms"]
    where = "no window" if display is None else "shown by software"
    own = {name.removeprefix(ALONE): ms for name, ms in stalls.items() if name.startswith(ALONE)}
    limit = max(own.values()) + MARGIN_MS
    rows = [Figure(f"{where}, the editor alone: {name}", ms, "ms") for name, ms in own.items()]
    parts = {name: ms for name, ms in stalls.items() if not name.startswith(ALONE)}
    return rows + [
        Figure(f"{where}: {name}", ms, "ms", limit)
        for name, ms in sorted(parts.items(), key=lambda item: -item[1])
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="clicks; the median counts")
    parser.add_argument("--out", type=Path, help="also write the table to this file, as Markdown")
    arguments = parser.parse_args()
    figures = clicks(arguments.rounds) + halts(None)
    xvfb = find_xvfb(find_godot())
    if xvfb is not None:
        with virtual_screen(xvfb) as display:
            figures += halts(display)
    rows = [(f.name, number(f.value, f.unit), goal(f), verdict(f), f.note) for f in figures]
    report.table("", COLUMNS, rows)
    if arguments.out is not None:
        about = {
            "vcg_bridge": __version__, "cores": os.cpu_count(), "load_1min": round(os.getloadavg()[0], 2),
            "rounds": arguments.rounds, "platform": platform.platform(),
        }  # fmt: skip
        head = [
            "# Figures of the dock in Godot's editor",
            "Written by `python benchmarks/godot_editor.py --out FILE`. Halts: the longest time between two frames of",
            "the main thread; their goal is the editor's own longest and 50 ms.",
            "",
        ]
        lines = [*head, ", ".join(f"{name} {x}" for name, x in about.items()), "", f"| {' | '.join(COLUMNS)} |"]
        lines += ["|---|---|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
        arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
