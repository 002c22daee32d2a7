"""Directions in style space that mean something: found without labels, named by what they measurably do.

The generator's first layer amplifies some directions of the code and ignores others: the eigenvectors of A^T A with large values, where A holds
the weights that read the code (closed-form factorisation, SeFa: Shen and Zhou, "Closed-form factorization of latent semantics in GANs", 2021).
An encoder's codes use few of their numbers (hair: 4 of 32), and any rotation of these is as good a basis. So for each pool two kinds of directions
are tried: the eigenvectors themselves, and, in the space they span, the direction along which drawn samples change a measure fastest (least
squares). One that changes length, fullness, width, shading or texture of nearly all items in the same sense, by a good part of what
the items differ in, becomes a control of that name; the others are left out. No labels are used, only drawings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.layers.data import GroupData
from training.layers.exactness import Draw
from training.layers.novelty import patterns
from training.layers.pictures import BACKGROUND, class_colours
from training.layers.sampling import fit_prior, pools
from training.packs.neutral import Pack
from vcg_bridge.contract.manifest import CODE_SCALE, Control

Planes = NDArray[np.uint8]
Numbers = NDArray[np.float64]

AMPLIFIED = 0.05
"""Eigenvectors whose value is a smaller share of the largest are left aside."""

SAMPLES = 400
"""Samples of a pool's prior from which the change of a measure is estimated."""

STEPS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0)
"""Lengths that are tried, in units of the code."""

EFFECT_MOST = 2.5
"""Beyond that it is no slider but another garment: short sleeves that become long ones are not "wider"."""

AGREE = 0.8
"""Share of items for which a control must do what its name says, from its low to its high end, in the mean over views."""

EFFECT = 0.3
"""Least mean change from the middle to an end, relative to the deviation of the measure over the pool's items."""

STRANGER = 0.1
"""How much above the larger of the art's own leave-one-out share and `USUAL` the share of unknown 3x3 patterns may rise."""

USUAL = 0.1
MOST = 0.5
"""Least share of a pool's items that stay whole at both ends of a control; the others are not among its items."""

FEWEST = 3
"""Least number of items of a control: what two items have in common is how they differ."""

LEFT = 0.33
"""Least share of an item's pixels that is left at both ends: a control changes an item, it does not rub it out."""

VIEWS = 8
"""Views that are looked at: those that most poses show."""

SCALE = 3  # of the strip pictures


@dataclass(frozen=True)
class Meaning:
    """Something a direction may do, and the words for its ends."""

    id: str
    title: str
    low: str
    high: str
    measure: Callable[[Planes, int], Numbers]  # (classes [N, h, w], shades of the first material) -> [N]
    least: float  # a change below this is not seen, whatever the items differ in


def _length(planes: Planes, shades: int) -> Numbers:
    rows = (planes > 0).any(2)
    return np.where(rows.any(1), planes.shape[1] - rows[:, ::-1].argmax(1), 0).astype(np.float64)


def _width(planes: Planes, shades: int) -> Numbers:
    columns = (planes > 0).any(1)
    found = planes.shape[2] - columns[:, ::-1].argmax(1) - columns.argmax(1)
    return np.where(columns.any(1), found, 0).astype(np.float64)


def _fullness(planes: Planes, shades: int) -> Numbers:
    return (planes > 0).sum((1, 2)).astype(np.float64)


def _shading(planes: Planes, shades: int) -> Numbers:
    mine = (planes > 0) & (planes <= shades)
    total: Numbers = np.where(mine, planes, 0).sum((1, 2)) / np.maximum(mine.sum((1, 2)), 1)
    return total


def _texture(planes: Planes, shades: int) -> Numbers:
    both = (planes[:, :, 1:] > 0) & (planes[:, :, :-1] > 0)
    differ = both & (planes[:, :, 1:] != planes[:, :, :-1])
    result: Numbers = differ.sum((1, 2)) / np.maximum(both.sum((1, 2)), 1)
    return result


MEANINGS = (
    Meaning("length", "Length", "shorter", "longer", _length, 0.7),
    Meaning("fullness", "Fullness", "thinner", "fuller", _fullness, 8.0),
    Meaning("width", "Width", "narrower", "wider", _width, 0.7),
    Meaning("shading", "Shading", "lighter", "darker", _shading, 0.25),
    Meaning("texture", "Texture", "smoother", "rougher", _texture, 0.06),
)


@dataclass(frozen=True)
class Found:
    """A control and what it was measured to do."""

    control: Control
    rows: tuple[int, ...]  # of the group, the items it works for
    effect: float  # mean change from the middle to an end, in deviations of the measure over the items
    agreement: float  # share of items that follow, 0..1


