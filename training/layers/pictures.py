"""Pictures of a run: what the art shows, what the network draws, and what lies between items."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from training.layers.sampling import mix
from training.layers.trainer import GroupTrainer
from training.packs.neutral import Pack

BACKGROUND = (150, 150, 150)
WRONG = (255, 0, 255)


def class_colours(pack: Pack, layer_id: str, item_id: str) -> NDArray[np.uint8]:
    """uint8 [classes, 3] RGB: an item's classes in the colours the artist used."""
    layer = pack.layer(layer_id)
    item = next(x for x in pack.items if (x.layer, x.id) == (layer_id, item_id))
    colours: list[tuple[int, int, int]] = [BACKGROUND]
    for material in layer.materials:
        ramp = item.ramps.get(material.group) or next(r.id for r in pack.ramps if r.kind == material.kind)
        colours += list(pack.ramp(material.kind, ramp).colours)[: material.shades]
    colours += list(item.fixed) + [(255, 255, 255)] * (layer.fixed - len(item.fixed))
    return np.array(colours, np.uint8)


def group_picture(
    pack: Pack, trainer: GroupTrainer, columns: int = 10, rows: int = 6, scale: int = 2
) -> NDArray[np.uint8]:
    """uint8 [H, W, 3] RGB. Per item three lines: the art, the drawing, wrong pixels in magenta; below them mixtures of two items."""
    data, network, codes = trainer.data, trainer.ema.eval(), trainer.ema_codes
    views = np.linspace(0, data.views - 1, columns).astype(int)
    chosen = np.linspace(0, len(data.items) - 1, min(rows, len(data.items))).astype(int)
    lines: list[NDArray[np.uint8]] = []

    def draw(code: torch.Tensor, view: int) -> NDArray[np.uint8]:
        with torch.no_grad():
            plane = network(code[None], torch.tensor([view], device=code.device)).argmax(1)[0].to(torch.uint8).cpu()
        drawn: NDArray[np.uint8] = plane.numpy()
        return drawn

    def line(planes: list[NDArray[np.uint8]], colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
        padded = np.concatenate([np.pad(p, 1) for p in planes], 1)
        return colours[np.minimum(padded, len(colours) - 1)]

    for i in chosen:
        colours = class_colours(pack, *data.items[i])
        art = [data.planes[i, v].numpy() for v in views]
        drawn = [draw(codes[i], v) for v in views]
        lines += [line(art, colours), line(drawn, colours)]
        wrong = line(
            [(a != d).astype(np.uint8) for a, d in zip(art, drawn, strict=True)],
            np.array([BACKGROUND, WRONG], np.uint8),
        )
        lines.append(wrong)
    step = max(1, len(data.mixable) // 4)
    for a, b in data.mixable[::step][:4]:
        mixed = mix(codes[a], codes[b], torch.tensor(0.4))
        lines.append(line([draw(mixed, v) for v in views], class_colours(pack, *data.items[a])))
    picture = np.concatenate(lines, 0)
    return np.ascontiguousarray(picture.repeat(scale, 0).repeat(scale, 1))
