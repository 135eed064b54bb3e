"""Who asks for what; a change and the entry that tells of it, in one transaction; and an attempt that was refused,
which changes nothing and is told of, too."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field, replace
from math import ceil
from typing import Any

from sqlalchemy import Connection

from bongsu.domain.audit import AuditEvent, AuditOutcome, rules_of
from bongsu.domain.codes import api as codes
from bongsu.domain.labels import OPEN, Label
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
_LONGEST_OBJECT = 300


OF_LABELS = ("access", "label")
"""Kinds of errors of who states a label, or makes something that has one."""


@dataclass(frozen=True)
class Ask:
    """Somebody asks for something.

    Attributes:
        platform: what to work on.
        actor: who.
        tenant: the ministry in which they ask, or whose the object is.
        action: as the log names it, e.g. ``use.register``.
        object: what it is about, e.g. ``model:axk1-admin/3``.
        request_id: of the request; empty if there was none.
    """

    platform: Platform
    actor: Actor
    _: KW_ONLY
    tenant: Tenant
    action: str
    object: str
    request_id: str = ""

    @property
    def now(self) -> float:
        return self.platform.clock()

    def event(self, label: Label = OPEN, **facts: Any) -> AuditEvent:
        """The entry that tells of it."""
        return AuditEvent(
            tenant=self.tenant,
            actor=self.actor.id,
            action=self.action,
            object=self.object[:_LONGEST_OBJECT],
            at=self.now,
            label=label,
            facts=facts,
            request_id=self.request_id,
        )


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


@contextmanager
def recorded_change(ask: Ask) -> Iterator[Change]:
    """A transaction that ends with the entry. If the body raises, nothing is changed; a refusal is recorded as
    :func:`record_refusal` says."""
    event = ask.event()
    try:
        with ask.platform.database.write() as connection:
            change = Change(connection)
            yield change
            if change.is_new:
                audit.append_all(connection, [replace(event, facts=change.facts), *change.elsewhere])
    except BongsuError as error:
        if all(problem.code.exit_code in _REFUSALS for problem in error.problems):
            record_refusal(ask, error)
        raise


@contextmanager
def refusals_recorded(ask: Ask, kinds: Collection[str] = ()) -> Iterator[None]:
    """What is refused inside is raised, and recorded as :func:`record_refusal` says; of kinds of errors (``use`` for
    ``use.not-permitted``), if there are any, nothing else is."""
    try:
        yield
    except BongsuError as error:
        if not kinds or any(problem.code.name.partition(".")[0] in kinds for problem in error.problems):
            record_refusal(ask, error)
        raise


def done(connection: Connection, ask: Ask, label: Label = OPEN, **facts: Any) -> None:
    """Record what was done, in its transaction and as its last statement."""
    audit.append(connection, ask.event(label, **facts))


def record_refusal(ask: Ask, error: BongsuError) -> None:
    """Tell of an attempt that was refused, in a transaction of its own: in the log of the ministry in which it was made
    if the actor is something there, or names a forbidden use for it; else in that of their own. Nobody else's log is
    written by those who are nothing there.

    Args:
        ask: of whom for what. Where nothing can be written, nothing is: nothing could have been changed.
        error: why it was not done.
    """
    platform, actor = ask.platform, ask.actor
    if platform.database.read_only:
        return
    facts = refusal_facts(error)
    heard = "words" in facts or ask.tenant in actor.ministries
    logs = [*([ask.tenant] if heard else []), home_of(actor.id), *sorted(actor.ministries)]
    with platform.write() as connection:
        tenant = next((one for one in logs if takes_part(connection, one)), None)
        if tenant is not None:
            told = replace(ask.event(), tenant=Tenant(tenant), outcome=AuditOutcome.REFUSED, facts=facts)
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
        asked = Ask(
            platform,
            actor,
            tenant=Tenant(ministry),
            action="requests.stop",
            object=f"actor:{actor.id}",
            request_id=request_id,
        )
        facts = {"codes": [codes.TOO_MANY_REFUSED.name], "a_minute": refusals.a_minute}
        try:
            with platform.database.write() as connection:
                audit.append(connection, replace(asked.event(), outcome=AuditOutcome.REFUSED, facts=facts))
        except BaseException:
            refusals.untold(actor.id)
            raise
    raise codes.TOO_MANY_REFUSED.error(limit=refusals.a_minute, seconds=seconds)
