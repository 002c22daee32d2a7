"""How the command speaks to people: one clear line for a mistake, a table for a result, progress while it waits."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from vcg_bridge.contract.errors import InternalError, VcgError

EXIT_MISTAKE = 2
"""Exit code for whatever the user can put right."""

EXIT_FAULT = 1
"""Exit code for a fault of VCG Bridge itself."""

_PLAIN_WIDTH = 160  # columns of tables that go to a file or another program

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def show_error(error: BaseException, *, debug: bool) -> int:
    """Print one error the way users see all of them; the traceback only with --debug. Returns the exit code."""
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, VcgError):
        code = EXIT_FAULT if isinstance(error, InternalError) else EXIT_MISTAKE
        _line("error", error.message)
        _line("hint", error.hint)
        return code
    _line("error", f"{type(error).__name__}: {error}")
    if not debug:
        _line("hint", "this is a fault of VCG Bridge; run the same command with --debug for all of it")
    return EXIT_FAULT


def show_usage_error(message: str, command: str) -> int:
    """Print a mistake in the command line itself. Returns the exit code."""
    _line("error", message[:1].lower() + message[1:].rstrip("."))
    _line("hint", f"{command} --help")
    return EXIT_MISTAKE


def show_warning(message: str) -> None:
    """One line on stderr that does not stop anything."""
    _line("warning", message)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A plain table on stdout; the first column stands out."""
    grid = Table(title=title or None, title_justify="left", box=None, padding=(0, 2, 0, 0), show_edge=False)
    for i, name in enumerate(columns):
        grid.add_column(name, style="bold" if i == 0 else "", overflow="fold")
    for row in rows:
        grid.add_row(*(str(cell) for cell in row))
    out.print(grid, markup=False)


def progress(*, counted: bool) -> Progress:
    """A progress display on stderr. Shows nothing where stderr is not a terminal, so logs stay clean."""
    count = (MofNCompleteColumn(), TimeRemainingColumn()) if counted else ()
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        *count,
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Says what the command waits for, on a terminal, for as long as it does."""
    if not err.is_terminal:
        yield
        return
    with err.status(what):
        yield


def _line(label: str, text: str) -> None:
    # One line each, whatever the message holds; never rich markup, since messages quote what users typed.
    if text:
        print(f"{label}: {' '.join(text.split())}", file=sys.stderr)
