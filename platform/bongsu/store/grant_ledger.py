"""The ledger of a grant: entries are added, each subject once, and nothing else is done to them.

Every booking holds the grant's row (:func:`bongsu.store.grants.get_grant` with ``lock``), so that positions have no
gaps and two reservations see one another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from bongsu.domain.grants import Balance, Entry, EntryKind, Held, balance
from bongsu.domain.ids import AttemptId
from bongsu.domain.run import RunState
from bongsu.store.faults import readable
from bongsu.store.schema import runs
from bongsu.store.schema_grants import grant_entries, grants


@dataclass(frozen=True)
class NewEntry:
    """An entry that is to be booked; amounts in GPU-milliseconds.

    Attributes:
        subject: what is booked once; with the kind it is unique in the ledger.
        held: of what was metered.
        until: of what was set aside: when its run is estimated to be over.
        actor: who booked it; empty for the control plane itself.
        reason: in words of a person; of what was metered, how the attempt ended.
    """

    kind: EntryKind
    subject: str
    gpu_ms: int
    at: float
    run_id: str = ""
    held: Held | None = None
    until: float | None = None
    actor: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class LedgerEntry(NewEntry):
    """An entry as its row has it; ``position`` counts from 1 without gaps."""

    position: int

    @property
    def entry(self) -> Entry:
        """For :func:`bongsu.domain.grants.balance`."""
        return Entry(self.kind, self.gpu_ms, self.run_id, self.at)


def metered_entry(attempt: AttemptId, held: Held, outcome: str, now: float) -> NewEntry:
    """What an attempt that is over used."""
    run_id = str(attempt.run_id)
    return NewEntry(EntryKind.METERED, attempt.key, held.gpu_ms, now, run_id, held=held, reason=outcome)


def book(connection: Connection, grant_id: str, entries: Sequence[NewEntry]) -> list[LedgerEntry]:
    """Add entries; the caller holds the grant's row. What stands is left out.

    Returns:
        What was added.
    """
    c = grant_entries.c
    last = connection.execute(select(func.max(c.position)).where(c.grant_id == grant_id)).scalar() or 0
    asked = (c.kind.in_({one.kind.value for one in entries})) & c.subject.in_([one.subject for one in entries])
    query = select(c.kind, c.subject).where(c.grant_id == grant_id, asked)
    known = {(row.kind, row.subject) for row in connection.execute(query)}
    added: list[LedgerEntry] = []
    for entry in entries:
        if (entry.kind.value, entry.subject) in known:
            continue
        known.add((entry.kind.value, entry.subject))
        added.append(_placed(entry, last + len(added) + 1))
    if added:
        connection.execute(insert(grant_entries), [_row(grant_id, entry) for entry in added])
        given = sums(added, EntryKind.GIVEN, EntryKind.ADJUSTED) - sums(added, EntryKind.RECLAIMED)
        totals = {
            "given_ms": grants.c.given_ms + given,
            "used_ms": grants.c.used_ms + sums(added, EntryKind.METERED),
        }
        connection.execute(update(grants).where(grants.c.id == grant_id).values(**totals))
    return added


def entries_of(connection: Connection, grant_id: str, newest: int | None = None) -> list[LedgerEntry]:
    """The ledger, in the order in which it was written: all of it, or the newest entries."""
    query = select(grant_entries).where(grant_entries.c.grant_id == grant_id)
    query = query.order_by(grant_entries.c.position.desc()).limit(newest)
    return [_entry(connection, row) for row in connection.execute(query)][::-1]


def metered_between(connection: Connection, grant_id: str, begins: float, ends: float) -> list[LedgerEntry]:
    """What was metered of GPUs that were held at some moment of a period."""
    c = grant_entries.c
    within = (c.ends > begins) & (c.begins < ends)
    query = select(grant_entries).where(c.grant_id == grant_id, c.kind == EntryKind.METERED.value, within)
    return [_entry(connection, row) for row in connection.execute(query.order_by(c.position))]


def metered_by_outcome(connection: Connection, grant_id: str) -> dict[str, int]:
    """GPU-milliseconds by how attempts ended."""
    c = grant_entries.c
    query = select(c.reason, func.sum(c.gpu_ms)).where(c.grant_id == grant_id, c.kind == EntryKind.METERED.value)
    return {reason: int(total) for reason, total in connection.execute(query.group_by(c.reason))}


def balance_of(connection: Connection, grant_id: str, open_use: Mapping[str, int]) -> Balance:
    """What the ledger comes to, without reading all of it: sums stand in the grant's row, and only runs that are not
    over can have something set aside.

    Args:
        connection: in a transaction.
        grant_id: of a grant that is there.
        open_use: by run, what GPUs that are held now have used.
    """
    query = select(grants.c.given_ms, grants.c.used_ms).where(grants.c.id == grant_id)
    given, used = connection.execute(query).one()
    live = balance([entry.entry for entry in entries_under_way(connection, grant_id)], open_use)
    return Balance(given, used + sum(open_use.values()), live.reserved, live.reserved_by_run)


def entries_under_way(connection: Connection, grant_id: str) -> list[LedgerEntry]:
    """What concerns runs that are not over."""
    active = [state.value for state in RunState if not state.is_final]
    return _of_runs(
        connection, grant_id, grant_entries.c.run_id.in_(select(runs.c.id).where(runs.c.state.in_(active)))
    )


def entries_of_run(connection: Connection, grant_id: str, run_id: str) -> list[LedgerEntry]:
    """What concerns one run, in order."""
    return _of_runs(connection, grant_id, grant_entries.c.run_id == run_id)


def find_entry(connection: Connection, grant_id: str, kind: EntryKind, subject: str) -> LedgerEntry | None:
    c = grant_entries.c
    query = select(grant_entries).where(c.grant_id == grant_id, c.kind == kind.value, c.subject == subject)
    row = connection.execute(query).one_or_none()
    return _entry(connection, row) if row else None


def grant_of_run(connection: Connection, run_id: str) -> str | None:
    """The grant that pays for the run; None if none does."""
    c = grant_entries.c
    query = select(c.grant_id).where(c.run_id == run_id, c.kind == EntryKind.RESERVED.value).limit(1)
    return connection.execute(query).scalar()


def sums(entries: Iterable[LedgerEntry], *kinds: EntryKind) -> int:
    """GPU-milliseconds of the entries of these kinds."""
    return sum(entry.gpu_ms for entry in entries if entry.kind in kinds)


def _of_runs(connection: Connection, grant_id: str, which: ColumnElement[bool]) -> list[LedgerEntry]:
    """Put in order here: for an order of its own SQLite would read the whole ledger along it."""
    query = select(grant_entries).where(grant_entries.c.grant_id == grant_id, which)
    found = [_entry(connection, row) for row in connection.execute(query)]
    return sorted(found, key=lambda entry: entry.position)


def _placed(entry: NewEntry, position: int) -> LedgerEntry:
    return LedgerEntry(position=position, **vars(entry))


def _row(grant_id: str, entry: LedgerEntry) -> dict[str, Any]:
    held = entry.held
    return {
        "grant_id": grant_id,
        "position": entry.position,
        "kind": entry.kind.value,
        "subject": entry.subject,
        "gpu_ms": entry.gpu_ms,
        "run_id": entry.run_id,
        "at": entry.at,
        "gpus": held.gpus if held else None,
        "begins": held.admitted_at if held else None,
        "ends": held.released_at if held else entry.until,
        "actor": entry.actor,
        "reason": entry.reason,
    }


def _entry(connection: Connection, row: Row[Any]) -> LedgerEntry:
    with readable(connection, grant_entries, f"{row.grant_id}/{row.position}"):
        held = None if row.gpus is None else Held(row.gpus, row.begins, row.ends)
        return LedgerEntry(
            position=row.position,
            kind=EntryKind(row.kind),
            subject=row.subject,
            gpu_ms=row.gpu_ms,
            at=row.at,
            run_id=row.run_id,
            held=held,
            until=row.ends if held is None else None,
            actor=row.actor,
            reason=row.reason,
        )
