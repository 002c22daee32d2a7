"""What a user sees of a training: a bar per part with figures and time left, plain lines where the output is a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from training.loop import Report, Scalars

PLAIN_EVERY_S = 30.0
"""Seconds between a part's lines where the output is a file and no bar can be drawn."""

SHOWN = (
    ("loss", "loss", "{:.3f}"),
    ("error", "wrong", "{:.2%}"),
    ("g/adversarial", "G", "{:.2f}"),
    ("d/loss", "D", "{:.2f}"),
    ("d/real", "real", "{:.0%}"),
    ("d/fake", "fake", "{:.0%}"),
)
"""(figure, its word, how it is written)"""


class Bars:
    """Bars of the parts of a run, by name."""

    def __init__(self, console: Console, parts: Iterable[tuple[str, int]]) -> None:
        """`parts`: (name, steps)."""
        self._console = console
        columns = (
            TextColumn("{task.description:14}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        # a bar starts to count when its part does: time left is of its own speed
        self._bars: dict[str, TaskID] = {
            name: self._progress.add_task(name, total=steps, note="waiting", start=False) for name, steps in parts
        }
        self._started: set[str] = set()
        self._said: dict[str, float] = {}

    def show(self, name: str, report: Report) -> None:
        """Show a report of a part."""
        bar = self._bars[name]
        if name not in self._started:
            self._started.add(name)
            self._progress.start_task(bar)
        for finding in report.findings:
            self._console.print(f"[yellow]{name}:[/] {finding.what}\n  {finding.advice}", highlight=False)
        if report.saved:
            self._progress.update(bar, completed=report.at, note="done" if report.at >= report.steps else "saved")
            self._plain(name, f"step {report.at} of {report.steps}, saved", always=True)
            return
        note = f"{report.images_per_s:5.0f} img/s  {figures(report.scalars)}"
        self._progress.update(bar, completed=report.at, note=note)
        left = (report.steps - report.at) / max(report.steps_per_s, 1e-6)
        self._plain(name, f"step {report.at} of {report.steps}, {note}, {duration(left)} left")

    def say(self, name: str, text: str) -> None:
        """Say something of a part, above the bars."""
        self._console.print(f"{name}: {text}", highlight=False, soft_wrap=True)

    def speakers(self, name: str) -> tuple[Callable[[Report], None], Callable[[str], None]]:
        """`show` and `say` of one part."""
        return lambda report: self.show(name, report), lambda text: self.say(name, text)

    def _plain(self, name: str, text: str, *, always: bool = False) -> None:
        if self._console.is_terminal:
            return
        now = time.monotonic()
        if always or now - self._said.get(name, 0.0) > PLAIN_EVERY_S:
            self._said[name] = now
            self.say(name, text)

    def __enter__(self) -> Bars:
        self._progress.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.__exit__(kind, error, trace)


def figures(scalars: Scalars) -> str:
    """The figures worth a glance, in words."""
    return "  ".join(f"{word} {form.format(scalars[name])}" for name, word, form in SHOWN if name in scalars)


def duration(seconds: float) -> str:
    """1:02:03 or 2:03."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02d}:{s:02d}" if hours else f"{m}:{s:02d}"
