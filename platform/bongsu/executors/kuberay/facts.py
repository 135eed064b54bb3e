"""What a cluster says of an attempt, in few words: read from the objects that the API server gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

Document = Mapping[str, Any]

QUOTA_RESERVED, ADMITTED, EVICTED = "QuotaReserved", "Admitted", "Evicted"


class PodRole(StrEnum):
    """What a pod is to its attempt."""

    PROCESS = "process"  # the stage, where it is one process
    HEAD = "head"  # the stage of a gang
    WORKER = "worker"  # of a gang
    SUBMITTER = "submitter"


@dataclass(frozen=True)
class Condition:
    """As all objects have them."""

    is_true: bool
    reason: str
    message: str
    since: datetime | None


@dataclass(frozen=True)
class PodFacts:
    """A pod of an attempt.

    Attributes:
        phase: ``Pending``, ``Running``, ``Succeeded``, ``Failed`` or ``Unknown``.
        node: that it is on; empty before.
        waiting: why a container of it does not start, e.g. ``ImagePullBackOff``; empty if nothing is said.
        waiting_message: what is said besides.
        ended: how its container ended, e.g. ``OOMKilled`` or ``Error``; empty while it has not.
        exit_code: of that; None while it has not.
        reason: why the pod ended or is to end, e.g. ``Evicted``, ``DeletionByTaintManager``.
        unscheduled: what the scheduler says that it lacks; empty once it has a node.
    """

    name: str
    role: PodRole
    phase: str
    node: str = ""
    waiting: str = ""
    waiting_message: str = ""
    ended: str = ""
    exit_code: int | None = None
    reason: str = ""
    unscheduled: str = ""


@dataclass(frozen=True)
class JobFacts:
    """A RayJob or a Job.

    Attributes:
        is_suspended: Kueue has not let it begin, or has stopped it.
        outcome: ``succeeded``, ``failed``, or empty while it is neither.
        reason: of its end, e.g. ``BackoffLimitExceeded``, ``AppFailed``, ``DeadlineExceeded``.
        message: what is said of its end.
        finished_at: when that was.
        is_deleted: somebody has asked for its deletion.
    """

    is_suspended: bool
    outcome: str = ""
    reason: str = ""
    message: str = ""
    finished_at: datetime | None = None
    is_deleted: bool = False


@dataclass(frozen=True)
class WorkloadFacts:
    """What Kueue says of a job, by the type of a condition."""

    conditions: Mapping[str, Condition]

    def is_so(self, condition: str) -> bool:
        found = self.conditions.get(condition)
        return found is not None and found.is_true


def job_facts(job: Document) -> JobFacts:
    """Of either kind."""
    spec, status = job.get("spec", {}), job.get("status", {})
    is_deleted = "deletionTimestamp" in job.get("metadata", {})
    if job.get("kind") == "RayJob":
        state = status.get("jobDeploymentStatus", "")
        outcome = {"Complete": "succeeded", "Failed": "failed", "ValidationFailed": "failed"}.get(state, "")
        if state == "Complete" and status.get("jobStatus") != "SUCCEEDED":
            outcome = "failed"
        return JobFacts(
            is_suspended=bool(spec.get("suspend")),
            outcome=outcome,
            reason=status.get("reason", ""),
            message=status.get("message", ""),
            finished_at=moment(status.get("endTime")) if outcome else None,
            is_deleted=is_deleted,
        )
    found = conditions_of(job)
    for name, outcome in (("Complete", "succeeded"), ("Failed", "failed")):
        ended = found.get(name)
        if ended is not None and ended.is_true:
            return JobFacts(
                is_suspended=bool(spec.get("suspend")),
                outcome=outcome,
                reason=ended.reason,
                message=ended.message,
                finished_at=ended.since,
                is_deleted=is_deleted,
            )
    return JobFacts(is_suspended=bool(spec.get("suspend")), is_deleted=is_deleted)


def workload_facts(workload: Document) -> WorkloadFacts:
    return WorkloadFacts(conditions_of(workload))


def pod_facts(pod: Document) -> PodFacts:
    """Of a pod with one container that matters: the first that does not start, or has ended."""
    status = pod.get("status", {})
    containers = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    waiting = next(_waiting(containers), {})
    ended = next(_ended(status.get("containerStatuses", ())), {})
    found = conditions_of(pod)
    scheduled, disrupted = found.get("PodScheduled"), found.get("DisruptionTarget")
    return PodFacts(
        name=pod["metadata"]["name"],
        role=_role(pod.get("metadata", {}).get("labels", {})),
        phase=status.get("phase", "Unknown"),
        node=pod.get("spec", {}).get("nodeName", ""),
        waiting=waiting.get("reason", ""),
        waiting_message=waiting.get("message", ""),
        ended=ended.get("reason", ""),
        exit_code=ended.get("exitCode"),
        reason=disrupted.reason if disrupted and disrupted.is_true else status.get("reason", ""),
        unscheduled=scheduled.message if scheduled and not scheduled.is_true else "",
    )


def conditions_of(thing: Document) -> dict[str, Condition]:
    """By type."""
    return {
        one["type"]: Condition(
            is_true=one["status"] == "True",
            reason=one.get("reason", ""),
            message=one.get("message", ""),
            since=moment(one.get("lastTransitionTime")),
        )
        for one in thing.get("status", {}).get("conditions") or ()
    }


def moment(text: str | None) -> datetime | None:
    """As the API server writes it."""
    return datetime.fromisoformat(text) if text else None


def _waiting(containers: Sequence[Document]) -> Iterator[Document]:
    """What says more than that others come first."""
    for one in containers:
        waiting = one.get("state", {}).get("waiting")
        if waiting and waiting.get("reason") not in ("PodInitializing", "ContainerCreating"):
            yield waiting


def _ended(containers: Sequence[Document]) -> Iterator[Document]:
    for one in containers:
        terminated = one.get("state", {}).get("terminated")
        if terminated:
            yield terminated


def _role(labels: Mapping[str, str]) -> PodRole:
    kind = labels.get("ray.io/node-type")
    if kind is not None:
        return PodRole.HEAD if kind == "head" else PodRole.WORKER
    return PodRole.SUBMITTER if labels.get("kueue.x-k8s.io/podset") == "submitter" else PodRole.PROCESS
