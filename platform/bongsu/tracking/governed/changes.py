"""What somebody changes, told to who keeps the log in the transaction that changes it, and before it ends.

A thing is noted where it is checked whether it may be changed. When the transaction is about to be written for good,
the entries are made, in the control plane's own database: a process that dies in between leaves an entry of a change
that is not there, and never a change of which there is no entry.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlflow.entities import RunStatus
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE
from mlflow.store.tracking.dbmodels.models import SqlRun, SqlTraceInfo
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from bongsu.domain.labels import Label, high_water_mark
from bongsu.tracking.governed.labelling import UNFILTERED
from bongsu.tracking.governed.marks import Kind
from bongsu.tracking.governed.refusals import CHANGE_NOT_RECORDED
from bongsu.tracking.governed.showing import OBJECTS
from bongsu.tracking.governed.viewer import Acting, Changed, Touched

_log = logging.getLogger(__name__)
NOUNS: Mapping[Kind, str] = {
    Kind.EXPERIMENT: "experiment",
    Kind.RUN: "run",
    Kind.LOGGED_MODEL: "logged-model",
    Kind.TRACE: "trace",
    Kind.MODEL: "model",
    Kind.VERSION: "version",
}
"""How actions call the things that somebody changes by themselves; a data set is changed with its run."""
_WRITE = "write"
_TAGGED = "run.tag"
_TOGETHER = (_WRITE, "delete")
"""What is done to traces of one experiment together."""
# A log has no use for more of them in one entry.
_MOST_NAMED = 50
_CHUNK = 500


def note(
    actor: Any,
    kind: Kind,
    thing: str,
    label: Label,
    *,
    experiment: str = "",
    key: str = "",
    fields: Iterable[str] = (),
) -> None:
    """That somebody changes a thing in the transaction under way.

    Args:
        actor: what is no viewer is not noted: the control plane keeps its own log.
        kind, thing: which one.
        label: of it, and of what was written.
        experiment: of a trace.
        key: of a tag that is changed.
        fields: of the thing itself that are.
    """
    if not isinstance(actor, Acting) or actor.record is None or kind not in NOUNS:
        return
    touched = actor.changed.setdefault((kind.value, thing), Touched(label))
    touched.label = touched.label.join(label)
    touched.experiment = touched.experiment or experiment
    touched.keys |= {key} if key else set()
    touched.fields |= set(fields)


def before_commit(session: Session, actor: Any) -> None:
    """Have the entries made of everything that the transaction changes.

    Raises:
        MlflowException: TEMPORARILY_UNAVAILABLE, if they cannot be made; then nothing is changed.
    """
    if not isinstance(actor, Acting) or actor.record is None:
        return
    session.flush()
    if not actor.changed:
        return
    try:
        changed = tuple(_told(session.connection(), actor))
        actor.record(actor.viewer, actor.workspace, changed, actor.request)
    except Exception:  # for whatever reason: what is not on record is not changed
        _log.exception("a change could not be recorded")
        actor.is_unrecorded = True
        raise MlflowException(CHANGE_NOT_RECORDED.message, TEMPORARILY_UNAVAILABLE) from None
    actor.changed.clear()


def rolled_back(actor: Any) -> None:
    """What was noted is not changed: MLflow may begin anew in the same request."""
    if isinstance(actor, Acting):
        actor.changed.clear()


def experiments_of(connection: Connection, traces: Sequence[str]) -> dict[str, str]:
    """Of the traces that are there, whoever may see them."""
    table = SqlTraceInfo.__table__
    found: dict[str, str] = {}
    for begin in range(0, len(traces), _CHUNK):
        named = table.c.request_id.in_(traces[begin : begin + _CHUNK])
        rows = connection.execute(
            select(table.c.request_id, table.c.experiment_id).where(named), execution_options=UNFILTERED
        )
        found |= {str(trace): str(experiment) for trace, experiment in rows}
    return found


def _told(connection: Connection, actor: Acting) -> Iterator[Changed]:
    """Of the things that the route is about; of all, if it is about none of them."""
    noun, _, verb = actor.deed.partition(".")
    touched = {(Kind(kind), thing): one for (kind, thing), one in sorted(actor.changed.items())}
    about = {key: one for key, one in touched.items() if NOUNS[key[0]] == noun} or touched
    together = {}
    for (kind, thing), one in about.items():
        if kind is Kind.TRACE and verb in _TOGETHER:
            together[thing] = one
            continue
        doing = _WRITE if actor.deed == _TAGGED and _is_under_way(connection, thing) else verb
        facts = {} if doing == _WRITE else _facts(one)
        object_ = f"{OBJECTS[kind]}:{thing}"
        yield Changed(f"mlflow.{NOUNS[kind]}.{doing}", object_, one.label, doing == _WRITE, facts)
    yield from _traces(connection, verb, together)


def _traces(connection: Connection, verb: str, traces: Mapping[str, Touched]) -> Iterator[Changed]:
    """By experiment: one question to a model is a trace, and a program asks thousands."""
    unknown = [thing for thing, one in traces.items() if not one.experiment]
    known = experiments_of(connection, unknown)
    by_experiment: dict[str, list[str]] = defaultdict(list)
    for thing, one in traces.items():
        by_experiment[one.experiment or known.get(thing, "")].append(thing)
    for experiment, things in sorted(by_experiment.items()):
        label = high_water_mark(traces[thing].label for thing in things)
        is_continuous = verb == _WRITE
        facts = {} if is_continuous else {"count": len(things), "traces": things[:_MOST_NAMED]}
        object_ = f"{OBJECTS[Kind.EXPERIMENT]}:{experiment}"
        yield Changed(f"mlflow.{NOUNS[Kind.TRACE]}.{verb}", object_, label, is_continuous, facts)


def _facts(touched: Touched) -> dict[str, object]:
    told = {"tags": touched.keys, "fields": touched.fields}
    return {name: sorted(values)[:_MOST_NAMED] for name, values in told.items() if values}


def _is_under_way(connection: Connection, run: str) -> bool:
    table = SqlRun.__table__
    asked = select(table.c.status).where(table.c.run_uuid == run)
    status = connection.execute(asked, execution_options=UNFILTERED).scalar()
    return status in (RunStatus.to_string(RunStatus.RUNNING), RunStatus.to_string(RunStatus.SCHEDULED))
