"""Servers that misbehave by script: one ROUTER for all of them; a client's token names the act that it gets to see."""

from __future__ import annotations

import gzip
import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import zmq
import zstandard

from tests.support.peer import Peer, PeerJob, plane, rewritten
from vcg_bridge.contract import messages as m
from vcg_bridge.contract import vocabulary as v

R = TypeVar("R")

Sent = dict[int, tuple[m.Chunk, bytes]]
"""seq -> chunk, decoded pixels: as they should be."""

MIDDLE = 4
"""The chunk before which the acts that interrupt a job do so."""


class ActPeer(Peer):
    """The ROUTER."""

    def __init__(self) -> None:
        super().__init__()
        self.chunks_each = 6
        self.codec = "raw"
        self.acts = {name: make() for name, make in ACTS.items()}
        self._act: dict[bytes, Act] = {}

    def forget(self, client: bytes) -> None:
        """As if the server had been restarted without the connection noticing."""
        self._known.discard(client)
        self._jobs = {key: job for key, job in self._jobs.items() if key[0] != client}

    def send(self, client: bytes, reply: m.Reply) -> None:
        """A reply of an act's own."""
        self._reply(client, reply)

    def _answer(self, client: bytes, request: m.Request) -> None:
        if isinstance(request, m.Hello):
            self._act[client] = self.acts[request.token]
        act = self._act[client]
        act.requests.append(request)
        if isinstance(request, m.Generate):
            act.sent.setdefault(request.id, {})
        if not act.answer(self, client, request):
            super()._answer(client, request)

    def _advance(self, client: bytes, job: PeerJob) -> None:
        if not self._act[client].interrupts(self, client, job):
            super()._advance(client, job)

    def chunk(self, job: PeerJob) -> tuple[m.Chunk, list[bytes]]:
        message, blob = super().chunk(job)
        act = next(act for act in self._act.values() if job.request.id in act.sent)
        act.sent[job.request.id][message.seq] = message, plane(message.seq)
        return message, blob

    def _reply(self, client: bytes, reply: m.Reply, blob: list[bytes] | None = None) -> int:
        """Send; the size in bytes of all that was sent."""
        size = 0
        act = self._act.get(client)
        frames = m.encode(reply, blob or [])
        for message in [frames] if act is None else act.alter(reply, frames):
            try:
                self._router.send_multipart([client, *message])
            except zmq.ZMQError:  # the client is gone
                self.forget(client)
            size += sum(map(len, message))
        return size


class Act:
    """How the peer behaves to the clients that show its name. The base: faultlessly."""

    def __init__(self) -> None:
        self.requests: list[m.Request] = []  # everything that came
        self.sent: dict[str, Sent] = {}  # by id of the job, in the order in which they were first asked for

    def answer(self, peer: ActPeer, client: bytes, request: m.Request) -> bool:
        """True: the act has dealt with a request itself."""
        return False

    def alter(self, reply: m.Reply, frames: list[bytes]) -> list[list[bytes]]:
        """The messages that are sent for a reply."""
        return [frames]

    def interrupts(self, peer: ActPeer, client: bytes, job: PeerJob) -> bool:
        """True: the next chunk of a job is not sent now."""
        return False

    def complaints(self) -> list[str]:
        """What the client did wrong, as seen from here."""
        return []

    def of_type(self, kind: type[R]) -> list[R]:
        """The requests of a type."""
        return [x for x in self.requests if isinstance(x, kind)]

    def not_retried(self, *first: int) -> list[str]:
        """Complaints unless one job was asked for so often, each time from that chunk on, with the same id and session."""
        tries = self.of_type(m.Generate)
        found = []
        if [x.first_seq for x in tries] != list(first):
            found.append(f"tries began with chunks {[x.first_seq for x in tries]} instead of {list(first)}")
        if len({(x.id, m.request_key(x)) for x in tries}) != 1:
            found.append("a retry was another request")
        sessions = {x.session for x in self.of_type(m.Hello)}
        if len(sessions) != 1 or "" in sessions:
            found.append(f"hello said the sessions {sessions}")
        return found


# The client has to get on.


class Window(Act):
    """Keeps account of the credit: a client that grants more than its window would be buried by a fast server."""

    def __init__(self) -> None:
        super().__init__()
        self._window = self._granted = self._sent = 0
        self._found: list[str] = []

    def answer(self, peer: ActPeer, client: bytes, request: m.Request) -> bool:
        if isinstance(request, m.Generate):
            self._window = self._granted = request.credit
        elif isinstance(request, m.Credit):
            self._granted += request.bytes
            if self._granted > self._window + self._sent:
                self._found.append(f"granted {self._granted} bytes, window {self._window}, sent {self._sent}")
        return False

    def alter(self, reply: m.Reply, frames: list[bytes]) -> list[list[bytes]]:
        if isinstance(reply, m.Chunk):
            self._sent += sum(map(len, frames))
        return [frames]

    def complaints(self) -> list[str]:
        return self._found if self._window == 3000 else [f"the window was {self._window}"]


