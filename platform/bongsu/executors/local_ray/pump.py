"""The thread that submits attempts to Ray and collects what became of them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bongsu.domain.attempt import AttemptSpec, Failure, Observation, Phase
from bongsu.executors.local_ray.failures import failure_from_ray, ray_is_out_of_order
from bongsu.executors.local_ray.jobs import Job, Jobs
from bongsu.executors.local_ray.reaping import Reaper
from bongsu.executors.local_ray.session import RaySession
from bongsu.executors.local_ray.traces import Traces

LOOK_INTERVAL_S = 0.05


class Pump:
    """Works on ``jobs`` until they are closed.

    Args:
        jobs: attempts of this process.
        session: the Ray to use.
        traces: where their traces lie.
        reaper: ends what a dead worker left.
        environments: directory of virtual environments made for stages.
        variables: environment variables that stages get.
    """

    def __init__(
        self,
        jobs: Jobs,
        session: RaySession,
        traces: Traces,
        reaper: Reaper,
        environments: Path,
        variables: Mapping[str, str],
    ) -> None:
        self._jobs = jobs
        self._session = session
        self._traces = traces
        self._reaper = reaper
        self._environments = environments
        self._variables = dict(variables)
        self._thread = threading.Thread(target=self._run, name="ray-tasks", daemon=True)
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def kill(self, job: Job) -> None:
        """End a job that was submitted and is not over; its end is collected like any other."""
        self._reaper.end_own(job.id, lambda: self._session.ray().cancel(job.reference, force=True, recursive=True))

    def _run(self) -> None:
        while self._jobs.await_work():
            try:
                ray = self._session.ray()
            except BaseException as error:  # starting Ray may even ask the process to exit
                self._fail(self._jobs.live, error)
                continue
            for job in self._jobs.live:
                if job.reference is None:
                    with self._failing(job):
                        self._submit(ray, job)
            self._collect(ray)

    def _submit(self, ray: Any, job: Job) -> None:
        from bongsu.executors.local_ray.task import run_attempt_task

        arguments = (job.spec.model_dump_json(), str(self._environments), self._variables)
        reference = ray.remote(run_attempt_task).options(**_options(job.spec)).remote(*arguments)
        with self._jobs.changed:
            job.reference = reference
            is_cancelled = job.is_cancelled
        if is_cancelled:
            self.kill(job)

    def _collect(self, ray: Any) -> None:
        live = {job.reference: job for job in self._jobs.live if job.reference is not None}
        if not live:
            return
        try:
            done, _ = ray.wait(list(live), num_returns=1, timeout=LOOK_INTERVAL_S)
        except Exception as error:  # Ray itself is broken
            self._fail(list(live.values()), error)
            return
        for reference in done:
            with self._failing(live[reference]):
                self.finish(live[reference], self._outcome(ray, live[reference]))

    def _outcome(self, ray: Any, job: Job) -> Observation:
        now = datetime.now(UTC)
        try:
            text = ray.get(job.reference)
        except Exception as error:  # Ray raises what ended the task, of whatever kind
            self._reaper.sweep(job.id)
            recorded = self._recorded(job)
            if recorded is not None:
                return recorded
            if job.is_cancelled:
                return Observation(phase=Phase.CANCELLED, finished_at=now)
            failure = failure_from_ray(error)
            # Who ends because this process does was not at fault.
            phase = Phase.LOST if self._jobs.is_closing else Phase.FAILED
            return Observation(phase=phase, failure=failure, finished_at=now)
        if not text:
            return Observation(phase=Phase.SUCCEEDED, finished_at=now)
        return Observation(phase=Phase.FAILED, failure=Failure.model_validate_json(text), finished_at=now)

    def _recorded(self, job: Job) -> Observation | None:
        try:
            return self._traces.recorded(job.id)
        except Exception:  # the artifact store is silent; whoever decides looks there again
            return None

    def finish(self, job: Job, observation: Observation) -> None:
        if observation.phase is not Phase.SUCCEEDED:
            with contextlib.suppress(OSError):  # the record in the artifact store, if there is one, says it as well
                self._traces.note_end(job.id, observation)
        self._jobs.end(job, observation)

    @contextlib.contextmanager
    def _failing(self, job: Job) -> Iterator[None]:
        """What goes wrong within concerns this job alone."""
        try:
            yield
        except Exception as error:  # of Ray, which says in no other way that it does not take a task
            self._fail([job], error)

    def _fail(self, jobs: list[Job], error: BaseException) -> None:
        for job in jobs:
            self.finish(job, Observation(phase=Phase.FAILED, failure=ray_is_out_of_order(error)))


def _options(spec: AttemptSpec) -> dict[str, Any]:
    needs = spec.resources
    # A distributed stage's gang of workers takes the cores; the task that drives it takes none.
    options: dict[str, Any] = {
        "num_cpus": 0 if spec.distributed else needs.cpus_per_worker,
        "max_retries": 0,
        "name": spec.id.key,
    }
    if needs.gpus_per_worker and not spec.distributed:
        options["num_gpus"] = needs.gpus_per_worker
        if needs.accelerator:
            options["accelerator_type"] = needs.accelerator
    return options
