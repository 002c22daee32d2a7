"""TensorBoard: curves of every figure, the sample pictures, the warnings as text. `tensorboard --logdir RUNS` shows them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.watch import Finding

TAGS = {
    "loss": "loss/generator",
    "error": "error/wrong_pixels",
    "g/adversarial": "loss/adversarial",
    "d/loss": "loss/discriminator",
    "d/penalty": "penalty/discriminator",
    "d/real": "accuracy/real",
    "d/fake": "accuracy/fake",
    "grad/g": "gradient/generator",
    "grad/d": "gradient/discriminator",
    "diversity": "diversity/of_real",
}
"""Where a figure of `training.loop.Scalars` is shown; any other keeps its name."""


class Board:
    """Event files of one training. The axis is the number of steps."""

    def __init__(self, folder: Path, at: int) -> None:
        """Go on at step `at`: points after it, which a killed process wrote, are purged, or the curves would zigzag."""
        from torch.utils.tensorboard import SummaryWriter  # takes seconds to import, and only training needs it

        self._writer = SummaryWriter(str(folder), purge_step=at + 1 if at or folder.is_dir() else None)

    def scalars(self, line: Mapping[str, float], images_per_s: float) -> None:
        """Add a line of the log and the speed."""
        step = int(line["step"])
        for name, value in line.items():
            if name != "step":
                self._writer.add_scalar(TAGS.get(name, name), value, step)
        self._writer.add_scalar("speed/images_per_s", images_per_s, step)

    def picture(self, step: int, picture: NDArray[np.uint8]) -> None:
        """Add a sample picture, RGB [H, W, 3]."""
        self._writer.add_image("samples", picture, step, dataformats="HWC")

    def finding(self, step: int, finding: Finding) -> None:
        """Add a warning with what to try."""
        self._writer.add_text(f"warnings/{finding.cause}", f"{finding.what} {finding.advice}", step)

    def flush(self) -> None:
        """Bring what was added to the disk."""
        self._writer.flush()

    def close(self) -> None:
        """Close the files."""
        self._writer.close()
