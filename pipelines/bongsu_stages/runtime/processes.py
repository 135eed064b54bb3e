"""Processes that end with the one that started them, and are found again by pid and start time."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel (Linux) to kill this process when its parent ends; used between fork and exec."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def note_process(path: Path) -> None:
    """Write pid and start time of this process to ``path``, so that it can be found, and nothing else killed."""
    me = psutil.Process()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({"pid": me.pid, "started": me.create_time()}))
    temporary.rename(path)


def find_process(path: Path) -> psutil.Process | None:
    """The live process that :func:`note_process` wrote down, if it is still the same one."""
    try:
        noted = json.loads(path.read_text())
        process = psutil.Process(noted["pid"])
        same = abs(process.create_time() - noted["started"]) < 0.05
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, KeyError, psutil.Error):
        return None


def kill_tree(process: psutil.Process, timeout_s: float = 5.0) -> None:
    """Kill a process and everything below it, and wait until they are gone."""
    try:
        family = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    kill_all(family, timeout_s)


def kill_all(family: list[psutil.Process], timeout_s: float = 5.0) -> None:
    """Kill these processes (never the caller) and wait until they are gone."""
    others = [process for process in family if process.pid != os.getpid()]
    for process in others:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(others, timeout=timeout_s)
