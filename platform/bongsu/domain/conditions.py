"""Conditions of stages (``when``): a small expression language.

    perplexity.metrics['perplexity.law'] < 120 and params.register
    matrix.keepFraction in [0.5, 0.75]
    heal-fast.state == 'succeeded' and heal-fast.metrics.loss < 3

``and``, ``or``, ``not``, comparisons, ``in``, literals, lists of literals; names are ``params.x``, ``matrix.x``,
``STAGE.state`` and ``STAGE.metrics.x`` or ``STAGE.metrics['x.y']``. Nothing is called and nothing is computed.
Python's own parser reads the text and a list of allowed nodes makes a condition of it.
"""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bongsu.domain.codes import spec as codes
from bongsu.domain.fieldpath import Finding
from bongsu.domain.pipeline import Scalar
from bongsu.domain.problems import BongsuError

# Stage names have hyphens and may be keywords (`in`, `class`). In front of .state and .metrics they are written in
# capitals with underscores while Python parses: the length stays, so columns stay, and no two names meet.
_STRING_OR_STAGE = re.compile(
    r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|(?<![\w.\-])([a-z][-a-z0-9]*)(?=\s*\.\s*(?:metrics|state)\b)"""
)
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LITERAL_NAMES = {"true": True, "false": False}
_DEEPEST = 32
_INFINITE = (float("inf"),)


@dataclass(frozen=True)
class Name:
    """A fact that a condition asks for.

    Attributes:
        scope: ``params``, ``matrix``, ``state`` or ``metrics``.
        owner: the stage, for ``state`` and ``metrics``.
        key: name of the parameter, the axis or the figure; empty for ``state``.
        offset: characters into the text.
    """

    scope: str
    owner: str
    key: str
    offset: int = field(default=0, compare=False)

    def __str__(self) -> str:
        if self.scope in ("params", "matrix"):
            return f"{self.scope}.{self.key}"
        if self.scope == "state":
            return f"{self.owner}.state"
        plain = self.key.isidentifier()
        return f"{self.owner}.metrics.{self.key}" if plain else f"{self.owner}.metrics[{self.key!r}]"


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


@dataclass(frozen=True)
class Facts:
    """What is known. ``states`` and ``metrics`` are by stage, as the condition names them."""

    params: Mapping[str, Scalar] = field(default_factory=dict)
    matrix: Mapping[str, Scalar] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


class _Unknown(Exception):
    """A fact is not known yet."""


@dataclass(frozen=True)
class Condition:
    """A parsed condition; ``str()`` writes it so that :func:`parse` reads the same."""

    expression: Expression

    def __str__(self) -> str:
        return str(self.expression)

    @property
    def names(self) -> tuple[Name, ...]:
        """Every fact it asks for, in the order of the text."""
        return tuple(sorted(_names(self.expression), key=lambda name: name.offset))

    @property
    def stages(self) -> tuple[str, ...]:
        """Stages whose state or figures it asks for; they must be over before it can be evaluated."""
        return tuple(dict.fromkeys(name.owner for name in self.names if name.owner))

    def renamed(self, stages: Mapping[str, str]) -> Condition:
        """With other names for stages, e.g. the ids of matrix points."""
        return Condition(_renamed(self.expression, stages))

    def partial(self, params: Mapping[str, Scalar], matrix: Mapping[str, Scalar] | None = None) -> bool | Condition:
        """What can be said before anything ran: the answer, or the condition that remains.

        Raises BongsuError (``spec.condition-type``) if values cannot be compared.
        """
        rest = _reduce(self.expression, Facts(params, matrix or {}), final=False)
        return _truth(rest) if isinstance(rest, Literal) else Condition(rest)

    def evaluate(self, facts: Facts) -> bool:
        """The answer, once the stages it names are over.

        Raises BongsuError: ``spec.condition-missing`` for a figure that no stage reported (and that decides),
        ``spec.condition-type`` for values that cannot be compared.
        """
        rest = _reduce(self.expression, facts, final=True)
        return _truth(rest)


def parse(text: str) -> Condition | list[Finding]:
    """The condition, or what is wrong with it: findings with an empty path and an offset into ``text``."""
    stages = {match.start() for match in _STRING_OR_STAGE.finditer(text) if match[1]}
    prepared = _STRING_OR_STAGE.sub(_in_capitals, text)
    lead = len(prepared) - len(prepared.lstrip())
    prepared = prepared.replace("\n", " ").lstrip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's remarks on style, e.g. an escape it does not know
            tree = ast.parse(prepared, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        column = (getattr(error, "offset", None) or 1) - 1
        detail = getattr(error, "msg", None) or "it is too complex"
        return [_syntax(str(detail), min(lead + max(column, 0), max(len(text) - 1, 0)))]
    reader = _Reader(prepared, lead, stages)
    expression = reader.read(tree.body, 0)
    return reader.findings or Condition(expression)


def _in_capitals(match: re.Match[str]) -> str:
    return match[0].upper().replace("-", "_") if match[1] else match[0]


def _syntax(detail: str, offset: int) -> Finding:
    return Finding(codes.CONDITION_SYNTAX, (), {"detail": detail.rstrip(".")}, offset)


class _Reader:
    """Turns allowed nodes of Python's syntax tree into expressions, and others into findings."""

    def __init__(self, text: str, lead: int, stages: set[int]) -> None:
        self._bytes = text.encode()
        self._lead = lead
        self._stages = stages
        self.findings: list[Finding] = []

    def read(self, node: ast.expr, depth: int) -> Expression:
        if depth > _DEEPEST:
            return self._refuse(node, f"it nests deeper than {_DEEPEST} levels")
        match node:
            case ast.BoolOp():
                word = "and" if isinstance(node.op, ast.And) else "or"
                return Logic(word, tuple(self.read(part, depth + 1) for part in node.values))
            case ast.UnaryOp(op=ast.Not()):
                return Logic("not", (self.read(node.operand, depth + 1),))
            case ast.Compare():
                return self._compare(node, depth)
            case ast.Attribute() | ast.Subscript():
                return self._name(node)
            case ast.List() | ast.Tuple():
                values = [self._literal(item) for item in node.elts]
                return Literal(tuple(values))
            case _:
                return Literal(self._literal(node))

    def _compare(self, node: ast.Compare, depth: int) -> Expression:
        operands = [self.read(part, depth + 1) for part in (node.left, *node.comparators)]
        pairs: list[Expression] = []
        for index, op in enumerate(node.ops):
            word = _COMPARE.get(type(op))
            if word is None:
                self._refuse(node, "`is` is not known; write == or !=")
                word = "=="
            pairs.append(Compare(word, operands[index], operands[index + 1]))
        return pairs[0] if len(pairs) == 1 else Logic("and", tuple(pairs))

    def _literal(self, node: ast.expr) -> Scalar:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as value) if value not in _INFINITE:
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
                return -number
            case ast.Name(id=name) if name in _LITERAL_NAMES:
                return _LITERAL_NAMES[name]
            case ast.Name(id=name):
                self.findings.append(Finding(codes.CONDITION_NAME, (), {"name": name}, self._offset(node)))
            case _:
                self._refuse(node, "only names, texts, numbers, comparisons, and, or, not and in are known")
        return False

    def _name(self, node: ast.Attribute | ast.Subscript) -> Expression:
        offset = self._offset(node)
        match node:
            case ast.Attribute(value=ast.Name(id="params" | "matrix" as scope), attr=key):
                return Name(scope, "", key, offset)
            case ast.Attribute(value=ast.Name(id=owner), attr="state") if offset in self._stages:
                return Name("state", _stage(owner), "", offset)
            case (
                ast.Attribute(value=ast.Attribute(value=ast.Name(id=owner), attr="metrics"), attr=key)
                | ast.Subscript(
                    value=ast.Attribute(value=ast.Name(id=owner), attr="metrics"),
                    slice=ast.Constant(value=str() as key),
                )
            ) if offset in self._stages:
                return Name("metrics", _stage(owner), key, offset)
        self.findings.append(Finding(codes.CONDITION_NAME, (), {"name": ast.unparse(node)}, offset))
        return Literal(False)

    def _refuse(self, node: ast.expr, detail: str) -> Expression:
        self.findings.append(_syntax(detail, self._offset(node)))
        return Literal(False)

    def _offset(self, node: ast.expr) -> int:
        return self._lead + len(self._bytes[: node.col_offset].decode(errors="replace"))


