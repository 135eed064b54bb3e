"""How a database finds what it is asked for, and what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event

from bongsu.store.database import Database


def plans(database: Database, look: Callable[[Connection], object], part: str) -> list[str]:
    """How the database finds what is asked for, of each statement with this part."""
    how = "EXPLAIN QUERY PLAN" if database.engine.dialect.name == "sqlite" else "EXPLAIN"
    return list(map(str, _explained(database, look, part, how)))


def rows_read(database: Database, look: Callable[[Connection], object], table: str) -> int:
    """How many rows of a table PostgreSQL reads for what is asked for, be it to leave them out."""

    def of(node: dict[str, Any]) -> int:
        here = (
            node["Actual Rows"] + node.get("Rows Removed by Filter", 0) if node.get("Relation Name") == table else 0
        )
        return int(here * node["Actual Loops"]) + sum(map(of, node.get("Plans", ())))

    explained = _explained(database, look, table, "EXPLAIN (ANALYZE, FORMAT JSON)")
    return sum(of(plan["Plan"]) for ((found,),) in explained for plan in found)


@contextmanager
def asked(database: Database) -> Iterator[list[str]]:
    """The statements that the database is asked meanwhile, each on one line."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        found.append(" ".join(statement.split()))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def _explained(database: Database, look: Callable[[Connection], object], part: str, how: str) -> list[Any]:
    """The rows that explain each statement with this part."""
    found: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        found.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    with database.read() as connection:
        look(connection)
    event.remove(database.engine, "before_cursor_execute", note)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
        return [
            connection.exec_driver_sql(f"{how} {statement}", parameters).all()  # type: ignore[arg-type]
            for statement, parameters in found
            if part in statement
        ]
