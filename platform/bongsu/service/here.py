"""The control plane of one machine, as the command line asks it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.codes import cli as codes
from bongsu.domain.filters import Comparison, Operator
from bongsu.domain.grades import GradeScheme
from bongsu.domain.ids import RunId, StageId
from bongsu.domain.labels import Grade, Label
from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.domain.problems import Problem, Translate
from bongsu.domain.run import ShownState
from bongsu.domain.searching import Found, SearchKind
from bongsu.language.particles import settle_particles
from bongsu.service.artifacts import ListedArtifact, list_artifacts
from bongsu.service.cancelling import cancel
from bongsu.service.capacity import CapacityShown, show_capacity
from bongsu.service.datasets import DatasetVersion, list_datasets, register_dataset
from bongsu.service.following import LogLine, follow_logs, logs_of
from bongsu.service.grades import grades_of
from bongsu.service.labels import LabelShown, raise_label, show_label
from bongsu.service.lineage import Direction, LineageGraph, trace
from bongsu.service.models import ModelVersion, list_models
from bongsu.service.plane import Begun, OnBegin, Pipeline, PlanShown
from bongsu.service.planning import Prepared, prepare
from bongsu.service.platform import Platform
from bongsu.service.running import OnUpdate, Outcome, resume_run, run_plan, save_picture
from bongsu.service.searching import search
from bongsu.service.showing import RunDetails, list_runs, show_run
from bongsu.service.submitting import Submission
from bongsu.service.summaries import RunSummary
from bongsu.service.variants import Variant, variants
from bongsu.service.watching import RunProgress, watch_run


class Here:
    """See :class:`bongsu.service.plane.Plane`; this process drives what it runs."""

    drives_here = True

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def runs(self, states: Sequence[ShownState], pipeline: str | None, limit: int) -> list[RunSummary]:
        return list_runs(self._platform, states, pipeline, limit)

    def show(self, run: str) -> RunDetails:
        return show_run(self._platform, run)

    def variants(self, run: str) -> list[Variant]:
        return variants(self._platform, run)

    def progress(self, run: str) -> RunProgress:
        return watch_run(self._platform, run)

    def lines(
        self, run: RunId, stages: Sequence[StageId], attempt: int | None = None, follow: bool = False
    ) -> Iterator[LogLine]:
        if follow and attempt is None:
            return follow_logs(self._platform, run, stages)
        attempts = show_run(self._platform, run).attempts(set(stages), attempt)
        return logs_of(self._platform, attempts, follow)

    def models(self, name: str | None = None, limit: int | None = None) -> list[ModelVersion]:
        return list_models(self._platform, name, PageRequest((), limit) if limit else WHOLE)

    def artifacts(self, types: Collection[ArtifactType], limit: int) -> list[ListedArtifact]:
        filters = (Comparison("type", Operator.ANY_OF, tuple(one.value for one in types)),) if types else ()
        return list_artifacts(self._platform, PageRequest(filters, limit))

    def datasets(self, name: str | None = None, limit: int | None = None) -> list[DatasetVersion]:
        return list_datasets(self._platform, name, PageRequest((), limit) if limit else WHOLE)

    def register_dataset(
        self, name: str, uri: str, directory: Path, grade: Grade | None, compartments: Sequence[str]
    ) -> DatasetVersion:
        return register_dataset(self._platform, name, uri, directory, grade, compartments)

    def grades(self) -> GradeScheme:
        return grades_of(self._platform)

    def lineage(self, reference: str, direction: Direction) -> LineageGraph:
        return trace(self._platform, reference, direction)

    def label(self, reference: str) -> LabelShown:
        return show_label(self._platform, reference)

    def raise_label(self, reference: str, label: Label, reason: str) -> LabelShown:
        return raise_label(self._platform, reference, label, reason)

    def search(self, text: str, kinds: Collection[SearchKind], limit: int) -> list[Found]:
        return search(self._platform, text, kinds, limit)

    def capacity(self) -> CapacityShown:
        return show_capacity(self._platform)

    def plan(self, pipeline: Pipeline) -> PlanShown:
        return _shown(prepare(self._platform, pipeline.path, pipeline.overrides))

    def submit(self, pipeline: Pipeline, on_warnings: Callable[[Sequence[Problem]], None]) -> Begun:
        """Raises ``cli.needs-server``: without a server nobody would drive the run."""
        raise codes.NEEDS_SERVER.error()

    def run(
        self,
        pipeline: Pipeline,
        on_warnings: Callable[[Sequence[Problem]], None],
        on_begin: OnBegin | None,
        on_update: OnUpdate | None,
    ) -> Outcome:
        prepared = prepare(self._platform, pipeline.path, pipeline.overrides)
        made = prepared.to_run()
        on_warnings(prepared.warnings)

        def begun(submission: Submission) -> None:
            if on_begin:
                run = submission.run
                on_begin(Begun(run.id, run.pipeline, submission.created, prepared.skipped))

        return run_plan(self._platform, made, begun, on_update)

    def resume(self, run: str, on_begin: OnBegin | None, on_update: OnUpdate | None) -> Outcome:
        def begun(run_id: str, pipeline: str) -> None:
            if on_begin:
                on_begin(Begun(RunId(run_id), pipeline, created=False))

        return resume_run(self._platform, run, begun, on_update)

    def watch(self, run: str, on_update: OnUpdate | None) -> Outcome:
        """Raises ``cli.needs-server``."""
        raise codes.NEEDS_SERVER.error()

    def cancel(self, run: str) -> RunSummary:
        return cancel(self._platform, run)

    def report(self, run: str, language: str, translate: Translate) -> tuple[str, str]:
        from bongsu.service.report.collect import collect
        from bongsu.service.report.page import render_page

        gathered = collect(self._platform, run)
        return gathered.run_id, render_page(gathered, language, translate, settle_particles)

    def picture(self, outcome: Outcome, translate: Translate) -> Path | None:
        return save_picture(self._platform, outcome, translate)


def _shown(prepared: Prepared) -> PlanShown:
    return PlanShown(prepared.plan, prepared.skipped, prepared.warnings, prepared.obstacles, prepared.grant)
