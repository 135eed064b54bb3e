"""For which viewer a row of each of MLflow's tables exists.

Every mapped class has a criterion here; one that is not listed (MLflow has a new one) has the criterion "for nobody",
and a test says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlflow.store.db.base_sql_model import Base
from mlflow.store.model_registry.dbmodels import models as registry
from mlflow.store.tracking.dbmodels import models as tracking
from mlflow.store.workspace.dbmodels import models as workspaces
from sqlalchemy import (
    ColumnElement,
    String,
    Table,
    and_,
    bindparam,
    cast,
    exists,
    inspect,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import LoaderCriteriaOption
from sqlalchemy.sql.visitors import iterate

from bongsu.tracking.governed.marks import Kind, marks
from bongsu.tracking.governed.viewer import Acting, Sight, current_actor
from bongsu.tracking.names import SHARED_TAGS

NOBODY = literal_column("'bongsu_marks'") == literal_column("'for nobody'")
"""Never true; named, so that the text of a statement shows that it was looked at."""

Criterion = Callable[["Filter"], ColumnElement[bool]]


def _sight() -> Sight:
    actor = current_actor()
    # A bind that is evaluated without a viewer matches nothing.
    return (actor.sight or Sight()) if isinstance(actor, Acting) else Sight()


def _workspace() -> str:
    actor = current_actor()
    return actor.workspace if isinstance(actor, Acting) else ""


def _workspaces() -> list[str]:
    actor = current_actor()
    return sorted(actor.viewer.workspaces) if isinstance(actor, Acting) else []


def _many(name: str, values: Callable[[], Any]) -> Any:
    return bindparam(name, callable_=values, expanding=True)


class Filter:
    """Builds criteria whose values are looked up when a statement is executed, so that they are built once.

    Args:
        unsealed: for statements that change rows: only what its owner may change.
    """

    def __init__(self, unsealed: bool) -> None:
        self._unsealed = unsealed

    def seen(self, kind: Kind, thing: Any) -> ColumnElement[bool]:
        """The thing has a mark in one of the viewer's scopes."""
        by_name = kind in (Kind.MODEL, Kind.MODEL_NOTES, Kind.VERSION)
        values = (lambda: _sight().model_scopes) if by_name else (lambda: _sight().scopes)
        scopes = _many("bongsu_model_scopes" if by_name else "bongsu_scopes", values)
        clauses = [marks.c.kind == kind.value, marks.c.thing == thing, marks.c.scope.in_(scopes)]
        if self._unsealed:
            clauses.append(marks.c.sealed.is_(False))
        return exists(select(1).select_from(marks).where(*clauses))

    def in_workspace(self, column: Any) -> ColumnElement[bool]:
        return column == bindparam("bongsu_workspace", callable_=_workspace)  # type: ignore[no-any-return]

    def at_home(self) -> ColumnElement[bool]:
        """The workspace is a ministry of the viewer's."""
        is_guest: Any = bindparam("bongsu_is_guest", callable_=lambda: _sight().is_guest)
        return is_guest.is_(False)  # type: ignore[no-any-return]

    def shared(self, thing: Any, values: Callable[[], Any], name: str) -> ColumnElement[bool]:
        """True at home; elsewhere only for what is shared by name."""
        return or_(self.at_home(), thing.in_(_many(name, values)))

    def model(self, kind: Kind, row: Any) -> ColumnElement[bool]:
        shared = self.shared(row.name, lambda: _sight().names, "bongsu_names")
        return and_(self.in_workspace(row.workspace), shared, self.seen(kind, row.name))

    def version(self, row: Any) -> ColumnElement[bool]:
        thing = row.name.concat("/").concat(cast(row.version, String))
        shared = self.shared(thing, lambda: _sight().versions, "bongsu_versions")
        return and_(self.in_workspace(row.workspace), shared, self.seen(Kind.VERSION, thing))

    def edge(self, row: Any) -> ColumnElement[bool]:
        """An input or output of a run: both ends have to be seen; the end that is changed is the run."""
        both = Filter(unsealed=False)
        of_data = and_(
            row.source_type == "DATASET",
            row.destination_type == "RUN",
            self.seen(Kind.RUN, row.destination_id),
            both.seen(Kind.DATASET, row.source_id),
        )
        of_models = and_(
            row.source_type.in_(("RUN_INPUT", "RUN_OUTPUT")),
            self.seen(Kind.RUN, row.source_id),
            both.seen(Kind.LOGGED_MODEL, row.destination_id),
        )
        return or_(of_data, of_models)


