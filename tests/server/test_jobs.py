"""Plans and steps: what a request is made of, by itself."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcg_bridge.contract.errors import BadRequest, LimitError
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.messages import Design, Generate, Hello, Limits, Output
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.server.jobs import MAX_STEP_CELLS, Job, Plan, plan_of, step_of
from vcg_bridge.server.rate import Bounds
from vcg_bridge.server.sessions import Session, Sessions

MANIFEST: Manifest = open_bundle().manifest
SESSION: Session = Sessions(1).open(b"\0r", Hello((1,)), ("raw",), Bounds.full(1.0, 1, 0.0), 0.0)


def plan(limits: Limits | None = None, **fields: object) -> Plan:
    return plan_of(MANIFEST, Generate("j", design=Design(), **fields), limits or Limits())  # type: ignore[arg-type]


def kinds(made: Plan) -> list[tuple[str, str]]:
    return [(part.kind, part.name) for part in made.parts]


def test_a_preview_then_every_animation_in_the_bundles_order() -> None:
    made = plan(count=3)
    assert kinds(made) == [("preview", "idle"), *(("animation", a.id) for a in MANIFEST.animations)]
    assert made.chunks == 3 * len(made.parts)
    assert made.parts[0].poses == (("idle", "down", 0),)


def test_animations_come_in_the_order_asked_for_and_once() -> None:
    made = plan(animations=("run", "walk", "run"))
    assert kinds(made) == [("preview", "run"), ("animation", "run"), ("animation", "walk")]
    assert made.parts[0].poses == (("run", "down", 0),)


def test_the_preview_faces_down_only_where_that_is_drawn() -> None:
    assert plan(animations=("climb",)).parts[0].poses == (("climb", "up", 0),)


def test_without_preview_sheet_and_normal_maps() -> None:
    output = Output("sheet", normal_map=True)
    assert kinds(plan(preview=False, output=output)) == [("sheet", "sheet"), ("normal", "sheet")]
    assert kinds(plan(output=Output("preview"))) == [("preview", "idle")]
    with_normals = kinds(plan(animations=("walk", "idle"), output=Output(normal_map=True)))
    assert [kind for kind, _ in with_normals] == ["preview", "animation", "normal", "animation", "normal"]


def test_unknown_animations_are_named_with_the_near_ones() -> None:
    with pytest.raises(BadRequest, match="wakl") as caught:
        plan(animations=("wakl",))
    assert "walk" in caught.value.hint


@pytest.mark.parametrize(
    ("limits", "fields", "message"),
    [
        (Limits(count=5), {"count": 6}, "6 characters"),
        (Limits(scale=2), {"output": Output(scale=4)}, "scale 4"),
        (Limits(blob_bytes=1 << 20), {"output": Output("sheet", "rgba8")}, "'sheet' would be a picture of"),
        (Limits(), {"output": Output("animations", "rgba8", scale=16)}, "MiB"),
    ],
)
def test_limits_hold(limits: Limits, fields: dict[str, object], message: str) -> None:
    with pytest.raises(LimitError, match=message):
        plan(limits, **fields)


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 40),
    first_seq=st.integers(0, 300),
    priority=st.sampled_from(["interactive", "batch"]),
    preview=st.booleans(),
    kind=st.sampled_from(["animations", "sheet"]),
    normal_map=st.booleans(),
    scale=st.sampled_from([1, 3]),
    poses=st.integers(1, 20_000),
    animations=st.sampled_from([(), ("walk",), ("walk", "idle", "sitting")]),
)
def test_steps_cover_every_chunk_once_and_in_order(
    count: int, first_seq: int, priority: str, preview: bool, kind: str, normal_map: bool, scale: int, poses: int,
    animations: tuple[str, ...],
) -> None:  # fmt: skip
    made = plan(
        count=count, priority=priority, preview=preview, animations=animations,
        output=Output(kind, normal_map=normal_map, scale=scale),
    )  # fmt: skip
    start = min(first_seq, made.chunks)
    job = Job(1, SESSION, made, b"", 1, start, start, 0.0)
    while job.cursor < made.chunks:
        step = step_of(job, 1, poses, 16, 1 << 20)
        assert step.first == job.cursor < step.end <= made.chunks
        cells = sum(len(made.part(seq).poses) for seq in range(step.first, step.end)) * scale**2
        assert step.end == step.first + 1 or cells <= MAX_STEP_CELLS
        characters = {seq // len(made.parts) for seq in range(step.first, step.end)}
        assert len(characters) <= (16 if priority == "batch" else 1)
        if priority == "interactive" and made.part(step.first).kind == "preview":
            assert step.end == step.first + 1
        job.cursor = step.end
