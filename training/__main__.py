"""`python -m training`: prepare an art pack, train a generator on it, export a bundle."""

from __future__ import annotations

import typer

from training.packs.command import prepare

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
app.command()(prepare)


@app.callback()
def _group() -> None:
    """Keeps `prepare` a subcommand."""


if __name__ == "__main__":
    app()