class Refused(Act):
    """Refuses a job so many times before it begins."""

    def __init__(self, error: m.Error, times: int) -> None:
        super().__init__()
        self._error, self._times = error, times

    def answer(self, peer: ActPeer, client: bytes, request: m.Request) -> bool:
        if not isinstance(request, m.Generate) or len(self.of_type(m.Generate)) > self._times:
            return False
        peer.send(client, replace(self._error, id=request.id))
        return True

    def complaints(self) -> list[str]:
        return self.not_retried(*[0] * (self._times + 1))


class BusyAtHello(Act):
    """Forgets the client when its job comes, and has its hello wait so many times."""

    RETRY_S = 0.4

    def __init__(self, times: int, retry_s: float = RETRY_S) -> None:
        super().__init__()
        self._times, self._retry_s = times, retry_s
        self._forgotten = False
        self._told: list[float] = []  # when it was told to wait
        self._early: list[float] = []  # seconds after which it came before its time

    def answer(self, peer: ActPeer, client: bytes, request: m.Request) -> bool:
        if isinstance(request, m.Generate) and not self._forgotten:
            self._forgotten = True
            peer.forget(client)
        elif isinstance(request, m.Hello) and self._forgotten:
            now = time.monotonic()
            if self._told and now - self._told[-1] < self._retry_s:
                self._early.append(now - self._told[-1])
            if len(self._told) < self._times:
                self._told.append(now)
                peer.send(
                    client,
                    m.Error("busy", "as many as I take", details={"retry_after_ms": round(self._retry_s * 1000)}),
                )
                return True
        return False

    def complaints(self) -> list[str]:
        found = [f"a hello came {after:.2f} s after `busy`, which asked for {self._retry_s} s" for after in self._early]
        return found if self._told else [*found, "there was no second hello"]


class Always(Refused):
    """Refuses every time."""

    def __init__(self, error: m.Error) -> None:
        super().__init__(error, 1 << 30)

    def complaints(self) -> list[str]:
        return [] if len(self.of_type(m.Generate)) > 1 else ["the job was not tried again"]


class Fails(Act):
    """Refuses a job for good."""

    def __init__(self, error: m.Error) -> None:
        super().__init__()
        self._error = error

    def answer(self, peer: ActPeer, client: bytes, request: m.Request) -> bool:
        if isinstance(request, m.Generate):
            peer.send(client, replace(self._error, id=request.id))
        return isinstance(request, m.Generate)

    def complaints(self) -> list[str]:
        return self.not_retried(0)


class Interrupted(Act):
    """Breaks off a job once, in the middle; it has to be asked for again, from there on."""

    def __init__(self) -> None:
        super().__init__()
        self._done = False

    def interrupts(self, peer: ActPeer, client: bytes, job: PeerJob) -> bool:
        if self._done or job.next_seq != MIDDLE:
            return False
        self._done = True
        peer.forget(client)
        self.breaks(peer, client, job)
        return True

    def breaks(self, peer: ActPeer, client: bytes, job: PeerJob) -> None:
        """Here it forgets the client, which learns of it with its next ping: the server was restarted quietly."""

    def complaints(self) -> list[str]:
        return self.not_retried(0, MIDDLE)


class Stalled(Interrupted):
    """Drops the job for want of credit."""

    def breaks(self, peer: ActPeer, client: bytes, job: PeerJob) -> None:
        peer._known.add(client)
        peer.send(client, m.Error("stalled", "no credit for a minute", id=job.request.id))


class Mute(Interrupted):
    """Goes on listening on that connection, but never says a word again."""

    def __init__(self) -> None:
        super().__init__()
        self._deaf_to: bytes | None = None

    def breaks(self, peer: ActPeer, client: bytes, job: PeerJob) -> None:
        self._deaf_to = client

    def answer(self, peer: ActPeer, client: bytes, request: m.Request) -> bool:
        return client == self._deaf_to


class Bye(Act):
    """Says goodbye in the middle, and brings the job that runs to its end, as docs/protocol.md has it."""

    def interrupts(self, peer: ActPeer, client: bytes, job: PeerJob) -> bool:
        if job.next_seq == MIDDLE:
            peer.send(client, m.Bye("going down"))
        return False


class LateChunks(Act):
    """Sends more of a job around its answer to `cancel`, which a client must not hand on."""

    def __init__(self) -> None:
        super().__init__()
        self._late: list[list[bytes]] = []

    def alter(self, reply: m.Reply, frames: list[bytes]) -> list[list[bytes]]:
        if isinstance(reply, m.Chunk) and reply.seq == MIDDLE:
            self._late.append(frames)
        return [*self._late, frames, *self._late] if isinstance(reply, m.Cancelled) else [frames]

    def interrupts(self, peer: ActPeer, client: bytes, job: PeerJob) -> bool:
        return job.next_seq > MIDDLE


