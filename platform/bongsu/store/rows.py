"""Every row of a database, read as it is read when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from sqlalchemy import Connection, select

from bongsu.domain.problems import BongsuError, Problem
from bongsu.store.artifacts import list_artifacts
from bongsu.store.attempts import attempts_of
from bongsu.store.datasets import list_dataset_versions
from bongsu.store.grant_ledger import entries_of
from bongsu.store.grants import get_grant
from bongsu.store.models import list_versions
from bongsu.store.runs import get_plan, get_run
from bongsu.store.schema import runs
from bongsu.store.schema_grants import grants
from bongsu.store.stages import stages_of


def unreadable_rows(connection: Connection) -> Iterator[Problem]:
    """``run.database-damaged`` for what cannot be read: once for each kind of row of each run, for each list of
    registered versions and of artifacts, and for each grant and its ledger. What is only noted to save work, and the
    logs of events, are left out."""
    looks: list[Callable[[Connection], object]] = [list_versions, list_dataset_versions, list_artifacts]
    for run_id in connection.execute(select(runs.c.id).order_by(runs.c.created_at)).scalars():
        looks += [partial(look, run_id=run_id) for look in (get_run, get_plan, stages_of, attempts_of)]
    for grant_id in connection.execute(select(grants.c.id).order_by(grants.c.id)).scalars():
        looks += [partial(look, grant_id=grant_id) for look in (get_grant, entries_of)]
    for look in looks:
        try:
            look(connection)
        except BongsuError as error:
            yield from error.problems
