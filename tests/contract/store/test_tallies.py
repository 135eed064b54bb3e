"""What operators are told of the store is what is in it, on both databases, in few statements with a bound each."""

from __future__ import annotations

import pytest
from grant_places import GRANT, grant
from sqlalchemy import event, update
from store_places import NOW, RUN, chain

from bongsu.domain.audit import AuditEvent, Author
from bongsu.domain.labels import OPEN
from bongsu.domain.run import RunState
from bongsu.domain.tenants import Tenant
from bongsu.store import tallies
from bongsu.store.audit import append_all
from bongsu.store.audit_checkpoints import StoredCheckpoint, add_checkpoint
from bongsu.store.database import Database
from bongsu.store.grants import add_grant, close_grant
from bongsu.store.runs import create_run
from bongsu.store.schema import outbox
from bongsu.store.schema_grants import grants
from bongsu.store.scope import EVERYTHING, Scope
from bongsu.store.tallies import GrantTally, Tally, tally_of


def looked(database: Database) -> Tally:
    with database.read(EVERYTHING) as connection:
        return tally_of(connection, 2000)


def act() -> AuditEvent:
    return Author(Tenant("mnd")).did("run.cancel", "run:r-1", NOW, OPEN, {})


def test_an_empty_store_has_nothing(database: Database) -> None:
    assert looked(database) == Tally(
        runs={"pending": 0, "running": 0, "cancelling": 0},
        oldest_pending_at=None,
        outbox=0,
        unsigned=0,
        used_ms={},
        grants=(),
    )


def test_it_has_what_there_is_of_every_ministry(database: Database) -> None:
    with database.write(Scope.of(Tenant("mnd"))) as connection:
        create_run(connection, RUN, chain(), NOW)
    with database.write(EVERYTHING) as connection:
        for number in range(3):
            connection.execute(outbox.insert().values(run_id=RUN, body="{}", done=number == 0))
        append_all(connection, [act(), act(), act()])
        add_checkpoint(connection, Tenant("mnd"), StoredCheckpoint(2, "key", "note", NOW))
        add_grant(connection, grant(), NOW)
        connection.execute(update(grants).values(given_ms=10, used_ms=4))
    found = looked(database)
    assert found.runs == {"pending": 1, "running": 0, "cancelling": 0}
    assert set(found.runs) == {state.value for state in RunState if not state.is_final}
    assert (found.oldest_pending_at, found.outbox, found.unsigned) == (NOW, 2, 1)
    ministry = grant().receiver
    assert found.used_ms == {(ministry, grant().accelerator): 4}
    assert found.grants == (GrantTally(GRANT, ministry, 10, 4),)


def test_a_grant_that_is_closed_counts_in_its_ministry_alone(database: Database) -> None:
    with database.write(EVERYTHING) as connection:
        add_grant(connection, grant(), NOW)
        connection.execute(update(grants).values(used_ms=4))
        close_grant(connection, GRANT, NOW)
    found = looked(database)
    assert found.grants == ()
    assert list(found.used_ms.values()) == [4]


def test_however_much_there_is_it_is_counted_up_to_a_bound(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "MOST_COUNTED", 5)
    monkeypatch.setattr(tallies, "MOST_GRANTS", 2)
    with database.write(EVERYTHING) as connection:
        for number in range(8):
            connection.execute(outbox.insert().values(run_id=RUN, body="{}", done=False))
            add_grant(connection, grant(id=f"g-{number}"), NOW)
    found = looked(database)
    assert (found.outbox, len(found.grants)) == (5, 2)


def test_it_asks_a_fixed_number_of_statements(database: Database) -> None:
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    looked(database)
    assert len(asked) <= 9
    is_server = database.engine.dialect.name == "postgresql"
    assert any("statement_timeout = 2000" in one for one in asked) is is_server
