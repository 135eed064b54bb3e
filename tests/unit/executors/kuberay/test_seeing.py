"""What is seen of attempts, from objects as a real cluster gave them (``documents``; those of gangs are shortened)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.attempt import Observation, Phase
from bongsu.executors.kuberay.facts import (
    Condition,
    JobFacts,
    PodFacts,
    PodRole,
    WorkloadFacts,
    job_facts,
    pod_facts,
    workload_facts,
)
from bongsu.executors.kuberay.seeing import PATIENCE, Found, seen

DOCUMENTS = Path(__file__).parent / "documents"
SOON = datetime(2026, 12, 1, 10, 55, tzinfo=UTC)
LATER = SOON + timedelta(hours=1)


def found(name: str) -> Found:
    documents = json.loads((DOCUMENTS / f"{name}.json").read_text())
    return Found(
        job=job_facts(documents["job"]),
        workload=workload_facts(documents["workload"]),
        pods=[pod_facts(pod) for pod in documents["pods"]],
    )


def reason(observation: Observation) -> str | None:
    return observation.failure.reason.value if observation.failure else None


@pytest.mark.parametrize(
    ("name", "now", "phase", "why"),
    [
        ("good", SOON, Phase.SUCCEEDED, None),
        ("bad", SOON, Phase.FAILED, "WorkerLost"),
        ("oom", SOON, Phase.FAILED, "OutOfMemory"),
        ("nocommand", SOON, Phase.FAILED, "EnvironmentFailed"),
        ("deadline", SOON, Phase.FAILED, "Timeout"),
        ("toolarge", SOON, Phase.FAILED, "ExecutorFailed"),
        ("noimage", SOON, Phase.STARTING, None),
        ("noimage", LATER, Phase.FAILED, "EnvironmentFailed"),
        ("long", LATER, Phase.RUNNING, None),
        ("gang-good", SOON, Phase.SUCCEEDED, None),
        ("gang-bad", SOON, Phase.LOST, "WorkerLost"),
        ("gang-starts", SOON, Phase.STARTING, None),
        ("gang-runs", LATER, Phase.RUNNING, None),
        ("gang-large", SOON, Phase.FAILED, "ExecutorFailed"),
        ("gang-waits", LATER, Phase.QUEUED, None),
    ],
)
def test_it_is_seen_as_it_is(name: str, now: datetime, phase: Phase, why: str | None) -> None:
    observation = seen(found(name), now)
    assert (observation.phase, reason(observation)) == (phase, why)
    if observation.failure:
        assert observation.failure.fix, "whoever reads it knows what to do next"


@pytest.mark.parametrize("name", ["good", "bad", "oom", "deadline", "gang-good", "gang-bad"])
def test_what_is_over_was_held_from_its_admission_to_its_end(name: str) -> None:
    observation = seen(found(name), LATER)
    assert observation.started_at is not None
    assert observation.finished_at is not None
    assert observation.started_at <= observation.finished_at


def test_what_waits_holds_nothing_yet() -> None:
    for name in ("toolarge", "gang-waits", "gang-large"):
        assert seen(found(name), SOON).started_at is None


def test_a_job_that_is_gone_was_never_there_or_was_deleted_or_cancelled() -> None:
    assert seen(Found(was_asked=False), SOON) == Observation(phase=Phase.ABSENT)
    assert seen(Found(), SOON).phase is Phase.LOST
    assert seen(Found(is_cancelled=True), SOON).phase is Phase.CANCELLED


def test_who_was_let_go_first_is_told() -> None:
    evicted = Condition(is_true=True, reason="Preempted", message="", since=SOON)
    waits = Found(job=JobFacts(is_suspended=True), workload=WorkloadFacts({"Evicted": evicted}))
    observation = seen(waits, LATER)
    assert observation.phase is Phase.QUEUED
    assert "Preempted" in str(observation.waiting_for)


def test_a_cluster_without_a_node_says_what_is_missing() -> None:
    lacking = "0/4 nodes are available: 4 Insufficient nvidia.com/gpu."
    running = found("gang-runs")
    pods = [PodFacts("a", PodRole.WORKER, "Pending", unscheduled=lacking), *running.pods]
    observation = seen(replace(running, pods=pods), SOON)
    assert observation.phase is Phase.STARTING
    assert lacking in str(observation.waiting_for)


@pytest.mark.parametrize(
    ("pod", "phase", "why"),
    [
        (PodFacts("a", PodRole.WORKER, "Failed", reason="DeletionByTaintManager"), Phase.LOST, "WorkerLost"),
        (PodFacts("a", PodRole.HEAD, "Failed", ended="OOMKilled", exit_code=137), Phase.FAILED, "OutOfMemory"),
        (PodFacts("a", PodRole.PROCESS, "Failed", ended="Error", exit_code=137), Phase.LOST, "WorkerLost"),
        (PodFacts("a", PodRole.SUBMITTER, "Failed", ended="Error", exit_code=1), Phase.LOST, "WorkerLost"),
    ],
)
def test_why_it_failed(pod: PodFacts, phase: Phase, why: str) -> None:
    failed = replace(found("gang-bad"), pods=[pod])
    observation = seen(failed, SOON)
    assert (observation.phase, reason(observation)) == (phase, why)


PODS = st.builds(
    PodFacts,
    name=st.just("a"),
    role=st.sampled_from(PodRole),
    phase=st.sampled_from(["Pending", "Running", "Succeeded", "Failed", "Unknown"]),
    waiting=st.sampled_from(["", "ImagePullBackOff", "CrashLoopBackOff", "SomethingNew"]),
    ended=st.sampled_from(["", "Error", "OOMKilled", "Completed", "SomethingNew"]),
    exit_code=st.none() | st.integers(0, 255),
    reason=st.sampled_from(["", "Evicted", "SomethingNew"]),
    unscheduled=st.sampled_from(["", "no node"]),
)
CONDITIONS = st.builds(
    Condition,
    is_true=st.booleans(),
    reason=st.text(max_size=5),
    message=st.text(max_size=20),
    since=st.just(SOON),
)
WORKLOADS = st.builds(
    WorkloadFacts,
    st.dictionaries(st.sampled_from(["QuotaReserved", "Admitted", "Evicted", "Finished", "New"]), CONDITIONS),
)
JOBS = st.builds(
    JobFacts,
    is_suspended=st.booleans(),
    outcome=st.sampled_from(["", "succeeded", "failed"]),
    reason=st.sampled_from(["", "DeadlineExceeded", "AppFailed"]),
    finished_at=st.none() | st.just(LATER),
)


@given(
    job=st.none() | JOBS,
    workload=st.none() | WORKLOADS,
    pods=st.lists(PODS, max_size=4),
    is_cancelled=st.booleans(),
)
def test_whatever_is_found_is_a_phase_with_its_reason(
    job: JobFacts | None, workload: WorkloadFacts | None, pods: list[PodFacts], is_cancelled: bool
) -> None:
    observation = seen(Found(job, workload, pods, is_cancelled=is_cancelled), LATER + PATIENCE)
    if observation.phase in (Phase.FAILED, Phase.LOST):
        assert observation.failure is not None
        assert observation.failure.fix
    else:
        assert observation.failure is None
    if observation.phase in (Phase.QUEUED, Phase.STARTING):
        assert observation.waiting_for, "nothing waits without a reason"
    if job is not None and job.outcome == "succeeded":
        assert observation.phase is Phase.SUCCEEDED
    assert Observation.model_validate_json(observation.model_dump_json()).phase is observation.phase
