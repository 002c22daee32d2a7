"""The server on the bundle that is shipped: the few things that need real characters."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.server.conftest import WINDOW, Dealer, config, running
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.blobs import decode_blob
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.generator import Generator, all_poses
from vcg_bridge.server.server import Server
from vcg_bridge.sprites.compose import compose

pytestmark = pytest.mark.socket


@pytest.fixture(scope="module")
def shipped() -> Iterator[Server]:
    with running(config()) as server:
        yield server


def test_what_arrives_is_what_the_parts_make(shipped: Server) -> None:
    with Dealer(shipped.address) as dealer:
        dealer.hello()
        request = m.Generate(
            "g", design=m.Design(seed=5, archetype="guard"), animations=("walk", "idle"), credit=WINDOW
        )
        answer = dealer.job(request)
    bundle = open_bundle()
    recipe = design(bundle.manifest, DesignSpec(seed=5, archetype="guard"))
    with Generator(bundle, "cpu", 2) as generator:
        drawing = generator.draw(recipe, all_poses(bundle.manifest, ["walk", "idle"]))
    direct = compose(bundle.manifest, drawing)
    assert answer.chunks[0].recipe == recipe
    assert answer.chunks[0].palette == direct.palette.tobytes()
    assert len(answer.chunks) == 3
    for chunk in answer.chunks:
        data = decode_blob(chunk.codec, answer.blobs[chunk.seq], chunk.raw_length, chunk.sha256)
        picture = np.frombuffer(data, np.uint8).reshape(chunk.height, chunk.width)
        [strip] = chunk.strips
        for row, direction in enumerate(strip.directions):
            for frame in range(strip.frames):
                y, x = row * strip.frame_height, frame * strip.frame_width
                plane = picture[y : y + strip.frame_height, x : x + strip.frame_width]
                np.testing.assert_array_equal(plane, direct.frames[strip.animation, direction, frame])  # type: ignore[index]


def test_pings_are_answered_while_it_draws(shipped: Server) -> None:
    with Dealer(shipped.address) as dealer:
        dealer.hello()
        wish = m.Design(seed=9000, novelty=100)
        dealer.send(m.Generate("big", design=wish, count=40, credit=1, priority="batch", preview=False))
        assert isinstance(dealer.reply(), m.Accepted)
        dealer.send(m.Ping("0"))
        pongs = 0
        while isinstance(dealer.reply(), m.Pong):  # until the first chunk: so long something is being drawn
            pongs += 1
            dealer.send(m.Ping(str(pongs)))
        assert pongs >= 3
        dealer.send(m.Cancel("big"))
        dealer.until(m.Cancelled)
