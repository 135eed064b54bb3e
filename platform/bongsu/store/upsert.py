"""Inserting where somebody else may insert the same at this moment: one of the two statements does it, on each of the
databases, and no transaction breaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Row = Mapping[str, Any]


def insert_absent(connection: Connection, table: Table, *rows: Row) -> bool:
    """Add rows; one whose primary key stands already is left out. True if a row was added, as long as it is one row.

    Waits for another transaction that is adding the same row. Rows go in the order of their keys, so that of two who
    add the same ones neither waits for the other for ever.
    """
    ordered = _in_order(table, rows)
    if not ordered:
        return False
    keys = [column.name for column in table.primary_key]
    statement = _insert(connection, table).on_conflict_do_nothing(index_elements=keys)
    # psycopg does not say how many of several were added, and SQLAlchemy lets go of what it says unless it is asked.
    given = ordered if len(ordered) > 1 else ordered[0]
    return connection.execute(statement, given, execution_options={"preserve_rowcount": True}).rowcount == 1


def put(connection: Connection, table: Table, row: Row) -> None:
    """Add a row, or let it take the place of the one that has its primary key."""
    keys = [column.name for column in table.primary_key]
    statement = _insert(connection, table).values(**row)
    others = {name: statement.excluded[name] for name in row if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=others))


def _insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def _in_order(table: Table, rows: Sequence[Row]) -> list[dict[str, Any]]:
    keys = [column.name for column in table.primary_key]
    return sorted(map(dict, rows), key=lambda row: tuple(row[key] for key in keys))
