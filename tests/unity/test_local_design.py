"""Recipes from seeds without a server: Runtime/Core/Local's designer beside vcg_bridge.generators.design."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.tiny_bundle import write_tiny_bundle
from tests.unity.local_runs import Runner, compile_runner
from tests.unity.mono import Mono
from vcg_bridge.contract.errors import BadRequest
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.recipe_io import recipe_bytes
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.generators.design import DesignSpec, design

pytestmark = pytest.mark.unity


@pytest.fixture(scope="module")
def runner(mono: Mono) -> Runner:
    return compile_runner(mono)


def command(folder: Path, spec: DesignSpec) -> list[object]:
    items = ",".join(f"{layer}={name or ''}" for layer, name in spec.items.items())
    ramps = ",".join(f"{group}={ramp}" for group, ramp in spec.ramps.items())
    novelty = round((spec.novelty or 0) * 100)
    return ["design", folder, spec.seed, spec.archetype, spec.body, novelty, items, ramps]


def random_specs(manifest: Manifest, count: int) -> list[DesignSpec]:
    """Wishes of all sorts, many of which contradict each other."""
    rng = np.random.default_rng(9)
    specs = []
    for _ in range(count):
        items: dict[str, str | None] = {}
        for layer in rng.permutation([x.id for x in manifest.layers])[: rng.integers(0, 4)]:
            names = [x.id for x in manifest.items_of(layer)]
            name = str(rng.choice(names))
            pick = rng.random()
            items[str(layer)] = None if pick < 0.2 else name.rpartition(".")[0] or name if pick < 0.5 else name
        groups = list(manifest.groups)
        ramps = {}
        for group in rng.permutation(groups)[: rng.integers(0, 3)]:
            ramps[str(group)] = str(rng.choice([x.id for x in manifest.ramps_of(manifest.groups[str(group)])]))
        bodies = sorted({x.body for x in manifest.items_of("body")})
        specs.append(
            DesignSpec(
                seed=int(rng.integers(0, 2**62)),
                archetype=str(rng.choice(["", *(x.id for x in manifest.archetypes)])),
                body=str(rng.choice(["", "", *bodies])),
                items=items,
                ramps=ramps,
                novelty=int(rng.integers(0, 101)) / 100,
            )
        )
    return specs


def test_the_same_wishes_give_the_same_recipe(runner: Runner, tmp_path: Path) -> None:
    for folder, count in ((open_bundle().folder, 100), (write_tiny_bundle(tmp_path / "tiny"), 100)):
        manifest = open_bundle(folder).manifest
        specs = random_specs(manifest, count)
        specs += [DesignSpec(seed=seed, novelty=1.0) for seed in (0, 1, 2**63 - 1)]
        made = 0
        for spec, answer in zip(specs, runner.run([command(folder, x) for x in specs]), strict=True):
            try:
                right = ["ok", recipe_bytes(design(manifest, spec)).decode()]
            except BadRequest:
                right = ["error", "bad_request"]
            assert answer[: len(right)] == right, spec
            made += right[0] == "ok"
        assert count * 0.3 < made < count  # both must be tried


def test_wrong_wishes_are_named(runner: Runner) -> None:
    folder = open_bundle().folder
    cases = [
        (DesignSpec(seed=-1), "seed must be"),
        (DesignSpec(novelty=1.5), "novelty must be"),
        (DesignSpec(archetype="king"), "unknown archetype: 'king'"),
        (DesignSpec(body="round"), "unknown body: 'round'"),
        (DesignSpec(items={"hat": "x"}), "unknown layer: 'hat'"),
        (DesignSpec(items={"hair": "x"}), "unknown item of layer 'hair': 'x'"),
        (DesignSpec(items={"body": None}), "cannot be taken off"),
        (DesignSpec(ramps={"fur": "x"}), "unknown colour group: 'fur'"),
        (DesignSpec(ramps={"hair": "x"}), "unknown hair ramp: 'x'"),
    ]
    for (_, problem), answer in zip(cases, runner.run([command(folder, x) for x, _ in cases]), strict=True):
        assert answer[:2] == ["error", "bad_request"]
        assert problem in answer[2]
