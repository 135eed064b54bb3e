"""Drive runs to their end in this process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from bongsu.domain.codes import run as codes
from bongsu.domain.ids import RunId
from bongsu.domain.phrases import Words
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import RunState
from bongsu.reconciler.delivery import Delivery
from bongsu.reconciler.driver import Driver, Surroundings
from bongsu.service.delivering import begin_delivery
from bongsu.service.platform import Platform
from bongsu.service.watching import RunProgress
from bongsu.store import outbox
from bongsu.store.history import DRIVING, NewEvent, append_events
from bongsu.store.records import RunRecord
from bongsu.store.runs import active_versions, claim_version, get_run, hold_run

DRAIN_S = 120.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Driven:
    """Runs as they ended, and how many publications the tracking server does not take (later processes try again),
    with the last error if there was one."""

    runs: tuple[RunRecord, ...]
    undelivered: int = 0
    trouble: Words = ""


@dataclass(frozen=True)
class Driving:
    """The right to drive, which one process has at a time; ``right`` is the hold on it."""

    platform: Platform
    driver: Driver
    delivery: Delivery
    right: ExitStack

    def drive(
        self,
        run_ids: Sequence[RunId],
        on_update: Callable[[RunProgress], None] | None = None,
        drain_s: float = DRAIN_S,
    ) -> Driven:
        """Drive runs until they are over, then see to it that the tracking server hears of everything.

        The right to drive is given up before the server is waited for, which may take longer than anybody who wants
        to cancel or begin a run should wait.

        Loading a tracking client takes longer than a short run. Where it was not loaded on the way, another process
        tells the server, and nobody waits.

        Args:
            run_ids: runs to drive; runs that somebody cancels meanwhile are ended too.
            on_update: called from this thread with a view of a run whenever something about it changed.
            drain_s: how long to wait for the server, in seconds.

        Raises:
            BongsuError: ``run.unknown``.
        """
        platform = self.platform
        platform.lock.note(run_ids)
        note_driver(platform, run_ids, "begins")
        try:
            self.driver.run(run_ids, on_update)
        except BaseException:
            # Without this entry the run would seem to have been worked on until its last sign of life.
            try:
                note_driver(platform, run_ids, "ends")
            except Exception:  # what ended the driving is told, not this
                _log.exception("the end of driving could not be recorded")
            raise
        self._give_up_right()
        trouble: Words
        if platform.on_leftover is not None and self.delivery.leave():
            platform.on_leftover()
            left, trouble = _held_up(platform)
        else:
            left, trouble = self.delivery.drain(drain_s), self.delivery.trouble
        with platform.read() as connection:
            ended = tuple(get_run(connection, run_id) for run_id in run_ids)
        return Driven(ended, left, trouble if left else "")

    def _give_up_right(self) -> None:
        """Let others drive. Whoever cancelled a run up to that moment was told that it is driven here, so it is."""
        while True:
            self.right.close()
            with self.platform.read() as connection:
                active = active_versions(connection)
            left = [run_id for run_id, (state, _version) in active.items() if state is RunState.CANCELLING]
            if not left:
                return
            try:
                self.right.enter_context(self.platform.lock)
            except BongsuError as error:
                if error.problems[0].code is not codes.DRIVEN_ELSEWHERE:
                    raise
                return  # what is left is theirs
            self.platform.lock.note(left)
            self.driver.run(left)


@contextmanager
def open_driver(platform: Platform) -> Iterator[Driving]:
    """The right to drive, until :meth:`Driving.drive` gives it up, and a delivery thread, until the end of the block.
    Raises ``run.driven-elsewhere``."""
    with ExitStack() as right:
        right.enter_context(platform.lock)
        delivery = begin_delivery(platform)
        fenced = replace(platform, database=platform.lock.fenced(platform.database))
        surroundings = Surroundings(
            fenced.database,
            platform.stores,
            platform.executor,
            delivery,
            platform.clock,
            assure=platform.lock.assure,
            observer=platform.observer,
        )
        try:
            yield Driving(fenced, Driver(surroundings), delivery, right)
        finally:
            delivery.close()


def _held_up(platform: Platform) -> tuple[int, Words]:
    """How many publications another process will not get delivered, as far as can be told before it tries, and why."""
    with platform.read() as connection:
        waiting, earlier = outbox.count_waiting(connection), outbox.last_error(connection)
    trouble = platform.tracking_trouble() or earlier
    return (waiting, trouble) if trouble else (0, "")


def note_driver(platform: Platform, run_ids: Sequence[RunId], act: str) -> None:
    """Write into the log of each run that is not over that this process begins, or ends, to work on it."""
    with platform.write() as connection:
        for run_id in run_ids:
            record = hold_run(connection, run_id)
            if not record.state.is_final:
                claim_version(connection, run_id, record.version)
                append_events(connection, run_id, platform.clock(), [NewEvent(DRIVING, body={"act": act})])
