"""Adding a row of which there is one at most, where somebody else may be first."""

from __future__ import annotations

import sqlite3

from sqlalchemy import Connection, Insert
from sqlalchemy.exc import IntegrityError

from bongsu.store.conflicts import Conflict

# https://www.sqlite.org/rescode.html, https://www.postgresql.org/docs/current/errcodes-appendix.html
_SQLITE = (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE)
_SQLSTATE = "23505"


class Taken(Conflict):
    """Such a row is there already. The transaction, or the savepoint around what raised it, is over.

    Attributes:
        table: name of the table that has it.
    """

    def __init__(self, table: str) -> None:
        super().__init__(table)
        self.table = table


def add_new(connection: Connection, statement: Insert) -> None:
    """Add what the statement says. Raises :class:`Taken` if there is such a row; a constraint of another kind that it
    violates is a mistake of ours, and stays what it is."""
    try:
        connection.execute(statement)
    except IntegrityError as error:
        if not _is_there(error):
            raise
        raise Taken(statement.table.name) from error


def _is_there(error: IntegrityError) -> bool:
    number = getattr(error.orig, "sqlite_errorcode", None)
    return number in _SQLITE or getattr(error.orig, "sqlstate", None) == _SQLSTATE
