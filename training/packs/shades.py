"""Which colours of a layer are shades of one material? Found by clustering, for art that comes without named ramps.

Two colours belong together when they touch in the art, differ in lightness and keep their hue about. Of all such pairs the
nearest are linked first, each colour to at most one lighter and one darker: so every cluster is a chain from light to
dark. How many clusters there are follows from the art; a colour that nothing can be linked to stays alone.
Lightness, chroma and hue are those of OKLab (Ottosson, "A perceptual color space for image processing", 2020).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.packs.sheets import CLEAR, Codes
from training.packs.slots import rgb_planes

STEP_LEAST, STEP_MOST = 0.012, 0.36
"""Difference of OKLab lightness between neighbouring shades of a ramp."""

HUE_SLACK, HUE_PER_STEP = 0.025, 0.2
"""Accepted difference of chroma and hue of two shades: a little, and more the further apart they are (shadows shift in hue)."""

TOUCH_LEAST = 0.02
"""Shades of a material touch: at least in this share of the pixels of the rarer one."""

OUTLINE_LIGHTNESS = 0.33
"""A colour darker than this that touches most others is an outline, and no material's shade."""

Chain = tuple[int, ...]
"""0xRRGGBB of the shades of one material, light to dark."""


@dataclass(frozen=True)
class Usage:
    """The colours of one item: how often each is used, and how often two of them are neighbours."""

    pixels: Mapping[int, int]
    touches: Mapping[tuple[int, int], int]  # (smaller, larger colour code) -> pairs of 4-neighbours


def usage(sheets: Iterable[Codes]) -> Usage:
    """Count the colours of an item's frames, each [..., h, w]."""
    pixels: Counter[int] = Counter()
    touches: Counter[tuple[int, int]] = Counter()
    for codes in sheets:
        values, counts = np.unique(codes[codes != CLEAR], return_counts=True)
        pixels.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        for a, b in ((codes[..., 1:, :], codes[..., :-1, :]), (codes[..., :, 1:], codes[..., :, :-1])):
            edge = (a != b) & (a != CLEAR) & (b != CLEAR)
            low, high = np.minimum(a[edge], b[edge]).astype(np.int64), np.maximum(a[edge], b[edge]).astype(np.int64)
            pairs, counts = np.unique(low << 24 | high, return_counts=True)
            for pair, n in zip(pairs.tolist(), counts.tolist(), strict=True):
                touches[pair >> 24, pair & 0xFFFFFF] += n
    return Usage(pixels, touches)


def oklab(colours: Sequence[int] | NDArray[np.int32]) -> NDArray[np.float64]:
    """[n] of 0xRRGGBB -> [n, 3]: lightness 0..1, a, b."""
    value = np.stack(rgb_planes(np.asarray(colours, np.int32).reshape(-1)), -1) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    cones = np.cbrt(linear @ _TO_CONES.T)
    result: NDArray[np.float64] = cones @ _TO_LAB.T
    return result


_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def find_chains(items: Sequence[Usage]) -> tuple[tuple[Chain, ...], tuple[int, ...]]:
    """(chains of two and more shades, colours that stay alone), most used first. Every colour is in exactly one of them."""
    pixels: Counter[int] = Counter()
    touches: Counter[tuple[int, int]] = Counter()
    outlines: Counter[int] = Counter()
    for item in items:
        pixels.update(item.pixels)
        touches.update(item.touches)
        outlines.update(_outlines(item))
    lab = dict(zip(pixels, oklab(list(pixels)), strict=True)) if pixels else {}
    candidates = []
    for (a, b), n in touches.items():
        if n < max(2, TOUCH_LEAST * min(pixels[a], pixels[b])) or a in outlines or b in outlines:
            continue
        light, dark = (a, b) if lab[a][0] > lab[b][0] else (b, a)
        apart = _apart(lab[light], lab[dark])
        if apart is not None:
            candidates.append((apart, -n, light, dark))
    darker: dict[int, int] = {}
    lighter: dict[int, int] = {}
    for _, _, light, dark in sorted(candidates):
        if light not in darker and dark not in lighter:
            darker[light], lighter[dark] = dark, light
    chains, alone = [], []
    for colour in pixels:
        if colour in lighter:
            continue
        if colour not in darker:
            alone.append(colour)
            continue
        chain = [colour]
        while chain[-1] in darker:
            chain.append(darker[chain[-1]])
        chains.append(tuple(chain))
    chains.sort(key=lambda chain: (-sum(pixels[c] for c in chain), chain))
    return tuple(chains), tuple(sorted(alone, key=lambda c: (-pixels[c], c)))


def _apart(light: NDArray[np.float64], dark: NDArray[np.float64]) -> float | None:
    """How far two colours are apart as neighbouring shades; None where they are none."""
    step = float(light[0] - dark[0])
    chromas = np.hypot(light[1], light[2]), np.hypot(dark[1], dark[2])
    chroma = float(chromas[0] - chromas[1])
    across = float(np.hypot(light[1] - dark[1], light[2] - dark[2]))
    hue = float(np.sqrt(max(across**2 - chroma**2, 0)))  # 2 sqrt(C1 C2) sin(dh / 2)
    if not STEP_LEAST <= step <= STEP_MOST or np.hypot(hue, 0.5 * chroma) > HUE_SLACK + HUE_PER_STEP * step:
        return None
    return float(np.sqrt(step**2 + (3 * hue) ** 2 + chroma**2))


def _outlines(item: Usage) -> list[int]:
    """Dark colours that touch three others and more than half of the item's: a shade touches its neighbours only."""
    beside: Counter[int] = Counter()
    for (a, b), n in item.touches.items():
        if n >= max(2, TOUCH_LEAST * min(item.pixels[a], item.pixels[b])):
            beside.update((a, b))
    most = max(2, (len(item.pixels) - 1) // 2)
    dark = [c for c in item.pixels if beside[c] > most]
    return [c for c, (lightness, _, _) in zip(dark, oklab(dark), strict=True) if lightness < OUTLINE_LIGHTNESS]


_HUES = ((0.0, "pink"), (0.30, "red"), (0.85, "orange"), (1.45, "yellow"), (2.1, "green"), (2.95, "teal"),
         (3.75, "blue"), (4.85, "purple"), (5.75, "pink"))  # fmt: skip


def colour_name(colours: Sequence[int]) -> str:
    """A plain word for a ramp, from its middle shade: "dark-green", "gray"."""
    lab = oklab(colours)
    lightness, a, b = lab[len(lab) // 2]
    chroma, hue = float(np.hypot(a, b)), float(np.arctan2(b, a) % (2 * np.pi))
    if chroma < 0.028:
        return (
            "black" if lightness < 0.28 else "dark-gray" if lightness < 0.5 else "gray" if lightness < 0.87 else "white"
        )
    word = next(name for start, name in reversed(_HUES) if hue >= start)
    if word == "orange" and (lightness < 0.55 or chroma < 0.09):
        word = "brown" if lightness < 0.68 else "tan"
        return word if lightness >= 0.38 else f"dark-{word}"
    return f"dark-{word}" if lightness < 0.42 else f"light-{word}" if lightness > 0.85 else word
