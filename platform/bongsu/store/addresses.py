"""Addresses of databases: read without telling what is secret in them, and written for people."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from bongsu.domain.codes.database import DATABASE_ADDRESS
from bongsu.domain.messages import N_

_POSTGRESQL = "postgresql+psycopg"
_KNOWN = ("sqlite", "sqlite+pysqlite", _POSTGRESQL)


def parsed(url: str) -> URL:
    """Raises ``run.database-address``, which never tells the address: a password may be what is wrong with it."""
    found = None
    with suppress(ArgumentError, ValueError):  # which hold the address, so they are not kept as a context either
        found = make_url(url)
    if found is None:
        raise DATABASE_ADDRESS.error(detail=N_("it has another form"))
    if found.drivername == "postgresql":
        found = found.set(drivername=_POSTGRESQL)
    if found.drivername not in _KNOWN:
        raise DATABASE_ADDRESS.error(detail=N_("it names another kind of database"))
    return found


def shown(url: URL) -> str:
    """The address for people: without a password, and without what follows the name, where another may stand."""
    return url.set(query={}).render_as_string(hide_password=True)


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"
