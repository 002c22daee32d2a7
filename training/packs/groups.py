"""From drawn items to view groups and pose tables: the steps that every kind of pack shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from training.packs.neutral import Group, PackPart
from training.packs.rules import LayerRule
from training.packs.slots import Drawn, Planes
from training.packs.views import PoseKey, Views, find_views
from vcg_bridge.contract.errors import PackError
from vcg_bridge.contract.manifest import PARTS, Animation

Table = dict[str, NDArray[np.int16]]
"""animation -> [directions, frames, 4]: view (-1: nothing), x, y, flip"""

StandIns = Callable[[Table, LayerRule, frozenset[str]], Table]
"""(pose table, layer, animations that the layer has art of) -> the table with what stands in for missing art"""


def make_groups(
    drawn: tuple[Drawn, ...],
    layers: Sequence[LayerRule],
    classes: Mapping[str, int],
    animations: tuple[Animation, ...],
    progress: Callable[[str], None],
    stand_ins: StandIns = lambda table, _layer, _has: table,
) -> tuple[tuple[Group, ...], dict[str, Table]]:
    """(view groups, "layer/part" -> pose table). classes: layer -> number of classes, transparent included."""
    members: dict[str, list[tuple[LayerRule, str]]] = {}
    for layer in layers:
        for part in PARTS:
            if any(d.art.layer.id == layer.id and part in d.planes for d in drawn):
                members.setdefault(layer.view_group + ("-behind" if part == "behind" else ""), []).append((layer, part))
    groups: list[Group] = []
    poses: dict[str, Table] = {}
    for group_id, parts in members.items():
        progress(f"views of {group_id}")
        mine = [(d, part) for layer, part in parts for d in drawn if d.art.layer.id == layer.id and part in d.planes]
        keys = [(a.id, d, f) for a in animations for d in range(len(a.directions)) for f in range(a.frames)]
        frames: list[dict[PoseKey, Planes]] = [
            {(a, d, f): p[d, f] for a, p in item.planes[part].items() for d, f in np.ndindex(p.shape[:2])}
            for item, part in mine
        ]
        views = find_views(frames, keys)
        table = _pose_table(views, animations)
        for layer, part in parts:
            has = frozenset(a for d, p in mine if d.art.layer.id == layer.id for a in d.planes[p])
            poses[f"{layer.id}/{part}"] = stand_ins(table, layer, has)
        groups.append(
            Group(
                id=group_id,
                members=tuple((layer.id, part) for layer, part in parts),
                items=tuple((d.art.layer.id, d.art.id) for d, _ in mine),
                planes=views.planes,
                known=views.known,
                poses_per_view=views.poses_per_view,
                classes=max(classes[x.id] for x, _ in parts),
            )
        )
    return tuple(groups), poses


def parts_of(layer: LayerRule, drawn: Sequence[Drawn]) -> tuple[PackPart, ...]:
    """The parts that some item of the layer has. Raises PackError for a part behind that has no place in the order."""
    parts = []
    for part in PARTS:
        if any(d.art.layer.id == layer.id and part in d.planes for d in drawn):
            z = layer.z if part == "front" else layer.behind_z
            if z is None:
                raise PackError(
                    f"{layer.id} has a part behind, and the rules give no behind_z", hint="add behind_z to the layer"
                )
            parts.append(PackPart(part, z, layer.view_group + ("-behind" if part == "behind" else "")))
    return tuple(parts)


def missing_report(drawn: Sequence[Drawn], animations: Sequence[Animation]) -> dict[str, dict[str, list[str]]]:
    """Animations that the art of an item lacks; those that others of its view group have are the network's to fill in."""
    everywhere: dict[str, set[str]] = {}
    for d in drawn:
        everywhere.setdefault(d.art.layer.view_group, set()).update(d.art.poses())
    return {
        f"{d.art.layer.id}/{d.art.id}": {
            "fill_in": [
                a.id for a in animations if a.id in everywhere[d.art.layer.view_group] and a.id not in d.art.poses()
            ],
            "not_drawn": [a.id for a in animations if a.id not in everywhere[d.art.layer.view_group]],
        }
        for d in drawn
        if len(d.art.poses()) < len(animations)
    }


def views_report(groups: Sequence[Group]) -> dict[str, dict[str, int]]:
    """Per group: how many views, how many drawings of them the art lacks, in how many poses they show."""
    return {
        g.id: {"views": g.views, "unknown": int((~g.known).sum()), "poses": int(g.poses_per_view.sum())} for g in groups
    }


def _pose_table(views: Views, animations: tuple[Animation, ...]) -> Table:
    table = {}
    for a in animations:
        rows = np.zeros((len(a.directions), a.frames, 4), np.int16)
        rows[..., 0] = -1
        for d, f in np.ndindex(rows.shape[:2]):
            if (a.id, d, f) in views.table:
                rows[d, f] = views.table[a.id, d, f]
        table[a.id] = rows
    return table