def _stage(capitals: str) -> str:
    return capitals.lower().replace("_", "-")


def _names(part: Expression) -> Iterator[Name]:
    match part:
        case Name():
            yield part
        case Compare():
            yield from _names(part.left)
            yield from _names(part.right)
        case Logic():
            for item in part.parts:
                yield from _names(item)


def _renamed(part: Expression, stages: Mapping[str, str]) -> Expression:
    match part:
        case Name():
            return replace(part, owner=stages.get(part.owner, part.owner))
        case Compare():
            return Compare(part.operator, _renamed(part.left, stages), _renamed(part.right, stages))
        case Logic():
            return Logic(part.operator, tuple(_renamed(item, stages) for item in part.parts))
        case _:
            return part


def _reduce(part: Expression, facts: Facts, *, final: bool) -> Expression:
    """Replace what is known. With ``final`` the result is a literal."""
    match part:
        case Name():
            return _look_up(part, facts, final=final)
        case Compare():
            left, right = (_reduce(side, facts, final=final) for side in (part.left, part.right))
            if isinstance(left, Literal) and isinstance(right, Literal):
                return Literal(_compare(part.operator, left.value, right.value))
            return Compare(part.operator, left, right)
        case Logic(operator="not"):
            inner = _reduce(part.parts[0], facts, final=final)
            return Literal(not _truth(inner)) if isinstance(inner, Literal) else Logic("not", (inner,))
        case Logic():
            return _reduce_logic(part, facts, final=final)
        case _:
            return part


