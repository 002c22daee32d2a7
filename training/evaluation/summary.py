"""What a model card shows of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.evaluation.rows import ROWS, columns, value


def summary(results: Mapping[str, Any]) -> dict[str, Any]:
    """The short form of `evaluation.json`: what was measured, with which features and seed, and the figures of every mode.

    results: the parsed file. Returns JSON-ready values; shares 0..1; figures by the titles of training.evaluation.rows, rounded to five digits.
    """
    table = {
        column: {row.title: round(found, 5) for row in ROWS if (found := value(results, row, column)) is not None}
        for column in columns(results)
    }
    return {
        "subject_sha256": results["subject"]["sha256"],
        "pack_sha256": results["pack_sha256"],
        "features_sha256": results["features"]["in-domain"],
        "command": results.get("command", ""),
        "samples": results["settings"]["samples"],
        "seed": results["settings"]["seed"],
        "quick": results["quick"],
        "exact_slots": round(results["exact"]["seen"]["all"]["exact_slots"], 6),
        "alpha": round(results["exact"]["seen"]["all"]["alpha"], 6),
        "figures": table,
    }
