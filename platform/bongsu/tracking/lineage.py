"""Runs, stages, metrics, datasets and models in MLflow's own terms.

A pipeline is an experiment, a run a parent run, each attempt of a stage a child run. Trees that are models
become LoggedModels (one per digest and experiment), all others datasets. Our own edge table is the graph; what
stands here is for people who work with MLflow's clients and pages.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.domain.publication import (
    MetricPoint,
    ModelPage,
    PublishedTree,
    RunClosed,
    RunOpened,
    RunRelabelled,
    StageFinished,
)
from bongsu.tracking.names import DIGEST_TAG, LABEL_TAG, USE_TAG, allowed_name, allowed_names
from bongsu.tracking.pages import logged_model_page

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

RUN_STATUS = {"succeeded": "FINISHED", "cached": "FINISHED", "cancelled": "KILLED"}
# Limits of one log_batch request (MLflow REST API).
MAX_PARAMS = 100
MAX_METRICS = 1000
MAX_PARAM_LENGTH = 6000
DIGEST_LENGTH = 36
T = TypeVar("T")


@dataclass(frozen=True)
class Labelled:
    """Labels of what MLflow has of a run.

    Attributes:
        experiment: MLflow's id of the pipeline.
        runs: by MLflow's id: the run itself, and each attempt of its stages.
        models: by id of the LoggedModel.
        datasets: by the digest that MLflow has.
    """

    experiment: str
    runs: dict[str, Label] = field(default_factory=dict)
    models: dict[str, Label] = field(default_factory=dict)
    datasets: dict[str, Label] = field(default_factory=dict)


class LineageWriter:
    """Writes publications to MLflow; writing one twice changes nothing."""

    def __init__(self, client: MlflowClient, artifact_root: str | None) -> None:
        """Args: artifact_root: below which each experiment has its files; None where MLflow's server says it."""
        self._client = client
        self._root = artifact_root
        self._experiments: dict[str, str] = {}
        self._runs: dict[str, str] = {}
        self._models: dict[tuple[str, str], str] = {}

    def open_run(self, item: RunOpened) -> None:
        """The parent run, with the plan's parameters."""
        experiment = self.experiment(item.pipeline)
        run = self._find(experiment, item.key)
        if run is None:
            run = self._create_parent(experiment, item)
        # Whoever was here before may have come no further than this.
        self._log_params(run, item.parameters)

    def _create_parent(self, experiment: str, item: RunOpened) -> str:
        tags = {
            "bongsu.key": item.key,
            LABEL_TAG: str(item.label),
            "bongsu.plan": item.plan_hash,
            "bongsu.ministry": item.ministry,
            USE_TAG: item.use_class,
            "mlflow.note.content": item.purpose,
        }
        run = self._client.create_run(
            experiment, start_time=_milliseconds(item.time), tags=tags, run_name=f"{item.pipeline} {item.run_id}"
        )
        self._runs[item.key] = str(run.info.run_id)
        return self._runs[item.key]

    def close_run(self, item: RunClosed) -> None:
        """Raises what MLflow does of what it does not know, if the run was not opened: whoever delivers tries again
        later."""
        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST

        run = self._find(self.experiment(item.pipeline), item.run_id)
        if run is None:
            raise MlflowException(f"MLflow does not know the run {item.run_id}", RESOURCE_DOES_NOT_EXIST)
        self._client.set_tag(run, "bongsu.state", item.state)
        if item.label is not None:
            self._client.set_tag(run, LABEL_TAG, str(item.label))
        self._client.set_terminated(run, RUN_STATUS.get(item.state, "FAILED"), _milliseconds(item.time))

    def relabel(self, item: RunRelabelled) -> None:
        """Let the run, its stages and its models carry the labels that they carry. Raises what MLflow raises."""
        found = self.labelled(item)
        for run, label in found.runs.items():
            self._client.set_tag(run, LABEL_TAG, str(label))
        for model, label in found.models.items():
            self._client.set_logged_model_tags(model, {LABEL_TAG: str(label)})

    def labelled(self, item: RunRelabelled) -> Labelled:
        """What of it is here: a run of which nothing was told yet is told with its label. Raises what MLflow raises."""
        known = self._client.get_experiment_by_name(item.pipeline)
        if known is None or item.label is None:
            return Labelled("")
        found = Labelled(known.experiment_id)
        parent = self._find(found.experiment, item.run_id)
        if parent is not None:
            found.runs[parent] = item.label
            for run in self._children(found.experiment, parent):
                found.runs[run.info.run_id] = item.stages.get(run.data.tags.get("bongsu.stage", ""), item.label)
        for digest, label in item.trees.items():
            is_it = f"tags.`bongsu.digest` = '{digest}'"
            models = self._client.search_logged_models([found.experiment], filter_string=is_it, max_results=1)
            found.models.update((model.model_id, label) for model in models)
            found.datasets[_dataset_digest(digest)] = label
        return found

    def _children(self, experiment: str, parent: str) -> Iterator[Run]:
        token: str | None = None
        while True:
            is_child = f"tags.`mlflow.parentRunId` = '{parent}'"
            page = self._client.search_runs([experiment], is_child, max_results=1000, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def finish_stage(self, item: StageFinished) -> None:
        """The child run of one attempt, with parameters, metrics by step, inputs and outputs."""
        experiment = self.experiment(item.pipeline)
        run = self._find(experiment, item.key)
        if run and self._client.get_run(run).info.status != "RUNNING":
            return
        if run is None:
            run = self._client.create_run(
                experiment,
                start_time=_milliseconds(item.started_at),
                tags=self._stage_tags(experiment, item),
                run_name=item.title,
            ).info.run_id
            self._runs[item.key] = run
        self._log_params(run, _flatten(item.params))
        self._log_metrics(run, item)
        self._log_figures_of_models(experiment, run, item)
        self._log_inputs(experiment, run, item.inputs)
        self._log_outputs(experiment, run, item)
        self._client.set_terminated(run, RUN_STATUS.get(item.state, "FAILED"), _milliseconds(item.finished_at))

    def pages(self, item: StageFinished) -> list[ModelPage]:
        """Where MLflow's pages show the models that a stage took and gave."""
        experiment = self.experiment(item.pipeline)
        return [
            ModelPage(
                digest=tree.ref.digest,
                pipeline=item.pipeline,
                path=logged_model_page(experiment, self.model_id(experiment, tree)),
            )
            for tree in (*item.inputs, *item.outputs)
            if tree.ref.type is ArtifactType.MODEL
        ]

    def experiment(self, pipeline: str) -> str:
        """Id of the pipeline's experiment, made on first use."""
        if pipeline not in self._experiments:
            found = self._client.get_experiment_by_name(pipeline)
            self._experiments[pipeline] = (
                found.experiment_id
                if found
                else self._client.create_experiment(pipeline, artifact_location=self._location(pipeline))
            )
        return self._experiments[pipeline]

    def _location(self, pipeline: str) -> str | None:
        return None if self._root is None else f"{self._root}/{pipeline}"

    def run_of(self, pipeline: str, key: str) -> str | None:
        """MLflow's id of the run that was written under ``key``."""
        return self._find(self.experiment(pipeline), key)

    def model_id(self, experiment: str, tree: PublishedTree, run: str | None = None) -> str:
        """LoggedModel of a model tree in this experiment, made on first use."""
        known = self._models.get((experiment, tree.ref.digest))
        if known:
            return known
        found = self._client.search_logged_models(
            [experiment], filter_string=f"tags.`bongsu.digest` = '{tree.ref.digest}'", max_results=1
        )
        if found:
            model = found[0].model_id
            self._raise_label(model, found[0].tags.get(LABEL_TAG, ""), tree)
        else:
            tags = {DIGEST_TAG: tree.ref.digest, LABEL_TAG: str(tree.ref.label)}
            model = self._client.create_logged_model(
                experiment, name=_model_name(tree.title), source_run_id=run, tags=tags, model_type="transformers"
            ).model_id
            self._client.finalize_logged_model(model, "READY")
        self._models[experiment, tree.ref.digest] = model
        return str(model)

    def _raise_label(self, model: str, told: str, tree: PublishedTree) -> None:
        """The same bytes may be known by a higher label than when they were told of first; none falls."""
        label = tree.ref.label.join(Label.parse(told)) if told else tree.ref.label
        if str(label) != told:
            self._client.set_logged_model_tags(model, {LABEL_TAG: str(label)})

    def _stage_tags(self, experiment: str, item: StageFinished) -> dict[str, str]:
        tags = {
            "bongsu.key": item.key,
            "bongsu.stage": item.stage_id,
            "bongsu.uses": item.uses,
            "bongsu.state": item.state,
            LABEL_TAG: str(item.label),
        }
        parent = self._find(experiment, item.run_id)
        if parent:
            tags["mlflow.parentRunId"] = parent
        tags |= {f"bongsu.output.{tree.port}": tree.ref.digest for tree in item.outputs}
        tags |= {f"bongsu.environment.{name}": value for name, value in item.environment.items()}
        tags |= {allowed_name(f"bongsu.note.{name}"): value for name, value in item.notes.items()}
        return tags | ({"bongsu.failure": item.failure} if item.failure else {})

    def _find(self, experiment: str, key: str) -> str | None:
        if key not in self._runs:
            found = self._client.search_runs([experiment], f"tags.`bongsu.key` = '{key}'", max_results=1)
            if not found:
                return None
            self._runs[key] = found[0].info.run_id
        return self._runs[key]

    def _log_params(self, run: str, params: dict[str, Any]) -> None:
        from mlflow.entities import Param

        names = allowed_names(params)
        rows = [Param(names[name], _text(value)[:MAX_PARAM_LENGTH]) for name, value in params.items()]
        for batch in _batches(rows, MAX_PARAMS):
            self._client.log_batch(run, params=batch, synchronous=True)

    def _log_metrics(self, run: str, item: StageFinished) -> None:
        from mlflow.entities import Metric

        last = max((point.step for point in item.history), default=0)
        # The worker's clock may run ahead of ours, and MLflow shows the latest point as the metric's value.
        end = max([item.finished_at.timestamp(), *(point.time + 0.001 for point in item.history)])
        told = {point.name: point.value for point in item.history}
        final = [
            MetricPoint(name=name, value=value, step=last, time=end)
            for name, value in item.metrics.items()
            if told.get(name) != value
        ]
        points = (*item.history, *final)
        names = allowed_names(point.name for point in points)
        rows = [Metric(names[p.name], p.value, int(p.time * 1000), p.step) for p in points]
        for batch in _batches(rows, MAX_METRICS):
            self._client.log_batch(run, metrics=batch, synchronous=True)

    def _log_figures_of_models(self, experiment: str, run: str, item: StageFinished) -> None:
        """What an evaluation measured of each model (``perplexity.law/TITLE``) stands at the model as well."""
        from mlflow.entities import Metric

        models = {tree.title: tree for tree in item.inputs if tree.ref.type is ArtifactType.MODEL}
        time = int(item.finished_at.timestamp() * 1000)
        rows = []
        for name, value in item.metrics.items():
            figure, slash, title = name.partition("/")
            if slash and title in models:
                model = self.model_id(experiment, models[title])
                rows.append(Metric(allowed_name(figure), value, time, 0, model_id=model, run_id=run))
        for batch in _batches(rows, MAX_METRICS):
            self._client.log_batch(run, metrics=batch, synchronous=True)

    def _log_inputs(self, experiment: str, run: str, trees: Sequence[PublishedTree]) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput

        models = [
            LoggedModelInput(self.model_id(experiment, tree))
            for tree in trees
            if tree.ref.type is ArtifactType.MODEL
        ]
        datasets = [
            DatasetInput(
                Dataset(
                    name=tree.title,
                    # MLflow's own digest covers 10,000 rows and collides; ours is cut to what the column holds.
                    digest=_dataset_digest(tree.ref.digest),
                    source_type="bongsu",
                    source=json.dumps({"uri": f"artifact:{tree.ref.digest}"}),
                ),
                [InputTag("mlflow.data.context", tree.port), InputTag(LABEL_TAG, str(tree.ref.label))],
            )
            for tree in trees
            if tree.ref.type is not ArtifactType.MODEL
        ]
        if models or datasets:
            self._client.log_inputs(run, datasets=datasets, models=models)

    def _log_outputs(self, experiment: str, run: str, item: StageFinished) -> None:
        from mlflow.entities import LoggedModelOutput

        step = max((point.step for point in item.history), default=0)
        made = [
            LoggedModelOutput(self.model_id(experiment, tree, run), step)
            for tree in item.outputs
            if tree.ref.type is ArtifactType.MODEL
        ]
        already = (
            {output.model_id for output in self._client.get_run(run).outputs.model_outputs or ()} if made else ()
        )
        new = [output for output in made if output.model_id not in already]
        if new:
            self._client.log_outputs(run, new)


def _dataset_digest(digest: Digest) -> str:
    return digest.removeprefix("sha256-")[:DIGEST_LENGTH]


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _flatten(params: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in params.items():
        if isinstance(value, dict) and value:
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _model_name(title: str) -> str:
    """MLflow refuses ``/ : . % " '`` in names of logged models."""
    return "".join("-" if char in "/:.%\"' " else char for char in title) or "model"


def _batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch
