"""What goes to a worker, and what comes back: the whole contract between control plane and stages."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, field_validator

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import AttemptId, Digest
from bongsu.domain.labels import Label
from bongsu.domain.metrics import Metrics
from bongsu.domain.pipeline import Environment
from bongsu.domain.resources import Duration, Resources
from bongsu.domain.stored_words import StoredWords, encodable

SCRATCH = "scratch"
"""Name of an attempt's scratch directory below its log directory."""
TASK_NOTE, PROCESS_NOTE = "task.json", "process.json"
"""Files of that directory in which processes say who they are: the one that was given the attempt to see to, and the
one that runs the stage."""


def place_name(attempt_key: str, number: int | None = None) -> str:
    """Name of the place that Ray keeps for the gang of an attempt, the ``number``-th that was asked for; without a
    number what they all begin with."""
    return f"{attempt_key}/place-{'' if number is None else number}"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AttemptSpec(_Frozen):
    """One attempt, as JSON to the worker.

    ``artifact_store`` is a URI that the worker can open (``file:///...`` or ``s3://bucket/prefix``).
    ``artifact_cache`` is a local directory for copies of trees of a store that is not local, if the executor gives
    one.
    ``checkpoint_key`` names mutable state that outlives attempts of the same stage of the same run, or of the
    same cache key under the same label, so a later attempt resumes where an earlier one stopped.
    ``log_directory`` is a local directory for ``events.jsonl`` and ``log.txt``, if the executor shares one.
    ``passes_on`` is True where nobody else reads that directory: the worker passes both on to the artifact store, as
    streams of the names :func:`events_stream` and :func:`log_stream`.
    """

    id: AttemptId
    uses: str
    code: Digest
    params: dict[str, Any]
    inputs: dict[str, tuple[ArtifactRef, ...]]
    input_titles: dict[str, tuple[str, ...]] = {}
    """For each input, a readable name of each tree, e.g. ``prune (keepFraction=0.5)``."""
    many_inputs: tuple[str, ...] = ()
    outputs: dict[str, ArtifactType]
    label: Label
    resources: Resources
    environment: Environment | None = None
    requirements: Digest | None = None
    """Content of the environment's requirements file, and of those that it includes, when the plan was made."""
    requirements_tree: Digest | None = None
    """Tree of the artifact store in which the requirements file lies; None if its path is one of the machine."""
    timeout: Duration | None = None
    artifact_store: str
    artifact_cache: str | None = None
    checkpoint_key: str
    log_directory: str | None = None
    passes_on: bool = False
    pipeline: str = ""
    ministry: str = ""
    title: str = ""
    distributed: bool = False

    @property
    def cache(self) -> Path | None:
        return Path(self.artifact_cache) if self.artifact_cache else None


class AttemptResult(_Frozen):
    """Record of a finished attempt, written once to the artifact store under ``results/<attempt key>``.

    Where it stands, the stage succeeded. ``metrics`` are the final figures; ``environment`` names versions,
    device and platform that made the output.
    """

    id: AttemptId
    outputs: dict[str, ArtifactRef]
    metrics: Metrics = {}
    notes: dict[str, str] = {}
    environment: dict[str, str] = {}
    started_at: datetime
    finished_at: datetime
    peak_memory_bytes: int | None = None


class Phase(StrEnum):
    """What an executor sees of an attempt."""

    ABSENT = "absent"  # never asked for, or every trace is gone
    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"  # it was started and its worker is gone without a result

    @property
    def is_final(self) -> bool:
        return self in (Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.LOST)

    @property
    def is_under_way(self) -> bool:
        return self in (Phase.QUEUED, Phase.STARTING, Phase.RUNNING)


class FailureReason(StrEnum):
    """Stable words for why an attempt failed."""

    STAGE_ERROR = "StageError"  # the stage's code raised
    OUT_OF_MEMORY = "OutOfMemory"
    WORKER_LOST = "WorkerLost"
    DRIVER_ENDED = "DriverEnded"  # its worker ended with the process that drove the run
    TIMEOUT = "Timeout"
    ENVIRONMENT_FAILED = "EnvironmentFailed"  # the stage's own environment could not be made
    EXECUTOR_FAILED = "ExecutorFailed"  # what runs the attempts is itself out of order
    INPUT_CORRUPT = "InputCorrupt"
    BAD_OUTPUT = "BadOutput"
    BAD_PARAMETERS = "BadParameters"
    STORAGE_FAILED = "StorageFailed"
    NOT_PERMITTED = "NotPermitted"  # a rule says that it may not read its inputs, or not any more
    CONTROL_PLANE_SILENT = "ControlPlaneSilent"  # nobody told its worker whether it may read

    @property
    def loses_attempt(self) -> bool:
        """True if the stage had no part in it: the attempt is lost, and has not failed."""
        return self is FailureReason.CONTROL_PLANE_SILENT


class Failure(_Frozen):
    """Why an attempt failed, in words for a person; ``retryable`` tells whether trying again can help."""

    reason: FailureReason
    message: StoredWords
    fix: StoredWords = ""
    retryable: bool = True
    detail: Annotated[str, AfterValidator(encodable)] = ""
    """Traceback or tail of the log; shown on request only."""
    peak_memory_bytes: int | None = None
    evidence: dict[str, ArtifactRef] = {}
    """Outputs that stand although the stage failed, and tell of it; no stage takes them as inputs."""

    @field_validator("reason", mode="before")
    @classmethod
    def _known(cls, reason: object) -> object:
        """A word that only a newer worker knows is a fault of its stage."""
        known = any(reason == one for one in FailureReason)
        return reason if known or not isinstance(reason, str) else FailureReason.STAGE_ERROR


class Observation(_Frozen):
    """Phase of an attempt as the executor sees it now.

    ``started_at`` is since when it holds what it asked for, and is said of attempts that are over, too;
    ``finished_at`` is when it let go of it. What GPUs are charged follows from the two.
    """

    phase: Phase
    failure: Failure | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    waiting_for: StoredWords = ""


def result_key(attempt: AttemptId) -> str:
    """Key of the record that says the attempt succeeded, and with what."""
    return f"results/{attempt.key}"


def events_stream(attempt: AttemptId) -> str:
    """Name of the stream of the artifact store with the attempt's events, one JSON line each."""
    return f"events/{attempt.key}"


def log_stream(attempt: AttemptId) -> str:
    """Name of the stream of the artifact store with the attempt's output."""
    return f"logs/{attempt.key}"


def failure_key(attempt: AttemptId) -> str:
    """Key of the record that says why the attempt failed."""
    return f"failures/{attempt.key}"
