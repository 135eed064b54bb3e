"""Looks after the processes of a Ray that was started here, and tells when one of them has ended, and how.

Ray's client notices it late: it waits half a minute for a GCS server that ends while Ray starts, with Python's lock
held, and a minute for one that ends later, and then ends the process that it lives in from C++ code, without a word
to Python (``gcs_rpc_server_reconnect_timeout_s``).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from math import inf
from pathlib import Path

import psutil

from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.executors.local_ray.endings import WatchedProcess

LOOK_S = 0.2
# Without either of them Ray does not work; a raylet ends when one of its agents does.
WATCHED = frozenset({"gcs_server", "raylet"})
# Of this many the last; only those that are at a stage matter.
MAX_WORKERS = 256


class RayGuard:
    """Watches the children of Ray's client that Ray cannot do without, and its workers, from the moment each is
    started: how a process ended is known only to those who have looked at it before.

    Args:
        client: pid of the process that starts Ray.
        monotonic: seconds that only grow.
    """

    def __init__(self, client: int, monotonic: Callable[[], float]) -> None:
        self._client = client
        self._monotonic = monotonic
        self._found: dict[str, WatchedProcess] = {}
        self._workers: dict[int, WatchedProcess] = {}
        self._looked_at = -inf

    def death(self) -> Words:
        """What has ended, and how; empty while all is well. It looks every ``LOOK_S`` seconds only."""
        now = self._monotonic()
        if now < self._looked_at + LOOK_S:
            return ""
        self._looked_at = now
        if self._found.keys() != WATCHED:
            self._look_for_children()
        self._look_for_workers()
        over = (
            phrase(N_("its process {name} {ending}"), name=name, ending=process.ending().words)
            for name, process in self._found.items()
            if process.is_over
        )
        return next(over, "")

    def death_within(self, seconds: float) -> Words:
        """The same, waited for: a worker that is gone may be the first sign of the end of Ray."""
        deadline = self._monotonic() + seconds
        while not (message := self.death()) and self._monotonic() < deadline:
            time.sleep(LOOK_S / 4)
        return message

    def worker(self, pid: int | None) -> WatchedProcess | None:
        """The worker with this number, which may be gone; None for one that Ray did not start."""
        return None if pid is None else self._workers.get(pid)

    def close(self) -> None:
        for process in (*self._found.values(), *self._workers.values()):
            process.close()

    def _look_for_children(self) -> None:
        for pid in _children(self._client):
            with contextlib.suppress(psutil.NoSuchProcess):
                name = psutil.Process(pid).name()
                if name in WATCHED and name not in self._found:
                    self._found[name] = WatchedProcess(pid)

    def _look_for_workers(self) -> None:
        raylet = self._found.get("raylet")
        for pid in _children(raylet.pid) if raylet is not None else ():
            known = self._workers.get(pid)
            if known is not None and known.still_has_its_number:
                continue
            if known is not None:
                known.close()
            with contextlib.suppress(psutil.NoSuchProcess):
                self._workers[pid] = WatchedProcess(pid)
        while len(self._workers) > MAX_WORKERS:
            self._workers.pop(next(iter(self._workers))).close()


def _children(process: int) -> list[int]:
    """Of whatever thread of the process."""
    found: list[int] = []
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, path.read_text().split())
    return found
