"""The executor of one machine: attempts are Ray tasks owned by this process, so none outlives it.

Ray ends the tasks of a driver that died; what a task started itself is found by its mark and ended with it. An
attempt whose process is gone is therefore over, and its records in the artifact store say how; if it left none,
it is lost. While its process lives, others may look at it, and stop it.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from bongsu.domain.attempt import AttemptSpec, Failure, Observation, Phase
from bongsu.domain.ids import AttemptId
from bongsu.executors.base import Capacity, EventPage
from bongsu.executors.local_ray.failures import failure_from_ray
from bongsu.executors.local_ray.session import RaySession
from bongsu.executors.local_ray.traces import Traces
from bongsu_stages.runtime.processes import kill_all, kill_marked, kill_tree

LOOK_INTERVAL_S = 0.05


@dataclass
class _Job:
    """An attempt of this process."""

    spec: AttemptSpec
    reference: Any = None
    final: Observation | None = None
    cancelled: bool = False
    events_seen: int = 0
    family: list[psutil.Process] = field(default_factory=list)


class LocalRayExecutor:
    """See ``bongsu.executors.base.Executor``.

    Args:
        logs: directory of attempts' traces.
        environments: directory of virtual environments made for stages.
        session: the Ray to use.
    """

    name = "local-ray"

    def __init__(self, logs: Path, environments: Path, session: RaySession) -> None:
        self._traces = Traces(logs)
        self._environments = environments
        self._session = session
        self._jobs: dict[AttemptId, _Job] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._is_warm = False
        self._pump = threading.Thread(target=self._run, name="ray-tasks", daemon=True)
        self._pump.start()

    def start(self) -> None:
        """Begin to start Ray, so that it is warm when the first stage is ready."""
        self._session.start()

    def capacity(self) -> Capacity:
        if self._session.is_ready:
            total = self._session.ray().cluster_resources()
            accelerators = tuple(
                name.removeprefix("accelerator_type:") for name in total if name.startswith("accelerator_type:")
            )
            return Capacity(
                cpus=total.get("CPU", 0.0),
                gpus=int(total.get("GPU", 0)),
                memory=int(total.get("memory", psutil.virtual_memory().total)),
                accelerators=accelerators,
            )
        gpus = len(list(Path("/dev").glob("nvidia[0-9]*")))
        cores = float(len(os.sched_getaffinity(0)))
        return Capacity(cpus=cores, gpus=gpus, memory=psutil.virtual_memory().total)

    def ensure(self, attempt: AttemptSpec) -> None:
        folder = self._traces.folder(attempt.id)
        spec = attempt.model_copy(update={"log_directory": str(folder)})
        if not self._traces.mark_launched(spec):
            return
        self._session.start()
        with self._changed:
            self._jobs[spec.id] = _Job(spec)
            self._changed.notify_all()

    def observe(self, attempts: Collection[AttemptId]) -> Mapping[AttemptId, Observation]:
        return {attempt: self._observe(attempt) for attempt in attempts}

    def cancel(self, attempt: AttemptId) -> None:
        with self._changed:
            job = self._jobs.get(attempt)
            if job is None:
                threading.Thread(target=self._kill_foreign, args=(attempt,), name="cancel", daemon=True).start()
                return
            if job.final is not None:
                return
            job.cancelled = True
            if job.reference is None:
                self._finish(job, Observation(phase=Phase.CANCELLED))
                return
        threading.Thread(target=self._kill, args=(job,), name="cancel", daemon=True).start()

    def wait(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        with self._changed:
            seen = self._finished()
            while self._finished() == seen and not self._events_grew():
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(min(left, LOOK_INTERVAL_S))

    def events(self, attempt: AttemptId, cursor: int = 0) -> EventPage:
        return self._traces.events(attempt, cursor)

    def logs(self, attempt: AttemptId, follow: bool = False) -> Iterator[str]:
        def is_live() -> bool:
            phase = self._observe(attempt).phase
            return follow and not phase.is_final and phase is not Phase.ABSENT

        return self._traces.follow(attempt, is_live)

    def close(self) -> None:
        with self._changed:
            self._closing = True
            live = [job for job in self._jobs.values() if job.final is None and job.reference is not None]
            self._changed.notify_all()
        for job in live:
            self._kill(job)
        self._pump.join(timeout=10)
        self._session.stop()

    # -- inside ----------------------------------------------------------------------------------------------

    def _observe(self, attempt: AttemptId) -> Observation:
        with self._changed:
            job = self._jobs.get(attempt)
            if job is not None:
                return job.final or self._live(job)
        if not self._traces.was_launched(attempt):
            return Observation(phase=Phase.ABSENT)
        return self._traces.recorded(attempt) or self._foreign(attempt)

    def _foreign(self, attempt: AttemptId) -> Observation:
        """An attempt that another executor started, and that left no record yet."""
        owner = self._traces.owner(attempt)
        workers = self._traces.workers(attempt)
        if owner is not None and (workers or owner.pid != os.getpid()):
            if workers:
                return self._running(attempt)
            return Observation(phase=Phase.QUEUED, waiting_for=f"process {owner.pid}, which drives it")
        self._kill_processes(attempt, workers)
        recorded = self._traces.recorded(attempt)  # it may have come to its end before it was killed
        message = "The process that ran this attempt is gone."
        return recorded or Observation(phase=Phase.LOST, failure=Failure(reason="WorkerLost", message=message))

    def _kill_foreign(self, attempt: AttemptId) -> None:
        if self._traces.was_launched(attempt) and self._traces.recorded(attempt) is None:
            self._kill_processes(attempt, self._traces.workers(attempt))

    def _kill_processes(self, attempt: AttemptId, workers: list[psutil.Process]) -> None:
        for process in workers:
            kill_tree(process)
        kill_marked(self._traces.folder(attempt))
        self._traces.clear_scratch(attempt)

    def _running(self, attempt: AttemptId) -> Observation:
        started = self._traces.started_at(attempt)
        at = datetime.fromtimestamp(started, UTC) if started is not None else None
        return Observation(phase=Phase.RUNNING, started_at=at)

    def _live(self, job: _Job) -> Observation:
        if self._traces.started_at(job.spec.id) is not None:
            self._is_warm = True
            return self._running(job.spec.id)
        if not self._session.is_ready:
            return Observation(phase=Phase.STARTING, waiting_for="Ray starts")
        if not self._is_warm:
            return Observation(phase=Phase.STARTING, waiting_for="the first worker starts")
        return Observation(phase=Phase.QUEUED, waiting_for="cores of this machine")

    def _finished(self) -> int:
        return sum(job.final is not None for job in self._jobs.values())

    def _events_grew(self) -> bool:
        grew = False
        for job in self._jobs.values():
            if job.final is None:
                size = self._traces.events_size(job.spec.id)
                grew = grew or size > job.events_seen
                job.events_seen = size
        return grew

    def _run(self) -> None:
        """Submit what is asked for and collect what is done, until closed."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or any(j.final is None for j in self._jobs.values()))
                if self._closing:
                    return
                waiting = [job for job in self._jobs.values() if job.reference is None and job.final is None]
            try:
                ray = self._session.ray()
            except BaseException as error:
                self._fail_all(error)
                continue
            try:
                for job in waiting:
                    self._submit(ray, job)
                self._collect(ray)
            except Exception as error:  # Ray itself is broken
                self._fail_all(error)

    def _submit(self, ray: Any, job: _Job) -> None:
        from bongsu.executors.local_ray.task import run_attempt_task

        needs = job.spec.resources
        # A distributed stage's gang of workers takes the cores; the task that drives it takes none.
        options: dict[str, Any] = {
            "num_cpus": 0 if job.spec.distributed else needs.cpus_per_worker,
            "max_retries": 0,
            "name": job.spec.id.key,
        }
        if needs.gpus_per_worker and not job.spec.distributed:
            options["num_gpus"] = needs.gpus_per_worker
            if needs.accelerator:
                options["accelerator_type"] = needs.accelerator
        reference = (
            ray.remote(run_attempt_task)
            .options(**options)
            .remote(job.spec.model_dump_json(), str(self._environments))
        )
        with self._changed:
            job.reference = reference
            cancelled = job.cancelled
        if cancelled:
            self._kill(job)

    def _collect(self, ray: Any) -> None:
        with self._changed:
            live = {job.reference: job for job in self._jobs.values() if job.reference and job.final is None}
        if not live:
            return
        done, _ = ray.wait(list(live), num_returns=1, timeout=LOOK_INTERVAL_S)
        for reference in done:
            observation = self._outcome(ray, live[reference], reference)
            with self._changed:
                self._finish(live[reference], observation)

    def _outcome(self, ray: Any, job: _Job, reference: Any) -> Observation:
        finished = datetime.now(UTC)
        try:
            text = ray.get(reference)
        except Exception as error:
            recorded = self._traces.recorded(job.spec.id)
            if recorded is not None:
                return recorded
            self._kill_processes(job.spec.id, job.family)
            if job.cancelled:
                return Observation(phase=Phase.CANCELLED, finished_at=finished)
            return Observation(phase=Phase.FAILED, failure=failure_from_ray(error), finished_at=finished)
        if not text:
            return Observation(phase=Phase.SUCCEEDED, finished_at=finished)
        return Observation(phase=Phase.FAILED, failure=Failure.model_validate_json(text), finished_at=finished)

    def _finish(self, job: _Job, observation: Observation) -> None:
        """The caller holds the lock."""
        if observation.phase is not Phase.SUCCEEDED:
            with contextlib.suppress(OSError):  # the record in the artifact store, if there is one, says it as well
                self._traces.note_end(job.spec.id, observation)
        job.final = observation
        self._is_warm = True
        self._changed.notify_all()

    def _kill(self, job: _Job) -> None:
        """End the task and everything below it."""
        ray = self._session.ray()
        for process in self._traces.workers(job.spec.id):
            with contextlib.suppress(psutil.NoSuchProcess):
                job.family += process.children(recursive=True)
        with contextlib.suppress(Exception):
            ray.cancel(job.reference, force=True, recursive=True)
        kill_all(job.family)

    def _fail_all(self, error: BaseException) -> None:
        failure = Failure(
            reason="ExecutorFailed",
            message=f"Ray does not work: {error}",
            fix="Run `bongsu doctor`; see Ray's own logs in its temporary directory.",
            retryable=False,
        )
        with self._changed:
            for job in self._jobs.values():
                if job.final is None:
                    self._finish(job, Observation(phase=Phase.FAILED, failure=failure))
