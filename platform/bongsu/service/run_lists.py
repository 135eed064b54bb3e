"""Runs by the page, as who asks sees them; and the platform of the ministry whose run one is."""

from __future__ import annotations

from collections.abc import Sequence

from bongsu.domain.filters import Comparison, parse_filter
from bongsu.domain.people import Actor
from bongsu.policy.access import Permission
from bongsu.service.audit.reads import note_read
from bongsu.service.control_plane import ControlPlane, refuse_without
from bongsu.service.platform import Platform
from bongsu.service.showing import driven_of
from bongsu.service.summaries import RunSummary, summarise_run
from bongsu.service.worktime import worktimes
from bongsu.store.records import RunRecord
from bongsu.store.run_lists import FIELDS, Behind, page_of_runs
from bongsu.store.runs import find_run


def read_filter(text: str) -> tuple[Comparison, ...]:
    """Raises ``api.bad-filter``, ``api.unknown-field``."""
    return parse_filter(text, FIELDS)


def page(
    platform: Platform, filters: Sequence[Comparison], limit: int, behind: tuple[float, str] | None = None
) -> list[RunSummary]:
    """At most ``limit`` runs, newest first.

    Args:
        platform: what there is for who asks.
        filters: of :func:`read_filter`.
        limit: how many.
        behind: creation (seconds since the epoch) and id of the last run of the page before.
    """
    before = platform.lock.driven()
    with platform.read() as connection:
        found = page_of_runs(connection, filters, limit, Behind(*behind) if behind else None)
        driven = driven_of(found, before, platform.lock.driven())
        times = worktimes(connection, found, driven, platform.clock())
    return [summarise_run(run, times[run.id], driven=run.id in driven) for run in found]


def of_run(plane: ControlPlane, actor: Actor, permission: Permission, run: str) -> tuple[Platform, RunRecord]:
    """The platform of the ministry whose run it is, and the run; that somebody reads it is recorded.

    Args:
        plane: the control plane.
        actor: who asks.
        permission: what for.
        run: an id, a unique beginning of one, or ``latest``.

    Raises:
        BongsuError: ``run.unknown`` or ``run.ambiguous``, of what the actor sees; ``access.forbidden`` for what they
            see and may not do.
    """
    looking = plane.everywhere(actor, Permission.RUN_READ)
    with looking.read() as connection:
        record = find_run(connection, run)
    refuse_without(actor, permission, record.tenant)
    platform = plane.of_tenant(actor, record.tenant)
    note_read(platform, f"run:{record.id}", [record.label])
    return platform, record
