"""Drawing: a turn, which is steps of some jobs, from their plans to chunks that are ready to be sent.

The views of all steps are drawn in common batches; then characters are composed one after the other, and encoded in another
thread. A Studio is everything that is drawn with one bundle. It knows no sockets, sessions or credit.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from vcg_bridge.contract import messages
from vcg_bridge.contract.blobs import encode_blob
from vcg_bridge.contract.character import Drawing, Pose
from vcg_bridge.contract.description import Description, description_of
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.messages import Chunk, Generate, Model
from vcg_bridge.contract.recipe import Recipe
from vcg_bridge.generators.bundle import Bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.generator import Generator
from vcg_bridge.server.jobs import Ready, Step, Tally, Turn
from vcg_bridge.server.pictures import Picture, dress, picture_of, wanted_poses
from vcg_bridge.sprites.compose import canvas_sizes, compose
from vcg_bridge.sprites.credits import credit_lines, read_credits
from vcg_bridge.sprites.stencils import StencilCache

CREDIT_LINES = 512
"""What one chunk can carry."""


DESIGNED = 256
"""Recipes that are remembered: a character whose preview was shown is drawn a step later."""

Post = Callable[[Step, list[Ready] | Tally | Exception], None]
"""Takes what comes of a step: chunks of a character, at last a tally or an error. Called from two threads."""


class _Paused(Exception):
    """Somebody else is more urgent."""


class _Changed(Exception):
    """Some step is not wanted any more; the others go on."""


@dataclass
class _Piece:
    """One character of a step."""

    step: Step
    tally: Tally  # of the step
    character: int
    seqs: list[int]
    recipe: Recipe
    poses: tuple[Pose, ...]


@dataclass(frozen=True)
class Drawn:
    """A turn half done."""

    turn: Turn
    steps: list[tuple[Step, Tally]]  # that go on
    pieces: list[tuple[_Piece, Drawing]]  # none where the turn was paused


class Studio:
    """A bundle and its generator. One thread calls `draw`, one `finish`; `close` it."""

    def __init__(self, bundle: Bundle, device: str, threads: int | None, cache_bytes: int) -> None:
        """Raises BundleError, DeviceError."""
        self.bundle = bundle
        self.credits = read_credits(bundle.folder)
        self.generator = Generator(bundle, device, threads, cache_bytes)
        # Hashing and compressing need no interpreter lock: worth a thread of their own.
        self._encoder = ThreadPoolExecutor(1, thread_name_prefix="vcg-encode")
        self._encoded: Future[None] = Future()  # the last of what was given to it
        self._encoded.set_result(None)
        self._stencils = StencilCache(cache_bytes // 4)
        self._designed: OrderedDict[tuple[int, int], Recipe] = (
            OrderedDict()
        )  # job, character: it comes back for a next step

    @property
    def manifest(self) -> Manifest:
        """Of the bundle."""
        return self.bundle.manifest

    @property
    def model(self) -> Model:
        """As `welcome` names it."""
        m = self.manifest
        return Model(m.name, m.version, m.title, m.sha256)

    def description(self) -> Description:
        """The answer to `describe`; its id is to be filled in."""
        return description_of(self.manifest, "-")

    def warm_up(self, interrupted: Callable[[], bool] = lambda: False) -> bool:
        """Load the networks, or some of them if `interrupted`; see Generator.warm_up. Raises BundleError, DeviceError."""
        return self.generator.warm_up(interrupted)

    def close(self) -> None:
        """End the threads."""
        self._encoder.shutdown(cancel_futures=True)
        self.generator.close()

    def draw(self, turn: Turn, post: Post) -> Drawn:
        """First half of a turn: the layers of all its steps. Steps that fail are posted as errors and left out.

        A step that is stopped is left out as soon as that is seen. Ends early when turn.pause is set: what was drawn by then is in
        the cache.
        """
        pieces = [piece for step in turn.steps for piece in self._pieces(step, post)]
        steps = list({id(piece.step): (piece.step, piece.tally) for piece in pieces}.values())
        return Drawn(turn, steps, self._drawings(turn, pieces, post))

    def finish(self, drawn: Drawn, post: Post) -> Future[None]:
        """Second half: compose and encode. Of each step comes what was made, then a tally, or the error that ended it.

        Ends early when turn.pause is set, and the tallies say how many chunks there are. The last encoding may still be under
        way on return: what is returned is done when everything was posted. May run while the next turn is drawn, in one thread of its own.
        """
        tallies = {id(step): (step, tally) for step, tally in drawn.steps}
        under_way: deque[Future[None]] = deque([self._encoded])
        begun = False
        for piece, drawing in drawn.pieces:
            if begun and drawn.turn.pause.is_set():
                break
            if not piece.step.stop.is_set() and id(piece.step) in tallies:
                begun = True
                if len(under_way) > 1:  # one is encoded while the next is composed: who comes between waits for no more
                    under_way.popleft().result()
                try:
                    under_way.append(self._finish(piece, drawing, post))
                except Exception as error:
                    self._give_up(piece.step, error, tallies, post)
        for step, tally in tallies.values():
            tally.total_ms = tally.design_ms + tally.draw_ms + tally.compose_ms
            self._encoded = self._encoder.submit(_end_step, step, tally, post)
        return self._encoded

    def _give_up(self, step: Step, error: Exception, tallies: dict[int, tuple[Step, Tally]], post: Post) -> None:
        tallies.pop(id(step), None)
        post(step, error)

    def _pieces(self, step: Step, post: Post) -> list[_Piece]:
        tally, pieces = Tally(), []
        output, plan = step.plan.request.output, step.plan
        try:
            for character, seqs in _seqs_by_character(step).items():
                with _timed(tally, "design_ms"):
                    recipe = self._recipe(step, character)
                poses = wanted_poses(self.manifest, [plan.part(seq) for seq in seqs], output)
                pieces.append(_Piece(step, tally, character, seqs, recipe, poses))
                tally.poses += len(poses)
        except Exception as error:
            post(step, error)
            return []
        return pieces

    def _drawings(self, turn: Turn, pieces: list[_Piece], post: Post) -> list[tuple[_Piece, Drawing]]:
        """Pieces with their layers: none where the turn is paused, without those that are stopped or fail."""
        started, cpu, before = time.perf_counter(), time.thread_time(), self.generator.cache_info()
        networks = self.generator.work_ms
        drawings: list[Drawing] = []
        while pieces:
            pieces = [piece for piece in pieces if not piece.step.stop.is_set()]
            steps = {id(piece.step): piece.step for piece in pieces}
            try:
                drawings = self.generator.draw_many(
                    [(p.recipe, p.poses) for p in pieces], _ticker(turn, steps.values())
                )
                break
            except _Changed:
                continue
            except _Paused:
                drawings = []
                break
            except Exception as error:
                if len(steps) == 1:
                    post(pieces[0].step, error)
                    pieces[0].step.stop.set()
                    return []
                # One of several is at fault: each by itself, and what is right is drawn.
                singly = [[p for p in pieces if p.step is step] for step in steps.values()]
                return [pair for some in singly for pair in self._drawings(turn, some, post)]
        after, poses = self.generator.cache_info(), sum(len(piece.poses) for piece in pieces)
        spent = (time.perf_counter() - started) * 1000
        work = (time.thread_time() - cpu) * 1000 + self.generator.work_ms - networks
        for piece in pieces:
            share = len(piece.poses) / poses
            piece.tally.draw_ms += spent * share
            piece.tally.work_ms += work * share
            piece.tally.hits += round((after.hits - before.hits) * share)
            piece.tally.misses += round((after.misses - before.misses) * share)
        return list(zip(pieces, drawings, strict=True)) if drawings else []

    def _recipe(self, step: Step, character: int) -> Recipe:
        recipe = self._designed.get((step.job, character))
        if recipe is None:
            recipe = self._designed[step.job, character] = recipe_of(self.manifest, step.plan.request, character)
            if len(self._designed) > DESIGNED:
                self._designed.popitem(last=False)
        return recipe

    def _finish(self, piece: _Piece, drawing: Drawing, post: Post) -> Future[None]:
        """Compose one character; its chunks are encoded and emitted while the next one is composed."""
        step, tally, output = piece.step, piece.tally, piece.step.plan.request.output
        tally.margin = min(tally.margin, drawing.smallest_margin)
        tally.redrawn += drawing.redrawn
        with _timed(tally, "compose_ms"):
            dressed = dress(compose(self.manifest, drawing, stencils=self._stencils), self.manifest, output)
            sizes = canvas_sizes(self.manifest, drawing)
            parts = [step.plan.part(seq) for seq in piece.seqs]
            pictures = [picture_of(dressed, self.manifest, part, output, sizes, step.blob_bytes) for part in parts]
        palette = dressed.shown.palette.tobytes()
        tally.chunks += len(piece.seqs)
        return self._encoder.submit(self._emit, piece, pictures, palette, post)

    def _emit(self, piece: _Piece, pictures: list[Picture], palette: bytes, post: Post) -> None:
        """Encode and hand over the chunks of one character. In the encoder's thread."""
        step = piece.step
        if step.stop.is_set():
            return
        try:
            with _timed(piece.tally, "encode_ms", work=False):  # another thread may be at the tally
                made = zip(piece.seqs, pictures, strict=True)
                ready = [self._ready(step, seq, piece.character, x, palette, piece.recipe) for seq, x in made]
            post(step, ready)
        except Exception as error:
            post(step, error)
            step.stop.set()

    def _ready(self, step: Step, seq: int, character: int, picture: Picture, palette: bytes, recipe: Recipe) -> Ready:
        plan = step.plan
        position, part = seq % len(plan.parts), plan.part(seq)
        first, last = position == 0, position == len(plan.parts) - 1
        codec, data = encoded(picture, step.codecs)
        chunk = Chunk(
            id=plan.request.id,
            seq=seq,
            character=character,
            kind=part.kind,
            name=part.name,
            format=picture.format,
            width=picture.width,
            height=picture.height,
            raw_length=len(picture.data),
            sha256=hashlib.sha256(picture.data).digest(),
            codec=codec,
            strips=picture.strips,
            last=last,
            palette=palette if first else b"",
            recipe=recipe if first else None,
            credits=credit_lines(self.manifest, recipe, self.credits)[:CREDIT_LINES] if last else (),
        )
        frames = messages.encode(chunk, [data])
        return Ready(seq, frames, sum(map(len, frames)), plan.request.id)


