"""Adding to a log: the tree grows with it, the database lets nobody change it, and several writers are one log."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from audit_places import MND, MSIT, NOW, Logs, auditor, event, events, logs_over, refused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from store_places import store_at

from bongsu.domain.audit import AuditEvent, EntryFilter
from bongsu.domain.merkle import includes, is_consistent, leaf_hash
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import HOME, Tenant
from bongsu.service.audit.checking import check_log, checked
from bongsu.store import audit_tree
from bongsu.store.audit import append, append_all
from bongsu.store.audit_reading import entries_between, entry_at
from bongsu.store.database import migrate

CHANGES = [
    "UPDATE audit_entries SET entry = 'x' WHERE position = 1",
    "UPDATE audit_entries SET label = 'O'",
    "DELETE FROM audit_entries WHERE position = 2",
    "UPDATE audit_nodes SET hash = hash",
    "DELETE FROM audit_nodes",
    "UPDATE audit_logs SET size = size - 1",
    "UPDATE audit_logs SET size = size + 2",
    "UPDATE audit_logs SET tenant = 'other'",
    "DELETE FROM audit_logs",
]


def test_positions_count_from_nought_in_each_log(logs: Logs) -> None:
    with logs.database.write() as connection:
        assert [append(connection, event(n)) for n in range(3)] == [0, 1, 2]
        assert append(connection, event(0, MSIT)) == 0
        assert append(connection, event(0, HOME)) == 0
        assert [audit_tree.size_of(connection, tenant) for tenant in (MND, MSIT, HOME)] == [3, 1, 1]


def test_the_stored_tree_is_that_of_the_entries_at_every_size(logs: Logs) -> None:
    logs.add(*events(37))
    with logs.database.read() as connection:
        found = list(entries_between(connection, MND, 0, 100))
        assert [one.leaf for one in found] == [leaf_hash(one.entry.encode()) for one in found]
        roots = [audit_tree.root_at(connection, MND, size) for size in range(38)]
        for index in (0, 1, 17, 36):
            proof = audit_tree.inclusion_proof(connection, MND, index, 37)
            assert includes(roots[37], 37, index, found[index].leaf, proof)
        for old in (0, 1, 8, 21, 37):
            proof = audit_tree.consistency_proof(connection, MND, old, 37)
            assert is_consistent(roots[old], old, roots[37], 37, proof)
        assert checked(connection, MND).size == 37


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(portions=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_entries_that_are_added_together_stand_as_if_one_by_one(logs: Logs, portions: list[int]) -> None:
    with logs.database.write() as connection:
        before = audit_tree.size_of(connection, MND)
        for count in portions:
            append_all(connection, [*events(count), event(0, MSIT)])
    with logs.database.read() as connection:
        found = list(entries_between(connection, MND, 0, before + sum(portions)))
        assert [one.position for one in found] == list(range(before + sum(portions)))
        assert checked(connection, MND).size == len(found)
        assert audit_tree.wrong_node(connection, MND, len(found)) is None


def test_two_entries_that_say_the_same_have_different_hashes(logs: Logs) -> None:
    """So that a hash tells nothing to who may not see the entry."""
    logs.add(event(1), event(1))
    with logs.database.read() as connection:
        first, second = (entry_at(connection, MND, position) for position in (0, 1))
        assert first is not None
        assert second is not None
        assert first.leaf != second.leaf


def test_what_is_rolled_back_leaves_no_gap(logs: Logs) -> None:
    def change_the_mind() -> None:
        with logs.database.write() as connection:
            append(connection, event(1))
            raise RuntimeError("not after all")

    logs.add(event(0))
    with pytest.raises(RuntimeError, match="after all"):
        change_the_mind()
    logs.add(event(2))
    assert check_log(logs.platform, auditor(), MND).size == 2


@pytest.mark.parametrize("change", CHANGES)
def test_the_database_refuses_every_change(logs: Logs, change: str) -> None:
    logs.add(*events(4))
    with pytest.raises(DatabaseError, match="append-only"), logs.database.engine.begin() as connection:
        connection.execute(text(change))
    assert check_log(logs.platform, auditor(), MND).size == 4


def test_no_row_takes_the_place_of_another(logs: Logs) -> None:
    logs.add(*events(4))
    values = "tenant, position, at, actor, action, object, label, outcome, entry"
    row = f"({values}) SELECT {values.replace('entry', chr(39) + 'x' + chr(39))} FROM audit_entries"
    verb = "INSERT OR REPLACE INTO" if logs.database.engine.dialect.name == "sqlite" else "INSERT INTO"
    with pytest.raises(DatabaseError), logs.database.engine.begin() as connection:
        connection.execute(text(f"{verb} audit_entries {row}"))
    assert check_log(logs.platform, auditor(), MND).size == 4


@pytest.mark.parametrize(
    "replacement",
    [
        "audit_entries SELECT * FROM audit_entries WHERE position = 2",
        "audit_entries (rowid, tenant, position, at, actor, action, object, label, outcome, entry)"
        " SELECT rowid, 'other', position, at, actor, action, object, label, outcome, entry FROM audit_entries",
        "audit_nodes SELECT * FROM audit_nodes",
        "audit_logs SELECT tenant, 1 FROM audit_logs",
    ],
)
def test_a_connection_from_outside_replaces_no_row_either(tmp_path: Path, replacement: str) -> None:
    """SQLite deletes what is replaced without any trigger where recursive_triggers is off, as it is for others.
    PostgreSQL replaces by an update, which is refused as such."""
    logs = logs_over(store_at(tmp_path), tmp_path)
    logs.add(*events(4))
    outside = sqlite3.connect(str(logs.database.engine.url.database))
    with closing(outside), pytest.raises(sqlite3.IntegrityError, match="append-only"):
        outside.execute(f"INSERT OR REPLACE INTO {replacement}")
    assert check_log(logs.platform, auditor(), MND).size == 4


def test_a_table_is_not_emptied_at_once(logs: Logs) -> None:
    logs.add(*events(4))
    if logs.database.engine.dialect.name == "postgresql":
        for table in ("audit_entries", "audit_nodes", "audit_logs", "audit_checkpoints", "audit_cosignatures"):
            with pytest.raises(DatabaseError, match="append-only"), logs.database.engine.begin() as connection:
                connection.execute(text(f"TRUNCATE {table}"))
    assert check_log(logs.platform, auditor(), MND).size == 4


def test_writers_at_once_make_one_log_without_gaps(logs: Logs) -> None:
    def add(writer: int) -> None:
        for number in range(8):
            logs.add(event(100 * writer + number), event(number, MSIT))

    threads = [threading.Thread(target=add, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for tenant in (MND, MSIT):
        assert check_log(logs.platform, auditor(ministry=tenant), tenant).size == 32


@pytest.mark.parametrize(
    ("attack", "code"),
    [
        ("UPDATE audit_entries SET entry = replace(entry, 'kim', 'lee') WHERE position = 2", "audit.entry-changed"),
        ("DELETE FROM audit_entries WHERE position = 2", "audit.entry-missing"),
        ("DELETE FROM audit_entries WHERE position = 4", "audit.truncated"),
        (
            "INSERT INTO audit_entries (tenant, position, at, actor, action, object, label, outcome, entry)"
            " SELECT tenant, 5, at, actor, action, object, label, outcome, entry"
            " FROM (SELECT * FROM audit_entries WHERE position = 4) AS last",
            "audit.entry-out-of-order",
        ),
        ("DELETE FROM audit_nodes WHERE level = 2", "audit.damaged"),
        (
            "UPDATE audit_nodes SET hash = (SELECT hash FROM audit_nodes WHERE level = 1 AND place = 0)"
            " WHERE level = 2 AND place = 0",
            "audit.damaged",
        ),
    ],
)
def test_who_takes_the_triggers_away_is_found_out(logs: Logs, attack: str, code: str) -> None:
    logs.add(*events(5))
    _without_triggers(logs, attack)
    with pytest.raises(BongsuError) as caught:
        check_log(logs.platform, auditor(), MND)
    assert [problem.code.name for problem in caught.value.problems] == [code]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE audit_logs SET size = 0",
        "UPDATE audit_logs SET size = 3",
        "UPDATE audit_logs SET size = 7",
        "DELETE FROM audit_logs",
        "DELETE FROM audit_nodes WHERE level = 0 AND place = 4",
    ],
)
def test_nothing_is_added_to_a_log_that_is_damaged_and_that_is_told(logs: Logs, damage: str) -> None:
    logs.add(*events(5))
    _without_triggers(logs, damage)
    with pytest.raises(BongsuError) as caught:
        logs.add(event(6))
    assert [problem.code.name for problem in caught.value.problems] == ["audit.damaged"]
    with logs.database.write() as connection:
        assert append(connection, event(0, MSIT)) == 0, "other logs go on"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", "'mnd/lee'"),
        ("label", "'C'"),
        ("outcome", "'refused'"),
        ("action", "'run.cancel'"),
        ("object", "'run:r-9'"),
        ("at", "at + 60"),
        ("at", "1e300"),
    ],
)
def test_a_column_by_which_entries_are_found_says_what_the_text_says(logs: Logs, column: str, value: str) -> None:
    logs.add(*events(5), refused(6))
    _without_triggers(logs, f"UPDATE audit_entries SET {column} = {value} WHERE position = 2")
    with pytest.raises(BongsuError) as caught:
        check_log(logs.platform, auditor(), MND)
    (problem,) = caught.value.problems
    assert (problem.code.name, problem.args) == ("audit.columns-changed", {"position": 2, "columns": column})


def test_an_entry_of_another_log_is_none_of_this_one(logs: Logs) -> None:
    logs.add(*events(3), event(0, MSIT), event(1, MSIT))
    _without_triggers(
        logs,
        "DELETE FROM audit_entries WHERE tenant = 'mnd' AND position = 2",
        "UPDATE audit_entries SET tenant = 'mnd', position = 2 WHERE tenant = 'msit' AND position = 1",
        "DELETE FROM audit_nodes WHERE tenant = 'mnd' AND place = 2",
        "UPDATE audit_nodes SET tenant = 'mnd', place = 2 WHERE tenant = 'msit' AND level = 0 AND place = 1",
    )
    with pytest.raises(BongsuError) as caught:
        check_log(logs.platform, auditor(), MND)
    assert [problem.args for problem in caught.value.problems] == [{"position": 2, "columns": "tenant"}]


def _without_triggers(logs: Logs, *attacks: str) -> None:
    with logs.database.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            for table in ("audit_entries", "audit_nodes", "audit_logs"):
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        else:
            found = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit_%'")
            for name in connection.execute(found).scalars().all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        for attack in attacks:
            connection.execute(text(attack))


def test_a_log_of_the_older_schema_becomes_a_tree(logs: Logs) -> None:
    """Down to where entries had no nodes, and up again: the same entries, the same root."""
    logs.add(*events(6), refused(6), event(0, MSIT))
    with logs.database.read() as connection:
        before = {tenant: checked(connection, tenant) for tenant in (MND, MSIT)}
    migrate(logs.database.engine, "0005")
    migrate(logs.database.engine)
    with logs.database.read() as connection:
        assert {tenant: checked(connection, tenant) for tenant in (MND, MSIT)} == before
        entry = entry_at(connection, MND, 6)
        assert entry is not None
        outcomes = connection.execute(text("SELECT outcome FROM audit_entries WHERE tenant = 'mnd'")).scalars()
        assert sorted(outcomes) == ["done"] * 6 + ["refused"]
    with pytest.raises(DatabaseError, match="append-only"), logs.database.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_entries"))
    logs.add(event(9))
    assert check_log(logs.platform, auditor(), MND).size == 8


def test_whatever_facts_hold_can_be_recorded_and_read(logs: Logs) -> None:
    odd = {"quote": '"\\\n\x00', "half": "\udcff", "한글": "봉수", "deep": [{"a": None, "b": 1.5}]}
    logs.add(replace(event(0), facts=odd))
    with logs.database.read() as connection:
        entry = entry_at(connection, MND, 0)
    assert entry is not None
    assert json.loads(entry.entry)["facts"] == odd
    assert check_log(logs.platform, auditor(), MND).size == 1


def test_an_entry_that_is_longer_than_its_reader_takes_is_refused(logs: Logs) -> None:
    with pytest.raises(ValueError, match="longer than"):
        logs.add(replace(event(0), facts={"content": "x" * 300_000}))
    assert check_log(logs.platform, auditor(), MND).size == 0


def test_an_entry_of_the_older_schema_has_the_hash_of_its_text() -> None:
    made = AuditEvent(Tenant("mnd"), "mnd/kim", "run.submit", "run:r-1", NOW)
    assert "salt" not in made.canonical()
    assert made.canonical("00") == made.canonical().replace('"request":"",', '"request":"","salt":"00",')


def test_nothing_is_everything_that_is_asked_for() -> None:
    assert EntryFilter().takes_all
    assert not EntryFilter(actor="mnd/kim").takes_all