class Endless(Act):
    """Stops in the middle of a job and waits; the client has to leave."""

    def interrupts(self, peer: ActPeer, client: bytes, job: PeerJob) -> bool:
        return job.next_seq >= MIDDLE


Alter = Callable[[m.Reply, list[bytes]], list[list[bytes]]]


class Altered(Act):
    """Sends other bytes than it should; what the client must do then is in the table."""

    def __init__(self, alter: Alter) -> None:
        super().__init__()
        self._alter = alter

    def alter(self, reply: m.Reply, frames: list[bytes]) -> list[list[bytes]]:
        return self._alter(reply, frames)


class Damaged(Altered):
    """The same, where only the job is lost: it has to be cancelled."""

    def complaints(self) -> list[str]:
        return [] if self.of_type(m.Cancel) else ["the job was not cancelled"]


# What is sent instead: of chunk 1, or of whatever the act is about.


def chunk_with(seq: int = 1, **fields: object) -> Alter:
    """Other fields in one chunk."""
    return lambda reply, frames: (
        [rewritten(frames, **fields)] if isinstance(reply, m.Chunk) and reply.seq == seq else [frames]
    )


def chunk_blob(codec: str, change: Callable[[bytes], bytes], **fields: object) -> Alter:
    """Another blob in chunk 1, made from its pixels."""

    def alter(reply: m.Reply, frames: list[bytes]) -> list[list[bytes]]:
        if not isinstance(reply, m.Chunk) or reply.seq != 1:
            return [frames]
        return [[rewritten(frames, codec=codec, **fields)[0], change(plane(1))]]

    return alter


def of_chunk(make: Callable[[list[bytes]], list[list[bytes]]], seq: int = 1) -> Alter:
    """Other messages instead of one chunk."""
    return lambda reply, frames: make(frames) if isinstance(reply, m.Chunk) and reply.seq == seq else [frames]


def instead_of_welcome(reply: m.Reply) -> Alter:
    """An error, or another welcome."""
    return lambda old, frames: [m.encode(reply)] if isinstance(old, m.Welcome) else [frames]


def strangers(reply: m.Reply, frames: list[bytes]) -> list[list[bytes]]:
    """Before each chunk, messages about jobs and questions that the client does not have."""
    if not isinstance(reply, m.Chunk):
        return [frames]
    others = [m.Cancelled("stranger"), m.Pong("stranger"), m.Error("internal", "of somebody else", id="stranger")]
    return [rewritten(frames, id="stranger", seq=77), *map(m.encode, others), frames]


def early_done(reply: m.Reply, frames: list[bytes]) -> list[list[bytes]]:
    """`done` after one chunk."""
    if isinstance(reply, m.Chunk) and reply.seq == 1:
        return [m.encode(m.Done(reply.id, 1, 6))]
    return [frames]


def before_accepted(reply: m.Reply, frames: list[bytes]) -> list[list[bytes]]:
    """No `accepted`."""
    return [] if isinstance(reply, m.Accepted) else [frames]


def fewer_accepted(reply: m.Reply, frames: list[bytes]) -> list[list[bytes]]:
    """Fewer chunks are announced than come."""
    return [rewritten(frames, chunks=2)] if isinstance(reply, m.Accepted) else [frames]


def stranger_in_description(reply: m.Reply, frames: list[bytes]) -> list[list[bytes]]:
    """A description whose layers are no array."""
    return [rewritten(frames, layers="none")] if type(reply).__name__ == "Description" else [frames]


def unknown_fields(reply: m.Reply, frames: list[bytes]) -> list[list[bytes]]:
    """As a server of a later minor version writes them, in messages and in records."""
    more: dict[str, object] = {"novel": {"a": [1, 2.5, None, b"x"]}, "zzz": 1}
    if isinstance(reply, m.Chunk):
        strips = m.to_wire(reply)["strips"]
        assert isinstance(strips, list)
        more["strips"] = [{**strip, "novel": "x"} for strip in strips]
    return [rewritten(frames, **more)]


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


BUSY = m.Error("busy", "the queue is full", details={"retry_after_ms": 50})
LARGE = v.MAX_REPLY_BYTES + 1

