"""One leads, and whoever led before writes nothing any more: killed, stopped, cut off, or only slow."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from database_places import fresh_database
from postgres_server import PostgresServer
from sqlalchemy import Connection, select, text
from store_places import RUN, submitted

from bongsu.domain.codes.run import DATABASE_BUSY, DRIVEN_ELSEWHERE
from bongsu.domain.problems import BongsuError
from bongsu.reconciler.leadership import LOOK_S, Leadership
from bongsu.reconciler.session_lock import SessionLock
from bongsu.store.database import Database
from bongsu.store.runs import get_run
from bongsu.store.schema_leadership import leadership

# Long enough for a busy machine to keep, and short enough to wait for.
LEASE_S = 2.0
# A leader in a process of its own: it writes when it is told to, and says what came of it.
LEADER = """
import sys
from sqlalchemy import text
from bongsu.domain.problems import BongsuError
from bongsu.reconciler.leadership import Leadership
from bongsu.store.database import open_database

database = open_database(sys.argv[1])
with Leadership(database, holder="stopped", lease_s=float(sys.argv[2])) as leader:
    print("leads", flush=True)
    try:
        for line in sys.stdin:
            with leader.fenced(database).write() as connection:
                connection.execute(text("UPDATE runs SET version = 7"))
                if line == "half\\n":
                    print("half", flush=True)
                    sys.stdin.readline()
            print("written", flush=True)
    except BongsuError as error:
        print(error.problems[0].code.name, leader.is_held, flush=True)
