"""Who may do what to a grant, and the record of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from bongsu.domain.audit import AuditEvent, AuditOutcome
from bongsu.domain.codes import grants as codes
from bongsu.domain.grants import Grant
from bongsu.domain.labels import OPEN
from bongsu.domain.people import Actor
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import HOME, Tenant
from bongsu.policy.access import Permission, Thing, Verdict, judge
from bongsu.policy.access_rules import permitted_in
from bongsu.service.platform import Platform
from bongsu.service.recording import append_refusal, refusal_facts
from bongsu.store import audit
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


@dataclass(frozen=True)
class Deed:
    """What was done to a grant, or asked for and refused: ``action`` as of :class:`bongsu.domain.audit.AuditEvent`.

    ``of_receiver``: it is of the receiver's runs, of which the giver does not hear.
    """

    action: str
    at: float
    facts: Mapping[str, Any] = field(default_factory=dict)
    outcome: AuditOutcome = AuditOutcome.DONE
    of_receiver: bool = False


def permitted(platform: Platform, actor: Actor, permission: Permission, grant_id: str, action: str) -> Grant:
    """The grant, if the actor may do this to it. A refusal is recorded.

    Raises:
        BongsuError: ``grants.unknown`` if there is none, as far as the actor may know; ``grants.forbidden``.
    """
    with platform.database.read() as connection:
        grant = get_grant(connection, grant_id)
    found = verdict(actor, permission, grant, platform.clock()) if grant else Verdict.UNKNOWN
    if grant is None or found is Verdict.UNKNOWN:
        raise codes.UNKNOWN.error(grant=grant_id)
    if found is Verdict.FORBIDDEN:
        reads_there = permission is Permission.GRANT_READ and grant.giver not in actor.ministries
        side = grant.receiver if reads_there else grant.giver
        refused = permitted_in(actor, permission, side, codes.FORBIDDEN, grant=grant_id)
        assert refused.problem is not None
        error = BongsuError([refused.problem])
        record_refusal(platform, actor, grant, action, error)
        raise error
    return grant


def record(connection: Connection, platform: Platform, actor: Actor, grant: Grant, deed: Deed) -> None:
    """Write it into the logs of both sides, as the last statements of the transaction."""
    audit.append_all(connection, _entries(platform, actor, grant, deed))


def record_refusal(
    platform: Platform, actor: Actor, grant: Grant, action: str, error: BongsuError, *, of_receiver: bool = False
) -> None:
    """As :func:`record`, of what was asked for and not done, in a transaction of its own."""
    if platform.database.read_only:
        return
    with platform.database.write() as connection:
        deed = Deed(action, platform.clock(), refusal_facts(error), AuditOutcome.REFUSED, of_receiver)
        append_refusal(connection, platform, *_entries(platform, actor, grant, deed))


def _entries(platform: Platform, actor: Actor, grant: Grant, deed: Deed) -> list[AuditEvent]:
    sides = {grant.receiver} if deed.of_receiver else {grant.giver, grant.receiver}
    thing, request = f"grant:{grant.id}", platform.author.request_id
    return [
        AuditEvent(tenant, actor.id, deed.action, thing, deed.at, deed.outcome, OPEN, dict(deed.facts), request)
        for tenant in sorted({tenant_of(actor, side) for side in sides})
    ]


@contextmanager
def refusals_recorded(platform: Platform, actor: Actor, grant: Grant, action: str) -> Iterator[None]:
    """What the block refuses is recorded, and raised."""
    try:
        yield
    except BongsuError as error:
        record_refusal(platform, actor, grant, action, error)
        raise
