"""What can go wrong for a user of the training kit."""

from __future__ import annotations

from vcg_bridge.contract.errors import VcgError


class TrainingError(VcgError):
    """A run cannot be started, continued or exported. Never travels over the wire."""

    code = "training"
