"""The blocking client against a real socket: what it does when all is well."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tests.support.peer import HEIGHT, WIDTH, Peer, plane
from vcg_bridge.client import Client, Picture
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.character import Pose
from vcg_bridge.contract.errors import BadRequest, Cancelled, IdConflict

pytestmark = pytest.mark.socket
DESIGN = m.Design(seed=7)


def test_connects_describes_and_pings() -> None:
    with Peer() as peer, Client.connect(peer.address, token="s3cret") as client:
        assert client.welcome.server == "peer"
        assert [x.name for x in client.welcome.models] == ["tiny"]
        assert client.describe().layers[0].id == "body"
        assert 0 < client.ping() < 10
        (hello,) = peer.of_type(m.Hello)
        assert isinstance(hello, m.Hello)
        assert hello.token == "s3cret"
        assert hello.versions == (1,)
        assert len(hello.session) == 32


@pytest.mark.parametrize("codec", ["raw", "gzip", "zstd"])
def test_pictures_come_decoded_and_in_order(codec: str) -> None:
    with Peer() as peer, Client.connect(peer.address) as client:
        peer.codec = codec
        job = client.generate(design=DESIGN, count=2, id="my-job")
        pictures = list(job)
        assert [(p.kind, p.character, p.chunk.seq) for p in pictures] == [
            ("preview", 0, 0), ("animation", 0, 1), ("animation", 0, 2),
            ("preview", 1, 3), ("animation", 1, 4), ("animation", 1, 5),
        ]  # fmt: skip
        assert [p.data for p in pictures] == [plane(i) for i in range(6)]
        assert [p.recipe.seed for p in pictures] == [0, 0, 0, 1, 1, 1]
        assert job.id == "my-job"
        assert job.accepted is not None
        assert job.accepted.chunks == 6
        assert job.done is not None
        assert job.done.licence == "CC0"


def test_frames_of_a_strip_are_where_the_page_says() -> None:
    with Peer() as peer, Client.connect(peer.address) as client:
        pictures = list(client.generate(design=DESIGN))
    image = np.frombuffer(plane(1), np.uint8).reshape(HEIGHT, WIDTH)
    frames = pictures[1].frames()
    assert len(frames) == 12
    np.testing.assert_array_equal(pictures[1].pixels(), image)
    np.testing.assert_array_equal(frames[Pose("walk-1", "left", 2)], image[8:16, 16:24])
    np.testing.assert_array_equal(frames[Pose("walk-1", "right", 0)], image[24:32, 0:8])


def test_characters_are_gathered() -> None:
    with Peer() as peer, Client.connect(peer.address) as client:
        first, second = client.generate_characters(design=DESIGN, count=2)
        one = client.generate_character(design=DESIGN)
    assert (first.index, second.index) == (0, 1)
    assert second.recipe.seed == 1
    assert first.credits == ("Patterns by a test",)
    character = first.character()
    assert len(character.frames) == 24
    assert character.palette.shape == (256, 4)
    assert character.palette[1].tolist() == [1, 254, 7, 255]
    assert one.pictures[0].kind == "preview"


def test_several_jobs_at_once_do_not_wait_for_each_other() -> None:
    with Peer() as peer, Client.connect(peer.address) as client:
        first, second = client.generate(design=DESIGN, count=3), client.generate(design=DESIGN, count=3)
        assert [p.chunk.seq for p in second] == list(range(9))
        assert [p.chunk.seq for p in first] == list(range(9))


def test_credit_holds_the_server_back() -> None:
    window = 12_000
    with Peer() as peer, Client.connect(peer.address, window_bytes=window) as client:
        peer.codec = "raw"
        job = client.generate(design=DESIGN, count=50)
        assert job.next() is not None
        client.ping()  # the peer has sent all it may by now
        sent = len(peer.sent_chunks)
        assert sent < 20
        assert [p.chunk.seq for p in job] == list(range(1, 150))
        largest = 3500  # bytes of a message with palette, recipe and blob
        assert peer.most_in_flight <= window + largest
        assert len(peer.of_type(m.Credit)) < 150  # not one message for each chunk


def test_leaving_the_loop_cancels_the_job() -> None:
    with Peer() as peer, Client.connect(peer.address, window_bytes=4000) as client:
        for picture in client.generate(design=DESIGN, count=100, id="left"):
            assert isinstance(picture, Picture)
            break
        client.ping()
        assert m.Cancel("left") in peer.requests
        assert len(peer.sent_chunks) < 50
        assert [p.chunk.seq for p in client.generate(design=DESIGN, id="left")] == [0, 1, 2]  # the id is free again


def test_cancel_waits_for_the_server_and_ends_the_iteration() -> None:
    with Peer() as peer, Client.connect(peer.address) as client:
        peer.delay_s = 0.01
        job = client.generate(design=DESIGN, count=100)
        assert job.next() is not None
        job.cancel()
        with pytest.raises(Cancelled):
            list(job)
        assert job.done is None


def test_errors_of_the_server_become_exceptions() -> None:
    with Peer() as peer, Client.connect(peer.address) as client:
        peer.refuse = lambda request: m.Error("bad_request", "unknown item: 'hatt'", 'did you mean "hat"?', request.id)
        with pytest.raises(BadRequest, match=r"unknown item: 'hatt' \(did you mean \"hat\"\?\)"):
            list(client.generate(design=DESIGN))
        peer.refuse = lambda request: m.Error("id_conflict", "in use", id=request.id)
        with pytest.raises(IdConflict):
            list(client.generate(design=DESIGN))


def test_what_is_wrong_by_form_never_leaves() -> None:
    with Peer() as peer, Client.connect(peer.address) as client:
        with pytest.raises(BadRequest, match=r"generate.count: 0 is outside 1 to 1000"):
            client.generate(design=DESIGN, count=0)
        with pytest.raises(BadRequest, match="either a recipe or a design"):
            client.generate()
        with pytest.raises(BadRequest, match="id 'twice' is running"):
            client.generate(design=DESIGN, id="twice"), client.generate(design=DESIGN, id="twice")
        client.ping()
        assert len(peer.of_type(m.Generate)) == 1


def test_close_says_goodbye_and_leaves_nothing_behind() -> None:
    with Peer() as peer:
        before = threading.active_count()
        client = Client.connect(peer.address)
        job = client.generate(design=DESIGN, count=1000)
        client.close()
        client.close()
        assert threading.active_count() == before
        with pytest.raises(Exception, match="client was closed"):
            list(job)
        with pytest.raises(Exception, match="client was closed"):
            client.ping()
        with Client.connect(peer.address) as other:
            other.ping()
        assert m.Bye() in peer.requests


def test_many_tear_downs_leave_no_thread_and_no_descriptor() -> None:
    def descriptors() -> int:
        folder = Path("/proc/self/fd")
        return len(list(folder.iterdir())) if folder.exists() else 0

    with Peer() as peer:
        before = threading.active_count(), descriptors()
        for i in range(40):
            client = Client.connect(peer.address)
            job = client.generate(design=DESIGN, count=100)
            for _ in range(i % 4):
                assert job.next() is not None
            client.close()
        until = time.monotonic() + 20
        while descriptors() > before[1] and time.monotonic() < until:
            time.sleep(0.01)  # the peer's ends of what was closed just now
        assert (threading.active_count(), descriptors()) == before
        with Client.connect(peer.address) as client:
            client.ping()
            assert not [x for x in peer._jobs if x[0] not in peer._known]
