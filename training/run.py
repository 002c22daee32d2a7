"""A training run of a pack: one folder, one trainer per group of layers. Each group's state is its own checkpoint, so a kill at any moment
costs at most the last minute, and `--resume` goes on exactly."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from torch import Tensor

from training.config import CONFIG_FILE, TrainConfig, load_config
from training.devices import CPU, Device
from training.distributed import SINGLE, Parallel
from training.errors import TrainingError
from training.files import write_text
from training.images.init import holds, initialise, read_checkpoint, said_of
from training.layers.data import GroupData, group_data
from training.layers.pictures import group_picture
from training.layers.scenes import Scenes
from training.layers.trainer import GroupTrainer, total_steps
from training.loop import CHECKPOINT, FIGURES, LoopOptions
from training.packs.neutral import PLANES_FILE, Pack, load_pack
from training.run_folder import numbered
from vcg_bridge.contract.errors import near


@dataclass(frozen=True)
class RunInfo:
    """What pins a run: which pack, and which run its networks started from."""

    pack: str
    pack_sha256: str
    started_from: str | None = None


def pack_sha256(folder: Path) -> str:
    """Hash of a pack's drawings and of whose they are: what a run is pinned to. Archetypes and credits may still change."""
    pack = load_pack(folder)
    digest = hashlib.sha256((folder / PLANES_FILE).read_bytes())
    digest.update(json.dumps([[g.id, g.items, g.classes] for g in pack.groups]).encode())
    return digest.hexdigest()


def new_run(out: Path, pack_dir: Path, config: TrainConfig, source: Path | None = None) -> Path:
    """Make the next numbered run folder with its resolved configuration. `source`: the run whose networks it starts from."""
    if source is not None:
        run_info(source)
    pack = load_pack(pack_dir)
    folder = numbered(out, pack.name)
    config.save(folder)
    info = RunInfo(str(pack_dir.resolve()), pack_sha256(pack_dir), str(source.resolve()) if source else None)
    write_text(folder / "run.json", json.dumps(asdict(info), indent=1) + "\n")
    return folder


def run_info(folder: Path) -> RunInfo:
    """What pins an existing run. Raises TrainingError where there is none."""
    if not (folder / CONFIG_FILE).is_file() or not (folder / "run.json").is_file():
        raise TrainingError(
            f"{folder} is not a training run of a pack: it has no {CONFIG_FILE} and run.json",
            hint="`train --out RUNS` makes one",
        )
    values = json.loads((folder / "run.json").read_text())
    return RunInfo(**{f.name: values.get(f.name) for f in fields(RunInfo)})


def open_run(folder: Path, pack_dir: Path | None = None) -> tuple[TrainConfig, Path]:
    """The configuration and pack folder of an existing run; refuses another pack than the one it was started with."""
    info = run_info(folder)
    where = pack_dir or Path(info.pack)
    if pack_sha256(where) != info.pack_sha256:
        raise TrainingError(
            f"{where} is not the pack this run was started with", hint="prepare it again, or start a new run"
        )
    return load_config(folder), where


def group_folder(folder: Path, group_id: str) -> Path:
    """Where a group's checkpoint, log and pictures are."""
    return folder / "groups" / group_id


def front_group(pack: Pack, group_id: str) -> str | None:
    """For a group that draws only behind-parts: the group whose codes its items share."""
    members = pack.group(group_id).members
    if any(part == "front" for _, part in members):
        return None
    layers = {layer for layer, _ in members}
    return next(
        (g.id for g in pack.groups if any(part == "front" and layer in layers for layer, part in g.members)), None
    )


def _frozen_codes(folder: Path, pack: Pack, group_id: str) -> Tensor | None:
    front = front_group(pack, group_id)
    if front is None:
        return None
    state = torch.load(group_folder(folder, front) / CHECKPOINT, weights_only=True, map_location="cpu")
    rows = {key: i for i, key in enumerate(pack.group(front).items)}
    chosen: Tensor = state["ema_codes"][[rows[key] for key in pack.group(group_id).items]]
    return chosen


