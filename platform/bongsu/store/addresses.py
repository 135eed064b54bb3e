"""Addresses of databases: read without telling what is secret in them, and written for people."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from bongsu.domain.codes.database import DATABASE_ADDRESS
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase

_POSTGRESQL = "postgresql+psycopg"
_PORT = 5432
_THIS_MACHINE = ("", "localhost", "127.0.0.1", "::1", "[::1]")
_KNOWN = ("sqlite", "sqlite+pysqlite", _POSTGRESQL)


def parsed(url: str) -> URL:
    """Raises ``run.database-address``, which never tells the address: a password may be what is wrong with it."""
    found = None
    with suppress(ArgumentError, ValueError):  # which hold the address, so they are not kept as a context either
        found = make_url(url)
    if found is None:
        raise DATABASE_ADDRESS.error(detail=phrase(N_("it has another form")))
    if found.drivername == "postgresql":
        found = found.set(drivername=_POSTGRESQL)
    if found.drivername not in _KNOWN:
        raise DATABASE_ADDRESS.error(detail=phrase(N_("it names another kind of database")))
    return found


def shown(url: URL) -> str:
    """The address for people: without a password, and without what follows the name, where another may stand."""
    return url.set(query={}).render_as_string(hide_password=True)


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def is_same(one: URL, other: URL) -> bool:
    """True if both addresses lead to one database, however they are written: by default port or not, by a relative path
    or a link. Two names of one host that is not this machine are not seen through."""
    if one.get_backend_name() != other.get_backend_name():
        return False
    if not is_sqlite(one):
        return _server_of(one) == _server_of(other)
    first, second = _file_of(one), _file_of(other)
    if first is None or second is None:
        return False  # in memory
    return first.resolve() == second.resolve() or (first.exists() and second.exists() and first.samefile(second))


def _server_of(url: URL) -> tuple[str, str, str]:
    """Host, port and name of a database, where the driver takes them from."""
    query = {name: value if isinstance(value, str) else ",".join(value) for name, value in url.query.items()}
    host = (query.get("host") or url.host or "").lower().rstrip(".")
    host = "" if host in _THIS_MACHINE or host.startswith("/") else host
    port = query.get("port") or str(url.port or _PORT)
    name = query.get("dbname") or url.database or query.get("user") or url.username or ""
    return host, port, name


def _file_of(url: URL) -> Path | None:
    name = url.database or ""
    if name.startswith("file:"):
        name = unquote(urlsplit(name).path)
    return Path(name) if name and name != ":memory:" else None
