"""What a server does beside answering: it leads whenever nobody else does, and drives every run while it leads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from functools import partial

from bongsu.domain.codes import database as server_codes
from bongsu.domain.codes import run as codes
from bongsu.domain.ids import RunId
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, as_phrase, phrase
from bongsu.domain.problems import BongsuError
from bongsu.service.driving import Driving, note_driver, open_driver
from bongsu.service.platform import Platform
from bongsu.service.upkeep import Chore, seeing_to
from bongsu.store.runs import active_versions, pending_runs

# How often one that does not lead looks whether nobody does.
STANDBY_S = 1.0
# What passes by itself: another leads, or the database is being restarted.
_PASSING = (
    codes.DRIVEN_ELSEWHERE,
    codes.DATABASE_BUSY,
    codes.DATABASE_FULL,
    codes.DATABASE_READ_ONLY,
    server_codes.DATABASE_REFUSED,
    server_codes.DATABASE_UNREACHABLE,
    server_codes.LEADERSHIP_LOST,
)


def lead(
    platform: Platform,
    stop: threading.Event,
    on_trouble: Callable[[Words], None] = lambda _words: None,
    chores: Callable[[Platform], Sequence[Chore]] = lambda _platform: (),
) -> None:
    """Until ``stop`` is set. Of several processes that share a database one drives, and the others wait to follow it.

    A run with which nobody can deal holds up no other: it is left where it stands until somebody changes it.

    Args:
        platform: of this process, with the runs of every ministry in its scope; its lock says who may lead.
        stop: set by somebody else; then the lock is given back, and workers go on.
        on_trouble: told once why this process does not drive at the moment, and once of each run that is left where it
            stands, and of each chore that fails.
        chores: what is due beside driving, on the platform as the one who leads writes to it.

    Raises:
        BongsuError: what does not pass by itself, such as ``run.database-damaged``.
    """
    told: Words = ""
    while not stop.is_set():
        try:
            with (
                open_driver(platform) as driving,
                platform.observer.leading(driving.driver.facts),
                seeing_to(chores(driving.platform), on_trouble),
            ):
                _drive(driving, stop, on_trouble)
        except BongsuError as error:
            if error.problems[0].code not in _PASSING:
                raise
            why = error.problems[0].sentence()
            if why != told:
                on_trouble(why)
            told = why
        else:
            told = ""
        stop.wait(STANDBY_S)


def _drive(driving: Driving, stop: threading.Event, on_trouble: Callable[[Words], None]) -> None:
    driver, taken_up, told = driving.driver, set[RunId](), dict[RunId, Words]()
    while not stop.is_set():
        with driving.platform.read() as connection:
            active = active_versions(connection)
        _note(driving, [run for run in active if run not in taken_up], "begins")
        taken_up = set(active)
        driver.want(active, each_counts=False)
        driver.step()
        driver.let_go()
        for run_id, why in driver.aside.items():
            if told.get(run_id) != why:
                on_trouble(
                    phrase(N_("the run {run} is left where it stands: {detail}"), run=run_id, detail=as_phrase(why))
                )
        told = dict(driver.aside)
        driver.pause(partial(_is_begun, driving.platform, taken_up))
    _note(driving, sorted(taken_up), "ends")


def _is_begun(platform: Platform, known: Collection[RunId]) -> bool:
    """Whether there is a run that nobody has taken up yet."""
    with platform.read() as connection:
        return any(run not in known for run in pending_runs(connection))


def _note(driving: Driving, runs: Sequence[RunId], act: str) -> None:
    """Each in a transaction of its own: a run whose row is damaged is the driver's to set aside."""
    for run_id in runs:
        try:
            note_driver(driving.platform, [run_id], act)
        except BongsuError as error:
            if error.problems[0].code is not codes.DATABASE_DAMAGED:
                raise
