"""Looks after the processes of a Ray that was started here, and tells when one of them ends.

Ray's client notices it late: it waits a minute for a GCS server that is gone, then ends the process that it lives in
from C++ code, without a word to Python (``gcs_rpc_server_reconnect_timeout_s``).
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import psutil

from bongsu.executors.local_ray.endings import WatchedProcess

LOOK_S = 0.2
# Without either of them Ray does not work; a raylet ends when one of its agents does.
WATCHED = frozenset({"gcs_server", "raylet"})


class RayGuard:
    """Watches the children of this process that Ray cannot do without, from the moment each is started.

    Args:
        on_death: called once, from the guard's thread, with a sentence about what ended and how; does not return.
    """

    def __init__(self, on_death: Callable[[str], NoReturn]) -> None:
        self._on_death = on_death
        self._found: dict[str, WatchedProcess] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="ray-guard", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """From here on the processes end because somebody wants it."""
        self._stop.set()

    def give_way(self, seconds: float) -> None:
        """Return after so many seconds, or not at all if a process of Ray turns out to be gone: then ``on_death`` has
        the word, and ends this process."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if any(process.is_over for process in self._found.values()):
                self._thread.join()
            time.sleep(LOOK_S / 4)

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_S):
            if self._found.keys() != WATCHED:
                self._look_for_children()
            for name, process in self._found.items():
                if process.is_over and not self._stop.is_set():
                    self._on_death(f"its process {name} {process.ending()}")

    def _look_for_children(self) -> None:
        for pid in _children():
            with contextlib.suppress(psutil.NoSuchProcess):
                name = psutil.Process(pid).name()
                if name in WATCHED and name not in self._found:
                    self._found = {**self._found, name: WatchedProcess(pid)}


def _children() -> list[int]:
    """Of whatever thread of this process."""
    found: list[int] = []
    for path in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, path.read_text().split())
    return found