def _end_step(step: Step, tally: Tally, post: Post) -> None:
    if not step.stop.is_set():
        post(step, tally)


def _ticker(turn: Turn, steps: Iterable[Step]) -> Callable[[], None]:
    """Looks between two batches whether to go on."""

    def tick() -> None:
        if any(step.stop.is_set() for step in steps):
            raise _Changed
        if turn.pause.is_set():
            raise _Paused

    return tick


def recipe_of(manifest: Manifest, request: Generate, character: int) -> Recipe:
    """The recipe of one character of a request. Raises BadRequest, RecipeError."""
    if request.recipe is not None:
        return request.recipe
    wish = request.design
    assert wish is not None  # decoding checks that there is either
    spec = DesignSpec(
        seed=wish.seed + character,
        archetype=wish.archetype,
        body=wish.body,
        items=wish.items,
        ramps=wish.ramps,
        novelty=None if wish.novelty is None else wish.novelty / 100,
        base=wish.base,
        reroll=wish.reroll,
        keep=wish.keep,
        controls={key: amount / 100 for key, amount in wish.controls.items()},
    )
    return design(manifest, spec)


def encoded(picture: Picture, codecs: tuple[str, ...]) -> tuple[str, bytes]:
    """The codec of a picture and its bytes: the client's first choice where it makes them fewer."""
    if picture.format == "png" or not codecs or codecs[0] == "raw":
        return "raw", picture.data
    blob = encode_blob(codecs[0], picture.data)
    return (codecs[0], blob) if len(blob) < len(picture.data) else ("raw", picture.data)


def usable_codecs(offered: tuple[str, ...], available: tuple[str, ...]) -> tuple[str, ...]:
    """Of the client's codecs those that this server can write, in the client's order; raw always."""
    return tuple(dict.fromkeys([*(c for c in offered if c in available), "raw"]))


def _seqs_by_character(step: Step) -> dict[int, list[int]]:
    table: dict[int, list[int]] = {}
    for seq in range(step.first, step.end):
        table.setdefault(seq // len(step.plan.parts), []).append(seq)
    return table


@contextmanager
def _timed(tally: Tally, name: str, *, work: bool = True) -> Iterator[None]:
    """Add the time of what is done inside to that field, and the processor time to the work."""
    started, cpu = time.perf_counter(), time.thread_time()
    try:
        yield
    finally:
        setattr(tally, name, getattr(tally, name) + (time.perf_counter() - started) * 1000)
        if work:
            tally.work_ms += (time.thread_time() - cpu) * 1000
