"""Rows of a large answer, taken while the server still looks for the rest."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import psycopg
from sqlalchemy import Connection, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.elements import ClauseElement

# Rows that come at once; one by one, each would cost more than it has.
_CHUNK = 2_000


@contextmanager
def streamed(connection: Connection, statement: ClauseElement) -> Iterator[Iterator[tuple[Any, ...]]]:
    """Gives rows as plain tuples, of columns that need no conversion (texts, numbers). Nothing else may be asked of the
    connection within the block; after it, also where not all rows were taken, it is free.

    PostgreSQL works on while the rows that it has found are read here, by the chunked rows mode of its client library
    (libpq 17); other databases answer as ever.

    Raises:
        DBAPIError: as any statement does.
    """
    if connection.dialect.driver != "psycopg":
        assert isinstance(statement, Executable)
        yield iter(connection.execute(statement).tuples())
        return
    # Whoever stops early has the rest cancelled, which the server may take for a failure of the transaction.
    savepoint = connection.begin_nested()
    try:
        # The driver keeps the connection locked until its generator is closed, and even a rollback waits for that lock.
        with closing(_chunks(connection, statement)) as rows:
            yield rows
    finally:
        with suppress(DBAPIError):  # a connection that is gone is told by what is raised, or by what is asked next
            savepoint.rollback()


def _chunks(connection: Connection, statement: ClauseElement) -> Generator[tuple[Any, ...]]:
    compiled = statement.compile(connection.engine, compile_kwargs={"render_postcompile": True})
    text, values = str(compiled), dict(compiled.params)
    try:
        with closing(connection.connection.cursor()) as cursor:
            yield from cursor.stream(text, values, size=_CHUNK)
    except psycopg.Error as error:
        raise DBAPIError.instance(text, values, error, psycopg.Error, hide_parameters=True) from error
