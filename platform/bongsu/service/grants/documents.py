"""Grants as JSON documents: one shape, whichever command or interface gives it.

Amounts stand there twice: in whole GPU-milliseconds, with which sums are exact, and in GPU-hours for people.
"""

from __future__ import annotations

from typing import Any

from bongsu.domain.documents import iso_time
from bongsu.domain.grants import Grant, hours
from bongsu.policy.decision import Decision
from bongsu.policy.grant_forecast import Forecast
from bongsu.policy.weak_use import WeakUse
from bongsu.service.grants.looking import GrantDetails, GrantSummary, Recounted
from bongsu.service.grants.reserving import GrantStanding
from bongsu.service.grants.showback import Showback
from bongsu.store.grant_ledger import LedgerEntry
from bongsu.store.grant_notices import Notice


def amount(gpu_ms: int) -> dict[str, Any]:
    return {"gpuMilliseconds": gpu_ms, "gpuHours": hours(gpu_ms)}


def grant_document(grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "giver": grant.giver,
        "receiver": grant.receiver,
        "programme": grant.programme,
        "useClasses": sorted(grant.use_classes),
        "accelerator": grant.accelerator,
        "beginsAt": iso_time(grant.begins),
        "endsAt": iso_time(grant.ends),
        "givenBy": grant.given_by,
        "closedAt": iso_time(grant.closed_at),
    }


def summary_document(summary: GrantSummary) -> dict[str, Any]:
    """A grant and what it comes to."""
    return {
        **grant_document(summary.grant),
        "state": summary.state.value,
        "given": amount(summary.given),
        "used": amount(summary.used),
        "reserved": amount(summary.reserved),
        "available": amount(summary.available),
    }


def details_document(details: GrantDetails) -> dict[str, Any]:
    """A grant in full."""
    return {
        "grant": summary_document(details.summary),
        "held": amount(details.held),
        "entries": [entry_document(entry) for entry in details.entries],
        "forecasts": [_forecast(seen, details.summary.grant) for seen in details.forecasts],
        "weakUse": [_weak(weak) for weak in details.weak],
        "reclaimable": amount(details.reclaimable),
        "notice": notice_document(details.notice) if details.notice else None,
    }


def entry_document(entry: LedgerEntry) -> dict[str, Any]:
    """One line of a ledger; empty texts in place of what whoever looks may not know."""
    held = entry.held
    return {
        "position": entry.position,
        "kind": entry.kind.value,
        "subject": entry.subject,
        **amount(entry.gpu_ms),
        "run": entry.run_id,
        "at": iso_time(entry.at),
        "gpus": held.gpus if held else None,
        "admittedAt": iso_time(held.admitted_at) if held else None,
        "releasedAt": iso_time(held.released_at) if held else None,
        "expectedUntil": iso_time(entry.until),
        "actor": entry.actor,
        "reason": entry.reason,
    }


def notice_document(notice: Notice) -> dict[str, Any]:
    return {
        **amount(notice.gpu_ms),
        "reason": notice.reason,
        "actor": notice.actor,
        "announcedAt": iso_time(notice.announced_at),
        "effectiveAt": iso_time(notice.effective_at),
        "endedAt": iso_time(notice.ended_at),
    }


def recount_document(found: Recounted) -> dict[str, Any]:
    return {
        "booked": amount(found.booked),
        "counted": amount(found.counted),
        "differing": list(found.differing),
    }


def standing_document(standing: GrantStanding) -> dict[str, Any]:
    """What a plan would do to its grant."""
    has = standing.balance
    return {
        **grant_document(standing.grant),
        "given": amount(has.given),
        "used": amount(has.used),
        "reserved": amount(has.reserved),
        "available": amount(has.available),
        "plan": amount(standing.need.gpu_ms),
        "leftAfterwards": amount(standing.left_afterwards),
        "rules": [_decision(one) for one in standing.decisions],
    }


def showback_document(found: Showback) -> dict[str, Any]:
    """Rows and their sum."""
    names = [dimension.value for dimension in found.by]
    return {
        "beginsAt": iso_time(found.begins_at),
        "endsAt": iso_time(found.ends_at),
        "by": names,
        "rows": [
            {
                **dict(zip(names, row.key, strict=True)),
                "used": amount(row.used),
                "held": amount(row.held),
                "attempts": row.attempts,
            }
            for row in found.rows
        ],
        "total": {"used": amount(found.used), "held": amount(found.held)},
    }


def _decision(one: Decision) -> dict[str, Any]:
    """``code`` is that of the obstacle among those of the plan, if the rule denies."""
    code = one.problem.code.name if one.problem else None
    return {"rule": one.rule, "allowed": one.allowed, "code": code, "facts": one.facts}


def _forecast(seen: Forecast, grant: Grant) -> dict[str, Any]:
    return {
        "days": seen.days,
        "gpuHoursPerDay": hours(round(seen.rate)),
        "leastPerDay": hours(round(seen.least)),
        "mostPerDay": hours(round(seen.most)),
        "runsOutAt": iso_time(seen.runs_out_at),
        "earliestAt": iso_time(seen.earliest_at),
        "latestAt": iso_time(seen.latest_at),
        "windowEndsFirst": seen.ends_first(grant.ends),
        "unused": amount(seen.unused),
    }


def _weak(weak: WeakUse) -> dict[str, Any]:
    return {
        "weakness": weak.weakness.value,
        **amount(weak.gpu_ms),
        "share": weak.share,
        "attempts": list(weak.attempts),
    }
