"""Looking at grants: what is in them, their ledgers, how long they will last, and weak use.

The receiver sees its runs in the ledger; the giver sees what was booked, and not for which run.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from bongsu.domain.grant_recount import Recount
from bongsu.domain.grants import Balance, EntryKind, Grant, GrantState, Held
from bongsu.domain.labels import Label
from bongsu.domain.paging import WHOLE, PageRequest, seen_page
from bongsu.domain.people import Actor
from bongsu.domain.tenants import HOME
from bongsu.policy.access import Permission, Thing, Verdict, judge
from bongsu.policy.grant_forecast import DAY, SPANS, Forecast, forecasts
from bongsu.policy.weak_use import Uses, WeakUse, reclaimable, weak_uses
from bongsu.service.grants.standing import readable, tenant_of, verdict
from bongsu.service.platform import Platform
from bongsu.store.grant_ledger import (
    LedgerEntry,
    balance_of,
    entries_of,
    metered_between,
    metered_by_outcome,
)
from bongsu.store.grant_notices import Notice, standing_notice
from bongsu.store.grant_use import held_now, last_signs, recount_of
from bongsu.store.grants import grants_between
from bongsu.store.runs import labels_of_runs

__all__ = [
    "Forecast",
    "GrantDetails",
    "GrantSummary",
    "LedgerEntry",
    "Notice",
    "Recounted",
    "WeakUse",
    "list_grants",
    "recount_grant",
    "show_grant",
    "spans_of",
    "visible_runs",
]

NEWEST = 1000
HIDDEN = ""
"""In place of what the giver does not see: which run it was."""


@dataclass(frozen=True)
class GrantSummary:
    """A grant and what it comes to; amounts in GPU-milliseconds, what GPUs that are held have used included."""

    grant: Grant
    state: GrantState
    given: int
    used: int
    reserved: int
    available: int


@dataclass(frozen=True)
class GrantDetails:
    """A grant in full.

    Attributes:
        entries: of its ledger the newest, in order.
        held: GPU-milliseconds of what is held now, within what is used.
        forecasts: for the last 7 and 28 days, or as many as there are.
        weak: what is past a threshold.
        reclaimable: GPU-milliseconds that will not be used even at the highest rate that was seen.
        notice: of a reclaim that was announced.
    """

    summary: GrantSummary
    entries: tuple[LedgerEntry, ...]
    held: int
    forecasts: tuple[Forecast, ...]
    weak: tuple[WeakUse, ...]
    reclaimable: int
    notice: Notice | None


@dataclass(frozen=True)
class Recounted:
    """What the ledger says, and what the logs of runs say; GPU-milliseconds of attempts that are over.

    Attributes:
        differing: keys of attempts of which the two say different things; empty if the ledger is right.
    """

    booked: int
    counted: int
    differing: tuple[str, ...]


def list_grants(platform: Platform, actor: Actor, wanted: PageRequest = WHOLE) -> list[GrantSummary]:
    """Those that the actor may look at, by name, as :func:`bongsu.store.grants.grant_list` says."""
    now = platform.clock()
    parties = None if HOME in actor.ministries else actor.ministries
    with platform.database.read() as connection:
        seen = seen_page(
            lambda part: grants_between(connection, parties, part, now),
            lambda one: verdict(actor, Permission.GRANT_READ, one, now) is Verdict.ALLOWED,
            lambda one: (one.id,),
            wanted,
        )
        return [_summary(connection, grant, held_now(connection, grant.id), now) for grant in seen]


def show_grant(platform: Platform, actor: Actor, grant_id: str, newest: int = NEWEST) -> GrantDetails:
    """One grant, with its newest entries. Raises ``grants.unknown``, ``grants.forbidden``."""
    grant = readable(platform, actor, grant_id)
    now = platform.clock()
    with platform.database.read() as connection:
        held = held_now(connection, grant_id)
        summary = _summary(connection, grant, held, now)
        entries = entries_of(connection, grant_id, newest)
        recent = metered_between(connection, grant_id, now - max(SPANS) * DAY, now)
        outcomes = metered_by_outcome(connection, grant_id)
        signs = last_signs(connection, held.held)
        notice = standing_notice(connection, grant_id)
        named = {entry.run_id for entry in entries} | {event.run_id for event in held.held.values()}
        visible = visible_runs(connection, actor, grant, named, now)
    has = Balance(summary.given, summary.used, summary.reserved)
    seen = forecasts(grant, has.given - has.used, spans_of(recent, held, now), now)
    silent = {key: (max(0.0, now - signs[key]), event.until(now).gpu_ms) for key, event in held.held.items()}
    weak = weak_uses(grant, Uses(has, outcomes, silent), now)
    return GrantDetails(
        summary=summary,
        entries=tuple(_as_seen(entry, visible) for entry in entries),
        held=sum(held.open_use(now).values()),
        forecasts=tuple(seen),
        weak=tuple(_weak_as_seen(weak, visible)),
        reclaimable=reclaimable(grant, has, seen, now),
        notice=notice,
    )


def recount_grant(platform: Platform, actor: Actor, grant_id: str) -> Recounted:
    """Count a grant's use again from the logs of runs, and compare. Raises as :func:`show_grant`."""
    grant = readable(platform, actor, grant_id)
    with platform.database.read() as connection:
        entries = entries_of(connection, grant_id)
        counted = recount_of(connection, grant_id).released
        named = {entry.run_id for entry in entries} | {key.partition("/")[0] for key in counted}
        visible = visible_runs(connection, actor, grant, named, platform.clock())
    booked = {entry.subject: entry.held for entry in entries if entry.kind is EntryKind.METERED}
    keys = sorted(key for key in booked.keys() | counted.keys() if booked.get(key) != counted.get(key))
    shown = (key if key.partition("/")[0] in visible else HIDDEN for key in keys)
    total = sum(entry.gpu_ms for entry in entries if entry.kind is EntryKind.METERED)
    return Recounted(total, sum(held.gpu_ms for held in counted.values()), tuple(shown))


