"""What the local executor says of attempts by their traces, and how long it waits; no Ray is started."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_ray_harness import make, spec

from bongsu.domain.attempt import Observation, Phase
from bongsu.executors.local_ray import jobs
from bongsu.executors.local_ray.executor import LocalRayExecutor
from bongsu.executors.local_ray.host_messages import Begin
from bongsu.executors.local_ray.hosting import HostProcess
from bongsu.executors.local_ray.traces import Traces
from bongsu.machine.processes import note_process


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[LocalRayExecutor]:
    made = make(str(tmp_path))
    yield made
    made.close()


def test_while_its_environment_is_made_an_attempt_runs_and_says_so(
    executor: LocalRayExecutor, tmp_path: Path
) -> None:
    asked = spec(tmp_path)
    executor.jobs.add(asked)
    folder = tmp_path / "logs" / asked.id.key
    note_process(folder / "task.json")
    os.utime(folder / "task.json", (1000.0, 1000.0))
    seen = executor.observe([asked.id])[asked.id]
    assert (seen.phase, seen.waiting_for) == (Phase.RUNNING, "its environment is made")
    assert seen.started_at is not None
    assert seen.started_at.timestamp() == 1000.0
    note_process(folder / "process.json")
    later = executor.observe([asked.id])[asked.id]
    assert (later.started_at, later.waiting_for) == (seen.started_at, "")


def test_an_end_between_a_look_and_the_wait_is_not_slept_over(executor: LocalRayExecutor, tmp_path: Path) -> None:
    asked = spec(tmp_path)
    job = executor.jobs.add(asked)
    executor.observe([asked.id])
    executor.jobs.end(job, Observation(phase=Phase.SUCCEEDED))
    began = time.monotonic()
    executor.wait(20.0)
    assert time.monotonic() - began < 10.0
    began = time.monotonic()
    executor.wait(0.2)
    assert time.monotonic() - began >= 0.2, "it is told once, also where nobody looks any more"


def test_what_is_over_for_long_is_known_from_its_files(
    executor: LocalRayExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "MOST_OVER", 2)
    asked = [spec(tmp_path, number) for number in range(1, 5)]
    for one in asked:
        job = executor.jobs.add(one)
        # As when it is launched.
        Traces(tmp_path / "logs").mark_launched(one)
        executor.cancel(job.id)
    assert [executor.jobs.get(one.id) is not None for one in asked] == [False, False, True, True]
    assert (executor.jobs.live, executor.jobs.count_over) == ([], 4)
    seen = executor.observe([one.id for one in asked])
    assert [seen[one.id].phase for one in asked] == [Phase.CANCELLED] * 4


def test_a_host_is_heard_where_a_thousand_files_are_open(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1200
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip("this machine allows no process so many files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(1030)]
    try:
        begin = Begin(address=None, cpus=1, environments=str(tmp_path), variables={})
        host = HostProcess(begin, {"PATH": "", "PYTHONHOME": "/nowhere"}, tmp_path / "ray.log")
        assert list(host.answers(10.0)) == []
        host.end()
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
