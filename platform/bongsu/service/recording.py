"""Who asks for what; a change and the entry that tells of it, in one transaction; and an attempt that was refused,
which changes nothing and is told of, too.

What was refused a person, or a worker, is written by :func:`record_refusal` and by nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field, replace
from math import ceil
from typing import Any

from sqlalchemy import Connection

from bongsu.domain.audit import AuditEvent, Author
from bongsu.domain.codes import api as codes
from bongsu.domain.codes.policy import FORBIDDEN_USE
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.people import Actor, ActorKind
from bongsu.domain.problems import BongsuError, Problem
from bongsu.domain.tenants import HOME, Tenant
from bongsu.service.platform import Platform
from bongsu.store import audit
from bongsu.store.ministries import takes_part
from bongsu.store.people import home_of
from bongsu.store.scope import EVERYTHING
from bongsu.store.seen_objects import label_seen

# Exit statuses of what somebody asked for wrongly, did not find, or may not do. Others are faults of the machine.
_REFUSALS = frozenset({2, 3, 4})

OF_LABELS = ("access", "label")
"""Kinds of errors of who states a label, or makes something that has one."""


@dataclass(frozen=True)
class Ask:
    """Somebody asks for something.

    Attributes:
        platform: what to work on.
        actor: who.
        tenant: the ministry in which they ask, or whose the object is; none's, :data:`HOME`, on a server for what does
            not exist for them.
        action: as the log names it, e.g. ``use.register``.
        object: what it is about, e.g. ``model:axk1-admin/3``.
        request_id: of the request; empty if there was none.
        others: further ministries that it concerns, such as the receiver of a grant: their logs tell the same.
        stated: the label that they state of it: the least that a refusal carries.
    """

    platform: Platform
    actor: Actor
    _: KW_ONLY
    tenant: Tenant
    action: str
    object: str
    request_id: str = ""
    others: tuple[Tenant, ...] = ()
    stated: Label = OPEN

    @classmethod
    def of(cls, platform: Platform, action: str, object_: str) -> Ask:
        """Of whom a platform is for, in the one ministry that it is of."""
        author = platform.author
        return cls(
            platform,
            platform.actor,
            tenant=author.tenant,
            action=action,
            object=object_,
            request_id=author.request_id,
        )

    @property
    def now(self) -> float:
        return self.platform.clock()

    @property
    def logs(self) -> list[Tenant]:
        """That are to tell of it, each once."""
        return list(dict.fromkeys((self.tenant, *self.others)))

    def entries(self, label: Label = OPEN, **facts: Any) -> list[AuditEvent]:
        """What the logs say once it was done."""
        return [self._author(one).did(self.action, self.object, self.now, label, facts) for one in self.logs]

    def refusals(
        self, logs: Collection[Tenant], problems: Collection[Problem], label: Label = OPEN, **more: Any
    ) -> list[AuditEvent]:
        """What these logs say if it was refused."""
        about = self.action, self.object, self.now, problems, more, label
        return [self._author(one).was_refused(*about) for one in logs]

    def _author(self, tenant: Tenant) -> Author:
        return Author(tenant, self.actor.id, self.request_id)


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
    with refusals_recorded(ask), ask.platform.database.write() as connection:
        change = Change(connection)
        yield change
        if change.is_new:
            audit.append_all(connection, [*ask.entries(**change.facts), *change.elsewhere])


@dataclass
class Refusable:
    """What is asked for, as far as it is known by now; whoever learns more of it says so here."""

    ask: Ask

    def states(self, label: Label) -> None:
        """What is asked for says of itself that it carries this label."""
        self.ask = replace(self.ask, stated=self.ask.stated.join(label))


@contextmanager
def refusals_recorded(ask: Ask, kinds: Collection[str] = (), **more: Any) -> Iterator[Refusable]:
    """What is refused inside is raised, and recorded as :func:`record_refusal` says; of kinds of errors (``use`` for
    ``use.not-permitted``), if there are any, nothing else is."""
    asked = Refusable(ask)
    try:
        yield asked
    except BongsuError as error:
        if not kinds or any(problem.code.name.partition(".")[0] in kinds for problem in _refusing(error)):
            record_refusal(asked.ask, error, **more)
        raise


def done(connection: Connection, ask: Ask, label: Label = OPEN, **facts: Any) -> None:
    """Record what was done, in its transaction and as its last statement."""
    audit.append_all(connection, ask.entries(label, **facts))


def record_refusal(ask: Ask, error: BongsuError, **more: Any) -> None:
    """Tell of an attempt that was refused, in a transaction of its own, and count it: in the logs of whom it concerns
    if the actor is something in one of these ministries, or names a forbidden use for it; else in that of their own.
    Nobody else's log is written by those who are nothing there.

    A fault of the machine (a database that is busy, a disk without room) is no refusal: it says nothing of who asked.

    The entry carries what is stated of the object, and what the object carries as far as it exists for the actor
    (:func:`bongsu.store.seen_objects.label_seen`).

    Args:
        ask: of whom for what. Where nothing can be written, nothing is: nothing could have been changed.
        error: why it was not done.
        more: facts beside those that every refusal has (:meth:`bongsu.domain.audit.Author.was_refused`).
    """
    platform = ask.platform
    if platform.database.read_only or not _refusing(error):
        return
    with platform.database.write(EVERYTHING) as connection:
        logs = _listening(connection, ask, error)
        if logs:
            label = ask.stated.join(label_seen(connection, ask.actor, ask.object, ask.now))
            audit.append_all(connection, ask.refusals(logs, error.problems, label, **more))
    if logs:
        platform.refusals.note(ask.actor.id)


def _refusing(error: BongsuError) -> list[Problem]:
    return [problem for problem in error.problems if problem.code.exit_code in _REFUSALS]


def _listening(connection: Connection, ask: Ask, error: BongsuError) -> list[Tenant]:
    """Whose logs tell of a refusal."""
    actor = ask.actor
    if actor.kind is ActorKind.WORKER:  # its token says whose it is, which may have left meanwhile
        return ask.logs

    def listens(tenant: str) -> bool:
        return takes_part(connection, tenant) or (tenant == HOME and HOME in actor.ministries)

    declared = any(problem.code is FORBIDDEN_USE for problem in error.problems)
    is_there = not actor.ministries.isdisjoint(ask.logs)
    concerned = [one for one in ask.logs if (declared or is_there) and listens(one)]
    own = [Tenant(one) for one in (home_of(actor.id), *sorted(actor.ministries)) if listens(one)]
    # Where nobody listens any more, a ministry that was closed still has its log.
    return concerned or own[:1] or (ask.logs if is_there else [])


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
    stopped = codes.TOO_MANY_REFUSED.error(limit=refusals.a_minute, seconds=seconds)
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
        try:
            with platform.database.write() as connection:
                told = asked.refusals(asked.logs, stopped.problems, a_minute=refusals.a_minute)
                audit.append_all(connection, told)
        except BaseException:
            refusals.untold(actor.id)
            raise
    raise stopped
