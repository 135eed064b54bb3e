"""The decision: what should change in one run, given what is so. Pure.

Stages are gone through in the plan's order, so what changes upstream is seen downstream in the same pass, and a
chain moves as far as it can at once. Deciding on facts in which the decided was carried out gives nothing new.
"""

from __future__ import annotations

from dataclasses import replace

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.attempt import AttemptResult, Failure
from bongsu.domain.ids import AttemptId
from bongsu.domain.labels import Label
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, as_phrase, joined, phrase
from bongsu.domain.plan import PlannedStage
from bongsu.domain.run import AttemptState, RunState, StageState, StopReason
from bongsu.planner.cache_key import cache_key, cache_parts
from bongsu.planner.readiness import readiness_of
from bongsu.planner.taken_trees import InputTrees, label_of, raised
from bongsu.reconciler.actions import (
    Action,
    FinishAttempt,
    MarkStarted,
    MoveRun,
    MoveStage,
    RecordVersion,
    RefuseLaunch,
    RememberOutputs,
    RequestAttempt,
    StopAttempt,
    TakeOutputs,
    folded,
)
from bongsu.reconciler.attempt_changes import Ended, Started, Stop, changes_of, held_span
from bongsu.reconciler.budget import Budget
from bongsu.reconciler.facts import Refused, RunFacts, Withdrawn, WorldFacts
from bongsu.reconciler.lingering import is_there
from bongsu.reconciler.retry import decide_retry, is_due
from bongsu.store.records import AttemptRecord

CANCELLED = N_("the run was cancelled")


def decide(facts: RunFacts, world: WorldFacts, budget: Budget) -> list[Action]:
    """Actions for one run, in the order in which they are to be carried out.

    Args:
        facts: the run.
        world: what the executor, the artifact store and the registry say.
        budget: what the executor has left; reduced by what this run starts.
    """
    if facts.run.state.is_final:
        return []
    return _Decider(facts, world, budget).run()


