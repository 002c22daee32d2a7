"""From a plain folder of art, layered or flat, to the neutral pack: the steps of `prepare` in their order."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from training.packs.archetypes import expand_archetypes
from training.packs.credit_rules import credit_items
from training.packs.folder import FolderArt, layer_rule, scan_folder
from training.packs.groups import make_groups, missing_report, parts_of, views_report
from training.packs.neutral import Credit, Group, Pack, PackItem, PackLayer
from training.packs.pack_yaml import YAML_FILE, FolderLayer, FolderRules, default_rules, load_yaml
from training.packs.quantise import Quantised, quantise
from training.packs.scheme import LayerScheme, classes_of, schemes
from training.packs.sheets import Art
from training.packs.slots import Drawn, ItemColours, rgb
from vcg_bridge.contract.errors import PackError
from vcg_bridge.contract.fields import SLUG
from vcg_bridge.contract.manifest import PARTS, Animation, Archetype, LayerOdds, Ramp
from vcg_bridge.contract.manifest_parse import BODY_LAYER, MAX_LOGITS

MOST_ARCHETYPES = 200  # of a flat pack: one per character, so that each can be asked for as it is drawn
ANY = "any"


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    licence: str = ""
    attribution: str = ""
    name: str = ""
    colours: int = 0  # reduce the art to so many; 0: as it is
    strict: bool = False


@dataclass(frozen=True)
class Reading:
    """A pack, the frames it was made of, and the art before its colours were reduced."""

    pack: Pack
    drawn: tuple[Drawn, ...]
    original: tuple[Art, ...]  # () where nothing was reduced


def read_folder(folder: Path, options: Options, progress: Callable[[str], None] = lambda _: None) -> Reading:
    """Read a layered or flat folder. Raises PackError for the first thing that is wrong with it as a whole."""
    file = folder / YAML_FILE
    rules = load_yaml(file) if file.is_file() else default_rules(folder.resolve().name)
    found = scan_folder(folder, rules, options.strict, progress)
    licence = options.licence or rules.licence
    if not licence:
        raise PackError(
            f"{folder} does not say under which licence the art is",
            hint=f'say `licence:` in {YAML_FILE}, or give --licence "CC0 1.0" (whatever it is): it goes into everything made from it',
        )
    _check_bodies(rules, found.arts)
    reduced: Quantised | None = None
    arts = found.arts
    if options.colours:
        progress("reducing colours")
        arts, reduced = quantise(arts, options.colours)
    progress("colours")
    slots = schemes(arts, rules)
    drawn = tuple(_drawn(a, slots[a.layer.id]) for a in arts)
    animations = tuple(
        Animation(s.id, s.title, s.frames, s.fps, s.loop, s.directions, s.frame_names) for s in rules.strips
    )
    shared = [layer_rule(x, found.size) for x in rules.layers]
    groups, poses = make_groups(drawn, shared, {k: s.slots + 1 for k, s in slots.items()}, animations, progress)
    _check_size(groups)
    credits, keys, lacking = credit_items(folder, rules, arts, licence, options.attribution or rules.attribution)
    ramps = tuple(r for known in rules.ramps.values() for r in known) + tuple(
        r for s in slots.values() for r in s.ramps
    )
    kinds = {x.id: x for x in rules.layers}
    items = tuple(_item(d, kinds[d.art.layer.id], slots, keys, animations) for d in drawn)
    archetypes, unmatched = _archetypes(rules, items, slots, ramps)
    name = options.name or rules.name
    if not SLUG.fullmatch(name):
        raise PackError(f"{name!r} is no name for a pack", hint="use small letters, digits and dashes")
    pack = Pack(
        name=name,
        title=rules.title,
        licence=licence,
        attribution=options.attribution or rules.attribution or _attribution(rules, credits, licence),
        source=rules.source,
        frame_size=found.size,
        animations=animations,
        layers=tuple(
            PackLayer(
                x.id, x.title, x.required, x.frame_size, slots[x.id].materials, slots[x.id].fixed, parts_of(x, drawn)
            )
            for x in shared
        ),
        items=items,
        ramps=ramps,
        archetypes=archetypes,
        credits=credits,
        groups=groups,
        poses=poses,
        report={
            **_report(found, drawn, groups, animations, reduced),
            "without_own_credit": lacking,
            "archetype_patterns_without_match": list(unmatched),
        },
    )
    return Reading(pack, drawn, found.arts if reduced else ())


def _drawn(art: Art, slots: LayerScheme) -> Drawn:
    scheme = slots.items[art.id]
    planes = {
        part: {animation: classes_of(codes, scheme.classes) for animation, codes in sheets.items()}
        for part, sheets in art.sheets.items()
    }
    used = frozenset(int(c) for c in scheme.classes.values())
    fixed = dict.fromkeys(scheme.fixed, 0)
    return Drawn(art, ItemColours(scheme.ramps, fixed, used), scheme.classes, planes, ())


def _item(
    d: Drawn,
    layer: FolderLayer,
    slots: Mapping[str, LayerScheme],
    keys: Mapping[tuple[str, str], tuple[str, ...]],
    animations: Sequence[Animation],
) -> PackItem:
    scheme = slots[layer.id].items[d.art.id]
    kinds = (kind for kind, patterns in layer.kinds.items() if any(fnmatch.fnmatchcase(d.art.id, p) for p in patterns))
    return PackItem(
        id=d.art.id,
        layer=layer.id,
        title=d.art.title,
        kind=next(kinds, layer.id),
        body=d.art.body,
        ramps={group: ramp.id for group, ramp in scheme.ramps.items()},
        fixed=tuple(rgb(c) for c in scheme.fixed),
        parts=tuple(p for p in PARTS if p in d.planes),
        drawn=tuple(a.id for a in animations if a.id in d.art.poses()),
        credits=keys[layer.id, d.art.id],
    )


def _archetypes(
    rules: FolderRules, items: tuple[PackItem, ...], slots: Mapping[str, LayerScheme], ramps: tuple[Ramp, ...]
) -> tuple[tuple[Archetype, ...], tuple[str, ...]]:
    """(archetypes, patterns that match nothing). A pack always has one; in a flat one each character is one, too."""
    layers = {
        x.id: LayerOdds(x.chance, {i.id: 1.0 for i in items if i.layer == x.id}) for x in rules.layers if x.chance > 0
    }
    if rules.archetypes:
        groups = {m.group: m.kind for s in slots.values() for m in s.materials}
        required = frozenset(x.id for x in rules.layers if x.required)
        usual = {x.id: (x.chance, {"*": 1.0}) for x in rules.layers}
        said = [replace(a, layers={**usual, **a.layers}) for a in rules.archetypes]
        return expand_archetypes(said, items, ramps, groups, required)
    anyone = Archetype(ANY, "Any", f"Anything that {rules.title} has, in any of its colours.", layers, {})
    if not rules.flat or len(items) > MOST_ARCHETYPES:
        return (anyone,), ()
    own = tuple(
        Archetype(
            f"{i.id}-as-drawn" if i.id == ANY else i.id,
            i.title,
            "In the colours it is drawn in.",
            {i.layer: LayerOdds(1.0, {i.id: 1.0})},
            {group: {ramp: 1.0} for group, ramp in i.ramps.items()},
        )
        for i in items
    )
    return (anyone, *own), ()


def _attribution(rules: FolderRules, credits: Sequence[Credit], licence: str) -> str:
    names = list(dict.fromkeys(a for c in credits for a in c.artists))
    by = f" by {', '.join(names[:4])}{' and others' if len(names) > 4 else ''}" if names else ""
    return f"Characters drawn by a model of the art of {rules.title}{by}, {licence}; see the credits file."


def _check_bodies(rules: FolderRules, arts: Sequence[Art]) -> None:
    bodies = {a.body for a in arts if a.layer.id == BODY_LAYER and a.body}
    for a in arts:
        if a.body and a.body not in bodies:
            raise PackError(
                f"{a.folder} is made for body {a.body!r}, and the layer {BODY_LAYER!r} has none of that body",
                hint=f"put a body into {BODY_LAYER}/{a.body}/",
            )


def _check_size(groups: Sequence[Group]) -> None:
    for g in groups:
        if g.classes * g.height * g.width > MAX_LOGITS:
            raise PackError(
                f"{g.id} is drawn in {g.width}x{g.height} pixels and {g.classes} colours: that is more than a network may have "
                f"(colours x width x height up to {MAX_LOGITS})",
                hint="use smaller frames, or fewer colours (`--colours`)",
            )


def _report(
    found: FolderArt,
    drawn: tuple[Drawn, ...],
    groups: tuple[Group, ...],
    animations: tuple[Animation, ...],
    reduced: Quantised | None,
) -> dict[str, object]:
    return {
        "skipped": [vars(x) for x in found.skipped],
        "other_files": list(found.other),
        "faint_pixels": {file: {"dropped": dropped, "kept": kept} for file, (dropped, kept) in found.faint.items()},
        "without_transparency": list(found.opaque),
        "reduced_colours": vars(reduced) if reduced else None,
        "missing": missing_report(drawn, animations),
        "views": views_report(groups),
    }
