"""Compiling and running the package's C# on mono."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent.parent / "engine_plugins" / "unity" / "com.vcg.bridge"
CORE = PACKAGE / "Runtime" / "Core"


@dataclass(frozen=True)
class Mono:
    """A C# compiler and what runs its programs; assemblies go into `folder`."""

    mono: str
    mcs: str
    folder: Path

    def compile(
        self,
        name: str,
        sources: Iterable[Path],
        *,
        references: Sequence[Path] = (),
        defines: Sequence[str] = (),
        library: bool = False,
        optimize: bool = False,
        doc: Path | None = None,
    ) -> Path:
        """An assembly, compiled as Unity 2021.3's C# would be at most (C# 7), warnings being errors.

        doc: where its XML documentation goes; what is public and has none is an error then. (Not CS1573: that a comment
        explains only those parameters whose names do not say enough.)
        """
        out = self.folder / f"{name}.{'dll' if library else 'exe'}"
        command = [
            self.mcs, "-langversion:7", "-warnaserror", "-warn:4", "-debug-", f"-optimize{'+' if optimize else '-'}",
            f"-target:{'library' if library else 'exe'}",
            f"-out:{out}", *(f"-reference:{r}" for r in references), *(f"-define:{d}" for d in defines),
            *([] if doc is None else [f"-doc:{doc}", "-nowarn:1573"]),
            *map(str, sources),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=250)
        assert done.returncode == 0, f"{name}:\n{done.stdout}{done.stderr}"
        return out

    def run(self, program: Path, *arguments: str) -> str:
        """Standard output of a program that ends well."""
        done = subprocess.run([self.mono, str(program), *arguments], capture_output=True, text=True, timeout=250)
        assert done.returncode == 0, f"{program.name}:\n{done.stdout}{done.stderr}"
        return done.stdout


def find_mono(folder: Path) -> Mono | None:
    """MONO and MCS in the environment, else what scripts/install_mono.sh has installed, else those in the PATH."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vcg-bridge" / "mono"
    installed = next(iter(cache.glob(".installed-*")), None)
    places = [(os.environ.get("MONO"), os.environ.get("MCS"))]
    if installed is not None:
        places.append((str(cache / "mono"), str(cache / "mcs")))
    places.append((shutil.which("mono"), shutil.which("mcs")))
    return next((Mono(mono, mcs, folder) for mono, mcs in places if mono and mcs), None)
