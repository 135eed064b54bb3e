"""How often a Ray is started anew, with hosts that are none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from local_ray_harness import spec

from bongsu.domain.attempt import PROCESS_NOTE, FailureReason, Observation, Phase
from bongsu.executors.local_ray import pump as pumping
from bongsu.executors.local_ray.endings import Ending, WatchedProcess
from bongsu.executors.local_ray.host_messages import Answer, Ready
from bongsu.executors.local_ray.jobs import Job, Jobs
from bongsu.executors.local_ray.pump import HEALTHY_S, KNOCK_AGAIN_S, MAX_RESTARTS, Pump
from bongsu.executors.local_ray.reaping import Reaper
from bongsu.executors.local_ray.surroundings import LocalSurroundings
from bongsu.executors.local_ray.traces import Traces


class Host:
    """A Ray that is ready, lives for a time, and dies."""

    pid = 2**22 + 1
    has_ended = False

    def __init__(self, live: Callable[[], None]) -> None:
        self._live = live

    def answers(self, _look_s: float) -> Iterator[Answer | None]:
        yield Ready(resources={"CPU": 1.0})
        self._live()

    def send(self, _command: object) -> None:
        pass

    def dismiss(self) -> None:
        pass

    def end(self) -> Ending:
        return Ending(9)


class Bench:
    """A pump, and hosts that live as long as ``lives`` says, one after the other; then everything is closed."""

    def __init__(self, folder: Path, lives: list[float]) -> None:
        self.folder = folder
        self.now = 0.0
        self.lives = list(lives)
        self.started = 0
        self.jobs = Jobs()
        traces = Traces(folder / "logs")
        surroundings = LocalSurroundings(
            logs=folder / "logs",
            environments=folder / "environments",
            ray_log=folder / "ray.log",
            environment={},
            clock=lambda: self.now,
            monotonic=lambda: self.now,
        )
        self.pump = Pump(self.jobs, traces, Reaper(traces), self._start, surroundings)  # type: ignore[arg-type]

    def run(self) -> None:
        self.pump.start()
        self.pump.stop(30)

    def _start(self) -> Host:
        self.started += 1
        return Host(self._live)

    def _live(self) -> None:
        if not self.lives:
            self.jobs.close()
            return
        self.now += self.lives.pop(0)


@pytest.fixture(autouse=True)
def _no_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pumping.RayGuard, "death", lambda _self: "")


def test_a_ray_that_dies_at_once_each_time_is_given_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [1.0] * 20)
    job = bench.jobs.add(spec(tmp_path))
    bench.run()
    assert bench.started == MAX_RESTARTS + 1
    assert job.final is not None
    assert job.final.failure is not None
    assert job.final.failure.reason is FailureReason.EXECUTOR_FAILED


@pytest.mark.parametrize(("has_ended", "told"), [(True, "its client's process"), (False, "its process gcs_server")])
def test_the_end_of_the_client_is_told_before_that_of_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_ended: bool, told: str
) -> None:
    monkeypatch.setattr(pumping.RayGuard, "death", lambda _self: "its process gcs_server was ended by SIGKILL")
    monkeypatch.setattr(Host, "has_ended", has_ended)
    bench = Bench(tmp_path, [])
    job = bench.jobs.add(spec(tmp_path))
    bench.run()
    assert job.final is not None
    assert job.final.failure is not None
    assert told in str(job.final.failure.message)


def test_deaths_that_lie_far_apart_are_not_added_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [1.0, 1.0, HEALTHY_S + 1] * 4)
    bench.run()
    assert bench.started == 13


def test_a_worker_that_is_found_too_late_is_noted_with_no_job(tmp_path: Path) -> None:
    jobs = Jobs()
    job = jobs.add(spec(tmp_path))
    worker = WatchedProcess(os.getpid())
    assert jobs.note_worker(job, worker)
    assert job.worker is worker
    late = jobs.add(spec(tmp_path, 2))
    jobs.end(late, Observation(phase=Phase.CANCELLED))
    assert not jobs.note_worker(late, worker)
    assert late.worker is None
    worker.close()


def failing(error: Exception) -> Callable[..., None]:
    def fail(*_given: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "words", "told"),
    [
        (OSError("no room for a log"), "Ray does not work", []),
        (KeyError("a-bug"), "Bongsu failed over the attempt", ["the thread of Ray"]),
    ],
)
def test_a_ray_that_cannot_be_started_is_told_from_a_mistake_in_starting_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    words: str,
    told: list[str],
) -> None:
    monkeypatch.setattr(Bench, "_start", failing(error))
    assert_told(Bench(tmp_path, []), words, told, caplog)


@pytest.mark.parametrize(
    ("error", "told"), [(OSError("no more files"), []), (TypeError("a-bug"), ["looking after Ray"])]
)
def test_a_mistake_in_looking_after_ray_is_traced_once_although_ray_is_started_anew(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    told: list[str],
) -> None:
    monkeypatch.setattr(Host, "answers", failing(error))
    bench = Bench(tmp_path, [])
    assert_told(bench, "looking after it failed with", told, caplog)
    assert bench.started == MAX_RESTARTS + 1


@pytest.mark.parametrize(
    ("error", "words", "told"),
    [
        (psutil.AccessDenied(1), "Ray does not work", []),
        (AttributeError("a-bug"), "Bongsu failed over the attempt", ["the end of an attempt"]),
    ],
)
def test_what_goes_wrong_with_the_end_of_an_attempt_concerns_that_attempt_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    words: str,
    told: list[str],
) -> None:
    bench = Bench(tmp_path, [1.0])
    swept = bench.jobs.add(spec(tmp_path, 2))
    (tmp_path / "logs" / swept.id.key).mkdir(parents=True)
    (tmp_path / "logs" / swept.id.key / PROCESS_NOTE).write_text("{}")  # a worker was at it
    monkeypatch.setattr(Reaper, "sweep", failing(error))
    bench.run()
    assert told_of(swept).startswith(words)
    assert tracebacks(caplog) == told


def test_a_mistake_in_clearing_up_keeps_no_end_from_being_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Bench, "_start", failing(OSError("no room for a log")))
    monkeypatch.setattr(Reaper, "sweep", failing(TypeError("a-bug")))
    assert_told(Bench(tmp_path, []), "no room for a log", ["clearing up after an attempt"], caplog)


def assert_told(bench: Bench, words: str, told: list[str], caplog: pytest.LogCaptureFixture) -> None:
    jobs = [bench.jobs.add(spec(bench.folder, number)) for number in (1, 2)]
    bench.run()
    for job in jobs:
        assert words in told_of(job)
    assert tracebacks(caplog) == told


def told_of(job: Job) -> str:
    assert job.final is not None
    assert job.final.failure is not None
    assert job.final.failure.reason is FailureReason.EXECUTOR_FAILED
    return str(job.final.failure.message)


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.facts["where"] for record in caplog.records if record.name == "bongsu.executors" and record.exc_info
    ]


def test_what_was_given_up_is_tried_again_after_a_while_and_told_of_once_each_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bongsu.executors.ray")
    bench = Bench(tmp_path, [1.0] * (MAX_RESTARTS + 1))
    bench.run()
    assert bench.pump.trouble
    bench.now += KNOCK_AGAIN_S - 0.1
    bench.run()
    assert bench.started == MAX_RESTARTS + 1, "it is too early"
    bench.now += 0.1
    bench.run()
    assert bench.started == MAX_RESTARTS + 2
    assert not bench.pump.trouble
    told = [one.message for one in caplog.records if one.name == "bongsu.executors.ray"]
    assert told == ["The executor does not answer.", "The executor answers again."]
