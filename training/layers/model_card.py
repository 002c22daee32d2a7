"""MODEL_CARD.md: what a bundle is, whose art it learned from, how it was trained and how good it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from training.packs.neutral import Pack
from vcg_bridge.contract.manifest import Manifest


def model_card(pack: Pack, manifest: Manifest) -> str:
    """The card as Markdown, made from `manifest.training` alone: the figures are those that the bundle carries."""
    training: Any = manifest.training
    return "\n".join(
        [
            _head(pack, manifest),
            _exactness(training),
            _between(training["reconstruction"]["mixtures"]),
            *([_evaluation(training["evaluation"])] if training.get("evaluation") else []),
            *([_controls(manifest, training["controls"])] if manifest.controls else []),
            _training(training),
        ]
    )


def _head(pack: Pack, manifest: Manifest) -> str:
    return f"""# {manifest.title} ({manifest.name} {manifest.version})

Draws game characters layer by layer: {len(manifest.layers)} layers, {len(manifest.items)} items, {len(manifest.animations)} animations, frames of
{manifest.frame_size} x {manifest.frame_size} pixels.

Licence: {manifest.licence}. {manifest.attribution}
Trained only on: {pack.title}. {pack.source}
Who drew what: CREDITS.csv. A product that shows characters from this bundle must carry those credits.
"""


def _exactness(training: Mapping[str, Any]) -> str:
    found = training["reconstruction"]
    rows = "\n".join(
        f"| {k} | {v['exact_slots']:.2%} | {v['alpha']:.3%} | {v['images']:,} | {v['gflop']:.3f} |"
        for k, v in found["groups"].items()
    )
    return f"""## How exactly it redraws the art it was trained on
Exact: foreground pixels in exactly the right palette slot, over all poses the art has, from the files of this bundle. Alpha: pixels of the whole frame
rightly opaque or transparent. These are training drawings: they say how faithful the items are, not how good mixtures are.

| group | exact slots | alpha | images seen | GFLOP a view |
|---|---|---|---|---|
{rows}
| **all** | **{found["exact_slots"]:.2%}** | **{found["alpha"]:.3%}** | {training["images"]:,} | |
"""


def _between(mixtures: Mapping[str, Mapping[str, float]]) -> str:
    rows = "\n".join(
        f"| {k} | {v['strange']:.1%} | {v['floor']:.1%} | {v['copies']:.1%} | {v['distance']:.1%} |"
        for k, v in mixtures.items()
    )
    return f"""## What lies between items (novelty above 0), by group
Mixtures of 30 to 50 percent of another item. Strange: 3x3 patterns that occur nowhere in the art, beside the share that an item has against all other
items (the floor that new art would have). Copies: mixtures that equal a drawing of the art. Distance: pixels that differ from the nearest item, relative to
its size. Of drawings as the network gives them, before characters are cleaned of specks.

| group | strange | floor | copies | distance |
|---|---|---|---|---|
{rows}
"""


def _evaluation(found: Mapping[str, Any]) -> str:
    columns = list(found["figures"])
    titles = list(dict.fromkeys(title for column in columns for title in found["figures"][column]))
    rows = "\n".join(
        f"| {title} | " + " | ".join(_number(found["figures"][c].get(title)) for c in columns) + " |"
        for title in titles
    )
    return f"""## Evaluation
`{found["command"]}`: {found["samples"]:,} samples of each kind, seed {found["seed"]}, features {found["features_sha256"][:12]}. What each figure means and what is
good: docs/evaluation.md. Shares are 0 to 1.

| figure | {" | ".join(columns)} |
|---{"|---" * len(columns)}|
{rows}
"""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _controls(manifest: Manifest, measured: Mapping[str, Mapping[str, float]]) -> str:
    rows = "\n".join(
        f"| {c.key} | {c.low} ... {c.high} | {len(c.items)} | {measured[c.key]['effect']:.2f} | {measured[c.key]['agreement']:.0%} | "
        f"![{c.key}]({picture_of(c.layer, c.id)}) |"
        for c in manifest.controls
    )
    return f"""## Controls
Directions in style space that were found without labels (closed-form factorisation) and named by what they were measured to do. Effect: mean change
from the middle to an end, in standard deviations between the items. Agreement: items that follow.

| control | ends | items | effect | agreement | from low to high |
|---|---|---|---|---|---|
{rows}
"""


def picture_of(layer: str, control: str) -> str:
    """File name of a control's strip picture in the bundle."""
    return f"control-{layer}-{control}.png"


def _training(training: Mapping[str, Any]) -> str:
    config = training["config"]
    adversary = (
        f"an adversary ({config['gan_loss']} loss, {config['gan_penalty']} penalty, judge: {config['gan_judge']}) took part in the last "
        f"{config['gan_share']:.0%} of training"
        if config["gan_share"] > 0
        else "no adversary took part in training"
    )
    machine = "".join(f" On {training['machine']}." if training.get("machine") else "")
    hours = f" {training['process_hours']:.1f} process hours in all." if training.get("process_hours") else ""
    return f"""## Training
`{training.get("command") or "python -m training train"}` with the configuration below, then `python -m training export`;
{adversary}.{machine}{hours}

```json
{json.dumps(config, indent=1)}
```
"""
