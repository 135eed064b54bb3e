"""What a database says when its disk or its file fails, as errors that say what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from bongsu.domain.codes import run as codes
from bongsu.domain.problems import Code

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
# SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html
_SQLSTATE = {
    "53100": codes.DATABASE_FULL,
    "58030": codes.DATABASE_DISK_ERROR,
    "25006": codes.DATABASE_READ_ONLY,
    "55P03": codes.DATABASE_BUSY,
    "40P01": codes.DATABASE_BUSY,
    "XX001": codes.DATABASE_DAMAGED,
    "XX002": codes.DATABASE_DAMAGED,
}


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
        raise code.error(url=url, detail=str(error.orig)) from error


def code_of(error: DBAPIError) -> Code | None:
    """What kind of trouble with the surroundings it is; None for any other error."""
    number = getattr(error.orig, "sqlite_errorcode", None)
    if number is not None:
        return _SQLITE.get(number) or _SQLITE.get(number & 0xFF)
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return _SQLSTATE.get(state)
    return codes.DATABASE_UNUSABLE if error.connection_invalidated else None
