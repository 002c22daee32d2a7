"""Who drew what: from the credits of a bundle to the lines that a character, and a product with it, must carry."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vcg_bridge.contract.errors import BundleError
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.recipe import Recipe

CREDITS_FILE = "CREDITS.csv"
COLUMNS = ("key", "item", "artists", "source", "licence", "details")


@dataclass(frozen=True)
class Credit:
    """One line of a bundle's CREDITS.csv."""

    key: str
    item: str
    artists: str
    source: str
    licence: str
    details: str

    @property
    def line(self) -> str:
        """For people: `Adult Head: Eliza Wyatt. OGA-BY 3.0. Expressions added. https://...`"""
        said = [x.strip().rstrip(".") + "." for x in (self._who, self.licence, self.details) if x.strip()]
        return " ".join([*said, self.source]).strip()

    @property
    def _who(self) -> str:
        return f"{self.item}: {self.artists}" if self.artists else self.item


def read_credits(bundle: Path) -> dict[str, Credit]:
    """Key -> credit of a bundle folder. Raises BundleError where the file is missing or has other columns."""
    path = bundle / CREDITS_FILE
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BundleError(f"{path}: cannot be read ({error})", hint="get the bundle again") from error
    if rows and not set(COLUMNS) <= set(rows[0]):
        missing = ", ".join(c for c in COLUMNS if c not in rows[0])
        raise BundleError(f"{path}: the column {missing} is missing", hint="export the bundle again")
    return {row["key"]: Credit(*((row[c] or "").strip() for c in COLUMNS)) for row in rows}


def credit_keys(manifest: Manifest, recipe: Recipe) -> tuple[str, ...]:
    """Keys of everything this character shows, each once, in layer order.

    A mixture owes its look to both items, a free style code to every item of its layer and kind.
    """
    keys: dict[str, None] = {}
    for layer in manifest.layers:
        choice = recipe.layers.get(layer.id)
        if choice is None:
            continue
        items = [manifest.item(layer.id, choice.item)]
        if choice.code:
            items += [x for x in manifest.items_of(layer.id) if x.kind == items[0].kind]
        elif choice.mix:
            items.append(manifest.item(layer.id, choice.mix))
        keys.update(dict.fromkeys(key for item in items for key in item.credits))
    return tuple(keys)


def credit_lines(manifest: Manifest, recipe: Recipe, credits: Mapping[str, Credit]) -> tuple[str, ...]:
    """The credits of a character, a line each, no line twice. Raises BundleError for a key without a line."""
    lines: dict[str, None] = {}
    for key in credit_keys(manifest, recipe):
        if key not in credits:
            raise BundleError(
                f"{CREDITS_FILE} of {manifest.name!r} has no line {key!r}", hint="export the bundle again"
            )
        lines[credits[key].line] = None
    return tuple(lines)


def credits_text(manifest: Manifest, lines: Sequence[str], existing: str = "") -> str:
    """CREDITS.txt for a folder of characters.

    existing: what the file says already, of other characters or edited by its owner. It is kept, and only lines that are
    not in it are added.
    """
    if not existing.strip():
        existing = (
            "Credits for the characters in this folder. They must reach everyone who gets a product made with them.\n"
        )
    if not existing.endswith("\n"):
        existing += "\n"
    model = f"Licence: {manifest.licence}. Model: {manifest.title} ({manifest.name} {manifest.version})."
    if model not in existing:
        existing += f"\n{manifest.attribution}\n{model}\n\n"
    known = {_bare(line) for line in existing.splitlines()}
    added = [f"- {line}\n" for line in _once(lines) if _bare(line) not in known]
    return existing + "".join(added)


def _bare(line: str) -> str:
    return line.strip().removeprefix("- ").strip()


def _once(lines: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(" ".join(line.split()) for line in lines))
