"""What the reconciler knows when it decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.attempt import AttemptResult, Failure, Observation
from bongsu.domain.ids import AttemptId, Digest, StageId
from bongsu.domain.phrases import Words
from bongsu.domain.plan import RunPlan
from bongsu.domain.problems import Problem
from bongsu.domain.publication import RegisteredVersion, RegistrationRequest
from bongsu.domain.tenants import HOME
from bongsu.planner.facts import EarlierWork
from bongsu.store.records import AttemptRecord, RunRecord, StageRecord

Outcome = AttemptResult | Failure


def left_by(outcome: Outcome | None) -> Mapping[str, ArtifactRef]:
    """The trees that an attempt left: outputs, or what tells of its failure."""
    if outcome is None:
        return {}
    return outcome.outputs if isinstance(outcome, AttemptResult) else outcome.evidence


@dataclass(frozen=True)
class RunFacts:
    """One run as the store has it: stages by id, attempts by stage id in the order of their numbers; ``why_cancelled``
    for people, if it is being cancelled by something else than somebody's word."""

    run: RunRecord
    plan: RunPlan
    stages: Mapping[StageId, StageRecord]
    attempts: Mapping[StageId, tuple[AttemptRecord, ...]]
    why_cancelled: Words = ""

    @property
    def is_governed(self) -> bool:
        """Whether it is a ministry's run: then aliases are given by approvals, and by nothing else."""
        return self.run.tenant != HOME

    @cached_property
    def live(self) -> list[AttemptRecord]:
        """Attempts that are not over."""
        return [tries[-1] for tries in self.attempts.values() if tries and not tries[-1].state.is_final]


@dataclass(frozen=True)
class Registered:
    """What was asked of the registry, and the version it made."""

    request: RegistrationRequest
    version: RegisteredVersion


@dataclass(frozen=True)
class Refused:
    """A registration that the registry, or a look at its content, refused for good."""

    reason: Words


@dataclass(frozen=True)
class Withdrawn:
    """A registration that was not made, because the run is being cancelled."""


Published = Registered | Refused | Withdrawn


@dataclass(frozen=True)
class WorldFacts:
    """What is so outside of the store.

    Attributes:
        now: seconds since the epoch.
        observations: what the executor sees of live attempts; one that is missing is not known at the moment.
        outcomes: records that the artifact store holds of attempts.
        cached: outputs and metrics for a cache key, if they are still in the artifact store.
        published: what became of registrations, by stage.
        ahead: how long the run takes from each stage to its end, as :func:`bongsu.reconciler.urgency.seconds_to_end`
            has it.
        why_not: what rules over uses, data and models have against beginning more of the run; empty if all may. Raises
            :class:`bongsu.reconciler.stored_work.StoreSilent`, as ``cached`` does.
    """

    now: float
    observations: Mapping[AttemptId, Observation] = field(default_factory=dict)
    outcomes: Mapping[AttemptId, Outcome] = field(default_factory=dict)
    cached: Callable[[Digest], EarlierWork | None] = lambda _key: None
    published: Mapping[StageId, Published] = field(default_factory=dict)
    ahead: Mapping[StageId, float] = field(default_factory=dict)
    why_not: Callable[[], Sequence[Problem]] = lambda: ()
