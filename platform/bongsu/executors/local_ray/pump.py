"""The thread that has Ray run attempts, notes what became of them, and starts Ray again when it has died."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from bongsu.domain.attempt import Failure, FailureReason, Observation, Phase
from bongsu.executors.base import Capacity
from bongsu.executors.local_ray.endings import Ending, out_of_memory_kills
from bongsu.executors.local_ray.failures import ray_died, ray_died_too_often, ray_unusable, worker_ended
from bongsu.executors.local_ray.guard import LOOK_S, RayGuard
from bongsu.executors.local_ray.host_messages import Answer, Broke, Died, Ready, Returned, Stop, Submit, Unusable
from bongsu.executors.local_ray.hosting import HostProcess
from bongsu.executors.local_ray.jobs import Job, Jobs
from bongsu.executors.local_ray.reaping import Reaper
from bongsu.executors.local_ray.session import capacity_of
from bongsu.executors.local_ray.surroundings import LocalSurroundings
from bongsu.executors.local_ray.traces import Traces

LOOK_INTERVAL_S = 0.05
MAX_RESTARTS = 3


class Pump:
    """Works on ``jobs`` until they are closed.

    Args:
        jobs: attempts of this process.
        traces: where their traces lie.
        reaper: ends what a dead worker left.
        start_host: starts a Ray, or the client of one.
        surroundings: clocks.
    """

    def __init__(
        self,
        jobs: Jobs,
        traces: Traces,
        reaper: Reaper,
        start_host: Callable[[], HostProcess],
        surroundings: LocalSurroundings,
    ) -> None:
        self._jobs = jobs
        self._traces = traces
        self._reaper = reaper
        self._start_host = start_host
        self._now = surroundings.now
        self._monotonic = surroundings.monotonic
        self._host: HostProcess | None = None
        self._out_of_order: Failure | None = None
        self._answered = threading.Event()
        self._thread: threading.Thread | None = None
        self.is_ready = False
        self.capacity: Capacity | None = None

    def start(self) -> None:
        """Begin to start Ray; returns at once, and does nothing the second time."""
        with self._jobs.changed:
            if self._thread is None and not self._jobs.is_closing:
                self._thread = threading.Thread(target=self._run, name="ray-tasks", daemon=True)
                self._thread.start()

    def await_answer(self) -> None:
        """Until Ray has said what it has, or nobody expects it to any more."""
        self.start()
        with self._jobs.changed:
            if self._thread is None:  # closed before anything was started
                return
        self._answered.wait()

    def submit(self, job: Job) -> None:
        """Have a job run; one that Ray will get later waits."""
        with self._jobs.changed:
            failure, host = self._out_of_order, self._host
            if host is not None and not job.is_submitted and job.final is None:
                job.is_submitted = True
                job.memory_kills_before = out_of_memory_kills()
                host.send(Submit(spec=job.spec))
        if failure is not None:
            self.finish(job, Observation(phase=Phase.FAILED, failure=failure, finished_at=self._now()))

    def kill(self, job: Job) -> None:
        """End a job that was submitted and is not over; its end is collected like any other."""
        self._reaper.end_own(job.id, lambda: self._tell(Stop(attempt=job.id)))

    def finish(self, job: Job, observation: Observation) -> None:
        if observation.phase is not Phase.SUCCEEDED:
            with contextlib.suppress(OSError):  # the record in the artifact store, if there is one, says it as well
                self._traces.note_end(job.id, observation)
        self._jobs.end(job, observation)
        if job.worker is not None:
            job.worker.close()

    def stop(self, timeout_s: float) -> None:
        """The jobs are closed: let go of Ray, at the latest after so many seconds."""
        with self._jobs.changed:
            thread, host = self._thread, self._host
        if thread is None:
            return
        if host is not None:
            host.dismiss()
        thread.join(timeout_s)
        if thread.is_alive() and host is not None:
            host.kill()
            thread.join(timeout_s)

    # -- inside ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            for left in range(MAX_RESTARTS, -1, -1):
                if not self._run_one_ray(is_last=not left):
                    return
        except Exception as error:  # the host cannot be started, for want of memory or a disk to log on
            self._give_up(ray_unusable(f"{type(error).__name__}: {error}"))
        finally:
            self._answered.set()

    def _run_one_ray(self, *, is_last: bool) -> bool:
        """From its start to its end; True if another one is to follow."""
        host = self._start_host()
        with self._jobs.changed:
            self._host = host
            if self._jobs.is_closing:  # whoever closes may not have seen it yet
                host.dismiss()
        for job in self._jobs.live:
            self.submit(job)
        guard = RayGuard(host.pid, self._monotonic)
        end = self._attend(host, guard)
        guard.close()
        with self._jobs.changed:
            self._host, self.is_ready = None, False
        ending = host.end()
        if self._jobs.is_closing:
            return False
        message = end if isinstance(end, str) and end else f"its client's process {ending}"
        if isinstance(end, Failure) or is_last:
            self._give_up(end if isinstance(end, Failure) else ray_died_too_often(message, MAX_RESTARTS + 1))
            return False
        self._lose_what_was_under_way(ray_died(message))
        return True

    def _attend(self, host: HostProcess, guard: RayGuard) -> Failure | str:
        """Take its answers until it, or Ray, has ended: what has, as far as that was told, or why Ray is of no use."""
        for answer in host.answers(LOOK_INTERVAL_S):
            if self._jobs.is_closing:
                death = ""  # Ray ends because somebody wants it
            elif _may_be_the_end_of_ray(answer):
                death = guard.death_within(2 * LOOK_S)
            else:
                death = guard.death()
            if death:
                return death
            match answer:
                case Unusable(message=message):
                    return ray_unusable(message)
                case Died(message=message):
                    return message
            self._take(answer)
        return ""

    def _take(self, answer: Answer | None) -> None:
        match answer:
            case None:
                self._find_workers()
            case Ready(resources=resources):
                self.is_ready, self.capacity = True, capacity_of(resources)
                self._answered.set()
            case Returned(attempt=attempt) | Broke(attempt=attempt):
                job = self._jobs.get(attempt)
                if job is not None:
                    with self._failing(job):
                        self.finish(job, self._outcome(job, answer))

    def _outcome(self, job: Job, answer: Returned | Broke) -> Observation:
        match answer:
            case Returned(failure=Failure() as failure, status=int(status)):
                return self._without_record(job, failure, Ending(status))
            case Returned(failure=failure):
                phase = Phase.SUCCEEDED if failure is None else Phase.FAILED
                return Observation(phase=phase, failure=failure, finished_at=self._now())
            case Broke(failure=failure):
                ending = job.worker.ending() if job.worker is not None else Ending()
                return self._without_record(job, failure, ending)

    def _without_record(self, job: Job, failure: Failure, ending: Ending) -> Observation:
        self._reaper.sweep(job.id)
        recorded = self._recorded(job)
        if recorded is not None:
            return recorded
        now = self._now()
        if job.is_cancelled:
            return Observation(phase=Phase.CANCELLED, finished_at=now)
        if self._jobs.is_closing:  # who ends because this process does was not at fault
            return Observation(phase=Phase.LOST, failure=failure, finished_at=now)
        kills = out_of_memory_kills() - job.memory_kills_before
        return worker_ended(failure, ending, kills).model_copy(update={"finished_at": now})

    def _lose_what_was_under_way(self, failure: Failure) -> None:
        """Attempts that a worker was at are lost; those that waited for one go to the next Ray."""
        for job in self._jobs.live:
            with self._failing(job):
                if not self._traces.was_begun(job.id) and not job.is_cancelled:
                    with self._jobs.changed:
                        job.is_submitted = False
                    continue
                self._reaper.sweep(job.id)
                phase = Phase.CANCELLED if job.is_cancelled else Phase.LOST
                seen = Observation(phase=phase, failure=failure, finished_at=self._now())
                self.finish(job, self._recorded(job) or seen)

    def _give_up(self, failure: Failure) -> None:
        with self._jobs.changed:
            self._out_of_order = failure
        self._answered.set()
        for job in self._jobs.live:
            with contextlib.suppress(Exception):  # its end has to be told in any case
                self._reaper.sweep(job.id)
            self.finish(job, Observation(phase=Phase.FAILED, failure=failure, finished_at=self._now()))

    def _recorded(self, job: Job) -> Observation | None:
        try:
            return self._traces.recorded(job.id)
        except Exception:  # the artifact store is silent; whoever decides looks there again
            return None

    def _find_workers(self) -> None:
        """How a worker ended is known only to those who have looked at it before."""
        for job in self._jobs.live:
            if job.is_submitted and job.worker is None:
                job.worker = self._traces.watch_worker(job.id)

    def _tell(self, command: Stop) -> None:
        with self._jobs.changed:
            if self._host is not None:
                self._host.send(command)

    @contextlib.contextmanager
    def _failing(self, job: Job) -> Iterator[None]:
        """What goes wrong within concerns this job alone."""
        try:
            yield
        except Exception as error:
            failure = ray_unusable(f"{type(error).__name__}: {error}")
            self.finish(job, Observation(phase=Phase.FAILED, failure=failure, finished_at=self._now()))


def _may_be_the_end_of_ray(answer: Answer | None) -> bool:
    """Ray's end shows first in workers that are gone, or in a client that complains; no stage is to blame then."""
    match answer:
        case Broke(failure=failure):
            return failure.reason in (FailureReason.WORKER_LOST, FailureReason.EXECUTOR_FAILED)
        case Unusable() | Died():
            return True
    return False
