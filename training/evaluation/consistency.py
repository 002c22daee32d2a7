"""Does a sample stay the same character over its poses?

One code is drawn in several views that the identity classifier (the head of the in-domain network) never saw of any item. If the code is one character, the
classifier must take it for the same item in every view (agreement), and what it says over half of the views must point to the same code's other half
among the codes of other characters (recognised). Both are measured for the art itself (the most that can be expected: some items are drawn alike in
many views), for mixed pixels, and for another code in every view (the least: what a generator without identity would get).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from training.evaluation.features_file import InDomain
from training.evaluation.render import palettes, render
from training.evaluation.sets import Ints, art, codes_for, known_mask, mixable, partners
from training.evaluation.subject import Subject, SubjectGroup
from training.evaluation.train_features import held_views
from training.layers.sampling import LEAST, MOST
from training.packs.neutral import Pack

VIEWS = 8
"""Views in which each code is drawn (fewer where a group has fewer)."""

Planes = NDArray[np.uint8]


@dataclass(frozen=True)
class Consistency:
    """How well the classifier follows. Shares 0..1."""

    n: int  # codes
    agreement: float  # pairs of views of one code that the classifier takes for the same item
    recognised: float  # codes whose other half of views is the nearest among the codes of one character set
    chance: float  # what `recognised` is without identity: 1 / characters in a set


@dataclass(frozen=True, eq=False)
class Cast:
    """Codes to follow in one group: sets of characters, one for each item that samples come from."""

    item: Ints  # [n], n = sets x items, set by set
    view: Ints  # [n, views]
    characters: int  # in a set


def cast(group: SubjectGroup, rows: Ints, held: NDArray[np.bool_], codes: int, rng: np.random.Generator) -> Cast | None:
    """Choose items and held-out views that the art has of them. None where the group has too few items or views."""
    known = known_mask(group)
    options = {row: np.flatnonzero(known[row] & held) for row in rows.tolist()}
    options = {row: views for row, views in options.items() if len(views) >= 4}
    if len(options) < 2:
        return None
    count = min(VIEWS, *(len(v) for v in options.values())) // 2 * 2
    sets = math.ceil(codes / len(options))
    item = np.array(list(options) * sets, np.int64)
    view = np.stack([rng.permutation(options[i])[:count] for i in item.tolist()])
    return Cast(item, view, len(options))


def follow(logits: NDArray[np.float32], characters: int) -> Consistency:
    """Figures of logits float32 [n, views, items] of codes in sets of `characters`, set by set."""
    n, views, _ = logits.shape
    taken = logits.argmax(2)
    same = (taken[:, :, None] == taken[:, None, :]).sum((1, 2)) - views
    agreement = float(same.mean() / (views * (views - 1)))
    centred = logits - logits.mean(2, keepdims=True)
    halves = np.stack([centred[:, : views // 2].mean(1), centred[:, views // 2 :].mean(1)])  # [2, n, items]
    halves /= np.maximum(np.linalg.norm(halves, axis=2, keepdims=True), 1e-9)
    one, two = (x.reshape(n // characters, characters, -1) for x in halves)
    alike = one @ two.transpose(0, 2, 1)  # [sets, characters, characters]
    own = alike[:, np.arange(characters), np.arange(characters)]
    # of equals (drawn alike) the first would win by its place only: share the point among them
    best = alike >= alike.max(2, keepdims=True) - 1e-6
    points = (own >= alike.max(2) - 1e-6) / best.sum(2)
    return Consistency(n, agreement, float(points.mean()), 1 / characters)


def drawn_sets(group: SubjectGroup, chosen: Cast, mode: str, seed: int) -> dict[str, Planes]:
    """The same views of: the art, the mode's codes, mixed pixels, another code in every view. Each uint8 [n * views, h, w]."""
    n, views = chosen.view.shape
    rng = np.random.default_rng([seed, 52])
    flat_item, flat_view = chosen.item.repeat(views), chosen.view.ravel()
    shown = torch.from_numpy(flat_view)
    pairs = np.stack([flat_item, flat_view], 1)
    codes = codes_for(group, chosen.item, mode, seed).codes
    others = rng.choice(np.unique(chosen.item), n * views)
    found = {
        "art": art(group, pairs),
        "samples": group.draw(codes.repeat_interleave(views, 0), shown),
        "another code in every view": group.draw(codes_for(group, others, mode, seed + 1).codes, shown),
    }
    other = partners(group, pairs, rng)
    known = other >= 0
    second = art(group, np.stack([np.where(known, other, flat_item), flat_view], 1))
    amount = rng.uniform(LEAST, MOST, n * views)
    coin = rng.random(second.shape) < amount[:, None, None]
    found["mixed pixels"] = np.where(coin, second, found["art"])
    return found


def consistency(
    pack: Pack, subject: Subject, judge: InDomain, mode: str, codes: int, seed: int
) -> dict[str, dict[str, Consistency]]:
    """set ("art", "samples" ...) -> group -> figures, and the mean of groups under "all". At least `codes` codes a group."""
    found: dict[str, dict[str, Consistency]] = {}
    for name, group in subject.groups.items():
        held = held_views(name, group.data.views, judge.recipe.seed)
        rng = np.random.default_rng([seed, 51, *name.encode()])
        chosen = cast(group, mixable(group, mode), held, codes, rng)
        if chosen is None:
            continue
        colours, items = palettes(pack, group.data), chosen.item.repeat(chosen.view.shape[1])
        for which, planes in drawn_sets(group, chosen, mode, seed).items():
            logits = judge.logits(render(colours, planes, items), name, len(group.data.items))
            figures = follow(logits.reshape(*chosen.view.shape, -1), chosen.characters)
            found.setdefault(which, {})[name] = figures
    return {which: {**groups, "all": _mean(groups)} for which, groups in found.items()}


def _mean(groups: Mapping[str, Consistency]) -> Consistency:
    every = list(groups.values())
    table = np.array([[x.agreement, x.recognised, x.chance] for x in every])
    return Consistency(sum(x.n for x in every), *(float(v) for v in table.mean(0)))
