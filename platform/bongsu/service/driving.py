"""Drive runs to their end in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bongsu.domain.ids import RunId
from bongsu.reconciler.delivery import Delivery
from bongsu.reconciler.driver import Driver, Surroundings
from bongsu.reconciler.view import RunView
from bongsu.service.platform import Platform
from bongsu.store.records import RunRecord
from bongsu.store.runs import get_run

DRAIN_S = 120.0


@dataclass(frozen=True)
class Driven:
    """Runs as they ended, and how many publications the tracking server did not take (the next process sends them),
    with the last error if there was one."""

    runs: tuple[RunRecord, ...]
    undelivered: int = 0
    trouble: str = ""


def drive(
    platform: Platform,
    run_ids: Sequence[RunId],
    on_update: Callable[[RunView], None] | None = None,
    on_end: Callable[[], None] | None = None,
    drain_s: float = DRAIN_S,
) -> Driven:
    """Drive runs until they are over, then see to it that the tracking server hears of everything.

    Loading a tracking client takes longer than a short run. Where it was not loaded on the way, another process tells
    the server, and nobody waits.

    Args:
        platform: what to work on.
        run_ids: runs to drive; runs that somebody cancels meanwhile are ended too.
        on_update: called from this thread with a view of a run whenever something about it changed.
        on_end: called once the runs are over and before the tracking server is waited for.
        drain_s: how long to wait for it, in seconds.

    Raises:
        BongsuError: ``run.driven-elsewhere``, ``run.unknown``.
    """
    with open_driver(platform) as (driver, delivery):
        driver.run(run_ids, on_update)
        if on_end:
            on_end()
        if platform.on_leftover is not None and delivery.leave():
            platform.on_leftover()
            left = 0
        else:
            left = delivery.drain(drain_s)
        with platform.database.read() as connection:
            ended = tuple(get_run(connection, run_id) for run_id in run_ids)
        return Driven(ended, left, delivery.trouble if left else "")


@contextmanager
def open_driver(platform: Platform) -> Iterator[tuple[Driver, Delivery]]:
    """A driver that holds the lock, and its delivery thread, until the end of the block."""
    with platform.lock:
        delivery = Delivery(
            platform.database, platform.publisher, platform.artifacts, exclusive=platform.publisher_lock
        )
        try:
            yield (
                Driver(
                    Surroundings(platform.database, platform.artifacts, platform.executor, delivery, platform.clock)
                ),
                delivery,
            )
        finally:
            delivery.close()
