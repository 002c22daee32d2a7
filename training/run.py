"""A training run: one folder, several groups, as many worker processes as there are cores.

Single-threaded processes side by side are faster than one process with many threads for networks this small (EXPERIMENTS.md, "Speed").
Each group's state is its own checkpoint, so a kill at any moment costs at most the last minute, and `resume` goes on exactly.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing as mp
import platform
import queue
import signal
import time
from dataclasses import asdict, dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from torch import Tensor

from training.config import CONFIG_FILE, TrainConfig, load_config
from training.errors import TrainingError
from training.files import write_text
from training.layers.data import GroupData, group_data
from training.layers.trainer import GroupTrainer, total_steps
from training.packs.neutral import PLANES_FILE, Pack, load_pack

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"
FIGURES = "figures.json"
PLAIN_EVERY_S = 30.0
"""Seconds between a group's lines where the output is a file and no bar can be drawn."""

REPORT_EVERY = 50  # steps between lines of the log


@dataclass(frozen=True)
class RunInfo:
    """What pins a run: which pack, made when, with what."""

    pack: str
    pack_sha256: str
    torch: str
    machine: str


def pack_sha256(folder: Path) -> str:
    """Hash of a pack's drawings and of whose they are: what a run is pinned to. Archetypes and credits may still change."""
    pack = load_pack(folder)
    digest = hashlib.sha256((folder / PLANES_FILE).read_bytes())
    digest.update(json.dumps([[g.id, g.items, g.classes] for g in pack.groups]).encode())
    return digest.hexdigest()


def new_run(out: Path, pack_dir: Path, config: TrainConfig) -> Path:
    """Make the next numbered run folder with its resolved configuration."""
    pack = load_pack(pack_dir)
    out.mkdir(parents=True, exist_ok=True)
    taken = [int(p.name.split("-")[0]) for p in out.iterdir() if p.is_dir() and p.name.split("-")[0].isdigit()]
    folder = out / f"{max(taken, default=0) + 1:05d}-{pack.name}"
    folder.mkdir()
    config.save(folder)
    info = RunInfo(str(pack_dir.resolve()), pack_sha256(pack_dir), torch.__version__, platform.platform())
    write_text(folder / "run.json", json.dumps(asdict(info), indent=1) + "\n")
    return folder


def open_run(folder: Path, pack_dir: Path | None = None) -> tuple[TrainConfig, Path]:
    """The configuration and pack folder of an existing run; refuses another pack than the one it was started with."""
    if not (folder / CONFIG_FILE).is_file():
        raise TrainingError(
            f"{folder} is not a training run: it has no {CONFIG_FILE}", hint="`train --out RUNS` makes one"
        )
    info = json.loads((folder / "run.json").read_text())
    where = pack_dir or Path(info["pack"])
    if pack_sha256(where) != info["pack_sha256"]:
        raise TrainingError(
            f"{where} is not the pack this run was started with", hint="prepare it again, or start a new run"
        )
    return load_config(folder), where


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
    codes = torch.load(folder / "groups" / front / CHECKPOINT, weights_only=True)["ema_codes"]
    rows = {key: i for i, key in enumerate(pack.group(front).items)}
    chosen: Tensor = codes[[rows[key] for key in pack.group(group_id).items]]
    return chosen


def load_group(folder: Path, pack: Pack, group_id: str, config: TrainConfig) -> GroupTrainer:
    """The trainer of a group with its last checkpoint, if there is one."""
    data = group_data(pack, group_id, config.seed, config.heldout)
    trainer = GroupTrainer(data, config, _frozen_codes(folder, pack, group_id))
    path = folder / "groups" / group_id / CHECKPOINT
    if path.is_file():
        trainer.load(path)
    return trainer


