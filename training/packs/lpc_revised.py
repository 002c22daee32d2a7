"""From the LPC Revised folder layout to the neutral pack: the steps of `prepare` in their order."""

from __future__ import annotations

import fnmatch
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from training.packs.archetypes import expand_archetypes
from training.packs.credits import CreditFile, credits_of, read_credits
from training.packs.groups import Table, make_groups, missing_report, parts_of, views_report
from training.packs.neutral import Credit, Group, Pack, PackItem, PackLayer
from training.packs.rules import LayerRule, Rules
from training.packs.sheets import Art, Found, scan, slug
from training.packs.slots import Drawn, LayerSlots, class_colours, classify, item_colours, layer_slots, rgb
from vcg_bridge.contract.errors import PackError
from vcg_bridge.contract.manifest import PARTS, Animation, Ramp

Progress = Callable[[str], None]
Moves = Mapping[tuple[str, str], tuple[int, int]]  # (animation, direction) -> x, y


def read_pack(folder: Path, rules: Rules, progress: Progress = lambda _: None) -> tuple[Pack, tuple[Drawn, ...]]:
    """(the neutral pack, the frames it was made of). Raises PackError for the first thing that is wrong."""
    ramps = read_ramps(folder, rules)
    arts, found = scan(folder, rules, frozenset(r.title for r in ramps), progress)
    animations = tuple(
        Animation(s.id, s.title, s.frames, s.fps, s.loop, s.directions, s.frame_names) for s in rules.sheets
    )
    present = {a.layer.id for a in arts}
    _require(rules, present, folder)
    layer_rules = [x for x in rules.layers if x.id in present]
    slots: dict[str, LayerSlots] = {}
    drawn: list[Drawn] = []
    for layer in layer_rules:
        progress(f"colours of {layer.title.lower()}")
        mine = [a for a in arts if a.layer.id == layer.id]
        colours = [item_colours(a, ramps, rules.cleaning) for a in mine]
        slots[layer.id] = layer_slots(layer, colours)
        for art, c in zip(mine, colours, strict=True):
            classes = class_colours(slots[layer.id], c)
            planes, log = classify(art, slots[layer.id], c, rules.cleaning)
            drawn.append(Drawn(art, c, classes, planes, tuple(log)))
    moved = _moves(tuple(drawn), animations, rules)

    def stand_ins(table: Table, layer: LayerRule, has: frozenset[str]) -> Table:
        own = _follow(table, animations, rules, layer, has, tuple(drawn))
        return _borrow(own, animations, rules, layer, has, moved)

    classes = {k: 1 + sum(m.shades for m in x.materials) + len(x.fixed) for k, x in slots.items()}
    groups, poses = make_groups(tuple(drawn), layer_rules, classes, animations, progress, stand_ins)
    files = read_credits(folder, rules.licence)
    headings = {f"{rules.root}/{pattern}": heading for pattern, heading in rules.credits.items()}
    credited, lacking = {}, []
    for d in drawn:
        entries, own = credits_of(d.art.title, f"{rules.root}/{d.art.folder}", files, headings)
        if not entries:
            raise PackError(
                f"nobody is credited for {d.art.folder}", hint="the pack's Credits.txt files are missing or changed"
            )
        credited[d.art.layer.id, d.art.id] = entries
        if not own:
            lacking.append(f"{d.art.layer.id}/{d.art.id}")
    items = tuple(
        _item(d, rules, arts, slots[d.art.layer.id], credited[d.art.layer.id, d.art.id], animations) for d in drawn
    )
    required = frozenset(x.id for x in rules.layers if x.required)
    archetypes, unmatched = expand_archetypes(rules.archetypes, items, ramps, colour_groups(rules), required)
    pack = Pack(
        name=rules.name,
        title=rules.title,
        licence=rules.licence,
        attribution=rules.attribution,
        source=rules.source,
        frame_size=rules.frame_size,
        animations=animations,
        layers=tuple(_layer(x, slots[x.id], drawn) for x in layer_rules),
        items=items,
        ramps=ramps,
        archetypes=archetypes,
        credits=_used_credits(files, credited),
        groups=groups,
        poses=poses,
        report=_report(found, tuple(drawn), groups, animations, lacking, unmatched),
    )
    return pack, tuple(drawn)


