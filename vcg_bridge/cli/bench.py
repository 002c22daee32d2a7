"""`vcg bench`: the figures of the project, measured on this machine."""

from __future__ import annotations

import json
import os
import platform
import statistics
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import vcg_bridge
from vcg_bridge.cli import options as o
from vcg_bridge.cli import report
from vcg_bridge.contract.errors import BadRequest, OutputError

if TYPE_CHECKING:
    from vcg_bridge.cli.figures import Overhead

COLD_RUNS = 3
"""Fresh servers per cold figure; the median counts."""


@dataclass(frozen=True)
class Figure:
    """One measured number and what it should be."""

    name: str
    value: float | None  # None: could not be measured here
    unit: str
    goal: float | None = None
    at_least: bool = False  # the goal is a lower limit
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the goal is met; None without goal or value."""
        if self.value is None or self.goal is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal


def bench(
    bundle: o.BundleOption = "",
    device: Annotated[o.Device, typer.Option("--device", help="What draws.")] = o.Device.auto,
    threads: Annotated[int, typer.Option("--threads", min=0, help="Threads that draw. 0: all cores.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer characters: a rough idea in less time.")] = False,
    wheel: Annotated[Path | None, typer.Option("--wheel", help="Wheel to weigh. Default: the newest in dist/.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Also write the figures to this file: JSON, or a page if it ends in .md."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    load: Annotated[
        bool,
        typer.Option("--load", help="Instead: latency and throughput with 1 to 64 clients, beside the bare generator."),
    ] = False,
    clients: Annotated[
        str,
        typer.Option(
            "--clients", metavar="N,N...", help="With --load: default 1,2,4,8,16,32,64. With --soak: one number, 64."
        ),
    ] = "",
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, help="With --load: for each number of clients.")
    ] = 4.0,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="With --load or --soak: also a picture, PNG. Needs matplotlib.")
    ] = None,
    soak: Annotated[
        float,
        typer.Option(
            "--soak", metavar="MINUTES", min=0.0, help="Instead: so long 64 clients that cancel, vanish and stall."
        ),
    ] = 0.0,
    server: o.Server = "",
    token_file: o.TokenFile = None,
    server_key: o.ServerKey = "",
    client_key: o.ClientKey = None,
    certificate: o.Certificate = None,
) -> None:
    """Measure: server against direct calls, first preview, cold sheet, batch, import, wheel. Takes a few minutes."""
    if load and soak:
        raise BadRequest("--load and --soak are two measurements", hint="run one after the other")
    if load or soak:
        from vcg_bridge.cli import bench_load
        from vcg_bridge.cli.connect import Place

        place = Place(
            server, bundle=bundle, token_file=token_file, server_key=server_key, client_key=client_key,
            certificate=certificate,
        )  # fmt: skip
        where = bench_load.Where(place, device.value, threads)
        counts = bench_load.numbers(clients or ("64" if soak else "1,2,4,8,16,32,64"))
        if load:
            bench_load.load(where, counts, seconds, out, plot, as_json=as_json)
        elif len(counts) > 1:
            raise BadRequest(f"--clients {clients} with --soak", hint="one number: --clients 64")
        else:
            bench_load.soak(where, counts[0], soak * 60, out, plot, as_json=as_json)
        return
    if server or plot is not None or clients:
        raise BadRequest(
            "--server (or VCG_SERVER), --clients and --plot belong to --load and --soak",
            hint="add one of them; what is measured otherwise needs servers of its own",
        )
    if out is not None and out.is_dir():
        raise OutputError(f"--out {out} is a folder", hint="give a file")
    warn_if_busy()
    figures = measure(bundle, device.value, threads or None, quick=quick, wheel=wheel)
    about = machine(bundle, device.value, threads)
    text = json.dumps({"machine": about, "figures": [_plain(f) for f in figures]}, indent=1)
    if as_json:
        print(text)
    else:
        report.table(
            "", ("figure", "value", "goal", "", "note"),
            [(f.name, number(f.value, f.unit), goal(f), verdict(f), f.note) for f in figures],
        )  # fmt: skip
    if out is not None:
        from vcg_bridge.sprites.writer import write_files

        if out.suffix == ".md":
            text = _page(figures, about)
        write_files(out.parent, {out.name: text.encode("utf-8") + b"\n"})


def warn_if_busy() -> None:
    """Says so where other programs have much of this machine: then ratios change too, not times alone."""
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > cores / 2:
        report.show_warning(f"this machine is busy (load {load:.1f} on {cores} cores): figures taken now say little")


def measure(bundle: str, device: str, threads: int | None, *, quick: bool, wheel: Path | None) -> list[Figure]:
    """All figures. Starts and ends several servers."""
    from vcg_bridge.cli import figures as f
    from vcg_bridge.cli.launch import ServerProcess
    from vcg_bridge.client import Client
    from vcg_bridge.generators.bundle import open_bundle

    opened = open_bundle(bundle)
    model = opened.manifest.name
    arguments = [f"--device={device}", *([f"--bundle={bundle}"] if bundle else []), f"--threads={threads or 0}"]
    with report.progress(counted=False) as bar, tempfile.TemporaryDirectory(prefix="vcg-bench-") as folder:
        task = bar.add_task("cold sheets", total=5)
        sheets, previews_cold, batches = [], [], []
        count = 20 if quick else 100
        for run in range(1 if quick else COLD_RUNS):
            with ServerProcess(arguments) as server, Client.connect(server.address, wait=True) as client:
                sheets.append(f.sheet_s(client, model, seed=1000 + run))
                if run == 0:
                    bar.update(task, description=f"a batch of {count}", advance=1)
                    batches.append(f.batch_s(client, model, 2000, count))
            with ServerProcess(arguments) as server, Client.connect(server.address, wait=True) as client:
                previews_cold += f.first_preview_ms(client, model, [1000 + run])
        bar.update(task, description="previews", advance=1)
        with ServerProcess(arguments) as server, Client.connect(server.address, wait=True) as client:
            f.sheet_s(client, model, seed=1)
            previews = f.first_preview_ms(client, model, range(3000, 3010 if quick else 3040))
        bar.update(task, description="server against direct calls", advance=1)
        seeds = range(4000, 4004 if quick else 4040)
        with ServerProcess(arguments) as server:
            over = f.overhead(opened, server, seeds, threads, frames=False)
        with ServerProcess(arguments) as server:
            bare = f.overhead(opened, server, seeds, threads, frames=True)
        bar.update(task, description="import and command", advance=1)
        import_ms = f.import_cpu_ms("vcg_bridge.client")
        command = f.command_s(bundle, Path(folder) / "npc")
    cold, each = statistics.median(sheets), batches[0] / count
    weighed = wheel or f.newest_wheel(Path.cwd())
    return [
        Figure("server / direct calls", over.ratio, "", 1.10, note=f"{_times(over)}: sheets as PNG, the same bytes"),
        Figure("the same, bare frames", bare.ratio, "", note=f"{_times(bare)}: uncompressed frames on the direct side"),
        Figure("first preview", statistics.median(previews), "ms", 100, note=f"running server, new characters; worst {max(previews):.0f} ms"),
        Figure("first preview, cold", statistics.median(previews_cold), "ms", 100, note="first request of a fresh server"),
        Figure("walk + idle sheet, cold", cold, "s", 1.5, note="first request of a fresh server"),
        Figure(f"batch of {count}: faster per NPC", cold / each, "x", 5, at_least=True, note=f"than the cold one; {each * 1000:.0f} ms each"),
        Figure("import vcg_bridge.client", import_ms, "ms CPU", 150),
        Figure("wheel", weighed.stat().st_size / 1e6 if weighed else None, "MB", 20, note=weighed.name if weighed else "build one: pip wheel --no-deps -w dist ."),
        Figure("vcg generate, walk + idle", command, "s", note="the whole command, its own server included"),
    ]  # fmt: skip


def _times(over: Overhead) -> str:
    return f"{over.characters} characters, all animations, {over.server_s:.1f} s / {over.direct_s:.1f} s"


def machine(bundle: str, device: str = "", threads: int = 0) -> dict[str, object]:
    """What the figures were measured on. device, threads: of a server that was started; "": it ran already."""
    import onnxruntime

    from vcg_bridge.generators.bundle import open_bundle

    opened = open_bundle(bundle, verify=False)
    return {
        "vcg_bridge": vcg_bridge.__version__,
        "bundle": f"{opened.manifest.name} {opened.manifest.version}",
        "bundle_sha256": opened.sha256,
        **({"device": device, "threads": threads} if device else {}),
        "cores": os.cpu_count(),
        "load_1min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "platform": platform.platform(),
        "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__,
    }


def _page(figures: list[Figure], about: dict[str, object]) -> str:
    """The figures as Markdown."""
    lines = [
        "# Figures",
        "Written by `vcg bench --out benchmarks/RESULTS.md`; not edited by hand.",
        "",
        ", ".join(f"{name} {value}" for name, value in about.items()),
        "",
        "| figure | value | goal | | note |",
        "|---|---|---|---|---|",
    ]
    rows = ((f.name, number(f.value, f.unit), goal(f), verdict(f), f.note) for f in figures)
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def _plain(figure: Figure) -> dict[str, object]:
    return {**asdict(figure), "reached": figure.reached}


def number(value: float | None, unit: str) -> str:
    """A figure in words: "12.7 ms"."""
    return "-" if value is None else f"{value:.3g} {unit}".strip()


def goal(figure: Figure) -> str:
    """What it should be: "<= 100 ms"."""
    if figure.goal is None:
        return ""
    return f"{'>=' if figure.at_least else '<='} {number(figure.goal, figure.unit)}"


def verdict(figure: Figure) -> str:
    """Whether it is."""
    return {True: "reached", False: "NOT reached", None: ""}[figure.reached]
