"""One picture of a pack's colours: which were found to be ramps of which material, which have slots of their own."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from training.packs.check import rgb_image
from training.packs.generic import Reading
from training.packs.neutral import Colour, Pack, PackLayer

Image = NDArray[np.uint8]

_SWATCH, _LINE, _LEFT, _WIDTH = 16, 20, 250, 900  # pixels
_INK, _PAPER, _GROUND = (30, 30, 30), (255, 255, 255), (200, 200, 204)
_RAMPS = 24  # of one material, shown
_COMPARED = 8  # frames beside their reduced colours


def palette_picture(pack: Pack, reading: Reading) -> bytes:
    """PNG: a line per ramp of every layer's materials, and its fixed colours; reduced art beside the original."""
    rows: list[Image] = []
    for layer in pack.layers:
        rows += _layer_rows(pack, layer)
    if reading.original:
        rows += _comparison(reading)
    done, png = cv2.imencode(".png", np.concatenate(rows, 0)[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert done
    return png.tobytes()


def _layer_rows(pack: Pack, layer: PackLayer) -> list[Image]:
    mine = [i for i in pack.items if i.layer == layer.id]
    slots = sum(m.shades for m in layer.materials) + layer.fixed
    rows = [_row(f"{layer.title}: {len(mine)} items, {slots} slots", (), bold=True)]
    for m in layer.materials:
        ramps = [r for r in pack.ramps if r.kind == m.kind]
        for r in ramps[:_RAMPS]:
            wearers = sum(i.ramps.get(m.group) == r.id for i in mine)
            rows.append(_row(f"{m.group}: {r.id} ({wearers} items)", r.colours))
        if len(ramps) > _RAMPS:
            rows.append(_row(f"{m.group}: {len(ramps) - _RAMPS} more ramps", ()))
    for slot in range(layer.fixed):
        colours = dict.fromkeys(i.fixed[slot] for i in mine if slot < len(i.fixed))
        rows.append(_row(f"fixed {slot + 1}", tuple(colours)))
    return rows


def _row(text: str, colours: Sequence[Colour], bold: bool = False) -> Image:
    row = np.full((_LINE, _WIDTH, 3), _PAPER, np.uint8)
    words = text.encode("ascii", "replace").decode()[: 60 if bold else 36]
    cv2.putText(row, words, (6, 14), cv2.FONT_HERSHEY_PLAIN, 0.9, _INK, 2 if bold else 1, cv2.LINE_AA)
    for n, colour in enumerate(colours[: (_WIDTH - _LEFT) // _SWATCH]):
        x = _LEFT + n * _SWATCH
        row[2 : 2 + _SWATCH, x : x + _SWATCH] = colour
    return row


def _comparison(reading: Reading) -> list[Image]:
    """Frames as drawn, above the same with fewer colours: those that changed most."""
    changed = []
    for before, after in zip(reading.original, reading.drawn, strict=True):
        for animation, codes in before.sheets.get("front", {}).items():
            other = after.art.sheets["front"][animation]
            d, f = np.unravel_index(int((codes != other).sum((2, 3)).argmax()), codes.shape[:2])
            changed.append((int((codes[d, f] != other[d, f]).sum()), len(changed), codes[d, f], other[d, f]))
    changed.sort(key=lambda x: (-x[0], x[1]))
    rows = [_row("The art, and below it with fewer colours (the frames that changed most)", (), bold=True)]
    for which in (2, 3):
        frames = [rgb_image(c[which], _GROUND) for c in changed[:_COMPARED]]
        times = max(1, min(4, _WIDTH // (len(frames) * frames[0].shape[1])))
        strip = np.concatenate(frames, 1).repeat(times, 0).repeat(times, 1)[:, :_WIDTH]
        rows.append(np.pad(strip, ((2, 2), (0, _WIDTH - strip.shape[1]), (0, 0)), constant_values=255))
    return rows
