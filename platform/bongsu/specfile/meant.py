"""What a person probably meant who wrote a value in a form of another language."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel

from bongsu.domain.resources import parse_duration
from bongsu.domain.scalars import format_scalar
from bongsu.specfile.expected import DURATION, SIZE, Unit, keys_of

_TIME_WORDS = {
    "d": r"d|days?",
    "h": r"h|hrs?|hours?",
    "m": r"m|mins?|minutes?",
    "s": r"s|secs?|seconds?",
}
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)\s*", re.IGNORECASE)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]i?)b?", re.IGNORECASE)
_SIZE_UNITS = {"k": "k", "ki": "Ki", "m": "M", "mi": "Mi", "g": "G", "gi": "Gi", "t": "T", "ti": "Ti"}
_BELOW = {"d": "h", "h": "m", "m": "s"}
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[_,]\d{3})+(?:\.\d+)?|[+-]?\d+(?:_\d+)+")


def meant_quantity(value: Any, unit: Unit) -> str | None:
    """``4GB`` is meant as ``4G``, ``5 min`` as ``5m``, ``1h30`` as ``1h30m``; 5 is taken for seconds."""
    if isinstance(value, bool):
        return None
    if unit is DURATION:
        text = f"{format_scalar(value)}s" if isinstance(value, int | float) else _meant_time(str(value))
        return text if text and _passes(parse_duration, text) else None
    if unit is SIZE and isinstance(value, str):
        found = _SIZE.fullmatch(value.strip())
        return f"{found[1]}{_SIZE_UNITS[found[2].lower()]}" if found else None
    return None


def _meant_time(text: str) -> str | None:
    written, last, at = "", "", 0
    for match in _TIME.finditer(text.strip()):
        if match.start() != at:
            return None
        at = match.end()
        word = match[2].lower()
        name = next((name for name, words in _TIME_WORDS.items() if re.fullmatch(words, word)), None)
        name = name or (_BELOW.get(last) if not word else None)
        if name is None:
            return None
        written, last = f"{written}{match[1]}{name}", name
    return written if at == len(text.strip()) else None


def meant_value(value: Any, models: Sequence[type[BaseModel]]) -> str | None:
    """``1_000`` is meant as 1000, and one number where a mapping belongs as its first key: ``{limit: 3}``."""
    if isinstance(value, str) and _GROUPED.fullmatch(value):
        return re.sub("[_,]", "", value)
    if isinstance(value, int) and not isinstance(value, bool) and len(models) == 1:
        first = keys_of(models[0])[0]
        return f"{{{first}: {value}}}" if _takes(models[0], first, value) else None
    return None


def _takes(model: type[BaseModel], key: str, value: int) -> bool:
    return _passes(model.model_validate, {key: value})


def _passes(read: Callable[[Any], Any], value: Any) -> bool:
    try:
        read(value)
    except ValueError:
        return False
    return True
