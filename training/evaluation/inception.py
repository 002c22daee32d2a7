"""FID, for a user who has the Inception network's weights at hand: `--inception FILE`. Without them the figure does not exist.

The network is torch-fidelity's (`pip install torch-fidelity`, which brings torchvision), with the weights file of its releases
(`weights-inception-2015-12-05-6726825d.pth`). Nothing is fetched. What it says of small pixel sprites is worth little (it was trained on photographs, and each drawing is
enlarged six times); it is here to be comparable with numbers that others give.
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
from training.evaluation.render import palettes, render
from training.evaluation.sets import Set
from training.evaluation.subject import Subject
from training.packs.neutral import Pack

STANDARD = "6726825d"
"""First digits of the sha256 of the weights that published FIDs use."""

PAPER = 255


@dataclass(frozen=True, eq=False)
class Inception:
    """The Inception network with a user's weights."""

    network: Any  # RGB uint8 [N, 3, H, W] -> (float32 [N, 2048],)
    sha256: str

    @property
    def standard(self) -> bool:
        """Whether these are the weights of published figures."""
        return self.sha256.startswith(STANDARD)

    def distance(self, pack: Pack, subject: Subject, real: Set, fake: Set) -> dict[str, Any]:
        """Frechet distance on Inception features. Called FID only with the standard weights."""
        value = frechet(*(self._features(pack, subject, x) for x in (real, fake)))
        counts = {"n_real": sum(map(len, real.values())), "n": sum(map(len, fake.values()))}
        return {"fid" if self.standard else "frechet with other weights": value, **counts}

    def _features(self, pack: Pack, subject: Subject, drawn: Set, batch: int = 32) -> NDArray[np.float32]:
        found = []
        for name, x in drawn.items():
            colours = palettes(pack, subject.groups[name].data)
            for start in range(0, len(x), batch):
                part = slice(start, start + batch)
                picture = render(colours, x.planes[part], x.item[part]).astype(np.int64)
                rgb = picture[..., :3] + PAPER - picture[..., 3:]  # premultiplied, on white
                with torch.no_grad():
                    pixels = torch.from_numpy(rgb.clip(0, 255).astype(np.uint8)).permute(0, 3, 1, 2)
                    found.append(self.network(pixels)[0].float().numpy())
        return np.concatenate(found)


def load_inception(path: Path) -> Inception:
    """Open a weights file. Raises TrainingError when torch-fidelity is not installed or the file is not its weights."""
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError:
        raise TrainingError("--inception needs torch-fidelity", hint="pip install torch-fidelity") from None
    try:
        data = path.read_bytes()
        # torch-fidelity unpickles without a guard: let torch's guarded reader accept the same bytes first
        torch.load(path, weights_only=True)
        network = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=str(path))
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        first = str(error).splitlines()[0]
        raise TrainingError(
            f"{path} is not a file of Inception weights: {first}",
            hint="it is the .pth file of torch-fidelity's releases on GitHub",
        ) from None
    return Inception(network, hashlib.sha256(data).hexdigest())
