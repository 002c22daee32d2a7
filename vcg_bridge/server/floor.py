"""All unfinished jobs: who draws next, what is sent, when a job ends. Owned by the server's thread; it never waits."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from vcg_bridge.contract import messages
from vcg_bridge.contract.errors import BusyError, ShuttingDown, Stalled, VcgError
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.messages import Accepted, Done
from vcg_bridge.server.config import ServerConfig
from vcg_bridge.server.jobs import Job, Plan, Ready, Step, Tally, Turn, step_of
from vcg_bridge.server.mail import Mail
from vcg_bridge.server.metrics import Metrics
from vcg_bridge.server.pace import Pace
from vcg_bridge.server.scheduler import Kind, Scheduler
from vcg_bridge.server.scheduler import Turn as Picked
from vcg_bridge.server.sessions import Session
from vcg_bridge.server.trace import Trace
from vcg_bridge.server.worker import Event, Stage

log = logging.getLogger("vcg_bridge.server")


class Floor:
    """Where the work is."""

    def __init__(
        self,
        config: ServerConfig,
        manifest_of: Callable[[str], Manifest],
        mail: Mail,
        submit: Callable[[Turn], None],
        clock: Callable[[], float],
        metrics: Metrics,
        trace: Trace | None = None,
    ) -> None:
        """manifest_of: the manifest with that sha256. submit: hands a turn to the worker, which has one at a time."""
        self._config, self._manifest_of, self._mail, self._submit, self._clock = (
            config,
            manifest_of,
            mail,
            submit,
            clock,
        )
        self._metrics, self._trace = metrics, trace
        self._scheduler = Scheduler(config.queue, config.together)
        self._pace = Pace()
        self._jobs: dict[int, Job] = {}
        self._drawing: Turn | None = None  # whose layers are drawn now
        self._under_way: dict[int, tuple[Turn, Picked]] = {}  # that one, and the one that is finished meanwhile
        self._held = 0  # bytes drawn but not sent
        self._counter = 0

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def versions(self) -> set[str]:
        """sha256 of the bundles that unfinished jobs began with."""
        return {job.plan.sha256 for job in self._jobs.values()}

    @property
    def held_bytes(self) -> int:
        """Drawn but not sent, of all jobs."""
        return self._held

    # jobs come and go

    def add(self, session: Session, plan: Plan) -> None:
        """Take a job in and say so. An earlier run of the same id is dropped. Raises BusyError."""
        request, limits = plan.request, self._config.limits
        earlier = session.jobs.get(request.id)
        if earlier is not None:
            self.remove(earlier)
        if len(session.jobs) >= limits.jobs:
            raise BusyError(
                f"you have {len(session.jobs)} unfinished jobs, as many as this server allows",
                hint="wait for one to finish, or ask for more characters in one job",
                retry_after_ms=self._pace.retry_after_ms,
            )
        self._counter += 1
        batch = request.priority == "batch"
        self._scheduler.add(
            self._counter,
            session,
            self._clock(),
            batch=batch,
            group=plan.sha256,
            retry_after_ms=self._pace.retry_after_ms,
        )
        start = min(request.first_seq, plan.chunks)
        credit = min(request.credit, limits.credit)
        job = Job(self._counter, session, plan, credit, start, start, self._clock())
        self._jobs[job.number] = session.jobs[request.id] = job
        log.info(
            "%s accepted: %s, %d characters, %d chunks from %d, %s",
            job.label, plan.model, request.count, plan.chunks, start, request.priority, extra=job.about,
        )  # fmt: skip
        self._answer(session, Accepted(request.id, request.count, plan.chunks, plan.model, plan.sha256))
        self._push(job)

    def grant(self, job: Job, size: int) -> None:
        """More credit."""
        job.credit = min(job.credit + size, self._config.limits.credit)
        self._push(job)

    def cancel(self, job: Job) -> None:
        """End a job that is not wanted any more."""
        log.info("%s cancelled after %d of %d chunks", job.label, job.sent, job.plan.chunks, extra=job.about)
        self._ended(job, "cancelled")
        self.remove(job)

    def leave(self, job: Job) -> None:
        """End a job whose client is gone."""
        self._ended(job, "dropped")
        self.remove(job)

    def remove(self, job: Job) -> None:
        """Forget a job and free all that it holds."""
        del self._jobs[job.number]
        if job.session.jobs.get(job.id) is job:
            del job.session.jobs[job.id]
        self._scheduler.remove(job.number)
        self._held -= job.forget_drawn()

    def abandon(self) -> None:
        """End all jobs that are left: the server goes down."""
        for job in tuple(self._jobs.values()):
            self._fail(
                job, ShuttingDown("the server went down before the job was done", hint="ask again when it is back")
            )

    def _fail(self, job: Job, error: VcgError) -> None:
        log.info(
            "%s failed after %d of %d chunks: [%s] %s", job.label, job.sent, job.plan.chunks, error.code, error,
            extra=job.about,
        )  # fmt: skip
        self._ended(job, "failed")
        self._metrics.errors.labels(error.code).inc()
        self.remove(job)
        self._answer(job.session, messages.error_message(error, job.id))

    def _ended(self, job: Job, result: str) -> None:
        self._metrics.jobs.labels(job.plan.request.priority, result).inc()
        if self._trace is not None:
            self._trace.job(
                job.label, job.accepted_at, self._clock(), result=result, chunks=job.sent, bytes=job.sent_bytes
            )

    def _answer(self, session: Session, message: messages.Message) -> None:
        self._mail.answer(session, messages.encode(message))

    # drawing and sending

    def draw_next(self) -> None:
        """Give the worker something to do, if it has nothing and there is something."""
        if self._drawing is not None:
            return
        steps: dict[int, Step] = {}

        def cost(number: int) -> float:
            steps[number] = self._step(self._jobs[number])
            return self._pace.milliseconds(steps[number].poses)

        picked = self._scheduler.pick(self._may_draw, cost, self._budget, self._clock())
        if picked is None:
            return
        now = self._clock()
        for number in picked.jobs:
            job = self._jobs[number]
            job.started_at = job.started_at or now
            job.step = steps[number]
        turn = Turn(tuple(steps[number] for number in picked.jobs))
        self._drawing = turn
        self._metrics.turn_jobs.labels(picked.kind.name.lower()).observe(len(picked.jobs))
        self._under_way[id(turn)] = turn, picked
        self._submit(turn)

    def _budget(self, kind: Kind) -> float:
        """How long a turn may take, ms."""
        return self._config.step_ms if kind is Kind.BATCH else self._config.early_ms

    def _step(self, job: Job) -> Step:
        config = self._config
        kind = Kind.BATCH if job.plan.request.priority == "batch" else Kind.INTERACTIVE
        return step_of(job, self._pace.poses(self._budget(kind)), config.step_characters, config.limits.blob_bytes)

    def _may_draw(self, number: int) -> bool:
        job = self._jobs[number]
        return job.wants_drawing and not self._mail.is_full(job.session)

    def event(self, event: Event | Stage) -> None:
        """Deal with what the worker says."""
        if isinstance(event, Stage):
            if event.turn is self._drawing:
                self._drawing = None
            if event.finished:
                del self._under_way[id(event.turn)]
            return
        step, what = event
        job = self._jobs.get(step.job)
        if job is None or job.step is not step:  # cancelled, dropped or to be drawn anew
            return
        if isinstance(what, Exception):
            self._fail(job, what if isinstance(what, VcgError) else fault(what, job.label))
            return
        try:
            self._advance(job, step, what)
        except Exception as error:  # a job must not be left without anybody who goes on with it
            if self._jobs.get(job.number) is job:
                self._fail(job, fault(error, job.label))

    def _advance(self, job: Job, step: Step, what: list[Ready] | Tally) -> None:
        if isinstance(what, list):
            job.ready.extend(what)
            size = sum(chunk.size for chunk in what)
            job.held += size
            self._held += size
        else:
            job.step, job.cursor = None, step.first + what.chunks
            job.tally.add(what)
            self._pace.note(what)
            self._scheduler.charge(job.number, what.total_ms, self._clock(), served=what.chunks > 0)
        self._push(job)

    def push_all(self, session: Session) -> None:
        """The client's connection has room again."""
        for job in tuple(session.jobs.values()):
            self._push(job)

    def _push(self, job: Job) -> None:
        """Send what there is and may be sent."""
        while job.ready and job.credit > 0 and self._mail.chunk(job.session, job.ready[0].frames):
            chunk = job.ready.popleft()
            job.credit -= chunk.size
            job.held -= chunk.size
            self._held -= chunk.size
            job.sent_bytes += chunk.size
            job.sent = chunk.seq + 1
            job.blocked_since = None
            self._metrics.chunks.inc()
            self._metrics.sent_bytes.inc(chunk.size)
            if job.first_sent_at is None:
                job.first_sent_at = self._clock()
                self._metrics.first_chunk.labels(job.plan.request.priority).observe(job.first_sent_at - job.accepted_at)
            if self._trace is not None:
                self._trace.instant("chunk", self._clock(), job=job.label, seq=chunk.seq, bytes=chunk.size)
        if job.sent >= job.plan.chunks and job.step is None:
            self._done(job)
        elif job.ready or job.credit <= 0:
            job.blocked_since = job.blocked_since or self._clock()
        else:
            job.blocked_since = None
            for turn, picked in self._under_way.values():
                if self._scheduler.preempts(job.number, picked):
                    turn.pause.set()

    def _done(self, job: Job) -> None:
        manifest, tally, now = self._manifest_of(job.plan.sha256), job.tally, self._clock()
        timings = {
            "queued": ((job.started_at or now) - job.accepted_at) * 1000,
            "design": tally.design_ms, "draw": tally.draw_ms, "compose": tally.compose_ms, "encode": tally.encode_ms,
            "first_chunk": ((job.first_sent_at or now) - job.accepted_at) * 1000,
            "total": (now - job.accepted_at) * 1000,
        }  # fmt: skip
        log.info(
            "%s done: %d bytes, first chunk after %.0f ms, %.0f ms in all (queued %.0f, drawing %.0f)",
            job.label, job.sent_bytes, timings["first_chunk"], timings["total"], timings["queued"], tally.total_ms, extra=job.about,
        )  # fmt: skip
        done = Done(
            id=job.id,
            characters=job.plan.request.count,
            chunks=job.plan.chunks,
            licence=manifest.licence,
            attribution=manifest.attribution,
            timings_ms={name: round(value, 3) for name, value in timings.items()},
            margin=0.0 if tally.margin == float("inf") else tally.margin,
            redrawn=tally.redrawn,
            cache={"hits": tally.hits, "misses": tally.misses},
        )
        self._pace.finished(now - job.accepted_at)
        self._metrics.job_seconds.labels(job.plan.request.priority).observe(now - job.accepted_at)
        self._ended(job, "done")
        self.remove(job)
        self._answer(job.session, done)

    # limits

    def shed(self) -> None:
        """Where too much is held in all, throw away what waits longest; it is drawn again when it can be sent."""
        if self._held <= self._config.held_bytes:
            return
        waiting = (job for job in self._jobs.values() if job.held)
        for job in sorted(waiting, key=lambda j: j.blocked_since or float("inf")):
            self._held -= job.forget_drawn()
            if self._held <= self._config.held_bytes:
                return

    def drop_stalled(self) -> None:
        """End jobs whose client has granted no credit, or read nothing, for too long."""
        now, stall_ms = self._clock(), self._config.limits.stall_ms
        for job in tuple(self._jobs.values()):
            if job.blocked_since is not None and (now - job.blocked_since) * 1000 > stall_ms:
                message = f"no credit, or nothing read, for {stall_ms / 1000:g} s"
                self._fail(job, Stalled(message, hint="ask again with first_seq, when there is room"))


def fault(error: Exception, where: str) -> VcgError:
    """What to say of a fault of our own: all of it in the log, a number for it to the client."""
    incident = secrets.token_hex(4)
    log.error("incident %s in %s", incident, where, exc_info=error)
    told = messages.exception_of(messages.error_message(error))
    return type(told)(told.message, hint=f"the server's log says more under {incident}", incident=incident)
