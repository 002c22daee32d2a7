"""Measurements behind `vcg bench` and `vcg doctor`. Each is a plain function that returns numbers."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.client import Client
from vcg_bridge.contract.character import Character
from vcg_bridge.contract.errors import InternalError
from vcg_bridge.contract.messages import Design, Output
from vcg_bridge.contract.recipe import Recipe
from vcg_bridge.generators.bundle import Bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.generator import Generator, all_poses
from vcg_bridge.server.config import CACHE_BYTES
from vcg_bridge.sprites.compose import compose
from vcg_bridge.sprites.layout import lay_out
from vcg_bridge.sprites.png import indexed_png

SHEET = ("walk", "idle")


@dataclass(frozen=True)
class Overhead:
    """The same characters made directly and through a server, in turns."""

    direct_s: float
    server_s: float
    characters: int

    @property
    def ratio(self) -> float:
        """Server over direct: 1.1 is 10% more."""
        return self.server_s / self.direct_s


def overhead(
    bundle: Bundle, server: ServerProcess, seeds: Sequence[int], threads: int | None, *, frames: bool
) -> Overhead:
    """Wall time of complete characters but the first, all animations: generator and sprites called here, and asked of the server.

    Both give the same bytes: a sheet as PNG, or (`frames`) the frames as index planes. Both have drawn one character
    before the clock starts, have caches of one size, see the same characters in the same order, and take turns, so that
    whatever else the machine does hits both.
    """
    manifest = bundle.manifest
    poses = all_poses(manifest)
    direct_s = server_s = 0.0
    with (
        Generator(bundle, threads=threads, cache_bytes=CACHE_BYTES) as generator,
        Client.connect(server.address, wait=True) as client,
    ):

        def direct(recipe: Recipe) -> bytes:
            character = compose(manifest, generator.draw(recipe, poses))
            if frames:
                return _bytes_of(character)
            sheet = lay_out("lpc", character, manifest)
            return indexed_png(sheet.plane, sheet.palette)

        def served(recipe: Recipe) -> bytes:
            output = Output() if frames else Output(kind="sheet", format="png", layout="lpc")
            made = client.generate_character(recipe=recipe, model=manifest.name, preview=False, output=output)
            return _bytes_of(made.character()) if frames else made.pictures[0].data

        for seed in seeds:
            recipe = design(manifest, DesignSpec(seed=seed))
            begin = time.perf_counter()
            here = direct(recipe)
            between = time.perf_counter()
            there = served(recipe)
            end = time.perf_counter()
            if here != there:  # then no time means anything
                raise InternalError(f"seed {seed}: the server made another character than a direct call")
            if seed != seeds[0]:
                direct_s += between - begin
                server_s += end - between
    return Overhead(direct_s, server_s, len(seeds) - 1)


def _bytes_of(character: Character) -> bytes:
    return b"".join(character.frames[pose].tobytes() for pose in sorted(character.frames))


def first_preview_ms(client: Client, model: str, seeds: Sequence[int]) -> list[float]:
    """Per seed: from asking for a character to its first picture, the rest cancelled."""
    times = []
    for seed in seeds:
        begin = time.perf_counter()
        job = client.generate(design=Design(seed=seed), model=model, animations=SHEET)
        job.next()
        times.append((time.perf_counter() - begin) * 1000)
        job.cancel()
    return times


def sheet_s(client: Client, model: str, seed: int) -> float:
    """Wall time of one walk and idle sheet."""
    begin = time.perf_counter()
    client.generate_character(design=Design(seed=seed), model=model, animations=SHEET)
    return time.perf_counter() - begin


def batch_s(client: Client, model: str, first_seed: int, count: int) -> float:
    """Wall time of so many walk and idle sheets of different characters."""
    begin = time.perf_counter()
    made = sum(
        1
        for _ in client.generate_characters(
            design=Design(seed=first_seed), count=count, model=model, animations=SHEET, preview=False, priority="batch"
        )
    )
    assert made == count
    return time.perf_counter() - begin


def import_cpu_ms(module: str, runs: int = 5) -> float:
    """CPU time of importing a module, without the interpreter's own start. Median."""
    code = f"import time; a = time.process_time(); import {module}; print(time.process_time() - a)"
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(runs)
    ]
    return statistics.median(times) * 1000


def command_s(bundle: str, folder: Path) -> float:
    """Wall time of the whole command: a server of its own started, walk and idle, files written, the server ended."""
    command = [
        sys.executable, "-m", "vcg_bridge", "generate", "--seed=7", "--animations", ",".join(SHEET),
        "--out", str(folder), *([f"--bundle={bundle}"] if bundle else []),
    ]  # fmt: skip
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begin


def newest_wheel(folder: Path) -> Path | None:
    """The wheel built last in dist/ of a checkout, None where there is none."""
    wheels = sorted((folder / "dist").glob("vcg_bridge-*.whl"), key=lambda path: path.stat().st_mtime)
    return wheels[-1] if wheels else None
