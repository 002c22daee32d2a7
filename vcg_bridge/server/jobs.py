"""What a `generate` asks for, piece by piece: its chunks in order, and the steps in which they are drawn.

The same request gives the same chunks for ever, so nothing is kept for retries: a job starts anywhere in its sequence, and
what was drawn but not sent can be thrown away and drawn again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from vcg_bridge.contract.character import Pose
from vcg_bridge.contract.errors import BadRequest, LimitError
from vcg_bridge.contract.manifest import Animation, Manifest
from vcg_bridge.contract.messages import Generate, Limits, readdressed

if TYPE_CHECKING:
    from vcg_bridge.server.sessions import Session


@dataclass(frozen=True)
class Part:
    """One chunk of every character of a job."""

    kind: str  # preview, animation, sheet, normal
    name: str  # animation id, or "sheet"
    poses: tuple[Pose, ...]  # that it shows; those of a normal are its picture's


@dataclass(frozen=True)
class Plan:
    """A request that was checked against a bundle."""

    request: Generate
    model: str  # name of the bundle
    sha256: str  # of its manifest: the version
    parts: tuple[Part, ...]  # of each character, in order

    @property
    def chunks(self) -> int:
        """Of the whole job: seq runs from 0 to chunks - 1."""
        return self.request.count * len(self.parts)

    def part(self, seq: int) -> Part:
        """What chunk `seq` shows."""
        return self.parts[seq % len(self.parts)]


def plan_of(manifest: Manifest, request: Generate, limits: Limits) -> Plan:
    """The plan of a request. Raises BadRequest for unknown animations, LimitError for more than the server allows."""
    if request.count > limits.count:
        raise LimitError(f"{request.count} characters in one request; this server allows {limits.count}")
    output = request.output
    if output.scale > limits.scale:
        raise LimitError(f"scale {output.scale}; this server allows {limits.scale}")
    if request.animations:
        animations = [manifest.animation(name) for name in dict.fromkeys(request.animations)]
    else:
        animations = list(manifest.animations)
    if not animations:
        raise BadRequest(f"the model {manifest.name!r} has no animations")
    parts: list[Part] = []
    if request.preview:
        pose = preview_pose(animations)
        parts.append(Part("preview", pose.animation, (pose,)))
    pictures: list[Part] = []
    if output.kind == "animations":
        pictures = [Part("animation", a.id, poses_of(a)) for a in animations]
    elif output.kind == "sheet":
        pictures = [Part("sheet", "sheet", tuple(pose for a in animations for pose in poses_of(a)))]
    for picture in pictures:
        _check_size(manifest, picture, request, limits)
        parts.append(picture)
        if output.normal_map:
            parts.append(Part("normal", picture.name, picture.poses))
    return Plan(request, manifest.name, manifest.sha256, tuple(parts))


def preview_pose(animations: Sequence[Animation]) -> Pose:
    """Facing down if possible, the first frame of `idle` if that is among the animations, else of the first."""
    chosen = next((a for a in animations if a.id == "idle"), animations[0])
    return Pose(chosen.id, "down" if "down" in chosen.directions else chosen.directions[0], 0)


def poses_of(animation: Animation) -> tuple[Pose, ...]:
    """Every pose of an animation, direction by direction."""
    return tuple(Pose(animation.id, d, f) for d in animation.directions for f in range(animation.frames))


def _check_size(manifest: Manifest, part: Part, request: Generate, limits: Limits) -> None:
    """Refuse early what cannot fit. Frames may still turn out larger: `pictures` checks again. Packing only shrinks."""
    output = request.output
    if part.kind == "sheet" and output.layout == "packed":
        return
    pixels = len(part.poses) * (manifest.frame_size * output.scale) ** 2
    check_bytes(part.name, pixels * bytes_per_pixel(output.format, normal=output.normal_map), limits.blob_bytes)


def bytes_per_pixel(format: str, *, normal: bool) -> int:
    """Of the decoded picture, or the larger of it and its normal map."""
    return 1 if format == "r8" and not normal else 4 if format != "png" else 3 if normal else 1


def check_bytes(name: str, size: int, most: int) -> None:
    """Raise LimitError for a picture of more than `most` bytes."""
    if size > most:
        raise LimitError(
            f"{name!r} would be a picture of {size >> 20} MiB; this server sends at most {most >> 20} MiB at once",
            hint="use a smaller scale, fewer animations in one sheet, or kind animations",
        )


class Ready(NamedTuple):
    """A chunk that is drawn, encoded and waits to be sent."""

    seq: int
    frames: list[bytes]  # the map, the blob
    size: int  # bytes of all frames: what it costs of the credit
    request: str  # whose chunk it is

    def addressed(self, request_id: str) -> Ready:
        """The same chunk for another request."""
        if request_id == self.request:
            return self
        frames = readdressed(self.frames, request_id)
        return Ready(self.seq, frames, sum(map(len, frames)), request_id)


class Flag:
    """Something that is asked of whoever draws: to stop, to pause. It stays set, and setting it again has no effect."""

    def __init__(self) -> None:
        self._set = False
        self._then: Callable[[], None] | None = None

    def set(self) -> None:
        """Ask."""
        if not self._set:
            self._set = True
            if self._then is not None:
                self._then()

    def is_set(self) -> bool:
        """Whether it was asked."""
        return self._set

    def on_set(self, then: Callable[[], None]) -> None:
        """Call this when it is set: the drawing is done in another process."""
        self._then = then


@dataclass(frozen=True, eq=False)
class Step:
    """Chunks first .. end - 1 of a job, drawn in one go."""

    number: int
    job: int
    plan: Plan
    first: int
    end: int
    codecs: tuple[str, ...]  # that the client takes, preferred first
    blob_bytes: int
    poses: int = 0  # that it shows, repeated ones included: a measure of its work
    stop: Flag = field(default_factory=Flag)  # set: nobody wants it any more


@dataclass(frozen=True, eq=False)
class Turn:
    """Steps of one version of a model that are drawn together, in this order."""

    number: int
    steps: tuple[Step, ...]
    pause: Flag = field(default_factory=Flag)
    """Set: somebody else is more urgent; what is missing is drawn in another turn."""

    @property
    def model(self) -> str:
        """Name of the bundle."""
        return self.steps[0].plan.model

    @property
    def sha256(self) -> str:
        """Its version."""
        return self.steps[0].plan.sha256


@dataclass
class Tally:
    """What a step, or all steps of a job, took. The time of what several steps do together is divided among them."""

    chunks: int = 0  # fewer than asked for where the turn was paused
    design_ms: float = 0.0
    draw_ms: float = 0.0
    compose_ms: float = 0.0
    encode_ms: float = 0.0
    margin: float = float("inf")
    redrawn: int = 0
    hits: int = 0
    misses: int = 0
    poses: int = 0
    total_ms: float = 0.0
    work_ms: float = 0.0  # total_ms as it would be were nothing else running: what is charged, and teaches the pace

    def add(self, other: Tally) -> None:
        """Sum up; the margin is the smaller one."""
        for name, value in vars(other).items():
            mine = getattr(self, name)
            setattr(self, name, min(mine, value) if name == "margin" else mine + value)


@dataclass(eq=False)
class Work:
    """A step that is drawn now, and all who wait for it: who asks for the same meanwhile is given the same."""

    step: Step
    content: Hashable  # what is drawn, and how it is encoded
    since: float  # s; when it was given to whoever draws it
    takers: list[tuple[Job, Stretch]] = field(default_factory=list)

    def leave(self, stretch: Stretch) -> None:
        """That one does not want it any more. When the last has left, it is stopped."""
        self.takers = [taker for taker in self.takers if taker[1] is not stretch]
        if not self.takers:
            self.step.stop.set()


@dataclass(eq=False)
class Stretch:
    """Some chunks of a job in a row: being drawn, to be drawn (again), or waiting to be sent."""

    first: int  # next chunk to come
    end: int
    work: Work | None = None  # None: nobody draws it now
    losses: int = 0  # how often it was lost with whoever drew it, since something came of it
    taken_back: int = 0  # how often it was, from somebody of whom nothing was heard, since something came of it
    ready: deque[Ready] = field(default_factory=deque)

    @property
    def suspect(self) -> bool:
        """It may be why whoever drew it died, or says nothing any more."""
        return self.losses > 0 or self.taken_back > 0


@dataclass(eq=False)
class Job:
    """One unfinished job. Owned by the server's thread; those who draw see only its steps."""

    number: int
    session: Session
    plan: Plan
    key: bytes  # of its request, whatever its id
    credit: int  # bytes that may be sent; below zero by less than one chunk
    cursor: int  # first chunk that is in no stretch yet
    sent: int  # next chunk to send
    accepted_at: float  # s
    blocked_since: float | None = None  # s; waits for credit, or for the client to read
    started_at: float | None = None  # s; of its first step
    first_sent_at: float | None = None
    stretches: deque[Stretch] = field(default_factory=deque)  # from `sent` to `cursor`, in order
    held: int = 0  # bytes of all that is ready
    sent_bytes: int = 0
    sent_chunks: int = 0
    tally: Tally = field(default_factory=Tally)
    single_until: int = 0  # up to this chunk one step is drawn at a time: there was no room for what was drawn ahead

    @property
    def id(self) -> str:
        """As the client named it."""
        return self.plan.request.id

    @property
    def label(self) -> str:
        """For the log."""
        return f"{self.session.label}/{self.id!r}"

    @property
    def about(self) -> dict[str, str]:
        """For programs that read the log."""
        return {"client": self.session.label, "request": self.id}

    @property
    def blocked(self) -> bool:
        """What is to be sent next is there, and was not sent: it waits for credit or for the client to read."""
        return bool(self.stretches) and bool(self.stretches[0].ready)

    @property
    def drawing(self) -> bool:
        """Somebody draws for it."""
        return any(stretch.work is not None for stretch in self.stretches)

    @property
    def missing(self) -> Stretch | None:
        """The first of what was begun and is to be drawn (again)."""
        return next((s for s in self.stretches if s.work is None and s.first < s.end), None)

    @property
    def single(self) -> bool:
        """It must not draw ahead now."""
        return self.sent < self.single_until

    def wants_drawing(self, lanes: int) -> bool:
        """Whether a further step makes sense now: what is drawn could be sent. lanes: steps drawn at the same time, at most."""
        if self.credit <= 0 or self.blocked:
            return False
        if self.missing is not None:
            return True
        under_way = [stretch for stretch in self.stretches if stretch.work is not None]
        if self.cursor >= self.plan.chunks or len(under_way) >= (1 if self.single else lanes):
            return False
        if not under_way:
            return True
        ahead = sum(stretch.end - stretch.first for stretch in under_way)  # as large as the others were, presumably
        return ahead * self.sent_bytes + self.held * self.sent_chunks < self.credit * self.sent_chunks

    def drop_last(self) -> Stretch:
        """Throw away the last stretch, which is drawn again when it can be sent."""
        stretch = self.stretches.pop()
        self.held -= sum(chunk.size for chunk in stretch.ready)
        self.cursor = stretch.ready[0].seq if stretch.ready else stretch.first
        if stretch.work is not None:
            stretch.work.leave(stretch)
        return stretch


