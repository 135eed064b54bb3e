"""What a ministry lets another one see, as that one is told: whose it is, what for, until when, and its address."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bongsu.domain.tenants import Tenant
from bongsu.domain.uses import UseClass

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
FORM = re.compile(
    rf"(?P<kind>model|dataset)s://(?P<giver>[a-z](?:[-a-z0-9]*[a-z0-9])?)/(?P<name>{_PART})/(?P<version>[1-9][0-9]{{0,8}})"
)


@dataclass(frozen=True)
class Sharing:
    """One access permit that holds.

    Attributes:
        giver: whose the object is.
        ministry: which may see it.
        purpose: what runs of that ministry may take it for.
        ends_at: seconds since the epoch.
    """

    giver: str
    ministry: str
    purpose: UseClass
    ends_at: float


@dataclass(frozen=True)
class SharedAddress:
    """``models://GIVER/NAME/3`` or ``datasets://GIVER/NAME/1``: a version of another ministry. Aliases are none: what
    they stand for changes, and a permit is for one version."""

    giver: Tenant
    object: str
    """As permits call it, e.g. ``dataset:korean-law/1``."""

    @classmethod
    def parse(cls, text: str) -> SharedAddress | None:
        """None if the text is no such address."""
        found = FORM.fullmatch(text)
        if found is None:
            return None
        return cls(Tenant(found["giver"]), f"{found['kind']}:{found['name']}/{found['version']}")

    @property
    def is_model(self) -> bool:
        return self.object.startswith("model:")

    def __str__(self) -> str:
        kind, _, version = self.object.partition(":")
        return f"{kind}s://{self.giver}/{version}"
