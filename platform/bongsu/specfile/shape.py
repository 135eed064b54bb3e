"""Validation by pydantic, and its errors as findings in sentences of our own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bongsu.domain.codes import specfile as codes
from bongsu.domain.fieldpath import FieldPath, Finding, shown, unique
from bongsu.domain.links import listed
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Description, Phrase, Words, phrase
from bongsu.domain.pipeline import NAME_FORM, NAME_PATTERN
from bongsu.domain.problems import Code
from bongsu.domain.scalars import NumberTooLarge, format_scalar, kind_of, parse_scalar
from bongsu.domain.suggest import closest
from bongsu.specfile.expected import Found, Loc, choices, describe, find, find_key, keys_of, unit_of
from bongsu.specfile.meant import meant_quantity, meant_value

M = TypeVar("M", bound=BaseModel)
MAX_UNKNOWN_KEYS = 1000
"""So many keys of one mapping are told one by one; the rest is only counted, before anything is worked out for it."""
_MORE = "more_unknown"
_COERCED = frozenset({"int_type", "float_type", "bool_type"})
_RANGES = {
    "greater_than": ("gt", N_("more than {limit}")),
    "greater_than_equal": ("ge", N_("at least {limit}")),
    "less_than": ("lt", N_("less than {limit}")),
    "less_than_equal": ("le", N_("at most {limit}")),
    "multiple_of": ("multiple_of", N_("a multiple of {limit}")),
}
_LENGTHS = {
    "string_too_short": ("min_length", N_("at least {count} characters")),
    "string_too_long": ("max_length", N_("at most {count} characters")),
    "too_short": ("min_length", N_("at least {count} items")),
    "too_long": ("max_length", N_("at most {count} items")),
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
    errors = lax + [error for error in strict if error.loc not in known and not _names_a_member(error)]
    errors = [error for error in errors if not _is_miscounted(error)]
    if not errors:
        return instance, []
    return None, _findings(model, data, errors, base)


def _errors(error: ValidationError) -> list[_Error]:
    """What pydantic found; of the unknown keys of one mapping the first ones, and one error that counts the rest."""
    told: list[_Error] = []
    unknown: Counter[Loc] = Counter()
    for e in error.errors(include_url=False):
        if e["type"] == "extra_forbidden":
            around = e["loc"][:-1]
            unknown[around] += 1
            if unknown[around] > MAX_UNKNOWN_KEYS:
                continue
        told.append(_Error(e["type"], e["loc"], e.get("input"), e.get("ctx") or {}))
    beyond = {around: count - MAX_UNKNOWN_KEYS for around, count in unknown.items() if count > MAX_UNKNOWN_KEYS}
    return told + [_Error(_MORE, around, None, {"count": count}) for around, count in beyond.items()]


def _is_whole(error: _Error) -> bool:
    value = error.input
    return error.type == "int_type" and isinstance(value, float) and value.is_integer() and abs(value) < 2**63


def _names_a_member(error: _Error) -> bool:
    """A strict error inside a union, which accepts the value through another member."""
    return error.loc[-1:] in (("bool",), ("int",), ("float",), ("str",))


def _is_miscounted(error: _Error) -> bool:
    """pydantic counts only items without errors; the items have errors of their own."""
    return error.type == "too_short" and len(error.input) >= error.context["min_length"]


def _findings(model: type[BaseModel], data: Any, errors: list[_Error], base: FieldPath) -> list[Finding]:
    placed = []
    for error in errors:
        path, passed = _path_of(error, data)
        placed.append((error, path, passed))
    around = {path[:length] for path in {p for _error, p, _passed in placed} for length in range(len(path))}
    found: dict[tuple[FieldPath, bool], Finding] = {}
    for error, path, passed in placed:
        # Of the members of a union, the one that got furthest is what was meant.
        if passed and path in around:
            continue
        finding = _finding(model, error, path, base, in_union=passed, siblings=_keys_at(path, data))
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


def _keys_at(path: FieldPath, data: Any) -> Collection[str]:
    """Keys that stand in the file beside the last one of ``path``."""
    for step in path[:-1]:
        below = _below(data, step)
        data = below[0] if below is not None else None
    return data if isinstance(data, dict) else ()


def _finding(
    model: type[BaseModel],
    error: _Error,
    path: FieldPath,
    base: FieldPath,
    *,
    in_union: bool,
    siblings: Collection[str],
) -> Finding:
    where = (*base, *path)
    if error.type == _MORE:
        return Finding(codes.MORE_UNKNOWN_KEYS, where, {"count": f"{error.context['count']:,}"})
    declared = find(model, error.loc)
    args: dict[str, Any]
    if error.type == "missing":
        expected = describe(declared.annotation, declared.metadata)
        return Finding(
            codes.MISSING_KEY, where, {"key": path[-1], "expected": _with_description(expected, declared)}
        )
    if error.type == "extra_forbidden":
        known = [key for parent in find(model, error.loc[:-1]).models for key in keys_of(parent)]
        absent = [key for key in known if key not in siblings]
        nearest = closest(str(path[-1]), known)
        # What stands there already was not meant; neither is the next best then.
        suggestion = nearest if nearest in absent else None
        args = {"key": path[-1], "known": listed(known), "suggestion": suggestion}
        return Finding(codes.UNKNOWN_KEY, where, args, at_key=True)
    if error.loc[-1:] == ("[key]",):
        key = find_key(model, error.loc)
        wanted = _described(key) if key.description else phrase(N_("another key"))
        return Finding(codes.BAD_TEXT, where, {"value": path[-1], "expected": wanted}, at_key=True)
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
            "suggestion": meant_quantity(error.input, unit),
        }
    if error.type in ("enum", "literal_error"):
        allowed = choices(declared.annotation)
        near = closest(error.input, allowed) if isinstance(error.input, str) else None
        return codes.NOT_ALLOWED, {"value": value, "known": listed(allowed), "suggestion": near}
    if error.type in _RANGES:
        key, words = _RANGES[error.type]
        return codes.OUT_OF_RANGE, {"value": value, "range": phrase(words, limit=_bound(error.context[key]))}
    if error.type in _LENGTHS:
        key, words = _LENGTHS[error.type]
        count = error.context[key]
        if count == 1 and error.type == "too_short":
            return codes.LENGTH, {"range": phrase(N_("at least one item"))}
        return codes.LENGTH, {"range": phrase(words, count=f"{count:,}")}
    if error.type == "string_pattern_mismatch":
        pattern = error.context.get("pattern", "")
        if pattern == NAME_PATTERN:  # the field's own description tells what it is for
            declared = replace(declared, description=NAME_FORM)
        fitting = phrase(N_("a text that fits {pattern}"), pattern=pattern)
        expected = _described(declared) if declared.description else fitting
        return codes.BAD_TEXT, {"value": value, "expected": expected}
    if error.type in ("value_error", "assertion_error"):
        return codes.INVALID_VALUE, {
            "detail": shown(error.context.get("error", "no reason given"), 300).rstrip(".")
        }
    return _type_finding(error, declared, in_union=in_union)


def _bound(limit: Any) -> str:
    """As the value itself would be written: ``3650d``, ``0.5``."""
    if isinstance(limit, str):
        return limit
    return format_scalar(limit)


def _type_finding(error: _Error, declared: Found, *, in_union: bool) -> tuple[Code, dict[str, Any]]:
    expected = describe(declared.annotation, declared.metadata)
    found = kind_of(error.input)
    if error.type == "string_type" and not in_union and isinstance(error.input, bool | int | float):
        return codes.TEXT_OF_NUMBER, {"value": _shown(error.input), "found": found}
    if error.type in _COERCED and not in_union and _is_quoted_number(error.input):
        return codes.NUMBER_AS_TEXT, {"value": error.input, "expected": expected}
    if isinstance(error.input, str):
        found = phrase(N_("the text {value}"), value=shown(error.input))
    suggestion = meant_value(error.input, declared.models)
    return codes.WRONG_TYPE, {"found": found, "expected": expected, "suggestion": suggestion}


def _is_quoted_number(value: Any) -> bool:
    """Without quotes it would have been read as a number, or as true or false."""
    try:
        return isinstance(value, str) and isinstance(parse_scalar(value), bool | int | float)
    except NumberTooLarge:
        return True


def _shown(value: Any) -> Words:
    return format_scalar(value) if isinstance(value, bool | int | float | str) else kind_of(value)


def _with_description(expected: Words, declared: Found) -> Words:
    if not declared.description:
        return expected
    return phrase(N_("{expected} ({meaning})"), expected=expected, meaning=_described(declared))


def _described(declared: Found) -> Phrase:
    """A field's description inside a sentence; the catalogue has it as it stands in the model."""
    return Description(declared.description)
