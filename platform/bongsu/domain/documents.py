"""Values as JSON documents have them: keys in camelCase as in pipeline files, times in UTC as ISO 8601 writes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, overload

from bongsu.domain.phrases import Phrase

# A field of this name holds seconds since the epoch.
TIME = "_at"
# So does one of this type, whatever its name is; who sends it may write it in either way.
MOMENT = "moment"
Moment = Annotated[float, MOMENT]
_AS_THEY_ARE = frozenset({str, int, bool, type(None)})


def plain(value: Any) -> Any:
    """Models, dataclasses and containers as what JSON has.

    Names of fields become keys in camelCase. Keys of mappings are somebody's data (metrics, parameters) and stay as
    they are. Fields whose names end in ``_at`` are times. Figures that JSON does not know (NaN, infinite) are null.
    Phrases are their English.
    """
    if type(value) in _AS_THEY_ARE:
        return value
    if hasattr(value, "model_dump"):
        return _model(value)
    if isinstance(value, Phrase):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {key: write(getattr(value, name)) for name, key, write in _fields_of(type(value))}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Enum):
        return value.value
    return value if isinstance(value, str | int | bool | None) else str(value)


def camel(name: str) -> str:
    """``planHash`` for ``plan_hash``."""
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


@overload
def iso_time(seconds: float) -> str: ...


@overload
def iso_time(seconds: None) -> None: ...


@overload
def iso_time(seconds: float | None) -> str | None: ...


def iso_time(seconds: float | None) -> str | None:
    """``2026-11-28T05:24:03.120Z`` for seconds since the epoch."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_of(moment: datetime) -> float:
    """Since the epoch. Raises ValueError for a time without its zone, and in the first or the last year that there is:
    it may have no name elsewhere."""
    if moment.tzinfo is None or not MINYEAR < moment.year < MAXYEAR:
        raise ValueError("no time that can be written in every zone")
    return moment.timestamp()


def key_of(name: str, field: Any) -> str:
    """Of a field of a pydantic model."""
    return camel(_alias(name, field))


def _alias(name: str, field: Any) -> str:
    alias: str = field.serialization_alias or field.alias or name
    return alias


@cache
def _fields_of(dataclass_: type) -> tuple[tuple[str, str, Callable[[Any], Any]], ...]:
    """Of each field: its name, its key, and what writes its value."""
    return tuple(
        (field.name, camel(field.name), iso_time if field.name.endswith(TIME) else plain)
        for field in fields(dataclass_)
    )


def _model(model: Any) -> dict[str, Any]:
    """A pydantic model; what its fields write for themselves (durations, dates) is as they write it."""
    dumped = model.model_dump(mode="json", by_alias=True)
    found = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        found[key_of(name, field)] = plain(value if _is_ours(value) else dumped[_alias(name, field)])
    return found


def _is_ours(value: Any) -> bool:
    """Whether it is or holds what documents write in another way than pydantic: models and phrases."""
    if isinstance(value, Mapping):
        return any(map(_is_ours, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_is_ours, value))
    return isinstance(value, Phrase) or hasattr(value, "model_dump")
