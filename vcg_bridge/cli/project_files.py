"""What a Godot or Unity project says of itself, and the one line of it that an installed plugin needs."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vcg_bridge.contract.errors import BadRequest, OutputError

GODOT_FORMAT = 5
"""config_version of Godot 4."""


@dataclass(frozen=True)
class Project:
    """A project of an engine."""

    folder: Path
    engine: str  # godot, unity
    version: str  # of the editor that saved it last; "" where it does not say

    def older_than(self, *wanted: int) -> bool:
        """Saved by an editor older than that version. False where the version is not known."""
        found = tuple(int(x) for x in re.findall(r"\d+", self.version)[: len(wanted)])
        return bool(found) and found < wanted


def open_project(engine: str, place: Path) -> Project:
    """The project in that folder (or with that project.godot). Raises BadRequest where there is none."""
    return (_godot_project if engine == "godot" else _unity_project)(place)


def _godot_project(place: Path) -> Project:
    folder = place.parent if place.name == "project.godot" else place
    settings = folder / "project.godot"
    if not settings.is_file():
        _none("Godot", folder, "project.godot")
    entries = {name: value for section, name, value in _entries(_read(settings)) if section in ("", "application")}
    format = entries.get("config_version", "")
    if format != str(GODOT_FORMAT):
        raise BadRequest(
            f"{settings}: a project of another Godot (config_version {format or 'missing'})",
            hint="the plugin needs a project of Godot 4.4 or newer",
        )
    features = re.findall(r'"(\d+\.\d+)', entries.get("config/features", ""))
    return Project(folder, "godot", features[0] if features else "")


def _unity_project(folder: Path) -> Project:
    said = folder / "ProjectSettings" / "ProjectVersion.txt"
    if not said.is_file() or not (folder / "Assets").is_dir():
        _none("Unity", folder, "an Assets folder and ProjectSettings/ProjectVersion.txt")
    version = re.search(r"^m_EditorVersion:\s*(\S+)", _read(said), re.MULTILINE)
    return Project(folder, "unity", version[1] if version else "")


def _none(engine: str, folder: Path, marker: str) -> None:
    what = "there is no such folder" if not folder.is_dir() else f"no {engine} project: it lacks {marker}"
    raise BadRequest(f"{folder}: {what}", hint=f"give the folder of a {engine} project, the one with {marker} in it")


def _read(path: Path) -> str:
    """The text with its line ends as they are. Raises BadRequest."""
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise BadRequest(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise BadRequest(f"{path}: is not UTF-8 text", hint="is it the right folder?") from None


# project.godot: sections, and entries whose values may go over several lines


@dataclass(frozen=True)
class _Place:
    """One entry or section of the text: characters start .. end - 1."""

    section: str
    name: str  # "" for the line of a section
    start: int  # of its value, or behind the line of the section
    end: int


def _places(text: str) -> Iterator[_Place]:
    """Everything in the text, in order. A value ends with the line in which its quotes and brackets are closed."""
    section, at = "", 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end + 1
        line = text[at:end].strip().removeprefix("\ufeff")
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip()
            yield _Place(section, "", end, end)
        elif "=" in line and not line.startswith(";"):
            value = text.index("=", at) + 1
            end = _value_end(text, value)
            yield _Place(section, text[at : value - 1].strip().strip('"').removeprefix("\ufeff"), value, end)
            end = min(end + 1, len(text)) if text[end : end + 1] == "\n" else end
        at = max(end, at + 1)


def _value_end(text: str, at: int) -> int:
    """Where the value that begins there ends: at a line end outside of quotes and brackets."""
    quoted, depth = False, 0
    while at < len(text):
        sign = text[at]
        if quoted:
            if sign == "\\":
                at += 1
            elif sign == '"':
                quoted = False
        elif sign == '"':
            quoted = True
        elif sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif sign == "\n" and depth <= 0:
            return at - 1 if text[at - 1 : at] == "\r" else at
        at += 1
    return len(text)


def _entries(text: str) -> list[tuple[str, str, str]]:
    """Section, name, value of each entry."""
    return [(p.section, p.name, text[p.start : p.end].strip()) for p in _places(text) if p.name]


def enabled(text: str, plugin: str) -> str:
    """The text of a project.godot with that plugin enabled and nothing else changed. plugin: res://.../plugin.cfg.

    Raises BadRequest where the list of enabled plugins is not of a form that is understood.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    section: _Place | None = None
    for place in _places(text):
        if place.section != "editor_plugins":
            continue
        if place.name == "enabled":
            listed = re.fullmatch(r"\s*PackedStringArray\((.*)\)\s*", text[place.start : place.end], re.DOTALL)
            names = re.fullmatch(r'\s*(?:"(?:[^"\\]|\\.)*"\s*,?\s*)*', listed[1], re.DOTALL) if listed else None
            if listed is None or names is None:
                raise BadRequest(
                    "project.godot: [editor_plugins] enabled is not a list of files",
                    hint="enable the plugin by hand: Project > Project Settings > Plugins",
                )
            if json.dumps(plugin) in re.findall(r'"(?:[^"\\]|\\.)*"', listed[1]):
                return text
            inner = listed[1].rstrip()
            at = place.start + listed.start(1) + len(inner)
            comma = ", " if inner and not inner.endswith(",") else " " if inner else ""
            return text[:at] + comma + json.dumps(plugin) + text[at:]
        section = section or place
    line = f"enabled=PackedStringArray({json.dumps(plugin)}){newline}"
    if section is not None:
        head = text[: section.end]
        return f"{head}{'' if head.endswith(chr(10)) else newline}{newline}{line}{text[section.end :]}"
    gap = "" if not text or text.endswith("\n") else newline
    return f"{text}{gap}{newline}[editor_plugins]{newline}{newline}{line}"


def enable_in_godot(project: Project, plugin: str) -> bool:
    """Enable a plugin in a project's settings. False where it was. Raises BadRequest, OutputError."""
    path = project.folder / "project.godot"
    before = _read(path)
    after = enabled(before, plugin)
    if after == before:
        return False
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_bytes(after.encode("utf-8"))
        temporary.chmod(path.stat().st_mode)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None
    return True


def other_source_in_unity(project: Project, package: str) -> str:
    """Where Packages/manifest.json says that a package comes from; "" where it does not name it."""
    try:
        listed = json.loads((project.folder / "Packages" / "manifest.json").read_text(encoding="utf-8-sig"))
        found = listed.get("dependencies", {}).get(package, "")
    except (OSError, ValueError, AttributeError):
        return ""  # Unity makes the file anew
    return found if isinstance(found, str) else ""
