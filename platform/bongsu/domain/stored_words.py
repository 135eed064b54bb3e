"""Words that outlive their process: as JSON, out of which they can still be said in another language.

A plain sentence is a string. A phrase is an object, ``{"template": "at least {limit}", "values": {"limit": 3}}``, in
which a value may be such an object again; ``kind`` says which kind of phrase it is, where that is a special one.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from string import Formatter
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator

from bongsu.domain.phrases import Clause, Description, Phrase, Verbatim, Words

Value = str | int | float | Phrase

_KINDS: dict[object, type[Phrase]] = {"verbatim": Verbatim, "description": Description, "clause": Clause}
_NAMES = {kind: name for name, kind in _KINDS.items()}
# What a few bytes can be blown up by is bounded: a width in a format, a value named again and again at every level.
_FORMAT = re.compile(r",?(\.\d)?[defg%]?")
_MOST_LEVELS = 6
_MOST_TIMES = 2
# Python writes out no whole number of thousands of digits.
_MOST_BITS = 1024


def kept(words: Words) -> Words:
    """The words as they can be stored: a value that is neither text nor a finite figure nor a phrase becomes its text,
    which the template can give no format of figures."""
    return _kept_phrase(words, _MOST_LEVELS) if isinstance(words, Phrase) else encodable(words)


def as_json(words: Words) -> str | dict[str, Any]:
    """What stands in JSON for the words, as the head of this module has it."""
    able = kept(words)
    return _object(able) if isinstance(able, Phrase) else able


def from_json(stored: object) -> Words:
    """The words that :func:`as_json` was given. A worker wrote them, or another version: a template that does not go
    with its values is taken for words without values, and an object of another shape is shown as it is.

    Raises:
        ValueError: for what is neither a string nor an object.
    """
    if isinstance(stored, str):
        return encodable(stored)
    if isinstance(stored, Mapping):
        return _phrase(stored, _MOST_LEVELS)
    raise ValueError("words are a string, or an object of template and values")


def _validated(value: object) -> Words:
    return kept(value) if isinstance(value, Phrase) else from_json(value)


StoredWords = Annotated[Words, PlainValidator(_validated), PlainSerializer(as_json, when_used="json")]
"""Words as the field of a model."""


def _kept_phrase(words: Phrase, levels: int) -> Phrase:
    values = {name: _kept_value(value, levels - 1) for name, value in words.values}
    return type(words)(encodable(words.template), tuple(values.items()))


def _kept_value(value: object, levels: int) -> Value:
    if isinstance(value, Phrase) and levels:
        return _kept_phrase(value, levels)
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value) if value.bit_length() <= _MOST_BITS else hex(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    return encodable(str(value))


def _object(words: Phrase) -> dict[str, Any]:
    values = {name: _object(value) if isinstance(value, Phrase) else value for name, value in words.values}
    kind = _NAMES.get(type(words))
    return {"template": words.template, "values": values} | ({"kind": kind} if kind else {})


def _phrase(stored: Mapping[str, Any], levels: int) -> Words:
    template, values, kind = stored.get("template"), stored.get("values", {}), stored.get("kind")
    if not isinstance(template, str) or not isinstance(values, Mapping):
        return encodable(json.dumps(stored, ensure_ascii=False, default=str))
    made = _KINDS.get(kind, Phrase) if isinstance(kind, str) else Phrase
    if not issubclass(made, Verbatim) and not _fits(template, values):
        made, values = Verbatim, {}
    return made(encodable(template), tuple((name, _value(value, levels - 1)) for name, value in values.items()))


def _value(stored: object, levels: int) -> Value:
    if isinstance(stored, Mapping):
        return _phrase(stored, levels) if levels else encodable(json.dumps(stored, ensure_ascii=False))
    return _kept_value(stored, 0)


def _fits(template: str, values: Mapping[str, Any]) -> bool:
    """Whether the template asks for nothing but its values, in plain formats, each a few times at most."""
    try:
        asked = [(name, spec, how) for _text, name, spec, how in Formatter().parse(template) if name is not None]
    except ValueError:
        return False
    times = Counter(name for name, _spec, _how in asked)
    return all(
        name in values and times[name] <= _MOST_TIMES and how is None and _FORMAT.fullmatch(spec or "")
        for name, spec, how in asked
    )


def encodable(text: str) -> str:
    """Without half surrogates, by which Python keeps bytes of file names that are no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()