@dataclass(frozen=True)
class _Best:
    """The best direction for a meaning so far."""

    rows: tuple[int, ...]
    effect: float
    agreement: float
    direction: Tensor  # from the middle to the high end

    @property
    def worth(self) -> float:
        """A control that works for more items is better than one that does more."""
        return self.effect * len(self.rows) ** 2


def find_controls(pack: Pack, data: GroupData, first_weights: Tensor, codes: Tensor, draw: Draw) -> tuple[Found, ...]:
    """The controls of a group's front layers.

    `first_weights` float32 [hidden, z_dim + ...]: the generator's layer that reads the code, code first. `codes` as they are stored.
    """
    z_dim = codes.shape[1]
    weights = first_weights[:, :z_dim].double()
    values, vectors = torch.linalg.eigh(weights.T @ weights)
    kept = values >= AMPLIFIED * values[-1]
    directions = vectors[:, kept].flip(1).T.float()  # [D, z_dim], unit length, the most amplified first
    found: list[Found] = []
    for rows in pools(data):
        found += _of_pool(pack, data, rows, directions, codes, draw)
    return tuple(found)


def _of_pool(
    pack: Pack, data: GroupData, rows: tuple[int, ...], directions: Tensor, codes: Tensor, draw: Draw
) -> list[Found]:
    layer_id = data.items[rows[0]][0]
    materials = pack.layer(layer_id).materials
    shades = materials[0].shades if materials else data.classes - 1
    views = torch.from_numpy(np.argsort(-data.weight, kind="stable")[:VIEWS].copy())
    item = torch.tensor(rows).repeat_interleave(len(views))
    view = views.repeat(len(rows))
    planes = data.planes[torch.tensor(rows)].flatten(0, 1).numpy()
    known = np.unique(patterns(planes, data.classes))
    limit = max(_floor(data, rows), USUAL) + STRANGER
    middle = draw(codes[item], view)
    shape = (len(rows), len(views), *middle.shape[1:])
    best: dict[str, _Best] = {}
    for direction in torch.cat([directions, _fastest(codes[list(rows)], directions, views, shades, draw)]):
        for step in STEPS:
            plus, minus = (draw(codes[item] + sign * step * direction, view).reshape(shape) for sign in (1.0, -1.0))
            ends = np.concatenate([plus, minus], 1)
            well = np.array([_strange(x, known, data.classes) <= limit for x in ends])
            area = [(x > 0).sum((1, 2, 3)) for x in (minus, plus, middle.reshape(shape))]
            well &= np.minimum(area[0], area[1]) >= LEFT * area[2]
            if well.sum() < max(FEWEST, len(rows) * MOST):
                break
            for meaning in MEANINGS:
                found = _does(meaning, (minus, middle.reshape(shape), plus), well, shades)
                if found is None:
                    continue
                effect, agreement, sign = found
                kept = tuple(i for i, ok in zip(rows, well, strict=True) if ok)
                mine = _Best(kept, effect, agreement, sign * step * direction)
                if meaning.id not in best or mine.worth > best[meaning.id].worth:
                    best[meaning.id] = mine
    return [_control(pack, data, rows, m, best[m.id]) for m in _distinct(best)]


def _does(
    meaning: Meaning, drawn: tuple[Planes, Planes, Planes], well: NDArray[np.bool_], shades: int
) -> tuple[float, float, float] | None:
    """(effect, agreement, sign) if the items `well` say so in drawings [items, views, h, w] of the low end, the middle and the high end, else None."""
    items, views = drawn[0].shape[:2]
    low, middle, high = (
        meaning.measure(x.reshape(-1, *x.shape[2:]), shades).reshape(items, views).mean(1) for x in drawn
    )
    spread = max(float(middle.std()), 1e-9)  # of the whole pool
    low, middle, high = low[well], middle[well], high[well]
    change = float((high - low).mean() / 2)
    sign = 1.0 if change > 0 else -1.0
    agreement = float((sign * (high - low) > 0).mean())
    both = min(sign * float((high - middle).mean()), sign * float((middle - low).mean())) > 0
    enough = abs(change) >= max(meaning.least, EFFECT * spread) and agreement >= AGREE and both
    enough &= abs(change) <= EFFECT_MOST * spread
    return (abs(change) / spread, agreement, sign) if enough else None


