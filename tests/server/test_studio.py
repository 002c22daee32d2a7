"""Drawing by itself: the pictures of a request, however it is cut into steps."""

from __future__ import annotations

import hashlib
import io
import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vcg_bridge.contract import messages as m
from vcg_bridge.contract.blobs import decode_blob
from vcg_bridge.contract.errors import BadRequest, LimitError, RecipeError
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.server.jobs import Plan, Ready, Step, Tally, Turn, plan_of
from vcg_bridge.server.pace import Pace
from vcg_bridge.server.studio import Studio, recipe_of, usable_codecs
from vcg_bridge.sprites.compose import compose

SOME = ("idle", "combat-halfslash")
ARMED = m.Design(seed=3, items={"sword": "sword-01-arming-sword", "wings": None})
JOBS = itertools.count()


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    studio = Studio(open_bundle(), "cpu", 2, 256 << 20)
    studio.warm_up()
    yield studio
    studio.close()


def plan(studio: Studio, **fields: object) -> Plan:
    request = m.Generate("j", **{"design": m.Design(seed=7), "animations": SOME, **fields})  # type: ignore[arg-type]
    return plan_of(studio.manifest, request, m.Limits())


def step(made: Plan, first: int = 0, end: int | None = None, codecs: tuple[str, ...] = ("zstd",)) -> Step:
    end = made.chunks if end is None else end
    return Step(next(JOBS), next(JOBS), made, first, end, codecs, 64 << 20)


Said = list[tuple[Step, list[Ready] | Tally | Exception]]


def played(studio: Studio, turn: Turn) -> Said:
    """All that comes of a turn, in order."""
    said: Said = []

    def post(step: Step, what: list[Ready] | Tally | Exception) -> None:
        said.append((step, what))

    studio.finish(studio.draw(turn, post), post)
    studio._encoded.result()
    return said


def chunks_of(said: Said, step: Step) -> list[Ready]:
    """Of one step. Raises what ended it."""
    found: list[Ready] = []
    for one, what in said:
        if one is step and isinstance(what, Exception):
            raise what
        if one is step and isinstance(what, list):
            found.extend(what)
    return found


def tally_of(said: Said, step: Step) -> Tally:
    [tally] = [what for one, what in said if one is step and isinstance(what, Tally)]
    return tally


def alone(studio: Studio, one: Step) -> list[Ready]:
    return chunks_of(played(studio, Turn(0, (one,))), one)


def drawn(studio: Studio, *steps: Step) -> list[tuple[m.Chunk, bytes]]:
    """The chunks of the steps, decoded."""
    ready: list[Ready] = []
    for one in steps:
        ready += alone(studio, one)
    found = []
    for item in ready:
        reply, blobs = m.decode_reply(item.frames)
        assert isinstance(reply, m.Chunk)
        assert item.size == sum(map(len, item.frames))
        found.append((reply, decode_blob(reply.codec, blobs[0], reply.raw_length, reply.sha256)))
    return found


def plane(chunk: m.Chunk, data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8).reshape(chunk.height, chunk.width, -1).squeeze()


def test_the_first_chunk_has_recipe_and_palette_and_the_last_the_credits(studio: Studio) -> None:
    made = plan(studio, count=2)
    chunks = [chunk for chunk, _ in drawn(studio, step(made))]
    assert [c.seq for c in chunks] == list(range(made.chunks))
    for character in range(2):
        own = [c for c in chunks if c.character == character]
        assert (
            [bool(c.palette) for c in own] == [c.recipe is not None for c in own] == [True] + [False] * (len(own) - 1)
        )
        assert [c.last for c in own] == [bool(c.credits) for c in own] == [False] * (len(own) - 1) + [True]
        assert own[0].recipe == recipe_of(studio.manifest, made.request, character)


def test_steps_change_nothing(studio: Studio) -> None:
    output = m.Output(outline=(1, 2, 3, 255), shadow=(0, 0, 0, 90), normal_map=True)
    made = plan(studio, count=2, output=output)
    whole = drawn(studio, step(made))
    single = drawn(studio, *(step(made, seq, seq + 1) for seq in range(made.chunks)))
    assert [(c.seq, c.sha256) for c, _ in whole] == [(c.seq, c.sha256) for c, _ in single]


def test_what_is_asked_for_beside_it_does_not_change_an_animation(studio: Studio) -> None:
    output = m.Output(shadow=(0, 0, 0, 90))
    alone = drawn(studio, step(plan(studio, animations=("combat-halfslash",), output=output)))
    among = drawn(studio, step(plan(studio, output=output)))
    assert {c.name: c.sha256 for c, _ in alone if c.kind == "animation"}.items() <= {
        c.name: c.sha256 for c, _ in among if c.kind == "animation"
    }.items()


