"""How each use case of this package begins and ends: who asks for what, and what the log tells of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from sqlalchemy import Connection

from bongsu.domain.audit import AuditEvent
from bongsu.domain.codes import governance as codes
from bongsu.domain.ids import digest_of
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.people import Actor
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.service.platform import Platform
from bongsu.service.recording import record_refusal
from bongsu.store import audit
from bongsu.store.ministries import is_governed

OF_LABELS = ("access", "label")
"""Kinds of errors of who states a label, or makes something that has one."""


@dataclass(frozen=True)
class Ask:
    """Somebody asks for something.

    Attributes:
        tenant: the ministry in which they ask.
        action: as the log names it, e.g. ``use.register``.
        object: what it is about, e.g. ``model:axk1-admin/3``.
        request_id: of the request, for the log.
    """

    platform: Platform
    actor: Actor
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
            object=self.object[:300],
            at=self.now,
            label=label,
            facts=facts,
            request_id=self.request_id,
        )


@contextmanager
def recorded(ask: Ask, kinds: Collection[str] = ()) -> Iterator[None]:
    """What is refused inside is raised, and recorded as :func:`bongsu.service.recording.record_refusal` says; of kinds
    of errors (``use`` for ``use.not-permitted``), if there are any, nothing else is."""
    try:
        yield
    except BongsuError as error:
        if not kinds or any(problem.code.name.partition(".")[0] in kinds for problem in error.problems):
            record_refusal(ask.platform, ask.actor, ask.event(), error)
        raise


def refuse_unknown(ask: Ask) -> NoReturn:
    """What was asked for does not exist, as far as the actor may know. Raises ``governance.one-person`` where there are
    no ministries, else ``governance.no-such``."""
    with ask.platform.read() as connection:
        if not is_governed(connection):
            raise codes.ONE_PERSON.error()
    raise codes.NO_SUCH.error(object=ask.object)


def done(connection: Connection, ask: Ask, label: Label = OPEN, **facts: Any) -> None:
    """Record what was done, in its transaction and as its last statement."""
    audit.append(connection, ask.event(label, **facts))


def short_id(prefix: str, *parts: object) -> str:
    """An id that the same request gives again, so that sending it twice is sending it once."""
    text = "\x1f".join(map(str, parts))
    return f"{prefix}-{digest_of(text.encode()).removeprefix('sha256-')[:16]}"
