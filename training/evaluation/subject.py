"""What is evaluated: a bundle or a run, made one thing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.config import CONFIG_FILE
from training.errors import TrainingError
from training.layers.data import GroupData, group_data
from training.layers.exactness import Draw, torch_draw
from training.packs.neutral import Pack
from training.run import CHECKPOINT, load_group, open_run
from vcg_bridge.contract.manifest import CODE_SCALE, MANIFEST_FILE, Manifest, Network
from vcg_bridge.contract.manifest_io import load_manifest

BATCH = 256
"""Drawings at once: more than this is no faster and takes memory."""


@dataclass(frozen=True, eq=False)
class SubjectGroup:
    """One view group of what is evaluated."""

    data: GroupData
    codes: Tensor  # float32 [items, z_dim]
    draw: Draw

    @property
    def known(self) -> NDArray[np.int64]:
        """[P, 2]: every (item, view) that the art has of the items of the training, whether it saw that view or not."""
        return np.concatenate([self.data.pairs, self.data.heldout])


@dataclass(frozen=True, eq=False)
class Subject:
    """A trained generator with the drawings it was trained on."""

    kind: str  # "bundle" or "run"
    name: str
    sha256: str  # of a bundle: `drawing_sha256`; of a run: of all its checkpoints
    groups: Mapping[str, SubjectGroup]
    missing: tuple[str, ...]  # groups that a run has not begun


def open_subject(path: Path, pack: Pack, pack_dir: Path) -> Subject:
    """Open a bundle or run folder. Raises TrainingError when it is neither or belongs to another pack, VcgError for a broken bundle."""
    if (path / MANIFEST_FILE).is_file():
        return _bundle(path, pack)
    if (path / CONFIG_FILE).is_file():
        return _run(path, pack, pack_dir)
    raise TrainingError(
        f"{path} is neither a bundle nor a training run",
        hint=f"a bundle has a {MANIFEST_FILE}, a run has a {CONFIG_FILE}",
    )


def batched(draw: Draw, size: int = BATCH) -> Draw:
    """The same Draw, a bounded number at a time."""

    def pieces(codes: Tensor, views: Tensor) -> NDArray[np.uint8]:
        starts = range(0, len(views), size)
        return np.concatenate([draw(codes[s : s + size], views[s : s + size]) for s in starts])

    return pieces


def _bundle(path: Path, pack: Pack) -> Subject:
    manifest = load_manifest(path)
    groups = {}
    networks = {x.id: x for x in manifest.networks}
    for group in pack.groups:
        data = group_data(pack, group.id, 0)
        network = networks.get(group.id)
        said = (group.views, group.classes, group.height, group.width)
        if network is None or (network.views, network.classes, network.height, network.width) != said:
            raise TrainingError(
                f"bundle {path} was not made from this pack: its network {group.id!r} "
                + ("is missing" if network is None else "has other views or sizes"),
                hint="give the pack it was trained on as --pack",
            )
        groups[group.id] = SubjectGroup(data, _codes(manifest, data, path), _onnx_draw(path, network))
    return Subject(
        "bundle", f"{manifest.name} {manifest.version}", drawing_sha256(manifest, manifest.files), groups, ()
    )


def drawing_sha256(manifest: Manifest, files: Mapping[str, str]) -> str:
    """Hash of all that decides what a bundle draws: networks (`files`: name -> sha256) and style codes. The same with and without
    evaluation figures in its papers, so that a bundle can carry its own."""
    networks = [[n.id, files[n.file]] for n in manifest.networks]
    codes = [[i.layer, i.id, list(i.code)] for i in manifest.items]
    return hashlib.sha256(json.dumps([networks, codes]).encode()).hexdigest()


def _codes(manifest: Manifest, data: GroupData, path: Path) -> Tensor:
    known = {(x.layer, x.id): x.code for x in manifest.items}
    missing = [f"{layer}/{item}" for layer, item in data.items if (layer, item) not in known]
    if missing:
        raise TrainingError(
            f"bundle {path} has no item {missing[0]}, which the pack has", hint="give the pack it was trained on"
        )
    return torch.tensor([known[key] for key in data.items], dtype=torch.float32) / CODE_SCALE


def _onnx_draw(path: Path, network: Network) -> Draw:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path / network.file), options, providers=["CPUExecutionProvider"])

    def draw(codes: Tensor, views: Tensor) -> NDArray[np.uint8]:
        feed = {network.code_input: codes.numpy(), network.view_input: views.numpy()}
        result: NDArray[np.uint8] = session.run([network.output], feed)[0].argmax(1).astype(np.uint8)
        return result

    return batched(draw)


def _run(path: Path, pack: Pack, pack_dir: Path) -> Subject:
    config, _ = open_run(path, pack_dir)
    digest, groups, missing = hashlib.sha256(), {}, []
    for group in pack.groups:
        checkpoint = path / "groups" / group.id / CHECKPOINT
        if not checkpoint.is_file():
            missing.append(group.id)
            continue
        digest.update(json.dumps([group.id, hashlib.sha256(checkpoint.read_bytes()).hexdigest()]).encode())
        trainer = load_group(path, pack, group.id, config)
        groups[group.id] = SubjectGroup(trainer.data, trainer.ema_codes, batched(torch_draw(trainer.ema.eval())))
    if not groups:
        raise TrainingError(
            f"run {path} has no checkpoint yet", hint="wait for the first one, about a minute into training"
        )
    return Subject("run", path.name, digest.hexdigest(), groups, tuple(missing))
