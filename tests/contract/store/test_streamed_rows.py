"""Rows that are read while the database still looks for the rest are those that it gives at once."""

from __future__ import annotations

import threading

import pytest
from database_places import fresh_database
from postgres_server import PostgresServer
from sqlalchemy import Select, func, literal, select, text
from store_places import NOW, RUN

from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.domain.problems import BongsuError
from bongsu.store import lineage
from bongsu.store.database import Database
from bongsu.store.lineage import Edge, Node
from bongsu.store.schema import edges
from bongsu.store.streaming import streamed

# More than two chunks, and not a whole number of them.
MANY = 4_321
DEADLINE_S = 30.0


@pytest.fixture
def database(small_database: Database) -> Database:
    with small_database.write() as connection:
        ends = [f"n{number}" for number in range(MANY)]
        lineage.put_nodes(connection, [Node(one, NodeKind.ARTIFACT, one, "O", {}) for one in ends])
        lineage.put_edges(connection, [Edge("n0", one, EdgeKind.USED) for one in ends[1:]], RUN, NOW)
    return small_database


@pytest.mark.parametrize("wanted", [[], ["n1"], [f"n{number}" for number in range(1, 2_000)]])
def test_rows_are_those_that_come_at_once(database: Database, wanted: list[str]) -> None:
    query = select(edges.c.source, edges.c.target, literal("100 %(x)s")).where(edges.c.target.in_(wanted))
    with database.read() as connection:
        at_once = sorted(map(tuple, connection.execute(query)))
        with streamed(connection, query) as rows:
            assert sorted(rows) == at_once
        assert len(at_once) == len(wanted)


def test_all_of_many_come_and_the_connection_is_good_for_more(database: Database) -> None:
    query: Select[tuple[str]] = select(edges.c.target)
    with database.read() as connection:
        with streamed(connection, query) as rows:
            assert len(set(rows)) == MANY - 1
        assert connection.execute(select(func.count()).select_from(edges)).scalar_one() == MANY - 1


def test_who_stops_early_leaves_the_pool_as_it_was(database: Database) -> None:
    for _ in range(30):
        with database.read() as connection:
            with streamed(connection, select(edges.c.target)) as rows:
                assert next(rows)[0].startswith("n")
            assert connection.execute(select(func.count()).select_from(edges)).scalar_one() == MANY - 1
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(edges)).scalar_one() == MANY - 1


def test_who_stops_while_the_server_still_looks_goes_on_in_the_same_view(database: Database) -> None:
    if database.engine.dialect.driver != "psycopg":
        pytest.skip("nothing is looked for meanwhile where rows come all at once")
    many = select(func.generate_series(1, 5_000_000).label("number"))
    with database.read() as connection:
        with streamed(connection, many) as rows:
            assert next(rows)[0] == 1
        assert connection.execute(select(func.count()).select_from(edges)).scalar_one() == MANY - 1


def ask_for_too_long(database: Database) -> None:
    with database.read() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 50"))
        with streamed(connection, select(func.pg_sleep(30))) as rows:
            list(rows)


def test_whatever_is_raised_over_the_rows_the_connection_is_free(database: Database) -> None:
    """A rollback that waited for who reads the rows would wait for ever."""
    failed: list[str] = []

    def read() -> None:
        try:
            with database.read() as connection, streamed(connection, select(edges.c.target)) as rows:
                for row in rows:
                    raise LookupError(row[0])
        except LookupError as error:
            failed.append(str(error))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(DEADLINE_S)
    assert len(failed) == 1


def test_a_server_that_breaks_off_is_told_by_its_code(postgres: PostgresServer) -> None:
    with fresh_database(postgres) as database:
        with pytest.raises(BongsuError) as caught:
            ask_for_too_long(database)
        assert caught.value.problems[0].code.name == "run.database-busy"
        with database.read() as connection, streamed(connection, select(literal(1))) as rows:
            assert list(rows) == [(1,)]
