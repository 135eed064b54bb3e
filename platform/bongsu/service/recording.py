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
from bongsu.policy.purpose import refused_words
from bongsu.service.platform import Platform
from bongsu.store import audit
from bongsu.store.ministries import takes_part
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
    """A transaction that ends with the entry. If the body raises, nothing is changed; a refusal is recorded as
    :func:`record_refusal` says."""
    event = asked.event(platform.clock())
    try:
        with platform.database.write() as connection:
            change = Change(connection)
            yield change
            if change.is_new:
                audit.append_all(connection, [replace(event, facts=change.facts), *change.elsewhere])
    except BongsuError as error:
        if all(problem.code.exit_code in _REFUSALS for problem in error.problems):
            record_refusal(platform, asked.actor, event, error)
        raise


def record_refusal(platform: Platform, actor: Actor, event: AuditEvent, error: BongsuError) -> None:
    """Tell of an attempt that was refused, in a transaction of its own: in the log that ``event`` names if the actor is
    something there, or names a forbidden use for that ministry; else in that of their own. Nobody else's log is written
    by those who are nothing there.

    Args:
        platform: of who asks. Where nothing can be written, nothing is: nothing could have been changed.
        actor: who asks.
        event: the entry as it would be if it had been done.
        error: why it was not.
    """
    if platform.database.read_only:
        return
    facts = refusal_facts(error)
    heard = "words" in facts or event.tenant in actor.ministries
    logs = [*([event.tenant] if heard else []), home_of(actor.id), *sorted(actor.ministries)]
    with platform.write() as connection:
        tenant = next((one for one in logs if takes_part(connection, one)), None)
        if tenant is not None:
            told = replace(event, tenant=Tenant(tenant), outcome=AuditOutcome.REFUSED, facts=facts)
            append_refusal(connection, platform, told)


def refusal_facts(error: BongsuError) -> dict[str, Any]:
    """What an entry tells of a refusal: the ``codes`` of its errors, the ``rules`` that they break, and the ``words``
    of a forbidden use."""
    facts: dict[str, Any] = {"codes": sorted({problem.code.name for problem in error.problems})}
    facts |= rules_of(error.problems)
    words = refused_words(error)
    return facts | {"words": words} if words else facts


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
    if refusals.take_telling(actor.id):
        own = home_of(actor.id)
        ministry = own if own in actor.roles else next(iter(sorted(actor.roles)), own)
        asked = Asked(actor, "requests.stop", f"actor:{actor.id}", ministry, request_id)
        facts = {"codes": [codes.TOO_MANY_REFUSED.name], "a_minute": refusals.a_minute}
        try:
            with platform.database.write() as connection:
                event = asked.event(platform.clock())
                audit.append(connection, replace(event, outcome=AuditOutcome.REFUSED, facts=facts))
        except BaseException:
            refusals.untold(actor.id)
            raise
    raise codes.TOO_MANY_REFUSED.error(limit=refusals.a_minute, seconds=seconds)
