"""`python -m training`: prepare an art pack, train a generator on it, evaluate it, export a bundle; and image GANs."""

from __future__ import annotations

import typer

from training.evaluation.command import evaluate_command
from training.images.command import demo, gan
from training.layers.export_command import export
from training.layers.redraw_command import redraw_item
from training.packs.command import prepare
from training.train_command import train

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
app.command()(prepare)
app.command()(train)
app.command()(export)
app.command("redraw")(redraw_item)
app.command("evaluate")(evaluate_command)
app.command()(gan)
app.command()(demo)


if __name__ == "__main__":
    app()
