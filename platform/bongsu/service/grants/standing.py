"""Who may do what to a grant, and the record of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from bongsu.domain.codes import grants as codes
from bongsu.domain.grants import Grant
from bongsu.domain.labels import OPEN
from bongsu.domain.people import Actor
from bongsu.domain.tenants import HOME, Tenant
from bongsu.policy.access import Permission, Thing, Verdict, judge
from bongsu.policy.access_rules import permitted_in
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, record_refusal, refusals_recorded
from bongsu.store.grants import get_grant


def tenant_of(actor: Actor, ministry: str) -> Tenant:
    """Whose things of this ministry are: in a home all is its owner's."""
    return HOME if HOME in actor.ministries else Tenant(ministry)


def verdict(actor: Actor, permission: Permission, grant: Grant, now: float) -> Verdict:
    """Looking takes the permission on one of the two sides, everything else on the giver's."""
    moment = datetime.fromtimestamp(now, UTC)

    def on_side(ministry: str, asked: Permission) -> Verdict:
        thing = Thing(f"grant:{grant.id}", tenant_of(actor, ministry), OPEN)
        return judge(actor, asked, thing, (), moment)

    looks = {on_side(side, Permission.GRANT_READ) for side in (grant.giver, grant.receiver)}
    if looks == {Verdict.UNKNOWN}:
        return Verdict.UNKNOWN
    if permission is Permission.GRANT_READ:
        return Verdict.ALLOWED if Verdict.ALLOWED in looks else Verdict.FORBIDDEN
    allowed = on_side(grant.giver, permission) is Verdict.ALLOWED
    return Verdict.ALLOWED if allowed else Verdict.FORBIDDEN


def about(platform: Platform, actor: Actor, grant_id: str, action: str, *sides: str) -> Ask:
    """What somebody asks of a grant, told in the logs of these ministries; of none, where it does not exist for the
    actor: in that of their own."""
    tenants = sorted({tenant_of(actor, side) for side in sides}) or [HOME]
    return Ask(
        platform,
        actor,
        tenant=tenants[0],
        action=action,
        object=f"grant:{grant_id}",
        request_id=platform.author.request_id,
        others=tuple(tenants[1:]),
    )


@contextmanager
def acting(
    platform: Platform, actor: Actor, permission: Permission, grant_id: str, action: str
) -> Iterator[tuple[Ask, Grant]]:
    """The grant, if the actor may do this to it, and what they ask, of which both sides hear. What is refused, here or
    within the block, is recorded.

    Raises:
        BongsuError: ``grants.unknown`` if there is none, as far as the actor may know; ``grants.forbidden``.
    """
    with platform.database.read() as connection:
        grant = get_grant(connection, grant_id)
    found = verdict(actor, permission, grant, platform.clock()) if grant else Verdict.UNKNOWN
    if grant is None or found is Verdict.UNKNOWN:
        error = codes.UNKNOWN.error(grant=grant_id)
        if permission is not Permission.GRANT_READ:  # as of runs: who looks for what is not there attempts nothing
            record_refusal(about(platform, actor, grant_id, action), error)
        raise error
    asked = about(platform, actor, grant_id, action, grant.giver, grant.receiver)
    with refusals_recorded(asked):
        if found is Verdict.FORBIDDEN:
            reads_there = permission is Permission.GRANT_READ and grant.giver not in actor.ministries
            side = grant.receiver if reads_there else grant.giver
            permitted_in(actor, permission, side, codes.FORBIDDEN, grant=grant_id).require()
        yield asked, grant


def readable(platform: Platform, actor: Actor, grant_id: str) -> Grant:
    """The grant, if the actor may look at it. Raises as :func:`acting`."""
    with acting(platform, actor, Permission.GRANT_READ, grant_id, "grant.read") as (_asked, grant):
        return grant
