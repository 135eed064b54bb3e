"""What is true of PostgreSQL alone: settings of its connections, and the lock under which its schema is changed."""

from __future__ import annotations

import selectors
from typing import Any

import psycopg
from psycopg.types.string import StrDumper
from sqlalchemy import URL, Connection, Engine, create_engine, event, func, select, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from bongsu.store.locks import hold, key_of

# How long a statement waits for a row that another transaction holds, and how long it may take in all.
LOCK_TIMEOUT_MS = 10_000
STATEMENT_TIMEOUT_MS = 60_000
# A process that stops in the middle of a transaction holds its rows no longer than that.
IDLE_TIMEOUT_MS = 60_000
# For whoever comes while another process changes the schema.
MIGRATION_TIMEOUT_MS = 600_000
POOL_SIZE = 10
POOL_TIMEOUT_S = 10.0
# A server that is gone without a word is noticed within half a minute.
_CONNECTION = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "bongsu",
}
_SETTINGS = {
    "lock_timeout": LOCK_TIMEOUT_MS,
    "statement_timeout": STATEMENT_TIMEOUT_MS,
    "idle_in_transaction_session_timeout": IDLE_TIMEOUT_MS,
}
# One consistent view for all statements of a transaction, that promises to write nothing.
READING = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

_TAKES_NO_WRITES = "bongsu-takes-no-writes"

# Each statement for itself; it can write nothing.
AUTOCOMMIT = {"isolation_level": "AUTOCOMMIT"}


def engine_of(url: URL, pool_size: int = POOL_SIZE, **settings: int) -> Engine:
    """An engine whose transactions are READ COMMITTED; what ``url`` itself says of a connection counts.

    Args:
        url: ``postgresql+psycopg://...``
        pool_size: how many connections are kept; as many more are made when they are needed.
        settings: of the server for these connections, beside the usual ones.
    """
    options = " ".join(f"-c {name}={value}" for name, value in (_SETTINGS | settings).items())
    asked: dict[str, Any] = _CONNECTION | {"options": options}
    engine = create_engine(
        url,
        connect_args={name: value for name, value in asked.items() if name not in url.query},
        isolation_level="READ COMMITTED",
        # Values may be secrets, and what is wrong with a statement shows without them.
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=POOL_TIMEOUT_S,
    )
    event.listen(engine, "connect", _take_any_text)
    event.listen(engine, "connect", _ask_without_writing)
    event.listen(engine, "checkout", _replace_if_closed)
    event.listen(engine, "checkout", _begin_as_the_server_does)
    return engine


def is_held(connection: Connection, name: str) -> bool:
    """True if a session holds the lock of that name, in its own right or for a transaction; takes it from nobody."""
    number = key_of(name) & (2**64 - 1)
    query = text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND classid = :high AND objid = :low"
    )
    found = connection.execute(query, {"high": number >> 32, "low": number & (2**32 - 1)})
    return bool(found.scalar_one())


def hold_for_session(connection: Connection, name: str) -> bool:
    """Take the lock of that name until the session ends; False if another session has it."""
    return bool(connection.execute(select(func.pg_try_advisory_lock(key_of(name)))).scalar_one())


def let_go(connection: Connection, name: str) -> None:
    """Give the lock of that name back while the session goes on; others can have it once this returns."""
    connection.execute(select(func.pg_advisory_unlock(key_of(name))))


def say_something(connection: Connection) -> None:
    """Have the server hear of the session, which ends when it is silent for too long. Raises
    ``sqlalchemy.exc.SQLAlchemyError`` if it has ended."""
    connection.execute(select(1))


def change_schema_alone(connection: Connection) -> None:
    """Until the transaction ends, nobody else migrates; whoever tries waits."""
    connection.execute(text(f"SET LOCAL lock_timeout = {MIGRATION_TIMEOUT_MS}"))
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    hold(connection, "schema")


class _TextDumper(StrDumper):
    """PostgreSQL has no place for NUL in a text, and what a stage or a server says may hold one."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}"))


def _replace_if_closed(connection: psycopg.Connection[Any], _record: object, _proxy: object) -> None:
    """A connection that the server has closed meanwhile, at its restart for example, is replaced unnoticed.

    Nothing is on its way while a connection lies in the pool, so what can be read from it is its end. That is a look at
    this machine; asking the server each time would cost as much as a short query. A server that is gone without a word
    shows by the keepalives, which end the connection, too.
    """
    if connection.closed:
        raise DisconnectionError
    with selectors.PollSelector() as look:  # unlike select() it knows descriptors above 1023
        look.register(connection.fileno(), selectors.EVENT_READ)
        if look.select(0):
            raise DisconnectionError


def _ask_without_writing(connection: psycopg.Connection[Any], record: ConnectionPoolEntry) -> None:
    """A statement for which nobody began a transaction writes nothing, and nobody has to say so each time. Asked once
    for a connection: whether the server takes writes at all, by default."""
    connection.autocommit = True
    default = connection.execute("SHOW default_transaction_read_only").fetchone()
    connection.execute("SET default_transaction_read_only = on")
    connection.autocommit = False
    record.info[_TAKES_NO_WRITES] = default == ("on",)


def _begin_as_the_server_does(
    connection: psycopg.Connection[Any], record: ConnectionPoolEntry, _proxy: object
) -> None:
    """Whoever begins a transaction may write in it, unless the server's own default says otherwise."""
    connection.read_only = record.info[_TAKES_NO_WRITES]


def _take_any_text(connection: psycopg.Connection[Any], _record: object) -> None:
    connection.adapters.register_dumper(str, _TextDumper)
