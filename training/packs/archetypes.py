"""Archetypes as people write them, with patterns, become archetypes of a pack, with items and ramps."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence

from training.packs.neutral import PackItem
from training.packs.rules import ArchetypeRule
from vcg_bridge.contract.manifest import Archetype, LayerOdds, Ramp


def expand_archetypes(
    rules: Sequence[ArchetypeRule],
    items: tuple[PackItem, ...],
    ramps: tuple[Ramp, ...],
    groups: Mapping[str, str],
    required: frozenset[str],
) -> tuple[tuple[Archetype, ...], tuple[str, ...]]:
    """(archetypes with items and ramps instead of patterns, patterns that matched nothing).

    groups: colour group -> kind of ramp. required: layers that every character has.
    """
    kinds = {(r.kind, r.id) for r in ramps}
    worn = {group for i in items for group in i.ramps}
    unmatched: list[str] = []
    archetypes = []
    for a in rules:
        layers: dict[str, LayerOdds] = {}
        for layer, (chance, patterns) in a.layers.items():
            weights: dict[str, float] = {}
            for pattern, weight in patterns.items():
                hits = [i.id for i in items if i.layer == layer and fnmatch.fnmatchcase(i.id, pattern)]
                weights.update(dict.fromkeys(hits, weight))
                if not hits:
                    unmatched.append(f"{a.id}: {layer} {pattern!r}")
            if not any(weights.values()) and layer in required:  # better any head than none
                weights = {i.id: 1.0 for i in items if i.layer == layer}
            if any(weights.values()) and chance > 0:
                layers[layer] = LayerOdds(chance, weights)
        table: dict[str, dict[str, float]] = {}
        for group, patterns in a.ramps.items():
            if group not in worn:
                continue
            chosen = {}
            for pattern, weight in patterns.items():
                hits = [r for k, r in sorted(kinds) if k == groups.get(group) and fnmatch.fnmatchcase(r, pattern)]
                chosen.update(dict.fromkeys(hits, weight))
                if not hits:
                    unmatched.append(f"{a.id}: {group} ramp {pattern!r}")
            if any(chosen.values()):
                table[group] = chosen
        archetypes.append(Archetype(a.id, a.title, a.description, layers, table))
    return tuple(archetypes), tuple(dict.fromkeys(unmatched))
