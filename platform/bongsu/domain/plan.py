"""The run plan: exactly what ``submit`` will do, content-hashed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest, StageId, digest_of
from bongsu.domain.labels import Label
from bongsu.domain.pipeline import Environment, Metadata, Purpose, Retries, Scalar
from bongsu.domain.ports import Role
from bongsu.domain.resources import Duration, Resources
from bongsu.domain.workload import Workload


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PlannedInput(_Frozen):
    """An input of the pipeline, resolved to bytes: ``uri`` as written, ``ref`` as found."""

    name: str
    uri: str
    ref: ArtifactRef


class Source(_Frozen):
    """Where a planned stage takes one tree from: a pipeline input, or an output of a planned stage."""

    stage_id: StageId | None
    """None for a pipeline input."""
    name: str
    """The output's name, or the input's."""

    def title(self, stages: Mapping[StageId, str]) -> str:
        """Readable name of the tree, by the titles of planned stages."""
        return f"inputs.{self.name}" if self.stage_id is None else stages[self.stage_id]


class MemoryEstimate(_Frozen):
    """Bytes per worker, by what they hold."""

    weights: int = 0
    gathered: int = 0
    """Layers that a sharded worker gathers in full while they compute."""
    gradients: int = 0
    optimizer: int = 0
    activations: int = 0
    teacher: int = 0
    workspace: int = 0
    runtime: int = 0
    host: int = 0
    """Main memory beyond the process, of a worker that computes on a GPU; there all other parts lie on the GPU."""

    @property
    def total(self) -> int:
        """Bytes where the worker computes, and of its process."""
        return sum(self.model_dump(exclude={"host"}).values())


class CacheReason(StrEnum):
    """Why a stage's output is taken from the cache, or why it is not."""

    HIT = "hit"
    FIRST_RUN = "first-run"
    CODE_CHANGED = "code-changed"
    PARAMS_CHANGED = "params-changed"
    INPUTS_CHANGED = "inputs-changed"
    ENVIRONMENT_CHANGED = "environment-changed"
    NOT_CACHEABLE = "not-cacheable"
    UPSTREAM_RUNS = "upstream-runs"
    LABEL_CHANGED = "label-changed"
    SIGNED_CHANGED = "signed-changed"
    OUTPUT_GONE = "output-gone"
    OUTPUT_DAMAGED = "output-damaged"
    CONDITION_FALSE = "condition-false"
    INPUT_SKIPPED = "input-skipped"


class CacheVerdict(_Frozen):
    """Whether the stage's output is already there, and if not, why."""

    hit: bool
    reason: CacheReason
    key: Digest | None = None
    detail: str = ""

    @property
    def will_be_skipped(self) -> bool:
        """Whether what is in the cache settles that the stage will not run."""
        return self.reason in (CacheReason.CONDITION_FALSE, CacheReason.INPUT_SKIPPED)

    @property
    def runs(self) -> bool:
        """Whether the stage will work, as far as can be told."""
        return not self.hit and not self.will_be_skipped


def short_title(stage: str, point: Mapping[str, Scalar]) -> str:
    """A stage's name and the values of its point."""
    return " ".join([stage, *map(str, point.values())])


_ROLES_BY_NAME = {
    "model": Role.SUBJECT,
    "models": Role.SUBJECT,
    "student": Role.SUBJECT,
    "teacher": Role.TEACHER,
    "baseline": Role.BASELINE,
}
"""In plans that were stored before ports had roles."""


