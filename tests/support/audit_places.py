"""Logs with entries in them, and what is needed to sign, witness and verify them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import text

from bongsu.domain.audit import AuditEvent, AuditOutcome
from bongsu.domain.labels import Label
from bongsu.domain.people import Actor, Role
from bongsu.domain.signed_notes import SigningKey
from bongsu.domain.tenants import Tenant
from bongsu.service.audit.exporting import export
from bongsu.service.audit.keys import LogKeys
from bongsu.service.platform import Platform
from bongsu.store.audit import append_all
from bongsu.store.database import Database

MND, MSIT = Tenant("mnd"), Tenant("msit")
SITE_KEY = SigningKey("bongsu.example", bytes(range(32)))
KEYS = LogKeys((SITE_KEY,))
SECRET = Label.parse("S/logistics")
NOW = 1_700_000_000.0


class Clock:
    """Seconds since the epoch, as a test sets them."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Logs:
    """A platform without anything but a database and a clock."""

    platform: Platform
    clock: Clock

    @property
    def database(self) -> Database:
        return self.platform.database

    def add(self, *events: AuditEvent) -> None:
        with self.database.write() as connection:
            append_all(connection, events)

    def bundle(self, actor: Actor, since: int = 0, keys: LogKeys = KEYS) -> list[str]:
        """Lines of an export of MND's log."""
        return list(export(self.platform, keys, actor, MND, since).lines)


def logs_over(database: Database, folder: Path) -> Logs:
    """A platform of which the log's use cases take no more than these."""
    clock = Clock()

    def nobody(*_: object) -> object:
        raise AssertionError("the audit log asks for nothing but the database")

    lacking: dict[str, object] = dict.fromkeys(("stores", "publisher", "lock"), nobody)
    platform = Platform(home=folder, database=database, executor=nobody, clock=clock, **lacking)  # type: ignore[arg-type]
    return Logs(platform, clock)


def auditor(clearance: str = "C/logistics", ministry: Tenant = MND) -> Actor:
    roles = {ministry: frozenset({Role.AUDITOR})}
    return Actor(f"{ministry}/park", "Park", roles=roles, clearance=Label.parse(clearance))


def event(number: int, tenant: Tenant = MND, label: Label | None = None) -> AuditEvent:
    made = AuditEvent(tenant, f"{tenant}/kim", "run.submit", f"run:r-{number}", NOW + number, facts={"n": number})
    return replace(made, label=label) if label else made


def refused(number: int) -> AuditEvent:
    return replace(event(number), outcome=AuditOutcome.REFUSED, action="grant.give", object=f"grant:g-{number}")


def events(count: int, labels: Sequence[Label] = ()) -> Iterable[AuditEvent]:
    """Entries of MND's log, of which every third carries one of the labels."""
    chance = random.Random(count)
    for number in range(count):
        yield event(number, label=chance.choice(labels) if labels and number % 3 == 0 else None)


def tamper(logs: Logs, statement: str) -> None:
    """As who has the database does, once for each database."""
    with logs.database.engine.begin() as connection:
        tables = ("audit_entries", "audit_nodes", "audit_logs", "audit_checkpoints")
        if connection.dialect.name == "postgresql":
            for table in tables:
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        else:
            for table in tables:
                connection.execute(text(f"DROP TRIGGER {table}_no_update"))
                connection.execute(text(f"DROP TRIGGER {table}_no_delete"))
        connection.execute(text(statement))
