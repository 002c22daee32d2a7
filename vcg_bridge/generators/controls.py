"""Controls: named directions in style space as wishes, and the style codes that they give.

A control that is asked for is a wish to see its layer: `design` then draws the layer, among the items it works for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vcg_bridge.contract.errors import BadRequest, listed
from vcg_bridge.contract.manifest import Control, Item, Manifest
from vcg_bridge.contract.recipe import LayerChoice
from vcg_bridge.generators.rules import hundredths_of


@dataclass(frozen=True)
class Moves:
    """What is asked of the controls of one layer."""

    layer: str
    amounts: tuple[tuple[Control, int], ...]  # percent, -100..100, never 0
    items: tuple[Item, ...]  # those that all of these controls work for; at least one
    ids: frozenset[str]  # of `items`

    @property
    def names(self) -> str:
        """For messages: "hair/length and hair/volume"."""
        return " and ".join(control.key for control, _ in self.amounts)

    @property
    def body(self) -> str:
        """The body that all of `items` are made for, "" for every body."""
        return self.items[0].body

    def check(self, choice: LayerChoice) -> None:
        """Raise BadRequest unless the controls work for what is worn; for a mixture, for both of its items."""
        for item in (choice.item, choice.mix):
            if item and item not in self.ids:
                raise BadRequest(
                    f"{self.names} cannot be had with {self.layer} {item!r}",
                    hint=f"these {self.layer} items take it: {listed(x.id for x in self.items)}",
                )


def wanted_moves(manifest: Manifest, controls: Mapping[str, float]) -> dict[str, Moves]:
    """Layer -> what is asked of its controls. Amounts are -1..1, taken in whole percent; 0 asks for nothing.

    Raises BadRequest for unknown controls, other amounts, and controls of a layer that have no item in common.
    """
    if controls and not manifest.controls:
        raise BadRequest(f"the bundle {manifest.name!r} has no controls", hint="ask for none")
    asked: dict[str, list[tuple[Control, int]]] = {}
    for key, amount in controls.items():
        control = manifest.control(key)
        if not -1 <= amount <= 1:  # also refuses nan
            raise BadRequest(f"control {key}: must be from -1 ({control.low}) to 1 ({control.high}), not {amount!r}")
        percent = round(amount * 100)
        if percent:
            asked.setdefault(control.layer, []).append((control, percent))
    return {layer: _moves(manifest, layer, amounts) for layer, amounts in asked.items()}


def _moves(manifest: Manifest, layer: str, amounts: list[tuple[Control, int]]) -> Moves:
    ids = frozenset.intersection(*(frozenset(control.items) for control, _ in amounts))
    if not ids:
        every = " and ".join(control.key for control, _ in amounts)
        raise BadRequest(f"these do not go together: {every} are for different items", hint="ask for one of them")
    return Moves(layer, tuple(amounts), tuple(x for x in manifest.items_of(layer) if x.id in ids), ids)


def moved(manifest: Manifest, choice: LayerChoice, moves: Moves) -> LayerChoice:
    """The choice with its style code moved: a free code, or the item itself where the code is the item's own.

    All in integers, rounded half away from zero and cut to int8, so it is the same code everywhere.
    """
    shift = np.sum([np.array(control.direction, np.int32) * percent for control, percent in moves.amounts], axis=0)
    if not shift.any():
        return choice  # they cancel each other
    total = hundredths_of(manifest, choice, moves.layer) + shift
    rounded = np.clip(np.sign(total) * ((np.abs(total) + 50) // 100), -128, 127)
    code = tuple(int(c) for c in rounded)
    if code == manifest.item(moves.layer, choice.item).code:
        return LayerChoice(choice.item)
    return LayerChoice(choice.item, code=code)
