"""Drawings as small pictures for the page: PNG in data URIs, enlarged by the browser."""

from __future__ import annotations

import base64

import cv2
import numpy as np
from numpy.typing import NDArray

from training.evaluation.render import Palettes

SCALE = 3
"""Screen pixels per sprite pixel."""

Planes = NDArray[np.uint8]


def picture(planes: list[Planes], colours: NDArray[np.uint8], alt: str) -> str:
    """An <img> of drawings uint8 [h, w] side by side, one pixel apart, in the colours uint8 [classes, 4] of one item."""
    strip = np.concatenate([np.pad(x, 1) for x in planes], 1)
    return image(colours[strip], alt)


def image(rgba: NDArray[np.uint8], alt: str) -> str:
    """An <img> of uint8 [h, w, 4] RGBA, enlarged SCALE times."""
    done, png = cv2.imencode(".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert done
    data = base64.b64encode(png.tobytes()).decode()
    h, w = rgba.shape[:2]
    return f'<img src="data:image/png;base64,{data}" width="{w * SCALE}" height="{h * SCALE}" alt="{alt}">'


def colours_of(table: Palettes, row: int) -> NDArray[np.uint8]:
    """uint8 [classes, 4] of one item, transparent where nothing is drawn."""
    found: NDArray[np.uint8] = table[row]
    return found


def histogram(values: NDArray[np.float64], title: str, unit: str, bins: int = 40) -> str:
    """An inline SVG of how often which value occurs; exact zeros in a bar of their own, the topmost per cent in the last."""
    top = float(np.quantile(values, 0.99)) if len(values) else 0.0
    zero, rest = int((values == 0).sum()), np.minimum(values[values > 0], max(top, 1e-9))
    counts, edges = np.histogram(rest, bins, (0.0, max(top, 1e-9)))
    heights = [zero, *counts.tolist()]
    width, height, left, base = 720, 220, 46, 180
    step = (width - left - 10) / len(heights)
    most = max(*heights, 1)
    bars = []
    for k, count in enumerate(heights):
        h = count / most * (base - 20)
        x = left + k * step
        label = "exact copies" if k == 0 else f"{edges[k - 1]:.1%} to {edges[k]:.1%}"
        bars.append(
            f'<rect class="{"zero" if k == 0 else "bar"}" x="{x:.1f}" y="{base - h:.1f}" width="{step - 1.5:.1f}" height="{h:.1f}">'
            f"<title>{label}: {count}</title></rect>"
        )
    marks = [
        f'<text x="{left + step * (1 + bins * share):.1f}" y="{base + 16}" text-anchor="middle">{top * share:.0%}</text>'
        for share in (0.25, 0.5, 0.75, 1.0)
    ]
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{title}">'
        f'<line x1="{left}" x2="{width - 10}" y1="{base}" y2="{base}"/>'
        f'<text x="{left - 6}" y="24" text-anchor="end">{most}</text><text x="{left - 6}" y="{base}" text-anchor="end">0</text>'
        f'<text x="{left + step / 2:.1f}" y="{base + 16}" text-anchor="middle">0</text>'
        f'{"".join(bars)}{"".join(marks)}<text x="{width / 2}" y="{height - 4}" text-anchor="middle">{unit}</text></svg>'
    )
