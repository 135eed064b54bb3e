"""Who may do what, and who may see what: two tables and two pure functions, by which every path in is decided.

Seeing comes first. What an actor does not see does not exist for them: it is denied as unknown, never as forbidden
(:attr:`Verdict.UNKNOWN`). Only about what they see are they told that they may not do something.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bongsu.domain.labels import Label
from bongsu.domain.people import Actor, ActorKind, Role


class Permission(StrEnum):
    """What a route, or a use case behind it, asks for."""

    PIPELINE_PLAN = "pipelines.plan"
    RUN_READ = "runs.read"
    RUN_SUBMIT = "runs.submit"
    RUN_CONTROL = "runs.control"
    LOG_READ = "logs.read"
    ARTIFACT_READ = "artifacts.read"
    ARTIFACT_ADD = "artifacts.add"
    DATASET_READ = "datasets.read"
    DATASET_REGISTER = "datasets.register"
    MODEL_READ = "models.read"
    MODEL_PROPOSE = "models.propose"
    MODEL_IMPORT = "models.import"
    MODEL_SUSPEND = "models.suspend"
    APPROVAL_READ = "approvals.read"
    APPROVAL_DECIDE = "approvals.decide"
    PERMIT_READ = "permits.read"
    PERMIT_GIVE = "permits.give"
    USE_READ = "uses.read"
    USE_REGISTER = "uses.register"
    GRANT_READ = "grants.read"
    GRANT_GIVE = "grants.give"
    GRANT_ADJUST = "grants.adjust"
    CAPACITY_READ = "capacity.read"
    LABEL_PROPOSE = "labels.propose"
    AUDIT_READ = "audit.read"
    AUDIT_WITNESS = "audit.witness"
    PERSON_READ = "people.read"
    PERSON_MANAGE = "people.manage"
    MINISTRY_READ = "ministries.read"
    MINISTRY_FIND = "ministries.find"
    MINISTRY_MANAGE = "ministries.manage"


P = Permission
_LOOKING = frozenset(
    {P.RUN_READ, P.DATASET_READ, P.MODEL_READ, P.APPROVAL_READ, P.PERMIT_READ, P.USE_READ, P.GRANT_READ}
    | {P.CAPACITY_READ, P.MINISTRY_READ}
)
PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.ENGINEER: _LOOKING
    | {P.PIPELINE_PLAN, P.RUN_SUBMIT, P.RUN_CONTROL, P.LOG_READ, P.ARTIFACT_READ, P.ARTIFACT_ADD}
    | {P.MODEL_PROPOSE, P.MINISTRY_FIND},
    Role.DATA_CUSTODIAN: _LOOKING
    | {P.DATASET_REGISTER, P.PERMIT_GIVE, P.LABEL_PROPOSE, P.ARTIFACT_READ, P.ARTIFACT_ADD, P.MODEL_IMPORT}
    | {P.MINISTRY_FIND},
    Role.PROGRAMME_MANAGER: _LOOKING | {P.GRANT_GIVE, P.GRANT_ADJUST, P.MODEL_PROPOSE, P.MINISTRY_FIND},
    Role.APPROVER: _LOOKING | {P.APPROVAL_DECIDE},
    Role.ACCREDITOR: _LOOKING | {P.USE_REGISTER, P.MODEL_SUSPEND, P.APPROVAL_DECIDE, P.AUDIT_READ, P.ARTIFACT_READ},
    Role.AUDITOR: _LOOKING | {P.AUDIT_READ, P.AUDIT_WITNESS, P.PERSON_READ},
    # Keeps the service up; what it holds is not theirs to read.
    Role.OPERATOR: frozenset({P.CAPACITY_READ, P.MINISTRY_READ, P.MINISTRY_MANAGE, P.PERSON_READ, P.PERSON_MANAGE}),
}
"""What each role may do in its ministry."""

DECISIONS_OF_PEOPLE = frozenset(
    {P.APPROVAL_DECIDE, P.USE_REGISTER, P.PERMIT_GIVE, P.GRANT_GIVE, P.GRANT_ADJUST, P.LABEL_PROPOSE}
    | {P.AUDIT_WITNESS, P.PERSON_MANAGE, P.MINISTRY_MANAGE, P.MODEL_IMPORT}
)
"""What no service account may do, whatever its roles: somebody has to answer for it."""


class Verdict(StrEnum):
    """``UNKNOWN``: as far as the actor may know, there is no such thing."""

    ALLOWED = "allowed"
    FORBIDDEN = "forbidden"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class AccessPermit:
    """That a ministry may see a thing of another one.

    Attributes:
        object: e.g. ``dataset:korean-law/1``.
        giver: whose it is: another ministry may have one of the same name.
        ministry: which may see it.
        purpose: what for; a run has to be of this use class to take it.
        begins, ends: aware; the end is exclusive.
    """

    object: str
    giver: str
    ministry: str
    purpose: str
    begins: datetime
    ends: datetime

    def holds(self, now: datetime) -> bool:
        return self.begins <= now < self.ends


@dataclass(frozen=True)
class Thing:
    """What is asked for: whose it is, how it is labelled, and what it is called in permits."""

    object: str
    ministry: str
    label: Label


def cleared_for(clearance: Label | None, label: Label) -> bool:
    """True if whoever has the clearance may look at what has the label; None is a home's owner, who sees all of it."""
    return clearance is None or clearance.dominates(label)


def sees(actor: Actor, thing: Thing, permits: Iterable[AccessPermit], now: datetime) -> bool:
    """True if the thing exists for the actor: it is of one of their ministries, or one of these has a permit for it;
    and their clearance dominates its label."""
    if not cleared_for(actor.clearance, thing.label):
        return False
    return thing.ministry in actor.ministries or any(
        (permit.object, permit.giver) == (thing.object, thing.ministry)
        and permit.ministry in actor.ministries
        and permit.holds(now)
        for permit in permits
    )


def permissions_in(actor: Actor, ministry: str) -> frozenset[Permission]:
    """What the actor may do to things of a ministry."""
    granted = frozenset[Permission]().union(*(PERMISSIONS[role] for role in actor.is_in(ministry)))
    return granted if actor.kind is ActorKind.PERSON else granted - DECISIONS_OF_PEOPLE


def judge(
    actor: Actor, permission: Permission, thing: Thing, permits: Iterable[AccessPermit], now: datetime
) -> Verdict:
    """Whether the actor may do this to the thing."""
    if not sees(actor, thing, permits, now):
        return Verdict.UNKNOWN
    if permission in permissions_in(actor, thing.ministry):
        return Verdict.ALLOWED
    # A permit lets a ministry look at what another one has, with the rights that its people have at home.
    if thing.ministry not in actor.ministries and permission in SHARED:
        at_home = (permissions_in(actor, ministry) for ministry in actor.ministries)
        if any(permission in granted for granted in at_home):
            return Verdict.ALLOWED
    return Verdict.FORBIDDEN


SHARED = frozenset({P.RUN_READ, P.DATASET_READ, P.MODEL_READ, P.ARTIFACT_READ})
"""What an access permit can let a ministry do to a thing of another one."""