"""


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    with fresh_database(postgres) as opened:
        submitted(opened)
        yield opened


@pytest.fixture
def make(database: Database) -> Iterator[Callable[[str], Leadership]]:
    """Makes candidates, which let go of everything with the test."""
    with ExitStack() as made:

        def candidate(name: str) -> Leadership:
            leader = Leadership(database, holder=name, lease_s=LEASE_S)
            made.callback(leader.close)
            return leader

        yield candidate


@contextmanager
def process_that_leads(database: Database) -> Iterator[subprocess.Popen[str]]:
    url = database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", LEADER, url, str(LEASE_S)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert heard(process) == "leads"
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def say(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{words}\n")
    process.stdin.flush()


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(BongsuError) as caught:
        act()
    return caught.value.problems[0].code.name


def leads(candidate: Leadership) -> bool:
    """Whether it could take the lead now. Raises whatever else is in its way."""
    try:
        candidate.__enter__()
    except BongsuError as error:
        if error.problems[0].code not in (DRIVEN_ELSEWHERE, DATABASE_BUSY):
            raise
        return False
    return True


def follow(candidate: Leadership, within_s: float) -> float:
    """Lead as soon as nobody else does; returns how many seconds that took."""
    began = time.monotonic()
    while not leads(candidate):
        assert time.monotonic() < began + within_s, "nobody else could lead"
        time.sleep(0.05)
    return time.monotonic() - began


def await_that(holds: Callable[[], bool]) -> None:
    """What was seen of another process stands for ``LOOK_S``; a busy machine may take longer."""
    deadline = time.monotonic() + 20 * LOOK_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def write(leader: Leadership, database: Database, version: int) -> None:
    with leader.fenced(database).write() as connection:
        set_version(connection, version)


def set_version(connection: Connection, version: int) -> None:
    connection.execute(text(f"UPDATE runs SET version = {version}"))


def version_of(database: Database) -> int:
    with database.read() as connection:
        return get_run(connection, RUN).version


def epoch_of(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(leadership.c.epoch)).scalar_one()


# -- in peace --------------------------------------------------------------------------------------------------------


def test_of_two_one_leads_and_the_other_is_told_who(database: Database, make: Callable[[str], Leadership]) -> None:
    one, two = make("one on a machine"), make("two")
    with one:
        with pytest.raises(BongsuError, match="one on a machine"):
            two.__enter__()
        write(one, database, 5)
    with two:
        write(two, database, 6)
        assert code_of(one.assure) == "run.leadership-lost"
    assert version_of(database) == 6
    assert epoch_of(database) == 2


def test_of_many_who_come_at_once_one_leads(database: Database, make: Callable[[str], Leadership]) -> None:
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(lambda name: leads(make(str(name))), range(6))).count(True) == 1
    assert epoch_of(database) == 1


def test_a_leader_keeps_what_it_has_for_longer_than_its_lease(
    database: Database, make: Callable[[str], Leadership]
) -> None:
    one, two = make("one"), make("two")
    with one:
        time.sleep(2 * LEASE_S)
        one.assure()
        assert code_of(two.__enter__) == "run.driven-elsewhere"
        write(one, database, 5)


def test_others_see_that_somebody_leads_who_drives_every_run(make: Callable[[str], Leadership]) -> None:
    one, two = make("one"), make("two")
    assert two.driven() is None
    with one:
        await_that(lambda: two.driven() is not None)
        driven = two.driven()
        assert driven is not None
        assert RUN in driven
    await_that(lambda: two.driven() is None)


# -- in trouble ------------------------------------------------------------------------------------------------------


def test_a_leader_that_is_killed_is_followed_at_once(database: Database, make: Callable[[str], Leadership]) -> None:
    with process_that_leads(database) as process:
        process.kill()
        process.wait()
        assert follow(make("two"), within_s=LEASE_S) < LEASE_S


def test_a_leader_that_is_stopped_is_followed_and_writes_nothing_when_it_comes_back(
    database: Database, make: Callable[[str], Leadership]
) -> None:
    two = make("two")
    with process_that_leads(database) as process:
        say(process, "all")
        assert heard(process) == "written"
        os.kill(process.pid, signal.SIGSTOP)
        assert follow(two, within_s=5 * LEASE_S) > LEASE_S / 2
        write(two, database, 8)
        say(process, "all")
        os.kill(process.pid, signal.SIGCONT)
        assert heard(process) == "run.leadership-lost False"
    assert version_of(database) == 8


def test_a_leader_that_is_stopped_in_the_middle_of_a_transaction_holds_nobody_up(
    database: Database, make: Callable[[str], Leadership]
) -> None:
    two = make("two")
    with process_that_leads(database) as process:
        say(process, "half")
        assert heard(process) == "half"
        os.kill(process.pid, signal.SIGSTOP)
        follow(two, within_s=10 * LEASE_S)
        write(two, database, 8)
        say(process, "")
        os.kill(process.pid, signal.SIGCONT)
        # Its transaction is over, be it that the server says so or that the connection is gone.
        assert heard(process).split()[0] in ("run.database-busy", "run.database-unreachable")
    assert version_of(database) == 8


def test_a_leader_whose_session_is_ended_notices_and_is_followed(
    database: Database, make: Callable[[str], Leadership], postgres: PostgresServer
) -> None:
    one, two = make("one"), make("two")
    with one:
        assert postgres.end_lock_holders(database.engine.url.render_as_string(hide_password=False)) == 1
        write(one, database, 5)  # nobody has followed it, so nothing speaks against it
        with two:
            assert code_of(lambda: write(one, database, 6)) == "run.leadership-lost"
            deadline = time.monotonic() + LEASE_S
            while one.is_held and time.monotonic() < deadline:
                time.sleep(0.05)
            assert code_of(one.assure) == "run.leadership-lost"
            write(two, database, 7)
    assert version_of(database) == 7


def test_who_follows_waits_for_what_the_leader_before_is_writing(
    database: Database, make: Callable[[str], Leadership], postgres: PostgresServer
) -> None:
    one, two = make("one"), make("two")
    with one, ThreadPoolExecutor(1) as pool:
        with one.fenced(database).write() as connection:
            set_version(connection, 5)
            postgres.end_lock_holders(database.engine.url.render_as_string(hide_password=False))
            later = pool.submit(two.__enter__)
            time.sleep(0.3)
            assert not later.done()
        later.result(30)
        assert version_of(database) == 5
        assert code_of(lambda: write(one, database, 6)) == "run.leadership-lost"
    assert version_of(database) == 5


def test_what_was_given_back_can_be_taken_at_once(database: Database) -> None:
    one, other = locks = [SessionLock(database.engine.url, "tracking", LEASE_S) for _ in range(2)]
    for turn in range(100):
        assert one.take(), f"turn {turn}"
        assert not other.take()  # and has its connection ready from now on
        one.give_back()
        one, other = other, one
    for lock in locks:
        lock.close()


def test_a_turn_is_one_processes_at_a_time(database: Database) -> None:
    one, two, other = (
        SessionLock(database.engine.url, name, LEASE_S) for name in ("tracking", "tracking", "something else")
    )
    assert one.take()
    assert not two.take()
    assert other.take()
    one.give_back()
    one.give_back()
    assert two.take()
    assert not one.take()
    for lock in (one, two, other):
        lock.close()
