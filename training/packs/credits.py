"""The artists' Credits.txt files: entries, and which of them an item needs."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.packs.neutral import Credit
from training.packs.sheets import slug

CREDIT_FILE = "Credits.txt"


@dataclass(frozen=True)
class CreditFile:
    """One credit file: the entries of a folder and everything below it."""

    folder: str  # relative to the pack, "." for the pack itself
    general: Credit  # what the file says of all
    entries: tuple[Credit, ...]


def read_credits(pack: Path, licence: str) -> tuple[CreditFile, ...]:
    """All credit files of the pack, the deepest first. Entries without a licence line get `licence`."""
    files = sorted(pack.rglob(CREDIT_FILE), key=lambda f: (-len(f.parts), f.as_posix()))
    return tuple(_read(f, f.parent.relative_to(pack).as_posix(), licence) for f in files)


def credits_of(
    title: str, folder: str, files: tuple[CreditFile, ...], headings: Mapping[str, str]
) -> tuple[tuple[Credit, ...], bool]:
    """(entries an item needs, whether one of them is its own). Own entry first, then the general line of its folder;
    without an own entry the general lines of all folders above it.

    folder: the item's, from the top of the pack. headings: pattern of item folders -> heading of their entry, where the two
    differ.
    """
    above = [f for f in files if f.folder == "." or f"{folder}/".startswith(f"{f.folder}/")]
    wanted = {_plain(h) for p, h in headings.items() if fnmatch.fnmatchcase(folder, p)} or {_plain(title)}
    own = [e for f in above for e in f.entries if _plain(e.item) in wanted]
    # an item with an entry of its own needs only what its own file says of all; of another nobody knows who drew it
    general = [f.general for f in (above[:1] if own else above) if f.general.artists]
    return tuple(own + general), bool(own)


def _read(file: Path, folder: str, licence: str) -> CreditFile:
    lines = file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    rules = [i for i, line in enumerate(lines) if i and re.fullmatch(r"\s*-{8,}\s*", line) and lines[i - 1].strip()]
    prefix = slug(folder) or "pack"
    entries = []
    for n, at in enumerate(rules):
        end = rules[n + 1] - 1 if n + 1 < len(rules) else len(lines)
        title = lines[at - 1].strip()
        entries.append(_entry(f"{prefix}/{slug(title)}", title, lines[at + 1 : end], licence))
    head = lines[: rules[0] - 1] if rules else lines
    artists, details = _general(head)
    title = "Everything" if folder == "." else f"Everything in {folder}"
    general = Credit(f"{prefix}/all", title, artists, "", licence, details)
    return CreditFile(folder, general, tuple(entries))


def _entry(key: str, title: str, lines: list[str], licence: str) -> Credit:
    fields: dict[str, list[str]] = {}
    last = ""
    for line in lines:
        if re.fullmatch(r"\s*---.*---\s*", line):
            continue  # heading of the next section
        match = re.match(r"\s+(ARTIST\(S\)|SOURCE|LICENSE|DETAILS|NOTES):\s*(.*)", line)
        if match:
            last = match[1]
            fields.setdefault(last, []).append(match[2].strip())
        elif last and line.strip():
            fields[last].append(line.strip())
    details = " ".join(x for name in ("DETAILS", "NOTES") for x in fields.get(name, []) if x)
    artists = tuple(a.strip() for a in ",".join(fields.get("ARTIST(S)", [])).split(",") if a.strip())
    return Credit(
        key, title, artists, " ".join(fields.get("SOURCE", [])), " ".join(fields.get("LICENSE", [])) or licence, details
    )


def _general(lines: list[str]) -> tuple[tuple[str, ...], str]:
    """(artists, details) of a general line: an indented list, or the names with a handle in brackets in a sentence."""
    listed = tuple(x.strip() for x in lines if x.startswith("\t") and x.strip())
    if listed:
        return listed, "The artists of the whole pack."
    said = " ".join(x.strip() for x in lines if x.strip() and not re.fullmatch(r"\s*---.*---\s*", x))
    # "Stephen Challener (Redshrike), Durrani, and BenCreating": what is left of each comma or "and" after the verb
    names = re.search(r"\bby ([^.]*)", said)
    parts = re.split(r",\s*and\s+|,\s*|\s+and\s+(?:\w+ by\s+)?", names[1]) if names else []
    return tuple(p.strip().removeprefix("expanded by ").strip() for p in parts if p.strip()), said


def _plain(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", title.lower()).strip()
