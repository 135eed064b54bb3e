"""Runs, stages and attempts as those who look at them see them: the store's facts, and what follows from them.

``--json`` prints their fields (:mod:`bongsu.service.documents`): one that is added here, or to the facts, is one that
machines may rely on.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from bongsu.domain.run import ShownState
from bongsu.service.worktime import Worktime
from bongsu.store.records import AttemptRecord, PublicAttempt, PublicRun, PublicStage, RunRecord, StageRecord

# Nothing follows from an attempt but itself.
AttemptSummary = PublicAttempt


def shown_state(record: RunRecord, *, driven: bool) -> ShownState:
    """Args: the row, and whether a process drives it at this moment."""
    return ShownState(record.state.value) if driven or record.state.is_final else ShownState.INTERRUPTED


@dataclass(frozen=True)
class RunSummary(PublicRun):
    """A run, and how it goes.

    Attributes:
        interrupted: it is not over, and no process drives it: it stands still until somebody resumes it.
        worked_seconds: how long it was worked on, times without a driver left out; None before it started.
    """

    interrupted: bool
    worked_seconds: float | None

    @property
    def shown(self) -> ShownState:
        """Its state as lists show it."""
        return ShownState.INTERRUPTED if self.interrupted else ShownState(self.state.value)

    @property
    def elapsed_seconds(self) -> float | None:
        """From its start to its end, whether or not anybody worked on it; None before the end."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.finished_at - self.started_at


@dataclass(frozen=True)
class StageSummary(PublicStage):
    """A stage of a run, and how long it was worked on, as of a run."""

    worked_seconds: float | None


def summarise_run(record: RunRecord, worktime: Worktime, *, driven: bool) -> RunSummary:
    """Args: the row, when it was worked on, and whether a process drives it at this moment."""
    return RunSummary(
        **_facts(record, PublicRun),
        interrupted=shown_state(record, driven=driven) is ShownState.INTERRUPTED,
        worked_seconds=worktime.within(record.started_at, record.finished_at),
    )


def summarise_stage(record: StageRecord, worktime: Worktime) -> StageSummary:
    worked = worktime.within(record.started_at, record.finished_at)
    return StageSummary(**_facts(record, PublicStage), worked_seconds=worked)


def summarise_attempt(record: AttemptRecord) -> AttemptSummary:
    return AttemptSummary(**_facts(record, PublicAttempt))


def _facts(record: PublicRun | PublicStage | PublicAttempt, kind: type) -> dict[str, Any]:
    """What everybody may know of a row: the fields of ``kind``, without those that only the store needs."""
    return {name: getattr(record, name) for name in _names(kind)}


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
