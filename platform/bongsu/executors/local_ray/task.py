"""What a Ray worker process does with one attempt. Composition root of that process."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from bongsu.domain.attempt import TASK_NOTE, AttemptSpec, Failure
from bongsu.domain.worker_leave import WorkerPass
from bongsu.executors.local_ray.host_messages import Returned


def run_attempt_task(
    spec_json: str, environments: str, variables: Mapping[str, str], given_json: str | None = None
) -> str:
    """Run the attempt; returns :class:`Returned` as JSON.

    Runs in a Ray worker. The process is used again for the next stage, so what was imported stays warm.

    Args:
        spec_json: an ``AttemptSpec``.
        environments: directory of virtual environments made for stages.
        variables: put into the environment; a Ray that ran before has not inherited them.
        given_json: a ``WorkerPass``; None where there is nobody to ask. It does not come into the environment of this
            process, which the next stage has too.
    """
    from bongsu.machine.processes import marked, note_process
    from bongsu_stages.runtime.isolated import EndedWithoutRecord, needs_own_process, run_isolated
    from bongsu_stages.runtime.leave import leave_of
    from bongsu_stages.runtime.reporting import output_to
    from bongsu_stages.runtime.worker import run_logged

    os.environ.update(variables)
    spec = AttemptSpec.model_validate_json(spec_json)
    given = WorkerPass.model_validate_json(given_json) if given_json is not None else None
    if not needs_own_process(spec):
        outcome = run_logged(spec, time.time, leave_of(spec, given))
        failure = outcome if isinstance(outcome, Failure) else None
        return Returned(attempt=spec.id, failure=failure).model_dump_json()
    folder = Path(spec.log_directory or ".")
    note_process(folder / TASK_NOTE)
    with marked(folder), output_to(folder / "log.txt"):
        isolated = run_isolated(spec, Path(environments), os.environ, given)
    if isinstance(isolated, EndedWithoutRecord):
        ended = Returned(attempt=spec.id, failure=isolated.failure, status=isolated.status)
        return ended.model_dump_json()
    failure = isolated if isinstance(isolated, Failure) else None
    return Returned(attempt=spec.id, failure=failure).model_dump_json()
