"""The recipe: all that regenerates a character, byte for byte, for ever.

Three forms, all lossless: the dataclass, canonical JSON (sorted keys, no spaces; what is hashed and saved)
and a text of about 100 characters for chat, tickets and save games.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RECIPE_FORMAT = 1
"""1 (0.1.0): first. A reader refuses any other number."""


@dataclass(frozen=True)
class LayerChoice:
    """What one layer of the character looks like: an item, a mixture of two items, or a free style code."""

    item: str  # the item; for mixtures and free codes the one whose fixed colours, parts and rules are used
    mix: str = ""  # second item of the same layer and kind, "" for none
    amount: int = 0  # percent of `mix` in the style code, 0..100
    code: tuple[int, ...] = ()  # int8 [z_dim]; where given it is the style code and mix is not used


@dataclass(frozen=True)
class Recipe:
    """A complete character. Equal recipes give equal bytes."""

    model: str  # name of the bundle
    model_sha256: str  # hex, of its manifest.json
    seed: int  # 0 .. 2**63 - 1; what it was drawn from, kept for the record
    archetype: str
    novelty: int  # percent, 0..100
    layers: Mapping[str, LayerChoice]  # layer id -> choice; a layer that is missing is not worn
    ramps: Mapping[str, str] = field(default_factory=dict)  # colour group -> ramp id, one for every group worn
