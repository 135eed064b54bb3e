"""New things in MLflow's tables: what label each of them gets, and its marks once it is there."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.store.model_registry.dbmodels import models as registry
from mlflow.store.tracking.dbmodels import models as tracking
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from bongsu.domain.labels import Label, high_water_mark
from bongsu.tracking.governed import changes, sources, tags
from bongsu.tracking.governed.labelling import Ledger
from bongsu.tracking.governed.marks import Kind, marks
from bongsu.tracking.governed.viewer import Acting, Recorder
from bongsu.tracking.names import LABEL_TAG

_PARENT_RUN = "mlflow.parentRunId"
_SOURCE_RUN = "mlflow.sourceRun"
_DIGEST_LENGTH = 36
_TRACE = re.compile("tr-[0-9a-f]{32}")
_ASSESSMENT = re.compile("a-[0-9a-f]{32}")
# What a column of 32 bits holds, and what MLflow will not have counted to. With 10,000 of them one in 100,000 draws is
# taken; MLflow says then that there is such an experiment, and the next try draws anew.
_EXPERIMENTS = range(1_000_000_000, 1 << 31)
_NO_ID = "No {what} can begin with this id: make another one, `{begin}-` and 32 random hexadecimal digits."


class NewThings:
    """The things that one flush makes.

    Args:
        session: whose flush it is.
        ledger: of the same transaction.
        actor: a viewer, whose words are labelled; or the recorder, who says what the label is.
    """

    def __init__(self, session: Session, ledger: Ledger, actor: Acting | Recorder) -> None:
        self.session = session
        self._ledger = ledger
        self._actor = actor
        self._labels: dict[tuple[Kind, str], Label] = {}
        self._experiments: list[Any] = []
        self._experiments_of_traces: dict[str, str] = {}
        self._mentions: list[tuple[Kind, Any, Label]] = []

    def decide_label(self, row: Any) -> None:
        """Decide a new thing's label. Raises MlflowException if it may not be made."""
        CREATABLE[type(row)](self, row)

    def label_of(self, kind: Kind, thing: str) -> Label | None:
        """None if this flush does not make it."""
        return self._labels.get((kind, thing))

    def write_marks(self) -> None:
        """Write the marks, once the flush has given every thing its id."""
        acting = self._actor if isinstance(self._actor, Acting) else None
        for row in self._experiments:
            if acting is not None:  # the recorder's is known through what is in it
                self._ledger.put(Kind.EXPERIMENT, str(row.experiment_id), acting.written)
                changes.note(acting, Kind.EXPERIMENT, str(row.experiment_id), acting.written)
                self._ledger.raise_notes(Kind.EXPERIMENT_NOTES, str(row.experiment_id), acting.written)
        for (kind, thing), label in self._labels.items():
            changes.note(acting, kind, thing, label, experiment=self._experiments_of_traces.get(thing, ""))
            if kind is Kind.TRACE:
                self._ledger.put_alone(kind, thing, label)
            elif kind is not Kind.MODEL:
                self._ledger.put(kind, thing, label)
            elif acting is not None:
                self._ledger.put(kind, thing, label)
                self._ledger.raise_notes(Kind.MODEL_NOTES, thing, label)
        for kind, thing, label in self._mentions:
            self._ledger.mention(kind, str(thing), label)

    # -- one kind each -------------------------------------------------------------------------------------------

    def experiment(self, row: tracking.SqlExperiment) -> None:
        for tag in row.tags if isinstance(self._actor, Acting) else ():
            tags.check_is_free(tag.key)
        if row.experiment_id is None:
            # MLflow counts them, and so would everybody: how many others make meanwhile.
            row.experiment_id = secrets.choice(_EXPERIMENTS)
        self._experiments.append(row)

    def run(self, row: tracking.SqlRun) -> None:
        sources_of_label: list[Label] = []
        if isinstance(self._actor, Acting):
            self._ledger.label(Kind.EXPERIMENT, str(row.experiment_id))
            row.user_id = self._actor.viewer.id
            parents = [tag.value for tag in row.tags if tag.key == _PARENT_RUN]
            sources_of_label = [self._ledger.label(Kind.RUN, parent) for parent in parents]
        label = self._label(row.tags, sources_of_label)
        self._tag(row.tags, label, lambda text: tracking.SqlTag(run=row, key=LABEL_TAG, value=text))
        self._labels[Kind.RUN, row.run_uuid] = label
        self._mentions.append((Kind.EXPERIMENT, row.experiment_id, label))

    def logged_model(self, row: tracking.SqlLoggedModel) -> None:
        of_run: list[Label] = []
        if isinstance(self._actor, Acting):
            self._ledger.label(Kind.EXPERIMENT, str(row.experiment_id))
            if row.source_run_id:
                of_run = [self._ledger.label(Kind.RUN, row.source_run_id)]
        # MLflow adds them to the session one by one.
        written = [
            tag
            for tag in self.session.new
            if isinstance(tag, tracking.SqlLoggedModelTag) and tag.model_id == row.model_id
        ]
        label = self._label([*row.tags, *written], of_run)

        def tag(text: str) -> Any:
            return tracking.SqlLoggedModelTag(
                model_id=row.model_id, experiment_id=row.experiment_id, tag_key=LABEL_TAG, tag_value=text
            )

        self._tag([*row.tags, *written], label, tag)
        self._labels[Kind.LOGGED_MODEL, row.model_id] = label
        self._mentions.append((Kind.EXPERIMENT, row.experiment_id, label))

    def trace(self, row: tracking.SqlTraceInfo) -> None:
        of_sources: list[Label] = []
        if isinstance(self._actor, Acting):
            of_sources = self._left_by(row.request_id)
            self._ledger.label(Kind.EXPERIMENT, str(row.experiment_id))
            runs = [part.value for part in row.request_metadata if part.key == _SOURCE_RUN]
            of_sources += [self._ledger.label(Kind.RUN, run) for run in runs]
        self._labels[Kind.TRACE, row.request_id] = self._label(row.tags, of_sources)
        self._experiments_of_traces[row.request_id] = str(row.experiment_id)

    def _left_by(self, trace: str) -> list[Label]:
        """Clients make ids of traces themselves, at random, and begin one that they have begun once more, or deleted.
        An id that a hidden trace has, or had, is refused as one that is none, in the same words. The mark of a deleted
        one stays for this: so do its files, which are those of whoever has its id."""
        row, mark = tracking.SqlTraceInfo.__table__, marks.c
        is_there = exists().where(row.c.request_id == trace)
        was_there = exists().where(mark.kind == Kind.TRACE.value, mark.thing == trace)
        if _TRACE.fullmatch(trace) and not self._ledger.ask(select(or_(is_there, was_there))):
            return []
        try:
            return [self._ledger.label(Kind.TRACE, trace)]
        except MlflowException:
            raise MlflowException(_NO_ID.format(what="trace", begin="tr"), INVALID_PARAMETER_VALUE) from None

    def check_assessment(self, row: tracking.SqlAssessments) -> None:
        """Ids of assessments are clients' too; one comes once more with the trace that it is of, and MLflow merges it.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE.
        """
        if row.assessment_id is None or isinstance(self._actor, Recorder):
            return
        table = tracking.SqlAssessments.__table__
        taken = [table.c.assessment_id == row.assessment_id]
        if self.label_of(Kind.TRACE, str(row.trace_id)) is not None:
            taken.append(table.c.trace_id != row.trace_id)
        if not _ASSESSMENT.fullmatch(row.assessment_id) or self._ledger.ask(select(exists().where(*taken))):
            raise MlflowException(_NO_ID.format(what="assessment", begin="a"), INVALID_PARAMETER_VALUE)

    def dataset(self, row: tracking.SqlDataset) -> None:
        edges = [
            edge
            for edge in self.session.new
            if isinstance(edge, tracking.SqlInput) and edge.source_id == row.dataset_uuid
        ]
        runs = [self._ledger.label(Kind.RUN, edge.destination_id) for edge in edges]
        if isinstance(self._actor, Acting):
            self._keep_apart(row)
            label = high_water_mark(runs, self._actor.written)
        else:
            label = high_water_mark(self._said_of(edges) or runs)
        self._labels[Kind.DATASET, row.dataset_uuid] = label

    def _said_of(self, edges: list[Any]) -> list[Label]:
        """What the recorder says of a data set: a tag of the edge."""
        uuids = {edge.input_uuid for edge in edges}
        return [
            tags.read_label(tag.value)
            for tag in self.session.new
            if isinstance(tag, tracking.SqlInputTag) and tag.input_uuid in uuids and tag.name == LABEL_TAG
        ]

    def _keep_apart(self, row: tracking.SqlDataset) -> None:
        """Where a row that does not exist for the viewer has the same key, theirs gets one of its own: neither a
        refusal nor the other's fields may tell of it."""
        table = tracking.SqlDataset.__table__
        same = select(
            exists().where(
                table.c.experiment_id == row.experiment_id,
                table.c.name == row.name,
                table.c.digest == row.digest,
            )
        )
        if self._ledger.ask(same):
            mark = row.dataset_uuid[:8]
            row.digest = f"{row.digest[: _DIGEST_LENGTH - len(mark) - 1]}~{mark}"

    def model(self, row: registry.SqlRegisteredModel) -> None:
        if isinstance(self._actor, Acting):
            for tag in row.registered_model_tags:
                tags.check_is_free(tag.key)
            if row.description:
                raise MlflowException(
                    "Describe a version: a description of all versions would be shown with each of them.",
                    INVALID_PARAMETER_VALUE,
                )
            self._labels[Kind.MODEL, row.name] = self._actor.written

    def version(self, row: registry.SqlModelVersion) -> None:
        of_sources: list[Label] = []
        if isinstance(self._actor, Acting):
            self._ledger.check_changeable(Kind.MODEL, row.name)
            row.user_id = self._actor.viewer.id
            of_sources = sources.labels(self.session, self._ledger, self._actor, row)
        label = self._label(row.model_version_tags, of_sources)

        def tag(text: str) -> Any:
            return registry.SqlModelVersionTag(
                workspace=row.workspace, name=row.name, version=row.version, key=LABEL_TAG, value=text
            )

        self._tag(row.model_version_tags, label, tag)
        self._labels[Kind.VERSION, f"{row.name}/{row.version}"] = label
        self._mentions.append((Kind.MODEL, row.name, label))

    # -- labels --------------------------------------------------------------------------------------------------

    def _label(self, said: list[Any], of_sources: list[Label]) -> Label:
        grades = self._actor.viewer.grades if isinstance(self._actor, Acting) else None
        declared = tags.labels_among(said, grades)
        if isinstance(self._actor, Recorder):
            if not declared:
                raise ValueError(f"What the control plane records carries the tag {LABEL_TAG}")
            return high_water_mark(declared)
        for tag in said:
            if tags.key_of(tag) != LABEL_TAG:
                tags.check_is_free(tags.key_of(tag))
        label = high_water_mark([*declared, *of_sources], self._actor.written)
        if not self._actor.viewer.clearance.dominates(label):
            raise MlflowException(f"{label} is above your clearance.", INVALID_PARAMETER_VALUE)
        return label

    def _tag(self, rows: list[Any], label: Label, make: Callable[[str], Any]) -> None:
        """The label where people read it."""
        if isinstance(self._actor, Recorder):
            return
        for row in rows:
            if tags.key_of(row) == LABEL_TAG:
                if isinstance(row, tracking.SqlLoggedModelTag):
                    row.tag_value = str(label)
                else:
                    row.value = str(label)
                return
        self.session.add(make(str(label)))


CREATABLE: Mapping[type, Callable[[NewThings, Any], None]] = {
    tracking.SqlExperiment: NewThings.experiment,
    tracking.SqlRun: NewThings.run,
    tracking.SqlLoggedModel: NewThings.logged_model,
    tracking.SqlTraceInfo: NewThings.trace,
    tracking.SqlDataset: NewThings.dataset,
    registry.SqlRegisteredModel: NewThings.model,
    registry.SqlModelVersion: NewThings.version,
}
"""What can be made, and how its label is found."""
