"""Drawing: one step of a job, from its plan to chunks that are ready to be sent.

A Studio is everything that is drawn with one bundle. It knows no sockets, sessions or credit.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from vcg_bridge.contract import messages
from vcg_bridge.contract.blobs import encode_blob
from vcg_bridge.contract.character import Drawing
from vcg_bridge.contract.description import Description, description_of
from vcg_bridge.contract.errors import Cancelled
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.messages import Chunk, Generate, Model
from vcg_bridge.contract.recipe import Recipe
from vcg_bridge.generators.bundle import Bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.generator import Generator
from vcg_bridge.server.jobs import Ready, Step, Tally
from vcg_bridge.server.pictures import Picture, dress, picture_of, wanted_poses
from vcg_bridge.sprites.compose import canvas_sizes, compose
from vcg_bridge.sprites.credits import credit_lines, read_credits

CREDIT_LINES = 512
"""What one chunk can carry."""


Emit = Callable[[list[Ready]], None]
"""Takes the chunks of one character. Called from another thread."""


class _Paused(Exception):
    """Somebody else is more urgent."""


class Studio:
    """A bundle and its generator. Drawn with by one thread; `close` it."""

    def __init__(self, bundle: Bundle, device: str, threads: int | None, cache_bytes: int) -> None:
        """Raises BundleError, DeviceError."""
        self.bundle = bundle
        self.credits = read_credits(bundle.folder)
        self.generator = Generator(bundle, device, threads, cache_bytes)
        # Hashing and compressing need no interpreter lock: worth a thread of their own.
        self._encoder = ThreadPoolExecutor(1, thread_name_prefix="vcg-encode")
        self._designed: tuple[int, int, Recipe] | None = None  # job, character: a job comes back for its next step

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

    def draw(self, step: Step, emit: Emit) -> Tally:
        """Draw the chunks of a step and emit those of each character as soon as they are encoded.

        Ends early when step.pause is set: what was drawn by then is in the cache. Raises Cancelled when step.stop is set,
        and what design, drawing and layout raise.
        """
        tally = Tally()
        with _timed(tally, "total_ms"):
            by_character = _seqs_by_character(step)
            with _timed(tally, "design_ms"):
                recipes = [self._recipe(step, character) for character in by_character]
            try:
                drawings = self._drawings(step, recipes, list(by_character.values()), tally)
            except _Paused:
                return tally
            last: Future[None] | None = None
            try:
                for drawing, (character, seqs) in zip(drawings, by_character.items(), strict=True):
                    if last is not None and step.pause.is_set():
                        break
                    tally.margin = min(tally.margin, drawing.smallest_margin)
                    tally.redrawn += drawing.redrawn
                    tally.chunks += len(seqs)
                    last = self._finish(step, character, seqs, drawing, emit, tally)
            finally:
                if last is not None:
                    last.result()
        return tally

    def _drawings(self, step: Step, recipes: list[Recipe], seqs: list[list[int]], tally: Tally) -> list[Drawing]:
        plan = step.plan
        poses = [wanted_poses(self.manifest, [plan.part(x) for x in some], plan.request.output) for some in seqs]
        tally.poses = sum(map(len, poses))

        def tick() -> None:
            _check_wanted(step)
            if step.pause.is_set():
                raise _Paused

        before = self.generator.cache_info()
        try:
            with _timed(tally, "draw_ms"):
                return self.generator.draw_many(list(zip(recipes, poses, strict=True)), tick)
        finally:
            after = self.generator.cache_info()
            tally.hits, tally.misses = after.hits - before.hits, after.misses - before.misses

    def _recipe(self, step: Step, character: int) -> Recipe:
        if self._designed is not None and self._designed[:2] == (step.job, character):
            return self._designed[2]
        recipe = recipe_of(self.manifest, step.plan.request, character)
        self._designed = (step.job, character, recipe)
        return recipe

    def _finish(
        self, step: Step, character: int, seqs: list[int], drawing: Drawing, emit: Emit, tally: Tally
    ) -> Future[None]:
        """Compose one character; its chunks are encoded and emitted while the next one is composed."""
        output = step.plan.request.output
        with _timed(tally, "compose_ms"):
            dressed = dress(compose(self.manifest, drawing), self.manifest, output)
            sizes = canvas_sizes(self.manifest, drawing)
            pictures = []
            for seq in seqs:
                _check_wanted(step)
                pictures.append(picture_of(dressed, self.manifest, step.plan.part(seq), output, sizes, step.blob_bytes))
        palette = dressed.shown.palette.tobytes()

        def encode() -> None:
            with _timed(tally, "encode_ms"):
                ready = [
                    self._ready(step, seq, character, picture, palette, drawing.recipe)
                    for seq, picture in zip(seqs, pictures, strict=True)
                ]
            emit(ready)

        return self._encoder.submit(encode)

    def _ready(self, step: Step, seq: int, character: int, picture: Picture, palette: bytes, recipe: Recipe) -> Ready:
        plan = step.plan
        position, part = seq % len(plan.parts), plan.part(seq)
        first, last = position == 0, position == len(plan.parts) - 1
        codec, blob = encoded(picture, step.codecs)
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
        frames = messages.encode(chunk, [blob])
        return Ready(seq, frames, sum(map(len, frames)))


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


def _check_wanted(step: Step) -> None:
    if step.stop.is_set():
        raise Cancelled("nobody waits for this any more")


@contextmanager
def _timed(tally: Tally, name: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        setattr(tally, name, getattr(tally, name) + (time.perf_counter() - started) * 1000)
