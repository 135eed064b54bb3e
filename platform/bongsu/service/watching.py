"""A run under way, as somebody who watches it sees it at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from bongsu.domain.paging import PageRequest
from bongsu.domain.people import Actor
from bongsu.policy.access import Permission
from bongsu.reconciler.facts import RunFacts
from bongsu.reconciler.loading import load_facts
from bongsu.reconciler.view import RunView, StageView, Watch, view_of
from bongsu.service.control_plane import ControlPlane
from bongsu.service.platform import Platform
from bongsu.service.run_lists import look_at_run
from bongsu.service.showing import RunDetails, details_of
from bongsu.store.history import events_of
from bongsu.store.records import EventRecord, RunRecord
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


@dataclass(frozen=True)
class Look:
    """A run, how far it is (None for what is over, of which nothing moves), and the platform of its ministry."""

    platform: Platform
    record: RunRecord
    details: RunDetails
    progress: RunProgress | None


def look_closely(plane: ControlPlane, actor: Actor, permission: Permission, run: str) -> Look:
    """A run, and how far it is at the same moment, for whoever asks a server; arguments and errors as of
    :func:`bongsu.service.run_lists.look_at_run`."""
    before = plane.base.lock.driven()

    def look(connection: Connection, platform: Platform, record: RunRecord) -> tuple[RunDetails, RunFacts]:
        return details_of(connection, platform, record, before)

    platform, record, (details, facts) = look_at_run(plane, actor, permission, run, look)
    return Look(platform, record, details, _progress_of(platform, details, facts))


def look_at_log(
    plane: ControlPlane, actor: Actor, permission: Permission, run: str, wanted: PageRequest
) -> list[EventRecord]:
    """Entries of a run's log, as :func:`bongsu.service.showing.run_events`; arguments and errors as of
    :func:`bongsu.service.run_lists.look_at_run`."""

    def look(connection: Connection, _platform: Platform, record: RunRecord) -> list[EventRecord]:
        return events_of(connection, record.id, wanted)

    return look_at_run(plane, actor, permission, run, look)[2]


def _progress_of(platform: Platform, details: RunDetails, facts: RunFacts) -> RunProgress | None:
    return _progress(platform, facts) if details.run.finished_at is None else None


def _progress(platform: Platform, facts: RunFacts) -> RunProgress:
    live = [attempt.id for attempt in facts.live]
    progress = platform.progress.look(platform.executor().events, live) if live else {}
    # How long stages usually take is an average over runs of any label, which would tell of those that are hidden.
    return view_of(facts, Watch(progress, {}, {}, platform.clock()))
