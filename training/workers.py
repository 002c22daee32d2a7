"""The groups of a run, trained side by side by worker processes, or one after another.

Single-threaded processes side by side are faster than one process with many threads for networks this small (EXPERIMENTS.md, "Speed").
Under torchrun the groups come one after another, each trained by all ranks.
"""

from __future__ import annotations

import multiprocessing as mp
import queue
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from rich.console import Console

from training.config import load_config
from training.devices import Device, prepare
from training.distributed import SINGLE, Parallel
from training.errors import TrainingError
from training.interrupt import Interrupt
from training.loop import CHECKPOINT, Report, run_loop
from training.packs.neutral import Pack, load_pack
from training.progress import Bars
from training.run import front_group, group_folder, loop_options, new_group, plan, run_info, start_from
from training.run_folder import locked
from vcg_bridge.contract.errors import VcgError

OTHERS_WAIT_S = 10.0
"""Seconds to wait for a worker of a killed run to notice and end."""


@dataclass(frozen=True)
class Job:
    """What all groups of a run have in common."""

    folder: Path
    pack_dir: Path
    device: Device
    profile_steps: int = 0


def train_group(
    job: Job,
    pack: Pack,
    group: str,
    parallel: Parallel,
    stop: Callable[[], bool],
    report: Callable[[Report], None],
    say: Callable[[str], None],
) -> bool:
    """Train one group from where it is; False when it was stopped. `say` hears what it starts from."""
    config, info = load_config(job.folder), run_info(job.folder)
    home = group_folder(job.folder, group)
    home.mkdir(parents=True, exist_ok=True)
    with locked(home, OTHERS_WAIT_S if parallel.first else None):
        trainer = new_group(job.folder, pack, group, config, job.device, parallel)
        if info.started_from is not None and not (home / CHECKPOINT).is_file():
            source = Path(info.started_from)
            same_pack = run_info(source).pack_sha256 == info.pack_sha256
            for text in start_from(trainer, group_folder(source, group) / CHECKPOINT, same_pack):
                say(text)
        options = loop_options(config, job.profile_steps)
        return run_loop(trainer, home, options, stop=stop, report=report, parallel=parallel)


def run_training(job: Job, workers: int, console: Console, parallel: Parallel, only: tuple[str, ...] = ()) -> bool:
    """Train all groups of a run, or `only` some. Returns False when it was interrupted (everything is saved)."""
    pack = load_pack(job.pack_dir)
    todo = plan(pack, load_config(job.folder), only)
    with (
        Interrupt(lambda: console.print("stopping: saving checkpoints ... (again: end at once)")) as stopped,
        Bars(console, todo) as bars,
    ):
        if parallel.world == 1 and workers > 1 and len(todo) > 1:
            return _side_by_side(job, pack, [k for k, _ in todo], min(workers, len(todo)), stopped, bars)
        prepare(job.device)
        for group, _ in todo:
            if not train_group(job, pack, group, parallel, stopped, *bars.speakers(group)):
                return False
    return True


def _side_by_side(job: Job, pack: Pack, todo: list[str], workers: int, stopped: Interrupt, bars: Bars) -> bool:
    context = mp.get_context("spawn")
    tasks, events, stop = context.Queue(), context.Queue(), context.Event()
    processes: list[BaseProcess] = [
        context.Process(target=_worker, args=(job, tasks, events, stop), daemon=True) for _ in range(workers)
    ]
    waiting, unfinished, failure = list(todo), set(todo), None
    try:
        for process in processes:
            process.start()
        while unfinished and not failure:
            if stopped() and not stop.is_set():
                stop.set()
            for group in [k for k in waiting if front_group(pack, k) not in unfinished]:
                waiting.remove(group)
                tasks.put(group)
            if stop.is_set() and not any(p.is_alive() for p in processes):
                break
            failure = _read(events, bars, unfinished) or _dead(processes)
        stop.set()
        for _ in processes:
            tasks.put(None)
        for process in processes:
            process.join()
        while not events.empty():
            _read(events, bars, unfinished)
    finally:
        for process in processes:  # after an error, or at the second Ctrl-C
            process.terminate()
    if failure:
        raise failure
    return not unfinished


def _read(events: Any, bars: Bars, unfinished: set[str]) -> VcgError | None:
    """Take one message of the workers, if there is one soon: a report, the end of a group, or an error."""
    try:
        group, message = events.get(timeout=0.2)
    except queue.Empty:
        return None
    if isinstance(message, Report):
        bars.show(group, message)
    elif isinstance(message, str):
        bars.say(group, message)
    elif message is True:
        unfinished.discard(group)
    elif message is not False:
        text, hint = message
        return TrainingError(text, hint=hint)
    return None


def _dead(processes: list[BaseProcess]) -> VcgError | None:
    codes = [p.exitcode for p in processes if p.exitcode]
    if not codes:
        return None
    return TrainingError(
        f"a worker process ended with exit code {codes[0]}; the checkpoints are kept",
        hint="memory may have run out: try fewer --workers",
    )


def _worker(job: Job, tasks: Any, events: Any, stop: Any) -> None:
    """Train the groups that come over `tasks` until told to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent turns Ctrl-C into `stop`
    parent = mp.parent_process()
    assert parent is not None
    prepare(job.device)
    pack = load_pack(job.pack_dir)

    def stopped() -> bool:
        if not parent.is_alive():
            raise SystemExit(1)  # nobody would hear of what is done from here on
        return bool(stop.is_set())

    while not stopped():
        try:
            group = tasks.get(timeout=0.5)
        except queue.Empty:
            continue
        if group is None:
            break
        if stopped():
            continue
        try:

            def tell(message: Report | str, group: str = group) -> None:
                events.put((group, message))

            events.put((group, train_group(job, pack, group, SINGLE, stopped, tell, tell)))
        except VcgError as error:
            events.put((group, (error.message, error.hint)))