ACTS: dict[str, Callable[[], Act]] = {
    "faultless": Act,
    "window": Window,
    "busy": lambda: Refused(BUSY, 2),
    "always-busy": lambda: Always(BUSY),
    "busy-at-hello": lambda: BusyAtHello(2),
    "busy-for-an-hour": lambda: BusyAtHello(1, 3600.0),
    "always-shutting-down": lambda: Always(m.Error("shutting_down", "going down")),
    "shutting-down": lambda: Refused(m.Error("shutting_down", "going down"), 1),
    "restarted-quietly": Interrupted,
    "stalled": Stalled,
    "mute": Mute,
    "bye": Bye,
    "late-after-cancel": LateChunks,
    "closed-while-streaming": Endless,
    "duplicates": lambda: Altered(lambda reply, frames: [frames, frames] if isinstance(reply, m.Chunk) else [frames]),
    "unknown-fields": lambda: Altered(unknown_fields),
    "strangers": lambda: Altered(strangers),
    # The job ends with an error.
    "gap": lambda: Damaged(of_chunk(lambda frames: [])),
    "more-than-announced": lambda: Damaged(fewer_accepted),
    "not-accepted": lambda: Damaged(before_accepted),
    "done-early": lambda: Damaged(early_done),
    "no-recipe": lambda: Damaged(chunk_with(0, recipe=None)),
    "no-palette": lambda: Damaged(chunk_with(0, palette=b"")),
    "sizes-disagree": lambda: Damaged(chunk_with(width=25)),
    "hash-wrong": lambda: Damaged(chunk_with(sha256=hashlib.sha256(b"?").digest())),
    "raw-too-short": lambda: Damaged(chunk_blob("raw", lambda x: x[:-1])),
    "raw-too-long": lambda: Damaged(chunk_blob("raw", lambda x: x + b"\0")),
    "gzip-cut": lambda: Damaged(chunk_blob("gzip", lambda x: gzip.compress(x, mtime=0)[:-9])),
    "gzip-damaged": lambda: Damaged(chunk_blob("gzip", lambda x: b"\x1f\x8b\x08\0" + b"\xff" * 40)),
    "gzip-followed": lambda: Damaged(chunk_blob("gzip", lambda x: gzip.compress(x, mtime=0) + b"more")),
    "gzip-bomb": lambda: Damaged(chunk_blob("gzip", lambda x: gzip.compress(bytes(32 << 20), mtime=0))),
    "zstd-cut": lambda: Damaged(chunk_blob("zstd", lambda x: zstd(x)[:-3])),
    "zstd-damaged": lambda: Damaged(chunk_blob("zstd", lambda x: b"\x28\xb5\x2f\xfd" + b"\xff" * 40)),
    "zstd-followed": lambda: Damaged(chunk_blob("zstd", lambda x: zstd(x) + b"more")),
    "zstd-bomb": lambda: Damaged(chunk_blob("zstd", lambda x: zstd(bytes(32 << 20)))),
    "error-with-hint": lambda: Fails(m.Error("bad_request", "no such layer: 'hat'", 'did you mean "helm"?')),
    "error-unknown-code": lambda: Fails(m.Error("too_hot", "the room is too hot", "open a window")),
    "error-id-conflict": lambda: Fails(m.Error("id_conflict", "the id is in use")),
    # The connection ends with an error, and every job with it.
    "not-msgpack": lambda: Altered(of_chunk(lambda frames: [[b"\x81\xa1a\xc1", frames[1]]])),
    "no-blob": lambda: Altered(of_chunk(lambda frames: [frames[:1]])),
    "two-blobs": lambda: Altered(of_chunk(lambda frames: [[*frames, b"more"]])),
    "empty-message": lambda: Altered(of_chunk(lambda frames: [[b""]])),
    "unknown-type": lambda: Altered(of_chunk(lambda frames: [rewritten(frames, type="novel")])),
    "request-as-reply": lambda: Altered(of_chunk(lambda frames: [m.encode(m.Ping("p"))])),
    "field-missing": lambda: Altered(of_chunk(lambda frames: [[rewritten(frames)[0].replace(b"\xa3seq", b"\xa3sec"), *frames[1:]]])),
    "field-of-another-type": lambda: Altered(chunk_with(seq=1, name=7)),
    "field-outside-its-limits": lambda: Altered(chunk_with(seq=1, width=65536)),
    "codec-unknown": lambda: Altered(chunk_with(seq=1, codec="lz4")),
    "reply-too-large": lambda: Altered(of_chunk(lambda frames: [[b"\x81\xa1a" + b"\xc6" + LARGE.to_bytes(4, "big") + bytes(LARGE), frames[1]]])),
    "description-damaged": lambda: Altered(stranger_in_description),
    "welcome-of-version-2": lambda: Altered(lambda reply, frames: [rewritten(frames, version=2)] if isinstance(reply, m.Welcome) else [frames]),
    "refuses-version": lambda: Altered(instead_of_welcome(m.Error("version", "this server speaks protocol 2", "update the plugin"))),
    "welcome-damaged": lambda: Altered(lambda reply, frames: [[b"\x81\xa1a\xc1"]]),
}  # fmt: skip