def visible_runs(
    connection: Connection, actor: Actor, grant: Grant, run_ids: Collection[str], now: float
) -> frozenset[str]:
    """Those of the runs of a grant that the actor may know of."""
    moment = datetime.fromtimestamp(now, UTC)
    tenant = tenant_of(actor, grant.receiver)

    def may_know(run_id: str, label: Label) -> bool:
        # The owner of a home sees everything in it.
        as_seen = replace(actor, clearance=label) if HOME in actor.ministries else actor
        thing = Thing(f"run:{run_id}", tenant, label)
        return judge(as_seen, Permission.RUN_READ, thing, (), moment) is Verdict.ALLOWED

    labels = labels_of_runs(connection, filter(None, run_ids))
    return frozenset(run_id for run_id, label in labels.items() if may_know(run_id, label))


def spans_of(entries: Sequence[LedgerEntry], held: Recount, now: float) -> list[Held]:
    """Every time that GPUs were held, what is held now up to now."""
    over = [entry.held for entry in entries if entry.held is not None]
    return over + [event.until(now) for event in held.held.values()]


def _summary(connection: Connection, grant: Grant, held: Recount, now: float) -> GrantSummary:
    has = balance_of(connection, grant.id, held.open_use(now))
    return GrantSummary(grant, grant.state(now), has.given, has.used, has.reserved, has.available)


def _as_seen(entry: LedgerEntry, visible: Collection[str]) -> LedgerEntry:
    if not entry.run_id or entry.run_id in visible:
        return entry
    return replace(entry, run_id=HIDDEN, subject=HIDDEN, actor=HIDDEN)


def _weak_as_seen(weak: Sequence[WeakUse], visible: Collection[str]) -> list[WeakUse]:
    return [
        replace(one, attempts=tuple(key for key in one.attempts if key.partition("/")[0] in visible))
        for one in weak
    ]
