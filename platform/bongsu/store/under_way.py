"""What stages of runs under way ask for: very many runs are looked at together, and of their plans no more is read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, select

from bongsu.domain.plan import PlanNeeds
from bongsu.domain.resources import Resources
from bongsu.domain.run import RunState, StageState
from bongsu.store.faults import readable
from bongsu.store.portions import portions
from bongsu.store.schema import runs, stages
from bongsu.store.scope import visible

# A plan of thousands of stages has megabytes.
PLANS_AT_ONCE = 20
_Row = Row[*tuple[Any, ...]]
_UNFINISHED = tuple(state.value for state in RunState if not state.is_final)


@dataclass(frozen=True)
class StageAsking:
    """A stage of a run that is not over, in whose ministry it is, and what it asks for."""

    ministry: str
    state: StageState
    resources: Resources


def stages_asking(connection: Connection, states: Collection[StageState]) -> Iterator[StageAsking]:
    """Those in one of these states, of all runs that who asks may see and that are not over. The database is asked once
    for them, and once for the plans of each portion of their runs."""
    query = (
        select(stages.c.run_id, stages.c.stage_id, stages.c.state, runs.c.ministry)
        .join(runs, runs.c.id == stages.c.run_id)
        .where(visible(connection, runs), runs.c.state.in_(_UNFINISHED))
        .where(stages.c.state.in_([state.value for state in states]))
        .order_by(stages.c.run_id)
    )
    rows = connection.execute(query).all()
    found = {run: list(of_run) for run, of_run in groupby(rows, lambda row: str(row.run_id))}
    for some in portions(list(found), PLANS_AT_ONCE):
        for row in connection.execute(select(runs.c.id, runs.c.plan).where(runs.c.id.in_(some))):
            yield from _asking(connection, row, found[row.id])


def _asking(connection: Connection, run: _Row, asking: Sequence[_Row]) -> list[StageAsking]:
    with readable(connection, runs, run.id):
        needs = PlanNeeds.model_validate_json(run.plan).by_stage
        return [StageAsking(one.ministry, StageState(one.state), needs[one.stage_id]) for one in asking]
