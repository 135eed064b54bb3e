"""What a Ray worker process does with one attempt."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def run_attempt_task(spec_json: str, environments: str, variables: Mapping[str, str]) -> str:
    """Run the attempt; returns ``""`` on success, else the failure as JSON.

    Runs in a Ray worker. The process is used again for the next stage, so what was imported stays warm.

    Args:
        spec_json: an ``AttemptSpec``.
        environments: directory of virtual environments made for stages.
        variables: put into the environment; a Ray that ran before has not inherited them.
    """
    from bongsu.domain.attempt import AttemptSpec, Failure
    from bongsu_stages.runtime.isolated import needs_own_process, run_isolated
    from bongsu_stages.runtime.processes import marked, note_process
    from bongsu_stages.runtime.reporting import output_to
    from bongsu_stages.runtime.worker import run_logged

    os.environ.update(variables)
    spec = AttemptSpec.model_validate_json(spec_json)
    if not needs_own_process(spec):
        outcome = run_logged(spec)
    else:
        folder = Path(spec.log_directory or ".")
        note_process(folder / "task.json")
        with marked(folder), output_to(folder / "log.txt"):
            outcome = run_isolated(spec, Path(environments))
    return outcome.model_dump_json() if isinstance(outcome, Failure) else ""
