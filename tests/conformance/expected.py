"""What a client must receive, from the Python generator asked directly: no sockets, no server."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from vcg_bridge.contract import messages as m
from vcg_bridge.contract.blobs import decode_blob
from vcg_bridge.contract.description import Description, description_of
from vcg_bridge.contract.recipe_io import recipe_to_dict
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.server.jobs import Ready, Step, Tally, Turn, plan_of
from vcg_bridge.server.studio import Studio

Chunks = dict[int, tuple[m.Chunk, bytes]]
"""seq -> chunk, decoded bytes."""


class Direct:
    """The bundle that the real servers draw with."""

    def __init__(self, bundle: Path) -> None:
        self._studio = Studio(open_bundle(bundle), "cpu", 1, 64 << 20)
        self._made: dict[bytes, Chunks] = {}

    def close(self) -> None:
        """End its threads."""
        self._studio.close()

    def description(self) -> Description:
        """The answer to `describe`."""
        return description_of(self._studio.manifest, "-")

    def licence(self) -> tuple[str, str]:
        """Licence and attribution, as `done` says them."""
        return self._studio.manifest.licence, self._studio.manifest.attribution

    def draw(self, request: dict[str, Any], most: int | None = None) -> Chunks:
        """All chunks of a request, or the first `most`. The map is that of the wire without type and id."""
        decoded = m.request_from_wire({"type": "generate", "id": "x", **request})
        assert isinstance(decoded, m.Generate)
        plan = plan_of(self._studio.manifest, decoded, m.Limits())
        end = plan.chunks if most is None else min(most, plan.chunks)
        key = m.request_key(decoded) + end.to_bytes(4, "big")
        if key not in self._made:
            step = Step(0, len(self._made), plan, 0, end, ("raw",), 64 << 20)
            self._made[key] = dict(map(_decoded, self._drawn(step)))
        return self._made[key]

    def _drawn(self, step: Step) -> list[Ready]:
        ready: list[Ready] = []
        errors: list[Exception] = []
        ended = threading.Event()

        def post(_: Step, what: list[Ready] | Tally | Exception) -> None:
            if isinstance(what, list):
                ready.extend(what)
                return
            if isinstance(what, Exception):
                errors.append(what)
            ended.set()

        self._studio.finish(self._studio.draw(Turn(0, (step,)), post), post)
        assert ended.wait(60)
        if errors:
            raise errors[0]
        return ready

    def count(self, request: dict[str, Any]) -> tuple[int, int]:
        """Characters and chunks of a request, as `accepted` says them."""
        decoded = m.request_from_wire({"type": "generate", "id": "x", **request})
        assert isinstance(decoded, m.Generate)
        return decoded.count, plan_of(self._studio.manifest, decoded, m.Limits()).chunks


def _decoded(ready: Ready) -> tuple[int, tuple[m.Chunk, bytes]]:
    reply, blobs = m.decode_reply(ready.frames)
    assert isinstance(reply, m.Chunk)
    return ready.seq, (reply, decode_blob(reply.codec, blobs[0], reply.raw_length, reply.sha256))


def resolved(value: Any, recipes: dict[str, Any]) -> Any:
    """A request of the table with its `$int` and `$recipe` replaced. recipes: "job/character" -> map."""
    if isinstance(value, list):
        return [resolved(x, recipes) for x in value]
    if not isinstance(value, dict):
        return value
    if "$int" in value:
        return int(value["$int"])
    if "$recipe" in value:
        recipe = {**recipes[value["$recipe"]], **resolved(value.get("set", {}), recipes)}
        return {key: x for key, x in recipe.items() if key not in value.get("unset", ())}
    return {key: resolved(x, recipes) for key, x in value.items()}


def recipes_of(job: str, chunks: Chunks) -> dict[str, Any]:
    """ "job/character" -> the recipe that came with it."""
    return {
        f"{job}/{chunk.character}": recipe_to_dict(chunk.recipe)
        for chunk, _ in chunks.values()
        if chunk.recipe is not None
    }
