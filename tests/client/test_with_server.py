"""Both clients with the real server on a small bundle: what arrives is what the generator and the sprites make."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zmq

from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.client import AsyncClient, Client, Generated
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.character import Pose
from vcg_bridge.contract.errors import BadRequest, Disconnected, IdConflict, RecipeError
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.generator import Generator
from vcg_bridge.sprites.compose import compose

pytestmark = pytest.mark.socket
DESIGN = m.Design(seed=11)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("client") / "tiny")


@contextmanager
def running(bundle: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server process and its address."""
    command = [
        sys.executable, "-m", "vcg_bridge.server", "--bundle", str(bundle), "--address", f"tcp://127.0.0.1:{port}",
        "--threads", "1", "--log", "warning",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def address(bundle: Path) -> Iterator[str]:
    with running(bundle) as (_, address):
        yield address


def same(a: Generated, b: Generated) -> bool:
    """Byte for byte, in what was decoded."""
    pictures = zip(a.pictures, b.pictures, strict=True)
    return (a.recipe, a.palette) == (b.recipe, b.palette) and all(x.data == y.data for x, y in pictures)


def test_what_arrives_is_what_the_parts_make(bundle: Path, address: str) -> None:
    with Client.connect(address) as client:
        generated = client.generate_character(design=DESIGN)
    opened = open_bundle(bundle)
    recipe = design(opened.manifest, DesignSpec(seed=11))
    assert generated.recipe == recipe
    poses = [Pose(a.id, d, f) for a in opened.manifest.animations for d in a.directions for f in range(a.frames)]
    generator = Generator(opened, device="cpu", threads=1)
    direct = compose(opened.manifest, generator.draw(recipe, poses))
    character = generated.character()
    assert set(character.frames) == set(poses)
    for pose, plane in direct.frames.items():
        np.testing.assert_array_equal(character.frames[pose], plane, err_msg=str(pose))
    np.testing.assert_array_equal(character.palette, direct.palette)
    assert generated.credits


def test_a_recipe_gives_the_same_bytes_again(address: str) -> None:
    with Client.connect(address) as client:
        first = list(client.generate_characters(design=DESIGN, count=3))
        assert [x.recipe.seed for x in first] == [11, 12, 13]
        for generated in first:
            assert same(client.generate_character(recipe=generated.recipe), generated)


@pytest.mark.parametrize("codecs", [("zstd", "raw"), ("gzip", "raw"), ("raw",)])
def test_every_codec_gives_the_same_pictures(address: str, codecs: tuple[str, ...]) -> None:
    with Client.connect(address) as client, Client.connect(address, codecs=codecs) as other:
        assert other.welcome.codecs == codecs
        assert same(client.generate_character(design=DESIGN), other.generate_character(design=DESIGN))


@pytest.mark.parametrize("layout", ["lpc", "rows", "packed"])
def test_sheets_hold_the_same_frames_as_animations(address: str, layout: str) -> None:
    output = m.Output("sheet", layout=layout, scale=2, normal_map=True)
    with Client.connect(address) as client:
        plain = client.generate_character(design=DESIGN).character()
        generated = client.generate_character(design=DESIGN, output=output)
    assert [p.kind for p in generated.pictures] == ["preview", "sheet", "normal"]
    sheet = generated.character()
    assert set(sheet.frames) == set(plain.frames)
    for pose, plane in plain.frames.items():
        np.testing.assert_array_equal(sheet.frames[pose], plane.repeat(2, axis=0).repeat(2, axis=1), err_msg=str(pose))
    normals = generated.pictures[2].frames()
    assert set(normals) == set(plain.frames)


def test_the_server_killed_in_the_middle_costs_nothing(bundle: Path, address: str, port: int) -> None:
    with Client.connect(address) as client:
        expected = list(client.generate_characters(design=DESIGN, count=12))
    with running(bundle, port) as (process, other):
        client = Client.connect(other, window_bytes=2000)
        characters = client.generate_characters(design=DESIGN, count=12)
        got = [next(characters) for _ in range(3)]
        process.kill()
        process.wait()
    with running(bundle, port), client:
        got += characters
    assert len(got) == 12
    assert all(map(same, got, expected))


def exchange(dealer: zmq.Socket[bytes], *requests: m.Request, last: type[m.Reply]) -> list[m.Reply]:
    """Send; every reply up to the first of that type."""
    for request in requests:
        dealer.send_multipart(m.encode(request))
    replies: list[m.Reply] = []
    while not replies or not isinstance(replies[-1], last):
        assert dealer.poll(20_000), replies
        replies.append(m.decode_reply(dealer.recv_multipart())[0])
    return replies


def test_credit_and_first_seq_by_hand(address: str) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.connect(address)
    try:
        exchange(dealer, m.Hello((1,)), last=m.Welcome)
        request = m.Generate("a", design=DESIGN, count=2)
        exchange(dealer, request, last=m.Accepted)
        exchange(dealer, m.Ping("p"), last=m.Pong)
        assert not dealer.poll(300)  # no credit, no chunk
        first = exchange(dealer, m.Credit("a", 1), last=m.Chunk)
        assert not dealer.poll(300)  # one chunk may overdraw the credit
        rest = exchange(dealer, m.Credit("a", 1 << 20), last=m.Done)
        chunks = [x for x in [*first, *rest] if isinstance(x, m.Chunk)]
        assert [x.seq for x in chunks] == list(range(10))
        again = exchange(dealer, replace(request, credit=1 << 20, first_seq=7), last=m.Done)
        assert [x for x in again if isinstance(x, m.Chunk)] == chunks[7:]
    finally:
        dealer.close(0)
        context.term()


def test_errors_are_the_servers(address: str) -> None:
    with Client.connect(address) as client:
        with pytest.raises(BadRequest, match="walk"):
            list(client.generate(design=DESIGN, animations=("wlak",)))
        with pytest.raises(BadRequest, match="unknown"):
            list(client.generate(design=m.Design(archetype="nobody")))
        with pytest.raises(BadRequest, match="no model 'other'"):
            client.describe("other")
        recipe = client.generate_character(design=DESIGN).recipe
        foreign = type(recipe)(**{**vars(recipe), "model_sha256": "0" * 64})
        with pytest.raises(RecipeError, match="another version"):
            list(client.generate(recipe=foreign))
        list(client.generate(design=DESIGN, id="mine"))
        assert list(client.generate(design=DESIGN, id="mine"))
        with pytest.raises(IdConflict, match="another request"):
            list(client.generate(design=m.Design(seed=12), id="mine"))


def test_cancelled_jobs_leave_room(address: str) -> None:
    with Client.connect(address) as client:
        for _ in range(3 * client.welcome.limits.jobs):
            for _picture in client.generate(design=DESIGN, count=1000):
                break
        assert len(list(client.generate(design=DESIGN))) == 5


def test_many_tasks_at_once(address: str) -> None:
    async def main() -> None:
        async with await AsyncClient.connect(address, window_bytes=4000) as client:
            one = await client.generate_character(design=DESIGN)
            many = await asyncio.gather(*(client.generate_character(design=DESIGN) for _ in range(10)))
            assert all(same(one, x) for x in many)
            with pytest.raises(BadRequest):
                await client.generate_character(design=m.Design(items={"hat": "x"}))

    asyncio.run(main())


def test_sigterm_is_a_goodbye(bundle: Path) -> None:
    with running(bundle) as (process, address):
        client = Client.connect(address, retry_s=0.5)
        process.terminate()
        assert process.wait(30) == 0
    with client, pytest.raises(Disconnected):
        list(client.generate(design=DESIGN))
