"""What data may be used for: the word of a data custodian on exactly these bytes."""

from __future__ import annotations

from dataclasses import dataclass

from bongsu.domain.ids import Digest
from bongsu.domain.tenants import Tenant
from bongsu.domain.uses import UseClass


@dataclass(frozen=True)
class DatasetPermit:
    """That a version of a data set may be used for some purposes, for a time.

    Attributes:
        tenant: the ministry whose custodian says so; it holds there, and elsewhere by an access permit.
        digest: of the bytes it speaks of, whatever the name stands for later.
        use_classes: what for; never empty.
        card: where its data card is, as of :class:`bongsu.domain.citations.Citation`.
        custodian: id of the person who answers for it.
        begins_at, ends_at: seconds since the epoch; the end is exclusive.
    """

    id: str
    tenant: Tenant
    name: str
    version: int
    digest: Digest
    use_classes: frozenset[UseClass]
    card: str
    custodian: str
    reason: str
    begins_at: float
    ends_at: float
    given_at: float
    revoked_at: float | None = None
    revoked_by: str = ""
    revoked_why: str = ""

    @property
    def object(self) -> str:
        """What access permits call it."""
        return f"dataset:{self.name}/{self.version}"

    def holds(self, now: float) -> bool:
        return self.begins_at <= now < self.ends_at and (self.revoked_at is None or now < self.revoked_at)

    @property
    def until(self) -> float:
        """When it stops to hold, as far as is known: seconds since the epoch."""
        return self.ends_at if self.revoked_at is None else min(self.ends_at, self.revoked_at)


@dataclass(frozen=True)
class SharedObject:
    """An access permit as it is kept: an object of ``giver`` may be seen by ``ministry``, and taken for ``purpose``."""

    id: str
    object: str
    giver: Tenant
    ministry: Tenant
    purpose: UseClass
    begins_at: float
    ends_at: float
    given_by: str
    given_at: float
    reason: str
    revoked_at: float | None = None
    revoked_by: str = ""

    def holds(self, now: float) -> bool:
        return self.begins_at <= now < self.ends_at and (self.revoked_at is None or now < self.revoked_at)

    @property
    def until(self) -> float:
        return self.ends_at if self.revoked_at is None else min(self.ends_at, self.revoked_at)
