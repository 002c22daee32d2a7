"""Load on a server, measured beside the generator without any server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from vcg_bridge.cli.driver import SHEET, WINDOW, Driver, Load, Make, percentile
from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.client import ClientOptions
from vcg_bridge.contract.messages import Design, Generate, Output
from vcg_bridge.generators.bundle import Bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.generator import Generator, all_poses
from vcg_bridge.server.config import CACHE_BYTES
from vcg_bridge.server.jobs import preview_pose
from vcg_bridge.sprites.compose import compose
from vcg_bridge.sprites.layout import lay_out
from vcg_bridge.sprites.png import indexed_png
from vcg_bridge.sprites.stencils import StencilCache

WARM_S = 5.0
"""So long a batch runs before anything is measured: a server starts processes for batches when there is one."""


def previews(model: str, first: int) -> Make:
    """Small requests: one frame of a new character."""
    return lambda i: Generate(
        f"p{first + i}", model, design=Design(seed=first + i), output=Output("preview"), credit=WINDOW
    )


def sheets(model: str, first: int, *, preview: bool = False) -> Make:
    """A walk and idle sheet as PNG of a new character, with or without a preview before it."""
    output = Output("sheet", format="png", layout="rows")
    return lambda i: Generate(
        f"s{first + i}",
        model,
        design=Design(seed=first + i),
        animations=SHEET,
        preview=preview,
        output=output,
        credit=WINDOW,
    )


def characters(model: str, first: int) -> Make:
    """What an editor asks for: a preview, then the sheet."""
    return sheets(model, first, preview=True)


class Bare:
    """The generator and the sprites, called one character after the other. Use it in a `with`."""

    def __init__(self, bundle: Bundle, threads: int | None) -> None:
        self.bundle, self.manifest = bundle, bundle.manifest
        self._generator = Generator(bundle, threads=threads, cache_bytes=CACHE_BYTES)
        self._generator.warm_up()
        self._stencils = StencilCache(CACHE_BYTES // 4)  # as the server has one
        self._seed = 1 << 40

    def __enter__(self) -> Bare:
        return self

    def __exit__(self, *_: object) -> None:
        self._generator.close()

    def per_s(self, kind: str, seconds: float) -> float:
        """New characters a second: previews, or else sheets."""
        manifest = self.manifest
        animations = (
            [a for a in manifest.animations if a.id in SHEET] if kind != "previews" else list(manifest.animations)
        )
        poses = all_poses(manifest, [a.id for a in animations]) if kind != "previews" else (preview_pose(animations),)
        count, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < seconds:
            self._seed += 1
            drawing = self._generator.draw(design(manifest, DesignSpec(seed=self._seed)), poses)
            character = compose(manifest, drawing, stencils=self._stencils)
            if kind != "previews":
                sheet = lay_out("rows", character, manifest)
                indexed_png(sheet.plane, sheet.palette)
            count += 1
        return count / (time.perf_counter() - begin)


@dataclass(frozen=True)
class Level:
    """One line of the table."""

    kind: str  # previews, sheets, characters (both; beside the bare sheets)
    load: Load
    bare_per_s: float  # measured before and after

    @property
    def ratio(self) -> float:
        """Characters a second, of the bare generator's."""
        return self.load.per_s / self.bare_per_s


@dataclass
class Loads:
    """What a run has measured so far."""

    levels: list[Level] = field(default_factory=list)
    batching: float | None = (
        None  # previews a second of 64 clients, of those of a server that draws one request at a time
    )
    idle_p99_ms: float | None = None
    busy_p99_ms: float | None = None  # the same while a batch of 10,000 characters runs
    batch_characters: int | None = None  # of it that were done meanwhile


def measure(
    loads: Loads,
    bundle: Bundle,
    arguments: Sequence[str],
    *,
    reach: ClientOptions | None = None,
    threads: int | None = None,
    clients: Sequence[int] = (1, 2, 4, 8, 16, 32, 64),
    seconds: float = 4.0,
    step: Callable[[str], None] = lambda _: None,
) -> None:
    """Every level, the bare generator before and after each, into `loads`. reach: a running server; None: one is started."""
    seed = iter(range(1 << 20, 1 << 40, 1 << 20))
    model = bundle.manifest.name
    with _server(reach, arguments) as place, Bare(bundle, threads) as bare:
        step("a batch, so that all who draw are there")
        warm_up(place, model, next(seed), min(WARM_S, 4 * seconds))
        for kind, make in (("previews", previews), ("sheets", sheets), ("characters", characters)):
            before = bare.per_s(kind, seconds / 2)
            for count in clients:
                step(f"{kind}, {count} client{'s' if count > 1 else ''}")
                with Driver(place, count) as driver:
                    load = driver.run(make(model, next(seed)), seconds, warm=1)
                after = bare.per_s(kind, seconds / 2)
                loads.levels.append(Level(kind, load, (before + after) / 2))
                before = after
        step("previews while a batch runs")
        loads.idle_p99_ms, loads.busy_p99_ms, loads.batch_characters = under_batch(
            place, model, next(seed), 2 * seconds
        )
    if reach is None:
        step("one request at a time")
        loads.batching = batching_ratio(model, arguments, max(clients), seconds, next(seed))


def batching_ratio(model: str, arguments: Sequence[str], clients: int, seconds: float, first: int) -> float:
    """Previews a second of a server as it is over those of one that draws one request at a time. In turns, twice each."""
    rates: dict[int, list[float]] = {0: [], 1: []}
    with (
        _server(None, arguments) as several,
        _server(None, [*arguments, "--together=1", "--workers=0"]) as single,
    ):
        for place in (several, single):
            warm_up(place, model, first + 500_000, min(WARM_S, 4 * seconds))
        for run in range(4):
            with Driver((several, single)[run % 2], clients) as driver:
                rates[run % 2].append(driver.run(previews(model, first + run * 100_000), seconds, warm=2).per_s)
    return sum(rates[0]) / sum(rates[1])


def warm_up(place: ClientOptions, model: str, first: int, seconds: float) -> None:
    """Have a batch run for so long."""
    with Driver(place, 1) as farm:
        farm.start_batch(model, first, jobs=4, count=1000)
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            farm.drain()
            time.sleep(0.005)


def under_batch(place: ClientOptions, model: str, first: int, seconds: float) -> tuple[float, float, int]:
    """p99 of one client's previews on an idle server and during a batch of 10,000 characters, ms; characters of it done."""
    chunks, number = 0, 0

    def drain() -> None:
        nonlocal chunks
        chunks += farm.drain()

    with Driver(place, 1) as designer, Driver(place, 1) as farm:

        def series(begin: int) -> list[float]:
            nonlocal number
            until, times = time.perf_counter() + seconds, []
            make = previews(model, begin)
            while time.perf_counter() < until:
                times.append(designer.one_ms(make(number), drain))
                number += 1
            return times[3:]

        idle = percentile(series(first), 99)
        farm.start_batch(model, first + 500_000, jobs=10, count=1000)
        busy = percentile(series(first), 99)
    return idle, busy, chunks // len(SHEET)


@contextmanager
def _server(reach: ClientOptions | None, arguments: Sequence[str]) -> Iterator[ClientOptions]:
    if reach is not None:
        yield reach
        return
    with ServerProcess(arguments) as server:
        yield ClientOptions(address=server.address)