class _Decider:
    """Collects actions, and keeps the facts as they will be once these are carried out."""

    def __init__(self, facts: RunFacts, world: WorldFacts, budget: Budget) -> None:
        self._plan = facts.plan
        self._run = facts.run
        self._world = world
        self._budget = budget
        self._stages = dict(facts.stages)
        self._attempts = dict(facts.attempts)
        self._trees = InputTrees(facts.plan)
        self._actions: list[Action] = []
        self._why_cancelled = facts.why_cancelled or CANCELLED
        self._cancelling = facts.run.state is RunState.CANCELLING

    def run(self) -> list[Action]:
        if self._run.state is RunState.PENDING:
            self._actions.append(MoveRun(RunState.RUNNING))
        for planned in self._plan.stages:
            self._settle(planned)
        if not self._cancelling:
            self._launch_all()
        self._close()
        return self._actions

    # -- one stage, up to starting it --------------------------------------------------------------------------

    def _settle(self, planned: PlannedStage) -> None:
        state = self._state(planned)
        if state.is_final or (state is StageState.READY and not self._cancelling):
            return  # most of a long run, at any time
        if state is StageState.RUNNING:
            self._absorb(planned)
        elif state is StageState.PUBLISHING:
            self._finish_publishing(planned)
        if self._cancelling and self._state(planned) in (StageState.WAITING, StageState.READY):
            self._move(planned, StageState.CANCELLED, self._why_cancelled)
        elif self._state(planned) is StageState.WAITING:
            self._wake(planned)

    def _absorb(self, planned: PlannedStage) -> None:
        """Take in what became of the live attempt."""
        attempt = self._attempts[planned.id][-1]
        for change in changes_of(attempt, planned.timeout, self._world, self._cancelling):
            match change:
                case Started(at):
                    self._actions.append(MarkStarted(attempt.id, at))
                case Stop(reason):
                    self._actions.append(StopAttempt(attempt.id, reason))
                case Ended(_, AttemptResult() as result):
                    self._succeed(planned, attempt, result)
                case Ended(state, failure):
                    if isinstance(failure, Failure):
                        evidence = raised(failure.evidence, self._label(planned))
                        failure = failure.model_copy(update={"evidence": evidence})
                    self._end(planned, attempt, state, failure)
                    self._after_failure(planned, attempt.stop_reason is StopReason.CANCELLED)

    def _succeed(self, planned: PlannedStage, attempt: AttemptRecord, told: AttemptResult) -> None:
        result = told.model_copy(update={"outputs": raised(told.outputs, self._label(planned))})
        self._end(planned, attempt, AttemptState.SUCCEEDED, result)
        parts = cache_parts(planned, self._trees.digests(planned, self._stages))
        taken = TakeOutputs(planned.id, result.outputs, result.metrics, cache_key(parts), result)
        self._fold(taken)
        if ArtifactType.REGISTRATION in planned.outputs.values():
            # It is worth nothing to others before the registry has it.
            self._move(planned, StageState.PUBLISHING)
            return
        self._remember(planned, (result.finished_at - result.started_at).total_seconds())
        self._move(planned, StageState.SUCCEEDED)

    def _after_failure(self, planned: PlannedStage, stopped: bool) -> None:
        key = self._stages[planned.id].cache_key
        if key is not None and planned.cacheable:
            self._budget.end(self._run.tenant, key, self._label(planned))
        if stopped or self._cancelling:
            self._move(planned, StageState.CANCELLED, self._why_cancelled)
            return
        decision = decide_retry(planned.retries, self._counted(planned))
        if decision.again:
            self._move(planned, StageState.READY, self._tried_again(planned))
        else:
            self._move(planned, StageState.FAILED, decision.reason)

    def _finish_publishing(self, planned: PlannedStage) -> None:
        published = self._world.published.get(planned.id)
        if published is None:
            return
        if isinstance(published, Withdrawn):
            self._move(planned, StageState.CANCELLED, self._why_cancelled)
            return
        if isinstance(published, Refused):
            reason = phrase(N_("it could not be registered: {reason}"), reason=as_phrase(published.reason))
            self._move(planned, StageState.FAILED, reason)
            return
        self._actions.append(RecordVersion(planned.id, published))
        last = self._attempts[planned.id][-1]
        self._remember(planned, (last.finished_at or 0.0) - (last.started_at or 0.0))
        self._move(planned, StageState.SUCCEEDED)

    def _remember(self, planned: PlannedStage, seconds: float) -> None:
        if planned.cacheable:
            parts = cache_parts(planned, self._trees.digests(planned, self._stages))
            record = self._stages[planned.id]
            self._actions.append(
                RememberOutputs(
                    planned.id, cache_key(parts), parts, record.outputs, record.metrics, max(seconds, 0.0)
                )
            )

    def _wake(self, planned: PlannedStage) -> None:
        ready = readiness_of(planned, self._plan.parameters, self._stages)
        if ready is None:
            return
        self._move(planned, ready.state, ready.reason)
        if ready.state is StageState.READY:
            self._take_cached(planned)

    def _take_cached(self, planned: PlannedStage) -> bool:
        """Use earlier outputs if there are any that this run's label covers."""
        if not planned.cacheable:
            return False
        key = cache_key(cache_parts(planned, self._trees.digests(planned, self._stages)))
        found = self._world.cached(key)
        taken = found.under(self._label(planned)) if found else None
        if taken is None:
            return False
        self._fold(TakeOutputs(planned.id, taken.outputs, taken.metrics, key, None))
        self._move(planned, StageState.CACHED)
        return True

    # -- starting ----------------------------------------------------------------------------------------------

    def _launch_all(self) -> None:
        """Start what is ready. A stage that ends instead (from the cache, or because it can never run) may wake
        others, which are then seen in the same pass."""
        while True:
            ready = self._by_urgency()
            for planned in ready:
                self._launch(planned)
            if not any(self._state(planned).is_final for planned in ready):
                return
            for planned in self._plan.stages:
                if self._state(planned) is StageState.WAITING:
                    self._wake(planned)

    def _by_urgency(self) -> list[PlannedStage]:
        """Ready stages, those with the longest way to the end first."""
        ready = [planned for planned in self._plan.stages if self._state(planned) is StageState.READY]
        if len(ready) < 2:
            return ready
        return sorted(ready, key=lambda planned: -self._world.ahead[planned.id])

    def _launch(self, planned: PlannedStage) -> None:
        counted = self._counted(planned)
        if counted and not is_due(decide_retry(planned.retries, counted), counted[-1].finished_at, self._world.now):
            return
        never = self._budget.why_never(planned.resources)
        if never:
            self._move(planned, StageState.FAILED, never)
            return
        # Before the rules: they read the database and compare bytes, which whoever waits would do at every look.
        if not self._budget.take(planned.resources):
            return
        denied = self._world.why_not()
        if denied:
            self._budget.give_back(planned.resources)
            self._actions.append(RefuseLaunch(planned.id, denied))
            self._move(planned, StageState.FAILED, joined([problem.sentence() for problem in denied], " "))
            return
        tenant, key = self._run.tenant, cache_key(cache_parts(planned, self._trees.digests(planned, self._stages)))
        label = self._label(planned)
        # Another run may be at the same work, or may have done it while this stage waited for its turn.
        if planned.cacheable and (self._budget.is_worth_waiting(tenant, key, label) or self._take_cached(planned)):
            self._budget.give_back(planned.resources)
            return
        number = len(self._attempts.get(planned.id, ())) + 1
        attempt = AttemptId(run_id=self._run.id, stage_id=planned.id, number=number)
        self._actions.append(RequestAttempt(attempt, key))
        if planned.cacheable:
            self._budget.begin(tenant, key, label)
        self._move(planned, StageState.RUNNING)

    # -- the run -----------------------------------------------------------------------------------------------

    def _close(self) -> None:
        states = {record.state for record in self._stages.values()}
        if not all(state.is_final for state in states):
            return
        if self._cancelling and StageState.CANCELLED in states:
            self._actions.append(MoveRun(RunState.CANCELLED))
        elif states & {StageState.FAILED, StageState.CANCELLED}:
            self._actions.append(MoveRun(RunState.FAILED))
        else:
            self._actions.append(MoveRun(RunState.SUCCEEDED))

    # -- looking and noting ------------------------------------------------------------------------------------

    def _label(self, planned: PlannedStage) -> Label:
        return label_of(planned, self._trees.of(planned, self._stages))

    def _state(self, planned: PlannedStage) -> StageState:
        return self._stages[planned.id].state

    def _counted(self, planned: PlannedStage) -> tuple[AttemptRecord, ...]:
        """Attempts that count: those since the stage was last reopened."""
        return self._attempts.get(planned.id, ())[self._stages[planned.id].reopened_after :]

    def _tried_again(self, planned: PlannedStage) -> Words:
        last = self._attempts[planned.id][-1]
        reason = last.failure.message if last.failure else last.state.value
        return phrase(N_("will be tried again: {reason}"), reason=as_phrase(reason))

    def _move(self, planned: PlannedStage, new: StageState, reason: Words = "") -> None:
        self._fold(MoveStage(planned.id, self._state(planned), new, reason))

    def _fold(self, action: MoveStage | TakeOutputs) -> None:
        self._actions.append(action)
        self._stages[action.stage_id] = folded(self._stages[action.stage_id], action)

    def _end(
        self,
        planned: PlannedStage,
        attempt: AttemptRecord,
        state: AttemptState,
        outcome: AttemptResult | Failure | None,
    ) -> None:
        seen = self._world.observations.get(attempt.id)
        held = held_span(attempt, seen, outcome, self._world.now)
        self._actions.append(FinishAttempt(attempt.id, state, outcome, held))
        failure = outcome if isinstance(outcome, Failure) else None
        ended = replace(attempt, state=state, finished_at=self._world.now, failure=failure)
        if not is_there(seen):
            self._budget.give_back(planned.resources)
        self._attempts[planned.id] = (*self._attempts[planned.id][:-1], ended)
