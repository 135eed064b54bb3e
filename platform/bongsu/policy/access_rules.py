"""What :mod:`bongsu.policy.access` decides, as rules that are named in refusals and explained."""

from __future__ import annotations

from bongsu.domain.codes import governance as codes
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor
from bongsu.policy.access import PERMISSIONS, Permission, Thing, Verdict
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


def decision(actor: Actor, permission: Permission, thing: Thing, verdict: Verdict) -> Decision:
    """A verdict as a decision; of what does not exist for the actor it says nothing but that."""
    facts: dict[str, str] = {"actor": actor.id, "permission": permission.value, "object": thing.object}
    if verdict is Verdict.ALLOWED:
        return PERMISSION.allow(**facts)
    if verdict is Verdict.UNKNOWN:
        return VISIBLE.deny(codes.NO_SUCH.at(object=thing.object), **facts)
    roles = ", ".join(role.value for role, granted in PERMISSIONS.items() if permission in granted)
    problem = codes.NOT_PERMITTED.at(None, "", **facts, roles=roles, ministry=thing.ministry)
    return PERMISSION.deny(problem, **facts)
