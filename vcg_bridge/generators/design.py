"""From what somebody asks for to a recipe: every open choice is drawn from the seed, the archetype's odds and the rules.

Each choice has its own random number, made from the seed and the names of what is chosen, so no choice shifts another:
locking the hair, adding a layer to the bundle or training it again leaves the rest of the character as it was. Among
items the smallest of -ln(random) / weight wins (an exponential race: odds as weighted, and an item that drops out leaves
the order of the others alone).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from vcg_bridge.contract.errors import BadRequest, listed, near
from vcg_bridge.contract.manifest import Archetype, Item, Manifest
from vcg_bridge.contract.manifest_parse import BODY_LAYER
from vcg_bridge.contract.recipe import LayerChoice, Recipe
from vcg_bridge.contract.recipe_io import MAX_SEED, check_recipe, worn_groups
from vcg_bridge.generators.controls import moved, wanted_moves
from vcg_bridge.generators.rules import compatible, hidden_layers, partners

MIX_LEAST, MIX_MOST = 30, 50
"""Percent of the second item in a mixture: below nothing is seen of it, above it would be its own mixture."""


@dataclass(frozen=True)
class DesignSpec:
    """What to draw a character from. Whatever is not said is drawn from the seed."""

    seed: int = 0  # 0 .. 2**63 - 1
    archetype: str = ""  # "": the one of `base`, else one drawn from the seed
    body: str = ""  # a body of the bundle; "": as the items asked for need it, else drawn
    items: Mapping[str, str | None] = field(default_factory=dict)
    # layer -> item id (for clothes the part before the body, "shirt-01" for "shirt-01.f", is enough), None: not worn
    ramps: Mapping[str, str] = field(default_factory=dict)  # colour group -> ramp id; groups not worn are ignored
    novelty: float | None = None  # 0..1, share of drawn layers that become mixtures; None: as in `base`, else 0
    base: Recipe | None = None  # a character to change; all of it that is not asked for or in `reroll` stays as it is
    reroll: tuple[str, ...] = ()  # layers and colour groups to draw anew; "item:hair" and "ramp:hair" name one of both
    keep: tuple[str, ...] = ()  # instead of reroll, named alike: these stay as in `base`, all others are drawn anew
    controls: Mapping[str, float] = field(default_factory=dict)
    # "layer/id" of a control -> -1..1, in whole percent; added to the style code that the layer has otherwise. A layer
    # that is drawn is worn then, and is one of the items that the control works for; 0 asks for nothing


_Test = Callable[[Item], bool]


def unit(seed: int, *names: str) -> float:
    """A number strictly between 0 and 1 that depends on the seed and the names alone."""
    return _unit(sha256("\0".join((str(seed), *names)).encode("utf-8")).digest())


def _unit(digest: bytes) -> float:
    return ((int.from_bytes(digest[:8], "big") >> 11) + 0.5) / 2.0**53


def design(manifest: Manifest, spec: DesignSpec) -> Recipe:
    """The recipe of `spec`: the same spec gives the same recipe.

    Raises BadRequest for unknown names and for wishes that contradict each other, RecipeError for a foreign `base`.
    """
    return _Designer(manifest, spec).recipe()


class _Designer:
    """One run of `design`: the names of the spec, checked, and what is decided so far."""

    def __init__(self, manifest: Manifest, spec: DesignSpec) -> None:
        self.manifest, self.spec, self.base = manifest, spec, spec.base
        self.items = manifest.items_by_layer
        self.seed = spec.seed
        if type(spec.seed) is not int or not 0 <= spec.seed <= MAX_SEED:
            raise BadRequest(f"seed must be an integer from 0 to {MAX_SEED}, not {spec.seed!r}")
        if spec.base is not None:
            check_recipe(manifest, spec.base)
        novelty = spec.novelty if spec.novelty is not None else (spec.base.novelty / 100 if spec.base else 0.0)
        if not 0 <= novelty <= 1:
            raise BadRequest(f"novelty must be from 0 to 1, not {novelty!r}")
        self.novelty = round(novelty * 100)  # percent; decisions are made with what the recipe records
        self.archetype = self._archetype()
        self.redrawn_layers, self.redrawn_groups = self._reroll()
        for layer in spec.items:
            manifest.layer(layer)
        for group, ramp in spec.ramps.items():
            if group not in manifest.groups:
                raise BadRequest(f"unknown colour group: {group!r}", hint=near(group, manifest.groups))
            manifest.ramp(manifest.groups[group], ramp)
        self.unseen = hidden_layers(manifest, spec.base.layers) if spec.base else frozenset()
        self.kept: dict[str, LayerChoice] = {}  # of the base, neither asked for otherwise nor drawn anew
        if spec.base is not None:
            for layer, choice in spec.base.layers.items():
                if layer not in spec.items and layer not in self.redrawn_layers:
                    self.kept[layer] = choice
        self.moves = wanted_moves(manifest, spec.controls)
        for layer, moves in self.moves.items():
            bare = self.base is not None and layer not in self.base.layers and layer not in self.redrawn_layers
            if not spec.items.get(layer) and (layer in spec.items or bare):
                raise BadRequest(
                    f"{moves.names} has nothing to change: this character wears no {layer}",
                    hint=f"ask for one too: {listed(x.id for x in moves.items)}",
                )

    def recipe(self) -> Recipe:
        """Decide everything in the order asked for, kept, drawn."""
        self.body = self._body()
        chosen: dict[str, LayerChoice] = {}
        asked = self._asked()
        self._keep_what_fits_the_body()
        self._free_what_was_hidden(asked)
        self._check_conflicts(asked)
        chosen |= {layer: LayerChoice(item.id) for layer, item in asked.items()} | self.kept
        for layer, moves in self.moves.items():
            if layer in chosen:
                moves.check(chosen[layer])
        pinned = set(asked) | set(self.moves) | set(self.kept) - self.unseen
        for layer in self._order():
            drawn = self._draw(layer, chosen, pinned)
            if drawn is not None:
                chosen[layer] = self._mixed(drawn)
        chosen |= {layer: moved(self.manifest, chosen[layer], moves) for layer, moves in self.moves.items()}
        self._check_needs([*asked.values(), *self._items_of(self.moves, chosen)], chosen)
        layers = {layer: chosen[layer] for layer in self.items if layer in chosen}
        ramps = {group: self._ramp(group, kind) for group, kind in worn_groups(self.manifest, layers).items()}
        recipe = Recipe(
            self.manifest.name, self.manifest.sha256, self.seed, self.archetype.id, self.novelty, layers, ramps
        )
        check_recipe(self.manifest, recipe)
        return recipe

    # names

    def _archetype(self) -> Archetype:
        if self.spec.archetype:
            return self.manifest.archetype(self.spec.archetype)
        if self.base is not None and self.base.archetype:
            return self.manifest.archetype(self.base.archetype)
        ids = [x.id for x in self.manifest.archetypes]
        return self.manifest.archetype(self._race(dict.fromkeys(ids, 1.0), "archetype"))

    def _reroll(self) -> tuple[set[str], set[str]]:
        """Layers and colour groups to draw anew."""
        reroll, keep = self.spec.reroll, self.spec.keep
        if (reroll or keep) and self.base is None:
            raise BadRequest(
                "reroll and keep change a recipe, and none was given", hint="give the recipe to start from"
            )
        if reroll and keep:
            raise BadRequest("reroll and keep exclude each other", hint="name what changes, or name what stays")
        layers, groups = self._named(reroll or keep)
        if keep:
            return set(self.items) - layers, set(self.manifest.groups) - groups
        return layers, groups

    def _named(self, names: Iterable[str]) -> tuple[set[str], set[str]]:
        """Layers and colour groups of those names; a plain name that is both means both."""
        layers: set[str] = set()
        groups: set[str] = set()
        for name in names:
            only, _, plain = name.rpartition(":")
            is_layer = plain in self.items and only in ("", "item")
            is_group = plain in self.manifest.groups and only in ("", "ramp")
            if not is_layer and not is_group:
                known = {"item": list(self.items), "ramp": list(self.manifest.groups)}
                hint = near(plain, known.get(only, [*self.items, *self.manifest.groups]))
                raise BadRequest(f"there is no layer or colour group {name!r}", hint=hint)
            if is_layer:
                layers.add(plain)
            if is_group:
                groups.add(plain)
        return layers, groups

    # bodies

    def _body(self) -> str:
        """The body this character must have, "" where it is open."""
        bodies = dict.fromkeys(x.body for x in self.items.get(BODY_LAYER, {}).values() if x.body)
        wishes: dict[str, str] = {}  # body -> who wishes it
        if self.spec.body:
            if self.spec.body not in bodies:
                raise BadRequest(
                    f"unknown body: {self.spec.body!r}", hint=near(self.spec.body, bodies) or listed(bodies)
                )
            wishes[self.spec.body] = f"body {self.spec.body!r}"
        for layer, name in self.spec.items.items():
            item = self.items[layer].get(name or "")
            if item is not None and item.body:
                wishes.setdefault(item.body, f"{layer} {item.id!r}, made for body {item.body!r}")
        for layer, moves in self.moves.items():
            if moves.body and layer not in self.kept and BODY_LAYER not in self.kept:
                wishes.setdefault(moves.body, f"{moves.names}, made for body {moves.body!r}")
        if len(wishes) > 1:
            first, second = list(wishes.values())[:2]
            raise BadRequest(f"these do not go together: {first}, and {second}", hint="ask for one body")
        if wishes:
            return next(iter(wishes))
        if BODY_LAYER in self.kept:
            return self.items[BODY_LAYER][self.kept[BODY_LAYER].item].body
        worn = (self.items[layer][choice.item].body for layer, choice in self.kept.items())
        return next((body for body in worn if body), "")  # a new body must fit the clothes that are kept

    def _keep_what_fits_the_body(self) -> None:
        """Where a new body is asked for, change kept clothes into the same ones of that body, or draw others."""
        for layer, choice in list(self.kept.items()):
            item = self.items[layer][choice.item]
            if not self.body or item.body in ("", self.body):
                continue
            other = self._counterpart(item)
            if other is None or layer == BODY_LAYER or choice.code:
                del self.kept[layer]
                self.redrawn_layers.add(layer)
                continue
            mix = self._counterpart(self.items[layer][choice.mix]) if choice.mix else None
            self.kept[layer] = LayerChoice(other.id, mix.id, choice.amount) if mix else LayerChoice(other.id)

    def _free_what_was_hidden(self, asked: Mapping[str, Item]) -> None:
        """Hair that was hidden by a helmet, and does not fit under the new one, is drawn anew: nobody has seen it."""
        for layer in self.unseen & set(self.kept):
            item = self.items[layer][self.kept[layer].item]
            if not all(compatible(item, other, False) for other in asked.values()):
                del self.kept[layer]
                self.redrawn_layers.add(layer)

    def _counterpart(self, item: Item) -> Item | None:
        """The same garment for this character's body."""
        same = (x for x in self.items[item.layer].values() if x.body == self.body and _stem(x) == _stem(item))
        return next(same, None)

    # wishes

    def _asked(self) -> dict[str, Item]:
        """The items asked for, by layer."""
        asked = {}
        for layer, name in self.spec.items.items():
            if not name:
                if self.manifest.layer(layer).required:
                    raise BadRequest(f"the layer {layer!r} cannot be taken off: every character has one")
                continue
            table = self.items[layer]
            if name in table:
                asked[layer] = table[name]
                continue
            variants = [x for x in table.values() if x.body and _stem(x) == name]
            if not variants:
                raise BadRequest(f"unknown item of layer {layer!r}: {name!r}", hint=near(name, table))
            if not self.body:
                self.body = self._open_body({x.body for x in variants})
            fitting = [x for x in variants if x.body == self.body]
            if not fitting:
                made = listed(x.id for x in variants)
                raise BadRequest(f"{layer} {name!r} is not made for body {self.body!r}", hint=f"there is {made}")
            asked[layer] = fitting[0]
        return asked

    def _open_body(self, bodies: set[str]) -> str:
        """The body that the seed gives, among those."""
        weights = self._weights(BODY_LAYER, lambda x: x.body in bodies) or dict.fromkeys(
            (x.id for x in self.items[BODY_LAYER].values() if x.body in bodies), 1.0
        )
        return self.items[BODY_LAYER][self._item_race(BODY_LAYER, weights)].body

    def _check_conflicts(self, asked: Mapping[str, Item]) -> None:
        """Refuse wishes that cannot be seen: hidden by, or not fitting under, something asked for or kept."""
        changed = self._items_of((layer for layer in self.moves if layer in self.kept), self.kept)
        for item in (*asked.values(), *changed):
            for other in (*asked.values(), *self._items_of(self.kept, self.kept)):
                if item.layer in other.hides:
                    raise BadRequest(
                        f"{item.layer} {item.id!r} would not be seen: {other.layer} {other.id!r} hides it",
                        hint=f"ask for another {other.layer}, or none",
                    )
                if item.layer in self.kept:
                    continue  # only its style changes, so it fits as it did
                for outer, inner in ((item, other), (other, item)):
                    allowed = outer.allows.get(inner.layer, (inner.id,))
                    if inner.id not in allowed and inner.layer not in outer.hides:
                        raise BadRequest(
                            f"{inner.layer} {inner.id!r} does not fit under {outer.layer} {outer.id!r}",
                            hint=f"these {inner.layer} items do: {listed(allowed)}" if allowed else "none does",
                        )

    def _check_needs(self, wanted: Iterable[Item], chosen: Mapping[str, LayerChoice]) -> None:
        """Refuse a wish that cannot be seen because what it is fixed to is not worn."""
        for item in wanted:
            missing = [layer for layer in item.needs if layer not in chosen]
            if missing:
                raise BadRequest(
                    f"{item.layer} {item.id!r} needs a {missing[0]}, and this character wears none",
                    hint=f"ask for a {missing[0]} too: {listed(self.items[missing[0]])}",
                )

    def _items_of(self, layers: Iterable[str], choices: Mapping[str, LayerChoice]) -> list[Item]:
        """The items of those layers."""
        return [self.items[layer][choices[layer].item] for layer in layers]

    # draws

    def _order(self) -> list[str]:
        """Layers to draw: the body, then those with controls, those whose items rule over others, and the rest."""
        open_layers = [
            x.id for x in self.manifest.layers
            if x.id not in self.kept and x.id not in self.spec.items and (self.base is None or x.id in self.redrawn_layers)
        ]  # fmt: skip
        rulers = {x.layer for x in self.manifest.items if x.hides or x.allows}
        return sorted(open_layers, key=lambda x: (x != BODY_LAYER, x not in self.moves, x not in rulers))

    def _draw(self, layer: str, chosen: Mapping[str, LayerChoice], pinned: set[str]) -> Item | None:
        """The item that the seed gives this layer, None for not worn. Raises BadRequest where a control finds none."""
        moves, required = self.moves.get(layer), self.manifest.layer(layer).required
        odds = self.archetype.layers.get(layer)
        if not (required or moves) and (odds is None or unit(self.seed, layer, "worn") >= odds.chance):
            return None
        worn = [self.items[x][choice.item] for x, choice in chosen.items()]

        def possible(item: Item) -> bool:
            if moves and (item.id not in moves.ids or any(layer in other.hides for other in worn)):
                return False  # a style that is asked for must be seen
            return self._fits_body(item) and all(compatible(item, other, other.layer in pinned) for other in worn)

        weights = self._weights(layer, possible) or self._fallback(layer, possible, required and not moves)
        if moves and not weights:
            raise BadRequest(
                f"none of the {layer} items that take {moves.names} goes with the rest of this character",
                hint=f"they are {listed(x.id for x in moves.items)}: change what else is asked for or kept",
            )
        if not weights:
            return None
        item = self.items[layer][self._item_race(layer, weights)]
        if layer == BODY_LAYER:
            self.body = item.body
        return item

    def _fits_body(self, item: Item) -> bool:
        return not item.body or not self.body or item.body == self.body

    def _weights(self, layer: str, possible: _Test) -> dict[str, float]:
        """Item -> weight, of the archetype's items of the layer that are possible."""
        odds = self.archetype.layers.get(layer)
        table = odds.items if odds else {}
        return {i: w for i, w in table.items() if w > 0 and possible(self.items[layer][i])}

    def _fallback(self, layer: str, possible: _Test, required: bool) -> dict[str, float]:
        """Where the archetype has nothing that fits: any item that does; for required layers one that fits the body."""
        every = self.items[layer].values()
        names = [x.id for x in every if possible(x)]
        if not names and required:
            names = [x.id for x in every if self._fits_body(x)] or [x.id for x in every]
        return dict.fromkeys(names, 1.0)

    def _race(self, weights: Mapping[str, float], *names: str) -> str:
        """The winner of the exponential race among names, "" of none."""
        start = sha256("\0".join((str(self.seed), *names, "")).encode("utf-8"))  # of unit(seed, *names, x), for every x
        winner, best = "", math.inf
        for name, weight in weights.items():
            hashed = start.copy()
            hashed.update(name.encode("utf-8"))
            time = -math.log(_unit(hashed.digest())) / weight
            if time < best:
                winner, best = name, time
        return winner

    def _item_race(self, layer: str, weights: Mapping[str, float], purpose: str = "item") -> str:
        """The same among items; garments that differ only in the body run under one name, so both bodies dress alike."""
        runners = {_stem(self.items[layer][i]): i for i in weights}
        if len(runners) < len(weights):  # the body is open: both variants run
            return self._race(weights, layer, purpose)
        return runners[self._race({stem: weights[i] for stem, i in runners.items()}, layer, purpose)]

    def _mixed(self, item: Item) -> LayerChoice:
        """The item, or with probability novelty a mixture with another one like it."""
        if unit(self.seed, item.layer, "mix") >= self.novelty / 100:
            return LayerChoice(item.id)
        moves = self.moves.get(item.layer)
        others = {x.id: 1.0 for x in partners(self.manifest, item) if not moves or x.id in moves.ids}
        if not others:
            return LayerChoice(item.id)
        reach = (MIX_MOST - MIX_LEAST) * self.novelty / 100
        amount = MIX_LEAST + round(reach * unit(self.seed, item.layer, "amount"))
        return LayerChoice(item.id, self._item_race(item.layer, others, "partner"), amount)

    def _ramp(self, group: str, kind: str) -> str:
        if group in self.spec.ramps:
            return self.spec.ramps[group]
        if self.base is not None and group in self.base.ramps and group not in self.redrawn_groups:
            return self.base.ramps[group]
        odds = self.archetype.ramps.get(group) or dict.fromkeys((x.id for x in self.manifest.ramps_of(kind)), 1.0)
        return self._race({ramp: w for ramp, w in odds.items() if w > 0}, group, "ramp")


def _stem(item: Item) -> str:
    """The id without the body: one name for the same garment of every body."""
    return item.id.rpartition(".")[0] or item.id if item.body else item.id
