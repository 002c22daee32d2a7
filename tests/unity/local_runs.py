"""The test program of Runtime/Core/Local: compiling it, giving it commands, reading what it wrote."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.unity.mono import CORE, HERE, PACKAGE, Mono


@dataclass(frozen=True)
class Runner:
    """tests/unity/local/LocalProgram.cs, compiled with the package's own sources."""

    mono: Mono
    program: Path

    def run(self, commands: Sequence[Sequence[object]]) -> list[list[str]]:
        """The answer to each command: "ok" and what was found, or "error", code, message, hint."""
        script = self.mono.folder / "commands.txt"
        script.write_text("".join("\t".join(map(str, words)) + "\n" for words in commands), encoding="utf-8")
        answers = self.mono.run(self.program, str(script)).splitlines()
        assert len(answers) == len(commands), answers[-3:]
        return [line.split("\t") for line in answers]

    def one(self, *words: object) -> list[str]:
        return self.run([words])[0]


def compile_runner(mono: Mono) -> Runner:
    """Compiled once for all tests of a session: `mono.folder` is the session's."""
    program = mono.folder / "local.exe"
    if not program.exists():
        own = (HERE / "local" / "LocalProgram.cs", PACKAGE / "Samples~" / "Village" / "Wander.cs")
        mono.compile("local", [*sorted(CORE.rglob("*.cs")), *own])
    return Runner(mono, program)


def parse_drawn(data: bytes) -> tuple[bytes, dict[tuple[str, int], NDArray[np.uint8]]]:
    """Palette, and (animation/direction, frame) -> plane."""
    frames, at = {}, 1024
    while at < len(data):
        index, width, height, length = struct.unpack_from("<4i", data, at)
        name = data[at + 16 : at + 16 + length].decode()
        at += 16 + length
        plane = np.frombuffer(data, np.uint8, width * height, at)
        frames[name, index] = plane.reshape(height, width)
        at += width * height
    return data[:1024], frames
