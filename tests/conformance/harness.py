"""Plays the table with a runner, and judges what it wrote down."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.expected import Chunks, Direct, recipes_of, resolved
from tests.conformance.runners import Runner
from tests.conformance.stage import Stage
from vcg_bridge.contract import messages as m
from vcg_bridge.contract import wire
from vcg_bridge.contract.recipe_io import recipe_from_dict

ROOT = Path(__file__).resolve().parents[2]
TABLE: list[dict[str, Any]] = json.loads((Path(__file__).parent / "scenarios.json").read_text(encoding="utf-8"))
RUN_S = 250
"""A runner takes 10 s; a busy machine may take longer."""
STEP_S = 30


@dataclass(frozen=True)
class Played:
    """What a runner wrote down, and what the servers have to say."""

    scenarios: Mapping[str, Any]
    peer_jobs: Mapping[str, list[Chunks]]  # scenario -> what a scripted server sent, by job
    complaints: Mapping[str, list[str]]


def wanted(runner: Runner) -> list[dict[str, Any]]:
    """The scenarios that a runner's client can play."""
    return [row for row in TABLE if runner.abilities.issuperset(row.get("needs", []))]


def play(runner: Runner, stage: Stage, folder: Path) -> Played:
    """Run the runner once, for all scenarios. Fails where it ends badly."""
    table = wanted(runner)
    signals, results, job = folder / "signals", folder / "results.json", folder / "job.json"
    signals.mkdir()
    (folder / "own").mkdir()
    rows = [
        {
            "name": row["name"],
            "client": stage.client(row["server"], row.get("client", {})),
            "steps": [{key: x for key, x in step.items() if key != "expect"} for step in row["steps"]],
        }
        for row in table
    ]
    task = {"results": str(results), "signals": str(signals), "step_s": STEP_S, "scenarios": rows}
    job.write_text(json.dumps(task, indent=1), encoding="utf-8")
    said = _run(
        [*runner.command(folder / "own"), str(job)], {row["name"]: row["server"] for row in table}, stage, folder
    )
    assert results.exists(), f"the {runner.name} runner wrote no results\n{said}"
    acts = {row["name"]: stage.peer.acts[row["server"][5:]] for row in table if row["server"].startswith("peer/")}
    return Played(
        json.loads(results.read_text(encoding="utf-8"))["scenarios"],
        {name: list(act.sent.values()) for name, act in acts.items()},
        {name: act.complaints() for name, act in acts.items()},
    )


def _run(command: list[str], servers: Mapping[str, str], stage: Stage, folder: Path) -> str:
    """Run a command and answer its signals; what it said, for when it failed."""
    lines: list[str] = []
    failures: list[BaseException] = []
    with (folder / "stderr").open("w+") as stderr:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True, env=dict(os.environ)
        )
        assert process.stdout is not None
        killer = threading.Timer(RUN_S, process.kill)
        killer.start()
        try:
            for line in process.stdout:
                lines.append(line)
                if line.startswith("SIGNAL "):
                    scenario, _, name = line.split()[1].partition("/")
                    try:
                        stage.signal(servers[scenario], name)
                    except Exception as error:
                        failures.append(error)
                    (folder / "signals" / f"{scenario}.{name}").touch()
            code = process.wait()
        finally:
            killer.cancel()
            process.kill()
            process.wait()
            process.stdout.close()
        stderr.seek(0)
        said = f"exit code {code}\n{''.join(lines[-50:])}\n{stderr.read()[-4000:]}"
    assert code == 0, said
    assert not failures, failures
    return said


