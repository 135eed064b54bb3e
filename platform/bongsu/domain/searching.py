"""What a search looks for, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bongsu.domain.shared import Sharing


class SearchKind(StrEnum):
    """What can be found."""

    RUN = "run"
    MODEL = "model"
    DATASET = "dataset"
    ARTIFACT = "artifact"


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
