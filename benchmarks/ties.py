#!/usr/bin/env python3
"""How far float32 may be trusted, and whether the tie rule holds: the figures of docs/adr/0001-ties.md.

    python benchmarks/ties.py [--bundle NAME_OR_FOLDER] [--views 400]

Every network of the bundle draws views of random items, mixtures and free codes in several ways that stand for different
machines: batches of 1, 16 and 64, one thread and two, ONNX Runtime with and without its optimised convolution layout, and
the standard's reference evaluator (numpy, float32); and CUDA as the product sets it, where there is a GPU. All are compared with numpy in float64, without the rule and with it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from vcg_bridge.contract.manifest import CODE_SCALE, Manifest, Network
from vcg_bridge.generators import exact
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.generators.session import available_devices, providers

RIVAL = 0.02
"""Logit distance to the best class, as a share of the largest logit around, under which a class counts for the noise."""

Draw = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]]


def inputs(manifest: Manifest, network: Network, count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Half items, a quarter mixtures of two, a quarter codes from anywhere in int8."""
    rng = np.random.default_rng(0)
    users = {layer.id for layer in manifest.layers for part in layer.parts if part.network == network.id}
    codes = np.array([x.code for x in manifest.items if x.layer in users], np.float32) / CODE_SCALE
    first, second = codes[rng.integers(len(codes), size=count)], codes[rng.integers(len(codes), size=count)]
    share = rng.uniform(0.2, 0.5, (count, 1)) * (np.arange(count) % 4 == 1)[:, None]
    mixed = first * (1 - share) + second * share
    free = rng.integers(-128, 128, first.shape) / CODE_SCALE
    chosen = np.where((np.arange(count) % 4 == 3)[:, None], free, mixed).astype(np.float32)
    return chosen, rng.integers(network.views, size=count)


def machines(network: Network, data: bytes) -> dict[str, Draw]:
    """Ways to draw in float32."""
    level = ort.GraphOptimizationLevel

    def runtime(batch: int, threads: int, optimise: ort.GraphOptimizationLevel, device: str = "cpu") -> Draw:
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.graph_optimization_level = threads, optimise
        session = ort.InferenceSession(data, options, providers=providers(device))

        def draw(codes: NDArray[np.float32], views: NDArray[np.int64]) -> NDArray[np.float32]:
            order = np.random.default_rng(batch).permutation(len(views))
            result = np.zeros((len(views), network.classes, network.height, network.width), np.float32)
            for i in range(0, len(order), batch):
                rows = order[i : i + batch]
                feed = {network.code_input: codes[rows], network.view_input: views[rows]}
                result[rows] = session.run([network.output], feed)[0]
            return result

        return draw

    reference = ReferenceEvaluator(onnx.load_model_from_string(data))

    def numpy(codes: NDArray[np.float32], views: NDArray[np.int64]) -> NDArray[np.float32]:
        feed = {network.code_input: codes, network.view_input: views}
        parts = [
            reference.run([network.output], {k: v[i : i + 8] for k, v in feed.items()})[0]
            for i in range(0, len(views), 8)
        ]
        return np.concatenate(parts)

    ways = {
        "batch 1": runtime(1, 1, level.ORT_ENABLE_ALL),
        "batch 16": runtime(16, 1, level.ORT_ENABLE_ALL),
        "batch 64, 2 threads": runtime(64, 2, level.ORT_ENABLE_ALL),
        "batch 16, plain layout": runtime(16, 1, level.ORT_DISABLE_ALL),
        "onnx.reference": numpy,
    }
    if "cuda" in available_devices():
        ways |= {f"CUDA, batch {n}": runtime(n, 1, level.ORT_ENABLE_ALL, "cuda") for n in (1, 16, 64)}
    return ways


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="")
    parser.add_argument("--views", type=int, default=400, help="views drawn of every network")
    options = parser.parse_args()
    bundle = open_bundle(options.bundle)
    pixels = views_drawn = doubtful = wrong_pixels = still_wrong = unlike = 0
    worst = 0.0
    for network in bundle.manifest.networks:
        data = (bundle.folder / network.file).read_bytes()
        codes, views = inputs(bundle.manifest, network, options.views)
        truth = exact.ExactNetwork(network, data, network.file).logits(codes, views)
        right = exact.decide(truth, network.classes, exact=True)
        scale = exact.largest_around(np.abs(truth).max(axis=1))
        best = truth.argmax(axis=1, keepdims=True)
        gap = np.take_along_axis(truth, best, axis=1) - truth
        rival = gap < RIVAL * scale[:, None]  # classes that noise could ever lift above the best
        noise, plain = 0.0, []
        for draw in machines(network, data).values():
            logits = draw(codes, views)
            error = np.abs(logits - truth - np.take_along_axis(logits - truth, best, axis=1))
            noise = max(noise, float((error * rival / scale[:, None]).max()))
            found = exact.decide(logits, network.classes)
            plain.append(found.classes)
            wrong_pixels += int((found.classes != right.classes).sum())
            sure = ~found.doubtful
            still_wrong += int((found.classes[sure] != right.classes[sure]).sum())
            doubtful += int(found.doubtful.sum())
            pixels += found.classes.size
            views_drawn += len(views)
        unlike += int(sum((a != plain[0]).any(axis=(1, 2)) for a in plain[1:]).astype(bool).sum())
        worst = max(worst, noise)
        print(
            f"{network.id:13} {options.views} views {network.height}x{network.width}: noise {noise:.1e} of the logits around, "
            f"{found.doubtful.mean():.1%} doubtful",
            flush=True,
        )
    print(f"{pixels / 1e6:.1f} million pixels in {views_drawn} views, {len(plain)} ways of drawing")
    print(f"largest noise {worst:.2e}; TAU {exact.TAU:.1e} is {exact.TAU / worst:.0f} times that")
    print(f"without the rule: {wrong_pixels} pixels differ from float64; {unlike} views differ between ways of drawing")
    print(
        f"with the rule: {still_wrong} pixels differ from float64; {doubtful / views_drawn:.2%} of the views drawn again"
    )


if __name__ == "__main__":
    main()
