"""Composing with what earlier characters left: the same bytes, bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.generator import Generator, all_poses
from vcg_bridge.sprites import compose as compose_module
from vcg_bridge.sprites.compose import compose
from vcg_bridge.sprites.stencils import StencilCache


@pytest.fixture(params=["tiny", "shipped"])
def generator(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Generator]:
    source = write_tiny_bundle(tmp_path / "tiny") if request.param == "tiny" else ""
    with Generator(open_bundle(source), "cpu", 2) as generator:
        yield generator


@pytest.mark.parametrize("max_bytes", [0, 20_000, 64 << 20])
def test_shared_stencils_change_nothing(generator: Generator, max_bytes: int) -> None:
    manifest, cache = generator.manifest, StencilCache(max_bytes)
    poses = all_poses(manifest)[:80]
    for seed in [*range(8), *range(8)]:
        drawing = generator.draw(design(manifest, DesignSpec(seed=seed, novelty=0.5 * (seed % 2))), poses)
        alone, shared = compose(manifest, drawing), compose(manifest, drawing, stencils=cache)
        assert list(alone.frames) == list(shared.frames)
        for pose, frame in alone.frames.items():
            np.testing.assert_array_equal(frame, shared.frames[pose])
        assert cache.bytes <= max_bytes
    assert bool(len(cache)) == (max_bytes > 0)


def test_a_view_is_cleaned_once(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest, cache = generator.manifest, StencilCache(64 << 20)
    drawing = generator.draw(design(manifest, DesignSpec(seed=3)), all_poses(manifest)[:80])
    compose(manifest, drawing, stencils=cache)
    monkeypatch.setattr(compose_module, "clean", None)
    again = generator.draw(drawing.recipe, all_poses(manifest)[:80])
    compose(manifest, again, stencils=cache)
