"""GPU grants as far as a plan needs to know them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GrantFacts:
    """Attributes:
    name: as pipelines write it under ``spec.grant``.
    hours_left: GPU-hours neither used nor reserved.
    accelerators: GPU types it covers; empty for any.
    """

    name: str
    hours_left: float
    accelerators: frozenset[str] = frozenset()
