"""The processes in which `vcg batch` encodes files: the same bytes, whatever becomes of them, and none that outlives the command."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.commands import Vcg, contents, start_vcg
from vcg_bridge.cli import batch
from vcg_bridge.cli.encoders import Encoders
from vcg_bridge.cli.journal import JOURNAL_NAME
from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.contract.character import Character
from vcg_bridge.contract.errors import BadRequest
from vcg_bridge.generators.bundle import Bundle, open_bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.generator import Generator, all_poses
from vcg_bridge.sprites.compose import compose
from vcg_bridge.sprites.writer import WriteOptions, character_files

pytestmark = pytest.mark.socket

OPTIONS = WriteOptions(layout="packed", outline=(1, 2, 3, 255), shadow=(0, 0, 0, 90), normal_map=True, gifs=True)


@pytest.fixture(scope="module")
def tiny(bundle_root: Path) -> Bundle:
    return open_bundle(bundle_root / "tiny")


@pytest.fixture(scope="module")
def characters(tiny: Bundle) -> list[Character]:
    poses = all_poses(tiny.manifest)
    with Generator(tiny, threads=1) as generator:
        return [
            compose(tiny.manifest, generator.draw(design(tiny.manifest, DesignSpec(seed=seed)), poses))
            for seed in range(6)
        ]


@pytest.mark.parametrize("most", [0, 2])
def test_the_same_bytes_in_processes_of_their_own(tiny: Bundle, characters: list[Character], most: int) -> None:
    for options in (WriteOptions(), OPTIONS):
        with Encoders(tiny.folder, tiny.manifest, options, most) as encoders, ThreadPoolExecutor(3) as pool:
            made = list(pool.map(lambda c: encoders.files("npc", c), characters, timeout=120))
            assert len(encoders.processes) == most
        for character, files in zip(characters, made, strict=True):
            assert files == character_files("npc", character, tiny.manifest, options)
            assert list(files) == list(character_files("npc", character, tiny.manifest, options))
        assert all(process.returncode == 0 for process in encoders.processes)


def test_what_a_lost_process_was_at_is_done_here(
    tiny: Bundle, characters: list[Character], capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = character_files("npc", characters[0], tiny.manifest)
    with Encoders(tiny.folder, tiny.manifest, WriteOptions(), 1) as encoders:
        assert encoders.files("npc", characters[0]) == wanted
        (process,) = encoders.processes
        process.kill()
        process.wait()
        assert encoders.files("npc", characters[0]) == wanted
        assert encoders.files("npc", characters[0]) == wanted
        assert encoders.processes == (process,)
    assert "was lost" in capsys.readouterr().err


def test_a_bundle_that_was_replaced_is_not_used(
    tiny: Bundle, characters: list[Character], capsys: pytest.CaptureFixture[str]
) -> None:
    other = replace(tiny.manifest, sha256="0" * 64, attribution="Somebody else")
    with Encoders(tiny.folder, other, WriteOptions(), 1) as encoders:
        assert encoders.files("npc", characters[0]) == character_files("npc", characters[0], other)
    assert "was lost" in capsys.readouterr().err


def test_errors_come_as_they_are(tiny: Bundle, characters: list[Character]) -> None:
    nothing = replace(characters[0], frames={})
    with Encoders(tiny.folder, tiny.manifest, WriteOptions(), 1) as encoders:
        with pytest.raises(BadRequest, match="no frame") as caught:
            encoders.files("npc", nothing)
        assert caught.value.hint
        huge = replace(
            characters[0], palette=np.zeros((256, 4), np.uint8), frames={(1, 2, 3): np.zeros((2, 2), np.uint8)}
        )  # type: ignore[dict-item]
        with pytest.raises(Exception, match="encoding failed") as fault:
            encoders.files("npc", huge)
        assert getattr(fault.value, "code", "") == "internal"
        assert encoders.files("npc", characters[0]) == character_files("npc", characters[0], tiny.manifest)
        assert len(encoders.processes) == 1


def children(pid: int) -> set[int]:
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            found |= {int(x) for x in (task / "children").read_text().split()}
    return found


def encoding(pid: int) -> bool:
    try:
        return b"vcg_bridge.cli.encoders" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_none_outlives_the_command(tmp_path: Path, server: ServerProcess, end: signal.Signals) -> None:
    requests, out = tmp_path / "r.jsonl", tmp_path / "out"
    requests.write_text("".join(json.dumps({"seed": i, "name": f"n{i}"}) + "\n" for i in range(3000)))
    process = start_vcg("batch", requests, "--server", server.address, "--out", out)
    own: set[int] = set()
    limit = time.monotonic() + 60
    while not (own and (out / JOURNAL_NAME).exists() and (out / JOURNAL_NAME).read_bytes().count(b"\n") > 3):
        assert time.monotonic() < limit
        assert process.poll() is None
        time.sleep(0.02)
        own = {pid for pid in children(process.pid) if encoding(pid)}
    os.kill(process.pid, end)
    process.communicate(timeout=60)
    while any(map(encoding, own)):
        assert time.monotonic() < limit
        time.sleep(0.02)
    assert (not list(out.rglob("*.tmp"))) or end == signal.SIGKILL


def test_flat_credits_grow_in_the_order_of_the_lines(
    vcg: Vcg, tmp_path: Path, server: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = tmp_path / "r.jsonl"
    requests.write_text("".join(json.dumps({"seed": i, "name": f"n{i}"}) + "\n" for i in range(24)))

    def made(out: Path, start: int) -> dict[str, bytes]:
        monkeypatch.setattr(batch, "ENCODERS_FROM", start)
        done = vcg("batch", requests, "--server", server.address, "--out", out, "--animations", "idle", "--flat")
        assert done.code == 0, done.err
        files = contents(out)
        for variable in (JOURNAL_NAME, "summary.json"):
            files.pop(variable)
        return files

    assert made(tmp_path / "processes", 1) == made(tmp_path / "threads", 1000)
