"""A condition as a whole: what it asks for, and its answer once enough is known."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bongsu.domain.codes import spec as codes
from bongsu.domain.conditions.expression import Compare, Expression, Literal, Logic, Name, names_in, renamed
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.pipeline import Scalar
from bongsu.domain.problems import BongsuError

_NEITHER = N_("{part} is neither true nor false")
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Facts:
    """What is known. ``states`` and ``metrics`` are by target, as the condition names them."""

    params: Mapping[str, Scalar] = field(default_factory=dict)
    matrix: Mapping[str, Scalar] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Condition:
    """A parsed condition; ``str()`` writes it so that :func:`parse` reads the same."""

    expression: Expression

    def __str__(self) -> str:
        return str(self.expression)

    @property
    def names(self) -> tuple[Name, ...]:
        """Every fact it asks for, in the order of the text."""
        return tuple(sorted(names_in(self.expression), key=lambda name: name.offset))

    @property
    def targets(self) -> tuple[Name, ...]:
        """One name for each stage (or selected point of one) that must be over before it can be evaluated."""
        return tuple({name.target: name for name in self.names if name.owner}.values())

    def renamed(self, stages: Mapping[str, str]) -> Condition:
        """With other names for targets, e.g. the ids of matrix points."""
        return Condition(renamed(self.expression, stages))

    def partial(self, params: Mapping[str, Scalar], matrix: Mapping[str, Scalar] | None = None) -> bool | Condition:
        """What can be said before anything ran: the answer, or the condition that remains.

        Raises BongsuError (``spec.condition-type``) if values cannot be compared.
        """
        rest = _reduce(self.expression, Facts(params, matrix or {}))
        return _truth(rest) if isinstance(rest, Literal) else Condition(rest)

    def evaluate(self, facts: Facts) -> bool:
        """The answer, once the stages it names are over.

        Raises BongsuError: ``spec.condition-missing`` for a figure that no stage reported (and that decides),
        ``spec.condition-type`` for values that cannot be compared.
        """
        rest = _reduce(self.expression, facts)
        if isinstance(rest, Literal):
            return _truth(rest)
        missing = next(names_in(rest), None)
        if missing is None:
            raise _undecidable(phrase(_NEITHER, part=rest))
        known = {"metrics": facts.metrics.get(missing.target, {})}.get(missing.scope, {})
        raise codes.CONDITION_MISSING.error(name=str(missing), known=_listed(known))


def _reduce(part: Expression, facts: Facts) -> Expression:
    """Replace what is known; a literal if that decides, whatever the rest may be."""
    match part:
        case Name():
            return _look_up(part, facts)
        case Compare():
            left, right = (_reduce(side, facts) for side in (part.left, part.right))
            if isinstance(left, Literal) and isinstance(right, Literal):
                return Literal(_compare(part.operator, left.value, right.value))
            return Compare(part.operator, left, right)
        case Logic(operator="not"):
            inner = _reduce(part.parts[0], facts)
            return Literal(not _truth(inner)) if isinstance(inner, Literal) else Logic("not", (inner,))
        case Logic():
            return _reduce_logic(part, facts)
        case _:
            return part


def _reduce_logic(part: Logic, facts: Facts) -> Expression:
    decides = part.operator == "or"
    rest: list[Expression] = []
    for item in part.parts:
        reduced = _reduce(item, facts)
        if not isinstance(reduced, Literal):
            rest.append(reduced)
        elif _truth(reduced) is decides:
            # What is unknown cannot change the answer, wherever it stands.
            return Literal(decides)
    if not rest:
        return Literal(not decides)
    return rest[0] if len(rest) == 1 else Logic(part.operator, tuple(rest))


def _look_up(name: Name, facts: Facts) -> Expression:
    tables: Mapping[str, Mapping[str, Any]] = {
        "params": facts.params,
        "matrix": facts.matrix,
        "state": {"": facts.states[name.target]} if name.target in facts.states else {},
        "metrics": facts.metrics.get(name.target, {}),
    }
    table = tables[name.scope]
    if name.key in table:
        return Literal(table[name.key])
    return name


def _listed(names: Iterable[str]) -> Words:
    return ", ".join(sorted(names)) or phrase(N_("none"))


def _truth(part: Expression) -> bool:
    if isinstance(part, Literal) and isinstance(part.value, bool):
        return part.value
    raise _undecidable(phrase(_NEITHER, part=part))


def _compare(word: str, left: Any, right: Any) -> bool:
    if word in ("in", "not in"):
        if isinstance(right, str) and isinstance(left, str):
            return (left in right) is (word == "in")
        if not isinstance(right, tuple):
            raise _undecidable(phrase(N_("{value} is not a list"), value=Literal(right)))
        return any(_equal(left, item) for item in right) is (word == "in")
    if word in ("==", "!="):
        return _equal(left, right) is (word == "==")
    if _kind(left) != _kind(right) or _kind(left) not in ("number", "text"):
        words = N_("{left} and {right} have no order")
        raise _undecidable(phrase(words, left=Literal(left), right=Literal(right)))
    return _ORDER[word](left, right)


def _equal(left: Any, right: Any) -> bool:
    return _kind(left) == _kind(right) and bool(left == right)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "list"


def _undecidable(detail: Words) -> BongsuError:
    return codes.CONDITION_TYPE.error(detail=detail)
