"""Runs by the page, filtered: each page is one look into an index, however many runs there are."""

from __future__ import annotations

from sqlalchemy import Connection, select

from bongsu.domain.paging import PageRequest
from bongsu.domain.run import RunState
from bongsu.domain.uses import UseClass
from bongsu.store.listing import Listing, Step, columns
from bongsu.store.records import RunRecord
from bongsu.store.runs import COLUMNS, run_of
from bongsu.store.schema import runs
from bongsu.store.scope import visible

RUNS = Listing(
    (Step(runs.c.created_at, down=True), Step(runs.c.id, down=True)),
    columns(
        runs,
        "id",
        "state",
        "pipeline",
        "ministry",
        "label",
        "useClass",
        "submittedBy",
        "createdAt",
        "startedAt",
        "finishedAt",
    ),
    closed={"state": RunState, "useClass": UseClass},
)


_STATES = [state.value for state in RunState]


def page_of_runs(connection: Connection, wanted: PageRequest) -> list[RunRecord]:
    """Runs that the reader sees, newest first. One whose row says a state that there is not is on no page, so that it
    stops none; asked for by its id it is ``run.database-damaged``, and the reconciler tells of it."""
    query = select(*COLUMNS).where(visible(connection, runs), runs.c.state.in_(_STATES))
    query = RUNS.page(query, wanted)
    return [run_of(connection, row) for row in connection.execute(query)]
