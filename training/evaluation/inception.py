"""FID, for a user who has the Inception network's weights at hand: `--inception FILE`. Without them the figure does not exist.

The file is the one of torch-fidelity's releases (`weights-inception-2015-12-05-6726825d.pth`); nothing is fetched. What the network says of small pixel
sprites is worth little (it was trained on photographs, and each drawing is enlarged six times): it is here to be comparable with numbers that others give.
"""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.errors import TrainingError
from training.evaluation.distances import frechet
from training.evaluation.inception_network import InceptionNetwork
from training.evaluation.render import palettes, render
from training.evaluation.sets import Set
from training.evaluation.subject import Subject
from training.packs.neutral import Pack

STANDARD = "6726825d"
"""First digits of the sha256 of the weights that published FIDs use."""

PAPER = 255
"""Sprites lie on white."""


@dataclass(frozen=True, eq=False)
class Inception:
    """The Inception network with a user's weights."""

    network: InceptionNetwork
    sha256: str

    @property
    def standard(self) -> bool:
        """Whether these are the weights of published figures."""
        return self.sha256.startswith(STANDARD)

    def distance(self, pack: Pack, subject: Subject, real: Set, fake: Set) -> dict[str, Any]:
        """Frechet distance of Inception features. Called FID only with the standard weights."""
        value = frechet(*(self._features(pack, subject, x) for x in (real, fake)))
        name = "fid" if self.standard else "Frechet distance with weights of one's own"
        return {name: value, "n_real": sum(map(len, real.values())), "n": sum(map(len, fake.values()))}

    def _features(self, pack: Pack, subject: Subject, drawn: Set, batch: int = 32) -> NDArray[np.float32]:
        found = []
        for name, x in drawn.items():
            colours = palettes(pack, subject.groups[name].data)
            for start in range(0, len(x), batch):
                part = slice(start, start + batch)
                picture = render(colours, x.planes[part], x.item[part]).astype(np.int64)
                rgb = (picture[..., :3] + PAPER - picture[..., 3:]).clip(0, 255)  # alpha is premultiplied
                with torch.no_grad():
                    pixels = torch.from_numpy(rgb.astype(np.uint8)).permute(0, 3, 1, 2)
                    found.append(self.network(pixels).numpy())
        return np.concatenate(found)


def load_inception(path: Path) -> Inception:
    """Open a weights file. Raises TrainingError when it is not torch-fidelity's."""
    network = InceptionNetwork()
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        network.take(torch.load(path, weights_only=True, map_location="cpu"))
    except (OSError, RuntimeError, AttributeError, pickle.UnpicklingError, EOFError) as error:
        # what torch says of a pickle it refuses is how to read it without the guard: not here
        why = "it holds other things" if isinstance(error, pickle.UnpicklingError) else str(error).splitlines()[0]
        raise TrainingError(
            f"{path} is not a file of Inception weights: {why}",
            hint="it is the .pth file of torch-fidelity's releases on GitHub",
        ) from None
    network.eval().requires_grad_(False)
    return Inception(network, digest)
