"""Rows as frozen objects."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.attempt import Failure
from bongsu.domain.ids import AttemptId, Digest, RunId, StageId
from bongsu.domain.phrases import Words
from bongsu.domain.run import AttemptState, RunState, StageState, StopReason
from bongsu.domain.shared import Sharing
from bongsu.domain.tenants import HOME, Tenant


@dataclass(frozen=True)
class PublicRun:
    """What everybody may know of a run, without its plan. Times in seconds since the epoch; ``submitted_by`` is the id
    of an actor, and empty where there was nobody to tell apart."""

    id: RunId
    pipeline: str
    ministry: str
    plan_hash: Digest
    state: RunState
    label: str
    use_class: str
    created_at: float
    started_at: float | None
    finished_at: float | None
    submitted_by: str = field(default="", kw_only=True)


@dataclass(frozen=True)
class RunRecord(PublicRun):
    """A run as its row has it; ``version`` counts its changes, so that two writers notice one another."""

    version: int
    tenant: Tenant = HOME

    @property
    def public(self) -> PublicRun:
        """What everybody may know of it who may see it."""
        return PublicRun(**{one.name: getattr(self, one.name) for one in fields(PublicRun)})


@dataclass(frozen=True)
class PublicStage:
    """What everybody may know of a stage of a run: its state and what it gave."""

    run_id: RunId
    stage_id: StageId
    position: int
    state: StageState
    reason: Words
    cache_key: Digest | None
    outputs: dict[str, ArtifactRef]
    metrics: dict[str, float]
    notes: dict[str, str]
    started_at: float | None
    finished_at: float | None


@dataclass(frozen=True)
class StageRecord(PublicStage):
    """A stage as its row has it; attempts up to ``reopened_after`` were before the run was resumed."""

    reopened_after: int


@dataclass(frozen=True)
class PublicAttempt:
    """What everybody may know of one try at a stage; ``number`` counts from 1. ``last_step`` is up to which step its
    work is safe, or is known to have come."""

    number: int
    state: AttemptState
    stop_reason: StopReason | None
    requested_at: float
    started_at: float | None
    finished_at: float | None
    failure: Failure | None
    environment: dict[str, str]
    peak_memory_bytes: int | None
    last_step: int | None


@dataclass(frozen=True)
class AttemptRecord(PublicAttempt):
    """A try as its row has it, and at what; events up to ``events_cursor`` are in the run's log."""

    run_id: RunId
    stage_id: StageId
    events_cursor: int = 0

    @cached_property
    def id(self) -> AttemptId:
        return AttemptId(run_id=self.run_id, stage_id=self.stage_id, number=self.number)


@dataclass(frozen=True)
class EventRecord:
    """An entry of a run's log; ``sequence`` counts from 1 without gaps within the run, ``recorded_at`` is in seconds
    since the epoch."""

    run_id: RunId
    sequence: int
    recorded_at: float
    type: str
    stage_id: str | None
    attempt: int | None
    body: dict[str, Any]


@dataclass(frozen=True)
class ModelVersionRecord:
    """A registered model: which bytes, from which stage, and where to look at it.

    Attributes:
        title: of the stage that made it.
        metrics: by name, from its evaluations.
        link: address for an MLflow client.
        created_at: seconds since the epoch.
        aliases: names that stand for this version.
        shared: by which permits another ministry's is seen; what is one's own is seen without.
        suspended_at: since when it must not be used, by a suspension of this version or of all, in seconds since the
            epoch; None if it may be.
        suspended_by: who said so; empty of another ministry's, whose people are its own business.
    """

    name: str
    version: int
    digest: Digest
    label: str
    use_class: str
    ministry: str
    run_id: RunId
    stage_id: StageId
    title: str
    metrics: dict[str, float]
    link: str
    created_at: float
    aliases: tuple[str, ...] = ()
    shared: tuple[Sharing, ...] = ()
    suspended_at: float | None = None
    suspended_by: str = ""


@dataclass(frozen=True)
class DatasetVersionRecord:
    """A registered data set: which bytes, what they are, and where they came from. ``size`` in bytes; ``shared`` as of
    :class:`ModelVersionRecord`."""

    name: str
    version: int
    digest: Digest
    type: ArtifactType
    label: str
    size: int
    origin: str
    created_at: float
    shared: tuple[Sharing, ...] = ()


@dataclass(frozen=True)
class ArtifactRecord:
    """A tree that runs made or were given; ``run_id`` and ``stage_id`` are its first maker's. ``size`` in bytes."""

    digest: Digest
    type: ArtifactType
    size: int
    label: str
    title: str
    run_id: str | None
    stage_id: str | None
    created_at: float


@dataclass(frozen=True)
class ListedArtifact(ArtifactRecord):
    """One among several, and whose it is; ``ministry`` is empty in a home of one person."""

    ministry: str
