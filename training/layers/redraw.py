"""One drawing of a new item, in any pose: its style code, and the item in every other pose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from training.errors import TrainingError
from training.layers.data import GroupData
from training.layers.encoder import encode, search
from training.layers.exactness import Draw
from training.layers.networks import Encoder, LayerGenerator
from training.packs.neutral import Group, Pack
from vcg_bridge.contract.errors import near
from vcg_bridge.contract.manifest import CODE_SCALE


@dataclass(frozen=True)
class Given:
    """A drawing as the networks read it."""

    view: int
    plane: NDArray[np.uint8]  # [h, w] classes, in the view's window, unmirrored
    ramps: dict[str, str]  # colour group -> ramp that its colours are of
    snapped: int  # pixels whose colour was in none of the layer's colours and got the nearest
    outside: int  # opaque pixels beyond the window, which are lost


@dataclass(frozen=True)
class Redrawn:
    """What was found."""

    code: tuple[int, ...]  # int8 [z_dim], as recipes carry it
    exact: float  # share of the given drawings' opaque pixels that the code redraws in the right slot
    nearest: str  # item whose drawings are most like the given ones
    distance: float  # share of pixels in which it differs from them


def read_drawing(pack: Pack, layer_id: str, file: Path, pose: str) -> Given:
    """Read a PNG of one frame of a layer, in the colours of any ramp the layer takes.

    `pose` is ANIMATION/DIRECTION/FRAME, for example walk/down/0. Raises TrainingError naming what does not fit.
    """
    layers = {x.id: x for x in pack.layers}
    if layer_id not in layers:
        raise TrainingError(f"the pack has no layer {layer_id!r}", hint=near(layer_id, layers) or ", ".join(layers))
    layer = layers[layer_id]
    group = next(g for g in pack.groups if (layer_id, "front") in g.members)
    view, x, y, flip = _entry(pack, layer_id, pose)
    size = layer.frame_size
    try:
        with Image.open(file) as image:
            rgba = np.asarray(image.convert("RGBA"))
    except (OSError, UnidentifiedImageError, ValueError) as error:
        raise TrainingError(f"cannot read {file}: {error}", hint="give a PNG of one frame") from None
    if rgba.shape[:2] != (size, size):
        raise TrainingError(
            f"{file} is {rgba.shape[1]}x{rgba.shape[0]} pixels, a frame of {layer_id} is {size}x{size}",
            hint="cut one frame out of the sheet",
        )
    opaque = rgba[..., 3] >= 128
    if not opaque.any():
        raise TrainingError(f"{file}: nothing is drawn in it", hint="give a frame that shows the item")
    plane, ramps, snapped = _classes(pack, layer_id, rgba[..., :3].astype(np.int64), opaque)
    reach = max(group.height, group.width)
    padded = np.pad(plane, reach)
    window = padded[y + reach : y + reach + group.height, x + reach : x + reach + group.width]
    outside = int((plane > 0).sum() - (window > 0).sum())
    return Given(view, np.ascontiguousarray(window[:, ::-1] if flip else window), ramps, snapped, outside)


def _entry(pack: Pack, layer_id: str, pose: str) -> tuple[int, int, int, bool]:
    table = pack.poses[f"{layer_id}/front"]
    animation, _, rest = pose.partition("/")
    direction, _, frame = rest.partition("/")
    known = {a.id: a for a in pack.animations}
    hint = (
        "a pose is ANIMATION/DIRECTION/FRAME, for example "
        + f"{pack.animations[0].id}/{pack.animations[0].directions[0]}/0"
    )
    if animation not in known or animation not in table:
        raise TrainingError(f"pose {pose!r}: there is no animation {animation!r}", hint=near(animation, known) or hint)
    found = known[animation]
    if direction not in found.directions:
        raise TrainingError(
            f"pose {pose!r}: {animation} has no direction {direction!r}", hint=", ".join(found.directions)
        )
    if not frame.isdecimal() or int(frame) >= found.frames:
        raise TrainingError(f"pose {pose!r}: {animation} has frames 0 to {found.frames - 1}", hint=hint)
    view, x, y, flip = (int(n) for n in table[animation][found.directions.index(direction), int(frame)])
    if view < 0:
        raise TrainingError(f"{layer_id} shows nothing in {pose}", hint="give a drawing of another pose")
    return view, x, y, bool(flip)


def _classes(
    pack: Pack, layer_id: str, colours: NDArray[np.int64], opaque: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], dict[str, str], int]:
    """(classes [h, w], ramps by colour group, pixels snapped) of an RGB picture."""
    layer = pack.layer(layer_id)
    pixels = colours[opaque]  # [n, 3]
    palette: list[tuple[tuple[int, int, int], int]] = []
    ramps: dict[str, str] = {}
    base = 1
    for m in layer.materials:
        candidates = [r for r in pack.ramps if r.kind == m.kind]

        def hits(ramp_colours: tuple[tuple[int, int, int], ...]) -> int:
            return int((pixels[:, None] == np.array(ramp_colours)[None]).all(2).any(1).sum())

        best = max(candidates, key=lambda r: hits(r.colours))
        ramps[m.group] = best.id
        palette += [(colour, base + i) for i, colour in enumerate(best.colours[: m.shades])]
        base += m.shades
    fixed = max((i.fixed for i in pack.items if i.layer == layer_id), key=len, default=())
    palette += [(colour, base + i) for i, colour in enumerate(fixed)]
    table = np.array([colour for colour, _ in palette])
    away = ((pixels[:, None] - table[None]) ** 2).sum(2)
    plane = np.zeros(opaque.shape, np.uint8)
    plane[opaque] = np.array([c for _, c in palette], np.uint8)[away.argmin(1)]
    return plane, ramps, int((away.min(1) > 0).sum())


def redraw(
    data: GroupData, generator: LayerGenerator, encoder: Encoder, layer_id: str, given: list[Given], refine: bool = True
) -> Redrawn:
    """The style code of the item that `given` shows. `refine`: search from the encoder's answer for the best near it."""
    planes = torch.from_numpy(np.stack([x.plane for x in given]))
    views = torch.tensor([x.view for x in given])
    code = encode(encoder, planes, views, data.classes)
    if refine:
        code = search(generator, code, planes, views)
    stored = (code * CODE_SCALE).round().clamp(-127, 127)
    with torch.no_grad():
        drawn = generator((stored / CODE_SCALE).expand(len(views), -1), views).argmax(1)
    opaque = planes > 0
    rows = [i for i, (layer, _) in enumerate(data.items) if layer == layer_id]
    away = {i: float((data.planes[i, views] != planes).sum() / max(int(opaque.sum()), 1)) for i in rows}
    nearest = min(away, key=lambda i: away[i])
    return Redrawn(
        code=tuple(int(x) for x in stored.tolist()),
        exact=float((opaque & (drawn == planes)).sum() / max(int(opaque.sum()), 1)),
        nearest=data.items[nearest][1],
        distance=away[nearest],
    )


