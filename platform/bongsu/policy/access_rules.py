"""What :mod:`bongsu.policy.access` decides, as rules that are named in refusals and explained."""

from __future__ import annotations

from bongsu.domain.codes import access
from bongsu.domain.codes import governance as codes
from bongsu.domain.labels import Label
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor, ActorKind
from bongsu.domain.phrases import phrase
from bongsu.domain.problems import Code, Problem
from bongsu.policy.access import (
    DECISIONS_OF_PEOPLE,
    PERMISSIONS,
    Permission,
    Thing,
    Verdict,
    cleared_for,
    permissions_in,
)
from bongsu.policy.decision import Decision
from bongsu.policy.rule import Rule

VISIBLE = Rule(
    "access.visible",
    N_(
        "A thing exists for those whose clearance dominates its label, in its ministry or in one that has an access"
        " permit for it; for everybody else there is no such thing."
    ),
    (N_("clearance"), N_("label"), N_("ministries of the account"), N_("access permits"), N_("time")),
    "N2SF 1.0, Military Secrets Act (need to know)",
    N_("at every use case and every route"),
)
PERMISSION = Rule(
    "access.permission",
    N_("What is seen may be changed by those whose roles in its ministry have the permission for it."),
    (N_("roles of the account"), N_("permission that is asked for")),
    "N2SF 1.0, NIST SP 800-53 AC-3",
    N_("at every use case and every route"),
)
PEOPLE = Rule(
    "access.people",
    N_(
        "What somebody has to answer for is done by people, and no service account has a role or a permission for it."
    ),
    (N_("kind of the account"), N_("role or permission")),
    "US DoD AI Ethical Principles: responsible",
    N_("at every use case and every route, and when a role is given"),
)
CLEARANCE = Rule(
    "access.clearance",
    N_("Nobody reads, or makes, what their clearance does not dominate; of a list, only that it is there is told."),
    (N_("clearance"), N_("label")),
    "N2SF 1.0, Military Secrets Act",
    N_("when something is labelled, registered or sent, and when an entry of the audit log is proved"),
)
KNOWN_LABEL = Rule(
    "label.known",
    N_(
        "Bytes that a ministry has keep the label that they are known by: who sends them again raises it no other way"
        " than whoever else may."
    ),
    (N_("label that is known"), N_("label that is stated")),
    "N2SF 1.0",
    N_("when bytes are sent"),
)
NO_ROLE = N_("without a role")
"""What somebody is in a ministry in which they have no role."""


def permitted_in(
    actor: Actor, permission: Permission, ministry: str, code: Code = access.FORBIDDEN, **named: object
) -> Decision:
    """Whether the actor's roles in a ministry have a permission.

    Args:
        actor: who asks; that there is the ministry is known to them.
        permission: what for.
        ministry: where.
        code: of the refusal; filled in are ``actor``, ``permission``, ``ministry``, which roles they hold (``held``),
            and which roles have it (``having``).
        named: what else the code names.
    """
    facts = {"actor": actor.id, "permission": permission.value, "ministry": ministry}
    if permission in permissions_in(actor, ministry):
        return PERMISSION.allow(**facts)
    if _is_for_others(actor, permission):
        return PEOPLE.deny(access.PEOPLE_DECIDE.at(permission=permission.value, actor=actor.id), **facts)
    held = ", ".join(sorted(role.value for role in actor.is_in(ministry)))
    told: dict[str, object] = {**facts, "held": held or phrase(NO_ROLE), "having": roles_with(permission), **named}
    return PERMISSION.deny(Problem(code, args=told), **facts, roles=held)


def within_clearance(clearance: Label, label: Label) -> Decision:
    """Whether somebody may make what would be labelled so. The label is not told: it may be of bytes that are known,
    with compartments of which the asker has never heard."""
    if cleared_for(clearance, label):
        return CLEARANCE.allow(clearance=str(clearance))
    problem = access.ABOVE_CLEARANCE.at(clearance=str(clearance))
    return CLEARANCE.deny(problem, clearance=str(clearance))


def decision(actor: Actor, permission: Permission, thing: Thing, verdict: Verdict) -> Decision:
    """A verdict as a decision; of what does not exist for the actor it says nothing but that."""
    facts: dict[str, str] = {"actor": actor.id, "permission": permission.value, "object": thing.object}
    if verdict is Verdict.ALLOWED:
        return PERMISSION.allow(**facts)
    if verdict is Verdict.UNKNOWN:
        return VISIBLE.deny(codes.NO_SUCH.at(object=thing.object), **facts)
    if _is_for_others(actor, permission):
        return PEOPLE.deny(access.PEOPLE_DECIDE.at(permission=permission.value, actor=actor.id), **facts)
    roles = roles_with(permission)
    problem = codes.NOT_PERMITTED.at(None, "", **facts, roles=roles, ministry=thing.ministry)
    return PERMISSION.deny(problem, **facts)


def _is_for_others(actor: Actor, permission: Permission) -> bool:
    return actor.kind is not ActorKind.PERSON and permission in DECISIONS_OF_PEOPLE


def roles_with(permission: Permission) -> str:
    """Which roles have a permission, as refusals name them."""
    return ", ".join(role.value for role, granted in PERMISSIONS.items() if permission in granted)
