"""Structured values as the text of a column."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.phrases import Words
from bongsu.domain.stored_words import as_json
from bongsu.domain.stored_words import from_json as words_from_json

_REFS: TypeAdapter[dict[str, ArtifactRef]] = TypeAdapter(dict[str, ArtifactRef])
_PHRASE = '{"template":'


def refs_json(refs: Mapping[str, ArtifactRef]) -> str:
    return _REFS.dump_json(dict(refs)).decode()


def refs_from(text: str | None) -> dict[str, ArtifactRef]:
    return _REFS.validate_json(text) if text else {}


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def from_json(text: str | None) -> Any:
    """An empty mapping where nothing was written."""
    return json.loads(text) if text else {}


def words_text(words: Words) -> str:
    """A plain sentence as it is, a phrase as JSON."""
    stored = as_json(words)
    return stored if isinstance(stored, str) else to_json(stored)


def words_from(text: str) -> Words:
    """What :func:`words_text` was given; columns of older versions hold plain sentences."""
    if not text.startswith(_PHRASE):
        return text
    try:
        return words_from_json(json.loads(text))
    except (ValueError, RecursionError):  # a sentence that looks like one
        return text
