"""From the text of a condition to what it means, by Python's own parser and a list of allowed nodes."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping

from bongsu.domain.codes import spec as codes
from bongsu.domain.conditions.condition import Condition
from bongsu.domain.conditions.expression import Compare, Expression, Literal, Logic, Name
from bongsu.domain.fieldpath import Finding
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.pipeline import Scalar
from bongsu.domain.references import parse_point
from bongsu.domain.suggest import closest

# Stage names have hyphens, may be keywords (`in`, `class`) and may select a point (`prune[keepFraction=0.5]`). In front
# of .state and .metrics they are written in capitals with underscores while Python parses: the length stays, so columns
# stay, and what was written is found by its offset.
_STRING_OR_STAGE = re.compile(
    r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|(?<![\w.\-])([a-z][-a-z0-9]*(?:\[[^\[\]'"]*\])?)(?=\s*\.\s*(?:metrics|state)\b)"""
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
_LITERAL_NAMES = {"true": True, "false": False}
_DEEPEST = 32
_OURS = {
    "&&": "and",
    "||": "or",
    "=": "==",
    "<>": "!=",
    "===": "==",
    "!": "not",
    "AND": "and",
    "OR": "or",
    "NOT": "not",
}
_FOREIGN = re.compile(r"&&|\|\||<>|===|(?<![=!<>])=(?!=)|!(?!=)|\b(?:AND|OR|NOT)\b")
# What a YAML 1.1 reader takes for true or false.
_MEANT = {"no": "false", "off": "false", "yes": "true", "on": "true", "n": "false", "y": "true"}
_INFINITE = (float("inf"),)


def parse(text: str) -> Condition | list[Finding]:
    """The condition, or what is wrong with it: findings with an empty path and an offset into ``text``."""
    stages = {match.start(): match[1] for match in _STRING_OR_STAGE.finditer(text) if match[1]}
    prepared = _STRING_OR_STAGE.sub(_in_capitals, text)
    lead = len(prepared) - len(prepared.lstrip())
    prepared = prepared.replace("\n", " ").lstrip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's remarks on style, e.g. an escape it does not know
            tree = ast.parse(prepared, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        foreign = _foreign_words(text)
        if foreign:
            return foreign
        column = (getattr(error, "offset", None) or 1) - 1
        plain = isinstance(error, SyntaxError)
        detail = phrase(N_("something here is no part of a condition") if plain else N_("it is too complex"))
        return [_syntax(detail, min(lead + max(column, 0), max(len(text) - 1, 0)))]
    reader = _Reader(prepared, lead, stages)
    expression = reader.read(tree.body, 0)
    return reader.findings or Condition(expression)


def _in_capitals(match: re.Match[str]) -> str:
    if not match[1]:
        return match[0]
    return "".join(c.upper() if c.isascii() and c.isalnum() else "_" for c in match[0])


def _foreign_words(text: str) -> list[Finding]:
    """Operators of other languages."""
    masked = _STRING_OR_STAGE.sub(lambda match: " " * len(match[0]), text)
    return [
        _syntax(phrase(N_("{word} is not known; write {ours}"), word=match[0], ours=_OURS[match[0]]), match.start())
        for match in _FOREIGN.finditer(masked)
    ]


def _syntax(detail: Words, offset: int) -> Finding:
    return Finding(codes.CONDITION_SYNTAX, (), {"detail": detail}, offset)


def _meant(node: ast.Attribute | ast.Subscript) -> str | None:
    """``params.x`` for ``parameters.x``, ``a.state`` for ``a.stat``."""
    match node:
        case ast.Attribute(value=ast.Name(id=owner), attr=attribute):
            table = closest(owner, ("params", "matrix")) if owner not in ("params", "matrix") else None
            if table:
                return f"{table}.{attribute}"
            word = closest(attribute, ("state", "metrics"))
            return f"{owner}.{word}" if word == "state" else f"{owner}.metrics.NAME" if word else None
    return None


class _Reader:
    """Turns allowed nodes of Python's syntax tree into expressions, and others into findings."""

    def __init__(self, text: str, lead: int, stages: Mapping[int, str]) -> None:
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
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)) if (
                number not in _INFINITE
            ):
                return -number
            case ast.Name(id=name) if name in _LITERAL_NAMES:
                return _LITERAL_NAMES[name]
            case ast.Name(id=name):
                args = {"name": name, "suggestion": _MEANT.get(name.lower())}
                self.findings.append(Finding(codes.CONDITION_NAME, (), args, self._offset(node)))
            case _:
                self._refuse(node, "only names, texts, numbers, comparisons, and, or, not and in are known")
        return False

    def _name(self, node: ast.Attribute | ast.Subscript) -> Expression:
        offset = self._offset(node)
        match node:
            case (
                ast.Attribute(value=ast.Name(id="params" | "matrix" as scope), attr=key)
                | ast.Subscript(
                    value=ast.Name(id="params" | "matrix" as scope), slice=ast.Constant(value=str() as key)
                )
            ):
                return Name(scope, "", key, offset)
            case ast.Attribute(value=ast.Name(), attr="state") if offset in self._stages:
                return self._of_stage("state", "", offset)
            case (
                ast.Attribute(value=ast.Attribute(value=ast.Name(), attr="metrics"), attr=key)
                | ast.Subscript(
                    value=ast.Attribute(value=ast.Name(), attr="metrics"),
                    slice=ast.Constant(value=str() as key),
                )
            ) if offset in self._stages:
                return self._of_stage("metrics", key, offset)
        args = {"name": ast.unparse(node), "suggestion": _meant(node)}
        self.findings.append(Finding(codes.CONDITION_NAME, (), args, offset))
        return Literal(False)

    def _of_stage(self, scope: str, key: str, offset: int) -> Expression:
        written = self._stages[offset]
        owner, bracket, selected = written.partition("[")
        point = parse_point(selected.removesuffix("]")) if bracket else ()
        if point is None:
            self.findings.append(Finding(codes.CONDITION_NAME, (), {"name": written}, offset))
            return Literal(False)
        return Name(scope, owner, key, offset, point)

    def _refuse(self, node: ast.expr, detail: str) -> Expression:
        self.findings.append(_syntax(detail, self._offset(node)))
        return Literal(False)

    def _offset(self, node: ast.expr) -> int:
        return self._lead + len(self._bytes[: node.col_offset].decode(errors="replace"))