def _experiment(f: Filter) -> ColumnElement[bool]:
    row = tracking.SqlExperiment
    return and_(f.in_workspace(row.workspace), f.seen(Kind.EXPERIMENT, cast(row.experiment_id, String)))


def _experiment_tag(f: Filter) -> ColumnElement[bool]:
    return f.seen(Kind.EXPERIMENT_NOTES, cast(tracking.SqlExperimentTag.experiment_id, String))


def _of_version_alone(row: Any) -> Criterion:
    """Tags that say what a version is are for whoever it is shared with; others say where it comes from."""
    return lambda f: and_(f.version(row), or_(f.at_home(), row.key.in_(SHARED_TAGS)))


def _at_home(made: Callable[[Filter], ColumnElement[bool]]) -> Criterion:
    """What is its ministry's own business, whoever the version is shared with."""
    return lambda f: and_(made(f), f.at_home())


def _input_tag(f: Filter) -> ColumnElement[bool]:
    edge = tracking.SqlInput.__table__.alias("bongsu_edge")
    return exists(
        select(1)
        .select_from(edge)
        .where(edge.c.input_uuid == tracking.SqlInputTag.input_uuid, f.edge(edge.c))
        .correlate(tracking.SqlInputTag.__table__)
    )


def _model_metric(f: Filter) -> ColumnElement[bool]:
    row = tracking.SqlLoggedModelMetric
    return and_(f.seen(Kind.LOGGED_MODEL, row.model_id), Filter(unsealed=False).seen(Kind.RUN, row.run_id))


def _of(kind: Kind, column: Any) -> Criterion:
    return lambda f: f.seen(kind, column)


CRITERIA: Mapping[type, Criterion] = {
    workspaces.SqlWorkspace: lambda f: workspaces.SqlWorkspace.name.in_(_many("bongsu_workspaces", _workspaces)),
    tracking.SqlExperiment: _experiment,
    tracking.SqlExperimentTag: _experiment_tag,
    tracking.SqlRun: _of(Kind.RUN, tracking.SqlRun.run_uuid),
    tracking.SqlTag: _of(Kind.RUN, tracking.SqlTag.run_uuid),
    tracking.SqlParam: _of(Kind.RUN, tracking.SqlParam.run_uuid),
    tracking.SqlMetric: _of(Kind.RUN, tracking.SqlMetric.run_uuid),
    tracking.SqlLatestMetric: _of(Kind.RUN, tracking.SqlLatestMetric.run_uuid),
    tracking.SqlDataset: _of(Kind.DATASET, tracking.SqlDataset.dataset_uuid),
    tracking.SqlInput: lambda f: f.edge(tracking.SqlInput),
    tracking.SqlInputTag: _input_tag,
    tracking.SqlLoggedModel: _of(Kind.LOGGED_MODEL, tracking.SqlLoggedModel.model_id),
    tracking.SqlLoggedModelTag: _of(Kind.LOGGED_MODEL, tracking.SqlLoggedModelTag.model_id),
    tracking.SqlLoggedModelParam: _of(Kind.LOGGED_MODEL, tracking.SqlLoggedModelParam.model_id),
    tracking.SqlLoggedModelMetric: _model_metric,
    tracking.SqlTraceInfo: _of(Kind.TRACE, tracking.SqlTraceInfo.request_id),
    tracking.SqlTraceTag: _of(Kind.TRACE, tracking.SqlTraceTag.request_id),
    tracking.SqlTraceMetadata: _of(Kind.TRACE, tracking.SqlTraceMetadata.request_id),
    tracking.SqlTraceMetrics: _of(Kind.TRACE, tracking.SqlTraceMetrics.request_id),
    tracking.SqlSpan: _of(Kind.TRACE, tracking.SqlSpan.trace_id),
    tracking.SqlSpanMetrics: _of(Kind.TRACE, tracking.SqlSpanMetrics.trace_id),
    tracking.SqlAssessments: _of(Kind.TRACE, tracking.SqlAssessments.trace_id),
    registry.SqlRegisteredModel: lambda f: f.model(Kind.MODEL, registry.SqlRegisteredModel),
    registry.SqlRegisteredModelTag: _at_home(lambda f: f.model(Kind.MODEL_NOTES, registry.SqlRegisteredModelTag)),
    registry.SqlRegisteredModelAlias: _at_home(lambda f: f.version(registry.SqlRegisteredModelAlias)),
    registry.SqlModelVersion: lambda f: f.version(registry.SqlModelVersion),
    registry.SqlModelVersionTag: _of_version_alone(registry.SqlModelVersionTag),
}
"""By which mark a row exists."""


