"""How long a run was worked on. Between the death of its driver and a resume nothing is, however long that takes.

A driver that is killed writes nothing any more: its stretch lasts until the last sign of life that it left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bongsu.store.history import beginnings_of, last_sign_of_life
from bongsu.store.records import RunRecord


@dataclass(frozen=True)
class Worktime:
    """Stretches (from, to) in which a run was worked on, in order; seconds since the epoch."""

    stretches: tuple[tuple[float, float], ...]

    def within(self, start: float | None, end: float | None) -> float | None:
        """Seconds of work between two moments; without an end, up to the last one. None if it never started."""
        if start is None:
            return None
        last = end if end is not None else max((to for _, to in self.stretches), default=start)
        return sum(max(0.0, min(to, last) - max(since, start)) for since, to in self.stretches)


def stretches(
    beginnings: Sequence[float], signs: Sequence[float | None], until: float
) -> tuple[tuple[float, float], ...]:
    """One stretch for each beginning.

    Args:
        beginnings: when work began, in order.
        signs: for each of them but the first, the last sign of life before it; None if there was none.
        until: end of the last one.
    """
    ends = [*signs, until]
    found = []
    reached = float("-inf")  # stretches do not overlap, even if a clock was set back
    for since, sign in zip(beginnings, ends, strict=True):
        start = max(since, reached)
        reached = max(start, start if sign is None else sign)
        found.append((start, reached))
    return tuple(found)


def worktime(
    connection: Connection, run: RunRecord, beginnings: Sequence[tuple[int, float]], now: float | None
) -> Worktime:
    """When a run was worked on.

    Args:
        connection: of a transaction that reads.
        run: the run.
        beginnings: as :func:`bongsu.store.history.beginnings_of` has them for it.
        now: the present, if a process drives the run; None if it waits for somebody.
    """
    if run.started_at is None:
        return Worktime(())
    signs = [last_sign_of_life(connection, run.id, before) for before in beginnings[1:]]
    until = run.finished_at if run.finished_at is not None else now
    if until is None:
        until = last_sign_of_life(connection, run.id) or run.started_at
    return Worktime(stretches([time for _, time in beginnings] or [run.started_at], signs, until))


def worktimes(
    connection: Connection, runs: Sequence[RunRecord], driven: frozenset[str], now: float
) -> dict[str, Worktime]:
    """Of several runs at once."""
    beginnings = beginnings_of(connection, [run.id for run in runs])
    return {
        run.id: worktime(connection, run, beginnings.get(run.id, ()), now if run.id in driven else None)
        for run in runs
    }