def _reduce_logic(part: Logic, facts: Facts, *, final: bool) -> Expression:
    decides = part.operator == "or"
    rest: list[Expression] = []
    for item in part.parts:
        reduced = _reduce(item, facts, final=final)
        if not isinstance(reduced, Literal):
            rest.append(reduced)
        elif _truth(reduced) is decides:
            # What stands before and is unknown may still fail, but cannot change the answer.
            return Literal(decides)
    if not rest:
        return Literal(not decides)
    return rest[0] if len(rest) == 1 else Logic(part.operator, tuple(rest))


def _look_up(name: Name, facts: Facts, *, final: bool) -> Expression:
    tables: Mapping[str, Mapping[str, Any]] = {
        "params": facts.params,
        "matrix": facts.matrix,
        "state": {"": facts.states[name.owner]} if name.owner in facts.states else {},
        "metrics": facts.metrics.get(name.owner, {}),
    }
    table = tables[name.scope]
    if name.key in table:
        return Literal(table[name.key])
    if final:
        raise codes.CONDITION_MISSING.error(name=str(name), known=_listed(table))
    return name


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _truth(part: Expression) -> bool:
    if isinstance(part, Literal) and isinstance(part.value, bool):
        return part.value
    raise _undecidable(f"{part} is neither true nor false")


def _compare(word: str, left: Any, right: Any) -> bool:
    if word in ("in", "not in"):
        if isinstance(right, str) and isinstance(left, str):
            return (left in right) is (word == "in")
        if not isinstance(right, tuple):
            raise _undecidable(f"{Literal(right)} is not a list")
        return any(_equal(left, item) for item in right) is (word == "in")
    if word in ("==", "!="):
        return _equal(left, right) is (word == "==")
    if _kind(left) != _kind(right) or _kind(left) not in ("number", "text"):
        raise _undecidable(f"{Literal(left)} and {Literal(right)} have no order")
    return _ORDER[word](left, right)


def _equal(left: Any, right: Any) -> bool:
    return _kind(left) == _kind(right) and bool(left == right)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "list"


def _undecidable(detail: str) -> BongsuError:
    return codes.CONDITION_TYPE.error(detail=detail)
