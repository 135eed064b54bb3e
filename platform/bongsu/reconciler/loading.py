"""Reading a run's facts from the store."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import Connection

from bongsu.domain.ids import RunId, StageId
from bongsu.domain.plan import RunPlan
from bongsu.reconciler.facts import RunFacts
from bongsu.reconciler.stopping import why_cancelled
from bongsu.store.attempts import attempts_of
from bongsu.store.records import AttemptRecord, RunRecord
from bongsu.store.runs import get_plan, get_run
from bongsu.store.stages import stages_of

# Above this, reading everything is as fast, and a query has no more names in it than a database takes.
FEW = 200


def load_facts(
    connection: Connection, run_id: RunId, plan: RunPlan | None = None, run: RunRecord | None = None
) -> RunFacts:
    """The run as it is in this transaction. What is known is not read again: a plan, which never changes, and the run
    itself, if it was read in this transaction."""
    run = run or get_run(connection, run_id)
    return RunFacts(
        run=run,
        plan=plan or get_plan(connection, run_id),
        stages={record.stage_id: record for record in stages_of(connection, run_id)},
        attempts=_by_stage(attempts_of(connection, run_id)),
        why_cancelled=why_cancelled(connection, run),
    )


def load_changed(connection: Connection, facts: RunFacts, touched: Collection[StageId]) -> RunFacts:
    """As :func:`load_facts`, for whoever knows what is new: a run of many stages is not read again for one of them.

    Args:
        facts: the run as it was when its version was claimed in this transaction, so that nobody else changed it.
        touched: the stages of which, or of whose attempts, something was changed since.
    """
    if len(touched) > FEW:
        return load_facts(connection, facts.run.id, facts.plan)
    run_id, names = facts.run.id, sorted(touched)
    run = get_run(connection, run_id)
    return replace(
        facts,
        run=run,
        stages={**facts.stages, **{one.stage_id: one for one in stages_of(connection, run_id, names)}},
        attempts={**facts.attempts, **_by_stage(attempts_of(connection, run_id, names))},
        why_cancelled=why_cancelled(connection, run),
    )


def _by_stage(attempts: list[AttemptRecord]) -> dict[StageId, tuple[AttemptRecord, ...]]:
    tries: dict[StageId, list[AttemptRecord]] = {}
    for attempt in attempts:
        tries.setdefault(attempt.id.stage_id, []).append(attempt)
    return {stage_id: tuple(found) for stage_id, found in tries.items()}