def _fastest(codes: Tensor, directions: Tensor, views: Tensor, shades: int, draw: Draw) -> Tensor:
    """[meanings, z_dim], unit length: the way in the span of `directions` in which each measure of drawn samples grows fastest."""
    rng = np.random.default_rng(0)
    coordinates = fit_prior(codes).sample(SAMPLES, rng) @ directions.T  # [SAMPLES, D]
    samples = codes.mean(0) + (coordinates - codes.mean(0) @ directions.T) @ directions
    view = views[torch.from_numpy(rng.integers(0, len(views), SAMPLES))]
    planes = draw(samples, view)
    constant = torch.nn.functional.one_hot(view, int(views.max()) + 1)[
        :, views
    ].double()  # each view has a mean of its own
    inputs = torch.cat([coordinates.double(), constant], 1)
    measured = torch.from_numpy(np.stack([m.measure(planes, shades) for m in MEANINGS], 1))
    slopes = torch.linalg.lstsq(inputs, measured, driver="gelsd").solution[: len(directions)].T.float()  # [meanings, D]
    found = slopes @ directions
    return found / found.norm(dim=1, keepdim=True).clamp(min=1e-9)


def _distinct(best: dict[str, _Best]) -> list[Meaning]:
    """Meanings that were found, without those whose direction is nearly that of an earlier one of MEANINGS: longer hair is fuller, and darker
    at the tips, because it is longer."""
    kept: list[Meaning] = []
    for meaning in MEANINGS:
        mine = best.get(meaning.id)
        if mine and all(
            abs(float(torch.cosine_similarity(mine.direction, best[m.id].direction, dim=0))) < 0.9 for m in kept
        ):
            kept.append(meaning)
    return kept


def _control(pack: Pack, data: GroupData, rows: tuple[int, ...], meaning: Meaning, best: _Best) -> Found:
    layer_id, first = data.items[rows[0]]
    item = next(x for x in pack.items if (x.layer, x.id) == (layer_id, first))
    layer_pools = [p for p in pools(data) if data.items[p[0]][0] == layer_id]
    # ids are unique in a layer: where it has several pools, the kind and the body say which one is meant
    name = [meaning.id] if len(layer_pools) == 1 else [x for x in (item.kind, meaning.id, item.body) if x]
    stored = (best.direction * CODE_SCALE).round().clamp(-127, 127).int().tolist()
    control = Control(
        id="-".join(name),
        layer=layer_id,
        title=meaning.title,
        low=meaning.low,
        high=meaning.high,
        items=tuple(data.items[i][1] for i in best.rows),
        direction=tuple(stored),
    )
    return Found(control, best.rows, best.effect, best.agreement)


def _floor(data: GroupData, rows: tuple[int, ...]) -> float:
    """Share of an item's 3x3 patterns that its pool's other items do not have, mean over items."""
    own = [np.unique(patterns(data.planes[i].numpy(), data.classes)) for i in rows]
    shares = []
    for n, i in enumerate(rows):
        others = np.unique(np.concatenate([p for m, p in enumerate(own) if m != n]))
        shares.append(_strange(data.planes[i].numpy(), others, data.classes))
    return float(np.mean(shares))


def _strange(planes: Planes, known: NDArray[np.int64], classes: int) -> float:
    """Share of the 3x3 patterns of drawings [N, h, w] that are not among `known`; 1 where nothing is drawn."""
    mine = patterns(planes, classes)
    return float((~np.isin(mine, known)).mean()) if len(mine) else 1.0


def strip(pack: Pack, data: GroupData, found: Found, codes: Tensor, draw: Draw, items: int = 4) -> NDArray[np.uint8]:
    """RGB [H, W, 3]: items of the control (rows), from its low end to its high end (five columns a view, two views)."""
    direction = torch.tensor(found.control.direction).float() / CODE_SCALE
    chosen = [found.rows[k] for k in np.linspace(0, len(found.rows) - 1, min(items, len(found.rows))).astype(int)]
    views = np.argsort(-data.weight, kind="stable")[:VIEWS]
    views = views[[0, len(views) // 2]]
    lines = []
    for row in chosen:
        colours = class_colours(pack, *data.items[row])
        cells = []
        for view in views.tolist():
            amounts = torch.linspace(-1, 1, 5)[:, None]
            drawn = draw(codes[row] + amounts * direction, torch.full((5,), view))
            cells += [np.pad(x, 2) for x in drawn]
        lines.append(colours[np.minimum(np.concatenate(cells, 1), len(colours) - 1)])
    picture = np.concatenate(lines).repeat(SCALE, 0).repeat(SCALE, 1)
    head = np.full((18, picture.shape[1], 3), BACKGROUND, np.uint8)
    words = f"{found.control.layer}/{found.control.id}: {found.control.low} ... {found.control.high}"
    cv2.putText(head, words, (4, 13), cv2.FONT_HERSHEY_PLAIN, 0.9, (20, 20, 20), 1, cv2.LINE_AA)
    return np.ascontiguousarray(np.concatenate([head, picture]))
