"""Who drew a folder's art: from pack.yaml, CREDITS.csv, Credits.txt or the command line, the most particular first."""

from __future__ import annotations

import csv
import fnmatch
from collections.abc import Sequence
from pathlib import Path

from training.packs.credits import CREDIT_FILE, CreditFile, credits_of, read_credits
from training.packs.neutral import Credit
from training.packs.pack_yaml import CreditRule, FolderRules
from training.packs.sheets import Art, slug
from vcg_bridge.contract.errors import PackError

CSV_FILE = "CREDITS.csv"
COLUMNS = {
    "items": ("item", "items", "file", "filename", "path"),
    "artists": ("artists", "artist", "authors", "author"),
    "source": ("source", "sources", "url", "urls"),
    "licence": ("licence", "license", "licences", "licenses"),
    "details": ("details", "notes"),
}
"""Our name -> the headings it may have in a CREDITS.csv."""


def credit_items(
    folder: Path, rules: FolderRules, arts: Sequence[Art], licence: str, attribution: str
) -> tuple[tuple[Credit, ...], dict[tuple[str, str], tuple[str, ...]], list[str]]:
    """(credit lines, (layer, item) -> keys of its lines, items without a line of their own).

    An item takes the lines that name it; without one, those of the whole pack. Raises PackError where nobody is named.
    """
    said = [*rules.credits, *_csv_rules(folder)]
    lines: dict[str, Credit] = {}
    own: list[tuple[CreditRule, str]] = []
    general: list[str] = []
    for rule in said:
        whom = ", ".join(rule.items) if rule.items else f"Everything in {rules.title}"
        key = _key(slug(whom)[:60] or "pack", lines)
        lines[key] = Credit(key, whom, rule.artists, rule.source, rule.licence or licence, rule.details)
        if rule.items:
            own.append((rule, key))
        else:
            general.append(key)
    files = read_credits(folder, licence)
    for text in (f.general for f in files if f.general.details and not f.general.artists and not f.entries):
        lines[text.key] = text  # no list of names that a program understands: all that it says
        general.append(text.key)
    if attribution and not general and not files:
        lines["attribution"] = Credit("attribution", f"Everything in {rules.title}", (), "", licence, attribution)
        general.append("attribution")
    of: dict[tuple[str, str], tuple[str, ...]] = {}
    lacking: list[str] = []
    for art in arts:
        keys = [key for rule, key in own if any(_names(art, p) for p in rule.items)]
        texts, text_own = _from_texts(art, files)
        keys += [_add(c, lines) for c in texts] if not keys or text_own else []
        if not keys or (not text_own and not any(key in keys for _, key in own)):
            lacking.append(f"{art.layer.id}/{art.id}")
            keys += general
        if not keys:
            raise PackError(
                f"nobody is credited for {art.folder}",
                hint=f"say `credits:` in pack.yaml, put a {CSV_FILE} or {CREDIT_FILE} in the folder, or give --attribution",
            )
        of[art.layer.id, art.id] = tuple(dict.fromkeys(keys))
    used = {key for keys in of.values() for key in keys}
    return tuple(c for key, c in lines.items() if key in used), of, lacking


def _from_texts(art: Art, files: tuple[CreditFile, ...]) -> tuple[tuple[Credit, ...], bool]:
    """What Credits.txt files say of an item, and whether one of the entries is its own."""
    return credits_of(art.title, art.folder, files, {}) if files else ((), False)


def _add(credit: Credit, lines: dict[str, Credit]) -> str:
    if lines.get(credit.key, credit) != credit:
        credit = Credit(_key(credit.key, lines), *list(vars(credit).values())[1:])
    lines[credit.key] = credit
    return credit.key


def _key(wanted: str, lines: dict[str, Credit]) -> str:
    key, n = wanted, 1
    while key in lines:
        n += 1
        key = f"{wanted}-{n}"
    return key


def _names(art: Art, pattern: str) -> bool:
    """Whether a pattern names the item: by id, by title, or by path with or without an ending."""
    plain = pattern.strip().removeprefix("./")
    return any(
        fnmatch.fnmatchcase(name.lower(), plain.lower())
        for name in (art.id, art.title, f"{art.layer.id}/{art.id}", art.folder, f"{art.folder}.png", f"{art.title}.png")
    ) or plain.lower().removesuffix(".png").startswith(f"{art.folder.lower()}/")


def _csv_rules(folder: Path) -> list[CreditRule]:
    file = next((f for f in sorted(folder.iterdir()) if f.name.lower() == CSV_FILE.lower()), None)
    if file is None:
        return []
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text)
            headings = {h.strip().lower(): h for h in reader.fieldnames or () if h}
            at = {ours: next((headings[n] for n in names if n in headings), None) for ours, names in COLUMNS.items()}
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PackError(f"cannot read {file}: {error}", hint="is it a CSV file in UTF-8?") from error
    if at["artists"] is None:
        raise PackError(
            f"{file} has no column 'artists'",
            hint=f"it has {', '.join(headings) or 'no headings'}; see {COLUMNS['artists']}",
        )
    rules = []
    for row in rows:
        said = {ours: (row.get(heading) or "").strip() if heading else "" for ours, heading in at.items()}
        artists = tuple(x.strip() for x in said["artists"].replace(";", ",").split(",") if x.strip())
        if artists or said["details"]:
            items = (said["items"],) if said["items"] not in ("", "*") else ()
            rules.append(CreditRule(artists, items, said["source"], said["licence"], said["details"]))
    return rules
