"""How processes end, as those see it that are not their parents."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from bongsu.domain.attempt import FailureReason, Phase
from bongsu.executors.local_ray.endings import Ending, WatchedProcess
from bongsu.executors.local_ray.failures import ray_died, worker_ended, worker_gone

# A grandchild whose parent waits for it, as a raylet does for its workers.
PARENT = """import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
print(child.pid, flush=True)
child.wait()"""
WAITS = "import os, time; time.sleep({seconds}); {end}"


def watched_end(end: str, kill: signal.Signals | None = None) -> Ending:
    code = WAITS.format(seconds=60 if kill else 0.5, end=end)
    with subprocess.Popen([sys.executable, "-c", PARENT, code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        process = WatchedProcess(pid)
        assert not process.is_over
        if kill:
            psutil.Process(pid).send_signal(kill)
        parent.wait(timeout=30)
    assert process.is_over
    ending = process.ending()
    process.close()
    return ending


def linux() -> tuple[int, int]:
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int("".join(filter(str.isdigit, minor)))


tells = pytest.mark.skipif(linux() < (6, 15), reason="this Linux tells parents alone how a process ended")


@tells
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM])
def test_a_signal_from_outside_is_known_by_its_name(kill: signal.Signals) -> None:
    ending = watched_end("pass", kill)
    assert ending.is_from_outside
    assert str(ending) == f"was ended by {kill.name}"


@tells
def test_what_ends_itself_was_not_ended_from_outside() -> None:
    assert str(watched_end("os._exit(3)")) == "ended itself with status 3"
    crash = watched_end("os.abort()")
    assert str(crash) == "was ended by SIGABRT"
    assert not crash.is_from_outside


def test_a_signal_without_a_name_is_told_by_its_number() -> None:
    ending = Ending(40)  # one of real time
    assert ending.signal == 40
    assert not ending.is_from_outside
    assert str(ending) == "was ended by signal 40"
    assert str(Ending(signal.SIGSEGV)) == "was ended by SIGSEGV"


def test_before_its_parent_has_asked_it_stands_in_the_process_table() -> None:
    child = subprocess.Popen(["sleep", "60"])
    process = WatchedProcess(child.pid)
    child.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while not process.is_over:
        assert time.monotonic() < deadline
    assert str(process.ending()) == "was ended by SIGKILL"
    assert child.wait() == -signal.SIGKILL, "the status is left to who waits"
    process.close()


def test_where_linux_does_not_tell_nothing_is_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    ending = watched_end("os._exit(3)")
    assert ending == Ending()
    assert not ending.is_from_outside
    assert str(ending) == "ended"


KILLED, CRASHED, LEFT, UNKNOWN = Ending(signal.SIGKILL), Ending(signal.SIGSEGV), Ending(3 << 8), Ending()
LOST, FAILED = Phase.LOST, Phase.FAILED
GONE, MEMORY = FailureReason.WORKER_LOST, FailureReason.OUT_OF_MEMORY


@pytest.mark.parametrize(
    ("ending", "memory_kills", "phase", "reason"),
    [
        (KILLED, 0, LOST, GONE),
        (KILLED, 1, FAILED, MEMORY),
        (CRASHED, 0, FAILED, GONE),
        (CRASHED, 1, FAILED, GONE),
        (LEFT, 0, FAILED, GONE),
        (LEFT, 1, FAILED, GONE),
        (UNKNOWN, 0, FAILED, GONE),
        (UNKNOWN, 1, FAILED, MEMORY),
    ],
)
def test_who_ended_a_worker_decides_whether_its_stage_is_blamed(
    ending: Ending, memory_kills: int, phase: Phase, reason: FailureReason
) -> None:
    seen = worker_ended(worker_gone("detail"), ending, memory_kills)
    assert seen.failure is not None
    assert (seen.phase, seen.failure.reason) == (phase, reason)
    assert seen.failure.retryable
    assert seen.failure.fix
    assert seen.failure.detail == "detail"


def test_no_stage_is_blamed_for_the_end_of_ray() -> None:
    assert worker_ended(ray_died("m"), LEFT, 1).phase is Phase.LOST
