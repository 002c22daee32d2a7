"""A real server, and a bare DEALER to talk to it with.

Most tests use a small bundle of random weights: the same code, a tenth of the work. test_shipped uses the one that is
shipped.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import pytest
import zmq

from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.contract import messages as m
from vcg_bridge.server.config import ServerConfig
from vcg_bridge.server.server import Server

ANSWER_S = 60
"""No test waits longer for anything. The machine may be busy: this is no measure of speed."""

WINDOW = 8 << 20


class Dealer:
    """A DEALER socket that says what it is told to, and fails rather than waits for ever."""

    def __init__(self, address: str, *, receive: int = 1000) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.RCVHWM = receive
        self.socket.LINGER = 0
        self.socket.connect(address)

    def __enter__(self) -> Dealer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close(0)
        self._context.term()

    def send(self, *requests: m.Request) -> None:
        for request in requests:
            self.socket.send_multipart(m.encode(request))

    def send_raw(self, frames: Sequence[bytes]) -> None:
        self.socket.send_multipart(list(frames))

    def hello(self, session: str = "", codecs: tuple[str, ...] = ("zstd", "raw"), token: str = "") -> m.Welcome:
        self.send(m.Hello((1,), session=session, codecs=codecs, client="tests", token=token))
        welcome = self.reply()
        assert isinstance(welcome, m.Welcome), welcome
        return welcome

    def message(self) -> tuple[m.Reply, list[bytes], int]:
        """The next message, its blobs, the bytes of all its frames."""
        assert self.socket.poll(ANSWER_S * 1000), "no answer"
        frames = self.socket.recv_multipart()
        return *m.decode_reply(frames), sum(map(len, frames))

    def reply(self) -> m.Reply:
        return self.message()[0]

    def quiet(self, seconds: float) -> bool:
        """Whether nothing comes for so long."""
        return not self.socket.poll(int(seconds * 1000))

    def until(self, kind: type[m.Reply]) -> list[m.Reply]:
        """Every reply up to the first of that type."""
        replies = [self.reply()]
        while not isinstance(replies[-1], kind):
            replies.append(self.reply())
        return replies

    def job(self, request: m.Generate) -> Answer:
        """All that comes for a request which is granted enough."""
        self.send(request)
        answer = Answer([], {}, {})
        while True:
            reply, blobs, size = self.message()
            answer.replies.append(reply)
            if isinstance(reply, m.Chunk):
                answer.blobs[reply.seq], answer.sizes[reply.seq] = blobs[0], size
            if isinstance(reply, m.Done | m.Error):
                return answer


@dataclass
class Answer:
    """What came for one generate."""

    replies: list[m.Reply]
    blobs: dict[int, bytes]  # by seq
    sizes: dict[int, int]

    @property
    def chunks(self) -> list[m.Chunk]:
        return [r for r in self.replies if isinstance(r, m.Chunk)]

    @property
    def end(self) -> m.Reply:
        return self.replies[-1]


@contextmanager
def running(config: ServerConfig | None = None, made: Server | None = None) -> Iterator[Server]:
    """A server in a thread. Whatever the test does, it ends, and all that it has started ends with it. made: that one."""
    before = set(threading.enumerate())
    server = made or Server(config or ServerConfig(address="tcp://127.0.0.1:0", threads=2, workers=0))
    thread = threading.Thread(target=server.run, name="server")
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        server.stop()
        thread.join(ANSWER_S)
        assert not thread.is_alive()
        left = [t for t in threading.enumerate() if t not in before and t.name.startswith("vcg-")]
        for one in left:  # on a busy machine the server does not wait for the TLS front to the end
            one.join(ANSWER_S)
        assert not [t.name for t in left if t.is_alive()]


def figure(server: Server, name: str) -> float:
    """One of the values that /metrics shows, without vcg_."""
    return next(value.value for value in server._vitals.values() if value.name == name)


def config(**settings: object) -> ServerConfig:
    """For a test: any free port, two threads, no replicas."""
    return ServerConfig(**{"address": "tcp://127.0.0.1:0", "threads": 2, "workers": 0, **settings})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bundle of random weights, for tests of many connections and requests."""
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="module")
def server(tiny: Path) -> Iterator[Server]:
    """The small bundle."""
    with running(config(bundles=(str(tiny),), limits=m.Limits(count=500))) as server:
        yield server


@pytest.fixture
def dealer(server: Server) -> Iterator[Dealer]:
    with Dealer(server.address) as dealer:
        yield dealer
