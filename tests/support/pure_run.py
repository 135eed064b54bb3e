"""One run in memory: the pure decision, with its actions carried out on the facts and on nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from small_plans import ref_of

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.attempt import AttemptResult, Failure, Observation, Phase
from bongsu.domain.capacity import Capacity
from bongsu.domain.ids import AttemptId, Digest, RunId, StageId
from bongsu.domain.labels import Label
from bongsu.domain.plan import PlannedStage, RunPlan
from bongsu.domain.problems import Problem
from bongsu.domain.run import ATTEMPT_MOVES, RUN_MOVES, STAGE_MOVES, AttemptState, RunState, StageState
from bongsu.domain.tenants import HOME, Tenant
from bongsu.planner.facts import EarlierWork
from bongsu.reconciler.actions import (
    Action,
    FinishAttempt,
    MarkStarted,
    MoveRun,
    MoveStage,
    RememberOutputs,
    RequestAttempt,
    StopAttempt,
    TakeOutputs,
)
from bongsu.reconciler.budget import Budget
from bongsu.reconciler.decide import decide
from bongsu.reconciler.facts import Refused, Registered, RunFacts, WorldFacts
from bongsu.reconciler.urgency import seconds_to_end
from bongsu.store.records import AttemptRecord, RunRecord, StageRecord

RUN = RunId("r-000000000001")
CAPACITY = Capacity(cpus=4, gpus=0, memory=16_000_000_000)


class PureRun:
    """A run as :func:`decide` moves it. ``now`` and what is seen of attempts are set by the test."""

    def __init__(self, plan: RunPlan, capacity: Capacity = CAPACITY) -> None:
        self.plan = plan
        self.capacity = capacity
        self.now = 1_000_000.0
        self.cache: dict[Digest, EarlierWork] = {}
        self.published: dict[StageId, Registered | Refused] = {}
        self.usual_seconds: dict[str, float] = {}
        self.under_way: dict[tuple[Tenant, Digest], set[Label]] = {}
        self.denied: tuple[Problem, ...] = ()
        self.times_asked = 0
        self._seen: dict[AttemptId, Observation] = {}
        self._outcomes: dict[AttemptId, AttemptResult | Failure] = {}
        stages = {
            planned.id: StageRecord(RUN, planned.id, place, StageState.WAITING, "", None, {}, {}, {}, None, None, 0)
            for place, planned in enumerate(plan.stages)
        }
        run = RunRecord(
            id=RUN,
            pipeline=plan.metadata.name,
            ministry=plan.metadata.ministry,
            plan_hash=plan.hash,
            state=RunState.PENDING,
            label=str(plan.label),
            use_class=plan.purpose.use_class.value,
            created_at=self.now,
            started_at=None,
            finished_at=None,
            version=0,
        )
        self.facts = RunFacts(run, plan, stages, {})

    # -- deciding ------------------------------------------------------------------------------------------------

    def step(self, budget: Budget | None = None) -> list[Action]:
        """Decide once and carry it out; every move has to be one that the tables allow."""
        actions = decide(self.facts, self._world(), budget or self._budget())
        for action in actions:
            self._carry_out(action)
        return actions

    def _world(self) -> WorldFacts:
        return WorldFacts(
            now=self.now,
            observations=dict(self._seen),
            outcomes=dict(self._outcomes),
            cached=self.cache.get,
            published=self.published,
            ahead=seconds_to_end(self.plan, self.usual_seconds),
            why_not=self._why_not,
        )

    def _why_not(self) -> Sequence[Problem]:
        self.times_asked += 1
        return self.denied

    def _budget(self) -> Budget:
        budget = Budget.of(self.capacity)
        budget.under_way |= {work: set(labels) for work, labels in self.under_way.items()}
        for attempt in self.facts.live:
            planned = self.plan.stage(attempt.id.stage_id)
            budget.spend(planned.resources)
            key = self.facts.stages[planned.id].cache_key
            if key and planned.cacheable:
                budget.begin(HOME, key, planned.label)
        return budget

    # -- what happens outside ------------------------------------------------------------------------------------

    def see(self, stage: str, phase: Phase, failure: Failure | None = None, started: float | None = None) -> None:
        """The executor shows the newest attempt of ``stage`` in ``phase``."""
        at = datetime.fromtimestamp(started, UTC) if started is not None else None
        self._seen[self.attempt(stage).id] = Observation(phase=phase, failure=failure, started_at=at)

    def unseen(self, stage: str) -> None:
        """Nothing is known of the attempt at the moment."""
        self._seen.pop(self.attempt(stage).id, None)

    def succeed(
        self, stage: str, metrics: Mapping[str, float] | None = None, says: Phase = Phase.SUCCEEDED
    ) -> None:
        """A result record stands; the executor says ``says``."""
        attempt = self.attempt(stage).id
        planned = self.plan.stage(stage)
        self._outcomes[attempt] = AttemptResult(
            id=attempt,
            outputs=outputs_of(planned),
            metrics=dict(metrics or {}),
            started_at=datetime.fromtimestamp(self.now - 5, UTC),
            finished_at=datetime.fromtimestamp(self.now, UTC),
        )
        self.see(stage, says)

    def fail(self, stage: str, *, retryable: bool = True, reason: str = "StageError") -> None:
        """A failure record stands."""
        failure = Failure(reason=reason, message=f"{stage} broke.", retryable=retryable)
        self._outcomes[self.attempt(stage).id] = failure
        self.see(stage, Phase.FAILED, failure)

    def cancel(self) -> None:
        """A person cancels the run."""
        self._move_run(RunState.CANCELLING)

    def reopen(self) -> None:
        """A person resumes the run: what did not succeed begins anew."""
        stages = dict(self.facts.stages)
        for name, record in stages.items():
            if record.state in (StageState.FAILED, StageState.CANCELLED, StageState.SKIPPED):
                tries = len(self.facts.attempts.get(name, ()))
                stages[name] = replace(record, state=StageState.WAITING, reason="", reopened_after=tries)
        self.facts = replace(self.facts, stages=stages)
        self._move_run(RunState.PENDING)

    # -- looking -------------------------------------------------------------------------------------------------

    @property
    def states(self) -> dict[str, str]:
        return {str(name): record.state.value for name, record in self.facts.stages.items()}

    @property
    def run_state(self) -> RunState:
        return self.facts.run.state

    @property
    def live(self) -> list[str]:
        """``a/1`` for the first attempt at stage a."""
        return sorted(f"{attempt.id.stage_id}/{attempt.id.number}" for attempt in self.facts.live)

    def attempt(self, stage: str) -> AttemptRecord:
        """The newest."""
        return self.facts.attempts[StageId(stage)][-1]

    def ends(self, stage: str) -> list[str]:
        """States of all attempts at a stage."""
        return [attempt.state.value for attempt in self.facts.attempts.get(StageId(stage), ())]

    def reason(self, stage: str) -> str:
        return str(self.facts.stages[StageId(stage)].reason)

    # -- carrying out --------------------------------------------------------------------------------------------

    def _carry_out(self, action: Action) -> None:
        match action:
            case MoveRun(new):
                self._move_run(new)
            case MoveStage(stage_id, old, new, reason):
                record = self.facts.stages[stage_id]
                assert record.state is old, f"{stage_id} is {record.state}, not {old}"
                assert new in STAGE_MOVES[old], f"{stage_id}: {old} to {new}"
                self._put_stage(replace(record, state=new, reason=reason))
            case TakeOutputs(stage_id, outputs, metrics, key):
                record = self.facts.stages[stage_id]
                self._put_stage(replace(record, outputs=dict(outputs), metrics=dict(metrics), cache_key=key))
            case RememberOutputs(_, key, _, outputs, metrics):
                self.cache[key] = EarlierWork(outputs, metrics)
            case RequestAttempt(attempt, key):
                self._put_stage(replace(self.facts.stages[attempt.stage_id], cache_key=key))
                tries = self.facts.attempts.get(attempt.stage_id, ())
                assert attempt.number == len(tries) + 1
                assert all(one.state.is_final for one in tries), f"two attempts at {attempt.stage_id} at once"
                facts = (AttemptState.REQUESTED, None, self.now, None, None, None, {}, None, None)
                fresh = AttemptRecord(attempt.number, *facts, attempt.run_id, attempt.stage_id)
                self._put_attempts(attempt.stage_id, (*tries, fresh))
            case MarkStarted(attempt, at):
                self._change(attempt, AttemptState.RUNNING, started_at=at)
            case StopAttempt(attempt, reason):
                self._change(attempt, None, stop_reason=reason)
            case FinishAttempt(attempt, state, outcome):
                failure = outcome if isinstance(outcome, Failure) else None
                self._change(attempt, state, failure=failure, finished_at=self.now)

    def _move_run(self, new: RunState) -> None:
        run = self.facts.run
        assert new in RUN_MOVES[run.state], f"run: {run.state} to {new}"
        self.facts = replace(self.facts, run=replace(run, state=new))

    def _change(self, attempt: AttemptId, new: AttemptState | None, **values: object) -> None:
        tries = self.facts.attempts[attempt.stage_id]
        last = tries[-1]
        assert last.id == attempt
        if new is not None:
            assert new in ATTEMPT_MOVES[last.state], f"{attempt}: {last.state} to {new}"
            values["state"] = new
        self._put_attempts(attempt.stage_id, (*tries[:-1], replace(last, **values)))  # type: ignore[arg-type]

    def _put_stage(self, record: StageRecord) -> None:
        self.facts = replace(self.facts, stages={**self.facts.stages, record.stage_id: record})

    def _put_attempts(self, stage_id: StageId, tries: tuple[AttemptRecord, ...]) -> None:
        self.facts = replace(self.facts, attempts={**self.facts.attempts, stage_id: tries})


def outputs_of(planned: PlannedStage, label: Label | None = None) -> dict[str, ArtifactRef]:
    """What every attempt at the stage leaves."""
    own = label if label is not None else planned.label
    return {name: ref_of(f"{planned.id}/{name}", type_, own) for name, type_ in planned.outputs.items()}
