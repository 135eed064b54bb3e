"""The thread that has Ray run attempts, notes what became of them, and starts Ray again when it has died."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil

from bongsu.domain.attempt import Failure, FailureReason, Observation, Phase
from bongsu.domain.capacity import Capacity
from bongsu.domain.messages import N_
from bongsu.domain.mistakes import OTHERS
from bongsu.domain.phrases import Words, phrase
from bongsu.executors.local_ray.endings import out_of_memory_kills
from bongsu.executors.local_ray.failures import own_fault, ray_died, ray_died_too_often, ray_unusable
from bongsu.executors.local_ray.guard import LOOK_S, RayGuard
from bongsu.executors.local_ray.host_messages import Answer, Broke, Died, Ready, Returned, Stop, Submit, Unusable
from bongsu.executors.local_ray.hosting import HostProcess
from bongsu.executors.local_ray.jobs import Job, Jobs
from bongsu.executors.local_ray.outcomes import Outcomes
from bongsu.executors.local_ray.reaping import Reaper
from bongsu.executors.local_ray.session import capacity_of
from bongsu.executors.local_ray.surroundings import LocalSurroundings
from bongsu.executors.local_ray.traces import Traces
from bongsu.machine.fault_log import FaultLog

LOOK_INTERVAL_S = 0.05
MAX_RESTARTS = 3
START_S = 180.0
# A Ray that was of use for so long has not died of what ended those before it.
HEALTHY_S = 600.0
# How long after it was given up the next look is, by whoever asks.
KNOCK_AGAIN_S = 30.0
_log = logging.getLogger("bongsu.executors.ray")
_log.addHandler(logging.NullHandler())  # a command tells what becomes of its attempts
# How this machine, its disks and its processes fail.
_OF_MACHINE = (*OTHERS, MemoryError, psutil.Error)


@dataclass(frozen=True)
class RayEnd:
    """How a Ray came to its end.

    Attributes:
        message: what of it ended, and how; empty where nobody said.
        unusable: why no other Ray would be of use.
    """

    message: Words = ""
    unusable: Failure | None = None


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
        self._outcomes = Outcomes(jobs, traces, reaper, surroundings.now)
        self._monotonic = surroundings.monotonic
        self._host: HostProcess | None = None
        self._out_of_order: Failure | None = None
        self._answered = threading.Event()
        self._thread: threading.Thread | None = None
        self._faults = FaultLog("bongsu.executors")
        self._restarts = 0
        self._ready_at: float | None = None
        self._knocks_at = 0.0
        self.is_ready = False
        self.capacity: Capacity | None = None

    def start(self) -> None:
        """Begin to start Ray; returns at once. The second time it does nothing, but that one which was given up is
        tried again after ``KNOCK_AGAIN_S``."""
        with self._jobs.changed:
            is_over = self._thread is not None and not self._thread.is_alive() and self._out_of_order is not None
            is_due = self._thread is None or (is_over and self._monotonic() >= self._knocks_at)
            if is_due and not self._jobs.is_closing:
                self._restarts = 0
                self._thread = threading.Thread(target=self._run, name="ray-tasks", daemon=True)
                self._thread.start()

    @property
    def trouble(self) -> Words:
        """Why it was given up; empty while it was not, or answers again."""
        failure = self._out_of_order
        return failure.message if failure is not None else ""

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
            # A Ray that starts could not be told to stop it again.
            waits = not (job.is_submitted or job.is_cancelled) and job.final is None
            if host is not None and self.is_ready and waits:
                job.is_submitted = True
                job.memory_kills_before = out_of_memory_kills()
                host.send(Submit(spec=job.spec, given=job.given))
        if failure is not None:
            self.finish(job, self._outcomes.failed(failure))

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
            while self._run_one_ray():
                self._restarts += 1
        except _OF_MACHINE as error:  # the host cannot be started, for want of memory or a disk to log on
            self._give_up(ray_unusable(f"{type(error).__name__}: {error}"))
        except Exception as error:  # without this thread every attempt would be waited for until its timeout
            self._faults.note("the thread of Ray", error)
            self._give_up(own_fault(error))
        finally:
            self._answered.set()

    def _run_one_ray(self) -> bool:
        """From its start to its end; True if another one is to follow."""
        host = self._start_host()
        with self._jobs.changed:
            self._host = host
            if self._jobs.is_closing:  # whoever closes may not have seen it yet
                host.dismiss()
        guard = RayGuard(host.pid, self._monotonic)
        try:
            end = self._attend(host, guard)
        except Exception as error:  # of whatever kind: another Ray may do better
            if not isinstance(error, _OF_MACHINE):
                self._faults.note("looking after Ray", error)
            end = RayEnd(
                phrase(N_("looking after it failed with {error}"), error=f"{type(error).__name__}: {error}")
            )
        finally:
            guard.close()
        with self._jobs.changed:
            self._host, self.is_ready = None, False
        ending = host.end()
        if self._jobs.is_closing:
            return False
        message = end.message or phrase(N_("its client's process {ending}"), ending=ending.words)
        if self._ready_at is not None and self._monotonic() > self._ready_at + HEALTHY_S:
            self._restarts = 0
        self._ready_at = None
        if end.unusable is not None or self._restarts >= MAX_RESTARTS:
            self._give_up(end.unusable or ray_died_too_often(message, MAX_RESTARTS + 1))
            return False
        self._lose_what_was_under_way(ray_died(message))
        return True

    def _attend(self, host: HostProcess, guard: RayGuard) -> RayEnd:
        """Take its answers until it, or Ray, has ended."""
        patience = self._monotonic() + START_S
        for answer in host.answers(LOOK_INTERVAL_S):
            if not self.is_ready and self._monotonic() > patience:
                return RayEnd(phrase(N_("it was not ready {seconds:.0f} s after its start"), seconds=START_S))
            if self._jobs.is_closing:
                death: Words = ""  # Ray ends because somebody wants it
            elif _may_be_the_end_of_ray(answer):
                death = guard.death_within(2 * LOOK_S)
            else:
                death = guard.death()
            if death:
                # Its children end with the client, and may be seen to before it is.
                return RayEnd() if host.has_ended else RayEnd(death)
            match answer:
                case Unusable(message=message):
                    return RayEnd(unusable=ray_unusable(message))
                case Died(message=message):
                    return RayEnd(message)
            self._take(answer, guard)
        return RayEnd()

    def _take(self, answer: Answer | None, guard: RayGuard) -> None:
        match answer:
            case None:
                self._find_workers()
            case Ready(resources=resources):
                self.is_ready, self.capacity = True, capacity_of(resources)
                self._ready_at = self._monotonic()
                self._note_back()
                self._answered.set()
                for waiting in self._jobs.live:
                    self.submit(waiting)
            case Returned(attempt=attempt) | Broke(attempt=attempt):
                job = self._jobs.get(attempt)
                if job is not None:
                    with self._failing(job):
                        worker = job.worker or guard.worker(self._traces.worker_pid(attempt))
                        self.finish(job, self._outcomes.answered(job, answer, worker))

    def _lose_what_was_under_way(self, failure: Failure) -> None:
        """Attempts that a worker was at are lost; those that waited for one go to the next Ray."""
        for job in self._jobs.live:
            with self._failing(job):
                with self._jobs.changed:
                    waits = not self._traces.was_begun(job.id) and not job.is_cancelled
                    if waits:
                        job.is_submitted = False
                if waits:
                    continue
                self.finish(job, self._outcomes.lost(job, failure))

    def _give_up(self, failure: Failure) -> None:
        with self._jobs.changed:
            is_news = self._out_of_order is None
            self._out_of_order, self._knocks_at = failure, self._monotonic() + KNOCK_AGAIN_S
        if is_news:
            _log.warning("The executor does not answer.", extra={"facts": {"detail": str(failure.message)}})
        self._answered.set()
        for job in self._jobs.live:
            try:
                self._reaper.sweep(job.id)
            except _OF_MACHINE:
                pass  # what is left of it is less than that its end is told
            except Exception as error:  # its end has to be told in any case
                self._faults.note("clearing up after an attempt", error)
            self.finish(job, self._outcomes.failed(failure))

    def _note_back(self) -> None:
        with self._jobs.changed:
            was_away, self._out_of_order = self._out_of_order is not None, None
        if was_away:
            _log.info("The executor answers again.")

    def _find_workers(self) -> None:
        """How a worker ended is known only to those who have looked at it before."""
        for job in self._jobs.live:
            if job.is_submitted and job.worker is None:
                worker = self._traces.watch_worker(job.id)
                if worker is not None and not self._jobs.note_worker(job, worker):
                    worker.close()

    def _tell(self, command: Stop) -> None:
        with self._jobs.changed:
            if self._host is not None:
                self._host.send(command)

    @contextlib.contextmanager
    def _failing(self, job: Job) -> Iterator[None]:
        """What goes wrong within concerns this job alone."""
        try:
            yield
        except _OF_MACHINE as error:
            self.finish(job, self._outcomes.failed(ray_unusable(f"{type(error).__name__}: {error}")))
        except Exception as error:  # others have nothing to do with it, and nobody else would tell its end
            self._faults.note("the end of an attempt", error)
            self.finish(job, self._outcomes.failed(own_fault(error)))


def _may_be_the_end_of_ray(answer: Answer | None) -> bool:
    """Ray's end shows first in workers that are gone, or in a client that complains; no stage is to blame then."""
    match answer:
        case Broke(failure=failure):
            return failure.reason in (FailureReason.WORKER_LOST, FailureReason.EXECUTOR_FAILED)
        case Unusable() | Died():
            return True
    return False
