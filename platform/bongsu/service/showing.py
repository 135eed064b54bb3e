"""Look at runs: lists, one run in full, its log of events, its metrics."""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bongsu.domain.attempt import Failure
from bongsu.domain.codes import run as codes
from bongsu.domain.ids import AttemptId, RunId, StageId
from bongsu.domain.messages import N_
from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.domain.phrases import Words, as_phrase, clause, phrase
from bongsu.domain.plan import PlannedStage, RunPlan
from bongsu.domain.problems import Problem
from bongsu.domain.run import RunState, ShownState, StageState
from bongsu.domain.suggest import closest
from bongsu.reconciler.decide import CANCELLED
from bongsu.reconciler.facts import RunFacts
from bongsu.reconciler.loading import load_facts
from bongsu.service.platform import Platform
from bongsu.service.summaries import (
    AttemptSummary,
    RunSummary,
    StageSummary,
    shown_state,
    summarise_attempt,
    summarise_run,
    summarise_stage,
)
from bongsu.service.worktime import worktimes
from bongsu.store import history, runs
from bongsu.store.records import EventRecord, RunRecord


@dataclass(frozen=True)
class StageDetails:
    """A stage with its plan and its attempts, in the order of their numbers."""

    planned: PlannedStage
    record: StageSummary
    attempts: tuple[AttemptSummary, ...]

    @property
    def last_failure(self) -> Failure | None:
        """What its newest attempt failed of; None if that did not fail, or the stage succeeded all the same."""
        last = self.attempts[-1] if self.attempts else None
        return last.failure if last is not None and self.record.state is not StageState.SUCCEEDED else None

    @property
    def failure(self) -> Words:
        """Why it did not succeed, in one sentence; empty if there is nothing to say."""
        return self.last_failure.message if self.last_failure else self.record.reason


@dataclass(frozen=True)
class RunDetails:
    """A run in full; stages in the plan's order."""

    run: RunSummary
    plan: RunPlan
    stages: tuple[StageDetails, ...]

    @property
    def reason(self) -> Words:
        """Why the run failed: what the stage says that failed first, and which others failed. Or why it was cancelled,
        if a rule did that."""
        broken = [stage for stage in self.stages if stage.record.state is StageState.FAILED]
        if not broken:
            stopped = (one.record.reason for one in self.stages if one.record.state is StageState.CANCELLED)
            return next((why for why in stopped if why != CANCELLED), "")
        first, *others = sorted(broken, key=lambda stage: stage.record.finished_at or 0.0)
        told = phrase("{title}: {failure}", title=first.planned.title, failure=as_phrase(first.failure))
        if not others:
            return told
        names = ", ".join(stage.planned.title for stage in others)
        return phrase(N_("{failure}; also failed: {stages}"), failure=clause(told), stages=names)

    @property
    def problem(self) -> Problem | None:
        """Why there is no success: the run failed or was cancelled."""
        if self.run.state is RunState.FAILED:
            return codes.FAILED.at(run=self.run.id, reason=clause(self.reason))
        return codes.CANCELLED.at(run=self.run.id) if self.run.state is RunState.CANCELLED else None

    def stage(self, name: str) -> StageDetails:
        """By id (``prune-2``), title or short title (``prune 0.5``). Raises ``run.unknown-stage``."""
        for stage in self.stages:
            if name in (stage.planned.id, stage.planned.title, stage.planned.short_title):
                return stage
        points = [stage.planned.id for stage in self.stages if stage.planned.stage == name]
        meant = points[0] if points else closest(name, [stage.planned.id for stage in self.stages])
        raise codes.UNKNOWN_STAGE.error(run=self.run.id, stage=name, suggestion=meant)

    def attempt(self, stage: StageDetails, number: int | None = None) -> AttemptId | None:
        """An attempt of a stage of this run, the newest if no number is given; None before the first. Raises
        ``run.unknown-attempt``."""
        known = [attempt.number for attempt in stage.attempts]
        if number is not None and number not in known:
            listed = ", ".join(map(str, known)) or phrase(N_("none"))
            raise codes.UNKNOWN_ATTEMPT.error(stage=stage.planned.title, number=number, known=listed)
        if not known:
            return None
        return AttemptId(run_id=self.run.id, stage_id=stage.planned.id, number=number or known[-1])

    def attempts(self, stages: Collection[StageId], number: int | None = None) -> list[AttemptId]:
        """As :meth:`attempt`, of those of these stages that have any, in the plan's order."""
        found = (self.attempt(stage, number) for stage in self.stages if stage.planned.id in stages)
        return [attempt for attempt in found if attempt is not None]