def mapped_classes() -> list[type]:
    """Everything that MLflow maps, in the order of their names."""
    return sorted((mapper.class_ for mapper in Base.registry.mappers), key=lambda mapped: mapped.__name__)


def criterion_of(mapped: type, unsealed: bool) -> ColumnElement[bool]:
    """For whom a row exists; for nobody if nothing is said of its table."""
    made = CRITERIA.get(mapped)
    return NOBODY if made is None else made(Filter(unsealed and mapped is not workspaces.SqlWorkspace))


class _OfEachAlias(LoaderCriteriaOption):
    """Criteria that speak of the alias they are for, wherever it stands.

    SQLAlchemy says so itself in WHERE and where a relationship is joined, but takes criteria as they are into an ON
    clause that somebody wrote (``_ORMJoin``). There they would ask whether any row of the table exists for the viewer.
    """

    __slots__ = ()
    _traverse_internals = LoaderCriteriaOption._traverse_internals

    def _resolve_where_criteria(self, ext_info: Any) -> ColumnElement[bool]:
        found = super()._resolve_where_criteria(ext_info)
        if not ext_info.is_aliased_class:
            return found
        adapted: ColumnElement[bool] = ext_info._adapter.traverse(found)
        return adapted


class LoaderCriteria:
    """Options for statements, built once and good for every viewer.

    Each costs a statement some time, even where it has no such table; so a statement gets those of the tables that
    stand in it, and of those that MLflow may load together with one of them.
    """

    def __init__(self, unsealed: bool) -> None:
        # What is loaded for a row later is a statement of its own, and gets its own.
        options = {
            mapped: _OfEachAlias(
                mapped, criterion_of(mapped, unsealed), include_aliases=True, propagate_to_loaders=False
            )
            for mapped in mapped_classes()
        }
        self._by_table: dict[str, tuple[tuple[str, Any], ...]] = {}
        for mapped, option in options.items():
            relationships: Any = inspect(mapped).relationships
            near = {other.mapper.class_ for other in relationships} - {mapped}
            found = [(mapped.__tablename__, option)]  # type: ignore[attr-defined]
            found += [(other.__tablename__, options[other]) for other in sorted(near, key=lambda c: c.__name__)]
            self._by_table[mapped.__tablename__] = tuple(found)  # type: ignore[attr-defined]

    def of(self, statement: Any) -> list[Any]:
        """The options of a statement."""
        tables = {part.name for part in iterate(statement) if isinstance(part, Table)}
        return list({name: o for table in tables for name, o in self._by_table.get(table, ())}.values())
