"""The one training loop. Whatever is trained (a layer's generator, an image GAN) is a `Trainable`; the loop brings checkpoints, logs,
pictures, warnings and interruption.

Everything but the progress reports depends on the number of steps alone, so that a run that was killed and resumed leaves the same log,
curves and pictures as an unbroken one. All side work (a line of the log, a picture, figures, a checkpoint) happens at lines: steps that
are multiples of `log_every`, and the last one.
"""

from __future__ import annotations

import json
import math
import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from training.board import Board
from training.distributed import SINGLE, Parallel
from training.errors import TrainingError
from training.files import write_text
from training.logbook import Logbook
from training.pictures import write_png
from training.profile import Profiler
from training.watch import Finding, Watch

Scalars = Mapping[str, float]
"""Figures of one step by name; a name is there only when it was measured in this step.

loss            what the generator minimised, all terms
error           share of wrong pixels where a drawing supervises, relative to the foreground
g/adversarial   adversarial term of the generator, unweighted
d/loss          loss of the discriminator without penalties
d/penalty       weighted gradient penalties
d/real, d/fake  share of real pictures that D takes for real, of drawn ones that it takes for drawn (its accuracy on each)
grad/g, grad/d  gradient norms before clipping
diversity       distance between drawn pictures of a batch relative to that between real ones (`training.watch.diversity`)
"""

CHECKPOINT = "checkpoint.pt"
FIGURES = "figures.json"
SAMPLES = "samples"
CLOCK = "clock.json"
REPORT_S = 1.0  # seconds between progress reports
STOP_EVERY = 10  # steps between the ranks' agreements to stop


def training_seconds(folder: Path) -> float:
    """Wall-clock seconds that the steps up to the checkpoint in `folder` took, over all starts; 0 where nobody counted."""
    path = folder / CLOCK
    return float(json.loads(path.read_text(encoding="utf-8"))["seconds"]) if path.is_file() else 0.0


class Trainable(Protocol):
    """State and one step of a training. `step` depends only on the state and the number of the step, never on the clock."""

    at: int  # steps done
    steps: int  # steps in all

    @property
    def images_per_step(self) -> int:
        """Pictures shown in one step."""
        ...

    def step(self) -> Scalars:
        """Do one step."""
        ...

    def save(self, path: Path) -> None:
        """Write the whole state, replacing the file in one step."""
        ...

    def load(self, path: Path) -> None:
        """Take the state of a checkpoint: further steps are the ones of the unbroken run."""
        ...

    def samples(self) -> NDArray[np.uint8]:
        """A picture of what it draws now, RGB [H, W, 3]. Must leave the state as it is, random generators included."""
        ...

    def figures(self) -> Mapping[str, float]:
        """Evaluation figures by name; may take seconds. Must leave the state as it is."""
        ...


@dataclass(frozen=True)
class LoopOptions:
    """What the loop does beside the steps."""

    checkpoint_s: float = 60.0  # wall-clock seconds between checkpoints
    log_every: int = 50  # steps between lines of the log, each the mean of the steps since the last
    sample_kimg: float = 50.0  # thousand images between sample pictures; 0: only at the end
    figure_kimg: float = 0.0  # thousand images between evaluations; 0: only at the end
    profile_steps: int = 0  # steps to trace with torch.profiler, from the tenth of this process on


@dataclass(frozen=True)
class Report:
    """Progress, for whoever shows it."""

    at: int
    steps: int
    images_per_s: float  # of this process, since it started
    steps_per_s: float
    scalars: Scalars  # means of the latest steps; empty in the last report
    findings: tuple[Finding, ...] = ()  # warnings not said before
    saved: bool = False  # the last report: all is on the disk


def run_loop(
    trainable: Trainable,
    folder: Path,
    options: LoopOptions | None = None,
    *,
    stop: Callable[[], bool] = lambda: False,
    report: Callable[[Report], None] = lambda _: None,
    parallel: Parallel = SINGLE,
) -> bool:
    """Train to the end, from the checkpoint in `folder` if there is one; False when `stop` asked to end before. Either way all is saved.

    Writes checkpoint.pt, log.jsonl, samples/, tensorboard/ and at the end figures.json; with several ranks only rank 0 writes. Raises
    TrainingError when a figure is not finite: the last good checkpoint stays.
    """
    options = options or LoopOptions()
    checkpoint = folder / CHECKPOINT
    folder.mkdir(parents=True, exist_ok=True)
    if checkpoint.is_file():
        try:
            trainable.load(checkpoint)
        except (RuntimeError, KeyError, ValueError, EOFError, pickle.UnpicklingError) as error:
            raise TrainingError(
                f"{checkpoint} does not fit this training: {str(error).strip().splitlines()[0][:160]}",
                hint="it was made by another version of the code, or is damaged; start a new run",
            ) from error
    loop = _Loop(trainable, folder, options, report, parallel)
    profiler = Profiler(folder, trainable, options.profile_steps if parallel.first else 0)
    try:
        while trainable.at < trainable.steps:
            if (trainable.at % STOP_EVERY == 0 or parallel.world == 1) and parallel.any(stop()):
                break
            with profiler.step():
                scalars = trainable.step()
            loop.after_step(scalars)
        loop.finish()
        parallel.wait()  # whoever reads the checkpoint next finds it whole
    finally:
        profiler.close()
        loop.close()
    return trainable.at >= trainable.steps


