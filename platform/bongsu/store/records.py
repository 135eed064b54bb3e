"""Rows as frozen objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.attempt import Failure
from bongsu.domain.ids import AttemptId, Digest, RunId, StageId
from bongsu.domain.run import AttemptState, RunState, StageState


@dataclass(frozen=True)
class RunRecord:
    """A run without its plan. Times in seconds since the epoch."""

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
    version: int


@dataclass(frozen=True)
class StageRecord:
    run_id: RunId
    stage_id: StageId
    position: int
    state: StageState
    reason: str
    cache_key: Digest | None
    outputs: dict[str, ArtifactRef]
    metrics: dict[str, float]
    started_at: float | None
    finished_at: float | None


@dataclass(frozen=True)
class AttemptRecord:
    id: AttemptId
    state: AttemptState
    stop_reason: str
    requested_at: float
    started_at: float | None
    finished_at: float | None
    failure: Failure | None
    environment: dict[str, str]
    peak_memory_bytes: int | None
    last_step: int | None


@dataclass(frozen=True)
class EventRecord:
    run_id: RunId
    sequence: int
    time: float
    type: str
    stage_id: str | None
    attempt: int | None
    body: dict[str, Any]


@dataclass(frozen=True)
class ModelVersionRecord:
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
