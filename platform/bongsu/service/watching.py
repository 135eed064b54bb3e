"""A run that is being driven, as somebody who watches it sees it at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bongsu.domain.run import StageState
from bongsu.reconciler.view import RunView, StageView


@dataclass(frozen=True)
class StageProgress:
    """One stage.

    Attributes:
        title: as :func:`bongsu.domain.titles.brief` takes it.
        reason: why it is in this state, where there is something to say.
        attempt: number of the newest attempt, 0 before the first.
        step, total: of the attempt that runs; None while it has not said.
        seconds: how long it has run, or ran.
        seconds_left: to its end, None while nobody knows.
        phase: the worker's own word for what it is at.
        waiting_for: what holds it before it runs.
    """

    id: str
    title: str
    state: StageState
    reason: str = ""
    attempt: int = 0
    step: int | None = None
    total: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float | None = None
    seconds_left: float | None = None
    phase: str = ""
    waiting_for: str = ""


@dataclass(frozen=True)
class RunProgress:
    """The whole run.

    Attributes:
        seconds_left: along the longest path of what is known; None while nothing is.
        trouble: why nothing moves although it should, e.g. that the executor does not answer.
    """

    stages: tuple[StageProgress, ...]
    seconds_left: float | None = None
    trouble: str = ""

    @property
    def done(self) -> int:
        """Stages that are over."""
        return sum(stage.state.is_final for stage in self.stages)


def progress_of(view: RunView) -> RunProgress:
    """What the reconciler knows, as much of it as people look at."""
    return RunProgress(tuple(map(_stage, view.stages)), view.seconds_left, view.trouble)


def _stage(view: StageView) -> StageProgress:
    return StageProgress(
        id=view.id,
        title=view.title,
        state=view.state,
        reason=view.reason,
        attempt=view.attempt,
        step=view.step,
        total=view.total,
        metrics=view.metrics,
        seconds=view.seconds,
        seconds_left=view.seconds_left,
        phase=view.phase,
        waiting_for=view.waiting_for,
    )
