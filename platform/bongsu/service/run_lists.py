"""Runs by the page, as who asks sees them; and the platform of the ministry whose run one is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TypeVar

from sqlalchemy import Connection

from bongsu.domain.codes import run as codes
from bongsu.domain.labels import Label
from bongsu.domain.paging import PageRequest
from bongsu.domain.people import Actor
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import HOME
from bongsu.policy.access import Permission
from bongsu.service.audit.reads import readings_of, record_these, unrecorded
from bongsu.service.control_plane import ControlPlane, refuse_without
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, refusals_recorded
from bongsu.service.showing import driven_of
from bongsu.service.summaries import RunSummary, summarise_run
from bongsu.service.worktime import worktimes
from bongsu.store.records import RunRecord
from bongsu.store.run_lists import page_of_runs
from bongsu.store.runs import find_run

T = TypeVar("T")


def page(platform: Platform, wanted: PageRequest) -> list[RunSummary]:
    """Runs that there are for who asks, newest first; in the order of :data:`bongsu.store.run_lists.RUNS`."""
    before = platform.lock.driven()
    with platform.read() as connection:
        found = page_of_runs(connection, wanted)
        driven = driven_of(found, before, platform.lock.driven())
        times = worktimes(connection, found, driven, platform.clock())
    return [summarise_run(run, times[run.id], driven=run.id in driven) for run in found]


def of_run(plane: ControlPlane, actor: Actor, permission: Permission, run: str) -> tuple[Platform, RunRecord]:
    """The platform of the ministry whose run it is, and the run. As :func:`look_at_run`, which says the rest."""
    platform, record, _ = look_at_run(plane, actor, permission, run, lambda *_: None)
    return platform, record


def run_to_change(
    plane: ControlPlane, actor: Actor, permission: Permission, run: str, action: str
) -> tuple[Platform, RunRecord]:
    """As :func:`of_run`, for what is done to a run: what is refused is recorded under the name of that, also of a run
    that there is not, as far as the actor may know."""
    nobodys = Ask(plane.base, actor, tenant=HOME, action=action, object=f"run:{run}", request_id=plane.request_id)
    with refusals_recorded(nobodys, ("run",)):
        platform, record, _ = look_at_run(plane, actor, permission, run, lambda *_: None, action)
    return platform, record


def look_at_run(
    plane: ControlPlane,
    actor: Actor,
    permission: Permission,
    run: str,
    look: Callable[[Connection, Platform, RunRecord], T],
    action: str = "",
) -> tuple[Platform, RunRecord, T]:
    """A run, and what ``look`` finds of it at the same moment; that somebody reads it is recorded before it is given,
    and so is that they may not.

    Args:
        plane: the control plane.
        actor: who asks.
        permission: what for.
        run: an id, a unique beginning of one, or ``latest``.
        look: is handed the transaction in which the run was found.
        action: as the log is to name what was refused; the permission, if nothing is said.

    Raises:
        BongsuError: ``run.unknown``, ``run.none-seen`` or ``run.ambiguous``, of what the actor sees;
            ``access.forbidden`` for what they see and may not do; what ``look`` raises.
    """
    looking = plane.everywhere(actor, Permission.RUN_READ)
    with ExitStack() as after_reading, looking.read() as connection:
        record = _found(connection, actor, run)
        platform = plane.of_tenant(actor, record.tenant)
        asked = Ask.of(platform, action or permission.value, f"run:{record.id}")
        after_reading.enter_context(refusals_recorded(asked, ("access",)))
        refuse_without(actor, permission, record.tenant)
        named = (f"run:{record.id}", Label.parse(record.label))
        readings = unrecorded(connection, platform, readings_of(platform, actor.id, record.tenant, [named]))
        found = look(connection, platform, record)
    record_these(platform, readings, platform.author.request_id)
    return platform, record, found


def _found(connection: Connection, actor: Actor, run: str) -> RunRecord:
    """As :func:`bongsu.store.runs.find_run`, in words for who asks a server."""
    try:
        return find_run(connection, run)
    except BongsuError as error:
        if error.problems[0].code is codes.NO_RUN_YET:
            raise codes.NO_RUN_SEEN.error(actor=actor.id) from None
        raise
