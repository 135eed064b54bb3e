"""Structured values as the text of a column."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from bongsu.domain.artifact import ArtifactRef

_REFS: TypeAdapter[dict[str, ArtifactRef]] = TypeAdapter(dict[str, ArtifactRef])


def refs_json(refs: Mapping[str, ArtifactRef]) -> str:
    return _REFS.dump_json(dict(refs)).decode()


def refs_from(text: str | None) -> dict[str, ArtifactRef]:
    return _REFS.validate_json(text) if text else {}


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def from_json(text: str | None) -> Any:
    """An empty mapping where nothing was written."""
    return json.loads(text) if text else {}
