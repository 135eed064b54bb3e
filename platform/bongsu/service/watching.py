"""A run under way, as somebody who watches it sees it at one moment."""

from __future__ import annotations

from bongsu.reconciler.facts import RunFacts
from bongsu.reconciler.loading import load_facts
from bongsu.reconciler.progress import AttemptProgress
from bongsu.reconciler.view import RunView, StageView, Watch, view_of
from bongsu.service.platform import Platform
from bongsu.service.showing import RunDetails, show_with_facts
from bongsu.store.runs import find_run

# The reconciler's own view of a run and of a stage: there is nothing to add for those who look.
RunProgress = RunView
StageProgress = StageView


def watch_run(platform: Platform, run: str) -> RunProgress:
    """A run that any process drives, or that one left behind: its live attempts as far as their events tell.

    Raises ``run.unknown``, ``run.ambiguous``.
    """
    with platform.read() as connection:
        found = find_run(connection, run)
        facts = load_facts(connection, found.id, run=found)
    return _progress(platform, facts)


def show_and_watch(platform: Platform, run: str) -> tuple[RunDetails, RunProgress | None]:
    """A run, and how far it is at the same moment; None for what is over, of which nothing moves. Raises as
    :func:`watch_run`."""
    details, facts = show_with_facts(platform, run)
    return details, _progress(platform, facts) if details.run.finished_at is None else None


def _progress(platform: Platform, facts: RunFacts) -> RunProgress:
    progress = {}
    for attempt in facts.live:
        progress[attempt.id] = AttemptProgress()
        progress[attempt.id].take(platform.executor().events(attempt.id).events)
    return view_of(facts, Watch(progress, {}, {}, platform.clock()))
