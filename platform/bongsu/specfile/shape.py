"""Validation by pydantic, and its errors as findings in sentences of our own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bongsu.domain.codes import specfile as codes
from bongsu.domain.fieldpath import FieldPath, Finding, shown, unique
from bongsu.domain.links import listed
from bongsu.domain.problems import Code
from bongsu.domain.resources import parse_bytes
from bongsu.domain.scalars import format_scalar, kind_of
from bongsu.domain.suggest import closest
from bongsu.specfile.expected import SIZE, Found, Loc, Unit, choices, describe, find, keys_of, unit_of

M = TypeVar("M", bound=BaseModel)
_COERCED = frozenset({"int_type", "float_type", "bool_type"})
_RANGES = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
    "multiple_of": ("multiple_of", "a multiple of"),
}
_LENGTHS = {
    "string_too_short": ("min_length", "at least", "characters"),
    "string_too_long": ("max_length", "at most", "characters"),
    "too_short": ("min_length", "at least", "items"),
    "too_long": ("max_length", "at most", "items"),
}


@dataclass(frozen=True)
class _Error:
    """One of pydantic's errors, as far as it matters here."""

    type: str
    loc: Loc
    input: Any
    context: Mapping[str, Any]


def validate(model: type[M], data: Any, base: FieldPath = ()) -> tuple[M | None, list[Finding]]:
    """Validate plain data by keys as they are written in files.

    No text passes for a number and no number for true or false; ``2.0`` passes for ``2``.

    Returns:
        The instance and no findings, or None and findings whose paths start with ``base``.
    """
    try:
        return model.model_validate_json(json.dumps(data), strict=True, by_alias=True, by_name=False), []
    except ValidationError as error:
        strict = [e for e in _errors(error) if e.type in _COERCED and not _is_whole(e)]
    try:
        # Validators that run first leave JSON mode, where strictness refuses lists and dates in texts.
        instance: M | None = model.model_validate(data, by_alias=True, by_name=False)
        lax: list[_Error] = []
    except ValidationError as error:
        instance, lax = None, _errors(error)
    known = {error.loc for error in lax}
    errors = lax + [error for error in strict if error.loc not in known]
    errors = [e for e in errors if not (_is_accepted_union(e, lax) or _is_miscounted(e))]
    if not errors:
        return instance, []
    return None, _findings(model, data, errors, base)


def _errors(error: ValidationError) -> list[_Error]:
    return [
        _Error(e["type"], e["loc"], e.get("input"), e.get("ctx") or {}) for e in error.errors(include_url=False)
    ]


def _is_whole(error: _Error) -> bool:
    return error.type == "int_type" and isinstance(error.input, float) and error.input.is_integer()


def _is_accepted_union(error: _Error, lax: list[_Error]) -> bool:
    """A strict error inside a union that accepts the value through another member is none."""
    return error not in lax and error.loc[-1:] in (("bool",), ("int",), ("float",), ("str",))


def _is_miscounted(error: _Error) -> bool:
    """pydantic counts only items without errors; the items have errors of their own."""
    return error.type == "too_short" and len(error.input) >= error.context["min_length"]


def _findings(model: type[BaseModel], data: Any, errors: list[_Error], base: FieldPath) -> list[Finding]:
    placed = []
    for error in errors:
        path, passed = _path_of(error, data)
        placed.append((error, path, passed))
    deeper = [path for _error, path, _passed in placed]
    found: dict[tuple[FieldPath, bool], Finding] = {}
    for error, path, passed in placed:
        # Of the members of a union, the one that got furthest is what was meant.
        if passed and any(len(other) > len(path) and other[: len(path)] == path for other in deeper):
            continue
        finding = _finding(model, error, path, base, in_union=passed)
        found.setdefault((finding.path, finding.at_key), finding)
    return _without_consequences(list(unique(found.values())))


def _without_consequences(findings: list[Finding]) -> list[Finding]:
    """A key that is missing because it is misspelt is one mistake, not two."""
    misspelt = {
        (*f.path[:-1], f.args.get("suggestion")) for f in findings if f.code is codes.UNKNOWN_KEY and f.path
    }
    return [f for f in findings if f.code is not codes.MISSING_KEY or f.path not in misspelt]


def _path_of(error: _Error, data: Any) -> tuple[FieldPath, bool]:
    """The error's place in the data; True if steps that are not in the data (members of a union) were passed."""
    path: list[str | int] = []
    here = data
    passed = False
    for number, step in enumerate(error.loc, 1):
        is_last = number == len(error.loc)
        below = _below(here, step)
        if below is not None:
            (here,) = below
            path.append(step)
        elif is_last and error.type == "missing":
            path.append(step)
        elif step != "[key]":
            passed = True
    return tuple(path), passed


