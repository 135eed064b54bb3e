"""Who asks: people, services and the workers of an attempt; which ministries they act in, and what they may see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bongsu.domain.ids import AttemptId
from bongsu.domain.labels import OPEN, Label

MINISTRY_NAME = re.compile("[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NAME = "[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?"
PERSON_ID = re.compile(rf"({_NAME})/({_NAME})")
"""``MINISTRY/NAME``."""


class Role(StrEnum):
    """What somebody is in a ministry; one person may be several things, and other things in another ministry."""

    ENGINEER = "engineer"
    DATA_CUSTODIAN = "data-custodian"
    PROGRAMME_MANAGER = "programme-manager"
    APPROVER = "approver"
    ACCREDITOR = "accreditor"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class ActorKind(StrEnum):
    """A person decides; a service account acts for a ministry without one; a worker acts for one attempt at a stage."""

    PERSON = "person"
    SERVICE = "service"
    WORKER = "worker"


@dataclass(frozen=True)
class Actor:
    """Whoever asks, as far as it was verified.

    Attributes:
        id: stable, e.g. ``mnd/kim``; never the name of another.
        name: as people read it.
        kind: of actor.
        roles: by ministry; a ministry without a role is a foreign one.
        clearance: what they may see at most.
        attempt: of a worker; None for everybody else.
    """

    id: str
    name: str
    kind: ActorKind = ActorKind.PERSON
    roles: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    clearance: Label = OPEN
    attempt: AttemptId | None = None

    @property
    def ministries(self) -> frozenset[str]:
        """Those in which they are anything."""
        return frozenset(ministry for ministry, roles in self.roles.items() if roles)

    def is_in(self, ministry: str) -> frozenset[Role]:
        """What they are there."""
        return self.roles.get(ministry, frozenset())
