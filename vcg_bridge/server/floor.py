"""All unfinished jobs: who draws next, what is sent, when a job ends. Owned by the server's thread; it never waits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable

from vcg_bridge.contract import messages
from vcg_bridge.contract.errors import BusyError, InternalError, ShuttingDown, Stalled, VcgError
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.messages import Accepted
from vcg_bridge.server.config import ServerConfig
from vcg_bridge.server.crew import Crew
from vcg_bridge.server.endings import done_of, fault
from vcg_bridge.server.jobs import Job, Plan, Ready, Step, Stretch, Tally, Turn, step_of
from vcg_bridge.server.mail import Mail
from vcg_bridge.server.metrics import Metrics
from vcg_bridge.server.pace import Pace
from vcg_bridge.server.scheduler import Kind, Scheduler
from vcg_bridge.server.sessions import Session
from vcg_bridge.server.trace import Trace
from vcg_bridge.server.worker import Event, Lost, Stage
from vcg_bridge.server.works import Works

log = logging.getLogger("vcg_bridge.server")

MOST_LOSSES = 2
"""So often a step may be lost with the process that drew it; once more, and it is the job that is at fault."""


class Floor:
    """Where the work is."""

    def __init__(
        self,
        config: ServerConfig,
        manifest_of: Callable[[str], Manifest],
        mail: Mail,
        crew: Crew,
        clock: Callable[[], float],
        metrics: Metrics,
        trace: Trace | None = None,
    ) -> None:
        """manifest_of: the manifest with that sha256. crew: those who draw."""
        self._config, self._manifest_of, self._mail, self._crew, self._clock = config, manifest_of, mail, crew, clock
        self._metrics, self._trace = metrics, trace
        self._scheduler = Scheduler(config.queue, config.together)
        self._pace = Pace()
        self._jobs: dict[int, Job] = {}
        self._works = Works()
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

    def add(self, session: Session, plan: Plan, key: bytes) -> None:
        """Take a job in and say so. An earlier run of the same id is dropped. key: of the request. Raises BusyError."""
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
        number = self._number()
        batch = request.priority == "batch"
        self._scheduler.add(
            number, session, self._clock(), batch=batch, group=plan.sha256, retry_after_ms=self._pace.retry_after_ms
        )
        start = min(request.first_seq, plan.chunks)
        credit = min(request.credit, limits.credit)
        job = Job(number, session, plan, key, credit, start, start, self._clock())
        self._jobs[job.number] = session.jobs[request.id] = job
        log.info(
            "%s accepted: %s, %d characters, %d chunks from %d, %s",
            job.label, plan.model, request.count, plan.chunks, start, request.priority, extra=job.about,
        )  # fmt: skip
        self._answer(session, Accepted(request.id, request.count, plan.chunks, plan.model, plan.sha256))
        self._push(job)
        self._join(job)

    def _number(self) -> int:
        self._counter += 1
        return self._counter

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
        while job.stretches:
            self._drop_last(job)
        self._scheduler.remove(job.number)

    def _drop_last(self, job: Job) -> None:
        """Throw away the last of what was begun. Its client pays for the time: who cancels all does not draw for nothing."""
        before = job.held
        work = job.drop_last().work
        self._held -= before - job.held
        if work is None:
            return
        now = self._clock()
        spent = min((now - work.since) * 1000, self._pace.milliseconds(work.step.poses)) / (len(work.takers) + 1)
        self._scheduler.charge(job.number, spent, now, served=False)
        if not work.takers:
            self._works.over(work)

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

    # drawing

    def draw_next(self) -> None:
        """Give all who draw something to do, as far as there is something."""
        while self._draw_one():
            pass

    def _draw_one(self) -> bool:
        if self._crew.busy:  # sorting a long queue takes milliseconds, and this is asked for at every chunk that comes
            if any(self._may_draw(number) for number in self._jobs):
                self._crew.short()
            return False
        steps: dict[int, Step] = {}

        def cost(number: int) -> float:
            job = self._jobs[number]
            steps[number] = step = self._step(job)
            if self._works.joinable(self._content(job, step)) is not None:
                return 0.0
            if job.missing is not None and job.missing.suspect:
                return float("inf")  # it draws alone: nobody else is to be lost with it again
            return self._pace.milliseconds(step.poses)

        picked = self._scheduler.pick(self._may_draw, cost, self._budget, self._clock(), self._crew.free)
        if picked is None:
            if self._scheduler.waiting:
                self._crew.short()
            return False
        now = self._clock()
        new, suspect, taken_back = [], False, 0
        for number in picked.jobs:
            job = self._jobs[number]
            job.started_at = job.started_at or now
            missing = job.missing
            if self._take(job, steps[number]):
                new.append(steps[number])
                if missing is not None:
                    suspect, taken_back = suspect or missing.suspect, max(taken_back, missing.taken_back)
        if new:
            turn = Turn(self._number(), tuple(new))
            self._metrics.turn_jobs.labels(picked.kind.name.lower()).observe(len(new))
            self._works.give(turn, picked)
            self._crew.submit(turn, picked.kind, suspect=suspect, taken_back=taken_back)
        return True

    def _take(self, job: Job, step: Step) -> bool:
        """Have the job wait for that step. Returns whether it is to be drawn: not, where the same is drawn for another job."""
        content = self._content(job, step)
        work = self._works.joinable(content)
        joined = work is not None
        if work is None:
            work = self._works.begin(step, content, self._clock())
        stretch = job.missing
        if stretch is None:
            stretch = Stretch(step.first, step.end)
            job.stretches.append(stretch)
            job.cursor = step.end
        elif step.end < stretch.end:
            rest = Stretch(step.end, stretch.end, losses=stretch.losses, taken_back=stretch.taken_back)
            job.stretches.insert(job.stretches.index(stretch) + 1, rest)
            stretch.end = step.end
        stretch.work = work
        work.takers.append((job, stretch))
        return not joined

    def _join(self, job: Job) -> None:
        """Have the job wait for its next step where that is drawn for another one already, whether anybody is free or not."""
        if not self._works.any_joinable or job.number not in self._jobs or not self._may_draw(job.number):
            return
        step = self._step(job)
        if self._works.joinable(self._content(job, step)) is not None:
            job.started_at = job.started_at or self._clock()
            self._take(job, step)

    def _content(self, job: Job, step: Step) -> Hashable:
        # The priority too: nobody who looks at an empty place waits for what is drawn for a batch.
        plan = step.plan
        return plan.sha256, job.key, plan.request.priority, step.first, step.end, step.codecs

    def _budget(self, kind: Kind) -> float:
        """How long a turn may take, ms."""
        return self._config.step_ms if kind is Kind.BATCH else self._config.early_ms

    def _step(self, job: Job) -> Step:
        config = self._config
        kind = Kind.BATCH if job.plan.request.priority == "batch" else Kind.INTERACTIVE
        poses = self._pace.poses(self._budget(kind))
        characters = 1 if job.single else config.step_characters
        return step_of(job, self._number(), poses, characters, config.limits.blob_bytes)

    def _may_draw(self, number: int) -> bool:
        job = self._jobs[number]
        batch = job.plan.request.priority == "batch"
        lanes = self._crew.lanes(job.plan.sha256) if batch else 1
        if not job.wants_drawing(lanes) or self._mail.is_full(job.session):
            return False
        missing = job.missing
        suspect = batch and missing is not None and missing.suspect
        return not suspect or self._crew.risks(job.plan.sha256, lost=missing is not None and missing.losses > 0)

    def event(self, event: Event | Stage | Lost) -> None:
        """Deal with what those who draw say."""
        if isinstance(event, Stage):
            if event.finished:
                self._works.take(event.turn)
        elif isinstance(event, Lost):
            self._lost(event)
        elif (work := self._works.at(event.step)) is not None:  # else cancelled, dropped or to be drawn anew
            if isinstance(event.what, list):
                self._works.close(work)
            else:
                self._works.over(work)
                if isinstance(event.what, Tally):
                    self._pace.note(event.what)
            share = 1 / max(1, len(work.takers))
            for job, stretch in tuple(work.takers):
                self._give(job, stretch, event.what, share)

    def _give(self, job: Job, stretch: Stretch, what: list[Ready] | Tally | Exception, share: float) -> None:
        """One of those who wait for a step gets what came of it. share: of its drawing time that is this job's."""
        if isinstance(what, Exception):
            self._fail(job, what if isinstance(what, VcgError) else fault(what, job.label, job.about))
            return
        try:
            self._advance(job, stretch, what, share)
        except Exception as error:  # a job must not be left without anybody who goes on with it
            if self._jobs.get(job.number) is job:
                self._fail(job, fault(error, job.label, job.about))

    def _advance(self, job: Job, stretch: Stretch, what: list[Ready] | Tally, share: float) -> None:
        if isinstance(what, list):
            chunks = [chunk.addressed(job.id) for chunk in what]
            stretch.ready.extend(chunks)
            stretch.first = chunks[-1].seq + 1
            stretch.losses, stretch.taken_back = 0, 0
            size = sum(chunk.size for chunk in chunks)
            job.held += size
            self._held += size
        else:
            stretch.work = None
            job.tally.add(what)
            # Not by the clock: that says more of what else ran where it was drawn.
            self._scheduler.charge(job.number, what.work_ms * share, self._clock(), served=what.chunks > 0)
        self._push(job)
        self._join(job)

    def _lost(self, event: Lost) -> None:
        """Whoever drew that turn is gone, or it was taken back. What has come of it is good; the rest is drawn again, by others."""
        turn = self._works.take(event.turn)
        for step in turn.steps if turn is not None else ():
            work = self._works.at(step.number)
            if work is None:
                continue
            self._works.over(work)
            step.stop.set()
            for job, stretch in tuple(work.takers):
                stretch.work = None
                stretch.losses += event.counts
                stretch.taken_back += event.late
                if stretch.losses > MOST_LOSSES:
                    what = f"lost {stretch.losses} times with the process that drew it: {event.why}"
                    self._fail(job, fault(InternalError(what), job.label, job.about))
                else:
                    log.warning("%s: a step is drawn again: %s", job.label, event.why, extra=job.about)
                    self._push(job)

    # sending

    def push_all(self, session: Session) -> None:
        """The client's connection has room again."""
        for job in tuple(session.jobs.values()):
            self._push(job)

    def _push(self, job: Job) -> None:
        """Send what there is and may be sent."""
        while job.stretches:
            head = job.stretches[0]
            while head.ready and job.credit > 0 and self._mail.chunk(job.session, head.ready[0].frames):
                self._sent(job, head.ready.popleft())
            if head.ready or head.work is not None or head.first < head.end:
                break
            job.stretches.popleft()
        if job.sent >= job.plan.chunks and not job.drawing:
            self._done(job)
        elif job.blocked or job.credit <= 0 or self._mail.is_full(job.session):
            job.blocked_since = job.blocked_since or self._clock()
        else:
            job.blocked_since = None
            self._make_way(job)

    def _sent(self, job: Job, chunk: Ready) -> None:
        job.credit -= chunk.size
        job.held -= chunk.size
        self._held -= chunk.size
        job.sent_bytes += chunk.size
        job.sent_chunks += 1
        job.sent = chunk.seq + 1
        job.blocked_since = None
        self._metrics.chunks.inc()
        self._metrics.sent_bytes.inc(chunk.size)
        if job.first_sent_at is None:
            job.first_sent_at = self._clock()
            self._metrics.first_chunk.labels(job.plan.request.priority).observe(job.first_sent_at - job.accepted_at)
        if self._trace is not None:
            self._trace.instant("chunk", self._clock(), job=job.label, seq=chunk.seq, bytes=chunk.size)

    def _make_way(self, job: Job) -> None:
        """Push aside what is less urgent than this job, where nobody is free for it."""
        if self._crew.free(Kind.FRESH, job.plan.sha256):
            return
        for turn, picked in self._works.turns:
            if self._crew.is_own(turn) and self._scheduler.preempts(job.number, picked):
                turn.pause.set()

    def _done(self, job: Job) -> None:
        manifest, now = self._manifest_of(job.plan.sha256), self._clock()
        done = done_of(job, manifest, now)
        log.info(
            "%s done: %d bytes, first chunk after %.0f ms, %.0f ms in all (queued %.0f, drawing %.0f)", job.label, job.sent_bytes,
            *(done.timings_ms[name] for name in ("first_chunk", "total", "queued")), job.tally.total_ms, extra=job.about,
        )  # fmt: skip
        self._pace.finished(now - job.accepted_at)
        self._metrics.job_seconds.labels(job.plan.request.priority).observe(now - job.accepted_at)
        self._ended(job, "done")
        self.remove(job)
        self._answer(job.session, done)

    # limits

    def shed(self) -> None:
        """Where too much is held in all, throw away what waits longest, from its end; it is drawn again when it can be sent.

        What a job could send as soon as it comes is never thrown away, so that it moves on. What was drawn ahead of that is drawn ahead
        only once: until it is sent, the job draws one step after the other.
        """
        most = self._config.held_bytes
        waiting = (job for job in self._jobs.values() if job.held) if self._held > most else ()
        for job in sorted(waiting, key=lambda job: job.blocked_since or float("inf")):
            job.single_until = max(job.single_until, job.cursor)
            while self._held > most and job.held:
                self._drop_last(job)
            if self._held <= most:
                return

    def drop_stalled(self) -> None:
        """End jobs whose client has granted no credit, or read nothing, for too long."""
        now, stall_ms = self._clock(), self._config.limits.stall_ms
        for job in tuple(self._jobs.values()):
            if self._mail.is_full(job.session):  # it may have nothing that is ready, and gets nothing either
                job.blocked_since = job.blocked_since or now
            if job.blocked_since is not None and (now - job.blocked_since) * 1000 > stall_ms:
                message = f"no credit, or nothing read, for {stall_ms / 1000:g} s"
                self._fail(job, Stalled(message, hint="ask again with first_seq, when there is room"))
