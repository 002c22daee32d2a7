"""Strict reading of parsed JSON: every value by name, type and range, every fault with its path.

Used for manifests and recipes. A fault is raised as the error class the reader was made with, so that a broken
bundle is a BundleError and a broken recipe a RecipeError, each naming the source and the path inside it
(`layers[3].parts[0].poses.walk`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, TypeVar

from vcg_bridge.contract.errors import VcgError, near

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
SHA256 = re.compile(r"[0-9a-f]{64}")

T = TypeVar("T")


class Reader:
    """Where a value came from, and how to complain about it."""

    def __init__(self, error: type[VcgError], source: str, hint: str) -> None:
        self._error, self._source, self._hint = error, source, hint

    def fail(self, path: str, problem: str, hint: str = "") -> NoReturn:
        """Raise the reader's error for the value at `path`."""
        place = f"{self._source}: {_visible(path)}" if path else self._source
        raise self._error(f"{place}: {problem}", hint=hint or self._hint)

    def parse(self, data: bytes) -> Node:
        """Parse UTF-8 JSON. Repeated keys, NaN and infinities are faults."""

        def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            table: dict[str, Any] = {}
            for key, value in pairs:
                if key in table:
                    raise ValueError(f"the key {key!r} is there twice")
                table[key] = value
            return table

        def constant(name: str) -> NoReturn:
            raise ValueError(f"{name} is not a number that JSON has")

        try:
            value = json.loads(data.decode("utf-8"), object_pairs_hook=unique, parse_constant=constant)
        except RecursionError:
            self.fail("", "is nested too deeply")
        except ValueError as error:
            self.fail("", f"is not valid JSON: {error}")
        return Node(self, "", value)


def _visible(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def _shown(value: Any) -> str:
    """Some of a value of any size, in characters that do nothing to a terminal or a log."""
    if isinstance(value, dict | list) and value:
        return f"{'an object' if isinstance(value, dict) else 'an array'} of {len(value)}"
    if isinstance(value, str):
        value = value[:60]
    elif (
        isinstance(value, int) and not -(1 << 64) < value < 1 << 64
    ):  # Python is slow at the digits of large ones, and refuses very large ones
        return "a number of more than 64 bits"
    shown = _visible(json.dumps(value, ensure_ascii=False, default=str))
    return shown if len(shown) <= 60 else shown[:57] + "..."


class Node:
    """One JSON value with its path. The methods give checked Python values or raise."""

    __slots__ = ("path", "reader", "value")

    def __init__(self, reader: Reader, path: str, value: Any) -> None:
        self.reader, self.path, self.value = reader, path, value

    def fail(self, problem: str, hint: str = "") -> NoReturn:
        self.reader.fail(self.path, problem, hint)

    def _expected(self, what: str) -> NoReturn:
        self.fail(f"expected {what}, found {_shown(self.value)}")

    # objects

    def object(self, required: Sequence[str], optional: Sequence[str] = ()) -> Node:
        """This node, checked to be an object with all `required` keys and no key that is in neither list."""
        if not isinstance(self.value, dict):
            self._expected("an object")
        for key in required:
            if key not in self.value:
                self.fail(f"the field {key!r} is missing")
        known = (*required, *optional)
        for key in self.value:
            if key not in known:
                self.fail(f"unknown field {key!r}", near(str(key), known))
        return self

    def has(self, key: str) -> bool:
        return key in self.value

    def __getitem__(self, key: str) -> Node:
        return Node(self.reader, f"{self.path}.{key}" if self.path else key, self.value[key])

    def table(self, most: int = 100_000) -> Iterator[tuple[str, Node]]:
        """Keys and nodes of an object of bounded size whose keys are ids."""
        if not isinstance(self.value, dict):
            self._expected("an object")
        if len(self.value) > most:
            self.fail(f"has {len(self.value)} entries; at most {most} are possible")
        return ((key, self[key]) for key in self.value)

    # arrays

    def array(self, least: int = 0, most: int = 100_000) -> Iterator[Node]:
        """The elements of an array of bounded length."""
        if not isinstance(self.value, list):
            self._expected("an array")
        if not least <= len(self.value) <= most:
            self.fail(f"has {len(self.value)} elements; {least} to {most} are possible")
        return (Node(self.reader, f"{self.path}[{i}]", x) for i, x in enumerate(self.value))

    def each(self, read: Callable[[Node], T], least: int = 0, most: int = 100_000) -> tuple[T, ...]:
        return tuple(read(node) for node in self.array(least, most))

    def ints(self, low: int, high: int, length: int) -> tuple[int, ...]:
        """An array of exactly `length` integers within low..high. Fast: used for style codes."""
        if not isinstance(self.value, list) or len(self.value) != length:
            self._expected(f"an array of {length} integers")
        if not all(type(x) is int and low <= x <= high for x in self.value):
            self.fail(f"holds something that is not an integer from {low} to {high}")
        return tuple(self.value)

    # scalars

    def integer(self, low: int, high: int) -> int:
        if type(self.value) is not int or not low <= self.value <= high:
            self._expected(f"an integer from {low} to {high}")
        return int(self.value)

    def number(self, low: float, high: float) -> float:
        if type(self.value) not in (int, float) or not low <= self.value <= high:
            self._expected(f"a number from {low:g} to {high:g}")
        return float(self.value)

    def boolean(self) -> bool:
        if type(self.value) is not bool:
            self._expected("true or false")
        return bool(self.value)

    def text(self, least: int = 0, most: int = 1000) -> str:
        if not isinstance(self.value, str) or not least <= len(self.value) <= most:
            self._expected(f"a text of {least} to {most} characters")
        if any((ord(c) < 32 and c not in "\n\t") or 0xD800 <= ord(c) <= 0xDFFF for c in self.value):
            self.fail("the text holds control characters or is not valid Unicode")
        return str(self.value)

    def slug(self) -> str:
        if not isinstance(self.value, str) or not SLUG.fullmatch(self.value) or ".." in self.value:
            self._expected("an id of lower-case letters, digits, '-', '.' and '_' (at most 64 characters)")
        return str(self.value)

    def sha256(self) -> str:
        if not isinstance(self.value, str) or not SHA256.fullmatch(self.value):
            self._expected("a sha256 in 64 hex digits")
        return str(self.value)

    def one_of(self, names: Sequence[str]) -> str:
        """A text that is one of `names`."""
        if not isinstance(self.value, str) or self.value not in names:
            self._expected(f"one of {', '.join(names)}")
        return str(self.value)

    def known(self, names: Sequence[str] | dict[str, Any], what: str) -> str:
        """A text that refers to one of `names`; the complaint names the nearest."""
        if not isinstance(self.value, str):
            self._expected(f"the id of a {what}")
        if self.value not in names:
            self.fail(f"there is no {what} {self.value!r}", near(self.value, names))
        return str(self.value)
