"""Processes that end with the one that started them, and are found again by pid and start time, or by a mark.

A process whose parent is gone becomes a child of the worker that its attempt runs in (Linux: a subreaper), whatever
session and environment it gave itself, and is found there. Once the worker is gone too, it is nobody's child: then it
still has the environment that it was started with, and there stands the attempt that it belongs to.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from bongsu.machine.environment import overlaid

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37
# Longer than anybody has patience to escape by starting others.
_ESCAPE_S = 60.0
_STAT_START = 19  # behind the name
MARK = "BONGSU_ATTEMPT_DIRECTORY"
TOKEN = "BONGSU_DRIVEN_BY"
"""Of the driver with which a process is to end, see :mod:`bongsu.machine.watchdog`."""


def die_with_parent() -> None:
    """Ask the kernel (Linux) to kill this process when its parent ends; used between fork and exec."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def no_one_left_behind() -> Iterator[Callable[[], None]]:
    """What is started within the block, and whatever that leaves behind, ends with it.

    Within it the kernel (Linux) makes descendants whose parent ends children of this process, so that they are found.
    What this process had started before goes on. Gives a function that ends all of it at once.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    before = ctypes.c_int(0)
    libc.prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(before))
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    family = _descendants()

    def end_all() -> None:
        # Again while there are any: one may have started another in the meantime.
        until = time.monotonic() + _ESCAPE_S
        while time.monotonic() < until:
            left = [process for process in _descendants() if process not in family]
            if not left:
                return
            _suspend(left)
            family.extend(kill_all(left))  # what does not die is not waited for twice

    try:
        yield end_all
    finally:
        end_all()
        libc.prctl(_PR_SET_CHILD_SUBREAPER, before.value)


def adopt_orphans() -> Callable[[], None]:
    """From now on, what dead descendants leave behind becomes a child of this process (Linux), whatever session and
    environment it gave itself. Gives a function that ends such children; those that there are now go on."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    family = psutil.Process().children()

    def end_them() -> None:
        until = time.monotonic() + _ESCAPE_S
        while time.monotonic() < until:
            left = [process for process in psutil.Process().children() if process not in family]
            if not left:
                return
            _suspend(left)
            for process in left:
                family.extend(kill_tree(process))

    return end_them


def _suspend(family: list[psutil.Process]) -> None:
    """Have them start no others while they are killed."""
    for process in family:
        with contextlib.suppress(psutil.Error):
            process.suspend()


def mark_of(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables by which an attempt's processes are found, for an environment that a pipeline file may fill."""
    return {name: environment[name] for name in (MARK, TOKEN) if name in environment}


def _descendants() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def note_process(path: Path) -> None:
    """Write pid and start time of this process to ``path``, so that it can be found, and nothing else killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(this_process()))
    temporary.rename(path)


def this_process() -> dict[str, int | str]:
    """What :func:`find_process` looks for in a JSON file."""
    return {"pid": os.getpid(), "started": _start_of(os.getpid())}


def _start_of(pid: int) -> str:
    """When a process began, in the kernel's own count since its start, and which start that was (proc(5)).

    Times of day, which psutil makes of it, move with the clock. Raises OSError.
    """
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[_STAT_START]
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {ticks}"


def find_process(path: Path) -> psutil.Process | None:
    """The live process whose :func:`this_process` stands in the file, if it is still the same one."""
    try:
        noted = json.loads(path.read_text())
        process = psutil.Process(noted["pid"])
        is_same = _start_of(process.pid) == noted["started"]
        return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None


@contextmanager
def marked(directory: Path) -> Iterator[None]:
    """Processes that are started within the block belong to the attempt with this log directory, and end with it.

    So do those that they leave behind. What this process had started before goes on.
    """
    try:
        with overlaid({MARK: str(directory)}), no_one_left_behind():
            yield
    finally:
        kill_marked(directory)


def kill_marked(directory: Path) -> None:
    """Kill every process (never the caller) that was started under :func:`marked` with this directory."""
    kill_all([process for process in psutil.process_iter() if _has(process, MARK, str(directory))])


def kill_session(session: int, token: str) -> None:
    """Kill every process (never the caller) of a session, or with this :data:`TOKEN` in its environment, until there
    is none: one may have started another in the meantime."""
    until = time.monotonic() + _ESCAPE_S
    stuck: list[psutil.Process] = []
    while time.monotonic() < until:
        left = [
            process
            for process in psutil.process_iter()
            if process.pid != os.getpid()
            and process not in stuck
            and (_session_of(process) == session or _has(process, TOKEN, token))
        ]
        if not left:
            return
        stuck += kill_all(left)


def _session_of(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid) if process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.Error, OSError):
        return None


def _has(process: psutil.Process, variable: str, value: str) -> bool:
    try:
        return process.environ().get(variable) == value
    except (psutil.Error, OSError):
        return False


def kill_tree(process: psutil.Process, timeout_s: float = 5.0) -> list[psutil.Process]:
    """As :func:`kill_all`, for a process and everything below it."""
    try:
        family = [*process.children(recursive=True), process]
    except psutil.Error:
        return []
    return kill_all(family, timeout_s)


def kill_all(family: list[psutil.Process], timeout_s: float = 5.0) -> list[psutil.Process]:
    """Kill these processes (never the caller) and wait until they are gone.

    Returns:
        Those that are still there, because they hang in the kernel, or became another user's and may not be killed.
    """
    others = [process for process in family if process.pid != os.getpid()]
    for process in others:
        with contextlib.suppress(psutil.Error):
            process.kill()
    left: list[psutil.Process] = psutil.wait_procs(others, timeout=timeout_s)[1]
    return left
