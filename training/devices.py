"""What a training computes on: the CPU or one GPU per process.

The CUDA paths were written without a GPU at hand and have never run on one: only the choice of a device is tested.
"""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from training.errors import TrainingError

M = TypeVar("M", bound=nn.Module)
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Device:
    """Where tensors live and how networks are run there."""

    where: torch.device
    bf16: bool = False  # forward passes without gradient penalties in bfloat16
    threads: int = 1  # of the CPU; with another number sums differ in the last digit, and resuming is not exact
    compile: bool = False  # torch.compile: a minute at the start, then up to 1.4 times the speed

    def place(self, module: M) -> M:
        """Move a network here, its convolutions channels-last: faster on CPU and GPU alike. Returns the same module."""
        return module.to(self.where, memory_format=torch.channels_last)

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Around a forward pass and its loss; no gradient penalty in it, whose second derivatives need float32."""
        return torch.autocast(self.where.type, torch.bfloat16) if self.bf16 else contextlib.nullcontext()

    def compiled(self, call: Callable[..., Tensor]) -> Callable[..., Tensor]:
        """What to call instead of a network, given what is called now; the state stays in the network."""
        return torch.compile(call) if self.compile else call

    def describe(self) -> dict[str, object]:
        """For the record of a run."""
        name = torch.cuda.get_device_name(self.where) if self.where.type == "cuda" else cpu_name()
        return {
            "device": self.where.type,
            "device_name": name,
            "bf16": self.bf16,
            "compile": self.compile,
            "threads": self.threads,
        }


CPU = Device(torch.device("cpu"))


def choose(name: str, *, compile_networks: bool = False, local_rank: int = 0) -> Device:
    """The device of a name in DEVICES; with CUDA the card of this rank, bfloat16 where the card has it in hardware.

    bfloat16 stays off on CPUs: measured slower there (42 against 68 img/s). Raises TrainingError.
    """
    if name not in DEVICES:
        raise TrainingError(f"unknown device {name!r}", hint=f"there are: {', '.join(DEVICES)}")
    found = torch.cuda.is_available()
    if name == "cpu" or (name == "auto" and not found):
        return Device(torch.device("cpu"), compile=compile_networks)
    if not found:
        built = "finds no GPU" if torch.version.cuda else "was built without CUDA"
        raise TrainingError(
            f"--device cuda: this torch ({torch.__version__}) {built}", hint="use --device cpu, or install a CUDA build"
        )
    cards = torch.cuda.device_count()
    if local_rank >= cards:
        raise TrainingError(
            f"process {local_rank} has no GPU of its own: this machine has {cards}",
            hint=f"torchrun --nproc-per-node {cards}",
        )
    bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
    return Device(torch.device("cuda", local_rank), bf16=bf16, compile=compile_networks)


def prepare(device: Device) -> None:
    """Settings of this process, before networks are made.

    Denormal numbers are flushed to zero: without it the CPU's throughput fell by two thirds within minutes (docs/training.md, "Devices").
    """
    torch.set_num_threads(device.threads)
    torch.set_flush_denormal(True)
    if device.where.type == "cuda":
        torch.cuda.set_device(device.where)
        torch.backends.cudnn.benchmark = False  # which kernel wins differs from start to start: resuming must be exact
        torch.backends.cudnn.deterministic = True


def cpu_name() -> str:
    """The processor's name as it gives it, or its architecture."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
