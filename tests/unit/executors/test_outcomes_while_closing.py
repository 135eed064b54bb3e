"""How attempts end that end because the process does that drives them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from local_ray_harness import spec

from bongsu.domain.attempt import TASK_NOTE, FailureReason, Phase
from bongsu.executors.local_ray.endings import out_of_memory_kills
from bongsu.executors.local_ray.failures import ray_died, worker_gone
from bongsu.executors.local_ray.host_messages import Broke
from bongsu.executors.local_ray.jobs import Job, Jobs
from bongsu.executors.local_ray.outcomes import Outcomes
from bongsu.executors.local_ray.reaping import Reaper
from bongsu.executors.local_ray.traces import Traces

BEGUN = ["before the stage began", "in the middle of the stage"]


@pytest.fixture(params=BEGUN)
def ended(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Outcomes, Job, Jobs]:
    traces = Traces(tmp_path / "logs")
    jobs = Jobs()
    job = jobs.add(spec(tmp_path))
    job.memory_kills_before = out_of_memory_kills()  # of whatever else has run on this machine
    if request.param == BEGUN[1]:
        traces.folder(job.id).mkdir(parents=True)
        (traces.folder(job.id) / TASK_NOTE).write_text("{}")
    return Outcomes(jobs, traces, Reaper(traces), lambda: datetime(2026, 1, 1, tzinfo=UTC)), job, jobs


def test_a_worker_that_ends_with_its_driver_was_not_at_fault(ended: tuple[Outcomes, Job, Jobs]) -> None:
    outcomes, job, jobs = ended
    jobs.close()
    for seen in (
        outcomes.answered(job, Broke(attempt=job.id, failure=worker_gone("")), None),
        outcomes.lost(job, ray_died("so")),
    ):
        assert seen.phase is Phase.LOST
        assert seen.failure is not None
        assert seen.failure.reason is FailureReason.DRIVER_ENDED


def test_one_that_ends_while_its_driver_goes_on_is_lost_by_itself(ended: tuple[Outcomes, Job, Jobs]) -> None:
    outcomes, job, _jobs = ended
    seen = outcomes.answered(job, Broke(attempt=job.id, failure=worker_gone("")), None)
    assert seen.failure is not None
    assert seen.failure.reason is FailureReason.WORKER_LOST
