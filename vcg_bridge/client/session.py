"""Protocol 1 from the client's side, without sockets, threads or clocks: frames and times in, frames and events out.

Both clients drive it the same way: open a link when `open_at` is due and say `opened`; hand in what arrives
(`received`), a broken link (`lost`) and the time (`tick`, at the latest at `wakeup`); send what is in `outgoing`.
"""

from __future__ import annotations

import random
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from vcg_bridge.client.jobs import JobState
from vcg_bridge.client.options import ClientOptions
from vcg_bridge.contract import messages as m
from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.description import Description
from vcg_bridge.contract.errors import (
    BadRequest,
    BusyError,
    Cancelled,
    Disconnected,
    NoServer,
    ProtocolError,
    VcgError,
    VersionMismatch,
)

FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
SPREAD = 0.25
"""Up to so much longer than it was asked to a client stays away from a busy server: not all come back in the same moment."""

_HEARTBEAT = "heartbeat"
_AGAIN = ("hello_required", "shutting_down")  # errors that end a connection, not a request


@dataclass
class Question:
    """A request that has one answer: describe, ping."""

    request: m.Describe | m.Ping
    answer: Description | m.Pong | None = None
    error: VcgError | None = None

    @property
    def answered(self) -> bool:
        """Well or badly."""
        return self.answer is not None or self.error is not None


