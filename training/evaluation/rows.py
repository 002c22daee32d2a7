"""The lines of the table, on the terminal and on the page: where each figure is, what it means and what is good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ART, COPYING, PIXELS = "the art", "copying", "mixing pixels"


@dataclass(frozen=True)
class Row:
    """One figure of every column."""

    title: str
    path: tuple[str, ...]  # in a mode's or baseline's figures
    form: str  # format specification
    good: str
    meaning: str


def _space(space: str, title: str) -> list[Row]:
    at = ("realism", space)
    floors = (*at, "floors")
    return [
        Row(f"Frechet distance, {title}", (*at, "frechet"), ".3f", "low; compare with copying and mixing pixels",
            "How far the samples' features are from the real drawings' as a whole (means and covariances)."),
        Row(f"... over the floor of drawings, {title}", (*floors, "drawings", "ratio"), ".2f", "1 is unreachable for new art; low",
            "The samples' distance divided by that of two random halves of the real drawings, at equal numbers. The halves hold the same items."),
        Row(f"... over the floor of items, {title}", (*floors, "items", "ratio"), ".2f", "below 1.5",
            "The samples' distance divided by that of half of the items from the other half: how far new art by the same artists would be."),
        Row(f"Kernel distance, {title}", (*at, "kernel"), ".4f", "near 0",
            "As the Frechet distance, without its assumption of Gaussians, and the same for every number of samples."),
        Row(f"Precision, {title}", (*at, "precision"), ".1%", "high", "Samples that lie within the reach of a real drawing."),
        Row(f"Recall, {title}", (*at, "recall"), ".1%", "high", "Real drawings that lie within the reach of a sample."),
        Row(f"Density, {title}", (*at, "density"), ".2f", "about 1", "How thickly real drawings lie around a sample. Less sensitive to single odd drawings than precision."),
        Row(f"Coverage, {title}", (*at, "coverage"), ".1%", "high", "Real drawings that have a sample within their reach: does the set have everything the art has?"),
    ]  # fmt: skip


ROWS: tuple[Row, ...] = (
    Row("Edge density", ("clarity", "all", "edges"), ".1%", "as the art", "Neighbouring pixels that differ. Mud has fewer, noise has more."),
    Row("Orphan pixels", ("clarity", "all", "orphans"), ".2%", "as the art or fewer", "Opaque pixels unlike all eight neighbours: specks."),
    Row("Strange patterns", ("clarity", "all", "strange"), ".1%", "at most as the art", "3x3 patterns that no drawing of the group has. Under “the art”: the share an item has against all other items."),
    Row("Stray classes", ("clarity", "all", "stray"), ".3%", "0", "Pixels of colours that the layer does not have. The product takes the next best colour."),
    *_space("in-domain", "trained features"),
    *_space("random", "random features"),
    Row("Diversity in pixels", ("diversity", "pixels"), ".1%", "as the art", "How much two drawings of one view differ, relative to their size."),
    Row("Diversity in features", ("diversity", "features"), ".2f", "as the art", "The same in the trained feature space."),
    Row("Palette use", ("diversity", "slots"), ".1%", "near 0", "How far the use of the palette's slots is from the art's: 0 the same shares, 100% none in common."),
    Row("Consistency: agreement", ("consistency", "samples", "all", "agreement"), ".1%", "as the art", "Pairs of views of one code that a classifier of items takes for the same item, on views it was not trained on."),
    Row("Consistency: recognised", ("consistency", "samples", "all", "recognised"), ".1%", "as the art", "Codes that the classifier finds again among other characters from other views of them."),
    Row("Exact copies", ("copies", "copies"), ".1%", "low", "Samples that equal a drawing of the art pixel for pixel."),
    Row("... of which forced", ("copies", "forced"), ".1%", "", "Copies in views where both mixed items are drawn alike: nothing else could come. Share of all samples."),
    Row("Distance to the nearest drawing", ("copies", "distance"), ".1%", "above 0", "Pixels that differ from the nearest drawing of the view, relative to its size."),
)  # fmt: skip


def columns(figures: Mapping[str, Any]) -> list[str]:
    """Modes, then the art, then baselines."""
    found = list(figures["modes"])
    return found + ([ART, *figures["baselines"]] if figures["baselines"] else [])


def value(figures: Mapping[str, Any], row: Row, column: str) -> float | None:
    """The figure of a row in a column, None where it does not exist."""
    if row.path[0] == "consistency" and column in (ART, PIXELS):
        followed = next((x["consistency"] for m, x in figures["modes"].items() if m != "items"), {})
        which = {ART: "art", PIXELS: "mixed pixels"}[column]
        return _at(followed, (which, *row.path[2:]))
    if column == ART:
        return _at(figures["art"], row.path)
    return _at(figures["modes"].get(column) or figures["baselines"].get(column) or {}, row.path)


def text(figures: Mapping[str, Any], row: Row, column: str) -> str:
    """The figure as it is shown, "" where it does not exist."""
    found = value(figures, row, column)
    return "" if found is None else format(found, row.form)


def _at(tree: Any, path: tuple[str, ...]) -> float | None:
    for key in path:
        if not isinstance(tree, Mapping) or key not in tree:
            return None
        tree = tree[key]
    return None if tree is None else float(tree)
