"""Who may look into a log, and what of it they may see."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection

from bongsu.domain.codes import audit as codes
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor
from bongsu.domain.phrases import Words
from bongsu.domain.tenants import HOME, Tenant
from bongsu.policy.access import Permission, Thing, Verdict, cleared_for, judge
from bongsu.policy.access_rules import permitted_in
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, refusals_recorded
from bongsu.store.audit_reading import labels_in

# Roles that have these permissions can be looked up with `bongsu policy explain`.
READ = Permission.AUDIT_READ
WITNESS = Permission.AUDIT_WITNESS


def may(platform: Platform, actor: Actor, tenant: Tenant, permission: Permission = READ) -> None:
    """Return if the actor may do this with the tenant's log. A refusal is recorded in it.

    Raises:
        BongsuError: ``audit.unknown-log`` to who has no role in the ministry, as if it did not exist;
            ``audit.forbidden``.
    """
    now = platform.clock()
    thing = Thing(object=f"audit:{tenant}", ministry=tenant, label=OPEN)
    verdict = judge(actor, permission, thing, (), datetime.fromtimestamp(now, UTC))
    if verdict is Verdict.UNKNOWN:
        raise codes.UNKNOWN_LOG.error(tenant=named(tenant))
    if verdict is Verdict.FORBIDDEN:
        with refusals_recorded(asked_of(platform, actor, tenant, permission.value)):
            permitted_in(actor, permission, tenant, codes.FORBIDDEN, tenant=named(tenant)).require()


def asked_of(platform: Platform, actor: Actor, tenant: Tenant, action: str) -> Ask:
    """What somebody asks of a tenant's log, which tells of it itself."""
    request_id = platform.author.request_id
    return Ask(platform, actor, tenant=tenant, action=action, object=f"audit:{tenant}", request_id=request_id)


def visible_labels(connection: Connection, actor: Actor, tenant: Tenant) -> list[Label]:
    """Labels of the log's entries whose text the actor may see; in a home, which is its owner's, all of them."""
    found = labels_in(connection, tenant)
    return found if tenant == HOME else [label for label in found if cleared_for(actor.clearance, label)]


def named(tenant: Tenant) -> Words:
    """A tenant in a sentence."""
    return tenant or N_("this home")