def _below(here: Any, step: str | int) -> tuple[Any] | None:
    if isinstance(here, dict):
        return (here[step],) if step in here else None
    if isinstance(here, list) and isinstance(step, int) and step < len(here):
        return (here[step],)
    return None


def _finding(model: type[BaseModel], error: _Error, path: FieldPath, base: FieldPath, *, in_union: bool) -> Finding:
    where = (*base, *path)
    declared = find(model, error.loc)
    args: dict[str, Any]
    if error.type == "missing":
        expected = describe(declared.annotation, declared.metadata)
        return Finding(
            codes.MISSING_KEY, where, {"key": path[-1], "expected": _with_description(expected, declared)}
        )
    if error.type == "extra_forbidden":
        known = [key for parent in find(model, error.loc[:-1]).models for key in keys_of(parent)]
        args = {"key": path[-1], "known": listed(known), "suggestion": closest(str(path[-1]), known)}
        return Finding(codes.UNKNOWN_KEY, where, args, at_key=True)
    if error.loc[-1:] == ("[key]",):
        expected = declared.description or "another key"
        return Finding(codes.BAD_TEXT, where, {"value": path[-1], "expected": _lower(expected)}, at_key=True)
    code, args = _value_finding(error, declared, in_union=in_union)
    return Finding(code, where, args)


def _value_finding(error: _Error, declared: Found, *, in_union: bool) -> tuple[Code, dict[str, Any]]:
    value = _shown(error.input)
    unit = unit_of(declared.annotation, declared.metadata)
    if unit is not None and not (error.type in _RANGES or error.input is None):
        return codes.WRONG_UNIT, {
            "value": value,
            "expected": unit.expected,
            "units": unit.units,
            "example": unit.example,
            "suggestion": _with_known_unit(error.input, unit),
        }
    if error.type in ("enum", "literal_error"):
        allowed = choices(declared.annotation)
        near = closest(error.input, allowed) if isinstance(error.input, str) else None
        return codes.NOT_ALLOWED, {"value": value, "known": listed(allowed), "suggestion": near}
    if error.type in _RANGES:
        key, words = _RANGES[error.type]
        return codes.OUT_OF_RANGE, {"value": value, "range": f"{words} {error.context[key]:g}"}
    if error.type in _LENGTHS:
        key, words, noun = _LENGTHS[error.type]
        count = error.context[key]
        return codes.LENGTH, {"range": f"{words} {count:,} {noun if count != 1 else noun[:-1]}"}
    if error.type == "string_pattern_mismatch":
        expected = declared.description or f"a text that fits {error.context.get('pattern', 'the pattern')}"
        return codes.BAD_TEXT, {"value": value, "expected": _lower(expected)}
    if error.type in ("value_error", "assertion_error"):
        return codes.INVALID_VALUE, {
            "detail": shown(error.context.get("error", "no reason given"), 300).rstrip(".")
        }
    return _type_finding(error, declared, in_union=in_union)


def _with_known_unit(value: Any, unit: Unit) -> str | None:
    """``4GB`` is meant as ``4G``."""
    if unit is SIZE and isinstance(value, str) and value[-1:] in ("B", "b"):
        try:
            parse_bytes(value[:-1])
        except ValueError:
            return None
        return value[:-1]
    return None


def _type_finding(error: _Error, declared: Found, *, in_union: bool) -> tuple[Code, dict[str, Any]]:
    expected = describe(declared.annotation, declared.metadata)
    found = kind_of(error.input)
    if error.type == "string_type" and not in_union and isinstance(error.input, bool | int | float):
        return codes.TEXT_OF_NUMBER, {"value": _shown(error.input), "found": found}
    if error.type in _COERCED and not in_union and isinstance(error.input, str) and _looks_numeric(error.input):
        return codes.NUMBER_AS_TEXT, {"value": error.input, "expected": expected}
    return codes.WRONG_TYPE, {
        "found": f"the text {_shown(error.input)}" if found == "text" else found,
        "expected": expected,
    }


def _looks_numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text in ("true", "false")
    return True


def _shown(value: Any) -> str:
    return format_scalar(value) if isinstance(value, bool | int | float | str) else kind_of(value)


def _with_description(expected: str, declared: Found) -> str:
    return f"{expected} ({_lower(declared.description)})" if declared.description else expected


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
