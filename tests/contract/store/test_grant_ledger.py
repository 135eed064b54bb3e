"""Ledgers of grants in the store: nothing is booked twice or changed, and two who book wait for one another."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from grant_places import GRANT, grant
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from store_places import NOW, store_at

import bongsu.store
from bongsu.domain.grants import EntryKind, Held, balance
from bongsu.domain.ids import AttemptId
from bongsu.domain.uses import UseClass
from bongsu.store.database import Database, migrate, open_database
from bongsu.store.grant_ledger import (
    LedgerEntry,
    NewEntry,
    book,
    entries_of,
    find_entry,
    grant_of_run,
    metered_entry,
)
from bongsu.store.grant_notices import Notice, announce, end_notice, standing_notice
from bongsu.store.grants import add_grant, close_grant, get_grant, grants_between
from bongsu.store.schema_grants import grant_entries, grants

HELD = Held(8, NOW, NOW + 0.5)
ATTEMPT = AttemptId(run_id="r-1", stage_id="a", number=1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = store_at(tmp_path)
    yield made
    made.close()


@pytest.fixture
def ledger(database: Database) -> Database:
    """A grant with something given, and a reservation."""
    with database.write() as connection:
        add_grant(connection, grant(), NOW)
        reserved = NewEntry(EntryKind.RESERVED, "r-1/1", 40, NOW, "r-1", until=NOW + 9)
        book(connection, GRANT, [NewEntry(EntryKind.GIVEN, "given", 100, NOW, actor="msit/lee"), reserved])
    return database


def entries(database: Database) -> list[LedgerEntry]:
    with database.read() as connection:
        return entries_of(connection, GRANT)


def test_what_was_written_is_read(ledger: Database) -> None:
    with ledger.write() as connection:
        book(connection, GRANT, [metered_entry(ATTEMPT, HELD, "failed", NOW + 1)])
        assert get_grant(connection, GRANT) == grant()
        assert get_grant(connection, "nobody") is None
        assert grant_of_run(connection, "r-1") == GRANT
        assert grant_of_run(connection, "r-2") is None
        metered = find_entry(connection, GRANT, EntryKind.METERED, "r-1/a/1")
    assert metered == LedgerEntry(
        EntryKind.METERED, "r-1/a/1", 4000, NOW + 1, "r-1", held=HELD, reason="failed", position=3
    )
    given, reserved, last = entries(ledger)
    assert (given.position, given.gpu_ms, given.actor, given.held, given.until) == (1, 100, "msit/lee", None, None)
    assert (reserved.position, reserved.run_id, reserved.until) == (2, "r-1", NOW + 9)
    assert last == metered


def test_a_grant_for_every_use_and_one_for_several_are_read_as_they_were_given(database: Database) -> None:
    several = grant(id="several", use_classes=frozenset({UseClass.CYBER_DEFENCE, UseClass.ADMINISTRATION}))
    every = grant(id="every", use_classes=frozenset(), receiver="army")
    with database.write() as connection:
        add_grant(connection, several, NOW)
        add_grant(connection, every, NOW)
        assert grants_between(connection, None) == [every, several]
        assert grants_between(connection, {"army"}) == [every]
        assert grants_between(connection, {"msit"}) == [every, several]
        assert grants_between(connection, set()) == []


def test_the_same_attempt_is_booked_once_whoever_books_it(ledger: Database) -> None:
    entry = metered_entry(ATTEMPT, HELD, "failed", NOW)
    with ledger.write() as connection:
        assert len(book(connection, GRANT, [entry, entry])) == 1
    with ledger.write() as connection:
        assert book(connection, GRANT, [entry]) == []
    assert [one.position for one in entries(ledger)] == [1, 2, 3]


def test_the_store_itself_refuses_a_second_entry_under_one_subject(ledger: Database) -> None:
    with ledger.read() as connection:
        row = dict(connection.execute(select(grant_entries).where(grant_entries.c.position == 2)).one()._mapping)
    with pytest.raises(IntegrityError), ledger.write() as connection:
        connection.execute(grant_entries.insert().values(**row | {"position": 3}))


@pytest.mark.parametrize(
    "change",
    [
        update(grant_entries).values(gpu_ms=1),
        update(grant_entries).where(grant_entries.c.position == 1).values(reason="better"),
        delete(grant_entries),
        delete(grants),
    ],
    ids=["amount", "reason", "removal", "grant"],
)
def test_nothing_that_stands_is_changed_or_removed(ledger: Database, change: object) -> None:
    before = entries(ledger)
    with pytest.raises(DBAPIError), ledger.write() as connection:
        connection.execute(change)  # type: ignore[call-overload]
    assert entries(ledger) == before


def test_a_grant_is_closed_once(ledger: Database) -> None:
    with ledger.write() as connection:
        assert close_grant(connection, GRANT, NOW + 1)
        assert not close_grant(connection, GRANT, NOW + 2)
        closed = get_grant(connection, GRANT)
    assert closed is not None
    assert closed.closed_at == NOW + 1


def test_one_notice_stands_at_a_time_and_ends_once(ledger: Database) -> None:
    with ledger.write() as connection:
        assert standing_notice(connection, GRANT) is None
        first = announce(connection, Notice(GRANT, 0, 10, "unused", "msit/lee", NOW, NOW + 7))
        assert standing_notice(connection, GRANT) == first
        assert end_notice(connection, first, NOW + 8)
        assert not end_notice(connection, first, NOW + 9)
        assert standing_notice(connection, GRANT) is None
        second = announce(connection, Notice(GRANT, 0, 20, "unused", "msit/lee", NOW, NOW + 7))
        assert (first.number, second.number) == (1, 2)


def test_of_those_who_reserve_at_once_as_many_are_served_as_there_is_enough_for(ledger: Database) -> None:
    """60 are left, and eight ask for 25 each: each by itself would fit."""
    url = ledger.engine.url.render_as_string(hide_password=False)
    at_once = threading.Barrier(8)

    def ask(number: int) -> bool:
        mine = open_database(url)
        try:
            at_once.wait(30)
            with mine.write() as connection:
                get_grant(connection, GRANT, lock=True)
                if balance(one.entry for one in entries_of(connection, GRANT)).available < 25:
                    return False
                run = f"r-{number + 2}"
                book(connection, GRANT, [NewEntry(EntryKind.RESERVED, f"{run}/1", 25, NOW, run)])
                return True
        finally:
            mine.close()

    with ThreadPoolExecutor(8) as pool:
        served = list(pool.map(ask, range(8)))
    assert sum(served) == 2
    assert [one.position for one in entries(ledger)] == [1, 2, 3, 4]


def test_the_tables_go_down_and_up_again_with_entries_in_them(ledger: Database) -> None:
    scripts = ScriptDirectory(str(Path(bongsu.store.__file__).parent / "migrations"))
    before = scripts.get_revision("0008").down_revision
    assert isinstance(before, str)
    migrate(ledger.engine, before)
    migrate(ledger.engine)
    with ledger.write() as connection:
        assert get_grant(connection, GRANT) is None
        add_grant(connection, grant(), NOW)
        book(connection, GRANT, [NewEntry(EntryKind.GIVEN, "given", 100, NOW)])
    with pytest.raises(DBAPIError), ledger.write() as connection:
        connection.execute(delete(grant_entries))
