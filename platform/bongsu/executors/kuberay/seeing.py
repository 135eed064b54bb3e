"""What is seen of an attempt on a cluster: from the facts about its objects to a phase, a cause, and a next step.

A record in the artifact store outweighs all of it: results decide (docs/adr/0001). Pure: what time it is comes in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bongsu.domain.attempt import Failure, FailureReason, Observation, Phase
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.executors.kuberay.facts import (
    ADMITTED,
    EVICTED,
    QUOTA_RESERVED,
    JobFacts,
    PodFacts,
    PodRole,
    WorkloadFacts,
)

PATIENCE = timedelta(minutes=5)
"""For how long a pod may fail to start over and over: a registry that is away for a moment is asked again meanwhile."""

_NO_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
_NO_START = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff"}
)
_CANNOT_RUN = frozenset({"StartError", "ContainerCannotRun"})
# Why a pod was ended that did nothing wrong (conditions of pods, and reasons of older versions).
_FROM_OUTSIDE = frozenset(
    {
        "DeletionByTaintManager",
        "DeletionByPodGC",
        "EvictionByEvictionAPI",
        "PreemptionByScheduler",
        "TerminationByKubelet",
        "Evicted",
        "NodeLost",
        "NodeShutdown",
        "Terminated",
    }
)
_KILLED = 128 + 9
# How Kueue says that no other work has to end for it: there would not be room in an empty queue.
_TOO_LARGE = re.compile(r"insufficient quota for (\S+) in flavor (\S+),.*> maximum capacity \((\S+)\)")
_SAID = 1000


@dataclass(frozen=True)
class Found:
    """All that a cluster has of an attempt.

    Attributes:
        was_asked: somebody asked for it once, whatever is there now.
        is_cancelled: somebody asked for its end.
    """

    job: JobFacts | None = None
    workload: WorkloadFacts | None = None
    pods: Sequence[PodFacts] = ()
    was_asked: bool = True
    is_cancelled: bool = False


def seen(found: Found, now: datetime) -> Observation:
    """The attempt as it is now."""
    job = found.job
    if job is None:
        return _without_job(found)
    started = _admitted_at(found.workload)
    if job.outcome == "succeeded":
        return Observation(phase=Phase.SUCCEEDED, started_at=started, finished_at=job.finished_at)
    if job.outcome == "failed":
        if found.is_cancelled:
            return Observation(phase=Phase.CANCELLED, started_at=started, finished_at=job.finished_at)
        phase, failure = ended_by(job, found.pods)
        return Observation(phase=phase, failure=failure, started_at=started, finished_at=job.finished_at)
    if started is None or job.is_suspended:
        return _waiting(found)
    stuck = next((pod for pod in found.pods if pod.waiting in _NO_IMAGE | _NO_START), None)
    if stuck is not None and now - started > PATIENCE:
        return Observation(phase=Phase.FAILED, failure=_never_starts(stuck), started_at=started)
    phase = Phase.RUNNING if _all_run(found.pods) else Phase.STARTING
    return Observation(phase=phase, started_at=started, waiting_for=_hold_up(found, stuck))


def ended_by(job: JobFacts, pods: Sequence[PodFacts]) -> tuple[Phase, Failure]:
    """Why a job failed that left no record: FAILED if it would do so again, LOST if somebody else ended it."""
    said = job.message[-_SAID:]
    if job.reason == "DeadlineExceeded":
        return Phase.FAILED, Failure(
            reason=FailureReason.TIMEOUT,
            message=N_("The attempt took longer than it may."),
            fix=N_("Give the stage a longer timeout, or less to do."),
            detail=said,
        )
    for pod in pods:
        if pod.ended == "OOMKilled":
            return Phase.FAILED, _out_of_memory(pod, said)
    for pod in pods:
        if pod.reason in _FROM_OUTSIDE:
            return Phase.LOST, _taken_away(pod, said)
    for pod in pods:
        if pod.ended in _CANNOT_RUN:
            return Phase.FAILED, _never_starts(pod)
    for pod in pods:
        if pod.role is not PodRole.SUBMITTER and pod.exit_code == _KILLED:
            return Phase.LOST, _ended(pod, said)
    for pod in pods:
        if pod.role is not PodRole.SUBMITTER and pod.exit_code:
            return Phase.FAILED, _ended(pod, said)
    return Phase.LOST, Failure(
        reason=FailureReason.WORKER_LOST,
        message=N_("The cluster says that the job failed, and its pods do not say why."),
        fix=N_("See the detail; the stage goes on from its last checkpoint."),
        detail=said,
    )


def _without_job(found: Found) -> Observation:
    if not found.was_asked:
        return Observation(phase=Phase.ABSENT)
    if found.is_cancelled:
        return Observation(phase=Phase.CANCELLED)
    deleted = Failure(
        reason=FailureReason.WORKER_LOST,
        message=N_("Somebody has deleted the attempt's job from the cluster."),
        fix=N_("Nothing, if it was meant; else look in the cluster's audit log who deletes jobs there."),
    )
    return Observation(phase=Phase.LOST, failure=deleted)


def _admitted_at(workload: WorkloadFacts | None) -> datetime | None:
    """Since when it holds what it asked for."""
    if workload is None or not workload.is_so(ADMITTED):
        return None
    return workload.conditions[ADMITTED].since


def _waiting(found: Found) -> Observation:
    workload = found.workload
    if workload is None:
        return Observation(phase=Phase.QUEUED, waiting_for=N_("Kueue, to look at it"))
    if workload.is_so(EVICTED):
        evicted = workload.conditions[EVICTED]
        why = phrase(N_("its turn, since others were let go first ({reason})"), reason=evicted.reason)
        return Observation(phase=Phase.QUEUED, waiting_for=why)
    reserved = workload.conditions.get(QUOTA_RESERVED)
    if reserved is None or reserved.is_true:
        return Observation(phase=Phase.QUEUED, waiting_for=N_("its admission"))
    large = _TOO_LARGE.search(reserved.message)
    if large is not None:
        return Observation(phase=Phase.FAILED, failure=_too_large(*large.groups(), said=reserved.message))
    return Observation(phase=Phase.QUEUED, waiting_for=N_("room in its grant's quota"))


def _all_run(pods: Sequence[PodFacts]) -> bool:
    """All that do the work: a gang trains when each of them is there."""
    doing = [pod for pod in pods if pod.role is not PodRole.SUBMITTER]
    return bool(doing) and all(pod.phase == "Running" for pod in doing)


def _hold_up(found: Found, stuck: PodFacts | None) -> Words:
    """What keeps an attempt that was admitted from running."""
    if found.is_cancelled:
        return N_("its end")
    if stuck is not None:
        return phrase(N_("a pod that does not start yet ({reason})"), reason=stuck.waiting)
    unscheduled = next((pod for pod in found.pods if pod.unscheduled), None)
    if unscheduled is not None:
        return phrase(N_("a node for a pod: {said}"), said=unscheduled.unscheduled[:_SAID])
    return "" if _all_run(found.pods) else N_("its pods, which start")


def _too_large(resource: str, flavor: str, most: str, *, said: str) -> Failure:
    return Failure(
        reason=FailureReason.EXECUTOR_FAILED,
        message=phrase(
            N_("It asks for more {resource} than its queue ever has: {most} of {flavor}."),
            resource=resource,
            most=most,
            flavor=flavor,
        ),
        fix=N_("Ask for fewer workers or GPUs, or have the grant enlarged; then `bongsu resume`."),
        retryable=False,
        detail=said[-_SAID:],
    )


def _never_starts(pod: PodFacts) -> Failure:
    why = pod.waiting or pod.ended
    message = (
        phrase(N_("The image of a pod is not to be had ({reason})."), reason=why)
        if why in _NO_IMAGE
        else phrase(N_("A container does not start ({reason})."), reason=why)
    )
    return Failure(
        reason=FailureReason.ENVIRONMENT_FAILED,
        message=message,
        fix=N_("Check the image of the stage, and what the site says of its pods; see the detail."),
        retryable=False,
        detail=pod.waiting_message[-_SAID:],
    )


def _out_of_memory(pod: PodFacts, said: str) -> Failure:
    whose = {
        PodRole.HEAD: N_("The pod that leads the gang ran out of memory."),
        PodRole.SUBMITTER: N_("The pod that submits the job to Ray ran out of memory."),
    }
    return Failure(
        reason=FailureReason.OUT_OF_MEMORY,
        message=whose.get(pod.role, N_("A worker's pod ran out of memory.")),
        fix=N_("Ask for more memory per worker, or lower microBatch.")
        if pod.role in (PodRole.PROCESS, PodRole.WORKER)
        else N_("Give these pods more memory in what the site says of its cluster."),
        retryable=False,
        detail=said,
    )


def _taken_away(pod: PodFacts, said: str) -> Failure:
    return Failure(
        reason=FailureReason.WORKER_LOST,
        message=phrase(
            N_("A pod was taken away from its node {node} ({reason})."), node=pod.node, reason=pod.reason
        ),
        fix=N_("Nothing: the stage goes on from its last checkpoint on another node."),
        detail=said,
    )


def _ended(pod: PodFacts, said: str) -> Failure:
    return Failure(
        reason=FailureReason.WORKER_LOST,
        message=phrase(
            N_("The worker ended with status {status} in the middle of the stage."), status=pod.exit_code
        ),
        fix=N_("See the log for its last words; a crash in native code or a full memory are the usual causes."),
        detail=said,
    )
