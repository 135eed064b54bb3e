"""Readings of several requests, and what they change elsewhere, in one transaction (group commit).

The log of a ministry grows by one writer at a time, and each waits until the disk has what it wrote. With a
transaction for each reading, a disk that takes 50 ms lets 20 people read in a second; with one for all that wait at the
moment, each waits for the disk twice at most, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from threading import Event, Lock

from sqlalchemy import Connection

from bongsu.domain.audit import AuditEvent, Author
from bongsu.domain.codes.audit import DAMAGED
from bongsu.domain.problems import BongsuError
from bongsu.store.audit import append_all
from bongsu.store.audit_reads import Reading, claim_read, recorded
from bongsu.store.database import Database

# More in one transaction would hold the heads of the logs for long.
_MOST = 200
_KNOWN = 10_000
# What the database's surroundings do, such as a server that is away, they would do to each of them again. All else (a
# claim that came first, a log that is damaged) is in the way of its own reader and of nobody else.
_OF_ALL = (BongsuError, OSError)


class _Asked:
    """What one request wants to have recorded, and what came of it."""

    def __init__(
        self, readings: Sequence[Reading], request_id: str, window_s: float, events: Sequence[AuditEvent]
    ) -> None:
        self.readings = readings
        self.events = events
        self.request_id = request_id
        self.window_s = window_s
        self.made: int | None = None
        self.error: Exception | None = None
        self.woken = Event()
        """Set when it is done, or when whoever asked is the one to write for all that wait."""

    @property
    def is_done(self) -> bool:
        return self.made is not None or self.error is not None


class ReadQueue:
    """Of one process, for all of its threads. Whoever comes first writes for all that wait at that moment, and then
    hands that over to the first of those who came meanwhile; everybody is woken as soon as theirs is written."""

    def __init__(self) -> None:
        self._gate = Lock()
        self._waiting: list[_Asked] = []
        self._is_led = False
        self._known: dict[tuple[str, str, str], Reading] = {}

    def is_recorded(self, connection: Connection, reading: Reading, window_s: float) -> bool:
        """True if there is an entry that covers it (:meth:`bongsu.store.audit_reads.Reading.covers`). What was found
        once is not looked for again: an entry stays, whoever made it."""
        if self.has_all([reading], window_s):
            return True
        found = recorded(connection, reading)
        if found is None or not found.covers(reading, window_s):
            return False
        if len(self._known) >= _KNOWN:
            self._known = {}
        self._known[reading.key] = found
        return True

    def has_all(self, readings: Iterable[Reading], window_s: float) -> bool:
        """True if each is known to be recorded without a look at the database."""
        found = ((self._known.get(one.key), one) for one in readings)
        return all(known is not None and known.covers(one, window_s) for known, one in found)

    def __len__(self) -> int:
        """How many requests wait, those that are being written among them."""
        return len(self._waiting)

    def record(
        self,
        database: Database,
        readings: Sequence[Reading],
        request_id: str,
        window_s: float,
        events: Sequence[AuditEvent] = (),
    ) -> int:
        """Make the entries for readings of which there are none yet; returns after they are written for good.

        Args:
            database: the store.
            readings: of one request.
            request_id: of it.
            window_s: as of :func:`bongsu.store.audit_reads.claim_read`.
            events: further entries, each of which is made.

        Returns:
            How many entries were made for readings of this request.

        Raises:
            Taken: somebody else was first with one of them at the same moment, and made its entry.
            Conflict: somebody else changes the claim of one of them all the time.
            BongsuError: the entry of this request cannot be made; ``audit.damaged`` if for its log.
        """
        mine = _Asked(readings, request_id, window_s, events)
        with self._gate:
            self._waiting.append(mine)
            if not self._is_led:
                self._hand_over()
        try:
            mine.woken.wait()
            if not mine.is_done:
                self._write_some(database)
        except BaseException:  # Ctrl-C: the next one writes for the others
            self._leave(mine)
            raise
        if mine.error is not None:
            raise mine.error
        assert mine.made is not None
        return mine.made

    def _write_some(self, database: Database) -> None:
        with self._gate:
            batch = self._waiting[:_MOST]
        _write(database, batch)
        with self._gate:
            self._waiting = self._waiting[len(batch) :]
            for one in batch:
                one.woken.set()
            self._hand_over()

    def _hand_over(self) -> None:
        """To the first that waits; with the gate held."""
        self._is_led = bool(self._waiting)
        if self._is_led:
            self._waiting[0].woken.set()

    def _leave(self, mine: _Asked) -> None:
        with self._gate:
            has_lead = bool(self._waiting) and self._waiting[0] is mine
            for one in self._waiting:
                if one.is_done:
                    one.woken.set()
            self._waiting = [one for one in self._waiting if one is not mine and not one.is_done]
            if has_lead:
                self._hand_over()


def _write(database: Database, batch: Sequence[_Asked]) -> None:
    try:
        made = _written(database, batch)
    except Exception as error:  # of whatever kind: it is told to whom it belongs
        if len(batch) == 1 or _is_of_all(error):
            for one in batch:
                one.error = error
            return
        for one in batch:
            _write(database, [one])
        return
    for one, count in zip(batch, made, strict=True):
        one.made = count


def _is_of_all(error: Exception) -> bool:
    """Whether nobody's entry could be made; of a log that is damaged it is its own readers' alone."""
    is_damage = isinstance(error, BongsuError) and all(one.code is DAMAGED for one in error.problems)
    return isinstance(error, _OF_ALL) and not is_damage


def _written(database: Database, batch: Sequence[_Asked]) -> list[int]:
    """All claims before the first entry, and in one order: no two transactions wait for each other."""
    wanted = [(reading, place) for place, one in enumerate(batch) for reading in one.readings]
    wanted.sort(key=lambda each: each[0].key)
    made = [0] * len(batch)
    events = []
    with database.write() as connection:
        for reading, place in wanted:
            asked = batch[place]
            if claim_read(connection, reading, asked.window_s):
                made[place] += 1
                events.append(_event(reading, asked.request_id))
        append_all(connection, [*events, *(event for asked in batch for event in asked.events)])
    return made


def _event(reading: Reading, request_id: str) -> AuditEvent:
    kind = reading.object.partition(":")[0]
    reader = Author(reading.tenant, reading.actor, request_id)
    return reader.did(reading.action or f"{kind}.read", reading.object, reading.at, reading.label)
