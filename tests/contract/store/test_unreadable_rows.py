"""A row that holds what nobody wrote there is told as damage to the database, with its table and its run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from grant_places import grant
from small_plans import plan_of, stage
from sqlalchemy import Connection, text
from store_places import NOW, RUN, submitted, with_attempt

from bongsu.domain.ids import RunId
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.paging import WHOLE
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import HOME
from bongsu.store.attempts import attempts_of
from bongsu.store.database import Database, check_database
from bongsu.store.grants import add_grant
from bongsu.store.history import events_of
from bongsu.store.run_lists import page_of_runs
from bongsu.store.runs import find_run, get_plan, list_runs
from bongsu.store.scope import Scope
from bongsu.store.stages import stages_of


def change(database: Database, statement: str) -> None:
    with database.write() as connection:
        connection.execute(text(statement))


def events(connection: Connection) -> object:
    return events_of(connection, RUN)


READERS: dict[str, tuple[str, Callable[[Connection], object]]] = {
    "update runs set state='bogus'": ("runs", lambda connection: find_run(connection, RUN)),
    "update runs set state = 'bogus' ": ("runs", list_runs),
    "update runs set plan='{}'": ("runs", lambda connection: get_plan(connection, RUN)),
    "update runs set plan='no json'": ("runs", lambda connection: get_plan(connection, RUN)),
    "update stages set state='bogus'": ("stages", lambda connection: stages_of(connection, RUN)),
    "update stages set outputs='[]'": ("stages", lambda connection: stages_of(connection, RUN)),
    "update stages set metrics='{'": ("stages", lambda connection: stages_of(connection, RUN)),
    "update attempts set state='bogus'": ("attempts", lambda connection: attempts_of(connection, RUN)),
    "update attempts set failure='{}'": ("attempts", lambda connection: attempts_of(connection, RUN)),
}


@pytest.mark.parametrize("statement", READERS)
def test_it_is_told_where_it_is_read_and_where_everything_is(database: Database, statement: str) -> None:
    table, read = READERS[statement]
    url = database.engine.url.render_as_string(hide_password=False)
    submitted(database)
    with_attempt(database)
    check_database(url)
    change(database, statement)
    with pytest.raises(BongsuError) as caught, database.read() as connection:
        read(connection)
    with pytest.raises(BongsuError) as found:
        check_database(url)
    for error in (caught.value, found.value):
        (problem,) = error.problems
        assert (problem.code.name, problem.code.exit_code) == ("run.database-damaged", 8)
        assert f"the row of {RUN}" in problem.what()
        assert f"in the table {table} cannot be read" in problem.what()


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("update grants set use_classes='war'", "grants"),
        (
            "insert into grant_entries values"
            " ('nap-2026-mnd-01', 1, 'stolen', 's', 1, '', 0.0, null, null, null, '', '')",
            "grant_entries",
        ),
    ],
)
def test_a_damaged_grant_is_told_too(database: Database, statement: str, table: str) -> None:
    with database.write() as connection:
        add_grant(connection, grant(), NOW)
    url = database.engine.url.render_as_string(hide_password=False)
    check_database(url)
    with database.write() as connection:
        connection.execute(text(statement))
    with pytest.raises(BongsuError) as found:
        check_database(url)
    (problem,) = found.value.problems
    assert f"in the table {table} cannot be read" in problem.what()


def test_a_run_of_a_state_that_there_is_not_keeps_no_other_from_its_page(database: Database) -> None:
    submitted(database)
    other = submitted(database, RunId("r-000000000002"), plan_of(stage("a"), stage("b", "a"), name="other"))
    change(database, f"update runs set state='sleeping' where id='{RUN}'")
    with database.read() as connection:
        assert [one.id for one in page_of_runs(connection, WHOLE)] == [other]


@pytest.mark.parametrize("label", ["zzz", "S/"])
def test_what_has_no_label_that_can_be_read_is_seen_by_nobody_and_keeps_nothing_else_from_anybody(
    database: Database, label: str
) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    submitted(database)
    other = submitted(database, RunId("r-000000000002"), plan_of(stage("a"), stage("b", "a"), name="other"))
    change(database, f"update runs set label='{label}' where id='{RUN}'")
    for clearance in (OPEN, Label.parse("C")):
        with database.read(Scope.of(HOME, clearance)) as connection:
            assert [one.id for one in list_runs(connection)] == [other]
    with pytest.raises(BongsuError, match="runs"):
        check_database(url)