class _Loop:
    """What is written and said between steps."""

    def __init__(
        self,
        trainable: Trainable,
        folder: Path,
        options: LoopOptions,
        report: Callable[[Report], None],
        parallel: Parallel,
    ) -> None:
        self.trainable, self.folder, self.options, self.parallel = trainable, folder, options, parallel
        self.say = report if parallel.first else lambda _: None
        self.book = Logbook(folder, trainable.at, write=parallel.first)
        self.board = Board(folder / "tensorboard", trainable.at) if parallel.first else None
        self.watch = Watch()
        for line in self.book.lines:  # what was said before the kill is not said again
            self.watch.see(line)
        self.first, self.since = trainable.at, time.monotonic()
        self.saved = self.reported = self.since
        self.before = training_seconds(folder)  # of earlier starts

    def after_step(self, scalars: Scalars) -> None:
        at = self.trainable.at
        bad = [k for k, v in scalars.items() if not math.isfinite(v)]
        if bad:
            raise TrainingError(
                f"{self.folder.name}: {', '.join(bad)} of step {at} is not a number or infinite; the checkpoint of step "
                f"{self.book.saved_at} is kept",
                hint="resume with a lower learning rate in a new run, or a larger gradient penalty; resuming as it is fails again",
            )
        self.book.add(scalars)
        last = at == self.trainable.steps
        if at % self.options.log_every == 0 or last:
            self._line(last)
        elif time.monotonic() - self.reported > REPORT_S:
            self._report(self.book.mean())

    def _line(self, last: bool) -> None:
        line: dict[str, float] = {"step": self.trainable.at, **self.book.mean()}
        if self.parallel.first:
            if last or self._due(self.options.figure_kimg):
                figures = {k: float(v) for k, v in self.trainable.figures().items()}
                line |= {f"figure/{k}": v for k, v in figures.items()}
                if last:
                    text = json.dumps({"step": self.trainable.at, **figures}, indent=1)
                    write_text(self.folder / FIGURES, text + "\n")
            if last or self._due(self.options.sample_kimg):
                self._picture()
        findings = self.watch.see(line)
        self.book.write(line, findings)
        if self.board:
            self.board.scalars(line, self._speed())
            for finding in findings:
                self.board.finding(self.trainable.at, finding)
        self._report(line, findings)
        if not last and time.monotonic() - self.saved > self.options.checkpoint_s:
            self._save()

    def _due(self, kimg: float) -> bool:
        """Whether the images shown passed a multiple of `kimg` thousand since the last line."""
        per_line = self.options.log_every * self.trainable.images_per_step
        shown = self.trainable.at * self.trainable.images_per_step
        return kimg > 0 and math.floor(shown / (kimg * 1000)) > math.floor((shown - per_line) / (kimg * 1000))

    def _picture(self) -> None:
        picture = self.trainable.samples()
        folder = self.folder / SAMPLES
        folder.mkdir(exist_ok=True)
        write_png(folder / f"step-{self.trainable.at:07d}.png", picture)
        if self.board:
            self.board.picture(self.trainable.at, picture)

    def _speed(self) -> float:
        steps = self.trainable.at - self.first
        return steps * self.trainable.images_per_step / max(time.monotonic() - self.since, 1e-6)

    def _report(self, scalars: Scalars, findings: tuple[Finding, ...] = (), saved: bool = False) -> None:
        self.reported = time.monotonic()
        t, speed = self.trainable, self._speed()
        self.say(Report(t.at, t.steps, speed, speed / t.images_per_step, scalars, findings, saved))

    def _save(self) -> None:
        if self.parallel.first:
            self.book.before_save(self.trainable.at)
            if self.board:
                self.board.flush()
            self.trainable.save(self.folder / CHECKPOINT)
            self.book.saved_at = self.trainable.at
            seconds = self.before + time.monotonic() - self.since
            write_text(self.folder / CLOCK, json.dumps({"seconds": round(seconds, 1)}) + "\n")
        self.saved = time.monotonic()

    def finish(self) -> None:
        """Save, whether the run has ended or is to go on later."""
        self._save()
        self._report({}, saved=True)

    def close(self) -> None:
        self.book.close()
        if self.board:
            self.board.close()