def list_runs(
    platform: Platform, states: Sequence[ShownState] = (), pipeline: str | None = None, limit: int = 50
) -> list[RunSummary]:
    """Newest first, those in any of these states if some are given."""
    before = platform.lock.driven()
    stored = [state for state in RunState if may_be_shown_as(state, states)] if states else []
    with platform.read() as connection:
        found = runs.list_runs(connection, stored, pipeline, None if states else limit)
        driven = driven_of(found, before, platform.lock.driven())
        if states:
            found = [run for run in found if shown_state(run, driven=run.id in driven) in states][:limit]
        times = worktimes(connection, found, driven, platform.clock())
    return [summarise_run(run, times[run.id], driven=run.id in driven) for run in found]


def may_be_shown_as(state: RunState, wanted: Sequence[ShownState]) -> bool:
    """Whether a run of this state in the store is one of those that are wanted, or may be."""
    return state.value in wanted or (ShownState.INTERRUPTED in wanted and not state.is_final)


def driven_of(found: Sequence[RunRecord], *looks: Container[RunId] | None) -> frozenset[str]:
    """Those of the runs that a process drives: whoever drives any ends those that are being cancelled, too.

    Args:
        found: runs as the store has them.
        looks: what the lock said before and after the store was read, because a run may begin or end in between.
    """
    held = [look for look in looks if look is not None]
    return frozenset(
        run.id
        for run in found
        if any(run.id in look for look in held) or (held and run.state is RunState.CANCELLING)
    )


def show_run(platform: Platform, run: str) -> RunDetails:
    """``run`` is an id, a unique beginning of one, or ``latest``. Raises ``run.unknown``, ``run.ambiguous``."""
    before = platform.lock.driven()
    with platform.read() as connection:
        return details_of(connection, platform, runs.find_run(connection, run), before)[0]


def details_of(
    connection: Connection, platform: Platform, run: RunRecord, before: Container[RunId] | None
) -> tuple[RunDetails, RunFacts]:
    """As :func:`show_run`, and what the store has of it, in the transaction in which the run was read.

    Args:
        connection: of that transaction.
        platform: what to work on.
        run: the run.
        before: what the driver's lock said before the transaction began.
    """
    facts = load_facts(connection, run.id, run=run)
    driven = driven_of([run], before, platform.lock.driven())
    times = worktimes(connection, [run], driven, platform.clock())[run.id]
    stages = tuple(
        StageDetails(
            planned,
            summarise_stage(facts.stages[planned.id], times),
            tuple(map(summarise_attempt, facts.attempts.get(planned.id, ()))),
        )
        for planned in facts.plan.stages
    )
    return RunDetails(summarise_run(facts.run, times, driven=bool(driven)), facts.plan, stages), facts


def plan_of(platform: Platform, run: RunId) -> RunPlan:
    """What a run does, as it was planned."""
    with platform.read() as connection:
        return runs.get_plan(connection, run)


def run_events(platform: Platform, run: str, wanted: PageRequest = WHOLE) -> list[EventRecord]:
    """Entries of the run's log in the order of their numbers, as :data:`bongsu.store.history.EVENTS` says."""
    return look_at_events(platform, run, wanted).events


@dataclass(frozen=True)
class EventsSoFar:
    """Entries of a run's log, and whether there can be no more behind them: the run is over, and these are the last."""

    events: list[EventRecord]
    is_all: bool


def look_at_events(platform: Platform, run: str, wanted: PageRequest) -> EventsSoFar:
    """As :func:`run_events`, for whoever follows the log: one row tells whether the run is over."""
    with platform.read() as connection:
        # The state is read first: an end that comes after it has its entries read with the next look.
        record = runs.find_run(connection, run)
        found = history.events_of(connection, record.id, wanted)
    return EventsSoFar(found, record.state.is_final and (wanted.limit is None or len(found) < wanted.limit))


@dataclass(frozen=True)
class MetricSeries:
    """Points (step, value, seconds since the epoch) of one metric of one stage, by step."""

    stage_id: str
    name: str
    points: tuple[tuple[int, float, float], ...]


def run_metrics(platform: Platform, run: str, stage_id: str | None = None) -> list[MetricSeries]:
    """Metrics by step, of one stage or of all."""
    with platform.read() as connection:
        rows = history.metric_points_of(connection, runs.find_run(connection, run).id, stage_id)
    series: dict[tuple[str, str], list[tuple[int, float, float]]] = {}
    for stage, name, step, value, time in rows:
        series.setdefault((stage, name), []).append((step, value, time))
    return [MetricSeries(stage, name, tuple(points)) for (stage, name), points in series.items()]
