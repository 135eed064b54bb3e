"""Rows of a large answer, taken while the server still looks for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
from sqlalchemy import Connection, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.elements import ClauseElement

# Rows that come at once; one by one, each would cost more than it has.
_CHUNK = 2_000


def streamed(connection: Connection, statement: ClauseElement) -> Iterator[tuple[Any, ...]]:
    """Rows as plain tuples, of columns that need no conversion (texts, numbers). Take all of them before anything else
    is asked of the connection.

    PostgreSQL works on while the rows that it has found are read here, by the chunked rows mode of its client library
    (libpq 17); other databases answer as ever.

    Raises:
        DBAPIError: as any statement does.
    """
    if connection.dialect.driver != "psycopg":
        assert isinstance(statement, Executable)
        yield from connection.execute(statement).tuples()
        return
    compiled = statement.compile(connection.engine, compile_kwargs={"render_postcompile": True})
    text, values = str(compiled), dict(compiled.params)
    try:
        with closing(connection.connection.cursor()) as cursor:
            yield from cursor.stream(text, values, size=_CHUNK)
    except psycopg.Error as error:
        raise DBAPIError.instance(text, values, error, psycopg.Error, hide_parameters=True) from error
