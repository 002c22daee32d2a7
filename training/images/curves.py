"""The curves of a run as one picture: losses, D's accuracy, diversity."""

from __future__ import annotations

import json
from pathlib import Path

from matplotlib.figure import Figure

from training.files import write_with
from training.logbook import LOG

PANELS = (
    ("losses", ("g/adversarial", "d/loss", "combined", "reconstruction")),
    ("accuracy of D, diversity", ("d/real", "d/fake", "diversity")),
    ("gradient norms", ("grad/g", "grad/d")),
)


def write_curves(folder: Path, path: Path, images_per_step: int) -> None:
    """Draw the log of a run folder to `path`, a PNG; nothing where the log has no line yet."""
    log = folder / LOG
    lines = [json.loads(x) for x in log.read_text(encoding="utf-8").splitlines()] if log.is_file() else []
    if not lines:
        return
    figure = Figure(figsize=(11, 3), dpi=90, layout="constrained")
    for axes, (title, names) in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        for name in names:
            points = [(x["step"] * images_per_step / 1000, x[name]) for x in lines if name in x]
            if points:
                axes.plot(*zip(*points, strict=True), label=name, linewidth=1)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("thousand pictures", fontsize=8)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
    # without the version of matplotlib in it the same log gives the same bytes
    write_with(path, lambda temporary: figure.savefig(temporary, format="png", metadata={"Software": None}))
