"""What a waiting stage becomes once everything before it is over. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bongsu.domain import conditions
from bongsu.domain.ids import StageId
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.plan import PlannedStage, RunPlan
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import StageState
from bongsu.reconciler.inputs import has_output
from bongsu.store.records import StageRecord

_BROKEN = (StageState.FAILED, StageState.CANCELLED)


@dataclass(frozen=True)
class Readiness:
    """READY, SKIPPED, CANCELLED or FAILED, and why."""

    state: StageState
    reason: Words = ""


def readiness_of(planned: PlannedStage, plan: RunPlan, stages: Mapping[StageId, StageRecord]) -> Readiness | None:
    """None while something upstream is not over.

    A source that failed cancels the stage. A source that was skipped skips it at a single port, and is left out at
    one that takes many. Then the condition decides, if planning left one.
    """
    if any(not stages[name].state.is_final for name in planned.upstream):
        return None
    sources = [source for group in planned.inputs.values() for source in group]
    broken = [s.stage_id for s in sources if s.stage_id and stages[s.stage_id].state in _BROKEN]
    if broken:
        return Readiness(StageState.CANCELLED, _did_not_succeed(broken[0]))
    if _lacks_input(planned, stages):
        return Readiness(StageState.SKIPPED, N_("what it needs was skipped"))
    return _by_condition(planned, plan, stages)


def _lacks_input(planned: PlannedStage, stages: Mapping[StageId, StageRecord]) -> bool:
    """True if a port would be left without the tree it needs."""
    for port, sources in planned.inputs.items():
        present = [source for source in sources if has_output(source, stages)]
        if len(present) < len(sources) and (port not in planned.many_inputs or not present):
            return True
    return False


def _by_condition(planned: PlannedStage, plan: RunPlan, stages: Mapping[StageId, StageRecord]) -> Readiness:
    if planned.when is None:
        return Readiness(StageState.READY)
    parsed = conditions.parse(planned.when)
    if not isinstance(parsed, conditions.Condition):
        reason = phrase(N_("its condition cannot be read: {condition}"), condition=planned.when)
        return Readiness(StageState.FAILED, reason)
    facts = conditions.Facts(
        params=plan.parameters,
        matrix=planned.point,
        states={name: _visible(record.state) for name, record in stages.items()},
        metrics={name: record.metrics for name, record in stages.items()},
    )
    try:
        holds = parsed.evaluate(facts)
    except BongsuError as error:
        return _undecided(parsed, stages, error)
    if holds:
        return Readiness(StageState.READY)
    return Readiness(StageState.SKIPPED, phrase(N_("not: {condition}"), condition=planned.when))


def _visible(state: StageState) -> str:
    """As ``bongsu.domain.run.VISIBLE_STATES`` has it."""
    return (StageState.SUCCEEDED if state is StageState.CACHED else state).value


def _undecided(
    parsed: conditions.Condition, stages: Mapping[StageId, StageRecord], error: BongsuError
) -> Readiness:
    """A figure is missing: because its stage did not succeed or was skipped, or for no good reason."""
    asked = [(name.owner, stages[StageId(name.owner)].state) for name in parsed.targets if name.owner in stages]
    for name, state in asked:
        if state in _BROKEN:
            return Readiness(StageState.CANCELLED, _did_not_succeed(name))
    for name, state in asked:
        if state is StageState.SKIPPED:
            return Readiness(StageState.SKIPPED, phrase(N_("{stage} was skipped"), stage=name))
    return Readiness(StageState.FAILED, error.problems[0].sentence())


def _did_not_succeed(stage: str) -> Words:
    return phrase(N_("{stage} did not succeed"), stage=stage)
