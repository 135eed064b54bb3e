"""Processes that end with their attempt, and none that does not belong to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bongsu.machine.processes import (
    MARK,
    _start_of,
    find_process,
    kill_all,
    kill_marked,
    kill_tree,
    marked,
    no_one_left_behind,
    note_process,
    this_process,
)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def is_alive(process: subprocess.Popen[bytes]) -> bool:
    return psutil.pid_exists(process.pid) and psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE


def test_a_noted_process_is_found_while_it_lives(tmp_path: Path) -> None:
    note_process(tmp_path / "a" / "process.json")
    found = find_process(tmp_path / "a" / "process.json")
    assert found is not None
    assert found.pid == os.getpid()


def test_another_process_with_the_same_number_is_not_taken_for_it(tmp_path: Path) -> None:
    me = this_process()
    for name, noted in {
        "older.json": {**me, "started": f"{me['started']}0"},
        "gone.json": {"pid": 2**22 + 1, "started": me["started"]},
        "half.json": {"pid": me["pid"]},
    }.items():
        (tmp_path / name).write_text(json.dumps(noted))
        assert find_process(tmp_path / name) is None, name
    (tmp_path / "cut.json").write_text('{"pid": 1')
    assert find_process(tmp_path / "cut.json") is None
    assert find_process(tmp_path / "none.json") is None


def test_a_process_that_ended_and_was_not_waited_for_is_not_alive(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    started = _start_of(sleeper.pid)
    (tmp_path / "p.json").write_text(json.dumps({"pid": sleeper.pid, "started": started}))
    assert find_process(tmp_path / "p.json") is not None
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert find_process(tmp_path / "p.json") is None


def test_killing_a_tree_ends_grandchildren_too() -> None:
    script = "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        grandchild = psutil.Process(int(parent.stdout.readline()))
        kill_tree(psutil.Process(parent.pid))
        assert not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE


DAEMON = """
import os, sys, time
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(write, str(os.getpid()).encode())
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        os.execve("/bin/sleep", ["sleep", "60"], {})
    os._exit(0)
print(os.read(read, 20).decode(), flush=True)
"""


def test_a_daemon_that_sheds_session_and_environment_ends_with_its_attempt(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    with marked(tmp_path):
        said = subprocess.run([sys.executable, "-c", DAEMON], check=True, capture_output=True, text=True).stdout
        daemon = psutil.Process(int(said))
        assert daemon.status() != psutil.STATUS_ZOMBIE
    assert not daemon.is_running() or daemon.status() == psutil.STATUS_ZOMBIE
    assert is_alive(sleeper), "it was there before the attempt"


def test_killing_spares_the_caller_and_what_is_gone(sleeper: subprocess.Popen[bytes]) -> None:
    gone = psutil.Process(sleeper.pid)
    kill_all([psutil.Process(), gone])
    kill_all([gone])
    kill_tree(gone)
    assert not is_alive(sleeper)


def test_what_was_started_under_a_mark_ends_with_it_and_nothing_else(
    tmp_path: Path, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(MARK, raising=False)
    with marked(tmp_path / "other"):
        with marked(tmp_path / "mine"):
            mine = subprocess.Popen(["sleep", "60"], start_new_session=True)
        other = subprocess.Popen(["sleep", "60"], start_new_session=True)
        assert not is_alive(mine)
        kill_marked(tmp_path / "mine")
        assert is_alive(other)
    assert not is_alive(other)
    assert is_alive(sleeper)
    assert MARK not in os.environ


def test_a_child_dies_with_the_process_that_started_it() -> None:
    script = (
        "import subprocess, os, signal; from bongsu.machine.processes import die_with_parent;"
        "p = subprocess.Popen(['sleep', '60'], preexec_fn=die_with_parent); print(p.pid, flush=True);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -9
    try:
        child = psutil.Process(int(done.stdout))
    except psutil.NoSuchProcess:
        return
    _, alive = psutil.wait_procs([child], timeout=5)
    assert alive == [] or child.status() == psutil.STATUS_ZOMBIE


def test_a_process_that_may_not_be_killed_is_waited_for_once_and_hides_no_outcome(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kill, wait, rounds = psutil.Process.kill, psutil.wait_procs, 0

    def denied(process: psutil.Process) -> None:
        raise psutil.AccessDenied(process.pid)

    def soon(processes: list[psutil.Process], timeout: float) -> object:
        nonlocal rounds
        rounds += 1
        assert rounds < 3
        return wait(processes, timeout=timeout / 50)

    monkeypatch.setattr(psutil, "wait_procs", soon)
    with no_one_left_behind() as end_all:
        child = subprocess.Popen(["sleep", "60"])
        monkeypatch.setattr(psutil.Process, "kill", denied)
        end_all()
        assert kill_tree(psutil.Process(child.pid))[0].pid == child.pid
        monkeypatch.setattr(psutil.Process, "kill", kill)
    child.send_signal(signal.SIGCONT)
    child.kill()
    child.wait()
