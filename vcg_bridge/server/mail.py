"""Sending, without ever waiting: what a connection does not take is kept for it, up to a limit."""

from __future__ import annotations

from collections.abc import Sequence

import zmq

from vcg_bridge.server.sessions import Session

COPY_BELOW = 1 << 16
"""Bytes. Larger blobs are handed to ZeroMQ without copying."""

RETRY_S = (0.001, 0.02)
"""How soon a full connection is tried again: at first, and at most. A ROUTER does not say when a peer has room."""


class Mail:
    """The sending side of the ROUTER socket."""

    def __init__(self, router: zmq.Socket[bytes], backlog_bytes: int) -> None:
        self._router, self._most = router, backlog_bytes
        self._full: dict[Session, None] = {}  # connections that took no more when last tried, longest first
        self._wait = RETRY_S[0]
        self.gone: dict[Session, str] = {}
        """Sessions that cannot be answered any more, and why. The server drops them."""

    @property
    def retry_s(self) -> float | None:
        """Seconds until `retry` should be called; None where nothing waits."""
        return self._wait if self._full else None

    def is_full(self, session: Session) -> bool:
        """Whether the connection took no more when last tried."""
        return session in self._full

    def answer(self, session: Session, frames: Sequence[bytes]) -> None:
        """Send, or keep for later. Answers stay in order."""
        if session in self.gone:
            return
        if not session.backlog and self._send(session, frames):
            return
        session.backlog.append(list(frames))
        session.backlog_bytes += sum(map(len, frames))
        if session.backlog_bytes > self._most:
            self.gone[session] = f"it leaves {session.backlog_bytes} bytes of answers unread"

    def chunk(self, session: Session, frames: Sequence[bytes]) -> bool:
        """Send, if there is room behind all answers."""
        if session in self.gone or session in self._full or not self._send(session, frames):
            return False
        session.bounds.talk.give(1)  # it may grant its size again
        return True

    def stranger(self, route: bytes, frames: Sequence[bytes]) -> None:
        """Send to somebody without a session, if there is room."""
        try:
            if not self._offer([route, *frames]):
                # ZeroMQ learns that a peer has read only when it looks at its own mail, which sending alone does about
                # once in a millisecond: a quick peer's connection seems full after SNDHWM answers. Asking for EVENTS looks.
                self._router.getsockopt(zmq.EVENTS)
                self._offer([route, *frames])
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise

    def _offer(self, frames: Sequence[bytes]) -> bool:
        try:
            self._router.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def retry(self) -> list[Session]:
        """Try the full connections again. Returns those that have room now."""
        free = []
        progress = False
        for session in list(self._full):
            del self._full[session]
            before = len(session.backlog)
            while session.backlog and self._send(session, session.backlog[0]):
                session.backlog_bytes -= sum(map(len, session.backlog.popleft()))
            progress |= len(session.backlog) < before
            if session not in self._full:
                free.append(session)
        self._wait = RETRY_S[0] if progress or free else min(self._wait * 2, RETRY_S[1])
        return free

    def forget(self, session: Session) -> None:
        """The session is closed."""
        self._full.pop(session, None)
        self.gone.pop(session, None)
        session.backlog.clear()
        session.backlog_bytes = 0

    def _send(self, session: Session, frames: Sequence[bytes]) -> bool:
        """Whether the connection took the message. With ROUTER_MANDATORY it refuses at the first frame or not at all."""
        if session in self.gone:
            return False
        try:
            self._router.send_multipart([session.route, *frames], zmq.NOBLOCK, copy=len(frames[-1]) < COPY_BELOW)
        except zmq.Again:
            self._full[session] = None
            return False
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            self.gone[session] = "its connection is gone"
            return False
        return True
