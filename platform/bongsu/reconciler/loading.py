"""Reading a run's facts from the store."""

from __future__ import annotations

from sqlalchemy import Connection

from bongsu.domain.ids import RunId, StageId
from bongsu.domain.plan import RunPlan
from bongsu.reconciler.facts import RunFacts
from bongsu.store.attempts import attempts_of
from bongsu.store.records import AttemptRecord
from bongsu.store.runs import get_plan, get_run
from bongsu.store.stages import stages_of


def load_facts(connection: Connection, run_id: RunId, plan: RunPlan | None = None) -> RunFacts:
    """The run as it is in this transaction. A plan never changes: one that is known is not read again."""
    tries: dict[StageId, list[AttemptRecord]] = {}
    for attempt in attempts_of(connection, run_id):
        tries.setdefault(attempt.id.stage_id, []).append(attempt)
    return RunFacts(
        run=get_run(connection, run_id),
        plan=plan or get_plan(connection, run_id),
        stages={record.stage_id: record for record in stages_of(connection, run_id)},
        attempts={stage_id: tuple(found) for stage_id, found in tries.items()},
    )
