"""Torch or ONNX Runtime on the CPU: the same network, weights and batch, one thread each, in turns. Prints milliseconds of processor time.

python benchmarks/backends.py            # needs the training extra
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import onnxruntime as ort
import torch

from training.layers.networks import GeneratorShape, LayerGenerator
from training.layers.onnx_file import onnx_bytes

SHAPE = GeneratorShape(views=400, classes=16, height=48, width=48)
ROUNDS = 25


def main() -> None:
    """Print a table."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    network = LayerGenerator(SHAPE).eval()
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(onnx_bytes(network), options, providers=["CPUExecutionProvider"])
    names = [x.name for x in session.get_inputs()]
    print(
        "| views at once | ONNX Runtime | bound in and out | torch | torch over ONNX Runtime |\n|---|---|---|---|---|"
    )
    for count in (1, 16):
        codes = np.random.default_rng(1).standard_normal((count, SHAPE.z_dim), np.float32)
        views = np.arange(count, dtype=np.int64)
        feed = dict(zip(names, (codes, views), strict=True))
        binding = session.io_binding()
        for name, value in feed.items():
            binding.bind_cpu_input(name, value)
        out = session.run(None, feed)[0]
        binding.bind_output(session.get_outputs()[0].name, "cpu", 0, np.float32, out.shape, out.ctypes.data)
        tensors = torch.from_numpy(codes), torch.from_numpy(views)

        def by_torch(tensors: tuple[torch.Tensor, torch.Tensor] = tensors) -> None:
            with torch.inference_mode():
                network(*tensors)

        ways: dict[str, Callable[[], object]] = {
            "run": lambda feed=feed: session.run(None, feed),  # type: ignore[misc]
            "bound": lambda binding=binding: session.run_with_iobinding(binding),  # type: ignore[misc]
            "torch": by_torch,
        }
        spent: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(ROUNDS + 3):
            for name, draw in ways.items():
                begin = time.process_time()
                draw()
                if turn >= 3:
                    spent[name].append((time.process_time() - begin) * 1000)
        run, bound, torch_ms = (statistics.median(spent[name]) for name in ways)
        print(f"| {count} | {run:.2f} | {bound:.2f} | {torch_ms:.2f} | {torch_ms / run:.2f} |")


if __name__ == "__main__":
    main()
