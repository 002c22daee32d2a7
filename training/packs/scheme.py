"""From clusters of colours to palette slots: which chains are ramps of one material, which colours are fixed.

Chains of equal length that never meet in one item are ramps of one material where they stand for the same thing: the art
has them in the same places (a goblin in red, the same goblin in blue), or, in layered art, each is what its items are mostly
made of (a red hat, a blue hat). All other colours have fixed slots, whose colour is the item's own; colours that never meet
share a slot, the nearest first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.packs.pack_yaml import FolderRules
from training.packs.shades import Chain, Usage, colour_name, find_chains, oklab, usage
from training.packs.sheets import CLEAR, Art
from training.packs.slots import Planes, code, rgb
from vcg_bridge.contract.errors import PackError
from vcg_bridge.contract.manifest import MAX_SLOTS, Material, Ramp

EFFECT_SLOTS = 2
"""Slots that outline and shadow take for themselves (vcg_bridge.sprites.palette)."""

SLOTS = MAX_SLOTS - EFFECT_SLOTS
MATERIALS = 32  # of one layer, at most
SAME_PLACE = 0.6
"""Chains are one material when this share of their pixels, in two items, is at the same place in the same shade."""

REACH = (0.08, 0.16, 0.32, 10.0)
"""OKLab distance within which colours that never meet may share a fixed slot: the first that makes all slots fit."""


@dataclass(frozen=True)
class Block:
    """A material and its ramps."""

    material: Material
    ramps: tuple[Chain, ...]
    pixels: int
    declared: bool  # named in pack.yaml: never given up


@dataclass(frozen=True)
class ItemScheme:
    """The slots of one item: class -> colour code, and what the pack says of it."""

    classes: Mapping[int, int]
    ramps: Mapping[str, Ramp]
    fixed: tuple[int, ...]  # colour code per fixed slot, up to the last that the item uses


@dataclass(frozen=True)
class LayerScheme:
    """The slots of one layer."""

    materials: tuple[Material, ...]
    fixed: int
    items: Mapping[str, ItemScheme]
    ramps: tuple[Ramp, ...]  # of its own kinds; declared ones are the pack's

    @property
    def slots(self) -> int:
        """Number of palette slots."""
        return sum(m.shades for m in self.materials) + self.fixed


@dataclass
class _Layer:
    """A layer while its slots are found."""

    id: str
    arts: Sequence[Art]
    usages: Mapping[str, Usage]
    declared: Mapping[str, Mapping[str, Ramp]]  # item -> colour group -> declared ramp
    blocks: list[Block]


def schemes(arts: Sequence[Art], rules: FolderRules) -> dict[str, LayerScheme]:
    """The slots of every layer. Raises PackError with advice where the art has more colours than there are slots."""
    layers = [_open(layer.id, [a for a in arts if a.layer.id == layer.id], rules) for layer in rules.layers]
    layers = [x for x in layers if x.arts]
    for reach in REACH:
        found = {x.id: _scheme(x, reach) for x in layers}
        if sum(s.slots for s in found.values()) <= SLOTS:
            return found
    while True:  # the least used material becomes fixed colours, which share slots
        loose = [(b.pixels, x, b) for x in layers for b in x.blocks if not b.declared]
        if not loose:
            raise _too_many(layers, sum(s.slots for s in found.values()))
        _, layer, block = min(loose, key=lambda t: t[0])
        layer.blocks.remove(block)
        found[layer.id] = _scheme(layer, REACH[-1])
        if sum(s.slots for s in found.values()) <= SLOTS:
            return found


def _too_many(layers: Sequence[_Layer], needed: int) -> PackError:
    colours = {x.id: len({c for u in x.usages.values() for c in u.pixels}) for x in layers}
    most, item = max((len(u.pixels), f"{x.id}/{i}") for x in layers for i, u in x.usages.items())
    return PackError(
        f"too many colours: {needed} palette slots are needed and {SLOTS} are possible for all layers together; "
        f"the art has {sum(colours.values())} colours ({', '.join(f'{k} {v}' for k, v in colours.items())}), {item} alone has {most}",
        hint="smooth edges, gradients and photographs have them: save the art with an indexed palette, scale it with nearest "
        "neighbour, or let `--colours 48` reduce it and show in palette.png how far that is from the art",
    )


def _open(layer_id: str, arts: Sequence[Art], rules: FolderRules) -> _Layer:
    usages = {a.id: usage(s for part in a.sheets.values() for s in part.values()) for a in arts}
    layer = _Layer(layer_id, arts, usages, {}, [])
    if any(len(u.pixels) > SLOTS for u in usages.values()):
        raise _too_many([layer], max(len(u.pixels) for u in usages.values()))
    kinds = next(x.ramps for x in rules.layers if x.id == layer_id)
    layer.declared = {a.id: _declared(layer_id, usages[a.id], kinds, rules) for a in arts}
    groups: dict[str, Ramp] = {group: ramp for found in layer.declared.values() for group, ramp in found.items()}
    for group, ramp in groups.items():
        layer.blocks.append(Block(Material(group, ramp.kind, len(ramp.colours)), (), 0, True))
    layer.blocks += _found_blocks(layer, flat=rules.flat)
    return layer


def _declared(layer_id: str, used: Usage, kinds: Sequence[str], rules: FolderRules) -> dict[str, Ramp]:
    """Colour group -> the declared ramp that the item is drawn with: of each kind the one that explains most colours."""
    left = set(used.pixels)
    found: dict[str, Ramp] = {}
    options = []
    for kind in kinds:
        for ramp in rules.ramps[kind]:
            hits = {code(c) for c in ramp.colours} & left
            if len(hits) >= min(2, len(ramp.colours)):
                options.append((-len(hits), -sum(used.pixels[c] for c in hits), kind, ramp))
    for _, _, kind, ramp in sorted(options, key=lambda o: o[:3]):
        group = kind if kind in rules.share or kind == layer_id else f"{layer_id}-{kind}"
        hits = {code(c) for c in ramp.colours} & left
        if group in found or len(hits) < min(2, len(ramp.colours)):
            continue
        found[group] = ramp
        left -= hits
    return found


def _found_blocks(layer: _Layer, flat: bool) -> list[Block]:
    """Materials of what no declared ramp explains."""
    taken = {i: {code(c) for r in ramps.values() for c in r.colours} for i, ramps in layer.declared.items()}
    rest = {
        i: Usage(
            {c: n for c, n in u.pixels.items() if c not in taken[i]},
            {k: n for k, n in u.touches.items() if not taken[i] & set(k)},
        )
        for i, u in layer.usages.items()
    }
    chains, _ = find_chains(list(rest.values()))
    wearers = {chain: {i for i, u in rest.items() if set(chain) & set(u.pixels)} for chain in chains}
    pixels = {chain: {i: sum(rest[i].pixels.get(c, 0) for c in chain) for i in wearers[chain]} for chain in chains}
    mostly = {i: max((n[i] for n in pixels.values() if i in n), default=0) for i in rest}
    main = {chain for chain in chains if all(n == mostly[i] for i, n in pixels[chain].items())}
    arts = {a.id: a for a in layer.arts}
    groups: list[list[Chain]] = []
    for chain in chains:
        for group in groups:
            if len(group[0]) != len(chain) or any(wearers[chain] & wearers[other] for other in group):
                continue
            alike = not flat and chain in main and group[0] in main
            if alike or any(_same_place(arts, chain, other, pixels) for other in group[:8]):
                group.append(chain)
                break
        else:
            groups.append([chain])
    blocks = []
    for group in groups[: MATERIALS - len(layer.blocks)]:
        name = (
            layer.id
            if not blocks and layer.id not in {b.material.group for b in layer.blocks}
            else f"{layer.id}-{len(blocks) + 1}"
        )
        total = sum(sum(pixels[chain].values()) for chain in group)
        blocks.append(Block(Material(name, name, len(group[0])), tuple(group), total, False))
    return blocks


def _same_place(arts: Mapping[str, Art], one: Chain, two: Chain, pixels: Mapping[Chain, Mapping[str, int]]) -> bool:
    """Whether the items that show most of each have the two chains at the same places, shade for shade."""
    first, second = (arts[max(sorted(pixels[c]), key=lambda i, c=c: pixels[c][i])] for c in (one, two))  # type: ignore[misc]
    hits = total = 0
    for part in first.sheets.keys() & second.sheets.keys():
        for animation in first.sheets[part].keys() & second.sheets[part].keys():
            a, b = _shade_of(first.sheets[part][animation], one), _shade_of(second.sheets[part][animation], two)
            hits += int(((a > 0) & (a == b)).sum())
            total += max(int((a > 0).sum()), int((b > 0).sum()))
    return total > 0 and hits / total >= SAME_PLACE


def _shade_of(codes: np.ndarray[tuple[int, ...], np.dtype[np.int32]], chain: Chain) -> Planes:
    """Shade from 1, 0 for other colours."""
    out = np.zeros(codes.shape, np.uint8)
    for i, c in enumerate(chain):
        out[codes == c] = i + 1
    return out


def _scheme(layer: _Layer, reach: float) -> LayerScheme:
    """Slots for the layer as its blocks are now."""
    ramps, ramp_of = _named_ramps(layer.blocks)
    per_item: dict[str, dict[str, Ramp]] = {}
    for art in layer.arts:
        used = layer.usages[art.id].pixels
        mine = dict(layer.declared[art.id])
        for block in layer.blocks:
            best = max(block.ramps, key=lambda chain: sum(used.get(c, 0) for c in chain), default=())
            if set(best) & set(used):
                mine[block.material.group] = ramp_of[best]
        per_item[art.id] = {b.material.group: mine[b.material.group] for b in layer.blocks if b.material.group in mine}
    left = {
        i: {
            c: n
            for c, n in layer.usages[i].pixels.items()
            if c not in {code(x) for r in mine.values() for x in r.colours}
        }
        for i, mine in per_item.items()
    }
    slots = _share(left, reach)
    materials = tuple(b.material for b in layer.blocks)
    items: dict[str, ItemScheme] = {}
    for i, mine in per_item.items():
        classes: dict[int, int] = {}
        base = 1
        for m in materials:
            if m.group in mine:
                classes.update({base + s: code(c) for s, c in enumerate(mine[m.group].colours)})
            base += m.shades
        own = {n: c for n, slot in enumerate(slots) for c in slot if c in left[i]}
        classes.update({base + n: c for n, c in own.items()})
        fixed = tuple(own.get(n, slots[n][0]) for n in range(max(own, default=-1) + 1))
        items[i] = ItemScheme(classes, mine, fixed)
    return LayerScheme(materials, len(slots), items, ramps)


def _named_ramps(blocks: Sequence[Block]) -> tuple[tuple[Ramp, ...], dict[Chain, Ramp]]:
    """The found ramps, named by their colour."""
    ramps: list[Ramp] = []
    of: dict[Chain, Ramp] = {}
    for block in blocks:
        taken: dict[str, int] = {}
        for chain in block.ramps:
            word = colour_name(chain)
            taken[word] = taken.get(word, 0) + 1
            name = word if taken[word] == 1 else f"{word}-{taken[word]}"
            of[chain] = Ramp(
                name, block.material.kind, name.replace("-", " ").capitalize(), tuple(rgb(c) for c in chain)
            )
            ramps.append(of[chain])
    return tuple(ramps), of


def _share(left: Mapping[str, Mapping[int, int]], reach: float) -> list[list[int]]:
    """Fixed slots, each with the colours that share it: no two of them in one item, none further apart than `reach`."""
    total: dict[int, int] = {}
    wearers: dict[int, set[str]] = {}
    for i, colours in left.items():
        for c, n in colours.items():
            total[c] = total.get(c, 0) + n
            wearers.setdefault(c, set()).add(i)
    order = sorted(total, key=lambda c: (-len(wearers[c]), -total[c], c))
    lab = dict(zip(order, oklab(order), strict=True)) if order else {}
    slots: list[list[int]] = []
    worn: list[set[str]] = []
    for c in order:
        free = [
            (float(np.linalg.norm(lab[c] - lab[slot[0]])), n)
            for n, slot in enumerate(slots)
            if not worn[n] & wearers[c]
        ]
        distance, n = min(free, default=(np.inf, -1))
        if distance <= reach:
            slots[n].append(c)
            worn[n] |= wearers[c]
        else:
            slots.append([c])
            worn.append(set(wearers[c]))
    return slots


def classes_of(codes: np.ndarray[tuple[int, ...], np.dtype[np.int32]], classes: Mapping[int, int]) -> Planes:
    """uint8 of the same shape: the class of every pixel, 0 where clear. Raises PackError for a colour without a class."""
    colours = {c: n for n, c in sorted(classes.items(), reverse=True)}  # a colour of two materials belongs to the first
    known = np.array(sorted(colours), np.int32)
    at = np.searchsorted(known, codes)
    at = np.minimum(at, len(known) - 1)
    if ((known[at] != codes) & (codes != CLEAR)).any():
        raise PackError("a colour has no slot", hint="this is a fault of the pack reader: please report it")
    table = np.array([colours[int(c)] for c in known], np.uint8)
    result: Planes = np.where(codes == CLEAR, 0, table[at]).astype(np.uint8)
    return result
