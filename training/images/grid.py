"""Many small pictures on one."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

GAP = 1  # pixels between pictures
SIDE = 640  # pixels, about, that a grid is enlarged to


def grid(pictures: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """RGB [n, height, width, 3], row by row -> RGB [H, W, 3], enlarged by a whole factor where the pictures are small."""
    n, height, width, _ = pictures.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), 128, np.uint8)
    for i, picture in enumerate(pictures):
        top, left = (x * (s + GAP) + GAP for x, s in ((i // columns, height), (i % columns, width)))
        sheet[top : top + height, left : left + width] = picture
    scale = max(1, SIDE // max(sheet.shape[:2]))
    return np.ascontiguousarray(cv2.resize(sheet, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST), np.uint8)