def _worker(folder: Path, pack_dir: Path, group_id: str, reports: Any, stop: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent turns Ctrl-C into `stop`
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # without it throughput falls by two thirds within minutes (EXPERIMENTS.md)
    config = load_config(folder)
    trainer = load_group(folder, load_pack(pack_dir), group_id, config)
    home = folder / "groups" / group_id
    home.mkdir(parents=True, exist_ok=True)
    log = home / LOG
    lines = [x for x in (log.read_text().splitlines() if log.is_file() else []) if json.loads(x)["step"] <= trainer.at]
    write_text(log, "".join(x + "\n" for x in lines))  # forget what a killed run logged after its last checkpoint
    saved = time.monotonic()
    with log.open("a") as out:
        while not trainer.done and not stop.is_set():
            report = trainer.step()
            if trainer.at % REPORT_EVERY == 0:
                out.write(json.dumps({"step": trainer.at} | {k: round(v, 5) for k, v in report.items()}) + "\n")
                reports.put((group_id, trainer.at, report["loss"], report["error"]))
            if time.monotonic() - saved > config.checkpoint_s:
                out.flush()
                trainer.save(home / CHECKPOINT)
                saved = time.monotonic()
    trainer.save(home / CHECKPOINT)
    if trainer.done:
        write_text(home / FIGURES, json.dumps({"step": trainer.at, **trainer.figures()}, indent=1) + "\n")
    reports.put((group_id, trainer.at, None, None))


def _order(folder: Path, pack: Pack, config: TrainConfig) -> list[tuple[str, int]]:
    """Groups with their steps, the longest first (so that workers end together), those that wait for codes last."""
    sizes: dict[str, GroupData] = {g.id: group_data(pack, g.id, config.seed, config.heldout) for g in pack.groups}
    work = {k: total_steps(d, config) * d.planes.shape[2] * d.planes.shape[3] for k, d in sizes.items()}
    ids = sorted(work, key=lambda k: (front_group(pack, k) is not None, -work[k], k))
    return [(k, total_steps(sizes[k], config)) for k in ids]


def run_training(folder: Path, pack_dir: Path, workers: int, console: Console) -> bool:
    """Train all groups of a run. Returns False when it was interrupted (everything is saved)."""
    config, pack = load_config(folder), load_pack(pack_dir)
    todo = _order(folder, pack, config)
    context = mp.get_context("spawn")
    reports, stop = context.Queue(), context.Event()
    running: dict[str, BaseProcess] = {}
    finished: set[str] = set()
    interrupted = False
    columns = (
        TextColumn("{task.description:14}"),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bars: dict[str, TaskID] = {k: progress.add_task(k, total=steps, note="waiting") for k, steps in todo}
        started: dict[str, tuple[float, int]] = {}
        said: dict[str, float] = {}

        def read() -> None:
            try:
                group, step, loss, error = reports.get(timeout=0.2)
            except queue.Empty:
                return
            if loss is None:
                progress.update(bars[group], completed=step, note="saved")
                return
            since, first = started.setdefault(group, (time.monotonic(), step))
            speed = (step - first) * config.batch / max(time.monotonic() - since, 1e-6)
            note = f"{speed:4.0f} img/s  loss {loss:.3f}  wrong {error:6.2%}"
            progress.update(bars[group], completed=step, note=note)
            if not console.is_terminal and time.monotonic() - said.get(group, 0.0) > PLAIN_EVERY_S:
                said[group] = time.monotonic()
                console.print(f"{group}: step {step} of {progress.tasks[bars[group]].total}, {note}")

        pending = [k for k, _ in todo]
        while pending or running:
            try:
                for group in [k for k, p in running.items() if not p.is_alive()]:
                    process = running.pop(group)
                    if process.exitcode != 0:
                        raise TrainingError(
                            f"training of group {group!r} ended with exit code {process.exitcode}; its checkpoint is kept."
                        )
                    finished.add(group)
                ready = [k for k in pending if (front_group(pack, k) or k) in finished | {k}]
                while ready and len(running) < workers and not interrupted:
                    group = ready.pop(0)
                    pending.remove(group)
                    process = context.Process(
                        target=_worker, args=(folder, pack_dir, group, reports, stop), daemon=True
                    )
                    process.start()
                    running[group] = process
                read()
                if interrupted and not running:
                    break
            except KeyboardInterrupt:
                interrupted = True
                stop.set()
                console.print("stopping: saving checkpoints ...")
    return not interrupted
