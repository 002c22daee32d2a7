"""What `describe` says of a bundle: complete enough for a panel, small enough for GDScript."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.description import description_of
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.manifest_io import load_manifest

SHIPPED = Path(__file__).parents[2] / "vcg_bridge" / "bundles" / "lpc-revised"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    folder = tmp_path_factory.mktemp("bundle") / "tiny"
    write_tiny_bundle(folder)
    return load_manifest(folder)


def test_the_description_says_what_the_manifest_says(manifest: Manifest) -> None:
    described = description_of(manifest, "d")
    assert [x.id for x in described.animations] == [x.id for x in manifest.animations]
    assert [x.id for x in described.layers] == [x.id for x in manifest.layers]
    for layer in described.layers:
        assert [x.id for x in layer.items] == [x.id for x in manifest.items_of(layer.id)]
        assert layer.slot == manifest.slot_base[layer.id]
        assert layer.slots == manifest.layer(layer.id).classes - 1
        controls = manifest.controls_of(layer.id)
        assert [f"{layer.id}/{x.id}" for x in layer.controls] == [x.key for x in controls]
        for shown, control in zip(layer.controls, controls, strict=True):
            assert (shown.title, shown.low, shown.high) == (control.title, control.low, control.high)
            assert shown.items == control.items
        shades = sum(x.shades for x in layer.materials)
        assert shades + manifest.layer(layer.id).fixed == layer.slots
        assert all(manifest.groups[x.group] == x.kind == described.groups[x.group] for x in layer.materials)
    for kind, ramps in described.ramps.items():
        for ramp in ramps:
            colours = [tuple(ramp.colours[i : i + 3]) for i in range(0, len(ramp.colours), 3)]
            assert colours == list(manifest.ramp(kind, ramp.id).colours)
    assert set(described.bodies) == {x.body for x in manifest.items} - {""}


def test_it_travels(manifest: Manifest) -> None:
    described = description_of(manifest, "d")
    assert m.decode_reply(m.encode(described)) == (described, [])


@pytest.mark.skipif(not (SHIPPED / "manifest.json").exists(), reason="the bundle is not built yet")
def test_the_shipped_bundle_is_described_in_few_bytes() -> None:
    described = description_of(load_manifest(SHIPPED, verify=False), "d")
    frames = m.encode(described)
    assert m.decode_reply(frames)[0] == described
    assert len(frames[0]) < 64_000  # 40 ms of GDScript at 1.6 MB/s, in its thread, once per connection
