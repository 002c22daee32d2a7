"""`vcg bench --load` and `--soak`: tables, files and pictures of what load.py and soak.py measure."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vcg_bridge.cli import report
from vcg_bridge.cli.bench import machine
from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.cli.load import Level, Loads, measure
from vcg_bridge.cli.soak import Soak, SoakReport
from vcg_bridge.contract.errors import BadRequest, ConfigError, InternalError
from vcg_bridge.generators.bundle import open_bundle


@dataclass(frozen=True)
class Where:
    """The server to measure."""

    bundle: str
    device: str
    threads: int
    address: str  # "": one is started
    token: str

    @property
    def arguments(self) -> list[str]:
        """Of a server that has to be started."""
        bundle = [f"--bundle={self.bundle}"] if self.bundle else []
        return [f"--device={self.device}", f"--threads={self.threads}", *bundle]


def numbers(text: str) -> list[int]:
    """1,8,64 as numbers. Raises BadRequest."""
    try:
        found = [int(word) for word in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(1 <= n <= 200 for n in found):
        raise BadRequest(f"--clients {text!r}", hint="numbers from 1 to 200 with commas between: 1,8,64")
    return found


def load(
    where: Where, clients: list[int], seconds: float, out: Path | None, plot: Path | None, *, as_json: bool
) -> None:
    """Measure, print, write."""
    _check_plot(plot)
    opened = open_bundle(where.bundle)
    with report.progress(counted=False) as bar:
        task = bar.add_task("load", total=None)
        loads = measure(
            opened, where.arguments, address=where.address, token=where.token, threads=where.threads or None,
            clients=clients, seconds=seconds, step=lambda what: bar.update(task, description=what),
        )  # fmt: skip
    about = machine(where.bundle, where.device, where.threads)
    columns = ("work", "clients", "a second", "of bare", "preview p50", "p99", "done p50", "p99", "bytes each")
    rows = [_row(level) for level in loads.levels]
    facts = _facts(loads)
    text = json.dumps({"machine": about, "levels": [_plain(x) for x in loads.levels], **facts}, indent=1)
    if as_json:
        print(text)
    else:
        report.table("", columns, rows)
        report.table(
            "", ("figure", "value"), [(name.replace("_", " "), _short(value)) for name, value in facts.items()]
        )
    if plot is not None:
        _write(plot, _picture(loads.levels))
    if out is not None:
        if out.suffix == ".md":
            lines = [
                ", ".join(f"{name} {value}" for name, value in about.items()), "",
                f"| {' | '.join(columns)} |", "|" + "---|" * len(columns), *(f"| {' | '.join(row)} |" for row in rows), "",
                "| figure | value |", "|---|---|",
                *(f"| {name.replace('_', ' ')} | {_short(value)} |" for name, value in facts.items()),
            ]  # fmt: skip
            text = "\n".join(lines)
        _write(out, text.encode("utf-8") + b"\n")


def soak(where: Where, clients: int, seconds: float, out: Path | None, plot: Path | None, *, as_json: bool) -> None:
    """Run it, print, write. Raises InternalError where something was not as it must be."""
    _check_plot(plot)

    def told(address: str, pid: int | None) -> SoakReport:
        with report.progress(counted=False) as bar:
            task = bar.add_task(f"{clients} clients", total=seconds)
            return Soak(address, clients, where.token, pid).run(seconds, lambda at: bar.update(task, completed=at))

    if where.address:
        result = told(where.address, None)
    else:
        with ServerProcess(where.arguments) as server:
            result = told(server.address, server.process.pid)
    facts = soak_facts(result)
    text = json.dumps({"machine": machine(where.bundle, where.device, where.threads), **facts}, indent=1)
    if as_json:
        print(text)
    else:
        report.table(
            "", ("figure", "value"), [(name.replace("_", " "), _short(value)) for name, value in facts.items()]
        )
    if plot is not None and result.prints:
        _write(plot, _memory_picture(result))
    if out is not None:
        _write(out, text.encode("utf-8") + b"\n")
    if result.faults:
        raise InternalError(f"{len(result.faults)} faults, the first: {result.faults[0]}")


def soak_facts(result: SoakReport) -> dict[str, Any]:
    """The figures of a soak by name."""
    first, last = (result.prints[0][1], result.prints[-1][1]) if result.prints else (None, None)
    return {
        "seconds": round(result.seconds, 1), "jobs_done": result.jobs, "chunks": result.chunks,
        "cancelled": result.cancelled, "disconnects": result.disconnects, "stalls": result.stalls,
        "errors": dict(result.errors), "faults": result.faults,
        "memory_growth": None if result.growth is None else round(result.growth, 4),
        "first": asdict(first) if first else None, "last": asdict(last) if last else None,
    }  # fmt: skip


def _facts(loads: Loads) -> dict[str, float | None]:
    eight = [x.ratio for x in loads.levels if x.kind == "sheets" and x.load.clients == 8]
    return {
        "sheets_of_8_clients_of_bare": eight[0] if eight else None,
        "previews_batched_over_one_at_a_time": loads.batching,
        "preview_p99_idle_ms": loads.idle_p99_ms,
        "preview_p99_during_batch_of_10000_ms": loads.busy_p99_ms,
        "during_batch_over_idle": loads.busy_p99_ms / loads.idle_p99_ms if loads.idle_p99_ms else None,
        "characters_of_the_batch_meanwhile": loads.batch_characters,
    }


def _row(level: Level) -> tuple[str, ...]:
    x = level.load
    times = (x.preview(50), x.preview(99), x.done(50), x.done(99))
    return (
        level.kind, str(x.clients), f"{x.per_s:.1f}", f"{level.ratio:.2f}", *(f"{t:.1f} ms" for t in times),
        f"{x.bytes_each:.0f}",
    )  # fmt: skip


def _plain(level: Level) -> dict[str, object]:
    x = level.load
    return {
        "work": level.kind, "clients": x.clients, "per_s": x.per_s, "bare_per_s": level.bare_per_s, "ratio": level.ratio,
        "jobs": len(x.samples), "bytes_each": x.bytes_each,
        **{f"preview_p{p}_ms": x.preview(p) for p in (50, 90, 99)}, **{f"done_p{p}_ms": x.done(p) for p in (50, 90, 99)},
    }  # fmt: skip


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _check_plot(path: Path | None) -> None:
    if path is None:
        return
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ConfigError("--plot needs matplotlib", hint="pip install matplotlib") from None


def _picture(levels: list[Level]) -> bytes:
    from matplotlib.figure import Figure

    figure = Figure((11, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for kind, colour in (("previews", "tab:blue"), ("sheets", "tab:orange"), ("characters", "tab:green")):
        own = [x for x in levels if x.kind == kind]
        counts = [x.load.clients for x in own]
        left.plot(counts, [x.load.per_s for x in own], "o-", color=colour, label=f"{kind}, server")
        if kind != "characters":
            left.plot(counts, [x.bare_per_s for x in own], "--", color=colour, label=f"{kind}, bare generator")
        right.plot(counts, [x.load.preview(50) for x in own], "o-", color=colour, label=f"{kind}: first picture, p50")
        right.plot(counts, [x.load.preview(99) for x in own], "^:", color=colour, label=f"{kind}: first picture, p99")
    left.set(title="Throughput", ylabel="characters a second", ylim=(0, None))
    right.set(title="Time to the first picture", ylabel="ms", yscale="log")
    for axes in (left, right):
        axes.set_xscale("log", base=2)
        axes.set_xticks([x.load.clients for x in levels], [str(x.load.clients) for x in levels])
        axes.set_xlabel("clients, each with one request after the other")
        axes.grid(alpha=0.3)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2, fontsize="small")
    return _png(figure)


def _memory_picture(result: SoakReport) -> bytes:
    from matplotlib.figure import Figure

    figure = Figure((9, 4), layout="constrained")
    memory = figure.subplots()
    others = memory.twinx()
    at = [seconds for seconds, _ in result.prints]
    memory.plot(at, [p.resident / 1e6 for _, p in result.prints], color="tab:blue", label="memory")
    others.plot(at, [p.threads for _, p in result.prints], ":", color="tab:green", label="threads")
    others.plot(at, [p.descriptors for _, p in result.prints], "--", color="tab:orange", label="descriptors")
    memory.set(title="What the server holds", xlabel="seconds", ylabel="resident MB", ylim=(0, None))
    others.set(ylim=(0, None), ylabel="threads, descriptors")
    figure.legend(loc="outside lower center", ncols=3)
    return _png(figure)


def _png(figure: Any) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    return data.getvalue()


def _write(path: Path, data: bytes) -> None:
    from vcg_bridge.sprites.writer import write_files

    write_files(path.parent, {path.name: data})
