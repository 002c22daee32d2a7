"""`vcg batch`: many characters from a file with one request a line. Resumes where it was stopped."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vcg_bridge.cli import options as o
from vcg_bridge.cli import report, wishes
from vcg_bridge.cli.generate import check_folder, file_name
from vcg_bridge.cli.wishes import Wish
from vcg_bridge.contract.errors import BadRequest, OutputError, VcgError
from vcg_bridge.contract.messages import Design

if TYPE_CHECKING:
    from vcg_bridge.cli.connect import Connection
    from vcg_bridge.cli.encoders import Encoders
    from vcg_bridge.cli.journal import Entry, Journal
    from vcg_bridge.client import Generated, Job
    from vcg_bridge.contract.manifest import Manifest
    from vcg_bridge.sprites.writer import WriteOptions

AHEAD = 8
"""Jobs given to the server at once, at least: it never waits for us, and we never wait for one slow character."""

MOST_WRITERS = 16
"""Characters that are encoded and written at once, at most: more than one process can receive."""

ENCODERS_FROM = 16
"""Characters from which processes pay that encode them: one takes half a second to start."""

PAGE = 400
"""Characters on one page of the contact sheet."""

SUMMARY_NAME = "summary.json"


def batch(
    requests: Annotated[
        Path,
        typer.Argument(
            metavar="REQUESTS.jsonl", help='A request a line: {"archetype": "guard", "seed": 7, "name": "Bob"}'
        ),
    ],
    *,
    archetype: Annotated[
        str, typer.Option("--archetype", "-a", help="For lines that name none.", rich_help_panel=o.WHAT)
    ] = "",
    novelty: Annotated[
        float | None, typer.Option("--novelty", help="For lines that name none, 0 to 1.", rich_help_panel=o.WHAT)
    ] = None,
    animations: o.Animations = "",
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for everything; made if missing.", rich_help_panel=o.SHEET)
    ],
    flat: Annotated[
        bool,
        typer.Option(
            "--flat", help="All files in one folder, instead of a folder for each character.", rich_help_panel=o.SHEET
        ),
    ] = False,
    layout: o.LayoutOption = o.Layout.rows,
    scale: o.Scale = 1,
    outline: o.Outline = "",
    shadow: o.Shadow = 0,
    normal_map: o.NormalMap = False,
    padding: o.Padding = 1,
    extrude: o.Extrude = 0,
    gifs: o.Gifs = False,
    server: o.Server = "",
    keep_server: o.KeepServer = False,
    bundle: o.BundleOption = "",
    device: o.DeviceOption = None,
    ray: o.RayOption = "",
    token_file: o.TokenFile = None,
    server_key: o.ServerKey = "",
    client_key: o.ClientKey = None,
    certificate: o.Certificate = None,
) -> None:
    """Make thousands of characters. Stopped or killed, the same command goes on where it was; a bad line stops nothing."""
    sheet = o.write_options(
        layout=layout, scale=scale, outline=outline, shadow=shadow, normal_map=normal_map,
        padding=padding, extrude=extrude, gifs=gifs,
    )  # fmt: skip
    names = wishes.split_names(animations, "--animations")
    defaults = Wish(design=Design(archetype=archetype, novelty=wishes.percent(novelty)), animations=names)
    lines = _read_lines(requests)
    check_folder(out)

    from vcg_bridge.cli.connect import Place, connected
    from vcg_bridge.cli.journal import Journal

    begin = time.monotonic()
    with (
        Journal(out) as journal,
        connected(
            Place(server, keep_server, bundle, device, token_file, server_key, client_key, certificate, ray)
        ) as connection,
    ):
        plan = _plan(lines, defaults, connection.manifest, requests.parent, sheet, flat=flat)
        run = _Run(connection, journal, out, sheet, plan, flat=flat)
        try:
            run.make_all()
        except KeyboardInterrupt:
            report.show_warning(
                f"stopped after {len(run.made)} of {len(plan.tasks)}; the same command goes on from here"
            )
            raise
        entries = [journal.done[task.key] for task in plan.tasks if task.key in journal.done]
        pictures = _contact(entries, out)
    failed = sorted(plan.failed + run.failed, key=lambda f: f.line)
    _finish(out, entries, failed, made=len(run.made), pictures=pictures, seconds=time.monotonic() - begin)
    if failed:
        raise typer.Exit(report.EXIT_MISTAKE)


@dataclass(frozen=True)
class _Task:
    """One line that makes sense."""

    line: int  # 1-based
    wish: Wish
    folder: str  # relative to the output folder
    key: str


@dataclass(frozen=True)
class _Failure:
    """One line that does not, or whose character could not be made."""

    line: int
    code: str
    message: str
    hint: str


@dataclass
class _Plan:
    tasks: list[_Task] = field(default_factory=list)
    failed: list[_Failure] = field(default_factory=list)


def _read_lines(path: Path) -> list[tuple[int, str]]:
    """Number and text of every line that is not empty. Raises BadRequest where there is nothing to do."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise BadRequest(
            f"{path}: cannot be read: {error.strerror or error}", hint="give a text file with one JSON object a line"
        ) from None
    lines = [(i, line) for i, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise BadRequest(
            f"{path}: there is no request in it", hint='write one a line: {"archetype": "guard", "seed": 7}'
        )
    return lines


def _plan(
    lines: Sequence[tuple[int, str]],
    defaults: Wish,
    manifest: Manifest,
    folder: Path,
    sheet: WriteOptions,
    *,
    flat: bool,
) -> _Plan:
    """What to make. Names are settled here, so that a resumed run gives the same ones."""
    plan = _Plan()
    owners: dict[str, int] = {}  # name in lower case (some systems know no other) -> line
    context = {"bundle": manifest.sha256, "sheet": asdict(sheet), "flat": flat}
    for number, text in lines:
        try:
            wish = wishes.wish_of_line(text, number, defaults, manifest, folder)
            name = wish.name or _default_name(wish)
            if name.lower() in owners and not wish.name:
                name = f"{name}-line{number}"
            if name.lower() in owners:
                raise BadRequest(
                    f"line {number}: the name {name!r} is taken by line {owners[name.lower()]}",
                    hint="names must differ",
                )
        except VcgError as error:
            message = error.message if error.message.startswith(f"line {number}") else f"line {number}: {error.message}"
            plan.failed.append(_Failure(number, error.code, message, error.hint))
            continue
        owners[name.lower()] = number
        named = replace(wish, name=name)
        plan.tasks.append(_Task(number, named, "" if flat else name, wishes.fingerprint(named, context)))
    return plan


def _default_name(wish: Wish) -> str:
    if wish.recipe is not None:
        return file_name(wish, wish.recipe)
    design = wish.design or Design()
    return f"{design.archetype or 'npc'}-{design.seed}"


class _Run:
    """The work: jobs to the server, characters to files, one journal entry each."""

    def __init__(
        self, connection: Connection, journal: Journal, out: Path, sheet: WriteOptions, plan: _Plan, *, flat: bool
    ) -> None:
        self.connection, self.journal, self.out, self.sheet, self.plan = connection, journal, out, sheet, plan
        self.flat = flat  # all share one CREDITS.txt, which grows in the order of the lines
        self.made: list[Entry] = []
        self.failed: list[_Failure] = []
        self._writing: deque[tuple[_Task, Future[Entry]]] = deque()

    def make_all(self) -> None:
        """Everything that is not in the journal. Raises what ends the whole batch: a lost server, a full disk."""
        from vcg_bridge.cli.encoders import Encoders
        from vcg_bridge.generators.session import usable_cores

        for failure in self.plan.failed:
            _tell(failure)
        left = [task for task in self.plan.tasks if task.key not in self.journal.done]
        self._sweep(left)
        bundle, writers = self.connection.bundle, max(2, min(usable_cores(), MOST_WRITERS))
        processes = writers if len(left) >= ENCODERS_FROM else 0
        with (
            report.progress(counted=True) as bar,
            Encoders(bundle.folder, bundle.manifest, self.sheet, processes) as encoders,
            ThreadPoolExecutor(writers, "vcg-write") as pool,
        ):
            total = len(self.plan.tasks)
            shown = bar.add_task("characters", total=total, completed=total - len(left))
            try:
                for task, job in self._jobs(left):
                    one = self._receive(task, job)
                    if one is not None:
                        before = self._writing[-1][1] if self.flat and self._writing else None
                        self._writing.append((task, pool.submit(self._write, task, one, encoders, before)))
                    self._settle(most=2 * writers)
                    bar.update(shown, completed=total - len(left) + len(self.made) + len(self.failed))
            finally:
                self._settle(most=0)
            bar.update(shown, completed=total - len(left) + len(self.made) + len(self.failed))

    def _sweep(self, left: Sequence[_Task]) -> None:
        from vcg_bridge.cli.journal import sweep

        try:
            for task in left:
                sweep(self.out / task.folder, task.wish.name)
        except OSError as error:
            raise OutputError(f"cannot clean up in {self.out}: {error.strerror or error}") from None

    def _jobs(self, left: Sequence[_Task]) -> Iterator[tuple[_Task, Job]]:
        """The tasks in order, with so many of them given to the server that all who draw for it have something to do."""
        ahead = max(AHEAD, self.connection.client.welcome.limits.jobs // 2)
        waiting: deque[tuple[_Task, Job]] = deque()
        for task in left:
            try:
                waiting.append((task, self._start(task)))
            except VcgError as error:
                self._fail(task, error)
            if len(waiting) >= ahead:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()

    def _start(self, task: _Task) -> Job:
        wish = task.wish
        return self.connection.client.generate(
            model=self.connection.manifest.name,
            recipe=wish.recipe,
            design=wish.design,
            animations=wish.animations,
            preview=False,
            priority="batch",
        )

    def _receive(self, task: _Task, job: Job) -> Generated | None:
        from vcg_bridge.client import Gatherer

        gatherer, complete = Gatherer(), None
        try:
            with job:
                while (picture := job.next()) is not None:
                    complete = gatherer.add(picture) or complete
        except VcgError as error:
            self._fail(task, error)
        return complete

    def _write(self, task: _Task, one: Generated, encoders: Encoders, before: Future[Entry] | None) -> Entry:
        """In a thread of its own. before: must be written, or have failed, first."""
        from vcg_bridge.cli.journal import Entry, thumbnail
        from vcg_bridge.sprites.writer import place_files

        character = one.character()
        files = encoders.files(task.wish.name, character)
        if before is not None:
            wait([before])
        paths = place_files(self.out / task.folder, files, self.connection.manifest, credits=one.credits)
        names = tuple(path.relative_to(self.out).as_posix() for path in paths)
        return Entry(task.key, task.line, task.wish.name, names, thumbnail(character))

    def _settle(self, most: int) -> None:
        """Wait until at most so many characters are being written, and note the finished ones in order."""
        while self._writing and (len(self._writing) > most or self._writing[0][1].done()):
            task, future = self._writing.popleft()
            try:
                entry = future.result()
            except OutputError:
                raise  # the next one would fare no better
            except VcgError as error:
                self._fail(task, error)
                continue
            self.journal.add(entry)
            self.made.append(entry)

    def _fail(self, task: _Task, error: VcgError) -> None:
        if error.code in ENDS_ALL:
            raise error
        failure = _Failure(task.line, error.code, f"line {task.line} ({task.wish.name}): {error.message}", error.hint)
        self.failed.append(failure)
        _tell(failure)


ENDS_ALL = ("no_server", "disconnected", "auth", "version", "shutting_down", "device", "bundle")
"""Errors that are not one line's fault."""


def _tell(failure: _Failure) -> None:
    report.show_warning(f"{failure.message}{f' ({failure.hint})' if failure.hint else ''}")


def _contact(entries: Sequence[Entry], out: Path) -> list[str]:
    """Pictures of all characters, made and resumed: contact.png, or several pages."""
    from vcg_bridge.sprites.contact import crowd_sheet
    from vcg_bridge.sprites.png import png
    from vcg_bridge.sprites.writer import write_files

    pages = [entries[i : i + PAGE] for i in range(0, len(entries), PAGE)]
    files = {}
    for number, page in enumerate(pages, 1):
        picture = crowd_sheet(
            [e.thumbnail for e in page],
            labels=[e.name for e in page],
            columns=min(20, max(4, round((len(page) * 1.6) ** 0.5))),
            scale=2,
        )
        files["contact.png" if len(pages) == 1 else f"contact-{number:03}.png"] = png(picture)
    return [path.name for path in write_files(out, files)] if files else []


def _finish(
    out: Path,
    entries: Sequence[Entry],
    failed: Sequence[_Failure],
    *,
    made: int,
    pictures: Sequence[str],
    seconds: float,
) -> None:
    """summary.json and what the user reads last."""
    from vcg_bridge.cli.journal import summary_rows
    from vcg_bridge.sprites.writer import write_files

    summary = {
        "characters": summary_rows(entries),
        "failed": [asdict(f) for f in failed],
        "made_now": made,
        "made_before": len(entries) - made,
        "seconds": round(seconds, 3),
        "pictures": list(pictures),
    }
    write_files(out, {SUMMARY_NAME: (json.dumps(summary, indent=1, ensure_ascii=False) + "\n").encode("utf-8")})
    each = f", {made / seconds:.3g} a second" if made > seconds else f", {seconds / made:.2g} s each" if made else ""
    rows = [
        ("made", f"{made}  in {seconds:.1f} s{each}"),
        ("already there", len(entries) - made),
        ("failed", len(failed)),
        ("folder", out),
        ("picture", " ".join(str(out / name) for name in pictures[:3]) + (" ..." if len(pictures) > 3 else "")),
        ("summary", out / SUMMARY_NAME),
    ]
    report.table("", ("batch", ""), rows)
