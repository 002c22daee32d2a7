"""The one training loop. Whatever is trained (a layer's generator, an image GAN) is a `Trainable`; the loop brings checkpoints, logs,
pictures, warnings and interruption."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Scalars = Mapping[str, float]
"""Figures of one step by name; a name is there only when it was measured in this step.

loss            what the generator minimised, all terms
error           share of wrong pixels where a drawing supervises, relative to the foreground
g/adversarial   adversarial term of the generator, unweighted
d/loss          loss of the discriminator without penalties
d/penalty       weighted gradient penalties
d/real, d/fake  share of real pictures that D takes for real, of drawn ones that it takes for drawn (its accuracy on each)
grad/g, grad/d  gradient norms before clipping
"""


class Trainable(Protocol):
    """State and one step of a training. `step` depends only on the state and the number of the step, never on the clock."""

    at: int  # steps done
    steps: int  # steps in all
    images_per_step: int

    def step(self) -> Scalars:
        """Do one step."""
        ...

    def save(self, path: Path) -> None:
        """Write the whole state, replacing the file in one step."""
        ...

    def load(self, path: Path) -> None:
        """Take the state of a checkpoint: further steps are the ones of the unbroken run."""
        ...

    def samples(self) -> NDArray[np.uint8]:
        """A picture of what it draws now, RGB [H, W, 3]."""
        ...

    def figures(self) -> Mapping[str, float]:
        """Evaluation figures by name; may take seconds."""
        ...