def sheet(
    pack: Pack, group: Group, layer_id: str, code: Tensor, palette: NDArray[np.uint8], draw: Draw
) -> NDArray[np.uint8]:
    """RGBA [H, W, 4]: the layer in every pose it has, a row for each animation and direction. `palette` uint8 [classes, 3] RGB."""
    size = pack.layer(layer_id).frame_size
    planes = draw(code.expand(group.views, -1), torch.arange(group.views))
    rows = []
    most = max(a.frames for a in pack.animations)
    for animation in pack.animations:
        table = pack.poses[f"{layer_id}/front"].get(animation.id)
        for d in range(len(animation.directions)) if table is not None and (table[..., 0] >= 0).any() else ():
            row = np.zeros((size, most * size, 4), np.uint8)
            for f in range(animation.frames):
                view, x, y, flip = (int(n) for n in table[d, f])
                if view < 0:
                    continue
                window = planes[view][:, ::-1] if flip else planes[view]
                frame = row[:, f * size : (f + 1) * size]
                y0, x0, y1, x1 = max(y, 0), max(x, 0), min(y + group.height, size), min(x + group.width, size)
                cut = window[y0 - y : y1 - y, x0 - x : x1 - x]
                spot = frame[y0:y1, x0:x1]
                spot[cut > 0, :3] = palette[cut[cut > 0]]
                spot[cut > 0, 3] = 255
            rows.append(row)
    return np.concatenate(rows)
