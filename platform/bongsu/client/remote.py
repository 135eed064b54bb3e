"""The control plane of a server, as the command line asks it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from bongsu.client.grades import grades_of
from bongsu.client.http import Server, problem_of
from bongsu.client.ministry import in_one_ministry
from bongsu.client.uploading import files_beside, files_judged_here, upload_files, upload_inputs
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.codes import client as codes
from bongsu.domain.codes import database
from bongsu.domain.codes import run as run_codes
from bongsu.domain.grades import GradeScheme
from bongsu.domain.ids import RunId, StageId
from bongsu.domain.labels import Grade, Label
from bongsu.domain.pipeline import Input
from bongsu.domain.plan import RunPlan, SkippedStage
from bongsu.domain.problems import BongsuError, Problem, Translate
from bongsu.domain.read_documents import Unlike, items, part, read
from bongsu.domain.run import RunState, ShownState
from bongsu.domain.searching import Found, SearchKind
from bongsu.service.artifacts import ListedArtifact
from bongsu.service.capacity import CapacityShown
from bongsu.service.catalogue import InstalledStages
from bongsu.service.datasets import DatasetVersion
from bongsu.service.following import LogLine
from bongsu.service.grants.reading_back import standing_of
from bongsu.service.grants.reserving import GrantStanding
from bongsu.service.inputs.addresses import files_of, told
from bongsu.service.inputs.card import label_of
from bongsu.service.labels import LabelShown
from bongsu.service.lineage import Direction, LineageGraph
from bongsu.service.models import ModelVersion
from bongsu.service.plane import Begun, OnBegin, Pipeline, PlanShown
from bongsu.service.running import OnUpdate, Outcome
from bongsu.service.showing import RunDetails, StageDetails, may_be_shown_as
from bongsu.service.summaries import AttemptSummary, RunSummary, StageSummary
from bongsu.service.validating import Checked, validate_file
from bongsu.service.variants import Variant
from bongsu.service.watching import RunProgress
from bongsu.specfile import FaultyPipeline, load

LOOK_S = 1.0
# So long a server that is watched may be away: it begins anew, or another replica takes its place.
PATIENCE_S = 120.0
_FOR_NOW = {one.name for one in (codes.UNREACHABLE, database.DATABASE_UNREACHABLE, run_codes.DATABASE_BUSY)}
T = TypeVar("T")
_PLAN = "/v1/pipelines/plan"
_RUNS = "/v1/runs"


class Remote:
    """See :class:`bongsu.service.plane.Plane`; the server drives what runs.

    Args:
        server: which.
        ministry: in which models and data sets are looked for by name.
    """

    drives_here = False

    def __init__(
        self,
        server: Server,
        ministry: str | None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._ministry = ministry
        self._sleep = sleep
        self._monotonic = monotonic

    def runs(self, states: Sequence[ShownState], pipeline: str | None, limit: int) -> list[RunSummary]:
        stored = [state for state in RunState if may_be_shown_as(state, states)] if states else []
        wanted = [f"state : {', '.join(stored)}"] if states else []
        if pipeline:
            wanted.append(f'pipeline = "{_quoted(pipeline)}"')
        found = self._server.pages("/v1/runs", RunSummary, None if states else limit, filter=" AND ".join(wanted))
        return list(islice((run for run in found if not states or run.shown in states), limit))

    def show(self, run: str) -> RunDetails:
        path = f"/v1/runs/{run}"
        document = self._server.json("GET", path)
        with self._server.understood(path):
            summary = read(RunSummary, part(document, "run"))
        plan = self._server.get(f"/v1/runs/{summary.id}/plan", RunPlan)
        with self._server.understood(path):
            stages = tuple(
                _stage(plan, summary.id, place, told) for place, told in enumerate(items(document, "stages"))
            )
        return RunDetails(summary, plan, stages)

    def variants(self, run: str) -> list[Variant]:
        path = f"/v1/runs/{run}"
        document = self._server.json("GET", path, query={"fields": "variants"})
        with self._server.understood(path):
            return [self._with_whole_page(read(Variant, told)) for told in items(document, "variants")]

    def _with_whole_page(self, variant: Variant) -> Variant:
        """A server tells the path of a page below its own address."""
        return replace(variant, page=self._server.url + variant.page) if variant.page else variant

    def progress(self, run: str) -> RunProgress:
        return self._server.get(f"/v1/runs/{run}/progress", RunProgress)

    def lines(
        self, run: RunId, stages: Sequence[StageId], attempt: int | None = None, follow: bool = False
    ) -> Iterator[LogLine]:
        paths = [f"/v1/runs/{run}/stages/{stage}/logs" for stage in stages]
        if attempt is None and len(stages) > 1:  # a request for each of very many would be a flood
            paths = [f"/v1/runs/{run}/logs"]
        wanted = set(stages)
        for path in paths:
            query = {"attempt": attempt, "follow": "true" if follow else None}
            for line in self._server.lines(path, **query):
                if line["stage"] in wanted:
                    yield LogLine(StageId(line["stage"]), line["line"])

    def models(self, name: str | None = None, limit: int | None = None) -> list[ModelVersion]:
        found = self._server.pages("/v1/models", ModelVersion, limit, name=name, ministry=self._ministry)
        return list(islice(found, limit))

    def artifacts(self, types: Collection[ArtifactType], limit: int) -> list[ListedArtifact]:
        wanted = f"type : {', '.join(one.value for one in types)}" if types else ""
        found = self._server.pages("/v1/artifacts", ListedArtifact, limit, filter=wanted, ministry=self._ministry)
        return list(islice(found, limit))

    def datasets(self, name: str | None = None, limit: int | None = None) -> list[DatasetVersion]:
        found = self._server.pages("/v1/datasets", DatasetVersion, limit, name=name, ministry=self._ministry)
        return list(islice(found, limit))

    def register_dataset(
        self, name: str, uri: str, directory: Path, grade: Grade | None, compartments: Sequence[str]
    ) -> DatasetVersion:
        ministry = self._in_one_ministry()
        scheme, _, rest = uri.partition(":")
        if scheme == "file":
            with told(name, Input(dataset=uri)):
                files = files_of(scheme, rest, directory)
                label = label_of(files, self.grades())
            taken = upload_files(self._server, ministry, files, name, {"label": str(label) if label else ""})
            uri = f"artifact:{taken['digest']}"
        body = {"name": name, "uri": uri, "grade": grade, "compartments": list(compartments)}
        return self._server.made_once(f"/v1/ministries/{ministry}/datasets", DatasetVersion, body)

    def grades(self) -> GradeScheme:
        return grades_of(self._server)

    def lineage(self, reference: str, direction: Direction) -> LineageGraph:
        path = f"/v1/ministries/{self._in_one_ministry()}/lineage"
        return self._server.get(path, LineageGraph, of=reference, direction=direction)

    def validate(self, pipeline: Pipeline) -> Checked:
        """As the server reads it, with the stages that it has; the files that it names are looked at here, where they
        lie.

        Raises:
            BongsuError: everything that is wrong with the file, or else with what its inputs are.
        """
        try:
            here = validate_file(pipeline.path, pipeline.overrides, self.grades())
        except FaultyPipeline as faulty:
            if faulty.rest is None:
                raise
            # A stage that is not known here may be there.
            return self._read_there(faulty.rest.text, pipeline)
        return replace(self._read_there(here.pipeline.text, pipeline), warnings=here.warnings)

    def _read_there(self, text: str, pipeline: Pipeline) -> Checked:
        path = "/v1/pipelines/validate"
        told = self._server.post(path, _body(text, pipeline, {}, {}))
        with self._server.understood(path):
            return Checked(part(told, "name"), part(told, "stages"))

    def label(self, reference: str) -> LabelShown:
        ministry = self._in_one_ministry()
        found = self._server.get(f"/v1/ministries/{ministry}/labels", LabelShown, of=reference)
        return found if found.ministry else replace(found, ministry=ministry)

    def raise_label(self, reference: str, label: Label, reason: str) -> LabelShown:
        ministry = self._in_one_ministry()
        body = {"of": reference, "grade": label.grade, "compartments": sorted(label.compartments), "reason": reason}
        found = self._server.made_once(f"/v1/ministries/{ministry}/labels", LabelShown, body)
        return found if found.ministry else replace(found, ministry=ministry)

    def search(self, text: str, kinds: Collection[SearchKind], limit: int) -> list[Found]:
        wanted = [kind.value for kind in kinds] or None
        return list(self._server.pages("/v1/search", Found, limit, q=text, kind=wanted))

    def capacity(self) -> CapacityShown:
        return self._server.get("/v1/capacity", CapacityShown)

    def plan(self, pipeline: Pipeline) -> PlanShown:
        return self._planned(self._handed_in(pipeline))

    def _planned(self, body: Mapping[str, Any]) -> PlanShown:
        told = self._server.post(_PLAN, body)
        with self._server.understood(_PLAN):
            return _plan(told)

    def submit(self, pipeline: Pipeline, on_warnings: Callable[[Sequence[Problem]], None]) -> Begun:
        body = self._handed_in(pipeline)
        shown = self._planned(body)
        if not shown.obstacles:
            on_warnings(shown.warnings)
        # What is in the way is refused there, where a refusal by policy is recorded.
        answer = self._server.once(_RUNS, body)
        with self._server.understood(_RUNS):
            run = part(answer, "run")
            return Begun(RunId(part(run, "id")), part(run, "pipeline"), part(answer, "created"), shown.skipped)

    def run(
        self,
        pipeline: Pipeline,
        on_warnings: Callable[[Sequence[Problem]], None],
        on_begin: OnBegin | None,
        on_update: OnUpdate | None,
    ) -> Outcome:
        begun = self.submit(pipeline, on_warnings)
        if on_begin:
            on_begin(begun)
        return self.watch(begun.run_id, on_update)

    def resume(self, run: str, on_begin: OnBegin | None, on_update: OnUpdate | None) -> Outcome:
        resumed = self._changed(run, "resume")
        if on_begin:
            on_begin(Begun(resumed.id, resumed.pipeline, created=False))
        return self.watch(resumed.id, on_update)

    def watch(self, run: str, on_update: OnUpdate | None) -> Outcome:
        shown: RunProgress | None = None
        while True:
            # The state is read first: what is seen behind it is as new at least.
            state = self._waited_for(run, self._summary)
            seen = self._waited_for(run, self.progress)
            if on_update and seen != shown:
                on_update(seen)
            shown = seen
            if state.finished_at is not None:
                details = self.show(state.id)
                return Outcome(details, tuple(self.variants(state.id)), details.problem)
            self._sleep(LOOK_S)

    def _waited_for(self, run: str, look: Callable[[str], T]) -> T:
        """What a look at the run finds; while a server begins anew, for example, none of them answers. Raises
        ``client.lost-sight`` after a while."""
        until = self._monotonic() + PATIENCE_S
        while True:
            try:
                return look(run)
            except BongsuError as error:
                if any(one.code.name not in _FOR_NOW for one in error.problems):
                    raise
                if self._monotonic() > until:
                    raise codes.LOST_SIGHT.error(url=self._server.url, run=run) from error
                self._sleep(LOOK_S)

    def cancel(self, run: str) -> RunSummary:
        return self._changed(run, "cancel")

    def _summary(self, run: str) -> RunSummary:
        path = f"/v1/runs/{run}"
        told = self._server.json("GET", path, query={"fields": "run"})
        with self._server.understood(path):
            return read(RunSummary, part(told, "run"))

    def _changed(self, run: str, verb: str) -> RunSummary:
        path = f"/v1/runs/{run}/{verb}"
        told = self._server.once(path)
        with self._server.understood(path):
            return read(RunSummary, part(told, "run"))

    def report(self, run: str, language: str, translate: Translate) -> tuple[str, str]:
        run_id = self._summary(run).id
        return run_id, self._server.text(f"/v1/runs/{run_id}/report")

    def picture(self, outcome: Outcome, translate: Translate) -> Path | None:
        """None: the report has it."""
        return None

    def _handed_in(self, pipeline: Pipeline) -> dict[str, Any]:
        """The file, and what goes with it: the files that its inputs name are on the server afterwards."""
        directory = pipeline.path.absolute().parent
        grades = self.grades()
        try:
            loaded = load(pipeline.path, InstalledStages(), pipeline.overrides, grades)
        except FaultyPipeline as faulty:
            if faulty.rest is None:
                raise
            # The server tells what is wrong, with what it knows of inputs and resources; files of this machine are
            # sent once the file is right, and until then are looked for here.
            body = _body(faulty.rest.text, pipeline, {}, {})
            with files_judged_here(faulty.rest, directory):
                self._server.post(_PLAN, body)
            return body
        uploaded = upload_inputs(self._server, loaded, directory, grades)
        return _body(loaded.text, pipeline, uploaded, files_beside(loaded, directory))

    def _in_one_ministry(self) -> str:
        return in_one_ministry(self._server, self._ministry)


def _body(text: str, pipeline: Pipeline, uploaded: Mapping[str, str], beside: Mapping[str, str]) -> dict[str, Any]:
    return {
        "text": text,
        "file": str(pipeline.path),
        "overrides": dict(pipeline.overrides),
        "uploaded": dict(uploaded),
        "beside": dict(beside),
    }


def _plan(document: Mapping[str, Any]) -> PlanShown:
    obstacles = tuple(map(problem_of, items(document, "obstacles")))
    paid = part(document, "grantStanding")
    return PlanShown(
        read(RunPlan, document),
        tuple(read(SkippedStage, told) for told in items(document, "skipped")),
        tuple(map(problem_of, items(document, "warnings"))),
        obstacles,
        _standing(paid, obstacles) if paid else None,
    )


def _standing(paid: Any, obstacles: Sequence[Problem]) -> GrantStanding:
    try:
        return standing_of(paid, obstacles)
    except (KeyError, TypeError, ValueError) as error:
        raise Unlike(f"grantStanding: {type(error).__name__}: {error}") from error


def _stage(plan: RunPlan, run_id: RunId, position: int, told: Mapping[str, Any]) -> StageDetails:
    name = part(told, "id")
    planned = next((one for one in plan.stages if one.id == name), None)
    if planned is None:
        raise Unlike(f"{name} is no stage of the plan")
    record = read(StageSummary, {"runId": run_id, "stageId": planned.id, "position": position} | dict(told))
    attempts = tuple(read(AttemptSummary, one) for one in items(told, "attempts"))
    return StageDetails(planned, record, attempts)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
