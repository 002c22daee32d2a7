"""Processes that turn characters into the bytes of their files: compressing and composing needs the interpreter, which threads share.

They touch no file: the command that has started them writes what they give back, so whatever ends it, nothing is written after its end.
Run as a module it is such a process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgpack
import numpy as np

from vcg_bridge.cli import report
from vcg_bridge.contract.character import Character, Pose
from vcg_bridge.contract.errors import BundleError, InternalError, VcgError, from_code
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.manifest_io import load_manifest
from vcg_bridge.contract.recipe_io import parse_recipe, recipe_bytes
from vcg_bridge.server.pipes import framed, python, read_frame
from vcg_bridge.sprites.writer import WriteOptions, character_files

STOP_S = 5.0


class Encoders:
    """The processes, started as they are needed. Use it in a `with`; `files` is for any number of threads."""

    def __init__(self, folder: Path, manifest: Manifest, options: WriteOptions, most: int) -> None:
        """folder: of the bundle. most: processes; 0: all is done in the threads of who asks."""
        self._manifest, self._options, self._most = manifest, options, most
        self._settings = msgpack.packb(
            {"folder": str(folder.resolve()), "sha256": manifest.sha256, "options": dataclasses.asdict(options)}
        )
        self._lock = threading.Lock()
        self._idle: list[subprocess.Popen[bytes]] = []
        self._all: list[subprocess.Popen[bytes]] = []

    @property
    def processes(self) -> tuple[subprocess.Popen[bytes], ...]:
        """Those that were started, lost ones included."""
        return tuple(self._all)

    def files(self, name: str, character: Character) -> dict[str, bytes]:
        """As sprites.writer.character_files, the same bytes. Waits. Raises what that raises."""
        process = self._take()
        if process is not None:
            try:
                answer = _ask(process, _packed(name, character))
            except (OSError, EOFError, ValueError) as error:
                self._lost(process, error)
            else:
                with self._lock:
                    self._idle.append(process)
                if "code" in answer:
                    raise from_code(answer["code"], answer["message"], hint=answer["hint"])
                return answer["files"]  # type: ignore[no-any-return]
        return character_files(name, character, self._manifest, self._options)

    def _take(self) -> subprocess.Popen[bytes] | None:
        """A process that has nothing to do, or a new one; None where there may be no more."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if len(self._all) >= self._most:
                return None
            try:
                process = subprocess.Popen(
                    [*python(), "-m", "vcg_bridge.cli.encoders"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                    start_new_session=True,  # Ctrl+C is for the command, which lets them finish what they are at
                )
            except OSError as error:
                self._most = len(self._all)
                report.show_warning(
                    f"no process to encode files in could be started ({error.strerror}): it takes longer"
                )
                return None
            self._all.append(process)
        with contextlib.suppress(OSError):  # it is gone already: that shows at the answer
            _send(process, self._settings)
        return process

    def _lost(self, process: subprocess.Popen[bytes], error: Exception) -> None:
        """It died (short of memory, killed) or talks nonsense. What it was at is done here, and it is not replaced."""
        process.kill()
        report.show_warning(
            f"a process that encodes files was lost ({type(error).__name__}, exit code {process.wait()}); nothing is missing, "
            "but the rest takes longer"
        )

    def __enter__(self) -> Encoders:
        return self

    def __exit__(self, *_: object) -> None:
        """End them. Nothing may be asked of them meanwhile."""
        for process in self._all:
            for stream in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    assert stream is not None
                    stream.close()
        for process in self._all:
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _send(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(framed(data))
    process.stdin.flush()


def _ask(process: subprocess.Popen[bytes], data: bytes) -> dict[str, Any]:
    _send(process, data)
    assert process.stdout is not None
    answer: dict[str, Any] = msgpack.unpackb(read_frame(cast(BinaryIO, process.stdout)))
    return answer


def _packed(name: str, character: Character) -> bytes:
    """A character as it goes over the pipe."""
    data: bytes = msgpack.packb({
        "name": name,
        "recipe": recipe_bytes(character.recipe),
        "palette": character.palette.tobytes(),
        "frames": [[*pose, *plane.shape] for pose, plane in character.frames.items()],
        "planes": b"".join(plane.tobytes() for plane in character.frames.values()),
    })  # fmt: skip
    return data


def _unpacked(data: bytes) -> tuple[str, Character]:
    told = msgpack.unpackb(data)
    frames, planes, at = {}, np.frombuffer(told["planes"], np.uint8), 0
    for animation, direction, frame, height, width in told["frames"]:
        frames[Pose(animation, direction, frame)] = planes[at : at + height * width].reshape(height, width)
        at += height * width
    palette = np.frombuffer(told["palette"], np.uint8).reshape(256, 4)
    return told["name"], Character(parse_recipe(told["recipe"]), frames, palette)


def _encoded(data: bytes, manifest: Manifest, options: WriteOptions) -> dict[str, Any]:
    try:
        name, character = _unpacked(data)
        return {"files": character_files(name, character, manifest, options)}
    except VcgError as error:
        return {"code": error.code, "message": error.message, "hint": error.hint}
    except Exception as error:  # it must say so: the process that waits would call this one lost
        fault = InternalError(f"encoding failed: {error!r}")
        return {"code": fault.code, "message": fault.message, "hint": fault.hint}


def main() -> None:
    """Encode what standard input brings until it ends, as it does however the command ends."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno() if sys.stderr is not None else os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with contextlib.suppress(EOFError, BrokenPipeError, BundleError):
        settings = msgpack.unpackb(read_frame(sys.stdin.buffer))
        manifest = load_manifest(settings["folder"], verify=False)
        if manifest.sha256 != settings["sha256"]:  # it was replaced since the command began
            return
        told: dict[str, Any] = {k: tuple(x) if isinstance(x, list) else x for k, x in settings["options"].items()}
        options = WriteOptions(**told)
        while True:
            answers.write(framed(msgpack.packb(_encoded(read_frame(sys.stdin.buffer), manifest, options))))
            answers.flush()


if __name__ == "__main__":
    main()
