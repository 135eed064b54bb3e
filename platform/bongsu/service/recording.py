"""A change and the entry that tells of it, in one transaction; and an attempt that was refused, which changes nothing
and is told of, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

from sqlalchemy import Connection

from bongsu.domain.audit import AuditEvent, AuditOutcome, rules_of
from bongsu.domain.codes import api as codes
from bongsu.domain.people import Actor
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.service.platform import Platform
from bongsu.store import audit
from bongsu.store.people import home_of

# Exit statuses of what somebody asked for wrongly, did not find, or may not do. Others are faults of the machine.
_REFUSALS = frozenset({2, 3, 4})


@dataclass
class Change:
    """A change under way.

    Attributes:
        connection: of its transaction.
        facts: to be recorded.
        is_new: False if everything was so already: nothing is recorded then, and asking twice is asking once.
        elsewhere: entries of other ministries' logs that tell of it, too.
    """

    connection: Connection
    facts: dict[str, Any] = field(default_factory=dict)
    is_new: bool = True
    elsewhere: list[AuditEvent] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """Who asks for what.

    Attributes:
        actor: who.
        action: e.g. ``person.disable``.
        object: e.g. ``person:mnd/kim``.
        ministry: whose the object is.
        request_id: of the request; empty if there was none.
    """

    actor: Actor
    action: str
    object: str
    ministry: str
    request_id: str = ""

    def event(self, at: float) -> AuditEvent:
        return AuditEvent(
            tenant=Tenant(self.ministry),
            actor=self.actor.id,
            action=self.action,
            object=self.object,
            at=at,
            request_id=self.request_id,
        )


@contextmanager
def recorded(platform: Platform, asked: Asked) -> Iterator[Change]:
    """A transaction that ends with the entry. If the body raises, nothing is changed; a refusal is recorded: in the log
    of the ministry that it is about if the actor is something there, else in that of their own. Nobody's log is written
    by those who are nothing there."""
    event = asked.event(platform.clock())
    try:
        with platform.database.write() as connection:
            change = Change(connection)
            yield change
            if change.is_new:
                audit.append_all(connection, [replace(event, facts=change.facts), *change.elsewhere])
    except BongsuError as error:
        found = [problem.code for problem in error.problems]
        if all(code.exit_code in _REFUSALS for code in found):
            facts = {"refused": [code.name for code in found], **rules_of(error.problems)}
            actor = asked.actor
            tenant = event.tenant if asked.ministry in actor.ministries else Tenant(home_of(actor.id))
            refusal = replace(event, tenant=tenant, outcome=AuditOutcome.REFUSED, facts=facts)
            with platform.database.write() as connection:
                append_refusal(connection, platform, refusal)
        raise


def append_refusal(connection: Connection, platform: Platform, *entries: AuditEvent) -> None:
    """Add what the logs say of one attempt that was refused, as the last statements of a transaction, and count it."""
    audit.append_all(connection, entries)
    platform.refusals.note(entries[0].actor)


def stop_flood(platform: Platform, actor: Actor, request_id: str = "") -> None:
    """Go on unless the actor was refused too often a moment ago; that they are stopped is recorded, once, in the log of
    their ministry.

    Raises:
        BongsuError: ``api.too-many-refused``.
    """
    refusals = platform.refusals
    seconds = ceil(refusals.wait_s(actor.id))
    if not seconds:
        return
    if refusals.is_untold(actor.id):
        own = home_of(actor.id)
        ministry = own if own in actor.roles else next(iter(sorted(actor.roles)), own)
        asked = Asked(actor, "requests.stop", f"actor:{actor.id}", ministry, request_id)
        facts = {"refused": [codes.TOO_MANY_REFUSED.name], "a_minute": refusals.a_minute}
        try:
            with platform.database.write() as connection:
                event = asked.event(platform.clock())
                audit.append(connection, replace(event, outcome=AuditOutcome.REFUSED, facts=facts))
        except BaseException:
            refusals.untold(actor.id)
            raise
    raise codes.TOO_MANY_REFUSED.error(limit=refusals.a_minute, seconds=seconds)
