"""Run -> bundle: ONNX files, manifest, credits, model card and preview, written whole or not at all."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from training.config import TrainConfig, load_config
from training.errors import TrainingError
from training.evaluation.subject import drawing_sha256
from training.evaluation.summary import summary
from training.layers.controls import Found, find_controls, strip
from training.layers.exactness import Draw, Exactness, exactness
from training.layers.model_card import model_card, picture_of
from training.layers.networks import gflop
from training.layers.novelty import Novelty, novelty
from training.layers.onnx_file import HALF_FROM, onnx_bytes
from training.layers.trainer import GroupTrainer
from training.loop import CHECKPOINT, training_seconds
from training.packs.neutral import Pack
from training.packs.overview import overview
from training.run import front_group, group_folder, load_group
from training.run_folder import ENVIRONMENT
from vcg_bridge.contract import manifest as m
from vcg_bridge.contract.manifest_io import dump_manifest, load_manifest
from vcg_bridge.sprites.clean import places

PARITY_TOLERANCE = 1e-5
"""Largest accepted difference between torch and ONNX Runtime on the same (half-precision) weights, relative to the largest logit."""


PREVIEW = "preview.png"
MIXTURES = 1000
"""Mixtures per group that are drawn for the figures of the model card."""

GO_ON = "go on with `python -m training train --resume {run}`"


def export_bundle(
    run: Path,
    pack: Pack,
    out: Path,
    version: str,
    *,
    allow_unfinished: bool = False,
    evaluation: Mapping[str, Any] | None = None,
) -> m.Manifest:
    """Write the bundle of a run to `out`; replaces an older bundle there only when the new one is complete and valid.

    `evaluation`: what `python -m training evaluate` found for this bundle, for the model card (the parsed evaluation.json).
    Raises TrainingError when the run is unfinished (unless allowed), when torch and ONNX Runtime disagree, when the evaluation is of
    other networks, or when `out` is something other than a bundle.
    """
    if out.exists() and not (out / m.MANIFEST_FILE).is_file() and any(out.iterdir()):
        raise TrainingError(f"{out} exists and is no bundle", hint="choose another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
        folder = Path(scratch) / out.name
        folder.mkdir()
        config, trainers = _trainers(run, pack, allow_unfinished)
        codes: dict[tuple[str, str], Tensor] = {}
        networks, figures, redrawn = [], {}, []
        between: dict[str, Novelty] = {}
        controls: list[Found] = []
        for group_id, trainer in trainers.items():
            file = f"{group_id}.onnx"
            quantised = _quantised(trainer.ema_codes)
            draw = _write_network(trainer, quantised, folder / file)
            networks.append(
                m.Network(
                    id=group_id,
                    file=file,
                    views=trainer.shape.views,
                    classes=trainer.shape.classes,
                    height=trainer.shape.height,
                    width=trainer.shape.width,
                )
            )
            figures[group_id] = exactness(trainer.data, quantised, trainer.data.pairs, draw)
            mixed = novelty(trainer.data, quantised, draw, MIXTURES, config.seed)
            if mixed is not None:
                between[group_id] = mixed
            redrawn.append(dataclasses.replace(pack.group(group_id), planes=_redraw(trainer, quantised, draw)))
            if front_group(pack, group_id) is None:
                codes |= dict(zip(trainer.data.items, quantised, strict=True))
                found = find_controls(pack, trainer.data, trainer.ema.mix1.weight.detach(), quantised, draw)
                for x in found:
                    picture = Image.fromarray(strip(pack, trainer.data, x, quantised, draw)).quantize(128)
                    picture.save(folder / picture_of(x.control.layer, x.control.id), optimize=True)
                controls += found
        training = _training_record(run, config, trainers, figures, between, controls)
        manifest = _manifest(pack, version, networks, codes, training, controls)
        if evaluation is not None:
            expected = drawing_sha256(manifest, _hashes(folder))
            if evaluation["subject"]["sha256"] != expected:
                raise TrainingError(
                    "the evaluation is of other networks than the ones of this run",
                    hint="export without it, evaluate the bundle, and export again with what that wrote",
                )
            manifest = dataclasses.replace(manifest, training={**training, "evaluation": summary(evaluation)})
        _write_papers(pack, manifest, folder)
        (folder / PREVIEW).write_bytes(overview(dataclasses.replace(pack, groups=tuple(redrawn))))
        manifest = dataclasses.replace(manifest, files=_hashes(folder))
        (folder / m.MANIFEST_FILE).write_bytes(dump_manifest(manifest))
        checked = load_manifest(folder)
        _replace(folder, out)
    return checked


def _trainers(run: Path, pack: Pack, allow_unfinished: bool) -> tuple[TrainConfig, dict[str, GroupTrainer]]:
    config = load_config(run)
    missing = [g.id for g in pack.groups if not (group_folder(run, g.id) / CHECKPOINT).is_file()]
    if missing:
        raise TrainingError(f"not finished: {', '.join(missing)} not begun", hint=GO_ON.format(run=run))
    trainers = {g.id: load_group(run, pack, g.id, config) for g in pack.groups}
    unfinished = [k for k, t in trainers.items() if not t.done]
    if unfinished and not allow_unfinished:
        raise TrainingError(
            f"not finished: {', '.join(unfinished)}",
            hint=GO_ON.format(run=run) + ", or export it as it is with --unfinished",
        )
    return config, trainers


def _quantised(codes: Tensor) -> Tensor:
    return (codes * m.CODE_SCALE).round().clamp(-127, 127) / m.CODE_SCALE


def _write_network(trainer: GroupTrainer, codes: Tensor, path: Path) -> Draw:
    """Write one ONNX file and check it against torch on every drawing of the group; return a Draw that runs the file."""
    path.write_bytes(onnx_bytes(trainer.ema.eval()))
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    half = {k: v.half().float() if v.numel() >= HALF_FROM else v for k, v in trainer.ema.state_dict().items()}
    trainer.ema.load_state_dict(half)  # the file holds large weights in half precision: compare like with like
    pairs = trainer.data.pairs
    worst = 0.0
    for start in range(0, len(pairs), 256):
        item, view = torch.from_numpy(pairs[start : start + 256].T.copy())
        (logits,) = session.run(None, {"code": codes[item].numpy(), "view": view.numpy()})
        with torch.no_grad():
            expected = trainer.ema(codes[item], view).numpy()
        worst = max(worst, float(np.abs(logits - expected).max() / np.abs(expected).max()))
    if not worst < PARITY_TOLERANCE:
        raise TrainingError(
            f"{path.name}: torch and ONNX Runtime differ by {worst:.2g} of the largest logit (accepted: {PARITY_TOLERANCE})"
        )

    def draw(code: Tensor, view: Tensor) -> NDArray[np.uint8]:
        (logits,) = session.run(None, {"code": code.numpy(), "view": view.numpy()})
        result: NDArray[np.uint8] = logits.argmax(1).astype(np.uint8)
        return result

    return draw


def _redraw(trainer: GroupTrainer, codes: Tensor, draw: Draw) -> NDArray[np.uint8]:
    """All items in all views as the network draws them, uint8 [items, views, h, w]; also those the art lacks."""
    views = torch.arange(trainer.data.views)
    return np.stack([draw(code.expand(len(views), -1), views) for code in codes])


def _training_record(
    run: Path,
    config: TrainConfig,
    trainers: dict[str, GroupTrainer],
    figures: dict[str, Exactness],
    between: dict[str, Novelty],
    controls: list[Found],
) -> dict[str, object]:
    starts = json.loads((run / ENVIRONMENT).read_text(encoding="utf-8")) if (run / ENVIRONMENT).is_file() else []
    hours = sum(training_seconds(group_folder(run, k)) for k in trainers) / 3600
    total = sum(figures.values(), Exactness(0, 0, 0, 0))
    images = sum(t.at * config.batch for t in trainers.values())
    return {
        "config": dataclasses.asdict(config),
        "images": images,
        **({"command": shlex.join(starts[0]["command"]), "machine": starts[0]["device_name"]} if starts else {}),
        "process_hours": round(hours, 2),
        "controls": {
            x.control.key: {"effect": round(x.effect, 4), "agreement": round(x.agreement, 4)} for x in controls
        },
        "reconstruction": {
            "what": "pack items redrawn in every pose the art has, from the files of this bundle",
            "exact_slots": round(total.exact_share, 6),
            "alpha": round(total.alpha_share, 6),
            "groups": {
                k: {
                    "exact_slots": round(v.exact_share, 6),
                    "alpha": round(v.alpha_share, 6),
                    "images": trainers[k].at * config.batch,
                    "gflop": round(gflop(trainers[k].ema), 4),
                }
                for k, v in figures.items()
            },
            "mixtures": {
                k: {name: round(value, 4) for name, value in dataclasses.asdict(v).items()} for k, v in between.items()
            },
        },
    }


def _pose_table(pack: Pack, key: str) -> dict[str, NDArray[np.int16]]:
    return {animation: np.array(rows, np.int16) for animation, rows in pack.poses[key].items()}


def _cleaning(pack: Pack, layer_id: str, group_id: str) -> dict[str, NDArray[np.int16]]:
    """Where this layer's own art has what cleaning takes out elsewhere."""
    group = pack.group(group_id)
    rows = [i for i, (layer, _) in enumerate(group.items) if layer == layer_id]
    return places(group.planes[rows], group.known[rows])


