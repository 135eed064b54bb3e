"""What label a thing of MLflow's gets, and what rises with it. Only :meth:`Ledger.relabel` lowers one.

All of it works within the transaction of the change. ``Ledger`` reads marks of one workspace; what belongs to another
one is not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST
from mlflow.store.model_registry.dbmodels.models import SqlModelVersion, SqlModelVersionTag
from mlflow.store.tracking.dbmodels.models import SqlDataset, SqlLoggedModel, SqlLoggedModelTag, SqlRun, SqlTag
from sqlalchemy import Connection, CursorResult, Executable, Table, exists, insert, select, update

from bongsu.domain.codes import mlflow as codes
from bongsu.domain.labels import OPEN, Label, high_water_mark
from bongsu.tracking.governed import marks
from bongsu.tracking.governed.marks import Kind
from bongsu.tracking.governed.refusals import denied, only_looks
from bongsu.tracking.governed.showing import OBJECTS
from bongsu.tracking.governed.viewer import Acting, Recorder, current_actor
from bongsu.tracking.names import LABEL_TAG

UNFILTERED = {"bongsu_unfiltered": True}
"""Execution option of the few statements that look at rows whether or not they exist for the viewer."""
_CHUNK = 500
_TABLES: dict[type, Table] = {
    mapped: mapped.__table__
    for mapped in (
        SqlRun,
        SqlTag,
        SqlDataset,
        SqlLoggedModel,
        SqlLoggedModelTag,
        SqlModelVersion,
        SqlModelVersionTag,
    )
}


def unknown(kind: Kind, thing: str) -> MlflowException:
    """The same for what is not there and for what is not there for the caller."""
    return MlflowException(f"No {kind.value} with id={thing} exists", RESOURCE_DOES_NOT_EXIST)


def only_look() -> MlflowException:
    """To who may not change anything, in the words of the door."""
    actor = current_actor()
    assert isinstance(actor, Acting)
    return denied(only_looks(actor.viewer.id, actor.workspace))


def sealed_by_bongsu(kind: Kind, thing: str, label: Label = OPEN) -> MlflowException:
    """Of something that the asker sees."""
    object_ = f"{OBJECTS[kind]}:{thing}"
    return denied(codes.SEALED.at(object=object_), object_=object_, label=label)


class Ledger:
    """The marks, as one actor may read and write them.

    Args:
        connection: of the transaction in which MLflow writes.
        actor: a viewer sees what their clearance dominates; the recorder sees all of its workspace.
    """

    def __init__(self, connection: Connection, actor: Acting | Recorder) -> None:
        self._connection = connection
        self._actor = actor

    # -- reading -------------------------------------------------------------------------------------------------

    def label(self, kind: Kind, thing: str) -> Label:
        """What a thing is labelled, as far as the actor sees it.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST.
        """
        return self._seen(kind, thing)[0].label

    def labels(self, kind: Kind, things: Sequence[str]) -> dict[str, Label]:
        """The same for many; what the actor does not see is left out."""
        found: dict[str, Label] = {}
        for begin in range(0, len(things), _CHUNK):
            for thing, known in marks.find(self._connection, kind, things[begin : begin + _CHUNK]).items():
                if seen := [mark for mark in known if self._is_there(mark)]:
                    found[thing] = seen[0].label
        return found

    def check_changeable(self, kind: Kind, thing: str) -> None:
        """Raises MlflowException: RESOURCE_DOES_NOT_EXIST, or PERMISSION_DENIED for what is sealed."""
        seen = self._seen(kind, thing)
        if isinstance(self._actor, Acting) and any(mark.sealed for mark in seen):
            raise sealed_by_bongsu(kind, thing, seen[0].label)

    def _seen(self, kind: Kind, thing: str) -> list[marks.Mark]:
        found = marks.find(self._connection, kind, [thing]).get(thing, [])
        seen = [mark for mark in found if self._is_there(mark)]
        if not seen:
            raise unknown(kind, thing)
        return seen

    def _is_there(self, mark: marks.Mark) -> bool:
        return mark.workspace == self._actor.workspace and self._sees(mark)

    def _sees(self, mark: marks.Mark) -> bool:
        return not isinstance(self._actor, Acting) or self._actor.viewer.clearance.dominates(mark.label)

    def ask(self, statement: Executable) -> bool:
        """The truth about rows whether or not they exist for the actor; for what has to be kept apart from them."""
        return bool(self._run(statement).scalar())

    def datasets(self, experiment: str, digest: str) -> list[str]:
        """Ids of the data sets of an experiment that have this digest, whoever may see them."""
        found = self._rows(SqlDataset, ("dataset_uuid",), experiment_id=int(experiment), digest=digest)
        return [str(row[0]) for row in found]

    # -- writing -------------------------------------------------------------------------------------------------

    def put(self, kind: Kind, thing: str, label: Label) -> None:
        """A new thing, or a further scope of one that is known through others."""
        scope = marks.scope_of(self._connection, self._actor.workspace, label)
        marks.put(self._connection, kind, thing, scope, sealed=isinstance(self._actor, Recorder))
        self._look_again(scope)

    def put_alone(self, kind: Kind, thing: str, label: Label) -> None:
        """A new thing, whatever had its id before."""
        marks.forget(self._connection, kind, thing)
        self.put(kind, thing, label)

    def mention(self, kind: Kind, thing: str, label: Label) -> None:
        """A thing that is known through others is known in one more scope; that alone seals nothing but names of
        models, under which nobody else registers."""
        scope = marks.scope_of(self._connection, self._actor.workspace, label)
        sealed = kind is Kind.MODEL and isinstance(self._actor, Recorder)
        marks.put(self._connection, kind, thing, scope, sealed=sealed)
        self._look_again(scope)

    def raise_notes(self, kind: Kind, thing: str, label: Label) -> Label:
        """What somebody writes about a thing: it has a label of its own, the highest of what was written. Returns
        that."""
        marks.hold(self._connection, kind, thing)
        found = marks.find(self._connection, kind, [thing]).get(thing, [])
        joined = high_water_mark((mark.label for mark in found if mark.workspace == self._actor.workspace), label)
        scope = marks.scope_of(self._connection, self._actor.workspace, joined)
        marks.move(self._connection, kind, thing, scope)
        self._look_again(scope)
        return joined

    def raise_to(self, kind: Kind, thing: str, labels: Iterable[Label]) -> Label:
        """Raise a run, model or version to the least upper bound of its label and ``labels``; returns that. What was
        made from a run rises with it."""
        before = self.label(kind, thing)
        if before.dominates(high_water_mark(labels := tuple(labels))):
            return before
        marks.hold(self._connection, kind, thing)
        before = self.label(kind, thing)
        after = high_water_mark(labels, before)
        self._check_reachable(after)
        self._label_anew(kind, thing, before, after)
        return after

    def relabel(self, kind: Kind, thing: str, label: Label) -> None:
        """Give a run, model or version another label, a lower one too: for what approvers decided. What was made from
        it keeps its own. Raises MlflowException: RESOURCE_DOES_NOT_EXIST."""
        if isinstance(self._actor, Acting):
            raise sealed_by_bongsu(kind, thing)
        marks.hold(self._connection, kind, thing)
        self._label_anew(kind, thing, self.label(kind, thing), label)

    def _label_anew(self, kind: Kind, thing: str, before: Label, after: Label) -> None:
        scope = marks.scope_of(self._connection, self._actor.workspace, after)
        old = marks.scope_of(self._connection, self._actor.workspace, before)
        marks.move(self._connection, kind, thing, scope)
        self._write_tag(kind, thing, after)
        self._look_again(scope)
        self._raise_around(kind, thing, (old, scope), after)

    def _check_reachable(self, label: Label) -> None:
        if isinstance(self._actor, Acting) and not self._actor.viewer.clearance.dominates(label):
            raise MlflowException(
                f"This would be labelled {label}, which is above your clearance.", INVALID_PARAMETER_VALUE
            )

    def _raise_around(self, kind: Kind, thing: str, scopes: tuple[int, int], label: Label) -> None:
        old, new = scopes
        if kind is Kind.RUN:
            experiment = self._one(SqlRun, "experiment_id", run_uuid=thing)
            self._move_mention(Kind.EXPERIMENT, str(experiment), old, new)
            for (model,) in self._rows(SqlLoggedModel, ("model_id",), source_run_id=thing):
                self._raise_if_known(Kind.LOGGED_MODEL, model, label)
            for name, version in self._rows(SqlModelVersion, ("name", "version"), run_id=thing):
                self._raise_if_known(Kind.VERSION, f"{name}/{version}", label)
        elif kind is Kind.LOGGED_MODEL:
            experiment = self._one(SqlLoggedModel, "experiment_id", model_id=thing)
            self._move_mention(Kind.EXPERIMENT, str(experiment), old, new)
        elif kind is Kind.VERSION:
            self._move_mention(Kind.MODEL, thing.rpartition("/")[0], old, new)

    def _raise_if_known(self, kind: Kind, thing: str, label: Label) -> None:
        found = marks.find(self._connection, kind, [thing]).get(thing, [])
        if found and self._is_there(found[0]):
            self.raise_to(kind, thing, [label])

    def _move_mention(self, kind: Kind, thing: str, old: int, new: int) -> None:
        """A thing is known where something of it is: where nothing is left of it, it is forgotten."""
        marks.put(self._connection, kind, thing, new, sealed=self._is_sealed(kind, thing))
        if not self._still_mentioned(kind, thing, old):
            marks.forget(self._connection, kind, thing, old)

    def _is_sealed(self, kind: Kind, thing: str) -> bool:
        return any(mark.sealed for mark in marks.find(self._connection, kind, [thing]).get(thing, []))

    def _still_mentioned(self, kind: Kind, thing: str, scope: int) -> bool:
        notes = Kind.EXPERIMENT_NOTES if kind is Kind.EXPERIMENT else Kind.MODEL_NOTES
        found = marks.find(self._connection, notes, [thing]).get(thing, [])
        if any(mark.scope == scope for mark in found):
            return True  # it was made there
        mark = marks.marks
        if kind is Kind.EXPERIMENT:
            runs, models = _TABLES[SqlRun], _TABLES[SqlLoggedModel]
            of_runs = select(mark.c.thing).join(runs, runs.c.run_uuid == mark.c.thing)
            of_models = select(mark.c.thing).join(models, models.c.model_id == mark.c.thing)
            queries: tuple[Any, ...] = (
                of_runs.where(mark.c.kind == Kind.RUN.value, runs.c.experiment_id == int(thing)),
                of_models.where(mark.c.kind == Kind.LOGGED_MODEL.value, models.c.experiment_id == int(thing)),
            )
        else:
            prefix = f"{thing}/"
            versions = select(mark.c.thing).where(mark.c.kind == Kind.VERSION.value)
            queries = (versions.where(mark.c.thing.startswith(prefix, autoescape=True)),)
        return any(self._run(select(exists(query.where(mark.c.scope == scope)))).scalar() for query in queries)

    def _write_tag(self, kind: Kind, thing: str, label: Label) -> None:
        """The label where people read it; the mark is what counts."""
        if kind is Kind.RUN:
            self._put_tag(SqlTag, {"run_uuid": thing, "key": LABEL_TAG}, "value", str(label), {})
        elif kind is Kind.LOGGED_MODEL:
            experiment = self._one(SqlLoggedModel, "experiment_id", model_id=thing)
            key = {"model_id": thing, "tag_key": LABEL_TAG}
            self._put_tag(SqlLoggedModelTag, key, "tag_value", str(label), {"experiment_id": experiment})
        elif kind is Kind.VERSION:
            name, _, version = thing.rpartition("/")
            key = {"workspace": self._actor.workspace, "name": name, "version": version, "key": LABEL_TAG}
            self._put_tag(SqlModelVersionTag, key | {"version": int(version)}, "value", str(label), {})

    def _put_tag(self, mapped: type, key: dict[str, Any], column: str, value: str, rest: dict[str, Any]) -> None:
        table = _TABLES[mapped]
        here = [table.c[name] == part for name, part in key.items()]
        if not self._run(update(table).where(*here).values({column: value})).rowcount:
            self._run(insert(table).values(key | rest | {column: value}))

    def _one(self, mapped: type, column: str, **key: Any) -> Any:
        return next(iter(self._rows(mapped, (column,), **key)))[0]

    def _rows(self, mapped: type, columns: Sequence[str], **key: Any) -> list[Any]:
        table = _TABLES[mapped]
        query = select(*(table.c[column] for column in columns))
        workspace = {"workspace": self._actor.workspace} if "workspace" in table.c else {}
        return list(self._run(query.where(*(table.c[k] == v for k, v in (key | workspace).items()))))

    def _run(self, statement: Executable) -> CursorResult[Any]:
        """For what has to be known whoever asks; none of it is shown to anybody."""
        return self._connection.execute(statement, execution_options=UNFILTERED)

    def _look_again(self, scope: int) -> None:
        """A scope that is new to the viewer's sight is to be seen by what follows in their request."""
        sight = self._actor.sight if isinstance(self._actor, Acting) else None
        if sight is not None and isinstance(self._actor, Acting) and scope not in sight.scopes:
            self._actor.sight = None
