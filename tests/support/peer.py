"""A server's end of protocol 1 on a real ROUTER, for tests of the client: it can be slow, wrong, rude or gone.

It draws nothing: its pictures are patterns. The real server is tested with the client in tests/server.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import zmq

from scripts.make_golden import PALETTE, RECIPE, SAMPLES, SHA
from vcg_bridge.contract import blobs, codec
from vcg_bridge.contract import messages as m
from vcg_bridge.contract import vocabulary as v

WIDTH, HEIGHT = 24, 32
STRIP = m.Strip("walk", v.DIRECTIONS, 3, 8, 8, 8.0, True)


def plane(seq: int) -> bytes:
    """The index plane of chunk seq: uint8 [HEIGHT, WIDTH] as bytes."""
    return bytes((x // 2 + y * 5 + seq * 11) % 23 for y in range(HEIGHT) for x in range(WIDTH))


@dataclass
class PeerJob:
    """What a peer knows of a job."""

    request: m.Generate
    credit: int
    next_seq: int
    chunks: int


class Peer:
    """One ROUTER in a thread. Behaviour is changed by its fields, before it starts or while it runs."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[m.Request] = []  # everything that came
        self.sent_chunks: list[int] = []  # seq of every chunk sent
        self.most_in_flight = 0  # bytes of one job sent and not granted again, at most
        self.chunks_each = 3  # chunks of a character: a preview and animations
        self.codec = "zstd"
        self.delay_s = 0.0  # before each chunk
        self.change: Callable[[m.Reply, list[bytes]], list[bytes] | None] | None = None
        # the frames to send instead of a reply, None: nothing
        self.refuse: Callable[[m.Generate], m.Error | None] = lambda request: None  # the job is not begun
        self.silent = False  # receives, never answers
        self._jobs: dict[tuple[bytes, str], PeerJob] = {}
        self._known: set[bytes] = set()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._router = self._context.socket(zmq.ROUTER)
        self._router.setsockopt(zmq.LINGER, 0)
        self._router.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._stop = threading.Event()
        self._outbox: list[tuple[bytes, m.Reply]] = []
        self._thread = threading.Thread(target=self._run, name="peer", daemon=True)
        self.port = port
        self.secret_key: bytes | None = None

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"tcp://127.0.0.1:{self.port}"

    def __enter__(self) -> Peer:
        if self.secret_key is not None:
            self._router.setsockopt(zmq.CURVE_SERVER, 1)
            self._router.setsockopt(zmq.CURVE_SECRETKEY, self.secret_key)
        if self.port:
            self._router.bind(self.address)
        else:
            self.port = self._router.bind_to_random_port("tcp://127.0.0.1")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._router.close(0)
        self._context.term()

    def say(self, reply: m.Reply) -> None:
        """Send a reply to every client, unasked."""
        self._outbox += [(client, reply) for client in self._known]

    def of_type(self, kind: type[m.Request]) -> list[m.Request]:
        """The requests of a type that came so far."""
        return [x for x in self.requests if isinstance(x, kind)]

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._router.poll(10):
                client, *frames = self._router.recv_multipart()
                try:
                    request = m.decode_request(frames)
                except Exception as error:
                    self._reply(client, m.error_message(error))
                    continue
                self.requests.append(request)
                if not self.silent:
                    self._answer(client, request)
            while self._outbox:
                self._reply(*self._outbox.pop(0))
            for (client, _), job in list(self._jobs.items()):
                self._advance(client, job)

    def _answer(self, client: bytes, request: m.Request) -> None:
        if isinstance(request, m.Hello):
            self._known.add(client)
            codecs = tuple(x for x in request.codecs if x in v.CODECS)
            self._reply(client, m.Welcome(1, server="peer", codecs=codecs, models=(m.Model("tiny", "1", "Tiny", SHA),)))
        elif isinstance(request, m.Bye):
            self._known.discard(client)
        elif client not in self._known:
            self._reply(client, m.Error("hello_required", "say hello first", id=getattr(request, "id", "")))
        elif isinstance(request, m.Ping):
            self._reply(client, m.Pong(request.id))
        elif isinstance(request, m.Describe):
            description = SAMPLES["description"].message
            self._reply(client, replace(description, id=request.id))  # type: ignore[type-var, arg-type]
        elif isinstance(request, m.Generate):
            refusal = self.refuse(request)
            if refusal is not None:
                self._reply(client, refusal)
                return
            chunks = request.count * self.chunks_each
            self._jobs[client, request.id] = PeerJob(request, request.credit, request.first_seq, chunks)
            self._reply(client, m.Accepted(request.id, request.count, chunks, "tiny", SHA))
        elif isinstance(request, m.Credit):
            job = self._jobs.get((client, request.id))
            if job is not None:
                job.credit += request.bytes
        elif isinstance(request, m.Cancel):
            active = self._jobs.pop((client, request.id), None) is not None
            self._reply(client, m.Cancelled(request.id, active))

    def _advance(self, client: bytes, job: PeerJob) -> None:
        if job.next_seq < job.chunks and job.credit > 0:
            if self.delay_s:
                time.sleep(self.delay_s)
            size = self._reply(client, *self.chunk(job))
            self.sent_chunks.append(job.next_seq)
            job.credit -= size
            window = job.request.credit
            self.most_in_flight = max(self.most_in_flight, window - job.credit)
            job.next_seq += 1
        if job.next_seq >= job.chunks:
            self._jobs.pop((client, job.request.id), None)
            self._reply(client, m.Done(job.request.id, job.request.count, job.chunks, "CC0", "Patterns by a test"))

    def chunk(self, job: PeerJob) -> tuple[m.Chunk, list[bytes]]:
        """The next chunk of a job, and its blob."""
        character, place = divmod(job.next_seq, self.chunks_each)
        raw = plane(job.next_seq)
        strip = STRIP
        if place == 0:
            strip = replace(strip, directions=("down",), frames=1, frame_width=WIDTH, frame_height=HEIGHT)
        message = m.Chunk(
            id=job.request.id, seq=job.next_seq, character=character, kind="animation" if place else "preview",
            name=f"walk-{place}", format="r8", width=WIDTH, height=HEIGHT, raw_length=len(raw),
            sha256=hashlib.sha256(raw).digest(), codec=self.codec, last=place == self.chunks_each - 1,
            strips=(replace(strip, animation=f"walk-{place}"),),
            palette=PALETTE if place == 0 else b"", recipe=replace(RECIPE, seed=character) if place == 0 else None,
            credits=("Patterns by a test",) if place == self.chunks_each - 1 else (),
        )  # fmt: skip
        return message, [blobs.encode_blob(self.codec, raw)]

    def _reply(self, client: bytes, reply: m.Reply, blob: list[bytes] | None = None) -> int:
        """Send; the size in bytes of all frames."""
        frames = m.encode(reply, blob or [])
        if self.change is not None:
            changed = self.change(reply, frames)
            if changed is None:
                return 0
            frames = changed
        try:
            self._router.send_multipart([client, *frames])
        except zmq.ZMQError:  # the client is gone
            self._known.discard(client)
            self._jobs = {key: job for key, job in self._jobs.items() if key[0] != client}
        return sum(map(len, frames))


def rewritten(frames: list[bytes], **fields: object) -> list[bytes]:
    """The same message with other fields."""
    return [codec.pack_map({**codec.unpack_map(frames[0]), **fields}), *frames[1:]]
