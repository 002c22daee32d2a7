"""`--profile`: what a training spends its time on, as a Chrome trace that Perfetto (ui.perfetto.dev) opens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile, record_function

from training.files import write_with

TRACE = "trace.json.gz"
PROFILE_STEPS = 20
SKIP = 10  # steps before the trace: allocations and caches settle


class Profiler:
    """Traces some steps; named ranges are `step` and `forward NAME` of each network that the trainable holds."""

    def __init__(self, folder: Path, trainable: object, steps: int) -> None:
        """Trace `steps` steps (0: none), the first of them the 11th."""
        self._path, self._trainable, self._steps = folder / TRACE, trainable, steps
        self._at = 0
        self._profile: profile | None = None
        self._hooks = ExitStack()

    @contextmanager
    def step(self) -> Iterator[None]:
        """Around each step."""
        if self._steps == 0:
            yield
            return
        if self._at == SKIP:
            self._start()
        if self._profile is None:
            yield
        else:
            with record_function("step"):
                yield
        self._at += 1
        if self._at == SKIP + self._steps:
            self.close()

    def close(self) -> None:
        """Write the trace, if one was begun."""
        self._hooks.close()
        if self._profile is not None:
            self._profile.__exit__(None, None, None)
            write_with(self._path, lambda temporary: _export(self._profile, temporary))
            self._profile, self._steps = None, 0

    def _start(self) -> None:
        networks = {id(x): (name, x) for name, x in reversed(vars(self._trainable).items()) if isinstance(x, nn.Module)}
        for name, network in networks.values():
            _name_forward(self._hooks, network, name)
        activities = [ProfilerActivity.CPU]
        if torch.cuda.is_available():
            activities.append(ProfilerActivity.CUDA)
        self._profile = profile(activities=activities)
        self._profile.__enter__()


def _name_forward(hooks: ExitStack, module: nn.Module, name: str) -> None:
    """Open a named range before each forward pass of a module and close it after."""
    ranges: list[record_function] = []

    def enter(_module: nn.Module, _inputs: object) -> None:
        ranges.append(record_function(f"forward {name}"))
        ranges[-1].__enter__()

    def leave(_module: nn.Module, _inputs: object, _output: object) -> None:
        ranges.pop().__exit__(None, None, None)

    hooks.callback(module.register_forward_pre_hook(enter).remove)
    hooks.callback(module.register_forward_hook(leave, always_call=True).remove)


def _export(trace: profile | None, path: Path) -> None:
    """torch compresses what ends in .gz, which the temporary name does not."""
    assert trace is not None
    named = path.with_name(path.name + ".gz")
    trace.export_chrome_trace(str(named))
    named.replace(path)
