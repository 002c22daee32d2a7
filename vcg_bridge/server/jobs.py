"""What a `generate` asks for, piece by piece: its chunks in order, and the steps in which they are drawn.

The same request gives the same chunks for ever, so nothing is kept for retries: a job starts anywhere in its sequence, and
what was drawn but not sent can be thrown away and drawn again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from vcg_bridge.contract.character import Pose
from vcg_bridge.contract.errors import BadRequest, LimitError
from vcg_bridge.contract.manifest import Animation, Manifest
from vcg_bridge.contract.messages import Generate, Limits

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


@dataclass(frozen=True)
class Step:
    """Chunks first .. end - 1 of a job, drawn in one go."""

    job: int
    plan: Plan
    first: int
    end: int
    codecs: tuple[str, ...]  # that the client takes, preferred first
    blob_bytes: int
    stop: threading.Event  # set: nobody wants it any more
    poses: int = 0  # that it shows, repeated ones included: a measure of its work


@dataclass(frozen=True)
class Turn:
    """Steps of one version of a model that are drawn together, in this order."""

    steps: tuple[Step, ...]
    pause: threading.Event = field(default_factory=threading.Event)
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

    def add(self, other: Tally) -> None:
        """Sum up; the margin is the smaller one."""
        for name, value in vars(other).items():
            mine = getattr(self, name)
            setattr(self, name, min(mine, value) if name == "margin" else mine + value)


@dataclass
class Job:
    """One unfinished job. Owned by the server's thread; the worker sees only its steps."""

    number: int
    session: Session
    plan: Plan
    credit: int  # bytes that may be sent; below zero by less than one chunk
    cursor: int  # next chunk to draw
    sent: int  # next chunk to send
    accepted_at: float  # s
    blocked_since: float | None = None  # s; waits for credit, or for the client to read
    started_at: float | None = None  # s; of its first step
    first_sent_at: float | None = None
    step: Step | None = None  # being drawn
    ready: deque[Ready] = field(default_factory=deque)
    held: int = 0  # bytes of `ready`
    sent_bytes: int = 0
    tally: Tally = field(default_factory=Tally)

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
    def wants_drawing(self) -> bool:
        """Whether a further step makes sense now: what is drawn could be sent at once."""
        return self.step is None and self.cursor < self.plan.chunks and self.credit > 0 and not self.ready

    def forget_drawn(self) -> int:
        """Throw away what waits; it is drawn again when it can be sent. Returns the bytes freed."""
        freed, self.held = self.held, 0
        self.ready.clear()
        self.cursor = self.sent
        self.stop_drawing()
        return freed

    def stop_drawing(self) -> None:
        """Have the worker leave the step it is at; what it still sends of it is ignored."""
        if self.step is not None:
            self.step.stop.set()
            self.step = None


MAX_STEP_CELLS = 4096
"""Frames times scale squared that one step draws, if it draws more than one chunk: 64 MiB of RGBA pixels."""


def step_of(job: Job, poses: int, characters: int, blob_bytes: int) -> Step:
    """The next step of a job. poses: that are drawn in the time a step should take.

    A batch job draws whole characters: one, or as many as have so many poses together, but not more than `characters`.
    An interactive one shows something early: the preview alone, then, if the rest of the character would take too long,
    one picture, then the rest.
    """
    plan, first = job.plan, job.cursor
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
    end, cells, shown, scale = first, 0, 0, plan.request.output.scale
    while end < min(last, plan.chunks):
        part = plan.part(end)
        cells += len(part.poses) * scale**2
        if end > first and cells > MAX_STEP_CELLS:
            break
        shown += len(part.poses)
        end += 1
    return Step(job.number, plan, first, end, job.session.codecs, blob_bytes, threading.Event(), shown)
