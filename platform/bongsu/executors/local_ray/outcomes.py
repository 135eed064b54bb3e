"""How an attempt of this process ended, from what Ray answered, its record, and the end of its worker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bongsu.domain.attempt import Failure, FailureReason, Observation, Phase
from bongsu.domain.messages import N_
from bongsu.domain.mistakes import OTHERS
from bongsu.executors.local_ray.endings import Ending, WatchedProcess, out_of_memory_kills
from bongsu.executors.local_ray.failures import DRIVER_ENDED, worker_ended
from bongsu.executors.local_ray.host_messages import Broke, Returned
from bongsu.executors.local_ray.jobs import Job, Jobs
from bongsu.executors.local_ray.reaping import Reaper
from bongsu.executors.local_ray.traces import Traces


class Outcomes:
    """A record in the artifact store outweighs whatever Ray says: results decide.

    Args:
        jobs: to know whether this process is closing.
        traces: where records and notes lie.
        reaper: ends what a dead worker left before its end is told.
        now: the time of day, in UTC.
    """

    def __init__(self, jobs: Jobs, traces: Traces, reaper: Reaper, now: Callable[[], datetime]) -> None:
        self._jobs = jobs
        self._traces = traces
        self._reaper = reaper
        self._now = now

    def answered(self, job: Job, answer: Returned | Broke, worker: WatchedProcess | None) -> Observation:
        """Of a job that Ray says is over; ``worker`` had it, if that is known."""
        match answer:
            case Returned(failure=Failure() as failure, status=int(status)):
                return self._without_word(job, failure, Ending(status))
            case Returned(failure=failure):
                phase = Phase.SUCCEEDED if failure is None else Phase.FAILED
                return Observation(phase=phase, failure=failure, finished_at=self._now())
            case Broke(failure=failure):
                ending = worker.ending() if worker is not None else Ending()
                return self._without_word(job, failure, ending)

    def lost(self, job: Job, failure: Failure) -> Observation:
        """Of a job that was under way when its Ray died."""
        self._reaper.sweep(job.id)
        phase = Phase.CANCELLED if job.is_cancelled else Phase.LOST
        told = DRIVER_ENDED if self._jobs.is_closing else failure
        return self._recorded(job) or Observation(phase=phase, failure=told, finished_at=self._now())

    def failed(self, failure: Failure) -> Observation:
        return Observation(phase=Phase.FAILED, failure=failure, finished_at=self._now())

    def _without_word(self, job: Job, failure: Failure, ending: Ending) -> Observation:
        """Its worker is gone and did not say how it went."""
        self._reaper.sweep(job.id)
        recorded = self._recorded(job)
        if recorded is not None:
            return recorded
        now = self._now()
        if job.is_cancelled:
            return Observation(phase=Phase.CANCELLED, finished_at=now)
        if self._jobs.is_closing:  # who ends because this process does was not at fault
            return Observation(phase=Phase.LOST, failure=DRIVER_ENDED, finished_at=now)
        if failure.reason is FailureReason.WORKER_LOST and not self._traces.was_begun(job.id):
            told = failure.model_copy(update={"message": N_("The worker process ended before the stage began.")})
            return Observation(phase=Phase.LOST, failure=told, finished_at=now)
        kills = out_of_memory_kills() - job.memory_kills_before
        return worker_ended(failure, ending, kills).model_copy(update={"finished_at": now})

    def _recorded(self, job: Job) -> Observation | None:
        try:
            return self._traces.recorded(job.id)
        except OTHERS:  # the artifact store is silent; whoever decides looks there again
            return None
