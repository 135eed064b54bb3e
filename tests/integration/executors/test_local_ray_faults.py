"""What ends Ray's processes, or one of its workers, from outside: told by its cause, survived, nothing left over."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from executor_suite import HANG_S, Watcher, messages, probe_spec
from local_ray_harness import LocalRayHarness, kill_ray, ray_processes

from bongsu.domain.attempt import AttemptSpec, Observation, Phase
from bongsu.domain.ids import AttemptId
from bongsu.domain.pipeline import Environment
from bongsu.executors.local_ray.pump import MAX_RESTARTS


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[LocalRayHarness]:
    harness = LocalRayHarness(tmp_path)
    yield harness
    harness.close()


def run_until_hanging(harness: LocalRayHarness, environment: Environment | None = None) -> AttemptSpec:
    spec = probe_spec(harness, {"seconds": HANG_S, "childSeconds": HANG_S}, environment=environment)
    harness.executor().ensure(spec)
    Watcher(harness).running(harness.executor(), spec.id, words=2)
    return spec


def watched(harness: LocalRayHarness, attempt: AttemptId) -> None:
    """Until the executor knows the worker: how one ends is known only to those who have looked at it before."""
    job = harness.executor().jobs.get(attempt)
    assert job is not None
    Watcher(harness).until(lambda: job.worker is not None, "the executor watches the worker")


def succeeds(harness: LocalRayHarness) -> None:
    spec = probe_spec(harness)
    harness.executor().ensure(spec)
    assert Watcher(harness).end(harness.executor(), spec.id).phase is Phase.SUCCEEDED


def ended(harness: LocalRayHarness, attempt: AttemptId, phase: Phase) -> str:
    """Its message."""
    seen: Observation = Watcher(harness).end(harness.executor(), attempt)
    assert seen.phase is phase, seen
    assert seen.failure is not None
    Watcher(harness).gone(harness.executor(), attempt)
    return str(seen.failure.message)


def names_of(processes: list[psutil.Process]) -> list[str]:
    found = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.name())
    return sorted(found)


def test_ray_is_started_again_so_often_and_no_more(harness: LocalRayHarness) -> None:
    watch, executor = Watcher(harness), harness.executor()
    # While a stage runs.
    first = run_until_hanging(harness)
    old = ray_processes()
    began = time.monotonic()
    kill_ray("raylet")
    assert "raylet was ended by SIGKILL" in ended(harness, first.id, Phase.LOST)
    assert time.monotonic() - began < 10, "nobody waits for Ray to notice"
    watch.until(lambda: names_of(old) == [], "nothing of the dead Ray is left")
    # Between stages.
    succeeds(harness)
    kill_ray("gcs_server")
    succeeds(harness)
    # While it starts.
    second = run_until_hanging(harness)
    kill_ray("raylet", "gcs_server")
    assert "was ended by SIGKILL" in ended(harness, second.id, Phase.LOST)
    waiting = probe_spec(harness)
    executor.ensure(waiting)
    watch.until(lambda: "gcs_server" in names_of(ray_processes()), "another Ray starts")
    assert executor.observe([waiting.id])[waiting.id].phase is Phase.STARTING
    kill_ray("gcs_server")
    seen = watch.end(executor, waiting.id)
    assert MAX_RESTARTS == 3
    assert seen.phase is Phase.FAILED
    assert seen.failure is not None
    assert (seen.failure.reason, seen.failure.retryable) == ("ExecutorFailed", False)
    assert "Ray ended 4 times; the last time its process gcs_server was ended by SIGKILL" in str(
        seen.failure.message
    )
    assert "bongsu resume" in str(seen.failure.fix)
    assert messages(executor, waiting.id) == []
    watch.until(lambda: ray_processes() == [], "nothing is left")
    later = probe_spec(harness)
    executor.ensure(later)
    assert watch.end(executor, later.id).failure == seen.failure, "nobody waits for a Ray that will not come"


def rays_client() -> psutil.Process:
    """The child of this process that holds Ray's client; another one watches over both."""
    (client,) = [one for one in psutil.Process().children() if "bongsu.executors.local_ray.host" in one.cmdline()]
    return client


def test_the_end_of_rays_client_is_no_end_of_ours(harness: LocalRayHarness) -> None:
    spec = run_until_hanging(harness)
    old = ray_processes()
    client = rays_client()
    client.kill()
    assert "its client's process was ended by SIGKILL" in ended(harness, spec.id, Phase.LOST)
    Watcher(harness).until(lambda: names_of(old) == [], "nothing of the dead Ray is left")
    succeeds(harness)


@pytest.mark.parametrize("environment", [None, Environment(interpreter=sys.executable)])
@pytest.mark.parametrize(
    ("kind", "phase", "words"),
    [
        (signal.SIGKILL, Phase.LOST, "was ended by SIGKILL"),
        (signal.SIGSEGV, Phase.FAILED, "was ended by SIGSEGV"),
    ],
)
def test_what_ended_a_worker_decides_whether_the_stage_is_blamed(
    shared: LocalRayHarness, kind: signal.Signals, phase: Phase, words: str, environment: Environment | None
) -> None:
    spec = run_until_hanging(shared, environment)
    (text,) = [text for text in messages(shared.executor(), spec.id) if text.startswith("process")]
    watched(shared, spec.id)
    psutil.Process(int(text.split()[1])).send_signal(kind)
    assert words in ended(shared, spec.id, phase)
    succeeds(shared)


