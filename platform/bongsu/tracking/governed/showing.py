"""What a request was shown: the things whose rows MLflow's stores read in a viewer's name.

It is noted where rows become objects, whichever route asked for them. A row of a metric or of an alias shows the thing
that it belongs to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mlflow.store.model_registry.dbmodels import models as registry
from mlflow.store.tracking.dbmodels import models as tracking
from sqlalchemy import BindParameter, Connection, Table, event
from sqlalchemy.sql.visitors import iterate

from bongsu.domain.labels import OPEN, Label, high_water_mark
from bongsu.tracking.governed import marks
from bongsu.tracking.governed.marks import Kind
from bongsu.tracking.governed.viewer import Acting, Shown, current_actor

NAMED = 10
"""So many things are named one by one; of more, the lists are."""
_CHUNK = 500
OBJECTS: Mapping[Kind, str] = {
    Kind.EXPERIMENT: "mlflow-experiment",
    Kind.RUN: "mlflow-run",
    Kind.DATASET: "mlflow-dataset",
    Kind.LOGGED_MODEL: "mlflow-model",
    Kind.TRACE: "mlflow-trace",
    Kind.MODEL: "model",
    Kind.VERSION: "model",
}
"""How the log calls things; behind a colon follows their id."""
_ROWS: Mapping[type, tuple[Kind, Callable[[Any], object]]] = {
    tracking.SqlExperiment: (Kind.EXPERIMENT, lambda row: row.experiment_id),
    tracking.SqlRun: (Kind.RUN, lambda row: row.run_uuid),
    tracking.SqlMetric: (Kind.RUN, lambda row: row.run_uuid),
    tracking.SqlDataset: (Kind.DATASET, lambda row: row.dataset_uuid),
    tracking.SqlLoggedModel: (Kind.LOGGED_MODEL, lambda row: row.model_id),
    tracking.SqlTraceInfo: (Kind.TRACE, lambda row: row.request_id),
    tracking.SqlSpan: (Kind.TRACE, lambda row: row.trace_id),
    tracking.SqlAssessments: (Kind.TRACE, lambda row: row.trace_id),
    registry.SqlRegisteredModel: (Kind.MODEL, lambda row: row.name),
    registry.SqlModelVersion: (Kind.VERSION, lambda row: f"{row.name}/{row.version}"),
}


_ANY = ""


def attach() -> None:
    """Note what is loaded from now on; once in a process."""
    for mapped in _ROWS:
        event.listen(mapped, "load", _loaded)


def detach() -> None:
    for mapped in _ROWS:
        event.remove(mapped, "load", _loaded)


def _loaded(row: Any, _context: Any) -> None:
    actor = current_actor()
    if isinstance(actor, Acting):
        kind, thing = _ROWS[type(row)]
        note(actor, kind, str(thing(row)))


def note(actor: Acting, kind: Kind, thing: str) -> None:
    """That somebody is shown a thing, if this request ends well."""
    actor.shown.add((kind.value, thing))


def note_columns(statement: Any, actor: Acting) -> None:
    """Of a query that makes no objects of its rows, but reads values: whose they are stands in the query, if anywhere.
    Points of metrics are asked for by the ids of runs; data sets by those of experiments, which may hold some of any
    label."""
    if any(isinstance(column["expr"], type) for column in getattr(statement, "column_descriptions", ())):
        return
    parts = list(iterate(statement))
    tables = {part.name for part in parts if isinstance(part, Table)}
    if tracking.SqlDataset.__tablename__ in tables:
        note(actor, Kind.DATASET, _ANY)
    if tracking.SqlMetric.__tablename__ in tables:
        for value in (part.value for part in parts if isinstance(part, BindParameter)):
            for one in value if isinstance(value, list | tuple) else [value]:
                note(actor, Kind.RUN, str(one))  # what is no run has no label


def shown_to(actor: Acting, connection: Connection) -> tuple[Shown, ...]:
    """What is not for everybody among the things that were noted, by the names that the audit log has for them. Of
    many, the lists, each with the highest label that stood on it."""
    seen = actor.sight.labels if actor.sight is not None else {}
    highest = high_water_mark(seen.values())
    if not highest.is_protected:
        return ()
    found: dict[tuple[Kind, str], Label] = {}
    for kind, things in _by_kind(actor.shown):
        labels = _labels(connection, kind, things, seen)
        found |= {(kind, thing): label for thing, label in labels.items() if label.is_protected}
    if (Kind.DATASET.value, _ANY) in actor.shown:
        found[Kind.DATASET, _ANY] = highest
    if len(found) <= NAMED and (Kind.DATASET, _ANY) not in found:
        return tuple(Shown(f"{OBJECTS[kind]}:{thing}", label) for (kind, thing), label in sorted(found.items()))
    lists: dict[str, Label] = {}
    for (kind, _thing), label in found.items():
        name = f"list:{OBJECTS[kind]}s"
        lists[name] = lists.get(name, label).join(label)
    return tuple(Shown(name, label) for name, label in sorted(lists.items()))


def _by_kind(noted: Iterable[tuple[str, str]]) -> Iterator[tuple[Kind, list[str]]]:
    things: dict[Kind, list[str]] = defaultdict(list)
    for kind, thing in sorted(noted):
        things[Kind(kind)].append(thing)
    yield from things.items()


def _labels(
    connection: Connection, kind: Kind, things: list[str], seen: Mapping[int, Label]
) -> Mapping[str, Label]:
    """What is known through several things is known by the one that most people may see."""
    found: dict[str, list[Label]] = defaultdict(list)
    for begin in range(0, len(things), _CHUNK):
        for thing, scope in marks.scopes_of(connection, kind, things[begin : begin + _CHUNK]):
            if scope in seen:
                found[thing].append(seen[scope])
    return {
        thing: OPEN if any(not label.is_protected for label in labels) else high_water_mark(labels)
        for thing, labels in found.items()
    }
