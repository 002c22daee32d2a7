"""Torch or ONNX Runtime, inputs and outputs copied or bound: the same network, weights and batch, in turns.

    python benchmarks/backends.py                   # one thread of the CPU; needs the training extra
    python benchmarks/backends.py --device cuda     # and a CUDA graph of fixed shape; needs the gpu extra and a torch for CUDA

Prints milliseconds: of processor time on the CPU, by the clock on a GPU, whose work is no time of this process.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from training.layers.networks import GeneratorShape, LayerGenerator
from training.layers.onnx_file import onnx_bytes
from vcg_bridge.generators.session import providers

SHAPE = GeneratorShape(views=400, classes=16, height=48, width=48)
ROUNDS, WARM_UP = 25, 3
Way = Callable[[], object]


def session_of(data: bytes, device: str, **more: str) -> ort.InferenceSession:
    """As the product makes it, with `more` options of CUDA."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    chosen = providers(device)
    if device == "cuda":
        chosen[0] = (chosen[0][0], {**chosen[0][1], **more})
    session = ort.InferenceSession(data, options, providers=chosen)
    if session.get_providers()[0] != (chosen[0][0] if device == "cuda" else chosen[0]):
        sys.exit(f"backends.py: ONNX Runtime cannot use {device} here")
    return session


def bound(session: ort.InferenceSession, feed: dict[str, Any], device: str, expected: NDArray[np.float32]) -> Way:
    """Inputs and output stay where the network is; the output is copied back, as `run` does. `expected`: what comes out."""
    binding = session.io_binding()
    inputs = {name: ort.OrtValue.ortvalue_from_numpy(value, device, 0) for name, value in feed.items()}
    there = ort.OrtValue.ortvalue_from_numpy(np.zeros_like(expected), device, 0)
    for name, value in inputs.items():
        binding.bind_ortvalue_input(name, value)
    binding.bind_ortvalue_output(session.get_outputs()[0].name, there)

    def draw() -> object:
        for name, value in inputs.items():
            value.update_inplace(feed[name])
        session.run_with_iobinding(binding)
        return there.numpy()

    np.testing.assert_allclose(draw(), expected, rtol=1e-3, atol=1e-3)
    return draw


def ways_of(network: LayerGenerator, data: bytes, count: int, device: str) -> dict[str, Way]:
    """Ways to draw `count` views, all of which end with the logits in the memory of the CPU."""
    session = session_of(data, device)
    codes = np.random.default_rng(1).standard_normal((count, SHAPE.z_dim), np.float32)
    views = np.arange(count, dtype=np.int64)
    feed = dict(zip([x.name for x in session.get_inputs()], (codes, views), strict=True))

    expected = session.run(None, feed)[0]

    def by_torch() -> object:
        with torch.inference_mode():
            return network(torch.from_numpy(codes).to(device), torch.from_numpy(views).to(device)).cpu()

    ways: dict[str, Way] = {
        "ONNX Runtime": lambda: session.run(None, feed),
        "bound in and out": bound(session, feed, device, expected),
        "torch": by_torch,
    }
    if device == "cuda":
        ways["CUDA graph"] = bound(session_of(data, device, enable_cuda_graph="1"), feed, device, expected)
    return ways


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    device: str = parser.parse_args().device
    if device == "cuda" and not torch.cuda.is_available():
        sys.exit("backends.py: this torch cannot use CUDA here")
    torch.manual_seed(1)
    torch.set_num_threads(1)
    network = LayerGenerator(SHAPE).eval()
    data = onnx_bytes(network)
    network.to(device)
    clock = time.process_time if device == "cpu" else time.perf_counter
    rows: list[tuple[int, dict[str, float]]] = []
    for count in (1, 16) if device == "cpu" else (1, 16, 64, 256):
        ways = ways_of(network, data, count, device)
        spent: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(ROUNDS + WARM_UP):
            for name, draw in ways.items():
                begin = clock()
                draw()
                if turn >= WARM_UP:
                    spent[name].append((clock() - begin) * 1000)
        rows.append((count, {name: statistics.median(times) for name, times in spent.items()}))
    print("| views at once |", " | ".join(rows[0][1]), "| torch over ONNX Runtime |")
    print("|---" * (len(rows[0][1]) + 2) + "|")
    for count, found in rows:
        figures = " | ".join(f"{x:.2f}" for x in found.values())
        print(f"| {count} | {figures} | {found['torch'] / found['ONNX Runtime']:.2f} |")


if __name__ == "__main__":
    main()
