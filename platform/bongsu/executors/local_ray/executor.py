"""The executor of one machine: attempts are Ray tasks owned by a process of this one, so none outlives it.

The client of Ray lives in that process (:mod:`.host`); when Ray or its client dies, attempts under way are lost, what
is left of that Ray is killed, and another one is started. Ray ends the tasks of a client that died; what a task
started itself is found by its mark and ended with it. An attempt whose process is gone is therefore over, and its
records in the artifact store say how; if it left none, it is lost. While its process lives, others may look at it,
and stop it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime

from bongsu.domain.attempt import AttemptSpec, Observation, Phase
from bongsu.domain.capacity import Capacity
from bongsu.domain.codes import plan as codes
from bongsu.domain.ids import AttemptId
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.problems import BongsuError
from bongsu.executors.base import EventPage
from bongsu.executors.local_ray.failures import DRIVER_ENDED
from bongsu.executors.local_ray.host_messages import Begin
from bongsu.executors.local_ray.hosting import HostProcess
from bongsu.executors.local_ray.jobs import Job, Jobs
from bongsu.executors.local_ray.pump import LOOK_INTERVAL_S, Pump
from bongsu.executors.local_ray.reaping import Reaper
from bongsu.executors.local_ray.session import RaySettings, machine_capacity, ray_environment
from bongsu.executors.local_ray.surroundings import LocalSurroundings
from bongsu.executors.local_ray.traces import Traces
from bongsu.machine.fault_log import FaultLog

JOIN_S = 10.0


class LocalRayExecutor:
    """See ``bongsu.executors.base.Executor``.

    Args:
        surroundings: places, environment and clocks.
        ray: the Ray to use.

    Attributes:
        jobs: attempts that it was asked for.
    """

    name = "local-ray"

    def __init__(self, surroundings: LocalSurroundings, ray: RaySettings) -> None:
        self._surroundings = surroundings
        self._cache = str(surroundings.cache) if surroundings.cache else None
        self._ray = ray
        self._traces = Traces(surroundings.logs)
        self._reaper = Reaper(self._traces)
        self.jobs = Jobs()
        self._events_seen: dict[AttemptId, int] = {}
        self._is_warm = False
        self._over_before = 0
        self._faults = FaultLog("bongsu.executors")
        self._pump = Pump(self.jobs, self._traces, self._reaper, self._start_host, surroundings)

    def start(self) -> None:
        """Begin to start Ray, so that it is warm when the first stage is ready."""
        self._pump.start()

    def capacity(self) -> Capacity:
        """What this machine has; of a Ray that was there before, what it says (this waits for its first word).

        Raises:
            BongsuError: ``plan.executor-away`` while that cannot be reached.
        """
        if not self._ray.address:
            return machine_capacity(self._ray)
        self._pump.await_answer()
        there = self._pump.capacity
        if self._pump.trouble or there is None:
            raise codes.EXECUTOR_AWAY.error(detail=self._pump.trouble or N_("it is being closed"))
        return there

    def trouble(self) -> Words:
        """Why nothing can be run at the moment, as far as that is known; empty if nothing is in the way. Knocks at a
        Ray that was there before, and does not wait for it."""
        if self._ray.address:
            self._pump.start()
        return self._pump.trouble

    def ensure(self, attempt: AttemptSpec) -> None:
        here = {"log_directory": str(self._traces.folder(attempt.id)), "artifact_cache": self._cache}
        spec = attempt.model_copy(update=here)
        if self._traces.was_launched(attempt.id):
            return
        # Before the mark: an attempt whose worker cannot be given one is asked for again.
        given = self._surroundings.passes(attempt.id)
        if self._traces.mark_launched(spec):
            self._pump.start()
            self._pump.submit(self.jobs.add(spec, given))

    def observe(self, attempts: Collection[AttemptId]) -> Mapping[AttemptId, Observation]:
        self._over_before = self.jobs.count_over
        seen = {}
        for attempt in attempts:
            # Of an attempt whose records cannot be read nothing is said, and of the others all the same.
            try:
                seen[attempt] = self._observe(attempt)
            except (OSError, BongsuError):
                continue
            except Exception as error:  # whatever one attempt has left behind, the others go on
                self._faults.note("looking at an attempt", error)
        return seen

    def cancel(self, attempt: AttemptId) -> None:
        with self.jobs.changed:
            job = self.jobs.get(attempt)
            if job is None:
                _in_background(lambda: self._cancel_foreign(attempt))
                return
            if job.final is not None:
                return
            job.is_cancelled = True
            if not job.is_submitted:
                self._pump.finish(job, Observation(phase=Phase.CANCELLED))
                return
        _in_background(lambda: self._pump.kill(job))

    def wait(self, timeout_s: float) -> None:
        deadline = self._surroundings.monotonic() + timeout_s
        # Since the last look: what ended after it is not to be waited for.
        while self.jobs.count_over == self._over_before and not self._events_grew():
            left = deadline - self._surroundings.monotonic()
            if left <= 0:
                return
            with self.jobs.changed:
                self.jobs.changed.wait(min(left, LOOK_INTERVAL_S))
        self._over_before = self.jobs.count_over

    def events(self, attempt: AttemptId, cursor: int = 0) -> EventPage:
        return self._traces.events(attempt, cursor)

    def logs(
        self, attempt: AttemptId, follow: bool = False, goes_on: Callable[[], bool] = lambda: True
    ) -> Iterator[str]:
        return self._traces.follow(attempt, lambda: follow and goes_on() and self._is_live(attempt))

    def close(self) -> None:
        self.jobs.close()
        left = [job for job in self.jobs.live if job.is_submitted]
        for job in left:
            self._pump.kill(job)
        self._pump.stop(JOIN_S)
        for job in left:
            self._reaper.sweep(job.id)

    # -- inside ----------------------------------------------------------------------------------------------

    def _start_host(self) -> HostProcess:
        around, ray = self._surroundings, self._ray
        begin = Begin(
            address=ray.address,
            cpus=ray.cpus,
            environments=str(around.environments),
            variables=dict(around.variables),
        )
        return HostProcess(begin, ray_environment(around.environment, ray), around.ray_log)

    def _observe(self, attempt: AttemptId) -> Observation:
        with self.jobs.changed:
            job = self.jobs.get(attempt)
            if job is not None:
                return self._ended(attempt, job.final) if job.final else self._live(job)
        if not self._traces.was_launched(attempt):
            return Observation(phase=Phase.ABSENT)
        recorded = self._traces.recorded(attempt)
        return self._ended(attempt, recorded) if recorded else self._foreign(attempt)

    def _ended(self, attempt: AttemptId, seen: Observation) -> Observation:
        """What is seen of an attempt that is over, and when it began: who looks now may never have seen it run."""
        started = self._traces.started_at(attempt) if seen.started_at is None else None
        if started is None:
            return seen
        return seen.model_copy(update={"started_at": datetime.fromtimestamp(started, UTC)})

    def _live(self, job: Job) -> Observation:
        """An attempt of this process that is not over."""
        if self._traces.started_at(job.id) is not None:
            self._is_warm = True
            return self._running(job.id)
        if not self._pump.is_ready:
            return Observation(phase=Phase.STARTING, waiting_for=N_("Ray starts"))
        if not self._is_warm and not self.jobs.count_over:
            return Observation(phase=Phase.STARTING, waiting_for=N_("the first worker starts"))
        return Observation(phase=Phase.QUEUED, waiting_for=N_("cores of this machine"))

    def _is_live(self, attempt: AttemptId) -> bool:
        """True while its log may grow. To look does it no harm, whatever is there."""
        job = self.jobs.get(attempt)
        if job is not None:
            return job.final is None
        if not self._traces.was_launched(attempt) or self._traces.recorded(attempt) is not None:
            return False
        return self._traces.owner(attempt) is not None or bool(self._traces.workers(attempt))

    def _foreign(self, attempt: AttemptId) -> Observation:
        """An attempt that another process started, and that left no record yet."""
        owner = self._traces.owner(attempt)
        workers = self._traces.workers(attempt)
        if owner is not None and workers:
            return self._running(attempt)
        if owner is not None and owner.pid != os.getpid():
            driver = phrase(N_("process {pid}, which drives it"), pid=owner.pid)
            return Observation(phase=Phase.QUEUED, waiting_for=driver)
        self._reaper.end_foreign(attempt)
        recorded = self._traces.recorded(attempt)  # it may have come to its end before it was killed
        return recorded or Observation(phase=Phase.LOST, failure=DRIVER_ENDED)

    def _cancel_foreign(self, attempt: AttemptId) -> None:
        if self._traces.was_launched(attempt) and self._traces.recorded(attempt) is None:
            self._reaper.end_foreign(attempt)

    def _running(self, attempt: AttemptId) -> Observation:
        started = self._traces.started_at(attempt)
        at = datetime.fromtimestamp(started, UTC) if started is not None else None
        waits = N_("its environment is made") if self._traces.awaits_environment(attempt) else ""
        return Observation(phase=Phase.RUNNING, started_at=at, waiting_for=waits)

    def _events_grew(self) -> bool:
        before = self._events_seen
        self._events_seen = {job.id: self._traces.events_size(job.id) for job in self.jobs.live}
        return any(size > before.get(attempt, 0) for attempt, size in self._events_seen.items())


def _in_background(act: Callable[[], None]) -> None:
    threading.Thread(target=act, name="cancel", daemon=True).start()