class Judge:
    """Compares one scenario. `problems` is empty when all is well."""

    def __init__(self, row: dict[str, Any], played: Played, direct: Direct) -> None:
        self._row, self._played, self._direct = row, played, direct
        self._found = played.scenarios[row["name"]]
        self._recipes: dict[str, Any] = {}
        self._requests: list[tuple[str, dict[str, Any]]] = []
        self.problems: list[str] = []

    def judge(self) -> list[str]:
        """All that is not as it should be, in words."""
        steps = self._found["steps"]
        self._same("number of steps", len(steps), len(self._row["steps"]))
        for number, (step, got) in enumerate(zip(self._row["steps"], steps, strict=False)):
            self._same(f"step {number}", got["do"], step["do"])
            if step["do"] == "generate":
                self._requests.append((step["job"], step["request"]))
                self._job(step["job"], step["request"])
            self._step(f"step {number} ({step['do']})", step, got)
        self.problems += self._played.complaints.get(self._row["name"], [])
        return self.problems

    def _same(self, what: str, got: object, wanted: object) -> bool:
        if got != wanted:
            self.problems.append(f"{what}: {got!r} instead of {wanted!r}")
        return got == wanted

    def _step(self, where: str, step: dict[str, Any], got: dict[str, Any]) -> None:
        expect, do = step.get("expect", {}), step["do"]
        if do in ("wait", "cancel"):
            ends = expect.get("end", "error" if "error" in expect else "done" if do == "wait" else "cancelled")
            if got.get("end") not in (ends if isinstance(ends, list) else [ends]):
                self.problems.append(
                    f"{where}: ended with {got.get('end')!r} instead of {ends!r}: {self._end_of(step['job'])}"
                )
            self._complete(where, step["job"], got.get("end"), expect)
            return
        error = got.get("error")
        if do == "take" and len(self._found["jobs"][step["job"]]["pictures"]) < step["count"]:
            self.problems.append(f"{where}: fewer than {step['count']} pictures: {self._end_of(step['job'])}")
        if "error" in expect:
            self._error(where, error, expect["error"])
        elif error is not None:
            self.problems.append(f"{where}: {error}")
        elif do == "open":
            welcome = m.reply_from_wire({"type": "welcome", **got["welcome"]})
            assert isinstance(welcome, m.Welcome)
            self._same(f"{where}: protocol", welcome.version, 1)
            if "codecs" in self._row.get("client", {}):
                self._same(f"{where}: codecs", list(welcome.codecs), self._row["client"]["codecs"])
        elif do == "describe":
            description = m.reply_from_wire({**_wire(got["description"]), "type": "description", "id": "-"})
            self._same(f"{where}: description", description, self._direct.description())
        elif do == "ping":
            self._same(f"{where}: pong", got.get("pong"), True)

    def _error(self, where: str, error: dict[str, Any] | None, expect: dict[str, Any]) -> None:
        codes = expect["code"] if isinstance(expect["code"], list) else [expect["code"]]
        if error is None or error.get("code") not in codes:
            self.problems.append(f"{where}: error {error} instead of {' or '.join(codes)}")
            return
        for part in expect.get("says", []):
            if part.lower() not in error["message"].lower():
                self.problems.append(f"{where}: the message {error['message']!r} does not say {part!r}")
        if "hint" in expect:
            self._same(f"{where}: hint", error.get("hint"), expect["hint"])
        if not error["message"]:
            self.problems.append(f"{where}: no message")

    def _end_of(self, job: str) -> object:
        found = self._found["jobs"][job]
        return found["error"] or f"{len(found['pictures'])} pictures, done {found['done']}"

    # jobs

    def _peer_chunks(self, job: str) -> Chunks | None:
        """What a scripted server sent; None where the server is a real one."""
        if not self._row["server"].startswith("peer/"):
            return None
        number = [name for name, _ in self._requests].index(job)
        jobs = self._played.peer_jobs[self._row["name"]]
        return jobs[number] if number < len(jobs) else {}

    def _job(self, job: str, request: dict[str, Any]) -> None:
        """What came of a job is what should have come, as far as it came."""
        found = self._found["jobs"][job]
        pictures = found["pictures"]
        chunks = self._peer_chunks(job)
        if chunks is None and pictures:
            chunks = self._direct.draw(resolved(request, self._recipes), len(pictures))
        chunks = chunks or {}
        self._recipes |= recipes_of(job, chunks)
        self._same(f"{job}: seqs", [x["seq"] for x in pictures], list(range(len(pictures))))
        for picture in pictures:
            if picture["seq"] in chunks:
                self._picture(f"{job}: chunk {picture['seq']}", picture, *chunks[picture["seq"]])
            else:
                self.problems.append(f"{job}: chunk {picture['seq']} was never sent")
        got = {x["seq"] for x in pictures}
        firsts = [c for c, _ in chunks.values() if c.recipe is not None and c.seq in got]
        if self._same(f"{job}: characters", len(found["characters"]), len(firsts)):
            lasts = {c.character: list(c.credits) for c, _ in chunks.values() if c.last and c.seq in got}
            for first, character in zip(firsts, found["characters"], strict=True):
                where = f"{job}: character {first.character}"
                self._same(f"{where}: recipe", recipe_from_dict(character["recipe"]), first.recipe)
                self._same(f"{where}: palette", character["palette"], first.palette.hex())
                if first.character in lasts:
                    self._same(f"{where}: credits", character.get("credits"), lasts[first.character])

    def _picture(self, where: str, got: dict[str, Any], chunk: m.Chunk, data: bytes) -> None:
        for name in ("character", "kind", "name", "format", "width", "height"):
            self._same(f"{where}: {name}", got[name], getattr(chunk, name))
        self._same(f"{where}: length", got["length"], len(data))
        self._same(f"{where}: sha256", got["sha256"], chunk.sha256.hex())
        strips = tuple(wire.from_map(m.Strip, x, "strip") for x in got["strips"])
        self._same(f"{where}: strips", strips, chunk.strips)

    def _complete(self, where: str, job: str, end: str | None, expect: dict[str, Any]) -> None:
        found = self._found["jobs"][job]
        if "error" in expect:
            self._error(where, found["error"], expect["error"])
        if end != "done":
            self._same(f"{where}: done", found["done"], None)
            return
        request = next(x for name, x in self._requests if name == job)
        characters = request.get("count", 1)
        count, licence = 6 * characters, ("CC0", "Patterns by a test")
        if not self._row["server"].startswith("peer/"):
            characters, count = self._direct.count(resolved(request, self._recipes))
            licence = self._direct.licence()
        self._same(f"{where}: pictures", len(found["pictures"]), count)
        accepted = found["accepted"] or {}
        self._same(f"{where}: accepted", (accepted.get("count"), accepted.get("chunks")), (characters, count))
        done = found["done"] or {}
        self._same(f"{where}: done", (done.get("characters"), done.get("chunks")), (characters, count))
        self._same(f"{where}: licence", (done.get("licence"), done.get("attribution")), licence)


def _wire(value: Any) -> Any:
    """The results file's form back as wire values."""
    if isinstance(value, dict):
        return bytes.fromhex(value["$bin"]) if set(value) == {"$bin"} else {k: _wire(x) for k, x in value.items()}
    return [_wire(x) for x in value] if isinstance(value, list) else value
