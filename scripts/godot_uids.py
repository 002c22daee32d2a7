"""The .uid files of the Godot addon and the demo: every script and shader has one, which never changes.

    python scripts/godot_uids.py           write those that are missing, remove those whose file is gone
    python scripts/godot_uids.py --check   only say what is wrong (exit code 1 if anything is)

Godot 4.4 and later refer to scripts by them, and make one at random for a script that has none: then a user's scenes lose
their scripts with each update of the addon. A new one follows from the path, and is from then on only read: move a
script together with its .uid and it keeps it.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "engine_plugins" / "godot"
SUFFIXES = (".gd", ".gdshader")
DIGITS = "abcdefghijklmnopqrstuvwxy012345678"  # as core/io/resource_uid.cpp counts: neither z nor 9
_UID = re.compile(rf"uid://[{DIGITS}]{{1,13}}\n")


def sources(project: Path = PROJECT) -> Iterator[Path]:
    """Every file that has a .uid."""
    for path in sorted(project.rglob("*")):
        if path.suffix in SUFFIXES and ".godot" not in path.parts:
            yield path


def uid_of(name: str) -> str:
    """A uid that follows from a path: 63 bits of its sha256."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1
    text = ""
    while number:
        number, digit = divmod(number, len(DIGITS))
        text = DIGITS[digit] + text
    return f"uid://{text}\n"


def check(project: Path = PROJECT) -> list[str]:
    """What is wrong, a line each."""
    found, problems = {}, []
    for path in sources(project):
        name = path.relative_to(project).as_posix()
        mark = path.with_name(path.name + ".uid")
        if not mark.exists():
            problems.append(f"{name} has no .uid: run scripts/godot_uids.py")
            continue
        uid = mark.read_text(encoding="utf-8")
        if not _UID.fullmatch(uid):
            problems.append(f"{name}.uid holds no uid")
        if uid in found:
            problems.append(f"{name} has the uid of {found[uid]}")
        found[uid] = name
    return problems + [f"{path.relative_to(project)} belongs to no file" for path in orphans(project)]


def orphans(project: Path = PROJECT) -> list[Path]:
    """.uid files whose script is gone."""
    return [x for x in sorted(project.rglob("*.uid")) if ".godot" not in x.parts and not x.with_suffix("").exists()]


def write(project: Path = PROJECT) -> list[Path]:
    """Make what is missing, remove what is too much."""
    changed = orphans(project)
    for path in changed:
        path.unlink()
    for path in sources(project):
        mark = path.with_name(path.name + ".uid")
        if not mark.exists():
            mark.write_text(uid_of(path.relative_to(project).as_posix()), encoding="utf-8")
            changed.append(mark)
    return changed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say what is wrong")
    if parser.parse_args().check:
        problems = check()
        print("\n".join(problems) or "every script has its uid")
        return 1 if problems else 0
    for path in write():
        print(("wrote" if path.exists() else "removed"), path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
