"""What a waiting stage becomes once everything before it is over. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bongsu.domain import conditions
from bongsu.domain.ids import StageId
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.pipeline import Scalar
from bongsu.domain.plan import PlannedStage
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import StageState
from bongsu.planner.facts import Standing
from bongsu.planner.taken_trees import has_output

_BROKEN = (StageState.FAILED, StageState.CANCELLED)


@dataclass(frozen=True)
class Readiness:
    """READY, SKIPPED, CANCELLED or FAILED, and why; ``because`` of what became of another stage, if that is why."""

    state: StageState
    reason: Words = ""
    because: StageId | None = None


def readiness_of(
    planned: PlannedStage, parameters: Mapping[str, Scalar], stages: Mapping[StageId, Standing]
) -> Readiness | None:
    """None while something upstream is not over.

    A source that failed cancels the stage. A source that was skipped skips it at a single port, and is left out at
    one that takes many. Then the condition decides, if planning left one.
    """
    if any(not stages[name].state.is_final for name in planned.upstream):
        return None
    sources = [source for group in planned.inputs.values() for source in group]
    broken = [s.stage_id for s in sources if s.stage_id and stages[s.stage_id].state in _BROKEN]
    if broken:
        return Readiness(StageState.CANCELLED, _did_not_succeed(broken[0]), broken[0])
    lacking = _lacking(planned, stages)
    if lacking:
        return Readiness(StageState.SKIPPED, N_("what it needs was skipped"), lacking)
    return _by_condition(planned, parameters, stages)


def _lacking(planned: PlannedStage, stages: Mapping[StageId, Standing]) -> StageId | None:
    """A skipped stage without which a port would be left without the tree it needs."""
    for port, sources in planned.inputs.items():
        absent = [source.stage_id for source in sources if not has_output(source, stages)]
        if absent and (port not in planned.many_inputs or len(absent) == len(sources)):
            return absent[0]
    return None


def _by_condition(
    planned: PlannedStage, parameters: Mapping[str, Scalar], stages: Mapping[StageId, Standing]
) -> Readiness:
    if planned.when is None:
        return Readiness(StageState.READY)
    parsed = conditions.parse(planned.when)
    if not isinstance(parsed, conditions.Condition):
        reason = phrase(N_("its condition cannot be read: {condition}"), condition=planned.when)
        return Readiness(StageState.FAILED, reason)
    owners = [StageId(name.owner) for name in parsed.targets]
    asked = {name: stages[name] for name in owners if name in stages}
    facts = conditions.Facts(
        params=parameters,
        matrix=planned.point,
        states={name: _visible(standing.state) for name, standing in asked.items()},
        metrics={name: standing.metrics for name, standing in asked.items()},
    )
    try:
        holds = parsed.evaluate(facts)
    except BongsuError as error:
        return _undecided(asked, error)
    if holds:
        return Readiness(StageState.READY)
    return Readiness(StageState.SKIPPED, phrase(N_("not: {condition}"), condition=planned.when))


def _visible(state: StageState) -> str:
    """As ``bongsu.domain.run.VISIBLE_STATES`` has it."""
    return (StageState.SUCCEEDED if state is StageState.CACHED else state).value


def _undecided(asked: Mapping[StageId, Standing], error: BongsuError) -> Readiness:
    """A figure is missing: because its stage did not succeed or was skipped, or for no good reason."""
    for name, standing in asked.items():
        if standing.state in _BROKEN:
            return Readiness(StageState.CANCELLED, _did_not_succeed(name), name)
    for name, standing in asked.items():
        if standing.state is StageState.SKIPPED:
            return Readiness(StageState.SKIPPED, phrase(N_("{stage} was skipped"), stage=name), name)
    return Readiness(StageState.FAILED, error.problems[0].sentence())


def _did_not_succeed(stage: str) -> Words:
    return phrase(N_("{stage} did not succeed"), stage=stage)