class Session:
    """One client's side of the protocol, over as many connections as it takes.

    state: "idle" no connection wanted; "waiting" for `open_at`; "greeting" hello is sent; "ready"; "failed".
    """

    def __init__(self, options: ClientOptions, chance: random.Random | None = None) -> None:
        """chance: for what clients must not do in step; None: from the session's random name."""
        self.options = options
        self.state = "idle"
        self.outgoing: deque[list[bytes]] = deque()
        self.welcome: m.Welcome | None = None
        self.error: VcgError | None = None  # why it failed
        self.open_at = 0.0  # state "waiting": when to open the next link
        self.jobs: dict[str, JobState] = {}
        self._questions: dict[str, Question] = {}
        self._name = uuid.uuid4().hex
        self._chance = chance or random.Random(self._name)
        self._attempts = 0
        self._give_up_at = 0.0
        self._patient = False  # a refused connection is tried again
        self._moved = False  # something got on since the connection was lost last: the next loss is a new one
        self._reason = ""
        self._sent_at = 0.0
        self._pinged_at: float | None = None  # a heartbeat that nothing came after

    @property
    def trouble(self) -> str:
        """Why there is no connection just now, "" where there is one."""
        return "" if self.state == "ready" else self._reason

    # the connection

    def start(self, now: float, timeout_s: float, *, patient: bool) -> None:
        """Connect. patient: a refused connection is tried again until the time is up."""
        self.state, self.error, self._patient = "waiting", None, patient
        self._attempts, self.open_at, self._give_up_at = 0, now, now + timeout_s
        self._moved = True
        self._reason = "nothing answered"

    def opened(self, now: float) -> None:
        """A new link is there (it need not be connected yet): say hello."""
        self.state = "greeting"
        self.outgoing.clear()
        self._pinged_at = None
        self._reason = "something may listen there, but it does not answer as a VCG Bridge server"
        self._send(
            m.Hello((v.PROTOCOL_VERSION[0],), v.PROTOCOL_VERSION[1], self.options.name, self._name,
                    self.options.codecs, self.options.token),
            now,
        )  # fmt: skip

    def lost(self, reason: str, now: float, *, at_once: bool = False, busy: BusyError | None = None) -> None:
        """The link broke. at_once: the server is there, a new hello is enough. busy: it is there, and takes nobody just now."""
        if self.state not in ("greeting", "ready"):
            return
        if self.state == "ready":
            self._patient = True
            # A request that breaks every connection it is sent over must not be repeated for ever.
            if self._moved or not (self.jobs or self._questions):
                self._attempts, self._give_up_at = 0, now + self.options.retry_s
            self._moved = False
        self.state, self._reason = "waiting", reason
        self.outgoing.clear()
        for job in [job for job in self.jobs.values() if job.cancelling]:
            self._end(job, Cancelled("the job was cancelled"))  # the next hello drops it
        wait = min(FIRST_WAIT_S * 2**self._attempts, LONGEST_WAIT_S)
        if busy is not None:
            wait = max(wait, self._away_s(busy))
        if not self._patient or (busy is not None and now + wait > self._give_up_at):
            self._fail(busy or self._no_server())
            return
        self.open_at = now if at_once and self._attempts == 0 else now + wait
        self._attempts += 1

    def refuse(self, error: VcgError) -> None:
        """The other side is not to be trusted: no further try."""
        if self.state in ("greeting", "ready"):
            self._fail(error)

    def stop(self, now: float) -> None:
        """Say goodbye; everything unfinished ends."""
        if self.state == "ready":
            self._send(m.Bye(), now)
        self._fail(Disconnected("the client was closed"))
        self.state = "idle"

    def tick(self, now: float) -> None:
        """Time has passed. Hand in what has arrived first."""
        if self.state in ("waiting", "greeting") and now >= self._give_up_at:
            self._fail(self._no_server())
        if self.state != "ready":
            return
        if self._pinged_at is not None and now - self._pinged_at >= self.options.dead_ms / 1000:
            self.lost("the server gave no sign of life", now)
            return
        if now - self._sent_at >= self.options.ping_ms / 1000:
            self._send(m.Ping(_HEARTBEAT), now)
            if self._pinged_at is None:
                self._pinged_at = now
        for job in self.jobs.values():
            if job.retry_at is not None and now >= job.retry_at:
                self._send(job.request_now(), now)

    def wakeup(self) -> float:
        """When `tick` is due, or a new link is."""
        if self.state == "waiting":
            return min(self.open_at, self._give_up_at)
        if self.state == "greeting":
            return self._give_up_at
        if self.state != "ready":
            return float("inf")
        times = [self._sent_at + self.options.ping_ms / 1000]
        if self._pinged_at is not None:
            times.append(self._pinged_at + self.options.dead_ms / 1000)
        times += [job.retry_at for job in self.jobs.values() if job.retry_at is not None]
        return min(times)

    # requests

    def ask(self, request: m.Describe | m.Ping, now: float) -> Question:
        """Send a request that has one answer."""
        m.request_from_wire(m.to_wire(request))
        question = self._questions[request.id] = Question(request)
        self._send_or_connect(request, now)
        return question

    def forget(self, question: Question) -> None:
        """Its answer is not wanted any more."""
        self._questions.pop(question.request.id, None)

    def generate(self, request: m.Generate, now: float) -> JobState:
        """Start a job. Raises BadRequest for what the server would refuse by form alone."""
        m.request_from_wire(m.to_wire(request))
        if request.id in self.jobs:
            raise BadRequest(f"a job with the id {request.id!r} is running already")
        job = self.jobs[request.id] = JobState(request, self.options.window_bytes)
        self._send_or_connect(job.request_now(), now)
        return job

    def taken(self, job: JobState, now: float) -> None:
        """A picture of the job was taken: grant its bytes again when it is worth a message."""
        if self.state == "ready" and job.retry_at is None:
            granted = job.grant()
            while granted > 0:
                self._send(m.Credit(job.id, min(granted, v.MAX_CREDIT)), now)
                granted -= v.MAX_CREDIT

    def cancel(self, job: JobState, now: float) -> None:
        """Stop a job. It ends with Cancelled when the server has said so, at once where there is no connection."""
        if job.finished:
            return
        job.cancelling = True
        job.drop()
        if self.state == "ready":
            self._send(m.Cancel(job.id), now)
        else:
            self._end(job, Cancelled("the job was cancelled"))

    # what arrives

    def received(self, frames: Sequence[bytes], now: float) -> None:
        """A message came."""
        if self.state not in ("greeting", "ready"):
            return
        self._pinged_at = None
        try:
            reply, blobs = m.decode_reply(frames)
        except ProtocolError as error:
            self._fail(error if self.state == "ready" else self._no_server())
            return
        if isinstance(reply, m.Error) and not reply.id:
            self._refused(m.exception_of(reply), now)
        elif isinstance(reply, m.Welcome):
            self._welcomed(reply, now)
        elif isinstance(reply, Description | m.Pong):
            self._moved = True
            question = self._questions.pop(reply.id, None)
            if question is not None:
                question.answer = reply
        elif isinstance(reply, m.Error) and (reply.id == _HEARTBEAT or reply.code in _AGAIN):
            self.lost(reply.message, now, at_once=reply.code == "hello_required")
        elif isinstance(reply, m.Error) and reply.id in self._questions:
            self._moved = True
            self._questions.pop(reply.id).error = m.exception_of(reply)
        elif not isinstance(reply, m.Bye):  # after bye the jobs that run come to their end, then the link breaks
            job = self.jobs.get(reply.id)
            if job is not None and not job.finished:
                self._advance(job, reply, blobs, sum(map(len, frames)), now)

    def _advance(self, job: JobState, reply: m.Reply, blobs: list[bytes], size: int, now: float) -> None:
        self._moved = self._moved or not isinstance(reply, m.Accepted)
        try:
            if isinstance(reply, m.Accepted):
                job.accepted = reply
            elif isinstance(reply, m.Chunk) and not job.cancelling:
                job.add(reply, blobs[0], size)
            elif isinstance(reply, m.Done):
                if job.cancelling:
                    return  # it crossed with our cancel, whose answer comes
                job.finish(reply)
                del self.jobs[job.id]
            elif isinstance(reply, m.Cancelled):
                self._end(job, Cancelled("the job was cancelled"))
            elif isinstance(reply, m.Error) and not job.cancelling:
                self._job_error(job, m.exception_of(reply), now)
        except VcgError as error:
            self._end(job, error)
            self._send(m.Cancel(job.id), now)

    def _job_error(self, job: JobState, error: VcgError, now: float) -> None:
        if error.code not in ("busy", "stalled"):
            self._end(job, error)
            return
        job.busy_since = now if job.busy_since is None else job.busy_since
        wait = FIRST_WAIT_S
        if isinstance(error, BusyError):
            wait = self._away_s(error)
            if now + wait > job.busy_since + self.options.retry_s:
                self._end(job, error)
                return
        job.retry_at = now + wait

    def _away_s(self, busy: BusyError) -> float:
        """How long to stay away from a busy server: never less than it says."""
        return max(busy.retry_after_ms / 1000, FIRST_WAIT_S) * (1 + SPREAD * self._chance.random())

    def _welcomed(self, welcome: m.Welcome, now: float) -> None:
        if welcome.version != v.PROTOCOL_VERSION[0]:
            self._fail(VersionMismatch(
                f"the server answers in protocol {welcome.version}, this client speaks {v.PROTOCOL_VERSION[0]}",
                hint="update the older of the two",
            ))  # fmt: skip
            return
        self.welcome, self.state = welcome, "ready"
        for question in self._questions.values():
            self._send(question.request, now)
        for job in self.jobs.values():
            self._send(job.request_now(), now)

    def _refused(self, error: VcgError, now: float) -> None:
        """An error that concerns the connection."""
        if isinstance(error, BusyError):
            self.lost(error.message, now, busy=error)
        elif error.code in _AGAIN:
            self.lost(error.message, now, at_once=error.code == "hello_required")
        else:
            self._fail(error)

    # ends

    def _no_server(self) -> VcgError:
        if self.welcome is None:
            message = f"no VCG Bridge server at {self.options.address}: {self._reason}"
            return NoServer(message, hint="start one with `vcg serve`, or check the address")
        message = f"the connection to {self.options.address} was lost and could not be made again: {self._reason}"
        return Disconnected(message, hint="see whether the server still runs")

    def _fail(self, error: VcgError) -> None:
        self.state, self.error = "failed", error
        for question in self._questions.values():
            question.error = error
        self._questions.clear()
        for job in list(self.jobs.values()):
            self._end(job, error)

    def _end(self, job: JobState, error: VcgError) -> None:
        job.error = error
        self.jobs.pop(job.id, None)

    def _send_or_connect(self, request: m.Request, now: float) -> None:
        """Send now, or when the connection is there."""
        if self.state == "ready":
            self._send(request, now)
        elif self.state in ("idle", "failed"):
            self.start(now, self.options.retry_s if self.welcome else self.options.timeout_s, patient=True)

    def _send(self, message: m.Request, now: float) -> None:
        self.outgoing.append(m.encode(message))
        self._sent_at = now
