"""A lock that lives as long as a session of PostgreSQL, and no longer than its holder says something."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from math import inf

from sqlalchemy import URL, Connection
from sqlalchemy.exc import SQLAlchemyError

from bongsu.store.addresses import shown
from bongsu.store.faults import explained
from bongsu.store.postgres import engine_of, hold_for_session, let_go, say_something

# A holder that has said nothing for so long has lost what it held; it says something five times as often.
LEASE_S = 10.0
_BEATS = 5


class SessionLock:
    """Implements :class:`bongsu.reconciler.lock.Turn`, across all machines that share a database.

    The server ends the session, and with it the lock, when the holder's process dies; and when that is stopped, or cut
    off, after the time of its lease (``idle_session_timeout``, PostgreSQL 14).

    Args:
        url: of the database.
        name: who takes the same name in the same database is kept out.
        lease_s: after so many seconds of silence the server gives the lock to others.
        monotonic: seconds that only grow.
    """

    def __init__(
        self, url: URL, name: str, lease_s: float = LEASE_S, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._shown = shown(url)
        self._engine = engine_of(url, pool_size=1, idle_session_timeout=round(lease_s * 1000))
        self._name = name
        self._lease = lease_s
        self._monotonic = monotonic
        self._session: Connection | None = None
        self._until = -inf
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_held(self) -> bool:
        """False once the server may have given it to somebody else, although this process heard nothing of it."""
        return self._monotonic() < self._until

    def take(self) -> bool:
        """False if another session has it. Raises ``run.database-unreachable`` and the like."""
        self.give_back()
        began = self._monotonic()
        with explained(self._shown):
            session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            try:
                is_taken = hold_for_session(session, self._name)
            except BaseException:
                session.invalidate()
                session.close()
                raise
        if not is_taken:
            session.close()
            return False
        session.detach()  # closing it ends the session, and gives the lock back
        self._session, self._until, self._over = session, began + self._lease, threading.Event()
        self._thread = threading.Thread(target=self._beat, args=(session, self._over), name="lease", daemon=True)
        self._thread.start()
        return True

    def give_back(self) -> None:
        """Let others have it, from now on if the server answers; nothing happens if it is not held."""
        is_held, self._until = self.is_held, -inf
        self._over.set()
        if self._thread is not None:
            self._thread.join(timeout=self._lease)
            is_held = is_held and not self._thread.is_alive()
            self._thread = None
        if self._session is not None:
            if is_held:  # the server ends a session some time after it was closed here
                with suppress(SQLAlchemyError):
                    let_go(self._session, self._name)
            with suppress(SQLAlchemyError):  # the server has ended it already
                self._session.close()
            self._session = None

    def close(self) -> None:
        """Give it back, and keep no connection for the next time."""
        self.give_back()
        self._engine.dispose()

    def _beat(self, session: Connection, over: threading.Event) -> None:
        while not over.wait(self._lease / _BEATS):
            began = self._monotonic()
            try:
                say_something(session)
            except SQLAlchemyError:
                self._until = -inf
                return
            if not over.is_set():
                self._until = began + self._lease
