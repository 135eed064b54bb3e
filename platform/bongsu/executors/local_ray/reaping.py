"""Ending attempts: whatever one started ends with it, and what it left on the way is cleared away."""

from __future__ import annotations

from collections.abc import Callable

import psutil

from bongsu.domain.ids import AttemptId
from bongsu.executors.local_ray.traces import Traces
from bongsu.machine.processes import kill_all, kill_marked, kill_tree

# Ray ends a worker in less, unless it is at another attempt by now.
_WORKER_S = 3.0


class Reaper:
    """Ends attempts whose traces lie in ``traces``."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces

    def end_own(self, attempt: AttemptId, end_worker: Callable[[], None]) -> None:
        """End an attempt of this process.

        Args:
            attempt: it is not over.
            end_worker: has Ray end the worker, which may be at another attempt by now: Ray knows.
        """
        # Who has no parent any more is not found from above: look before the worker ends.
        workers = self._traces.workers(attempt)
        below = [child for worker in workers for child in _descendants(worker)]
        end_worker()
        # A worker that outlived what it had started would take its end for a failure of the stage, and record it.
        psutil.wait_procs(workers, timeout=_WORKER_S)
        kill_all(below)

    def end_foreign(self, attempt: AttemptId) -> None:
        """End an attempt that another process started, or what is left of one."""
        for worker in self._traces.workers(attempt):
            kill_tree(worker)
        self.sweep(attempt)

    def sweep(self, attempt: AttemptId) -> None:
        """The worker is gone: end what it had started, and delete its scratch files."""
        kill_marked(self._traces.folder(attempt))
        self._traces.clear_scratch(attempt)


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []
