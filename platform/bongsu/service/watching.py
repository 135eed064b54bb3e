"""A run under way, as somebody who watches it sees it at one moment."""

from __future__ import annotations

from bongsu.reconciler.loading import load_facts
from bongsu.reconciler.progress import AttemptProgress
from bongsu.reconciler.view import RunView, StageView, Watch, view_of
from bongsu.service.platform import Platform
from bongsu.store.runs import find_run

# The reconciler's own view of a run and of a stage: there is nothing to add for those who look.
RunProgress = RunView
StageProgress = StageView


def watch_run(platform: Platform, run: str) -> RunProgress:
    """A run that any process drives, or that one left behind: its live attempts as far as their events tell.

    Raises ``run.unknown``, ``run.ambiguous``.
    """
    with platform.read() as connection:
        facts = load_facts(connection, find_run(connection, run).id)
    progress = {}
    for attempt in facts.live:
        progress[attempt.id] = AttemptProgress()
        progress[attempt.id].take(platform.executor().events(attempt.id).events)
    return view_of(facts, Watch(progress, {}, {}, platform.clock()))
