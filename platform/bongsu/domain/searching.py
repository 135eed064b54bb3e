"""What a search looks for, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

from bongsu.domain.shared import Sharing


class SearchKind(StrEnum):
    """What can be found."""

    RUN = "run"
    MODEL = "model"
    DATASET = "dataset"
    ARTIFACT = "artifact"


def number_of(kind: SearchKind) -> int:
    """By which things of one moment are put in order."""
    return list(SearchKind).index(kind)


class Nearness(IntEnum):
    """How near a name is to what is looked for; the nearest come first."""

    IT = 0
    BEGINS_SO = 1
    HAS_IT = 2

    @classmethod
    def of(cls, name: str, text: str) -> Nearness:
        """Of ``axk1-admin/3`` to a part of it, in capitals or not."""
        name, text = name.lower(), text.lower()
        if text in (name, name.partition("/")[0]):
            return cls.IT
        return cls.BEGINS_SO if name.startswith(text) else cls.HAS_IT


@dataclass(frozen=True)
class Found:
    """Attributes:
    kind: what it is.
    name: by which commands take it, e.g. ``axk1-admin/3``.
    ministry: whose it is; empty in a home.
    title: what people read.
    label: that it carries.
    created_at: seconds since the epoch.
    shared: by which permits another ministry's is found; what is one's own is found without.
    """

    kind: SearchKind
    name: str
    ministry: str
    title: str
    label: str
    created_at: float
    shared: tuple[Sharing, ...] = ()


@dataclass(frozen=True)
class Hit:
    """What was found, and how near it is to what was looked for."""

    nearness: Nearness
    found: Found

    @property
    def key(self) -> tuple[int, float, int, str, str]:
        """By which it is found again."""
        one = self.found
        return int(self.nearness), one.created_at, number_of(one.kind), one.ministry, one.name

    @property
    def order(self) -> tuple[Any, ...]:
        """The nearest first, each newest first."""
        return order_of(self.key)


def order_of(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Where something of this key (:attr:`Hit.key`) stands."""
    nearness, created_at, *others = key
    return nearness, -created_at, *others
