"""The page's pictures: samples beside what they are nearest to, the worst ones, and codes over their views."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np
import torch
from numpy.typing import NDArray

from training.evaluation.clarity import strange_share
from training.evaluation.evaluate import Evaluation, Shown
from training.evaluation.pictures import histogram, picture
from training.evaluation.render import palettes
from training.evaluation.sets import Set, codes_for, mixable
from training.evaluation.subject import Subject
from training.packs.neutral import Pack

RANDOM, WORST, STRIPS = 24, 12, 3
Numbers = NDArray[np.int64]


def galleries(pack: Pack, subject: Subject, done: Evaluation, seed: int) -> str:
    """HTML of all pictures: every mode that makes something new in full, the items themselves not at all."""
    parts = []
    for shown in done.shown:
        if shown.mode == "items":
            continue
        rng = np.random.default_rng([seed, 71])
        distance = shown.audit.distance
        # equal shares of the groups, or the page would be shirts
        mixed = _even(shown, np.flatnonzero(distance > 0), RANDOM, rng)
        strange = strangeness(subject, shown.drawn, done.known)
        parts += [
            f"<h2>Pictures: {escape(shown.mode)}</h2>",
            "<h3>Samples beside the art</h3><p>Chosen at random among those that are no copies, equally from all groups. From left to right: the item, "
            "the second item of the mixture (where there is one), <b>the sample</b>, the nearest drawing of the art.</p>",
            _cards(pack, subject, shown, mixed, strange),
            "<h3>One code over its views</h3><p>Each line is one code. Is it one character?</p>",
            _strips(pack, subject, shown.mode, seed),
            "<h3>The farthest from any drawing</h3>",
            _cards(pack, subject, shown, _worst(shown, distance), strange),
            "<h3>The strangest</h3><p>With the largest share of 3x3 patterns that no drawing has.</p>",
            _cards(pack, subject, shown, _worst(shown, strange), strange),
            "<h3>Distance to the nearest drawing</h3>",
            histogram(
                distance, "distance to the nearest drawing", "pixels that differ, relative to the drawing's size"
            ),
        ]
    if "mixing pixels" in done.baselines:
        parts += [
            "<h2>Pictures: the baseline of mixed pixels</h2><p>What the figures under “mixing pixels” are of.</p>",
            _baseline(pack, subject, done.baselines["mixing pixels"], seed),
        ]
    return "\n".join(parts)


def strangeness(subject: Subject, drawn: Set, known: Mapping[str, Numbers]) -> NDArray[np.float64]:
    """[n]: share of each sample's 3x3 patterns that no drawing of its group has."""
    found = [
        strange_share(plane[None], known[name], subject.groups[name].data.classes)
        for name, x in drawn.items()
        for plane in x.planes
    ]
    return np.array(found)


def _even(shown: Shown, among: Numbers, count: int, rng: np.random.Generator) -> Numbers:
    names = np.array(shown.audit.group)
    queues = [rng.permutation(among[names[among] == g]).tolist() for g in shown.drawn]
    chosen: list[int] = []
    while len(chosen) < count and any(queues):
        chosen += [q.pop() for q in queues if q]
    return np.sort(np.array(chosen[:count], np.int64))


def _worst(shown: Shown, score: NDArray[np.float64]) -> Numbers:
    """The highest scores, a few of each group, so that one bad group does not hide the next."""
    most = max(3, WORST // len(shown.drawn))
    names, taken, chosen = shown.audit.group, dict.fromkeys(shown.drawn, 0), []
    for k in np.argsort(-score, kind="stable").tolist():
        if taken[names[k]] < most:
            taken[names[k]] += 1
            chosen.append(k)
        if len(chosen) == WORST:
            break
    return np.array(chosen, np.int64)


def _cards(pack: Pack, subject: Subject, shown: Shown, chosen: Numbers, strange: NDArray[np.float64]) -> str:
    starts = dict(zip(shown.drawn, np.cumsum([0, *(len(x) for x in shown.drawn.values())]).tolist(), strict=False))
    cards = []
    for k in chosen.tolist():
        name = shown.audit.group[k]
        group, x, at = subject.groups[name], shown.drawn[name], k - starts[name]
        row, view, other, near = int(x.item[at]), int(x.view[at]), int(x.other[at]), int(shown.audit.nearest[k])
        art, colours = group.data.planes.numpy(), palettes(pack, group.data)
        planes = [art[row, view], *([art[other, view]] if other >= 0 else []), x.planes[at]]
        if near >= 0:
            planes.append(art[near, view])
        said = f"{name}, view {view}"
        mixed = f", {x.amount[at]:.0%} {group.data.items[other][1]}" if other >= 0 else ""
        figures = f"{shown.audit.distance[k]:.1%} from {group.data.items[near][1]}" if near >= 0 else "no art here"
        cards.append(
            f"<figure>{picture(planes, colours[row], said)}<figcaption><b>{escape(said)}</b><br>{escape(group.data.items[row][1] + mixed)}"
            f"<br>{escape(figures)}; {strange[k]:.0%} strange</figcaption></figure>"
        )
    return f'<div class="cards">{"".join(cards)}</div>' if cards else "<p>None: every sample is a copy.</p>"


def _strips(pack: Pack, subject: Subject, mode: str, seed: int, views: int = 12) -> str:
    lines = []
    for name, group in subject.groups.items():
        rows = mixable(group, mode)
        if not len(rows) or group.data.views < views:
            continue
        rng = np.random.default_rng([seed, 72, *name.encode()])
        item = rng.choice(rows, STRIPS)
        codes = codes_for(group, item, mode, seed + 7).codes
        view = torch.from_numpy(np.linspace(0, group.data.views - 1, views).astype(np.int64))
        colours = palettes(pack, group.data)
        for code, row in zip(codes, item.tolist(), strict=True):
            planes = list(group.draw(code.expand(views, -1).contiguous(), view))
            lines.append(f"<div>{picture(planes, colours[row], name)}</div>")
        lines.append(f"<p class=quiet>{escape(name)}</p>")
    return "\n".join(lines)


def _baseline(pack: Pack, subject: Subject, drawn: Set, seed: int) -> str:
    found = []
    for name, x in drawn.items():
        rng = np.random.default_rng([seed, 73, *name.encode()])
        colours = palettes(pack, subject.groups[name].data)
        for k in rng.permutation(len(x))[:3].tolist():
            found.append(picture([x.planes[k]], colours[int(x.item[k])], name))
    return f'<div class="cards">{"".join(found)}</div>'
