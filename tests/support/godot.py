"""A real Godot, and temporary projects with the addon in them: what the fixtures of tests/godot are made of."""

from __future__ import annotations

import atexit
import functools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GODOT_TESTS = ROOT / "tests" / "godot"
ADDON = ROOT / "engine_plugins" / "godot" / "addons" / "vcg_bridge"

START_S = 250
"""No start of Godot takes longer, busy machine included. It is no measure of speed."""

# Every warning of GDScript is an error, but for three. inferred_declaration forbids `:=`; return_value_discarded wants a
# variable for every append(); unsafe_call_argument wants a variable of its own for each value out of a Dictionary that
# is handed on, although the engine checks it there.
WARNINGS = """\
unassigned_variable unassigned_variable_op_assign unused_variable unused_local_constant unused_private_class_variable
unused_parameter unused_signal shadowed_variable shadowed_variable_base_class shadowed_global_identifier
unreachable_code unreachable_pattern standalone_expression standalone_ternary incompatible_ternary untyped_declaration
unsafe_property_access unsafe_method_access unsafe_cast unsafe_void_return static_called_on_instance missing_tool
redundant_static_unload redundant_await assert_always_true assert_always_false integer_division narrowing_conversion
int_as_enum_without_cast int_as_enum_without_match enum_variable_without_default empty_file deprecated_keyword
confusable_identifier confusable_local_declaration confusable_local_usage confusable_capture_reassignment
inference_on_variant native_method_override get_node_default_without_onready onready_with_export
"""

PROJECT = """config_version=5

[application]

config/name="vcg tests"
config/features=PackedStringArray("4.4")
run/flush_stdout_on_print=true

[debug]

gdscript/warnings/exclude_addons=false
""" + "".join(f"gdscript/warnings/{name}=2\n" for name in WARNINGS.split())

_BAD = re.compile(
    r"^(?:SCRIPT ERROR|USER ERROR|USER SCRIPT ERROR|ERROR|WARNING|USER WARNING|Leaked instance|.*leaked).*", re.M
)
_NOISE = re.compile(  # of a machine without a sound card, D-Bus or a place for fonts; none of it is ours
    r"libdbus|dbus|ALSA|PulseAudio|fontconfig|speech-dispatcher|audio driver|Could not load system font", re.I
)


@dataclass(frozen=True)
class GodotResult:
    """What a run of Godot gave."""

    code: int
    output: str  # stdout and stderr together

    @property
    def complaints(self) -> list[str]:
        """Errors, warnings and leaks that the engine or a script reported."""
        return [line for line in _BAD.findall(self.output) if not _NOISE.search(line)]


@dataclass
class GodotProject:
    """A project folder, and how to run Godot on it."""

    godot: str
    path: Path
    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> Path:
        """A file of the project, by its path under res://."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    @property
    def user(self) -> Path:
        """The folder of user://."""
        return self.home / "data" / "godot" / "app_userdata" / "vcg tests"

    @contextmanager
    def start(self, *arguments: str, headless: bool = True) -> Iterator[subprocess.Popen[str]]:
        """Godot on this project, as a process that ends with the block whatever happens."""
        command = [self.godot, *(["--headless"] if headless else []), "--path", str(self.path), *arguments]
        process = subprocess.Popen(
            command, env=self.environ, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, errors="replace",
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(10)
            if process.stdout is not None:
                process.stdout.close()

    def run(
        self, *arguments: str, timeout_s: float = START_S, headless: bool = True, check: bool = True
    ) -> GodotResult:
        """Run Godot to its end. check: a failure where it ends badly, or reports an error, a warning or a leak."""
        with self.start(*arguments, headless=headless) as process:
            try:
                output, _ = process.communicate(timeout=timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                output, _ = process.communicate(timeout=10)
                pytest.fail(f"Godot did not end within {timeout_s:g} s:\n{output}")
        result = GodotResult(process.returncode, output)
        if check:
            assert result.code == 0, output
            assert not result.complaints, output
        return result

    def run_script(self, script: str, *arguments: str, timeout_s: float = START_S, check: bool = True) -> GodotResult:
        """Run a script that extends SceneTree, by its path ("res://tests/NAME.gd"). arguments: OS.get_cmdline_user_args()."""
        return self.run("--script", script, "--", *arguments, timeout_s=timeout_s, check=check)

    @property
    def environ(self) -> dict[str, str]:
        """The environment of its Godot."""
        home = {"HOME": self.home, "XDG_DATA_HOME": self.home / "data", "XDG_CONFIG_HOME": self.home / "config",
                "XDG_CACHE_HOME": self.home / "cache"}  # fmt: skip
        return {**os.environ, **{name: str(x) for name, x in home.items()}, **self.environment}


@functools.cache
def find_godot() -> str:
    """A Godot 4: GODOT, else what scripts/install_godot.sh finds or installs. Skips where there is none to be had."""
    script = subprocess.run(
        [ROOT / "scripts" / "install_godot.sh"], capture_output=True, text=True, timeout=600, check=False
    )
    if script.returncode:
        pytest.skip(f"no Godot: {script.stderr.strip().splitlines()[-1:]}")
    return script.stdout.strip().splitlines()[-1]


@functools.cache
def template() -> GodotProject:
    """The project that the others are copies of, scanned once by the real editor so that class names are known."""
    folder = Path(tempfile.mkdtemp(prefix="vcg-godot-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    project = GodotProject(find_godot(), folder / "project", folder / "home")
    project.write("project.godot", PROJECT)
    shutil.copytree(ADDON, project.path / "addons" / "vcg_bridge")
    shutil.copytree(GODOT_TESTS / "project", project.path / "tests")
    project.run("--import")
    return project


def new_project(folder: Path) -> GodotProject:
    """A project of one's own in a folder."""
    project = GodotProject(find_godot(), folder / "project", folder / "home")
    shutil.copytree(template().path, project.path)
    return project
