#!/usr/bin/env python3
"""How fast the Unity package draws without a server, in plain C# on mono, and what the tie rule's double precision costs.

    python benchmarks/unity_local.py [--characters 12] [--threads 1,2]

Needs mono (scripts/install_mono.sh). Times are of mono's just-in-time compiler: Unity's own runtime is another build of it, IL2CPP is
a C++ compiler's work, and neither is at hand. Beside them: ONNX Runtime in single precision (what the inference package would be
compared with) and the Python package's double precision, on one thread each.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.unity.local_runs import Runner, compile_runner
from tests.unity.mono import find_mono
from vcg_bridge.contract.recipe_io import recipe_bytes
from vcg_bridge.generators.bundle import Bundle, open_bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.exact import ExactNetwork
from vcg_bridge.generators.generator import Generator, all_poses
from vcg_bridge.sprites.compose import compose

NETWORKS = ("body", "head", "hair", "torso", "legs", "feet", "eyes", "sword")
ANIMATIONS = ("walk", "idle")


def milliseconds(work: Callable[[], object], times: int) -> float:
    """The median of so many runs, after one that does not count."""
    work()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def views(runner: Runner, bundle: Bundle) -> None:
    """One view of each network, the three ways."""
    print("| network | window | plain C#, float64 | ONNX Runtime, float32, batch of 16 | Python, float64 |")
    print("|---|---|---|---|---|")
    for name in NETWORKS:
        network = bundle.manifest.network(name)
        managed = float(runner.one("views", bundle.folder, name, network.classes, 40)[1])
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        session = ort.InferenceSession(bundle.folder / network.file, options)
        codes = np.random.default_rng(1).normal(size=(16, bundle.manifest.z_dim)).astype(np.float32)
        feed = {network.code_input: codes, network.view_input: np.arange(16) % network.views}
        runtime = milliseconds(lambda s=session, f=feed: s.run(None, f), 5) / 16
        exact = ExactNetwork(network, (bundle.folder / network.file).read_bytes(), name)
        python = milliseconds(lambda e=exact, c=codes: e.logits(c[:1], np.array([1])), 5)
        size = f"{network.width} x {network.height} x {network.classes}"
        print(f"| {name} | {size} | {managed:.1f} ms | {runtime:.2f} ms | {python:.1f} ms |")


def characters(runner: Runner, bundle: Bundle, count: int, threads: list[int], folder: Path) -> None:
    """Villagers in walk and idle, one after the other, from an empty cache."""
    recipes, files = [], []
    for seed in range(count):
        recipes.append(design(bundle.manifest, DesignSpec(seed=seed, novelty=0.3)))
        files.append(folder / f"{seed}.vcg.json")
        files[-1].write_bytes(recipe_bytes(recipes[-1]))
    with Generator(bundle, device="cpu", threads=1) as generator:
        poses = all_poses(bundle.manifest, ANIMATIONS)
        needed = [len(generator.needed_views(x, poses)) for x in recipes]
        start = time.perf_counter()
        for recipe in recipes:
            compose(bundle.manifest, generator.draw(recipe, poses))
        python = (time.perf_counter() - start) * 1000
    print(
        f"\n{count} characters, {' and '.join(ANIMATIONS)}, {statistics.mean(needed):.0f} views each, one after the other:\n"
    )
    print("| | first | each | all |")
    print("|---|---|---|---|")
    for number in threads:
        answer = runner.one("time", bundle.folder, ",".join(map(str, files)), ",".join(ANIMATIONS), number)
        taken = [int(x) for x in answer[1].split(",")]
        rest = statistics.mean(taken[1:])
        print(f"| plain C#, {number} thread{'s' * (number > 1)} | {taken[0]} ms | {rest:.0f} ms | {sum(taken)} ms |")
    print(f"| Python package, ONNX Runtime, 1 thread | | {python / count:.0f} ms | {python:.0f} ms |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--characters", type=int, default=12, help="villagers to draw")
    parser.add_argument("--threads", default="1,2", help="threads that draw, 1,2,...")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        mono = find_mono(folder)
        if mono is None:
            sys.exit("no mono here: scripts/install_mono.sh installs it")
        runner, bundle = compile_runner(mono), open_bundle()
        views(runner, bundle)
        characters(runner, bundle, args.characters, [int(x) for x in args.threads.split(",")], folder)


if __name__ == "__main__":
    main()
