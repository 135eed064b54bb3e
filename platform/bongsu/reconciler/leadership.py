"""One leader among the processes that share a PostgreSQL, and a fence against whoever led before.

The leader holds a lock that it loses when it dies, is stopped, or is cut off. It may come back and not know that
another leads by now. So every leader has an epoch, a number in the store: each of its transactions holds its epoch
fast, and is refused if there is a newer one. See Kleppmann, "How to do distributed locking" (2016), on fencing.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Collection, Container, Iterator
from contextlib import contextmanager
from types import TracebackType

from sqlalchemy import Connection

from bongsu.domain.codes import run as codes
from bongsu.domain.codes.database import LEADERSHIP_LOST
from bongsu.domain.ids import RunId
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Phrase, phrase
from bongsu.domain.problems import BongsuError
from bongsu.reconciler.lock import EveryRun
from bongsu.reconciler.session_lock import LEASE_S, SessionLock
from bongsu.store.addresses import shown
from bongsu.store.database import Database
from bongsu.store.leadership import begin_epoch, holder_of, keep_epoch
from bongsu.store.postgres import engine_of, is_held
from bongsu.store.scope import AT_HOME, Scope

RECONCILER = "reconciler"
# How long it stands what was seen of another process.
LOOK_S = 0.5


class Leadership:
    """Implements :class:`bongsu.reconciler.lock.DriverLock`, for processes on any number of machines.

    Args:
        database: on PostgreSQL; a few connections of its own are made beside those of its pool.
        name: of what is led.
        holder: who this is, for people.
        lease_s: a leader that is stopped, or cut off, is followed by another after so many seconds.
        clock: seconds since the epoch.
        monotonic: seconds that only grow.
    """

    def __init__(
        self,
        database: Database,
        name: str = RECONCILER,
        holder: str = "",
        lease_s: float = LEASE_S,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        url = database.engine.url
        self._url = shown(url)
        self._database = database
        self._name = name
        self._holder = holder or f"{os.getpid()} on {socket.gethostname()}"
        self._lease = lease_s
        self._clock = clock
        self._monotonic = monotonic
        self._lock = SessionLock(url, self._key, lease_s, monotonic)
        self._epoch = 0
        # Somebody who asks holds a connection of the pool already.
        self._others = Database(engine_of(url, pool_size=1))
        self._looking = threading.Lock()
        self._seen: tuple[float, bool] | None = None

    @property
    def is_held(self) -> bool:
        """True while nobody else can have become the leader."""
        return self._lock.is_held

    def __enter__(self) -> Leadership:
        if not self._lock.take():
            with self._database.read() as connection:
                holder = holder_of(connection, self._name)
            raise codes.DRIVEN_ELSEWHERE.error(pid=holder or "unknown", home=self._url)
        try:
            with self._database.write() as connection:
                self._epoch = begin_epoch(connection, self._name, self._holder, self._clock())
        except BaseException:
            self._lock.give_back()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.give_back()

    def note(self, runs: Collection[RunId]) -> None:
        """Nothing: a leader drives every run."""

    def driven(self) -> Container[RunId] | None:
        with self._looking:
            now = self._monotonic()
            if self._seen is None or now > self._seen[0] + LOOK_S:
                with self._others.read() as connection:
                    self._seen = now, is_held(connection, self._key)
            return EveryRun() if self._seen[1] else None

    def fenced(self, database: Database) -> Database:
        return _Fenced(database, self._keep)

    def assure(self) -> None:
        if not self.is_held:
            raise self._lost(phrase(N_("it was out of touch for longer than its lease")))

    def close(self) -> None:
        """Let go of everything, the lock included."""
        self._lock.close()
        self._others.close()

    @property
    def _key(self) -> str:
        return f"leader {self._name}"

    def _keep(self, connection: Connection) -> None:
        """Nobody can take over before the transaction ends. Raises ``run.leadership-lost`` if somebody has."""
        epoch, holder = keep_epoch(connection, self._name, round(self._lease * 1000))
        if epoch != self._epoch:
            raise self._lost(phrase(N_("{holder} has taken over"), holder=holder))

    def _lost(self, detail: Phrase) -> BongsuError:
        return LEADERSHIP_LOST.error(holder=self._holder, url=self._url, detail=detail)


class _Fenced(Database):
    """A database to which an earlier leader writes nothing any more."""

    def __init__(self, database: Database, keep: Callable[[Connection], None]) -> None:
        super().__init__(database.engine, read_only=database.read_only)
        self._database = database
        self._keep = keep

    @contextmanager
    def write(self, scope: Scope = AT_HOME) -> Iterator[Connection]:
        with self._database.write(scope) as connection:
            self._keep(connection)
            yield connection
