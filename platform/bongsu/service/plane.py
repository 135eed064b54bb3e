"""What the command line asks of a control plane, be it the one on this machine or a server's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.grades import GradeScheme
from bongsu.domain.ids import RunId, StageId
from bongsu.domain.labels import Grade, Label
from bongsu.domain.plan import RunPlan, SkippedStage
from bongsu.domain.problems import Problem, Translate
from bongsu.domain.run import ShownState
from bongsu.domain.searching import Found, SearchKind
from bongsu.service.artifacts import ListedArtifact
from bongsu.service.capacity import CapacityShown
from bongsu.service.datasets import DatasetVersion
from bongsu.service.following import LogLine
from bongsu.service.grants.reserving import GrantStanding
from bongsu.service.labels import LabelShown
from bongsu.service.lineage import Direction, LineageGraph
from bongsu.service.models import ModelVersion
from bongsu.service.running import OnUpdate, Outcome
from bongsu.service.showing import RunDetails
from bongsu.service.summaries import RunSummary
from bongsu.service.variants import Variant
from bongsu.service.watching import RunProgress


@dataclass(frozen=True)
class PlanShown:
    """A plan, and what is said about it; ``gpu_hours`` and the like are the plan's own."""

    plan: RunPlan
    skipped: tuple[SkippedStage, ...] = ()
    warnings: tuple[Problem, ...] = ()
    obstacles: tuple[Problem, ...] = ()
    grant: GrantStanding | None = None


@dataclass(frozen=True)
class Begun:
    """A run that was submitted; ``created`` is False if an unfinished run of the same plan goes on."""

    run_id: RunId
    pipeline: str
    created: bool
    skipped: tuple[SkippedStage, ...] = ()


@dataclass(frozen=True)
class Pipeline:
    """A pipeline file of this machine, with what ``--set`` says."""

    path: Path
    overrides: Mapping[str, str]


OnBegin = Callable[[Begun], None]


class Plane(Protocol):
    """Every method raises BongsuError with what is wrong. A run is named by its id, a unique beginning of it, or
    ``latest``.

    Attributes:
        drives_here: this process drives what runs, which stands still without it.
    """

    drives_here: bool

    def runs(self, states: Sequence[ShownState], pipeline: str | None, limit: int) -> list[RunSummary]:
        """Newest first."""
        ...

    def show(self, run: str) -> RunDetails: ...

    def variants(self, run: str) -> list[Variant]:
        """Models of a run, in the plan's order."""
        ...

    def progress(self, run: str) -> RunProgress: ...

    def lines(
        self, run: RunId, stages: Sequence[StageId], attempt: int | None = None, follow: bool = False
    ) -> Iterator[LogLine]:
        """What stages wrote; following waits for more until they are over."""
        ...

    def models(self, name: str | None = None, limit: int | None = None) -> list[ModelVersion]:
        """By name, newest version first; so many at most, or all."""
        ...

    def artifacts(self, types: Collection[ArtifactType], limit: int) -> list[ListedArtifact]:
        """Newest first; of these types, if some are given."""
        ...

    def datasets(self, name: str | None = None, limit: int | None = None) -> list[DatasetVersion]:
        """By name, newest version first; so many at most, or all."""
        ...

    def register_dataset(
        self, name: str, uri: str, directory: Path, grade: Grade | None, compartments: Sequence[str]
    ) -> DatasetVersion:
        """Give a data set a name and a version; ``file:`` is relative to ``directory``."""
        ...

    def lineage(self, reference: str, direction: Direction) -> LineageGraph: ...

    def grades(self) -> GradeScheme:
        """Of the site."""
        ...

    def label(self, reference: str) -> LabelShown:
        """The label of a thing, and what brought it in."""
        ...

    def raise_label(self, reference: str, label: Label, reason: str) -> LabelShown:
        """State that a thing is worth more protection."""
        ...

    def search(self, text: str, kinds: Collection[SearchKind], limit: int) -> list[Found]:
        """Exact names first, then beginnings, each newest first."""
        ...

    def capacity(self) -> CapacityShown:
        """How much can be run at once, and what is asked of it now."""
        ...

    def plan(self, pipeline: Pipeline) -> PlanShown:
        """What a run would do."""
        ...

    def submit(self, pipeline: Pipeline, on_warnings: Callable[[Sequence[Problem]], None]) -> Begun:
        """Have a pipeline run, without waiting for it; warnings are told before."""
        ...

    def run(
        self,
        pipeline: Pipeline,
        on_warnings: Callable[[Sequence[Problem]], None],
        on_begin: OnBegin | None,
        on_update: OnUpdate | None,
    ) -> Outcome:
        """Submit a pipeline and see it to its end."""
        ...

    def resume(self, run: str, on_begin: OnBegin | None, on_update: OnUpdate | None) -> Outcome:
        """Go on with a run and see it to its end."""
        ...

    def watch(self, run: str, on_update: OnUpdate | None) -> Outcome:
        """See a run to its end that somebody else began."""
        ...

    def cancel(self, run: str) -> RunSummary: ...

    def report(self, run: str, language: str, translate: Translate) -> tuple[str, str]:
        """Id of the run, and one HTML page about it."""
        ...

    def picture(self, outcome: Outcome, translate: Translate) -> Path | None:
        """A file with the picture of a run's models; None if there is none."""
        ...