class PlannedStage(_Frozen):
    """One node of the plan: a stage at one point of its matrix."""

    id: StageId
    stage: str
    """Name in the file; several planned stages share it when it has a matrix."""
    point: dict[str, Scalar]
    """Matrix coordinates, empty without a matrix."""
    uses: str
    code: Digest
    params: dict[str, Any]
    """Validated, by alias, defaults filled in."""
    inputs: dict[str, tuple[Source, ...]]
    outputs: dict[str, ArtifactType]
    many_inputs: tuple[str, ...] = ()
    when: str | None = None
    """What remains of the condition after planning; None if it always runs."""
    after: tuple[StageId, ...] = ()
    """Stages that must be over before ``when`` can be decided, beyond those among the inputs."""
    retries: Retries
    timeout: Duration | None
    resources: Resources
    environment: Environment | None
    requirements: Digest | None = None
    """Content of the environment's requirements file when the plan was made."""
    requirements_tree: Digest | None = None
    """Tree of the artifact store in which the requirements file lies; None if its path is one of the machine."""
    label: Label
    workload: Workload
    memory: MemoryEstimate | None = None
    gpu_hours: float | None = None
    """None for a stage that holds no GPU, and where it is not known: see :attr:`is_estimated`."""
    cache: CacheVerdict
    distributed: bool = False
    cacheable: bool = True
    incidental: tuple[str, ...] = ()
    titles: dict[str, tuple[str, ...]] = {}
    """Readable names of what is given at each port, where they go into what the stage makes."""
    signed: dict[str, str] = {}
    """Who has it made, where what it makes says so."""
    secrets: dict[str, str] = {}
    """Fingerprints of secrets that the operator has set and that the stage works with, by variable."""
    measures_machine: bool = False
    """Parameters that are no part of what the stage's work is known by."""
    roles: dict[str, Role] | None = None
    """What models are to the stage, by port; None in plans of a time when the names of ports said it."""
    compresses: bool | None = None
    """Whether it makes a compressed model; None in plans of a time when the name of the stage said it."""

    def models(self, role: Role) -> tuple[Source, ...]:
        """What the stage takes in this role."""
        roles = _ROLES_BY_NAME if self.roles is None else self.roles
        return tuple(
            source for port, sources in self.inputs.items() if roles.get(port) is role for source in sources
        )

    @property
    def is_compression(self) -> bool:
        return self.uses.startswith("compress.") if self.compresses is None else self.compresses

    @property
    def is_estimated(self) -> bool:
        """Whether it is known what the stage takes of GPUs, be that none."""
        return self.gpu_hours is not None or self.resources.total_gpus == 0

    @property
    def upstream(self) -> tuple[StageId, ...]:
        """Every stage that must be over before this one starts."""
        found = {s.stage_id for sources in self.inputs.values() for s in sources if s.stage_id}
        return tuple(sorted(found | set(self.after)))

    @property
    def title(self) -> str:
        """``prune (keepFraction=0.5)``."""
        coordinates = ", ".join(f"{k}={v}" for k, v in self.point.items())
        return f"{self.stage} ({coordinates})" if coordinates else self.stage

    @property
    def short_title(self) -> str:
        """``prune 0.5``."""
        return short_title(self.stage, self.point)


class SkippedStage(_Frozen):
    """A stage at one point of its matrix that will not run, which is known before anything does."""

    id: StageId
    stage: str
    point: dict[str, Scalar]
    uses: str
    when: str | None = None
    """The condition as it is written, where that is false already."""
    because: tuple[StageId, ...] = ()
    """Skipped stages without which it has nothing to work on."""

    @property
    def short_title(self) -> str:
        """As of :class:`PlannedStage`."""
        return short_title(self.stage, self.point)


class ApprovalNeed(_Frozen):
    """An approval that will be asked for, and why."""

    kind: Literal["promotion", "downgrade"]
    subject: str
    approvers: int
    rule: str


class RunPlan(_Frozen):
    """Same input, same plan, same ``hash``. Cache verdicts and estimates are shown but not hashed, nor is the tree of
    requirements files: what they hold is."""

    metadata: Metadata
    purpose: Purpose
    grant: str | None
    floor: Label
    parameters: dict[str, Scalar]
    inputs: tuple[PlannedInput, ...]
    stages: tuple[PlannedStage, ...]
    """In an order in which every stage stands behind what it needs."""
    approvals: tuple[ApprovalNeed, ...] = ()

    @property
    def hash(self) -> Digest:
        left_out = {"cache", "memory", "gpu_hours", "requirements_tree"}
        stages = {"__all__": left_out}
        text = self.model_dump_json(exclude={"stages": stages, "approvals": True}, by_alias=True)
        return digest_of(text.encode())

    def stage(self, stage_id: str) -> PlannedStage:
        return next(s for s in self.stages if s.id == stage_id)

    @property
    def gpu_hours(self) -> float | None:
        """Of what will run, without :attr:`not_estimated`; None if all that hold GPUs are among these."""
        to_run = [planned for planned in self.stages if planned.cache.runs]
        known = [planned.gpu_hours for planned in to_run if planned.gpu_hours is not None]
        return sum(known) if known or all(planned.is_estimated for planned in to_run) else None

    @property
    def not_estimated(self) -> tuple[PlannedStage, ...]:
        """Stages that will run and hold GPUs for nobody knows how long."""
        return tuple(planned for planned in self.stages if planned.cache.runs and not planned.is_estimated)

    @property
    def label(self) -> Label:
        """The highest label in the run: what logs, metrics and names of the run carry."""
        top = self.floor
        for planned in self.stages:
            top = top.join(planned.label)
        return top


class StageNeeds(BaseModel):
    """As much of a :class:`PlannedStage` as tells what it asks for."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: StageId
    resources: Resources


class PlanNeeds(BaseModel):
    """As much of a :class:`RunPlan` as tells what its stages ask for. Read out of a stored plan in a seventh of the
    time of all of it, which counts where very many runs are looked at together."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    stages: tuple[StageNeeds, ...]

    @property
    def by_stage(self) -> dict[StageId, Resources]:
        return {planned.id: planned.resources for planned in self.stages}
