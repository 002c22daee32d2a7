"""Which device is chosen. What runs on CUDA is not tested: there was none."""

from __future__ import annotations

import pytest
import torch

from training.devices import CPU, Device, choose
from training.errors import TrainingError

pytestmark = pytest.mark.training


def test_auto_takes_the_gpu_if_there_is_one() -> None:
    assert choose("auto").where.type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_the_cpu_keeps_float32() -> None:
    device = choose("cpu", compile_networks=True)
    assert device == Device(torch.device("cpu"), bf16=False, compile=True)
    with device.autocast():
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.float32


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_cuda_without_a_gpu_is_one_clear_error() -> None:
    with pytest.raises(TrainingError, match=r"--device cuda: this torch .* (built without CUDA|finds no GPU)"):
        choose("cuda")


def test_bfloat16_is_for_the_forward_pass_where_it_was_chosen() -> None:
    with Device(torch.device("cpu"), bf16=True).autocast():
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.bfloat16


def test_networks_are_placed_channels_last_and_compiled_ones_draw_the_same() -> None:
    network = CPU.place(torch.nn.Conv2d(3, 4, 3))
    assert network.weight.is_contiguous(memory_format=torch.channels_last)
    assert CPU.compiled(network) is network
    assert Device(torch.device("cpu"), compile=True).compiled(network) is not network
