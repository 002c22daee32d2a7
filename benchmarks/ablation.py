#!/usr/bin/env python3
"""What the encoder, the prior and the adversary each bring: the same group, budget and seeds, one thing changed at a time.

    python benchmarks/ablation.py PACK_FOLDER --out runs/ablation [--group hair] [--kimg 80] [--seeds 0,1] [--arms "encoder;encoder, adversary"]

A quarter of the items is kept from training entirely, and a tenth of the drawings of the others. So it can be asked what matters: do samples
look like art that the network never saw? `unseen` is the kernel distance of samples to the drawings of those items, divided by the same distance
for the items trained on: 1 means that a sample is as near to unseen art as trained art is; pure noise is far above it.

Every arm of every seed is a line of OUT/GROUP.jsonl; those that are there are not run again. The table is OUT/GROUP.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from training.config import TrainConfig
from training.evaluation.clarity import edge_density, orphan_share, strange_share
from training.evaluation.distances import kernel
from training.evaluation.features_file import in_domain
from training.evaluation.network import Space
from training.evaluation.render import palettes, render
from training.files import write_text
from training.layers.data import GroupData, group_data
from training.layers.exactness import Draw, exactness, torch_draw
from training.layers.novelty import patterns
from training.layers.sampling import sample
from training.layers.scenes import Scenes
from training.layers.trainer import GroupTrainer
from training.packs.neutral import Pack, load_pack
from training.run import pack_sha256

LEARNED: dict[str, object] = {"codes": "learned", "gan_share": 0.0}
ENCODER: dict[str, object] = {"codes": "encoder", "code_noise": 0.2, "gan_share": 0.0}
ADVERSARY: dict[str, object] = ENCODER | {"gan_share": 0.4}  # what the kit does by default
ARMS: dict[str, dict[str, object]] = {
    "learned codes": LEARNED | {"code_noise": 0.0},
    "learned, noise 0.5": LEARNED | {"code_noise": 0.5},  # bundle 1.0.0
    "learned, noise 0.5, adversary": LEARNED | {"code_noise": 0.5, "gan_share": 0.4},
    "encoder": ENCODER,
    "encoder, adversary": ADVERSARY,
    "... non-saturating, R1": ADVERSARY | {"gan_loss": "nonsaturating", "gan_penalty": "r1"},
    "... weight 1": ADVERSARY | {"gan_weight": 1.0},
    "... on mixtures": ADVERSARY | {"gan_fakes": "mixtures"},
    "... judge of characters": ADVERSARY | {"gan_judge": "character"},
}
MODES = ("mixtures", "around", "prior")
SAMPLES = 1500
console = Console()


def run_arm(pack: Pack, group: str, config: TrainConfig, space: Space, name: str) -> dict[str, object]:
    """Train one arm and measure it."""
    data = group_data(pack, group, config.seed, config.heldout, config.heldout_items)
    scenes = Scenes(pack, group, config.seed) if config.gan_judge == "character" else None
    trainer = GroupTrainer(data, config, scenes=scenes)
    since, judged = time.monotonic(), []
    for _ in track(range(trainer.steps), description=f"{name}, seed {config.seed}", console=console, transient=True):
        scalars = trainer.step()
        if "d/real" in scalars:
            judged.append((scalars["d/real"] + scalars["d/fake"]) / 2)
    draw = torch_draw(trainer.ema.eval())
    result: dict[str, object] = {
        "arm": name,
        "seed": config.seed,
        "seconds": round(time.monotonic() - since),
        "exact": exactness(data, trainer.ema_codes, data.pairs, draw).exact_share,
        "completed": exactness(data, trainer.ema_codes, data.heldout, draw).exact_share,
        "judge": float(np.mean(judged[-100:])) if judged else None,
    }
    for mode in MODES:
        result[mode] = measure(pack, data, trainer.ema_codes, draw, mode, space, config.seed)
    return result


def measure(
    pack: Pack, data: GroupData, codes: torch.Tensor, draw: Draw, mode: str, space: Space, seed: int
) -> dict[str, float]:
    """Figures of samples of one mode, beside those of unseen items."""
    colours = palettes(pack, data)
    planes = data.planes.numpy()
    unseen = data.unseen
    rng = np.random.default_rng([seed, 5])
    drawn = sample(data, codes, mode, SAMPLES, seed)
    views = unseen[rng.integers(0, len(unseen), SAMPLES), 1]
    made = np.concatenate(
        [draw(drawn.codes[i : i + 256], torch.from_numpy(views[i : i + 256])) for i in range(0, SAMPLES, 256)]
    )
    trained = np.setdiff1d(np.unique(data.mixable), data.heldout_items)
    art = trained[rng.integers(0, len(trained), SAMPLES)]
    features = {
        "made": space(render(colours, made, drawn.item)),
        "trained": space(render(colours, planes[art, views], art)),
        "unseen": space(render(colours, planes[unseen[:, 0], unseen[:, 1]], unseen[:, 0])),
    }
    near = np.array(
        [
            min((plane != planes[i, v]).sum() / max((planes[i, v] > 0).sum(), 1) for i in trained)
            for plane, v in zip(made, views, strict=True)
        ]
    )
    known = np.unique(patterns(planes[trained].reshape(-1, *planes.shape[2:]), data.classes))
    new = planes[unseen[:, 0], unseen[:, 1]]
    return {
        "unseen": kernel(features["made"], features["unseen"]) / kernel(features["trained"], features["unseen"]),
        "strange": strange_share(made, known, data.classes),
        "strange_of_unseen_art": strange_share(new, known, data.classes),
        "edges": edge_density(made) / edge_density(new),
        "orphans": orphan_share(made) / orphan_share(new),
        "copies": float((near == 0).mean()),
        "distance": float(near.mean()),
    }


def table(lines: list[dict]) -> str:
    """Means over seeds: per kind of sample unseen / orphans / copies / distance."""
    rows = []
    for arm in ARMS:
        mine = [x for x in lines if x["arm"] == arm]
        if not mine:
            continue

        def mean(name: str, mode: str = "", mine: list[dict] = mine) -> float:
            return float(np.mean([(x[mode] if mode else x)[name] for x in mine]))

        judge = f"{mean('judge'):.0%}" if mine[0]["judge"] is not None else ""
        cells = [
            f"{mean('unseen', m):.3f} / {mean('orphans', m):.2f} / {mean('copies', m):.1%} / {mean('distance', m):.2f}"
            for m in MODES
        ]
        head = [arm, str(len(mine)), f"{mean('exact'):.2%}", f"{mean('completed'):.1%}", judge]
        rows.append(f"| {' | '.join([*head, *cells])} |")
    return "\n".join([f"| arm | seeds | exact | completed | D right | {' | '.join(MODES)} |", "|---" * 8 + "|", *rows])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--group", default="hair")
    parser.add_argument("--kimg", type=int, default=80)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--arms", default=";".join(ARMS), help="separated by ;")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    pack = load_pack(wanted.pack)
    space = in_domain(pack, wanted.pack, pack_sha256(wanted.pack)).space
    wanted.out.mkdir(parents=True, exist_ok=True)
    file = wanted.out / f"{wanted.group}.jsonl"
    for seed in (int(x) for x in wanted.seeds.split(",")):
        for arm in wanted.arms.split(";"):
            lines = [json.loads(x) for x in file.read_text().splitlines()] if file.is_file() else []
            if any((x["arm"], x["seed"]) == (arm, seed) for x in lines):
                continue
            budget = {
                "seed": seed,
                "min_kimg": wanted.kimg,
                "max_kimg": wanted.kimg,
                "heldout": 0.1,
                "heldout_items": 0.25,
            }
            config = dataclasses.replace(TrainConfig(), **{**ARMS[arm], **budget})
            result = run_arm(pack, wanted.group, config, space, arm)
            with file.open("a") as out:
                out.write(json.dumps(result) + "\n")
            lines.append(result)
            write_text(wanted.out / f"{wanted.group}.md", table(lines) + "\n")
            console.print(
                f"{arm}, seed {seed}: {json.dumps({m: result[m] for m in MODES})}", highlight=False, soft_wrap=True
            )
    if file.is_file():
        console.print(table([json.loads(x) for x in file.read_text().splitlines()]), highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
