"""Writing pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.files import write_with


def write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write RGB [H, W, 3] or gray [H, W] as PNG, whole or not at all."""
    ok, png = cv2.imencode(".png", picture[:, :, ::-1] if picture.ndim == 3 else picture)
    assert ok
    write_with(path, lambda temporary: temporary.write_bytes(png.tobytes()) and None)
