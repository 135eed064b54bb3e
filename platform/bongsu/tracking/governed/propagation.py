"""What MLflow writes through its unit of work: each row is checked against the thing it belongs to, and labels flow.

Before the flush: whoever writes sees the thing, it is not sealed, and it rises to what the writer's words and the
declared inputs are labelled. After the flush, when new things have their ids: they get their marks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlflow.store.model_registry.dbmodels import models as registry
from mlflow.store.tracking.dbmodels import models as tracking
from mlflow.store.workspace.dbmodels.models import SqlWorkspace
from sqlalchemy import inspect
from sqlalchemy.orm import Session

from bongsu.domain.codes import mlflow as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.tracking.governed import changes, screened, tags, trace_places
from bongsu.tracking.governed.closed import NO_OTHER
from bongsu.tracking.governed.labelling import Ledger, only_look
from bongsu.tracking.governed.marks import Kind
from bongsu.tracking.governed.new_things import CREATABLE, NewThings
from bongsu.tracking.governed.refusals import denied
from bongsu.tracking.governed.viewer import Acting, Actor, Housekeeping, Recorder
from bongsu.tracking.names import LABEL_TAG

_NEW_THINGS = "bongsu_new_things"


def _attribute(name: str) -> Callable[[Any], Any]:
    return lambda row: getattr(row, name)


OWNERS: Mapping[type, tuple[Kind, Callable[[Any], Any]]] = {
    tracking.SqlTag: (Kind.RUN, _attribute("run_uuid")),
    tracking.SqlParam: (Kind.RUN, _attribute("run_uuid")),
    tracking.SqlMetric: (Kind.RUN, _attribute("run_uuid")),
    tracking.SqlLatestMetric: (Kind.RUN, _attribute("run_uuid")),
    tracking.SqlLoggedModelTag: (Kind.LOGGED_MODEL, _attribute("model_id")),
    tracking.SqlLoggedModelParam: (Kind.LOGGED_MODEL, _attribute("model_id")),
    tracking.SqlLoggedModelMetric: (Kind.LOGGED_MODEL, _attribute("model_id")),
    tracking.SqlTraceTag: (Kind.TRACE, _attribute("request_id")),
    tracking.SqlTraceMetadata: (Kind.TRACE, _attribute("request_id")),
    tracking.SqlTraceMetrics: (Kind.TRACE, _attribute("request_id")),
    tracking.SqlSpan: (Kind.TRACE, _attribute("trace_id")),
    tracking.SqlSpanMetrics: (Kind.TRACE, _attribute("trace_id")),
    tracking.SqlAssessments: (Kind.TRACE, _attribute("trace_id")),
    registry.SqlModelVersionTag: (Kind.VERSION, lambda row: row.name and f"{row.name}/{row.version}"),
}
"""Rows that belong to a thing with a label, and which one."""

OTHERS: tuple[type, ...] = (
    tracking.SqlInput,
    tracking.SqlInputTag,
    tracking.SqlExperimentTag,
    registry.SqlRegisteredModelTag,
)
"""Rows that have checks of their own."""

THINGS: Mapping[type, tuple[Kind, Callable[[Any], Any]]] = {
    tracking.SqlRun: (Kind.RUN, _attribute("run_uuid")),
    tracking.SqlLoggedModel: (Kind.LOGGED_MODEL, _attribute("model_id")),
    tracking.SqlTraceInfo: (Kind.TRACE, _attribute("request_id")),
    registry.SqlModelVersion: (Kind.VERSION, lambda row: f"{row.name}/{row.version}"),
    tracking.SqlExperiment: (Kind.EXPERIMENT, lambda row: str(row.experiment_id)),
    registry.SqlRegisteredModel: (Kind.MODEL, _attribute("name")),
}
# Columns in which somebody says something; a change of the others (status, times) says nothing.
_WORDS = {
    tracking.SqlRun: ("name", "user_id", "source_name"),
    tracking.SqlLoggedModel: ("status_message", "name"),
    tracking.SqlTraceInfo: ("request_preview", "response_preview", "client_request_id", "trace_name"),
    registry.SqlModelVersion: ("description", "status_message", "run_link"),
}


def before_flush(session: Session, actor: Actor) -> None:
    """Check what is about to be written, and let labels rise.

    Raises:
        MlflowException: the writer may not, or what they write would have a label that they do not see.
    """
    if isinstance(actor, Housekeeping):
        return
    changed = [*session.new, *(row for row in session.dirty if session.is_modified(row)), *session.deleted]
    if not changed:
        return
    if isinstance(actor, Acting) and not actor.may_write:
        raise only_look()
    ledger = Ledger(session.connection(), actor)
    new = set(session.new)
    made = NewThings(session, ledger, actor)
    # Things first: what belongs to a new one needs no check of its own.
    if isinstance(actor, Acting):
        deleted = set(session.deleted)
        screened.check_rows([row for row in changed if row not in deleted], new)
    for row in changed:
        if row in new and type(row) in CREATABLE:
            made.decide_label(row)
    if isinstance(actor, Acting):  # of ids that may be used: of the others nothing else is told
        trace_places.check_rows(set(changed) - set(session.deleted), actor.workspace)
    for row in changed:
        _check(row, row in new, ledger, actor, made)
    session.info.setdefault(_NEW_THINGS, []).append(made)


def after_flush(session: Session, actor: Actor) -> None:
    """Give the new things their marks: those that MLflow numbers have their numbers now."""
    if isinstance(actor, Acting | Recorder):
        for made in session.info.pop(_NEW_THINGS, []):
            made.write_marks()


def rolled_back(session: Session) -> None:
    """What was to be made is not: MLflow may begin anew in the same session."""
    session.info.pop(_NEW_THINGS, None)


def _check(row: Any, is_new: bool, ledger: Ledger, actor: Acting | Recorder, made: NewThings) -> None:
    kind = type(row)
    if kind is tracking.SqlAssessments and is_new:
        made.check_assessment(row)
    if kind in OWNERS:
        _check_part(row, ledger, actor, made)
    elif kind is tracking.SqlInput:
        _check_edge(row, is_new, ledger, actor, made)
    elif kind is tracking.SqlExperimentTag:
        _check_notes(row, (Kind.EXPERIMENT, row.experiment_id), ledger, actor, made)
    elif kind is registry.SqlRegisteredModelTag:
        _check_notes(row, (Kind.MODEL, row.name), ledger, actor, made)
    elif kind in THINGS and not is_new:
        _check_thing(row, ledger, actor)
    elif kind in (tracking.SqlInputTag, *CREATABLE):
        return  # it came with the thing that was checked
    elif isinstance(actor, Acting) or kind is SqlWorkspace:
        raise denied(codes.CLOSED.at(why=phrase(N_("things of this kind have no label")), way=phrase(NO_OTHER)))


def _check_part(row: Any, ledger: Ledger, actor: Acting | Recorder, made: NewThings) -> None:
    kind, thing_of = OWNERS[type(row)]
    thing = thing_of(row)
    key = tags.key_of(row)
    is_deleted = row in made.session.deleted
    if not isinstance(actor, Recorder):
        tags.check_is_free(tags.parameter_of(row))
    if thing is None or made.label_of(kind, str(thing)) is not None:
        return  # of a thing that this flush makes, which was looked at with it
    thing = str(thing)
    ledger.check_changeable(kind, thing)
    if isinstance(actor, Recorder):
        if key == LABEL_TAG and not is_deleted:
            ledger.raise_to(kind, thing, [tags.read_label(tags.value_of(row))])
        return
    tags.check_is_free(key)
    labels = [actor.written]
    if isinstance(row, tracking.SqlLoggedModelMetric):
        labels.append(ledger.label(Kind.RUN, row.run_id))
    label = ledger.label(kind, thing) if is_deleted else ledger.raise_to(kind, thing, labels)
    changes.note(actor, kind, thing, label, key=key or "")


def _check_thing(row: Any, ledger: Ledger, actor: Acting | Recorder) -> None:
    """A thing that was there before is changed or deleted."""
    if isinstance(actor, Recorder):
        return
    kind, thing_of = THINGS[type(row)]
    thing = thing_of(row)
    ledger.check_changeable(kind, thing)
    if kind in (Kind.EXPERIMENT, Kind.MODEL):
        # What had no value is set while the thing is made.
        touched = {
            part.key for part in inspect(row).attrs if part.history.has_changes() and any(part.history.deleted)
        }
        if not touched <= {"last_updated_time", "last_update_time", "model_versions", "registered_model_tags"}:
            raise denied(
                codes.CLOSED.at(why=phrase(N_("names that others know are not changed")), way=phrase(NO_OTHER))
            )
        return
    fields = {
        part.key for part in inspect(row).mapper.column_attrs if inspect(row).attrs[part.key].history.has_changes()
    }
    says_something = not fields.isdisjoint(_WORDS[type(row)])
    label = ledger.raise_to(kind, thing, [actor.written]) if says_something else ledger.label(kind, thing)
    changes.note(actor, kind, thing, label, fields=fields)


def _check_notes(
    row: Any, about: tuple[Kind, Any], ledger: Ledger, actor: Acting | Recorder, made: NewThings
) -> None:
    """Tags of something that is known in several scopes."""
    kind, thing = about
    if thing is None or isinstance(actor, Recorder):
        return
    tags.check_is_free(row.key)
    if made.label_of(kind, str(thing)) is not None:
        return
    ledger.check_changeable(kind, str(thing))
    notes = Kind.EXPERIMENT_NOTES if kind is Kind.EXPERIMENT else Kind.MODEL_NOTES
    label = ledger.raise_notes(notes, str(thing), actor.written).join(ledger.label(kind, str(thing)))
    changes.note(actor, kind, str(thing), label, key=row.key)


def _check_edge(row: Any, is_new: bool, ledger: Ledger, actor: Acting | Recorder, made: NewThings) -> None:
    """Inputs raise the run; outputs are raised by it."""
    if row.source_type == "DATASET":
        run, other = row.destination_id, (Kind.DATASET, row.source_id)
    else:
        run, other = row.source_id, (Kind.LOGGED_MODEL, row.destination_id)
    ledger.check_changeable(Kind.RUN, run)
    if not is_new:
        return
    known = made.label_of(*other)
    label = ledger.label(*other) if known is None else known
    if isinstance(actor, Recorder):
        return  # it says what each of them is labelled
    if row.source_type == "RUN_OUTPUT":
        ledger.check_changeable(*other)
        label = ledger.label(Kind.RUN, run)
        changes.note(actor, *other, ledger.raise_to(*other, [label]))
    else:
        label = ledger.raise_to(Kind.RUN, run, [label, actor.written])
    changes.note(actor, Kind.RUN, run, label)
