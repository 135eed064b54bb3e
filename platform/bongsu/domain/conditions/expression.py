"""What a condition is made of: names, literals, comparisons and logic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from keyword import iskeyword

from bongsu.domain.pipeline import Scalar
from bongsu.domain.references import Selection, written


@dataclass(frozen=True)
class Name:
    """A fact that a condition asks for.

    Attributes:
        scope: ``params``, ``matrix``, ``state`` or ``metrics``.
        owner: the stage, for ``state`` and ``metrics``; ``point`` selects one of its points.
        key: name of the parameter, the axis or the figure; empty for ``state``.
        offset: characters into the text.
    """

    scope: str
    owner: str
    key: str
    offset: int = field(default=0, compare=False)
    point: Selection = ()

    @property
    def target(self) -> str:
        """The stage as it is written, ``heal`` or ``heal[keepFraction=0.5]``; empty where no stage is asked."""
        return written(self.owner, self.point)

    def __str__(self) -> str:
        if self.scope == "state":
            return f"{self.target}.state"
        table = f"{self.target}.metrics" if self.owner else self.scope
        plain = self.key.isidentifier() and not iskeyword(self.key)
        return f"{table}.{self.key}" if plain else f"{table}[{self.key!r}]"


@dataclass(frozen=True)
class Literal:
    value: Scalar | tuple[Scalar, ...]

    def __str__(self) -> str:
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        if isinstance(self.value, tuple):
            return "[" + ", ".join(str(Literal(item)) for item in self.value) + "]"
        return repr(self.value)


@dataclass(frozen=True)
class Compare:
    operator: str
    left: Expression
    right: Expression

    def __str__(self) -> str:
        return f"{_grouped(self.left)} {self.operator} {_grouped(self.right)}"


@dataclass(frozen=True)
class Logic:
    """``and``, ``or`` (two or more parts) and ``not`` (one)."""

    operator: str
    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        if self.operator == "not":
            return f"not {_grouped(self.parts[0])}"
        return f" {self.operator} ".join(map(_grouped, self.parts))


Expression = Name | Literal | Compare | Logic


def _grouped(part: Expression) -> str:
    return f"({part})" if isinstance(part, Compare | Logic) else str(part)


def names_in(part: Expression) -> Iterator[Name]:
    match part:
        case Name():
            yield part
        case Compare():
            yield from names_in(part.left)
            yield from names_in(part.right)
        case Logic():
            for item in part.parts:
                yield from names_in(item)


def renamed(part: Expression, stages: Mapping[str, str]) -> Expression:
    match part:
        case Name():
            return replace(part, owner=stages[part.target], point=()) if part.target in stages else part
        case Compare():
            return Compare(part.operator, renamed(part.left, stages), renamed(part.right, stages))
        case Logic():
            return Logic(part.operator, tuple(renamed(item, stages) for item in part.parts))
        case _:
            return part
