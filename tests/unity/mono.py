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
    ) -> Path:
        """An assembly, compiled as Unity 2021.3's C# would be at most (C# 7), warnings being errors."""
        out = self.folder / f"{name}.{'dll' if library else 'exe'}"
        command = [
            self.mcs, "-langversion:7", "-warnaserror", "-warn:4", "-debug-", f"-target:{'library' if library else 'exe'}",
            f"-out:{out}", *(f"-reference:{r}" for r in references), *(f"-define:{d}" for d in defines),
            *map(str, sources),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{name}:\n{done.stdout}{done.stderr}"
        return out

    def run(self, program: Path, *arguments: str) -> str:
        """Standard output of a program that ends well."""
        done = subprocess.run([self.mono, str(program), *arguments], capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, f"{program.name}:\n{done.stdout}{done.stderr}"
        return done.stdout


def find_mono(folder: Path) -> Mono | None:
    """MONO and MCS in the environment, else those in the PATH, else what scripts/install_mono.sh has installed."""
    mono, mcs = os.environ.get("MONO") or shutil.which("mono"), os.environ.get("MCS") or shutil.which("mcs")
    return Mono(mono, mcs, folder) if mono and mcs else None
