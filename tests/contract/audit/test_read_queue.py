"""Readings of many requests at once: one transaction for all that wait, and each has its own outcome."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from audit_places import KEYS, MND, MSIT, SECRET, Logs, auditor, event
from sqlalchemy import event as engine_event
from sqlalchemy import text

from bongsu.domain.codes.run import DATABASE_BUSY
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.service.audit.checkpoints import sign
from bongsu.service.audit.reading import list_entries
from bongsu.service.audit.reads import record_read
from bongsu.store.audit import append

READERS = 20
DEADLINE_S = 30.0


@contextmanager
def held(logs: Logs) -> Iterator[list[int]]:
    """Nobody gets on in the log of MND within the block; gives the commits that are counted meanwhile and after."""
    commits: list[int] = []
    with logs.database.write() as connection:
        append(connection, event(0))
        engine_event.listen(logs.database.engine, "commit", lambda _connection: commits.append(1))
        yield commits


def read(logs: Logs, number: int, tenant: Tenant = MND) -> bool:
    return record_read(logs.platform, auditor(), tenant, f"model:axk1/{number}", SECRET, f"request-{number}")


def wait_for(logs: Logs, waiting: int) -> None:
    until = time.monotonic() + DEADLINE_S
    while len(logs.platform.reads) < waiting:
        assert time.monotonic() < until, f"{len(logs.platform.reads)} wait"
        time.sleep(0.01)


def began(pool: ThreadPoolExecutor, logs: Logs, *readings: tuple[int, Tenant]) -> list[Future[bool]]:
    """The first one begins to write, and the others come while it does."""
    first = pool.submit(read, logs, *readings[0])
    wait_for(logs, 1)
    others = [pool.submit(read, logs, *one) for one in readings[1:]]
    wait_for(logs, len(readings))
    return [first, *others]


def test_those_who_come_while_one_is_written_are_written_together(logs: Logs) -> None:
    with ThreadPoolExecutor(READERS) as pool:
        with held(logs) as commits:
            found = began(pool, logs, *((number, MND) for number in range(READERS)))
        assert [one.result(DEADLINE_S) for one in found] == [True] * READERS
    assert len(commits) <= 3, "what held the log, the first reader, and all others"
    entries = list_entries(logs.platform, auditor(), MND, limit=100).entries
    told = {(one.content["object"], one.content["request"]) for one in entries if one.content}
    assert {(f"model:axk1/{number}", f"request-{number}") for number in range(READERS)} <= told
    assert sign(logs.platform, KEYS, MND).checkpoint.size == READERS + 1


def test_the_same_reading_in_one_transaction_is_one_entry(logs: Logs) -> None:
    with ThreadPoolExecutor(4) as pool:
        with held(logs):
            found = began(pool, logs, (0, MND), (1, MND), (1, MND), (1, MND))
        assert sorted(one.result(DEADLINE_S) for one in found) == [False, False, True, True]


def test_a_log_that_is_damaged_is_in_the_way_of_its_own_readers_only(logs: Logs) -> None:
    logs.add(event(1, MSIT))
    with logs.database.write() as connection:
        copied = text(
            "INSERT INTO audit_entries (tenant, position, at, actor, action, object, label, outcome, entry)"
            " SELECT tenant, 1, at, actor, action, object, label, outcome, entry FROM audit_entries"
        )
        connection.execute(copied)
    with ThreadPoolExecutor(4) as pool:
        with held(logs):
            found = began(pool, logs, (0, MND), (1, MND), (2, MSIT), (3, MND))
        assert [found[place].result(DEADLINE_S) for place in (0, 1, 3)] == [True] * 3
        with pytest.raises(BongsuError, match=r"audit\.damaged"):
            found[2].result(DEADLINE_S)


def test_a_database_that_is_away_is_asked_once_for_all_that_wait(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def away(*_: object) -> None:
        asked.append(len(logs.platform.reads))
        if len(asked) == 1:
            wait_for(logs, READERS)
        raise DATABASE_BUSY.error(url="x", detail="it takes its time")

    monkeypatch.setattr(type(logs.database), "write", away)
    with ThreadPoolExecutor(READERS) as pool:
        found = [pool.submit(read, logs, number) for number in range(READERS)]
        for one in found:
            with pytest.raises(BongsuError, match=r"run\.database-busy"):
                one.result(DEADLINE_S)
    assert len(asked) == 2, "for the first, and for all others"


def test_who_is_interrupted_leaves_the_others_to_the_next(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C reaches the thread that writes for all."""
    queue, write, entered = logs.platform.reads, type(logs.database).write, threading.Event()

    def interrupted(*_: object) -> None:
        entered.set()
        wait_for(logs, 2)
        monkeypatch.setattr(type(logs.database), "write", write)
        raise KeyboardInterrupt

    monkeypatch.setattr(type(logs.database), "write", interrupted)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(read, logs, 0)
        assert entered.wait(DEADLINE_S)
        second = pool.submit(read, logs, 1)
        with pytest.raises(KeyboardInterrupt):
            first.result(DEADLINE_S)
        assert second.result(DEADLINE_S)
    assert len(queue) == 0