def _manifest(
    pack: Pack,
    version: str,
    networks: Sequence[m.Network],
    codes: dict[tuple[str, str], Tensor],
    training: dict[str, object],
    controls: Sequence[Found],
) -> m.Manifest:
    z_dim = len(next(iter(codes.values())))
    return m.Manifest(
        name=pack.name,
        version=version,
        title=pack.title,
        licence=pack.licence,
        attribution=pack.attribution,
        frame_size=pack.frame_size,
        z_dim=z_dim,
        animations=pack.animations,
        layers=tuple(
            m.Layer(
                id=layer.id,
                title=layer.title,
                required=layer.required,
                frame_size=layer.frame_size,
                materials=layer.materials,
                fixed=layer.fixed,
                parts=tuple(
                    m.PartTable(
                        part=p.part,
                        z=p.z,
                        network=p.group,
                        poses=_pose_table(pack, f"{layer.id}/{p.part}"),
                        cleaning=_cleaning(pack, layer.id, p.group),
                    )
                    for p in layer.parts
                ),
            )
            for layer in pack.layers
        ),
        items=tuple(
            m.Item(
                id=item.id,
                layer=item.layer,
                title=item.title,
                kind=item.kind,
                body=item.body,
                code=tuple(int(x) for x in (codes[item.layer, item.id] * m.CODE_SCALE).round().tolist()),
                ramps=item.ramps,
                fixed=item.fixed,
                z=item.z,
                hides=item.hides,
                needs=item.needs,
                allows=item.allows,
                parts=item.parts,
                drawn=item.drawn,
                credits=item.credits,
            )
            for item in pack.items
        ),
        networks=tuple(networks),
        ramps=pack.ramps,
        archetypes=pack.archetypes,
        files={},
        training=training,
        controls=tuple(x.control for x in controls),
    )


def _write_papers(pack: Pack, manifest: m.Manifest, folder: Path) -> None:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["key", "item", "artists", "source", "licence", "details"])
    for line in pack.credits:
        writer.writerow([line.key, line.item, ", ".join(line.artists), line.source, line.licence, line.details])
    (folder / "CREDITS.csv").write_text(table.getvalue(), encoding="utf-8")
    (folder / "MODEL_CARD.md").write_text(model_card(pack, manifest), encoding="utf-8")


def _hashes(folder: Path) -> dict[str, str]:
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.iterdir())
        if p.name != m.MANIFEST_FILE
    }


def _replace(folder: Path, out: Path) -> None:
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    folder.rename(out)
    shutil.rmtree(old, ignore_errors=True)
