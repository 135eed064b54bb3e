"""That a model must not be used: one person says so, two take it back."""

from __future__ import annotations

from dataclasses import dataclass

from bongsu.domain.ids import Digest
from bongsu.domain.tenants import Tenant


@dataclass(frozen=True)
class Suspension:
    """Attributes:
    version: the one that is meant; None for every version that there is and will be.
    suspended_by: id of who did it.
    suspended_at, lifted_at: seconds since the epoch; it holds until it is lifted.
    label: of what was suspended, when it was; ``reason`` keeps it, whatever the model carries later. Empty if nobody
        knows it; both are empty where whoever asks may not see that label.
    """

    id: str
    tenant: Tenant
    name: str
    version: int | None
    reason: str
    suspended_by: str
    suspended_at: float
    lifted_at: float | None = None
    label: str = ""

    @property
    def object(self) -> str:
        return f"model:{self.name}" if self.version is None else f"model:{self.name}/{self.version}"

    def covers(self, name: str, version: int) -> bool:
        return self.lifted_at is None and self.name == name and self.version in (None, version)


@dataclass(frozen=True)
class ModelOrigin:
    """A registered model that a tree is, or was made from.

    Attributes:
        suspended_at: since when it is suspended; None if it is not.
        evidence_ends_at: when the evidence of its newest approval ends; None if it was never approved.
    """

    name: str
    version: int
    ministry: Tenant
    digest: Digest
    suspended_at: float | None = None
    evidence_ends_at: float | None = None

    @property
    def object(self) -> str:
        return f"model:{self.name}/{self.version}"
