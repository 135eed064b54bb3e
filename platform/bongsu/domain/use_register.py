"""The register of uses: what a ministry lets models be made for, who answers for it, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bongsu.domain.citations import Citation, CitedKind
from bongsu.domain.tenants import Tenant
from bongsu.domain.uses import UseClass


class Tier(StrEnum):
    """How much depends on a use, from I (least) to III; after the risk ratings that JSP 936 asks for."""

    I = "I"  # noqa: E741 - tiers have Roman numerals
    II = "II"
    III = "III"


APPROVERS: Mapping[Tier, int] = {Tier.I: 2, Tier.II: 3, Tier.III: 4}
"""How many people have to approve a promotion; never fewer than two."""

FEWEST_APPROVERS = 2


@dataclass(frozen=True)
class Evidence:
    """What was looked at when the use was permitted, and of when it is.

    Attributes:
        reference: as of :class:`bongsu.domain.citations.Citation`.
        dated_at: seconds since the epoch.
        ends_at: from when on it speaks for nothing any more, in seconds since the epoch; None if it lasts as long as
            the entry does.
        kind: what the reference is to; None of an entry from before that was asked for.
    """

    reference: str
    dated_at: float
    ends_at: float | None = None
    kind: CitedKind | None = None

    @classmethod
    def of(cls, reference: str, dated_at: float, ends_at: float | None = None) -> Evidence:
        found = Citation.parse(reference)
        return cls(reference, dated_at, ends_at, found.kind if found else None)


@dataclass(frozen=True)
class PermittedUse:
    """One entry of a ministry's register.

    Attributes:
        statement: what for, in words; read by the screen of forbidden uses.
        conditions: under which it may be used, in words.
        owner: id of the person who answers for it.
        begins_at, ends_at: seconds since the epoch; the end is exclusive. It ends before that with its evidence.
        withdrawn_at: None while it was not.
    """

    id: str
    ministry: Tenant
    use_class: UseClass
    statement: str
    conditions: str
    tier: Tier
    owner: str
    evidence: Evidence
    begins_at: float
    ends_at: float
    registered_by: str
    registered_at: float
    withdrawn_at: float | None = None
    withdrawn_by: str = ""
    withdrawn_why: str = ""

    def holds(self, now: float) -> bool:
        return self.begins_at <= now < self.until

    @property
    def until(self) -> float:
        """When it stops to hold, as far as is known: seconds since the epoch."""
        ends = (self.ends_at, self.evidence.ends_at, self.withdrawn_at)
        return min(one for one in ends if one is not None)