def new_group(
    folder: Path, pack: Pack, group_id: str, config: TrainConfig, device: Device = CPU, parallel: Parallel = SINGLE
) -> GroupTrainer:
    """The trainer of a group at step 0."""
    data = group_data(pack, group_id, config.seed, config.heldout, config.heldout_items)
    codes = _frozen_codes(folder, pack, group_id)
    scenes = Scenes(pack, group_id, config.seed) if config.gan_judge == "character" and config.gan_share > 0 else None
    return GroupTrainer(data, config, codes, lambda trainer: group_picture(pack, trainer), device, parallel, scenes)


def load_group(folder: Path, pack: Pack, group_id: str, config: TrainConfig) -> GroupTrainer:
    """The trainer of a group with its last checkpoint, if there is one."""
    trainer = new_group(folder, pack, group_id, config)
    path = group_folder(folder, group_id) / CHECKPOINT
    if path.is_file():
        trainer.load(path)
    return trainer


def start_from(trainer: GroupTrainer, source: Path, same_pack: bool) -> list[str]:
    """Initialise a trainer at step 0 from the checkpoint of a group of another run; says what was taken and what was not.

    Networks take what fits by name and shape. Style codes belong to items: they are taken only where both runs have the same pack.
    """
    if not source.is_file():
        return [f"starts at random: there is no {source}"]
    loaded = [initialise(trainer.g, source, "generator")]
    trainer.ema.load_state_dict(trainer.g.state_dict())
    state = read_checkpoint(source)
    for network, part in (
        (trainer.book.encoder, "encoder"),
        (trainer.judge and trainer.judge.adversary.module, "discriminator"),
    ):
        if network is not None and holds(state, part):
            loaded.append(initialise(network, source, part))
    said = [said_of(x) for x in loaded]
    codes = state.get("ema_codes")
    if not trainer.book.given and same_pack and codes is not None and codes.shape == trainer.codes.shape:
        with torch.no_grad():
            trainer.codes.copy_(codes)
            trainer.ema_codes.copy_(codes)
        said.append(f"style codes of {len(codes)} items taken")
    else:
        said.append("style codes not taken" + ("" if same_pack else ": they are of another pack"))
    return said


def loop_options(config: TrainConfig, profile_steps: int = 0) -> LoopOptions:
    """The loop's settings as the configuration gives them."""
    return LoopOptions(
        checkpoint_s=config.checkpoint_s,
        sample_kimg=config.sample_kimg,
        figure_kimg=config.figure_kimg,
        profile_steps=profile_steps,
    )


def check_groups(pack: Pack, only: Sequence[str], folder: Path | None = None) -> None:
    """Raise TrainingError for an unknown group, or one that needs the codes of a group neither named nor trained in the run `folder`."""
    known = {g.id for g in pack.groups}
    for name in only:
        if name not in known:
            raise TrainingError(
                f"the pack has no group {name!r}", hint=near(name, known) or f"there are: {', '.join(sorted(known))}"
            )
        front = front_group(pack, name)
        trained = folder and front and (group_folder(folder, front) / FIGURES).is_file()
        if front and front not in only and not trained:
            raise TrainingError(
                f"group {name} draws with the codes of {front}, which is not trained yet", hint=f"name {front} as well"
            )


def plan(pack: Pack, config: TrainConfig, only: Sequence[str] = ()) -> list[tuple[str, int]]:
    """Groups with their steps, the longest first (so that workers end together), those that wait for codes last."""
    chosen = [g.id for g in pack.groups if not only or g.id in only]
    sizes: dict[str, GroupData] = {
        k: group_data(pack, k, config.seed, config.heldout, config.heldout_items) for k in chosen
    }
    work = {k: total_steps(d, config) * d.planes.shape[2] * d.planes.shape[3] for k, d in sizes.items()}
    ids = sorted(work, key=lambda k: (front_group(pack, k) is not None, -work[k], k))
    return [(k, total_steps(sizes[k], config)) for k in ids]
