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
from training.evaluation.clarity import Clarity, clarity, exact, strange_floor
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
from training.evaluation.train_features import Recipe
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
    judge: InDomain


@dataclass(frozen=True, eq=False)
class Scope:
    """The real drawings that samples of some modes are compared with, and the pairs that are drawn."""

    reals: Set
    pairs: Mapping[str, Ints]


def evaluate(
    pack: Pack,
    pack_dir: Path,
    pack_sha256: str,
    subject: Subject,
    settings: Settings,
    said: Said,
    inception: Inception | None = None,
    recipe: Recipe | None = None,
) -> Evaluation:
    """Measure `subject` on the pack. Deterministic by settings.seed on one machine."""
    said("features", 0.0)
    judge = in_domain(pack, pack_dir, pack_sha256, recipe, lambda share: said("training the feature network", share))
    spaces = [judge.space, random_space(pack)]
    said("redrawing the art", 0.1)
    figures: dict[str, Any] = _header(subject, pack_sha256, settings, spaces, judge, inception)
    figures["exact"] = _exactness(exact(subject, pack.frame_size**2, settings.exact_every))
    figures["modes"], figures["baselines"], figures["groups"] = {}, {}, {}
    shown: list[Shown] = []
    baselines: Mapping[str, Set] = {}
    modes = [m for m in settings.modes if m == "items" or _varied(subject)]
    for k, mode in enumerate(modes):
        share = 0.2 + 0.8 * k / len(modes)
        scope = _scope(subject, mode, settings)
        said(f"{mode}: drawing", share)
        drawn = sets.samples(subject, scope.pairs, mode, settings.seed)
        found = audit(subject, drawn)
        shown.append(Shown(mode, drawn, found))
        said(f"{mode}: measuring", share)
        figures["modes"][mode] = _mode(pack, subject, settings, scope, drawn, found, spaces, inception)
        said(f"{mode}: following codes over views", share)
        figures["modes"][mode]["consistency"] = _plain(
            consistency(pack, subject, judge, mode, settings.codes, settings.seed)
        )
        if not baselines and mode != "items":
            said("baselines", share)
            baselines = {
                "copying": sets.copied(subject, scope.pairs, settings.seed),
                "mixing pixels": sets.mixed_pixels(subject, scope.pairs, settings.seed),
            }
            for name, planes in baselines.items():
                figures["baselines"][name] = _mode(
                    pack, subject, settings, scope, planes, audit(subject, planes), spaces, inception
                )
            figures["art"] = _art(pack, subject, scope, spaces[0], settings)
    said("done", 1.0)
    return Evaluation(figures, tuple(shown), baselines, judge)


def pooled_features(pack: Pack, subject: Subject, drawn: Set, space: Space) -> Features:
    """Features of a whole set, in its order."""
    parts = [space(render(palettes(pack, subject.groups[name].data), x.planes, x.item)) for name, x in drawn.items()]
    return np.concatenate(parts)


def _varied(subject: Subject) -> bool:
    return any(len(group.data.mixable) for group in subject.groups.values())


def _scope(subject: Subject, mode: str, settings: Settings) -> Scope:
    reals = sets.real(subject, mode)
    return Scope(reals, sets.matched(reals, settings.samples, settings.seed))


def _header(
    subject: Subject,
    pack_sha256: str,
    settings: Settings,
    spaces: list[Space],
    judge: InDomain,
    inception: Inception | None,
) -> dict[str, Any]:
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
            **{space.name: space.sha256 for space in spaces},
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


def _mode(
    pack: Pack,
    subject: Subject,
    settings: Settings,
    scope: Scope,
    drawn: Set,
    found: Audit,
    spaces: list[Space],
    inception: Inception | None,
) -> dict[str, Any]:
    """All figures of one set of drawings against the real ones of its scope."""
    result: dict[str, Any] = {
        "n": sum(len(x) for x in drawn.values()),
        "clarity": _plain(clarity(pack, subject, drawn)),
        "copies": asdict(found.summed()),
        "realism": {},
    }
    groups: dict[str, dict[str, Any]] = {name: {"n": len(x)} for name, x in drawn.items()}
    for space in spaces:
        real, fake = (pooled_features(pack, subject, x, space) for x in (scope.reals, drawn))
        figures = asdict(realism(real, fake))
        figures["floors"] = {
            "drawings": _floor_json(by_drawings(real, fake, settings.floor_seeds, settings.seed, len(scope.reals))),
            "items": _floor_json(
                by_items(real, fake, _keys(scope.reals), _keys(drawn, scope.reals), settings.floor_seeds, settings.seed)
            ),
        }
        result["realism"][space.name] = figures
        for name in drawn:
            mine, theirs = (f[_numbers(x, name)] for f, x in ((fake, drawn), (real, scope.reals)))
            if min(len(mine), len(theirs)) >= GROUP_FROM:
                groups[name][f"kernel {space.name}"] = kernel(theirs, mine)
        if space is spaces[0]:
            art = {name: scope.reals[name] for name in drawn}
            result["diversity"] = asdict(diversity(drawn, fake, art, settings.seed))
    if inception:
        result["fid"] = inception.distance(pack, subject, scope.reals, drawn)
    at = 0
    for name, x in drawn.items():
        distance = found.distance[at : at + len(x)]
        at += len(x)
        groups[name] |= {"copies": float((distance == 0).mean()), "distance": float(distance.mean())}
    result["groups"] = groups
    return result


def _art(pack: Pack, subject: Subject, scope: Scope, space: Space, settings: Settings) -> dict[str, Any]:
    """The same figures of the real drawings themselves: what to read the samples' beside."""
    measured = clarity(pack, subject, scope.reals)
    floors = {name: strange_floor(subject.groups[name]) for name in scope.reals}
    weights = {name: len(x) for name, x in scope.reals.items() if floors[name] is not None}
    floors["all"] = sum((floors[k] or 0.0) * w for k, w in weights.items()) / max(sum(weights.values()), 1)
    return {
        "n": sum(len(x) for x in scope.reals.values()),
        "clarity": {
            name: asdict(Clarity(c.edges, c.orphans, floors[name] or 0.0, c.stray)) for name, c in measured.items()
        },
        "diversity": asdict(
            diversity(scope.reals, pooled_features(pack, subject, scope.reals, space), scope.reals, settings.seed)
        ),
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
