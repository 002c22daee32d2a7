"""The Python client's runner: `python -m tests.conformance.runner JOB`. What a runner does is in README.md."""

from __future__ import annotations

import hashlib
import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from vcg_bridge.client import Client, ClientOptions, Job, Picture
from vcg_bridge.contract import messages as m
from vcg_bridge.contract import wire
from vcg_bridge.contract.errors import Timeout, VcgError
from vcg_bridge.contract.recipe_io import recipe_to_dict


class Run:
    """One scenario."""

    def __init__(self, job: dict[str, Any], scenario: dict[str, Any]) -> None:
        self._settings = dict(scenario["client"])
        self._name = scenario["name"]
        self._step_s = float(job["step_s"])
        self._signals = Path(job["signals"])
        self._client: Client | None = None
        self._jobs: dict[str, Job] = {}
        self.found: dict[str, dict[str, Any]] = {}

    def play(self, step: dict[str, Any]) -> dict[str, Any]:
        """What a step gives."""
        try:
            return {"do": step["do"], **getattr(self, f"do_{step['do']}")(step)}
        except VcgError as error:
            return {"do": step["do"], "error": _error(error)}

    def close(self) -> None:
        """Leave."""
        if self._client is not None:
            self._client.close()
            for name in self._jobs:
                self._take(name, sys.maxsize)

    def do_open(self, step: dict[str, Any]) -> dict[str, Any]:
        self.close()
        settings = {key: tuple(x) if isinstance(x, list) else x for key, x in self._settings.items()}
        self._client = Client(ClientOptions(**settings))
        return {"welcome": _plain(m.to_wire(self._client.open(timeout_s=settings.get("timeout_s", 5.0))))}

    def do_describe(self, step: dict[str, Any]) -> dict[str, Any]:
        assert self._client is not None
        return {"description": _plain(m.to_wire(self._client.describe(step.get("model", ""))))}

    def do_ping(self, step: dict[str, Any]) -> dict[str, Any]:
        assert self._client is not None
        return {"pong": self._client.ping() >= 0}

    def do_generate(self, step: dict[str, Any]) -> dict[str, Any]:
        assert self._client is not None
        name = step["job"]
        self.found[name] = dict.fromkeys(("accepted", "end", "done", "error")) | {"pictures": [], "characters": []}
        try:
            fields = {"type": "generate", "id": uuid.uuid4().hex, **self._resolved(step["request"])}
            request = m.request_from_wire(fields)
            assert isinstance(request, m.Generate)
            self._jobs[name] = self._client.generate(request)
        except VcgError as error:
            self.found[name] |= {"end": "error", "error": _error(error)}
        return {}

    def do_take(self, step: dict[str, Any]) -> dict[str, Any]:
        self._take(step["job"], step["count"])
        return {}

    def do_wait(self, step: dict[str, Any]) -> dict[str, Any]:
        self._take(step["job"], sys.maxsize)
        return {"end": self.found[step["job"]]["end"]}

    def do_cancel(self, step: dict[str, Any]) -> dict[str, Any]:
        if self.found[step["job"]]["end"] is None:
            self._jobs[step["job"]].cancel(timeout_s=self._step_s)
        return self.do_wait(step)

    def do_close(self, step: dict[str, Any]) -> dict[str, Any]:
        self.close()
        return {}

    def do_signal(self, step: dict[str, Any]) -> dict[str, Any]:
        print(f"SIGNAL {self._name}/{step['name']}", flush=True)
        deadline = time.monotonic() + self._step_s
        while not (self._signals / f"{self._name}.{step['name']}").exists():
            if time.monotonic() > deadline:
                raise Timeout("the harness does not answer")
            time.sleep(0.01)
        return {}

    def _take(self, name: str, count: int) -> None:
        """Pictures of a job until there are so many, or its end."""
        found, deadline = self.found[name], time.monotonic() + self._step_s
        while found["end"] is None and len(found["pictures"]) < count:
            job = self._jobs[name]
            try:
                picture = job.next(max(deadline - time.monotonic(), 0))
                if picture is None:
                    found |= {"end": "done", "done": m.to_wire(job.done) if job.done else None}
                else:
                    _note(found, picture)
            except VcgError as error:
                found["end"] = "cancelled" if error.code == "cancelled" else "error"
                found["error"] = None if error.code == "cancelled" else _error(error)
            found["accepted"] = m.to_wire(job.accepted) if job.accepted else None

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._resolved(x) for x in value]
        if not isinstance(value, dict):
            return value
        if "$int" in value:
            return int(value["$int"])
        if "$recipe" in value:
            name, _, character = value["$recipe"].partition("/")
            recipe = {
                **self.found[name]["characters"][int(character)]["recipe"],
                **self._resolved(value.get("set", {})),
            }
            return {key: x for key, x in recipe.items() if key not in value.get("unset", ())}
        return {key: self._resolved(x) for key, x in value.items()}


def _note(found: dict[str, Any], picture: Picture) -> None:
    chunk = picture.chunk
    found["pictures"].append(
        {
            "seq": chunk.seq, "character": picture.character, "kind": picture.kind, "name": picture.name,
            "format": chunk.format, "width": chunk.width, "height": chunk.height, "length": len(picture.data),
            "sha256": hashlib.sha256(picture.data).hexdigest(), "strips": [wire.to_map(x) for x in chunk.strips],
        }
    )  # fmt: skip
    if len(found["characters"]) == picture.character:
        found["characters"].append({"recipe": recipe_to_dict(picture.recipe), "palette": picture.palette.hex()})
    if chunk.last:
        found["characters"][picture.character]["credits"] = list(chunk.credits)


def _error(error: VcgError) -> dict[str, Any]:
    return {"code": error.code, "message": error.message, "hint": error.hint, "details": error.details}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"$bin": value.hex()}
    if isinstance(value, dict):
        return {key: _plain(x) for key, x in value.items()}
    return [_plain(x) for x in value] if isinstance(value, list | tuple) else value


def main(path: str) -> None:
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    scenarios: dict[str, Any] = {}
    for scenario in job["scenarios"]:
        run = Run(job, scenario)
        try:
            steps = [run.play(step) for step in scenario["steps"]]
        finally:
            run.close()
        scenarios[scenario["name"]] = {"steps": steps, "jobs": run.found}
    results = Path(job["results"])
    temporary = results.with_suffix(".tmp")
    temporary.write_text(json.dumps({"runner": ClientOptions().name, "scenarios": scenarios}), encoding="utf-8")
    temporary.replace(results)


if __name__ == "__main__":
    main(sys.argv[1])
