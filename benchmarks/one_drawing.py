#!/usr/bin/env python3
"""From one drawing of an item that training never saw to all its poses: how much of it comes out right.

    python benchmarks/one_drawing.py PACK_FOLDER --out runs/one-drawing [--groups hair,legs,torso] [--kimg 120]

A quarter of each group's items is held out whole. Of each, the views that most poses show (standing, from the front first) are given, and all
other views are compared with the art. Rows: the nearest trained item (what a user without a network would take), the encoder's code, the code after
a search from there, the best code there is (a search over all drawings, the answer included: what the generator could show at most).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from training.config import TrainConfig
from training.files import write_text
from training.layers.data import GroupData, group_data
from training.layers.encoder import EncoderTrainer, encode, search, standing_views
from training.layers.exactness import Exactness, exactness, torch_draw
from training.layers.pictures import class_colours
from training.layers.trainer import GroupTrainer
from training.packs.neutral import Pack, load_pack

console = Console()
COUNTS = (1, 4)


def run_group(pack: Pack, group: str, config: TrainConfig, out: Path) -> list[dict[str, object]]:
    """Train, encode and compare. Writes a picture of the held-out items."""
    data = group_data(pack, group, config.seed, 0.0, config.heldout_items)
    trainer = GroupTrainer(data, config)
    for _ in track(range(trainer.steps), description=group, console=console, transient=True):
        trainer.step()
    g, codes = trainer.ema.eval(), trainer.ema_codes
    encoder = EncoderTrainer(data, trainer.shape, g, codes, config.seed)
    for _ in track(range(encoder.steps), description=f"{group}, encoder", console=console, transient=True):
        encoder.step()
    e = encoder.e.eval()
    lines: list[dict[str, object]] = []
    pictures = []
    for count in COUNTS:
        total = {k: Exactness(0, 0, 0, 0) for k in ("nearest item", "encoder", "encoder and search", "best code")}
        for item in data.heldout_items.tolist():
            mine = data.unseen[data.unseen[:, 0] == item, 1]
            order = [v for v in standing_views(data.weight, data.views) if v in mine]
            given = torch.tensor(order[:count])
            others = np.array([(item, v) for v in order[count:]])
            planes = data.planes[item, given]
            start = encode(e, planes, given, data.classes)
            found = {
                "nearest item": codes[_nearest(data, item, given)],
                "encoder": start,
                "encoder and search": search(g, start, planes, given),
                "best code": search(g, start, data.planes[item, mine], torch.from_numpy(mine), 300),
            }
            for name, code in found.items():
                table = codes.clone()
                table[item] = code
                total[name] += exactness(data, table, others, torch_draw(g))
            if count == 1:
                pictures.append(_picture(pack, data, item, order[:10], found, g))
        for name, x in total.items():
            lines.append(
                {"group": group, "drawings": count, "how": name, "exact": x.exact_share, "alpha": x.alpha_share}
            )
    picture = np.concatenate(pictures).repeat(2, 0).repeat(2, 1)
    cv2.imwrite(str(out / f"{group}.png"), picture[..., ::-1])
    return lines


def _nearest(data: GroupData, item: int, given: Tensor) -> int:
    layer = data.items[item][0]
    rows = [i for i in np.unique(data.pairs[:, 0]).tolist() if data.items[i][0] == layer]
    return min(rows, key=lambda i: int((data.planes[i, given] != data.planes[item, given]).sum()))


def _picture(
    pack: Pack, data: GroupData, item: int, views: list[int], found: dict[str, Tensor], g: torch.nn.Module
) -> np.ndarray:
    """RGB: the art (first column: what was given), then a line for each way."""
    colours = class_colours(pack, *data.items[item])
    view = torch.tensor(views)
    stacks = [data.planes[item, view].numpy()]
    stacks += [torch_draw(g)(code.expand(len(view), -1), view) for code in found.values()]
    lines = [np.concatenate([np.pad(p, 1) for p in planes], 1) for planes in stacks]
    return colours[np.minimum(np.concatenate(lines), len(colours) - 1)]


def page(lines: list[dict[str, object]], kimg: int, arguments: str) -> str:
    """The figures as a page."""
    rows = [f"| {x['group']} | {x['drawings']} | {x['how']} | {x['exact']:.1%} | {x['alpha']:.2%} |" for x in lines]
    head = f"""# From one drawing to every pose
Written by `python benchmarks/one_drawing.py {arguments}`; not edited by hand.

Items that training never saw (a quarter of each group; {kimg},000 images of training). Given is the drawing that most poses show, or four; compared is every other view. *Nearest item*: the
trained item that is most like what was given. *Best code*: a search over all drawings of the item, the answer included: the most that the generator could show.

| group | drawings given | how | exact slots | alpha |
|---|---|---|---|---|
"""
    pictures = "\nThe picture has five lines for each held-out item: the art (the first drawing was given), the nearest item, the encoder's code, after the search, the best code.\n"
    return head + "\n".join(rows) + "\n" + pictures


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--groups", default="hair,legs,torso")
    parser.add_argument("--kimg", type=int, default=80)
    parser.add_argument("--codes", default="encoder", help="as in the configuration: learned or encoder")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    pack = load_pack(wanted.pack)
    wanted.out.mkdir(parents=True, exist_ok=True)
    lines: list[dict[str, object]] = []
    for group in wanted.groups.split(","):
        budget = {"min_kimg": wanted.kimg, "max_kimg": wanted.kimg, "heldout_items": 0.25, "codes": wanted.codes}
        lines += run_group(pack, group, dataclasses.replace(TrainConfig(), **budget), wanted.out)
        write_text(wanted.out / "figures.json", json.dumps(lines, indent=1) + "\n")
        write_text(wanted.out / "ONE_DRAWING.md", page(lines, wanted.kimg, " ".join(sys.argv[1:])))
    console.print((wanted.out / "ONE_DRAWING.md").read_text())


if __name__ == "__main__":
    main()
