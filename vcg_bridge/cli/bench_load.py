"""`vcg bench --load` and `--soak`: tables, files and pictures of what load.py and soak.py measure."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import vcg_bridge
from vcg_bridge.cli import report
from vcg_bridge.cli.bench import machine, warn_if_busy
from vcg_bridge.cli.connect import Place, bundle_of, check_place, client_of
from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.cli.listener import listener
from vcg_bridge.cli.load import Level, Loads, measure
from vcg_bridge.cli.soak import Soak, SoakReport, footprint
from vcg_bridge.client import ClientOptions
from vcg_bridge.contract.errors import BadRequest, ConfigError, InternalError, OutputError, VcgError
from vcg_bridge.generators.bundle import open_bundle

SHORT_S = 60.0
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True)
class Where:
    """The server to measure, and what one that has to be started draws with."""

    place: Place
    device: str
    threads: int

    @property
    def arguments(self) -> list[str]:
        """Of a server that has to be started."""
        bundle = [f"--bundle={self.place.bundle}"] if self.place.bundle else []
        return [f"--device={self.device}", f"--threads={self.threads}", *bundle]

    def machine(self) -> dict[str, object]:
        """What is measured, and on what."""
        if not self.place.server:
            return machine(self.place.bundle, self.device, self.threads)
        return {**machine(self.place.bundle), "server": self.place.server}


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
    """Measure, print, write. Ended before its time (Ctrl+C, a server that is lost), it prints what it has, and writes nothing."""
    check_files(out, plot)
    check_place(where.place)
    reach, bundle = None, None
    if where.place.server:
        with client_of(where.place) as client:
            reach, bundle = client.options, bundle_of(client, where.place)
    warn_if_busy()
    loads = Loads()
    try:
        with report.progress(counted=False) as bar:
            task = bar.add_task("load", total=None)
            measure(
                loads, bundle or open_bundle(where.place.bundle), where.arguments, reach=reach,
                threads=where.threads or None, clients=clients, seconds=seconds,
                step=lambda what: bar.update(task, description=what),
            )  # fmt: skip
    except (KeyboardInterrupt, VcgError):
        if loads.levels and not as_json:
            report.show_warning("ended before its time; this is what was measured until then")
            _show_load(loads)
        raise
    about, facts = where.machine(), _facts(loads)
    text = json.dumps({"machine": about, "levels": [_plain(x) for x in loads.levels], **facts}, indent=1)
    if as_json:
        print(text)
    else:
        _show_load(loads)
        if not _here(where.place.server):
            report.out.print("\nOf bare: of the generator on this machine, which is not the server's.", markup=False)
    if plot is not None:
        _write(plot, _picture(loads.levels))
    if out is not None:
        if out.suffix == ".md":
            lines = [
                ", ".join(f"{name} {value}" for name, value in about.items()), "",
                f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS),
                *(f"| {' | '.join(_row(level))} |" for level in loads.levels), "",
                "| figure | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in _words(facts)),
            ]  # fmt: skip
            text = "\n".join(lines)
        _write(out, text.encode("utf-8") + b"\n")


COLUMNS = ("work", "clients", "a second", "of bare", "first picture p50", "p99", "done p50", "p99", "bytes each")


def _show_load(loads: Loads) -> None:
    report.table("", COLUMNS, [_row(level) for level in loads.levels])
    report.out.print()
    report.table("", ("figure", "value"), _words(_facts(loads)))


def soak(where: Where, clients: int, seconds: float, out: Path | None, plot: Path | None, *, as_json: bool) -> None:
    """Run it, print, write. Raises InternalError where something was not as it must be."""
    check_files(out, plot)
    check_place(where.place)
    if where.place.server:
        with client_of(where.place) as client:
            reach, server = client.options, client.welcome
        pid, watched = _watched(where.place.server)
        about: dict[str, object] = {
            "vcg_bridge": vcg_bridge.__version__, "server": where.place.server, "server_is": server.server,
            "models": [f"{model.name} {model.version}" for model in server.models],
        }  # fmt: skip
        _soak(Soak(reach, clients, pid), seconds, {"machine": about, "watched": watched}, out, plot, as_json=as_json)
        return
    with ServerProcess(where.arguments) as process:
        pid = process.process.pid
        watched = f"process {pid} and its replicas" if footprint(pid) else "nothing: this system does not tell"
        running = Soak(ClientOptions(address=process.address), clients, pid)
        _soak(running, seconds, {"machine": where.machine(), "watched": watched}, out, plot, as_json=as_json)


def _soak(
    running: Soak, seconds: float, about: dict[str, Any], out: Path | None, plot: Path | None, *, as_json: bool
) -> None:
    result = running.report
    stopped = False
    try:
        with report.progress(counted=False) as bar:
            task = bar.add_task("soak", total=seconds)
            running.run(seconds, lambda at: bar.update(task, completed=at, description=_so_far(result)))
    except KeyboardInterrupt:
        stopped = True
        report.show_warning(
            f"stopped after {result.seconds:.0f} of {seconds:.0f} s; what was running then is not counted"
        )
    facts = soak_facts(result)
    text = json.dumps({**about, **facts}, indent=1)
    if as_json:
        print(text)
    else:
        report.table("", ("figure", "value"), [*_soak_words(result), ("watched", about["watched"])])
    if plot is not None and result.prints:
        _write(plot, _memory_picture(result))
    elif plot is not None:
        report.show_warning(f"there is nothing to draw: {plot} was not written")
    if out is not None:
        _write(out, text.encode("utf-8") + b"\n")
    for fault in result.faults[1:10]:
        report.show_warning(fault)
    if result.faults:
        raise InternalError(
            f"{len(result.faults)} fault{'s' if len(result.faults) > 1 else ''}, the first: {result.faults[0]}",
            hint="see the server's log; --out FILE keeps all of them",
        )
    if stopped:
        raise KeyboardInterrupt


def _so_far(result: SoakReport) -> str:
    return f"{result.jobs} jobs, {result.chunks} chunks, {len(result.faults)} faults"


def _here(server: str) -> bool:
    """Whether it runs on this machine, as far as the address says; "" is one that is started."""
    return not server or server.partition("://")[2].rpartition(":")[0] in LOOPBACK


def _watched(server: str) -> tuple[int | None, str]:
    """The process of a server that was named, as far as this machine knows it, and in words what is watched of it."""
    if not _here(server):
        return None, (
            "the answers alone: memory, threads and descriptors of a server on another machine cannot be seen from here; "
            "run the soak on that machine"
        )
    pid = listener(int(server.rpartition(":")[2]))
    if pid is None or footprint(pid) is None:
        return None, "the answers alone: this system, or your rights, do not show the process that listens there"
    return pid, f"process {pid} and its replicas"


def soak_facts(result: SoakReport) -> dict[str, Any]:
    """The figures of a soak by name."""
    first, last = (result.settled[0], result.settled[-1]) if result.prints else (None, None)
    return {
        "seconds": round(result.seconds, 1), "jobs_done": result.jobs, "chunks": result.chunks,
        "cancelled": result.cancelled, "disconnects": result.disconnects, "stalls": result.stalls,
        "errors": dict(result.errors), "faults": result.faults,
        "memory_growth": None if result.growth is None else round(result.growth, 4),
        "first": asdict(first) if first else None, "last": asdict(last) if last else None,
    }  # fmt: skip


def _soak_words(result: SoakReport) -> list[tuple[str, str]]:
    """The same for people."""
    words = [
        ("time", f"{result.seconds:.0f} s"),
        ("jobs done", str(result.jobs)),
        ("chunks", f"{result.chunks}, each compared with what others got for the same seed"),
        ("cancels, disconnects, stalls", f"{result.cancelled}, {result.disconnects}, {result.stalls}"),
        ("errors", ", ".join(f"{code} {count}" for code, count in result.errors.items()) or "none"),
        ("faults", str(len(result.faults)) if result.faults else "none: nothing lost, doubled, damaged or different"),
    ]
    if result.prints:
        first, last = result.settled[0], result.settled[-1]
        growth = "" if result.growth is None else f" ({result.growth:+.1%}, last third over first)"
        if result.seconds < SHORT_S:
            growth = " (too short to tell a leak from caches that fill and replicas that start)"
        words += [
            ("memory", f"{first.resident / 1e6:.0f} MB, {last.resident / 1e6:.0f} MB at the end{growth}"),
            ("threads", f"{first.threads}, {last.threads} at the end"),
            ("descriptors", f"{first.descriptors}, {last.descriptors} at the end"),
        ]
    return words


def _facts(loads: Loads) -> dict[str, float | None]:
    eight = [x.ratio for x in loads.levels if x.kind == "sheets" and x.load.clients == 8]
    idle, busy = loads.idle_p99_ms, loads.busy_p99_ms
    return {
        "sheets_of_8_clients_of_bare": eight[0] if eight else None,
        "previews_batched_over_one_at_a_time": loads.batching,
        "preview_p99_idle_ms": idle,
        "preview_p99_during_batch_of_10000_ms": busy,
        "during_batch_over_idle": busy / idle if busy and idle else None,
        "characters_of_the_batch_meanwhile": loads.batch_characters,
    }


def _words(facts: dict[str, float | None]) -> list[tuple[str, str]]:
    """For people; what was not measured is left out."""
    return [
        (name.replace("_", " "), str(value) if isinstance(value, int) else f"{value:.3g}")
        for name, value in facts.items()
        if value is not None
    ]


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


def check_files(out: Path | None, plot: Path | None) -> None:
    """Before minutes are spent on it. Raises ConfigError, OutputError for what could not be written."""
    for option, path in (("--out", out), ("--plot", plot)):
        if path is not None and path.is_dir():
            raise OutputError(f"{option} {path} is a folder", hint="give a file")
    if plot is None:
        return
    if plot.suffix.lower() != ".png":
        raise BadRequest(f"--plot {plot}: the picture is a PNG", hint=f"--plot {plot.with_suffix('.png')}")
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
    memory.set(title="What the server holds", xlabel="seconds", ylabel="resident MB")
    others.set(ylabel="threads, descriptors")
    for axes in (memory, others):
        axes.set_ylim(0, 1.1 * axes.get_ylim()[1])
    figure.legend(loc="outside lower center", ncols=3)
    return _png(figure)


def _png(figure: Any) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    return data.getvalue()


def _write(path: Path, data: bytes) -> None:
    from vcg_bridge.sprites.writer import write_files

    write_files(path.parent, {path.name: data})
