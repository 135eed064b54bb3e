"""``${params.x}`` and ``${matrix.x}`` in the texts of a pipeline file.

A text that is nothing but one template takes the value with its type; inside a longer text the value is written
out. ``$${`` stands for a literal ``${``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bongsu.domain.fieldpath import FieldPath
from bongsu.domain.pipeline import Scalar
from bongsu.domain.scalars import format_scalar

_TOKEN = re.compile(r"\$\$\{|\$\{(?P<inside>[^{}$]*)\}|\$\{")
_NAME = re.compile(r"\s*(?P<scope>[a-z]+)\.(?P<name>[a-zA-Z][a-zA-Z0-9]*)\s*")
SCOPES = ("params", "matrix")


MAX_FAULTS = 20
"""Of the faulty holes of one text, so many are told."""
MAX_FILLED = 256 * 2**10
"""Characters of one text whose templates are filled in."""


@dataclass(frozen=True)
class Hole:
    """One ``${scope.name}``. ``scope`` is empty if it is not written like that."""

    scope: str
    name: str
    offset: int
    text: str

    @property
    def is_valid(self) -> bool:
        return self.scope in SCOPES


@dataclass(frozen=True)
class Template:
    """A text cut into literal parts (escapes undone) and holes."""

    parts: tuple[str | Hole, ...]

    @property
    def holes(self) -> tuple[Hole, ...]:
        return tuple(part for part in self.parts if isinstance(part, Hole))

    def length(self, values: Mapping[str, Mapping[str, Scalar]]) -> int:
        """At least as many characters as the text that :meth:`fill` or :meth:`fill_some` makes, without making it.

        A name that is missing counts as it is written.
        """
        found: dict[tuple[str, str], int] = {}
        total = 0
        for part in self.parts:
            if isinstance(part, str):
                total += len(part) + part.count("${")
                continue
            name = (part.scope, part.name)
            if name not in found:
                value = values.get(part.scope, {}).get(part.name)
                text = part.text if value is None else format_scalar(value)
                found[name] = len(text) + text.count("${")
            total += found[name]
        return total

    def fill(self, values: Mapping[str, Mapping[str, Scalar]]) -> Scalar:
        """The value with every hole filled. Raises KeyError if a name is missing."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Hole):
            return values[self.parts[0].scope][self.parts[0].name]
        return "".join(
            part if isinstance(part, str) else format_scalar(values[part.scope][part.name]) for part in self.parts
        )

    def fill_some(self, scope: str, values: Mapping[str, Scalar]) -> Scalar:
        """Fill the holes of one scope; the rest stays a template that :func:`parse_template` reads again."""
        only = self.parts[0] if len(self.parts) == 1 else None
        if isinstance(only, Hole) and only.scope == scope and not isinstance(values[only.name], str):
            return values[only.name]
        out = ""
        for part in self.parts:
            if isinstance(part, str):
                out += escape(part)
            elif part.scope == scope:
                out += escape(format_scalar(values[part.name]))
            else:
                out += part.text
        return out


def escape(text: str) -> str:
    return text.replace("${", "$${")


@lru_cache(maxsize=4096)
def parse_template(text: str) -> Template:
    """Cut ``text``. What looks like a template and is none becomes a hole that is not valid."""
    parts: list[str | Hole] = []
    at = 0
    for token in _TOKEN.finditer(text):
        if token.start() > at:
            parts.append(text[at : token.start()])
        at = token.end()
        name = _NAME.fullmatch(token["inside"] or "")
        if token.group() == "$${":
            parts.append("${")
        elif name:
            parts.append(Hole(name["scope"], name["name"], token.start(), token.group()))
        else:
            parts.append(Hole("", "", token.start(), token.group()))
    if at < len(text):
        parts.append(text[at:])
    return Template(_joined(parts))


def _joined(parts: list[str | Hole]) -> tuple[str | Hole, ...]:
    out: list[str | Hole] = []
    for part in parts:
        last = out[-1] if out else None
        if isinstance(part, str) and isinstance(last, str):
            out[-1] = last + part
        else:
            out.append(part)
    return tuple(out)


def has_template(value: Any) -> bool:
    """True if a text somewhere in ``value`` holds ``${`` or an escape of it."""
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, dict):
        return any(map(has_template, value.values()))
    return isinstance(value, list | tuple) and any(map(has_template, value))


def fill_deep(value: Any, values: Mapping[str, Mapping[str, Scalar]]) -> Any:
    """A copy of ``value`` with every template in it filled. Raises KeyError if a name is missing."""
    if isinstance(value, str):
        return parse_template(value).fill(values) if "${" in value else value
    if isinstance(value, dict):
        return {key: fill_deep(item, values) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill_deep(item, values) for item in value]
    return value


def filled_length(value: Any, values: Mapping[str, Mapping[str, Scalar]]) -> int:
    """Characters of all texts and keys in ``value`` once :func:`fill_deep` has filled them."""
    if isinstance(value, str):
        return parse_template(value).length(values) if "${" in value else len(value)
    if isinstance(value, dict):
        return sum(len(key) + filled_length(item, values) for key, item in value.items())
    if isinstance(value, list | tuple):
        return sum(filled_length(item, values) for item in value)
    return 1


def texts(value: Any, path: FieldPath) -> Iterator[tuple[FieldPath, str]]:
    """Every text in ``value`` that may hold a template, with its path."""
    if isinstance(value, str):
        if "${" in value:
            yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from texts(item, (*path, index))