def test_a_killed_worker_leaves_no_daemon_that_gave_itself_another_session_and_environment(
    shared: LocalRayHarness, tmp_path: Path
) -> None:
    noted = tmp_path / "daemon"
    script = f"env -i setsid sh -c 'echo $$ > {noted}; exec sleep 600' >/dev/null 2>&1 & sleep 600"
    spec = probe_spec(shared, {"command": ["sh", "-c", script]}, uses="container")
    shared.executor().ensure(spec)
    watch = Watcher(shared)
    watch.until(lambda: noted.exists() and bool(noted.read_text().strip()), "the daemon is there")
    daemon = psutil.Process(int(noted.read_text()))
    assert "BONGSU" not in str(daemon.environ())
    worker = next(parent for parent in daemon.parents() if "ray" in " ".join(parent.cmdline()))
    watched(shared, spec.id)
    worker.kill()
    seen = watch.end(shared.executor(), spec.id)
    assert seen.phase is Phase.LOST, seen.failure
    watch.until(lambda: not daemon.is_running() or daemon.status() == psutil.STATUS_ZOMBIE, "the daemon has ended")


@pytest.mark.parametrize("environment", [None, Environment(interpreter=sys.executable)])
def test_a_worker_that_ends_itself_has_failed(shared: LocalRayHarness, environment: Environment | None) -> None:
    params = {"crash": "exit", "childSeconds": HANG_S, "seconds": 1.5}
    spec = probe_spec(shared, params, environment=environment)
    shared.executor().ensure(spec)
    assert "ended itself with status 3" in ended(shared, spec.id, Phase.FAILED)


def test_signals_to_every_process_of_the_executor_leave_its_end_to_the_executor(shared: LocalRayHarness) -> None:
    spec = run_until_hanging(shared)
    log = (shared.home / "ray.log").read_bytes()
    client = rays_client()
    for kind in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        client.send_signal(kind)
    time.sleep(1.0)
    assert shared.executor().observe([spec.id])[spec.id].phase is Phase.RUNNING
    assert (shared.home / "ray.log").read_bytes() == log, "no stack trace for a request to end"
    shared.executor().cancel(spec.id)
    assert Watcher(shared).end(shared.executor(), spec.id).phase is Phase.CANCELLED


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRayHarness]:
    """One Ray for what leaves it alive."""
    harness = LocalRayHarness(tmp_path_factory.mktemp("local-ray"))
    yield harness
    harness.close()


def starting_workers() -> list[psutil.Process]:
    """Workers that have not told Ray that they are there."""
    found = []
    for process in ray_processes():
        with contextlib.suppress(psutil.Error):
            if process.name() != "raylet" and any(word.endswith("default_worker.py") for word in process.cmdline()):
                found.append(process)
    return found


def test_a_worker_killed_while_it_starts_is_started_again(
    harness: LocalRayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_worker_register_timeout_seconds", "15")  # a minute as a rule
    harness.executor().ensure(spec := probe_spec(harness))
    Watcher(harness).until(lambda: bool(starting_workers()), "a worker starts")
    for process in starting_workers():
        process.kill()
    assert Watcher(harness).end(harness.executor(), spec.id).phase is Phase.SUCCEEDED


def test_what_waits_for_a_worker_that_will_not_come_can_be_cancelled(harness: LocalRayHarness) -> None:
    watch, executor = Watcher(harness), harness.executor()
    executor.ensure(spec := probe_spec(harness))
    watch.until(lambda: bool(starting_workers()), "a worker starts")
    while starting_workers():
        for process in starting_workers():
            process.kill()
        time.sleep(0.1)
    executor.cancel(spec.id)
    began = time.monotonic()
    assert watch.end(executor, spec.id).phase is Phase.CANCELLED
    assert time.monotonic() - began < 20, "nobody waits for the worker"
    assert messages(executor, spec.id) == []


def test_what_waits_for_ray_itself_can_be_cancelled(harness: LocalRayHarness) -> None:
    executor = harness.executor()
    executor.ensure(spec := probe_spec(harness))
    assert executor.observe([spec.id])[spec.id].phase is Phase.STARTING
    executor.cancel(spec.id)
    assert executor.observe([spec.id])[spec.id].phase is Phase.CANCELLED
    succeeds(harness)
    assert messages(executor, spec.id) == []


@pytest.mark.parametrize("environment", [None, Environment(interpreter=sys.executable)])
def test_a_worker_killed_the_moment_its_stage_begins_is_lost(
    shared: LocalRayHarness, environment: Environment | None
) -> None:
    succeeds(shared)  # a worker is there
    shared.executor().ensure(spec := probe_spec(shared, {"seconds": HANG_S}, environment=environment))
    noted = shared.home / "logs" / spec.id.key / ("task.json" if environment else "process.json")
    while not noted.exists():
        time.sleep(0.001)
    psutil.Process(json.loads(noted.read_text())["pid"]).kill()
    seen = Watcher(shared).end(shared.executor(), spec.id)
    assert seen.phase is Phase.LOST, seen
    succeeds(shared)
