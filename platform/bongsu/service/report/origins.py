"""Curves and times of a run, those of the runs that made its cached outputs included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import inf

from bongsu.domain.ids import Digest
from bongsu.domain.run import StageState
from bongsu.service.platform import Platform
from bongsu.service.report.model import Bar, Series, Timeline
from bongsu.service.showing import RunDetails, run_metrics, show_run
from bongsu.store.stages import makers_of

SHOWN_METRIC = "loss"


@dataclass(frozen=True)
class Work:
    """Stages of one run whose work a report shows, by their ids in that run; ``titles`` are those of the report."""

    details: RunDetails
    titles: dict[str, str]
    origin: str | None = None

    def bars(self) -> Iterator[Bar]:
        """Their attempts that are over; times from the beginning of the run that made them."""
        begin = self.details.run.started_at or self.details.run.created_at
        for stage in self.details.stages:
            for attempt in stage.attempts if stage.planned.id in self.titles else ():
                start = attempt.started_at or attempt.requested_at
                if attempt.finished_at is not None:
                    yield Bar(
                        self.titles[stage.planned.id],
                        attempt.number,
                        max(0.0, start - begin),
                        attempt.finished_at - begin,
                        attempt.state.value,
                    )


def works(platform: Platform, details: RunDetails) -> list[Work]:
    """The work of this run itself, then that of each earlier run whose outputs it took from the cache."""
    titles = {str(stage.planned.id): stage.planned.short_title for stage in details.stages}
    cached: dict[Digest, list[str]] = defaultdict(list)
    times: dict[Digest, float] = {}
    for stage in details.stages:
        if stage.record.state is StageState.CACHED and stage.record.cache_key:
            cached[stage.record.cache_key].append(titles[str(stage.planned.id)])
            times[stage.record.cache_key] = stage.record.finished_at or inf
    with platform.read() as connection:
        makers = makers_of(connection, times)
    taken: dict[str, dict[str, str]] = defaultdict(dict)
    for key, maker in makers.items():
        # Stages that are one computation share its work.
        taken[maker.run_id][str(maker.stage_id)] = ", ".join(cached[key])
    earlier = [Work(show_run(platform, run), stages, run) for run, stages in sorted(taken.items())]
    return [Work(details, titles), *earlier]


def timelines(found: Collection[Work]) -> Iterator[Timeline]:
    """One for each run that did any of it."""
    for work in found:
        bars = tuple(work.bars())
        if bars:
            yield Timeline(bars, work.origin)


def loss_series(platform: Platform, found: Collection[Work]) -> Iterator[Series]:
    """Loss by step of every stage that reported it."""
    for work in found:
        for one in run_metrics(platform, work.details.run.id):
            if one.name == SHOWN_METRIC and one.stage_id in work.titles:
                points = tuple((step, value) for step, value, _time in one.points)
                yield Series(work.titles[one.stage_id], one.name, points, work.origin)
