"""Types of what documents are made of, as those look at them who read documents and who describe them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

from bongsu.domain.phrases import Phrase


@lru_cache(maxsize=1000)
def hints_of(kind: Any) -> dict[str, Any]:
    """Of the fields of a class, with what is annotated."""
    return get_type_hints(kind, include_extras=True)


@lru_cache(maxsize=1000)
def holds_models(annotation: Any) -> bool:
    """Whether values of a type are models or may hold some."""
    return _holds(annotation, (BaseModel,))


@lru_cache(maxsize=1000)
def is_written_by_us(annotation: Any) -> bool:
    """Whether values of a type are, or may hold, what documents write in another way than pydantic: models, phrases."""
    return _holds(annotation, (BaseModel, Phrase))


def _holds(annotation: Any, kinds: tuple[type, ...]) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, kinds):
        return True
    return any(_holds(one, kinds) for one in get_args(annotation) if one is not Ellipsis)
