"""A row in every table, whatever its columns, so that a migration meets data wherever there may be some."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Double,
    Integer,
    LargeBinary,
    String,
    Table,
)

from bongsu.store.schemas import metadata
from bongsu.store.upsert import insert_absent


def fill(connection: Connection) -> None:
    """Each table of the current schema gets a row that is always the same, unless it has that."""
    for table in metadata.sorted_tables:
        insert_absent(connection, table, _row(table))


def _row(table: Table) -> dict[str, Any]:
    return {column.name: _value(column) for column in table.columns}


def _value(column: Column[Any]) -> Any:
    for key in column.foreign_keys:
        return _value(key.column)
    of_its_own: dict[type, Any] = {Boolean: False, Integer: 1, Double: 1.0, LargeBinary: b"x"}
    for type_, value in of_its_own.items():
        if isinstance(column.type, type_):
            return value
    if isinstance(column.type, String):
        return column.name[: column.type.length]
    raise AssertionError(f"{column}: say here what a row of this type holds")