MAX_STEP_CELLS = 4096
"""Frames times scale squared that one step draws, if it draws more than one chunk: 64 MiB of RGBA pixels."""


def step_of(job: Job, number: int, poses: int, characters: int, blob_bytes: int) -> Step:
    """The next step of a job: what was begun and is missing, else what comes after all that is under way.

    number: of the step. poses: that are drawn in the time a step should take. A batch job draws whole characters: one, or as
    many as have so many poses together, but not more than `characters`. An interactive one shows something early: the preview
    alone, then, if the rest of the character would take too long, one picture, then the rest.
    """
    plan = job.plan
    missing = job.missing
    first = job.cursor if missing is None else missing.first
    per_character = len(plan.parts)
    position = first % per_character
    last = first - position + per_character
    each = sum(len(part.poses) for part in plan.parts if part.kind != "normal")
    if plan.request.priority == "batch":
        last += per_character * (max(1, min(characters, poses // each)) - 1)
    elif plan.part(first).kind == "preview":
        last = first + 1
    elif position <= 1 and each > poses:
        last = min(last, first + (2 if plan.request.output.normal_map and plan.part(first).kind != "normal" else 1))
    if missing is not None:
        last = min(last, missing.end)
    end, cells, shown, scale = first, 0, 0, plan.request.output.scale
    while end < min(last, plan.chunks):
        part = plan.part(end)
        cells += len(part.poses) * scale**2
        if end > first and cells > MAX_STEP_CELLS:
            break
        shown += len(part.poses)
        end += 1
    return Step(number, job.number, plan, first, end, job.session.codecs, blob_bytes, shown)
