"""The recipe as a text of about 100 characters, for chat, tickets and save games.

`vcg1.` and base64url of: format (1 byte), first 8 bytes of the bundle's sha256, seed, archetype, novelty, a bit per layer
worn, per worn layer its item and how it is mixed, per worn colour group its ramp, crc32. Names are indices into the
manifest, which the sha256 pins, so writing and reading need that manifest. Numbers are LEB128 unless said otherwise.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import NoReturn

from vcg_bridge.contract.errors import RecipeError
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.recipe import RECIPE_FORMAT, LayerChoice, Recipe
from vcg_bridge.contract.recipe_io import check_model, check_recipe, worn_groups

PREFIX = "vcg1."
SHA_BYTES = 8
MAX_TEXT = 200_000  # characters; 18 layers of free style codes of 64 numbers are 1600

_PURE, _MIX, _CODE = 0, 1, 2
_BASE64 = re.compile(r"[A-Za-z0-9_-]+")


def is_recipe_text(text: str) -> bool:
    """Whether `text` is meant as a recipe in text form (it may still be damaged)."""
    return text.strip().startswith(PREFIX)


def recipe_text(manifest: Manifest, recipe: Recipe) -> str:
    """The text form. Raises RecipeError where the recipe is not one of this bundle."""
    check_recipe(manifest, recipe)
    archetypes = [""] + [x.id for x in manifest.archetypes]
    out = bytearray([RECIPE_FORMAT]) + bytes.fromhex(recipe.model_sha256)[:SHA_BYTES]
    _put(out, recipe.seed)
    _put(out, archetypes.index(recipe.archetype))
    out.append(recipe.novelty)
    worn = [layer.id in recipe.layers for layer in manifest.layers]
    out += sum(1 << i for i, yes in enumerate(worn) if yes).to_bytes((len(worn) + 7) // 8, "little")
    items = {layer: list(table) for layer, table in manifest.items_by_layer.items()}
    for layer in manifest.layers:
        if layer.id not in recipe.layers:
            continue
        choice, names = recipe.layers[layer.id], items[layer.id]
        how = _CODE if choice.code else _MIX if choice.mix else _PURE
        _put(out, names.index(choice.item) << 2 | how)
        if how == _MIX:
            _put(out, names.index(choice.mix))
            out.append(choice.amount)
        elif how == _CODE:
            out += bytes(c & 0xFF for c in choice.code)
    for group, kind in worn_groups(manifest, recipe.layers).items():
        _put(out, [x.id for x in manifest.ramps_of(kind)].index(recipe.ramps[group]))
    out += binascii.crc32(out).to_bytes(4, "little")
    return PREFIX + base64.urlsafe_b64encode(out).rstrip(b"=").decode("ascii")


def text_model(text: str) -> str:
    """The first 16 hex digits of the sha256 of the bundle that the text belongs to. Raises RecipeError."""
    return _unwrap(text)[1 : 1 + SHA_BYTES].hex()


def recipe_from_text(manifest: Manifest, text: str) -> Recipe:
    """The recipe of a text form. Raises RecipeError for damage, a newer format or another bundle."""
    source = _Source(_unwrap(text))
    source.take(1)  # the format, checked by _unwrap
    check_model(manifest, manifest.name, source.take(SHA_BYTES).hex())
    seed = source.number()
    archetype = source.one_of([""] + [x.id for x in manifest.archetypes])
    novelty = source.take(1)[0]
    worn = int.from_bytes(source.take((len(manifest.layers) + 7) // 8), "little")
    items = {layer: list(table) for layer, table in manifest.items_by_layer.items()}
    layers = {}
    for i, layer in enumerate(manifest.layers):
        if worn >> i & 1:
            head = source.number()
            how, names = head & 3, items[layer.id]
            item = source.name(names, head >> 2)
            if how == _MIX:
                layers[layer.id] = LayerChoice(item, source.one_of(names), source.take(1)[0])
            elif how == _CODE:
                code = tuple(b - 256 if b > 127 else b for b in source.take(manifest.z_dim))
                layers[layer.id] = LayerChoice(item, code=code)
            else:
                layers[layer.id] = LayerChoice(item)
    ramps = {
        group: source.one_of([x.id for x in manifest.ramps_of(kind)])
        for group, kind in worn_groups(manifest, layers).items()
    }
    recipe = Recipe(manifest.name, manifest.sha256, seed, archetype, novelty, layers, ramps)
    if recipe_text(manifest, recipe) != text.strip():  # trailing bytes, overlong numbers: one recipe has one text
        _damaged()
    return recipe


def _damaged() -> NoReturn:
    raise RecipeError("the recipe text is damaged", hint=f"copy it whole, from {PREFIX!r} to its last character")


def _unwrap(text: str) -> bytes:
    """The bytes before the checksum, with checksum and format checked."""
    text = text.strip()
    if re.match(r"vcg\d+\.", text) and not text.startswith(PREFIX):
        raise RecipeError(
            f"the recipe text is of a form that this VCG Bridge does not read: {text[:8]!r}", hint="update"
        )
    body = text.removeprefix(PREFIX)
    if body == text or len(text) > MAX_TEXT or not _BASE64.fullmatch(body) or len(body) % 4 == 1:
        _damaged()
    data = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    if len(data) < 1 + SHA_BYTES + 4 or binascii.crc32(data[:-4]).to_bytes(4, "little") != data[-4:]:
        _damaged()
    if data[0] != RECIPE_FORMAT:
        raise RecipeError(
            f"the recipe text has format {data[0]}; this VCG Bridge reads format {RECIPE_FORMAT}",
            hint="update VCG Bridge",
        )
    return data[:-4]


def _put(out: bytearray, value: int) -> None:
    """Append an unsigned LEB128 number."""
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


class _Source:
    """Reads the bytes in order; whatever does not fit is damage."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if len(piece) != count:
            _damaged()
        self._at += count
        return piece

    def number(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        _damaged()

    def one_of(self, names: Sequence[str]) -> str:
        return self.name(names, self.number())

    def name(self, names: Sequence[str], index: int) -> str:
        if index >= len(names):
            _damaged()
        return names[index]