def read_ramps(folder: Path, rules: Rules) -> tuple[Ramp, ...]:
    """All ramps of the pack's ramp file, in its order."""
    file = folder / rules.root / rules.ramps
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        return tuple(
            Ramp(slug(title), kind, title, tuple(tuple(round(255 * c[x]) for x in "rgb") for c in colours))
            for name, kind in rules.ramp_kinds.items()
            for title, colours in data.get(name, {}).items()
        )
    except FileNotFoundError as error:
        raise PackError(
            f"{folder} is no {rules.title} folder: no {file.relative_to(folder)} in it", hint=rules.source
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackError(f"cannot read the ramps {file}: {error!r}", hint="fetch the file again") from error


def _borrow(
    table: Table,
    animations: tuple[Animation, ...],
    rules: Rules,
    layer: LayerRule,
    has: frozenset[str],
    moved: Moves,
) -> Table:
    """The table with the first frame of another animation where the layer has no art (the body while a face is pulled)."""
    by_id = {a.id: a for a in animations}
    out = dict(table)
    for animation, source in rules.borrow.items():
        if animation not in by_id or animation in has or layer.still == "nothing":
            continue
        rows = table[animation].copy()
        for d, direction in enumerate(by_id[animation].directions):
            rows[d, :] = table[source][by_id[source].directions.index(direction), 0]
            rows[d, rows[d, :, 0] >= 0, 1:3] += np.array(moved.get((animation, direction), (0, 0)), np.int16)
        out[animation] = rows
    return out


def _follow(
    table: Table,
    animations: tuple[Animation, ...],
    rules: Rules,
    layer: LayerRule,
    has: frozenset[str],
    drawn: tuple[Drawn, ...],
) -> Table:
    """The table with the layer's resting frame, moved along with another layer's art, where it has no art (wings on a run)."""
    if not layer.follows or rules.follow_from not in has:
        return table
    at: dict[tuple[str, str, int], tuple[int, int]] = {}
    guides = [d for d in drawn if d.art.layer.id == layer.follows]
    for a in animations:
        for planes in (d.planes["front"][a.id] for d in guides if a.id in d.planes.get("front", {})):
            for row, frame in np.ndindex(planes.shape[:2]):
                key = (a.id, a.directions[row], frame)
                if key not in at and planes[row, frame].any():
                    y, x = np.argwhere(planes[row, frame]).min(0)
                    at[key] = int(x), int(y)
    rest = next(a for a in animations if a.id == rules.follow_from)
    out = dict(table)
    for a in animations:
        if a.id in has or a.id in rules.borrow:
            continue
        rows = table[a.id].copy()
        for d, direction in enumerate(a.directions):
            for frame in range(a.frames):
                here, there = at.get((a.id, direction, frame)), at.get((rest.id, direction, 0))
                if here is not None and there is not None:
                    rows[d, frame] = table[rest.id][rest.directions.index(direction), 0]
                    rows[d, frame, 1:3] += np.array(here, np.int16) - np.array(there, np.int16)
        out[a.id] = rows
    return out


def _moves(drawn: tuple[Drawn, ...], animations: tuple[Animation, ...], rules: Rules) -> Moves:
    """How far the art of a borrowing animation stands from the frame that the other layers borrow, by one layer that has both."""
    by_id = {a.id: a for a in animations}
    moves: dict[tuple[str, str], tuple[int, int]] = {}
    for animation, source in rules.borrow.items():
        fronts = (d.planes.get("front", {}) for d in drawn)
        item = next((p for p in fronts if {animation, source} <= p.keys()), None)
        if item is None or animation not in by_id:
            continue
        for d, direction in enumerate(by_id[animation].directions):
            here, there = item[animation][d, 0], item[source][by_id[source].directions.index(direction), 0]
            if here.any() and there.any():
                (y0, x0), (y1, x1) = (np.argwhere(p).min(0) for p in (here, there))
                moves[animation, direction] = int(x0 - x1), int(y0 - y1)
    return moves


def _layer(rule: LayerRule, slots: LayerSlots, drawn: list[Drawn]) -> PackLayer:
    parts = parts_of(rule, drawn)
    return PackLayer(rule.id, rule.title, rule.required, rule.frame_size, slots.materials, len(slots.fixed), parts)


def _item(
    d: Drawn,
    rules: Rules,
    arts: tuple[Art, ...],
    slots: LayerSlots,
    credits: tuple[Credit, ...],
    animations: tuple[Animation, ...],
) -> PackItem:
    item = PackItem(
        id=d.art.id,
        layer=d.art.layer.id,
        title=d.art.title,
        kind=d.art.layer.id,
        body=d.art.body,
        ramps={group: ramp.id for group, ramp in d.colours.ramps.items()},
        fixed=tuple(
            rgb(c)
            for c in slots.fixed[: max((i + 1 for i, c in enumerate(slots.fixed) if c in d.colours.fixed), default=0)]
        ),
        parts=tuple(p for p in PARTS if p in d.planes),
        drawn=tuple(a.id for a in animations if a.id in d.art.poses()),
        credits=tuple(c.key for c in credits),
    )
    for rule in rules.items:
        if rule.layer != item.layer or not fnmatch.fnmatchcase(item.id, rule.match):
            continue
        said = {k: v for k in ("kind", "body", "z", "hides", "needs") if (v := getattr(rule, k)) is not None}
        if rule.allows is not None:
            said["allows"] = {
                layer: tuple(
                    a.id for a in arts if a.layer.id == layer and any(fnmatch.fnmatchcase(a.id, p) for p in patterns)
                )
                for layer, patterns in rule.allows.items()
            }
        item = replace(item, **said)
    return item


def colour_groups(rules: Rules) -> dict[str, str]:
    """Colour group -> kind of ramp, of all that the rules allow."""
    groups: dict[str, str] = {}
    for x in rules.layers:
        groups[x.colour_group] = x.kind
        groups.update({kind if kind == "eyes" else f"{x.id}-{kind}": kind for kind in x.also})
    return groups


def _require(rules: Rules, present: set[str], folder: Path) -> None:
    for layer in rules.layers:
        if layer.required and layer.id not in present:
            raise PackError(
                f"{folder} has no item for the layer {layer.id!r}: looked for {', '.join(layer.folders)}",
                hint=rules.source,
            )


def _used_credits(
    files: tuple[CreditFile, ...], credited: Mapping[tuple[str, str], tuple[Credit, ...]]
) -> tuple[Credit, ...]:
    used = {c.key for entries in credited.values() for c in entries}
    every = [c for f in reversed(files) for c in (f.general, *f.entries)]
    return tuple({c.key: c for c in every if c.key in used}.values())


def _report(
    found: Found,
    drawn: tuple[Drawn, ...],
    groups: tuple[Group, ...],
    animations: tuple[Animation, ...],
    lacking: list[str],
    unmatched: tuple[str, ...],
) -> dict[str, object]:
    cleaned = {}
    for d in drawn:
        if d.cleaned:
            count: Counter[str] = Counter()
            for c in d.cleaned:
                count.update(removed=c.removed, snapped=c.snapped, frames=1)
            cleaned[f"{d.art.layer.id}/{d.art.id}"] = dict(sorted(count.items()))
    return {
        "ignored_folders": list(found.ignored),
        "uncoloured_folders": list(found.uncoloured),
        "unused_sheets": list(found.unused_sheets),
        "faint_pixels": {file: {"dropped": dropped, "kept": kept} for file, (dropped, kept) in found.faint.items()},
        "cleaned": cleaned,
        "missing": missing_report(drawn, animations),
        "views": views_report(groups),
        "without_own_credit": lacking,
        "archetype_patterns_without_match": list(unmatched),
    }
