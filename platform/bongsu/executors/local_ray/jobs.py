"""Attempts of this process, and the one lock that guards them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from bongsu.domain.attempt import AttemptSpec, Observation
from bongsu.domain.ids import AttemptId
from bongsu.domain.worker_leave import WorkerPass
from bongsu.executors.local_ray.endings import WatchedProcess

MOST_OVER = 1_000
"""So many attempts that are over are kept in memory."""


@dataclass
class Job:
    """One attempt; its fields change under the lock of :class:`Jobs` only.

    Attributes:
        given: what its worker asks the control plane with; it stands in no file, and is forgotten with the end.
        is_submitted: Ray was given it.
        final: how it ended.
        is_cancelled: somebody asked for its end.
        worker: the process that Ray gave it to, once that is known.
        memory_kills_before: see :func:`bongsu.executors.local_ray.endings.out_of_memory_kills`.
    """

    spec: AttemptSpec
    given: WorkerPass | None = None
    is_submitted: bool = False
    final: Observation | None = None
    is_cancelled: bool = False
    worker: WatchedProcess | None = None
    memory_kills_before: int = 0

    @property
    def id(self) -> AttemptId:
        return self.spec.id


@dataclass
class Jobs:
    """Thread-safe as far as its methods go; several at once need ``changed``, which is notified of every change."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    is_closing: bool = False
    count_over: int = 0
    """How many have ended since this process began."""
    _live: dict[AttemptId, Job] = field(default_factory=dict)
    _over: dict[AttemptId, Job] = field(default_factory=dict)
    """The newest of these; the first is the oldest."""

    def add(self, spec: AttemptSpec, given: WorkerPass | None = None) -> Job:
        with self.changed:
            self._live[spec.id] = job = Job(spec, given)
            self.changed.notify_all()
            return job

    def get(self, attempt: AttemptId) -> Job | None:
        """None for what is not of this process, or over for long: its files say how it ended."""
        with self.changed:
            return self._live.get(attempt) or self._over.get(attempt)

    @property
    def live(self) -> list[Job]:
        with self.changed:
            return list(self._live.values())

    def end(self, job: Job, observation: Observation) -> bool:
        """Note how it ended; False if that was known."""
        with self.changed:
            if job.final is not None:
                return False
            job.final, job.given = observation, None
            self._over[job.id] = self._live.pop(job.id)
            self.count_over += 1
            if len(self._over) > MOST_OVER:
                del self._over[next(iter(self._over))]
            self.changed.notify_all()
            return True

    def note_worker(self, job: Job, worker: WatchedProcess) -> bool:
        """Note which process has it; False if it is over, and nobody will ask."""
        with self.changed:
            if job.final is not None:
                return False
            job.worker = worker
            return True

    def close(self) -> None:
        with self.changed:
            self.is_closing = True
            self.changed.notify_all()