def test_the_preview_is_the_first_frame_of_idle(studio: Studio) -> None:
    found = {(c.kind, c.name): (c, data) for c, data in drawn(studio, step(plan(studio)))}
    preview, idle = plane(*found["preview", "idle"]), plane(*found["animation", "idle"])
    row = found["animation", "idle"][0].strips[0].directions.index("down")
    size = preview.shape[0]
    np.testing.assert_array_equal(preview, idle[row * size : (row + 1) * size, :size])
    assert preview.any()


def test_every_format_shows_the_same(studio: Studio) -> None:
    r8, rgba, png = (
        drawn(studio, step(plan(studio, animations=("idle",), output=m.Output(format=f))))
        for f in ("r8", "rgba8", "png")
    )
    palette = np.frombuffer(r8[0][0].palette, np.uint8).reshape(256, 4)
    for (chunk, slots), (_, colours), (_, file) in zip(r8, rgba, png, strict=True):
        picture = plane(chunk, slots)
        np.testing.assert_array_equal(palette[picture].tobytes(), colours)
        image = Image.open(io.BytesIO(file))
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image), picture)
    assert {c.codec for c, _ in png} == {"raw"}
    assert {c.codec for c, _ in r8} == {"zstd"}


def test_scale_repeats_pixels(studio: Studio) -> None:
    one = drawn(studio, step(plan(studio, output=m.Output("sheet", layout="rows"))))[1]
    three = drawn(studio, step(plan(studio, output=m.Output("sheet", layout="rows", scale=3))))[1]
    np.testing.assert_array_equal(plane(*one).repeat(3, 0).repeat(3, 1), plane(*three))
    assert three[0].strips[0].frame_width == 3 * one[0].strips[0].frame_width
    assert three[0].strips[0].rects == tuple(3 * x for x in one[0].strips[0].rects)


def test_an_oversize_weapon_makes_larger_frames(studio: Studio) -> None:
    made = plan(studio, design=ARMED, animations=("idle", "combat-slash"), preview=False)
    idle, slash = (chunk.strips[0] for chunk, _ in drawn(studio, step(made)))
    assert idle.frame_width == studio.manifest.frame_size
    assert slash.frame_width == studio.manifest.layer("sword").frame_size > idle.frame_width


def test_normal_maps_ignore_the_shadow_and_are_rgb_in_png(studio: Studio) -> None:
    def normals(**output: object) -> list[tuple[m.Chunk, bytes]]:
        asked = m.Output(normal_map=True, **output)  # type: ignore[arg-type]
        return [
            x for x in drawn(studio, step(plan(studio, animations=("idle",), output=asked))) if x[0].kind == "normal"
        ]

    [(plain, data)], [(_, shadowed)] = normals(), normals(shadow=(0, 0, 0, 90))
    assert plain.format == "rgba8"
    assert data == shadowed
    assert set(plane(plain, data)[..., 3].ravel()) == {255}
    [(png, file)] = normals(format="png")
    assert png.format == "png"
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(file))), plane(plain, data)[..., :3])


def test_a_picture_that_turns_out_too_large_is_refused(studio: Studio) -> None:
    made = plan(studio, design=ARMED, animations=("combat-slash",), preview=False)
    small = replace(step(made), blob_bytes=made.parts[0].poses.__len__() * studio.manifest.frame_size**2)
    with pytest.raises(LimitError, match="combat-slash"):
        alone(studio, small)


def test_a_step_that_nobody_wants_is_left(studio: Studio) -> None:
    unwanted, wanted = step(plan(studio, design=m.Design(seed=99))), step(plan(studio, design=m.Design(seed=98)))
    unwanted.stop.set()
    said = played(studio, Turn(0, (unwanted, wanted)))
    assert {one.job for one, _ in said} == {wanted.job}
    assert len(chunks_of(said, wanted)) == wanted.end


def test_a_step_stopped_while_it_is_drawn_does_not_hold_up_the_others(studio: Studio) -> None:
    first, second = (step(plan(studio, design=m.Design(seed=700 + i, novelty=100), count=4)) for i in range(2))
    calls = itertools.count()
    draw_many = studio.generator.draw_many

    def stopping(*args: object) -> object:
        if next(calls) == 0:
            first.stop.set()
        return draw_many(*args)  # type: ignore[arg-type]

    studio.generator.draw_many = stopping  # type: ignore[method-assign, assignment]
    try:
        said = played(studio, Turn(0, (first, second)))
    finally:
        studio.generator.draw_many = draw_many  # type: ignore[method-assign]
    assert next(calls) == 2  # begun again without the first
    assert {one.job for one, _ in said} == {second.job}
    assert hashes(chunks_of(said, second)) == hashes(alone(studio, step(second.plan)))


def test_a_paused_step_goes_on_later(studio: Studio) -> None:
    made = plan(studio, design=m.Design(seed=500, novelty=100), animations=("idle",), count=5, priority="batch")
    got: list[Ready] = []
    rounds = 0
    while len(got) < made.chunks:
        paused = step(made, len(got))
        turn = Turn(0, (paused,))
        turn.pause.set()
        said = played(studio, turn)
        got += chunks_of(said, paused)
        assert tally_of(said, paused).chunks == len(got) - paused.first
        rounds += 1
    assert 1 < rounds < 100
    assert hashes(got) == hashes(alone(studio, step(made)))


