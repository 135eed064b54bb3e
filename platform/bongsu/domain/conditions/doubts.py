"""What can be said against a condition before anything ran: comparisons that never hold, and what is no condition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bongsu.domain.codes import spec as codes
from bongsu.domain.conditions.expression import Compare, Expression, Literal, Logic, Name
from bongsu.domain.fieldpath import Finding
from bongsu.domain.links import listed
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.pipeline import Scalar
from bongsu.domain.run import VISIBLE_STATES
from bongsu.domain.suggest import closest

_ORDER = frozenset({"<", "<=", ">", ">="})


def doubts(expression: Expression, params: Mapping[str, Scalar]) -> list[Finding]:
    """Findings with an empty path and an offset into the condition's text.

    Args:
        expression: of the whole condition.
        params: values of the pipeline's parameters, as far as they are known.
    """
    return list(_Doubter(params).of_truth(expression))


class _Doubter:
    def __init__(self, params: Mapping[str, Scalar]) -> None:
        self._params = params

    def of_truth(self, part: Expression) -> Iterator[Finding]:
        """Of something that has to be true or false."""
        match part:
            case Logic(parts=parts):
                for inner in parts:
                    yield from self.of_truth(inner)
            case Compare():
                yield from self._of_comparison(part)
            case _ if self._kind(part) not in ("bool", ""):
                yield _cannot(part, phrase(N_("{part} is neither true nor false"), part=part))

    def _of_comparison(self, part: Compare) -> Iterator[Finding]:
        left, right = self._kind(part.left), self._kind(part.right)
        wrong_states = list(_unknown_states(part))
        if wrong_states:
            yield from wrong_states
        elif part.operator in ("in", "not in"):
            yield from self._of_membership(part, left)
        elif not left or not right:
            return
        elif part.operator in _ORDER and (left != right or left not in ("number", "text")):
            words = N_("{left} and {right} have no order")
            yield _cannot(part.left, phrase(words, left=part.left, right=part.right))
        elif left != right:
            words = N_("{left} and {right} are of different kinds and never equal")
            yield _cannot(part.left, phrase(words, left=part.left, right=part.right))

    def _of_membership(self, part: Compare, kind: str) -> Iterator[Finding]:
        if not isinstance(part.right, Literal) or not kind:
            return
        items = part.right.value if isinstance(part.right.value, tuple) else (part.right.value,)
        if all(_kind_of(item) != kind for item in items):
            words = N_("nothing in {right} is of the kind of {left}")
            yield _cannot(part.left, phrase(words, left=part.left, right=part.right))

    def _kind(self, part: Expression) -> str:
        """``number``, ``text``, ``bool`` or ``list``; empty where nobody knows yet."""
        match part:
            case Name(scope="state"):
                return "text"
            case Name(scope="metrics"):
                return "number"
            case Name(scope="params", key=key) if key in self._params:
                return _kind_of(self._params[key])
            case Literal(value=value):
                return _kind_of(value)
        return "bool" if isinstance(part, Compare | Logic) else ""


def _unknown_states(part: Compare) -> Iterator[Finding]:
    """A state is compared with a word that no stage's state is."""
    for name, other in ((part.left, part.right), (part.right, part.left)):
        if isinstance(name, Name) and name.scope == "state" and isinstance(other, Literal):
            words = other.value if isinstance(other.value, tuple) else (other.value,)
            for word in words:
                if isinstance(word, str) and word not in VISIBLE_STATES:
                    near = closest(word, VISIBLE_STATES)
                    args = {"value": word, "known": listed(VISIBLE_STATES), "suggestion": near}
                    yield Finding(codes.CONDITION_STATE, (), args, name.offset)


def _cannot(part: Expression, detail: object) -> Finding:
    offset = part.offset if isinstance(part, Name) else None
    return Finding(codes.CONDITION_TYPE, (), {"detail": detail}, offset)


def _kind_of(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "list"
