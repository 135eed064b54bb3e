"""What the attempts of a run wrote; and what they write, as they write it: those that run at once, and those that begin
later."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Full, Queue

from bongsu.domain.ids import AttemptId, RunId, StageId
from bongsu.domain.run import AttemptState, ShownState
from bongsu.executors.base import Executor
from bongsu.reconciler.facts import RunFacts
from bongsu.reconciler.loading import load_facts
from bongsu.service.platform import Platform
from bongsu.service.showing import driven_of
from bongsu.service.summaries import shown_state
from bongsu.store.records import AttemptRecord
from bongsu.store.runs import get_run

# How often it is looked which attempts there are.
LOOK_S = 0.5
# Between a resume and the first step of its driver, for example, nobody seems to drive the run.
LOOKS_WITHOUT_DRIVER = 3
# How long the last lines of attempts are waited for once the run is over.
DRAIN_S = 5.0
# A reader that is slower than the workers holds up the threads here, not the workers.
_MOST_WAITING = 1000
_PAUSE_S = 0.1


@dataclass(frozen=True)
class LogLine:
    """A line of a stage's log."""

    stage_id: StageId
    line: str


class _Readers:
    """A thread for each attempt that runs; their lines in the order in which they came."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._came: Queue[LogLine | Exception] = Queue(_MOST_WAITING)
        self._threads: list[threading.Thread] = []
        self._closed = threading.Event()

    def __enter__(self) -> _Readers:
        return self

    def __exit__(self, *_: object) -> None:
        """Nobody takes lines any longer, and nobody reads any."""
        self._closed.set()

    def add(self, attempt: AttemptId) -> None:
        thread = threading.Thread(target=self._read, args=(attempt,), name=f"log {attempt.key}", daemon=True)
        self._threads.append(thread)
        thread.start()

    @property
    def are_done(self) -> bool:
        """Nobody reads, and everything that was read was taken."""
        return not any(thread.is_alive() for thread in self._threads) and self._came.empty()

    def lines(self, seconds: float, *, to_the_end: bool) -> Iterator[LogLine]:
        """What comes within so many seconds; if ``to_the_end``, no longer than any attempt is read. Raises what
        reading raised."""
        until = time.monotonic() + seconds
        while True:
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            is_read = not self._threads
            left = until - time.monotonic()
            try:
                came = (
                    self._came.get_nowait() if is_read or left <= 0 else self._came.get(timeout=min(left, _PAUSE_S))
                )
            except Empty:
                if left <= 0 or (is_read and to_the_end):
                    return
                if is_read:
                    time.sleep(min(left, _PAUSE_S))
                continue
            if isinstance(came, Exception):
                raise came
            yield LogLine(came.stage_id, came.line)

    def _read(self, attempt: AttemptId) -> None:
        try:
            for line in self._executor.logs(attempt, follow=True, goes_on=lambda: not self._closed.is_set()):
                self._put(LogLine(attempt.stage_id, line))
        except Exception as error:  # whoever takes the lines is told
            self._put(error)

    def _put(self, came: LogLine | Exception) -> None:
        while not self._closed.is_set():
            with suppress(Full):
                self._came.put(came, timeout=LOOK_S)
                return


def logs_of(platform: Platform, attempts: Iterable[AttemptId], follow: bool = False) -> Iterator[LogLine]:
    """Lines of these attempts, one after another; with ``follow``, of each until it is over."""
    for attempt in attempts:
        for line in platform.executor().logs(attempt, follow):
            yield LogLine(attempt.stage_id, line)


class FollowingEnded(Exception):
    """Nobody follows any longer, though there may be more."""


def follow_logs(
    platform: Platform,
    run_id: RunId,
    stages: Sequence[StageId],
    is_ending: Callable[[], bool] = lambda: False,
) -> Iterator[LogLine]:
    """Lines of the newest attempts of these stages, and of all that begin later, until the stages or the run are over
    or nobody drives the run. What attempts wrote that are over already comes first, stage by stage.

    Raises what reading a log raises, and :class:`FollowingEnded` once ``is_ending``.
    """
    with _Readers(platform.executor()) as readers:
        yield from _lines_of(readers, platform, run_id, stages, is_ending)


def _lines_of(
    readers: _Readers, platform: Platform, run_id: RunId, stages: Sequence[StageId], is_ending: Callable[[], bool]
) -> Iterator[LogLine]:
    seen: dict[StageId, int] = {}
    facts: RunFacts | None = None
    undriven = 0
    while True:
        if is_ending():
            raise FollowingEnded
        facts, is_driven = _look(platform, run_id, facts)
        undriven = 0 if is_driven else undriven + 1
        for attempt in _unseen(facts, stages, seen):
            if attempt.state.is_final:
                yield from logs_of(platform, [attempt.id])
            else:
                readers.add(attempt.id)
        all_ended = all(facts.stages[stage].state.is_final for stage in stages)
        is_over = all_ended or facts.run.state.is_final or undriven >= LOOKS_WITHOUT_DRIVER
        yield from readers.lines(DRAIN_S if is_over else LOOK_S, to_the_end=is_over)
        if is_over:
            return


def follow_attempt(platform: Platform, attempt: AttemptId, is_ending: Callable[[], bool]) -> Iterator[LogLine]:
    """Lines of one attempt, until it is over. Raises as :func:`follow_logs`."""
    with _Readers(platform.executor()) as readers:
        readers.add(attempt)
        while not readers.are_done:
            if is_ending():
                raise FollowingEnded
            yield from readers.lines(LOOK_S, to_the_end=True)


def _look(platform: Platform, run_id: RunId, known: RunFacts | None) -> tuple[RunFacts, bool]:
    """The run as it is now, read again only if it changed, and whether it goes on by itself."""
    before = platform.lock.driven()
    with platform.read() as connection:
        record = get_run(connection, run_id)
        if known is None or known.run.version != record.version:
            known = load_facts(connection, run_id, known.plan if known else None)
    driven = driven_of([record], before, platform.lock.driven())
    return known, shown_state(record, driven=record.id in driven) is not ShownState.INTERRUPTED


def _unseen(facts: RunFacts, stages: Sequence[StageId], seen: dict[StageId, int]) -> list[AttemptRecord]:
    """Attempts that had not begun at the last look, each stage's newest at the first; ``seen`` is brought up to date.

    One that was only asked for has no log yet, which would be taken for the end of it.
    """
    found: list[AttemptRecord] = []
    for stage in stages:
        tries = facts.attempts.get(stage, ())
        after = seen.get(stage, tries[-1].id.number - 1 if tries else 0)
        begun = [one for one in tries if one.id.number > after and one.state is not AttemptState.REQUESTED]
        found += begun
        seen[stage] = begun[-1].id.number if begun else after
    return found
