"""Plain scalars of YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#103-core-schema), read and written.

The same rules read a file, a ``--set`` on the command line and the value in ``prune[keepFraction=0.5].model``.
"""

from __future__ import annotations

import re

from bongsu.domain.messages import N_
from bongsu.domain.phrases import Phrase, phrase
from bongsu.domain.pipeline import Scalar

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBER_START = frozenset("0123456789+-.")
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INF = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NAN = frozenset({".nan", ".NaN", ".NAN"})
_LARGEST = 2**63 - 1


class NumberTooLarge(ValueError):
    """A number that neither JSON nor a 64-bit integer carries: infinite, not a number, or beyond 2**63."""


def parse_scalar(text: str) -> Scalar | None:
    """The value of a plain scalar: ``no`` and ``12:30`` are text, ``1e-3`` is a number, ``0o17`` is 15.

    Raises:
        NumberTooLarge: the text is a number that cannot be kept as written (``.inf``, ``1e999``, ``9e18`` digits).
    """
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if text[0] not in _NUMBER_START:
        return text
    return _number(text)


def _number(text: str) -> Scalar:
    value: int | float
    if _INT.fullmatch(text):
        value = int(text) if len(text) < 40 else _LARGEST + 1
    elif _OCTAL.fullmatch(text):
        value = int(text[2:], 8)
    elif _HEX.fullmatch(text):
        value = int(text[2:], 16)
    elif _FLOAT.fullmatch(text):
        value = float(text)
    elif _INF.fullmatch(text) or text in _NAN:
        raise NumberTooLarge(text)
    else:
        return text
    if isinstance(value, int):
        if abs(value) > _LARGEST:
            raise NumberTooLarge(text)
    elif value in (float("inf"), float("-inf")):
        raise NumberTooLarge(text)
    return value


def format_scalar(value: Scalar) -> str:
    """As it would stand in a file: ``true``, ``0.5``, ``law``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def scalar_key(value: Scalar) -> tuple[str, Scalar]:
    """For comparing: ``1`` and ``1.0`` are equal, ``1`` and ``true`` and ``"1"`` are not."""
    if isinstance(value, bool):
        return ("bool", value)
    return ("text", value) if isinstance(value, str) else ("number", value)


_KINDS: dict[type, Phrase] = {
    type(None): phrase(N_("nothing")),
    bool: phrase(N_("true or false")),
    int: phrase(N_("a whole number")),
    float: phrase(N_("a number")),
    str: phrase(N_("text")),
    dict: phrase(N_("a mapping")),
}
_LIST = phrase(N_("a list"))


def kind_of(value: object) -> Phrase:
    """What a value from a file is, in words for a person."""
    return _KINDS.get(type(value), _LIST)
