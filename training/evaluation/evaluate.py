"""One evaluation: draw, measure, and gather everything the table, the JSON and the page show."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from training.evaluation import sets
from training.evaluation.clarity import clarity, exact, known_patterns, strange_floor
from training.evaluation.consistency import consistency
from training.evaluation.copies import Audit, audit
from training.evaluation.distances import NEIGHBOURS, kernel, realism
from training.evaluation.diversity import diversity
from training.evaluation.features_file import FEATURES_VERSION, InDomain, in_domain, random_space
from training.evaluation.floors import by_drawings, by_items
from training.evaluation.inception import Inception
from training.evaluation.network import Features, Space
from training.evaluation.render import palettes, render
from training.evaluation.sets import Ints, Set
from training.evaluation.subject import Subject
from training.layers.exactness import Exactness
from training.layers.sampling import MODES
from training.packs.neutral import Pack

RESULTS_FORMAT = 1
"""Of the JSON. 1: first."""

LEAST_SAMPLES = 4096
"""Figures of fewer samples are marked as quick: they are not to be quoted."""

GROUP_FROM = 50
"""Samples that a group needs for a kernel distance of its own."""

Said = Callable[[str, float], None]
"""What is being done, and which share of it is."""


@dataclass(frozen=True)
class Settings:
    """How an evaluation is done."""

    samples: int = LEAST_SAMPLES
    seed: int = 0
    floor_seeds: int = 5
    codes: int = 48  # codes per group that are followed over their views
    modes: tuple[str, ...] = MODES
    exact_every: int = 1  # of the art's drawings, each how many-th is redrawn
    quick: bool = False


QUICK = Settings(samples=1024, floor_seeds=2, codes=16, modes=("mixtures",), exact_every=4, quick=True)


@dataclass(frozen=True, eq=False)
class Shown:
    """What the page's pictures are made of: the samples of one mode and their audit."""

    mode: str
    drawn: Set
    audit: Audit


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Figures, ready for JSON, and what the pictures are made of."""

    figures: dict[str, Any]
    shown: tuple[Shown, ...]
    baselines: Mapping[str, Set]
    known: Mapping[str, Ints]  # of clarity.known_patterns


@dataclass(frozen=True, eq=False)
class Scope:
    """The real drawings that samples of some modes are compared with, and the pairs that are drawn."""

    reals: Set
    pairs: Mapping[str, Ints]
    features: Mapping[str, Features]  # name of the space -> features of `reals`, pooled


@dataclass(frozen=True, eq=False)
class Bench:
    """What all measurements of one evaluation share."""

    pack: Pack
    subject: Subject
    settings: Settings
    judge: InDomain
    spaces: tuple[Space, ...]
    known: Mapping[str, Ints]
    inception: Inception | None


def evaluate(
    pack: Pack,
    pack_dir: Path,
    pack_sha256: str,
    subject: Subject,
    settings: Settings,
    said: Said,
    inception: Inception | None = None,
) -> Evaluation:
    """Measure `subject` on the pack. Deterministic by settings.seed on one machine."""
    said("features", 0.0)
    judge = in_domain(pack, pack_dir, pack_sha256, said=lambda share: said("training the feature network", share))
    spaces = (judge.space, random_space(pack))
    bench = Bench(pack, subject, settings, judge, spaces, known_patterns(subject), inception)
    said("redrawing the art", 0.1)
    figures: dict[str, Any] = _header(bench, pack_sha256)
    figures |= {"exact": _exactness(exact(subject, settings.exact_every)), "modes": {}, "baselines": {}}
    shown: list[Shown] = []
    baselines: dict[str, Set] = {}
    modes = [m for m in settings.modes if m == "items" or any(len(g.data.mixable) for g in subject.groups.values())]
    scopes: dict[bool, Scope] = {}  # all modes but `items` are of the same items
    for k, mode in enumerate(modes):
        share = 0.2 + 0.8 * k / len(modes)
        said(f"{mode}: drawing", share)
        scope = scopes[mode == "items"] = scopes.get(mode == "items") or _scope(bench, mode)
        drawn = sets.samples(subject, scope.pairs, mode, settings.seed)
        found = audit(subject, drawn)
        shown.append(Shown(mode, drawn, found))
        said(f"{mode}: measuring", share)
        figures["modes"][mode] = _mode(bench, scope, drawn, found)
        said(f"{mode}: following codes over views", share)
        figures["modes"][mode]["consistency"] = _plain(
            consistency(pack, subject, judge, mode, settings.codes, settings.seed)
        )
    if False in scopes:
        said("baselines", 0.9)
        scope = scopes[False]
        baselines["copying"] = sets.copied(subject, scope.pairs, settings.seed)
        baselines["mixing pixels"] = sets.mixed_pixels(subject, scope.pairs, settings.seed)
        for name, planes in baselines.items():
            figures["baselines"][name] = _mode(bench, scope, planes, audit(subject, planes))
        figures["art"] = _art(bench, scope)
    said("done", 1.0)
    return Evaluation(figures, tuple(shown), baselines, bench.known)


def pooled_features(pack: Pack, subject: Subject, drawn: Set, space: Space) -> Features:
    """Features of a whole set, in its order."""
    parts = [space(render(palettes(pack, subject.groups[name].data), x.planes, x.item)) for name, x in drawn.items()]
    return np.concatenate(parts)


def _scope(bench: Bench, mode: str) -> Scope:
    reals = sets.real(bench.subject, mode)
    pairs = sets.matched(reals, bench.settings.samples, bench.settings.seed)
    features = {space.name: pooled_features(bench.pack, bench.subject, reals, space) for space in bench.spaces}
    return Scope(reals, pairs, features)


def _header(bench: Bench, pack_sha256: str) -> dict[str, Any]:
    subject, settings, judge, inception = bench.subject, bench.settings, bench.judge, bench.inception
    return {
        "format": RESULTS_FORMAT,
        "quick": settings.quick or settings.samples < LEAST_SAMPLES,
        "settings": asdict(settings),
        "subject": {
            "kind": subject.kind,
            "name": subject.name,
            "sha256": subject.sha256,
            "groups": len(subject.groups),
            "not_begun": list(subject.missing),
        },
        "pack_sha256": pack_sha256,
        "features": {
            "version": FEATURES_VERSION,
            "source": judge.source,
            "recipe": asdict(judge.recipe),
            **{space.name: space.sha256 for space in bench.spaces},
            **({"inception": inception.sha256} if inception else {}),
        },
        "neighbours": NEIGHBOURS,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
    }


def _exactness(found: Mapping[str, Mapping[str, Exactness]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for part in ("seen", "heldout"):
        rows = {name: x[part] for name, x in found.items() if part in x}
        if rows:
            total = sum(rows.values(), Exactness(0, 0, 0, 0))
            result[part] = {
                name: {"exact_slots": x.exact_share, "alpha": x.alpha_share}
                for name, x in {**rows, "all": total}.items()
            }
    return result


def _mode(bench: Bench, scope: Scope, drawn: Set, found: Audit) -> dict[str, Any]:
    """All figures of one set of drawings against the real ones of its scope."""
    seeds, seed = bench.settings.floor_seeds, bench.settings.seed
    result: dict[str, Any] = {
        "n": sum(len(x) for x in drawn.values()),
        "clarity": _plain(clarity(bench.pack, bench.subject, drawn, bench.known)),
        "copies": asdict(found.summed()),
        "realism": {},
    }
    groups: dict[str, dict[str, Any]] = {name: {"n": len(x)} for name, x in drawn.items()}
    for space in bench.spaces:
        real, fake = scope.features[space.name], pooled_features(bench.pack, bench.subject, drawn, space)
        halves = by_drawings(real, fake, seeds, seed, len(scope.reals))
        items = by_items(real, fake, _keys(scope.reals), _keys(drawn, scope.reals), seeds, seed)
        result["realism"][space.name] = {
            **asdict(realism(real, fake)),
            "floors": {"drawings": _floor_json(halves), "items": _floor_json(items)},
        }
        for name in drawn:
            mine, theirs = fake[_numbers(drawn, name)], real[_numbers(scope.reals, name)]
            if min(len(mine), len(theirs)) >= GROUP_FROM:
                groups[name][f"kernel {space.name}"] = kernel(theirs, mine)
        if space is bench.spaces[0]:
            art = {name: scope.reals[name] for name in drawn}
            result["diversity"] = asdict(diversity(drawn, fake, art, seed))
    if bench.inception:
        result["fid"] = bench.inception.distance(bench.pack, bench.subject, scope.reals, drawn)
    for name in drawn:
        distance = found.distance[_numbers(drawn, name)]
        groups[name] |= {"copies": float((distance == 0).mean()), "distance": float(distance.mean())}
    result["groups"] = groups
    return result


def _art(bench: Bench, scope: Scope) -> dict[str, Any]:
    """The same figures of the real drawings themselves: what to read the samples' beside."""
    measured = clarity(bench.pack, bench.subject, scope.reals, bench.known)
    floors = {name: strange_floor(bench.subject.groups[name]) for name in scope.reals}
    weights = {name: len(x) for name, x in scope.reals.items() if floors[name] is not None}
    floors["all"] = sum((floors[k] or 0.0) * w for k, w in weights.items()) / max(sum(weights.values()), 1)
    space = bench.spaces[0].name
    return {
        "n": sum(len(x) for x in scope.reals.values()),
        "clarity": {name: {**asdict(c), "strange": floors[name]} for name, c in measured.items()},
        "diversity": asdict(diversity(scope.reals, scope.features[space], scope.reals, bench.settings.seed)),
    }


def _keys(drawn: Set, order: Set | None = None) -> Ints:
    """[n, 2]: (number of the group in `order`, item) of every drawing of a pooled set."""
    number = {name: k for k, name in enumerate(order or drawn)}
    return np.concatenate([np.stack([np.full(len(x), number[name]), x.item], 1) for name, x in drawn.items()])


def _numbers(drawn: Set, name: str) -> slice:
    """Where a group's drawings are in the pooled set."""
    start = 0
    for other, x in drawn.items():
        if other == name:
            return slice(start, start + len(x))
        start += len(x)
    raise KeyError(name)


def _floor_json(floor: Any) -> dict[str, Any] | None:
    return None if floor is None else {k: v._asdict() if hasattr(v, "_asdict") else v for k, v in vars(floor).items()}


def _plain(found: Mapping[str, Any]) -> dict[str, Any]:
    """Dataclasses in a tree of mappings as dictionaries."""
    return {k: _plain(v) if isinstance(v, Mapping) else asdict(v) for k, v in found.items()}
