"""Runs by the page, filtered: each page is one look into an index, however many runs there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from bongsu.domain.filters import Comparison, FieldKind, Operator
from bongsu.store.records import RunRecord
from bongsu.store.runs import COLUMNS, run_of
from bongsu.store.schema import runs
from bongsu.store.scope import visible

FIELDS = {
    "id": FieldKind.WORD,
    "state": FieldKind.WORD,
    "pipeline": FieldKind.WORD,
    "ministry": FieldKind.WORD,
    "label": FieldKind.WORD,
    "useClass": FieldKind.WORD,
    "submittedBy": FieldKind.WORD,
    "createdAt": FieldKind.TIME,
    "startedAt": FieldKind.TIME,
    "finishedAt": FieldKind.TIME,
}
"""What runs can be filtered by; the columns have the same names in snake case."""
_COLUMN = {"useClass": "use_class", "submittedBy": "submitted_by"} | {
    f"{name}At": f"{name}_at" for name in ("created", "started", "finished")
}


@dataclass(frozen=True)
class Behind:
    """The last run of a page: when it was created (seconds since the epoch), and its id."""

    created_at: float
    run_id: str


def page_of_runs(
    connection: Connection, filters: Sequence[Comparison], limit: int, behind: Behind | None = None
) -> list[RunRecord]:
    """At most ``limit`` runs that the reader sees, newest first, behind the last one of the page before."""
    query = select(*COLUMNS).where(visible(connection, runs), *map(_holds, filters))
    if behind is not None:
        query = query.where(
            or_(
                runs.c.created_at < behind.created_at,
                and_(runs.c.created_at == behind.created_at, runs.c.id < behind.run_id),
            )
        )
    query = query.order_by(runs.c.created_at.desc(), runs.c.id.desc()).limit(limit)
    return [run_of(connection, row) for row in connection.execute(query)]


def _holds(comparison: Comparison) -> ColumnElement[bool]:
    column = runs.c[_COLUMN.get(comparison.field, comparison.field)]
    (first, *_others) = comparison.values
    match comparison.operator:
        case Operator.IS:
            return column == first
        case Operator.IS_NOT:
            return column != first
        case Operator.BELOW:
            return column < first
        case Operator.AT_MOST:
            return column <= first
        case Operator.ABOVE:
            return column > first
        case Operator.AT_LEAST:
            return column >= first
        case Operator.ANY_OF:
            return column.in_(comparison.values)
