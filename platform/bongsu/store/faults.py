"""What a database says when its disk or its file fails, and a row of which no record can be made, as errors that say
what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Row, Table
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from bongsu.domain.codes import database as server_codes
from bongsu.domain.codes import run as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.problems import Code
from bongsu.store.addresses import shown

# Result codes, the extended ones before their primary ones; https://www.sqlite.org/rescode.html
_SQLITE = {
    sqlite3.SQLITE_FULL: codes.DATABASE_FULL,
    # The index of the write-ahead log is the first thing to find no room on a full disk.
    sqlite3.SQLITE_IOERR_SHMSIZE: codes.DATABASE_FULL,
    sqlite3.SQLITE_IOERR: codes.DATABASE_DISK_ERROR,
    sqlite3.SQLITE_READONLY: codes.DATABASE_READ_ONLY,
    sqlite3.SQLITE_BUSY: codes.DATABASE_BUSY,
    sqlite3.SQLITE_LOCKED: codes.DATABASE_BUSY,
    sqlite3.SQLITE_CORRUPT: codes.DATABASE_DAMAGED,
    sqlite3.SQLITE_NOTADB: codes.DATABASE_DAMAGED,
    sqlite3.SQLITE_CANTOPEN: codes.DATABASE_UNUSABLE,
    sqlite3.SQLITE_PERM: codes.DATABASE_UNUSABLE,
}
_UNDECODABLE = "Could not decode to UTF-8"
# SQLSTATE, the whole ones before their classes; https://www.postgresql.org/docs/current/errcodes-appendix.html
_SQLSTATE = {
    "53100": codes.DATABASE_FULL,
    "25006": codes.DATABASE_READ_ONLY,
    "25P03": codes.DATABASE_BUSY,
    "42501": server_codes.DATABASE_REFUSED,
    "53300": server_codes.DATABASE_UNREACHABLE,
    "55P03": codes.DATABASE_BUSY,
    "57014": codes.DATABASE_BUSY,
    "XX001": codes.DATABASE_DAMAGED,
    "XX002": codes.DATABASE_DAMAGED,
    "08": server_codes.DATABASE_UNREACHABLE,
    "28": server_codes.DATABASE_REFUSED,
    "3D": server_codes.DATABASE_REFUSED,
    "40": codes.DATABASE_BUSY,
    "53": codes.DATABASE_BUSY,
    "57": server_codes.DATABASE_UNREACHABLE,
    "58": codes.DATABASE_DISK_ERROR,
}
# What a server says to somebody whom it does not let in, for which the client library has no SQLSTATE. One that speaks
# another language is taken for one that does not answer; its words are told either way.
_REFUSALS = (
    "authentication failed",
    "does not exist",
    "pg_hba.conf",
    "not permitted",
    "permission denied",
    "password",
)


# What enums, parsers and models come up with for values that they do not know.
_UNKNOWN = (ValueError, TypeError, LookupError, AttributeError, RecursionError)


@contextmanager
def readable(connection: Connection, table: Table, key: str) -> Iterator[None]:
    """Raise ``run.database-damaged`` if no record can be made of the row of ``table`` that ``key`` names."""
    try:
        yield
    except _UNKNOWN as error:
        words = N_("the row of {key} in the table {table} cannot be read: {detail}")
        told = phrase(words, key=key, table=table.name, detail=_first_of(error))
        raise codes.DATABASE_DAMAGED.error(url=shown(connection.engine.url), detail=told) from error


AnyRow = Row[*tuple[Any, ...]] | tuple[Any, ...]
"""A row with whatever columns were asked for."""


@contextmanager
def readable_rows(
    connection: Connection, table: Table, key: Sequence[int]
) -> Iterator[Callable[[Iterable[AnyRow]], Iterator[AnyRow]]]:
    """As :func:`readable` for many rows at the price of one: the block takes them out of what it is given, and the one
    that it took last is named by the columns at the places ``key``."""
    last: AnyRow | None = None

    def told(rows: Iterable[AnyRow]) -> Iterator[AnyRow]:
        nonlocal last
        for row in rows:
            last = row
            yield row

    try:
        yield told
    except _UNKNOWN as error:
        if last is None:
            raise
        named = ", ".join(str(last[place]) for place in key)
        with readable(connection, table, named):
            raise error from None


def _first_of(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return ": ".join(part for part in (".".join(map(str, first["loc"])), first["msg"]) if part)
    return " ".join(str(error).split())[:200]


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Raise what a database's surroundings do to it as BongsuError; a violated constraint, or a mistake of ours, stays
    what it is."""
    try:
        yield
    except DBAPIError as error:
        code = code_of(error)
        if code is None:
            raise
        raise code.error(url=url, detail=said_by(error)) from error
    except NoConnectionLeft as error:
        raise codes.DATABASE_BUSY.error(url=url, detail=str(error)) from error


def said_by(error: DBAPIError) -> str:
    """The database's own words, on one line and without a point at their end."""
    return " ".join(str(error.orig or error).split()).rstrip(".")


def code_of(error: DBAPIError) -> Code | None:
    """What kind of trouble with the surroundings it is; None for any other error."""
    if isinstance(error.orig, sqlite3.OperationalError) and _UNDECODABLE in str(error.orig):
        return codes.DATABASE_DAMAGED  # said by Python's driver, which gives no code
    number = getattr(error.orig, "sqlite_errorcode", None)
    if number is not None:
        return _SQLITE.get(number) or _SQLITE.get(number & 0xFF)
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return _SQLSTATE.get(state) or _SQLSTATE.get(state[:2])
    if hasattr(error.orig, "sqlstate") and isinstance(error, OperationalError | InterfaceError):
        is_refused = any(words in str(error.orig) for words in _REFUSALS)
        return server_codes.DATABASE_REFUSED if is_refused else server_codes.DATABASE_UNREACHABLE
    return codes.DATABASE_UNUSABLE if error.connection_invalidated else None