def test_work_is_what_was_done_and_not_how_long_it_took(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full machine a step takes many times its work: that is neither its client's fault nor a reason for smaller steps."""
    turn = Turn(1, (step(plan(studio, design=m.Design(seed=77), output=m.Output("preview"))),))
    quick, quick = (tally_of(played(studio, turn), turn.steps[0]) for _ in range(2))  # the second one out of the cache
    assert quick.work_ms > 0

    def held_up(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.3)
        return compose(*args, **kwargs)

    monkeypatch.setattr("vcg_bridge.server.studio.compose", held_up)
    slow = tally_of(played(studio, turn), turn.steps[0])
    assert slow.total_ms > 300
    assert slow.work_ms < 200
    pace = Pace()
    pace.note(quick)
    before = pace.poses(1e9)
    pace.note(slow)
    assert pace.poses(1e9) > before / 4


def hashes(ready: list[Ready]) -> list[bytes]:
    return [hashlib.sha256(item.frames[1]).digest() for item in ready]


@pytest.mark.parametrize("order", ["as they come", "reversed", "mixed"])
def test_whatever_is_drawn_together_nothing_changes(studio: Studio, order: str) -> None:
    """Every batch size, order and company gives the same bytes: cold caches, 1 and 2 threads."""
    plans = [
        plan(studio, design=m.Design(seed=800 + i, novelty=30 * (i % 3)), animations=("idle",), preview=bool(i % 2))
        for i in range(6)
    ]
    expected = [hashes(alone(studio, step(made))) for made in plans]
    steps = [step(made) for made in plans]
    together = {"as they come": steps, "reversed": steps[::-1], "mixed": steps[::2] + steps[1::2]}[order]
    for threads, batch in ((1, 3), (2, 16)):
        other = Studio(studio.bundle, "cpu", threads, 256 << 20)
        other.generator._batch = batch
        try:
            said = played(other, Turn(0, tuple(together)))
        finally:
            other.close()
        assert [hashes(chunks_of(said, one)) for one in steps] == expected
        assert sum(tally_of(said, one).poses for one in steps) > 0


def test_one_wrong_step_does_not_harm_its_company(studio: Studio) -> None:
    recipe = recipe_of(studio.manifest, plan(studio).request, 0)
    foreign = step(plan(studio, design=None, recipe=replace(recipe, model_sha256="0" * 64)))
    unknown = step(plan(studio, design=m.Design(items={"hair": "mohawk-99"})))
    right = step(plan(studio))
    said = played(studio, Turn(0, (foreign, unknown, right)))
    with pytest.raises(RecipeError):
        chunks_of(said, foreign)
    with pytest.raises(BadRequest):
        chunks_of(said, unknown)
    assert hashes(chunks_of(said, right)) == hashes(alone(studio, step(right.plan)))


@pytest.mark.parametrize(
    ("design", "error", "message"),
    [
        (m.Design(archetype="gaurd"), BadRequest, "gaurd"),
        (m.Design(items={"hair": "mohawk-99"}), BadRequest, "mohawk-99"),
        (m.Design(items={"hat": "x"}), BadRequest, "hat"),
        (m.Design(ramps={"skin": "blue"}), BadRequest, "blue"),
        (m.Design(body="x"), BadRequest, "body"),
    ],
)
def test_unknown_names_are_named(studio: Studio, design: m.Design, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        alone(studio, step(plan(studio, design=design)))


def test_a_recipe_of_another_model_is_refused(studio: Studio) -> None:
    recipe = recipe_of(studio.manifest, plan(studio).request, 0)
    foreign = plan(studio, design=None, recipe=replace(recipe, model_sha256="0" * 64))
    with pytest.raises(RecipeError, match="another version"):
        alone(studio, step(foreign))


def test_rerolling_and_keeping_change_a_base(studio: Studio) -> None:
    base = recipe_of(studio.manifest, plan(studio).request, 0)

    def made(**fields: object) -> object:
        wish = m.Design(seed=8, base=base, **fields)  # type: ignore[arg-type]
        return recipe_of(studio.manifest, plan(studio, design=wish).request, 0)

    same = made()
    assert isinstance(same, type(base))
    assert same.layers == base.layers
    assert same.ramps == base.ramps
    kept = made(keep=("body",))
    assert isinstance(kept, type(base))
    assert kept.layers["body"] == base.layers["body"]
    assert (kept.layers, kept.ramps) != (base.layers, base.ramps)


def test_codecs_are_the_clients_order() -> None:
    assert usable_codecs(("gzip", "zstd"), ("zstd", "gzip", "raw")) == ("gzip", "zstd", "raw")
    assert usable_codecs(("lz4", "raw", "zstd", "zstd"), ("zstd", "gzip", "raw")) == ("raw", "zstd")
    assert usable_codecs((), ("zstd", "raw")) == ("raw",)
