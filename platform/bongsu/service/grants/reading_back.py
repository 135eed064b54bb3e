"""Grants read back out of the documents of :mod:`bongsu.service.grants.documents`: what a server says of them.

Whatever is read gives the same document again. A reader raises KeyError, TypeError or ValueError for what another
version may have written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bongsu.domain.grants import Balance, Dimension, EntryKind, Grant, GrantState, Held, gpu_ms_of
from bongsu.domain.problems import Problem
from bongsu.domain.uses import UseClass
from bongsu.policy.decision import Decision
from bongsu.policy.grant_forecast import Forecast
from bongsu.policy.grant_needs import Need
from bongsu.policy.weak_use import Weakness, WeakUse
from bongsu.service.grants.looking import GrantDetails, GrantSummary, Recounted
from bongsu.service.grants.reserving import GrantStanding
from bongsu.service.grants.showback import Showback, ShowbackRow
from bongsu.store.grant_ledger import LedgerEntry
from bongsu.store.grant_notices import Notice

Document = Mapping[str, Any]


def grant_of(told: Document) -> Grant:
    return Grant(
        id=told["id"],
        giver=told["giver"],
        receiver=told["receiver"],
        use_classes=frozenset(map(UseClass, told["useClasses"])),
        accelerator=told["accelerator"],
        begins=_seconds(told["beginsAt"]),
        ends=_seconds(told["endsAt"]),
        programme=told["programme"],
        given_by=told["givenBy"],
        closed_at=_maybe(told["closedAt"]),
    )


def summary_of(told: Document) -> GrantSummary:
    amounts = {name: _amount(told[name]) for name in ("given", "used", "reserved", "available")}
    return GrantSummary(grant_of(told), GrantState(told["state"]), **amounts)


def details_of(told: Document) -> GrantDetails:
    summary = summary_of(told["grant"])
    notice = told["notice"]
    return GrantDetails(
        summary=summary,
        entries=tuple(map(entry_of, told["entries"])),
        held=_amount(told["held"]),
        forecasts=tuple(map(_forecast, told["forecasts"])),
        weak=tuple(map(_weak, told["weakUse"])),
        reclaimable=_amount(told["reclaimable"]),
        notice=notice_of(notice, summary.grant.id) if notice else None,
    )


def entry_of(told: Document) -> LedgerEntry:
    held = None
    if told["gpus"] is not None:
        held = Held(int(told["gpus"]), _seconds(told["admittedAt"]), _seconds(told["releasedAt"]))
    return LedgerEntry(
        position=int(told["position"]),
        kind=EntryKind(told["kind"]),
        subject=told["subject"],
        gpu_ms=_amount(told),
        at=_seconds(told["at"]),
        run_id=told["run"],
        held=held,
        until=_maybe(told["expectedUntil"]),
        actor=told["actor"],
        reason=told["reason"],
    )


def notice_of(told: Document, grant: str) -> Notice:
    """Its number is the store's own business, and is 0 here."""
    return Notice(
        grant_id=grant,
        number=0,
        gpu_ms=_amount(told),
        reason=told["reason"],
        actor=told["actor"],
        announced_at=_seconds(told["announcedAt"]),
        effective_at=_seconds(told["effectiveAt"]),
        ended_at=_maybe(told["endedAt"]),
    )


def recounted_of(told: Document) -> Recounted:
    return Recounted(_amount(told["booked"]), _amount(told["counted"]), tuple(told["differing"]))


def standing_of(told: Document, obstacles: Sequence[Problem]) -> GrantStanding:
    """What a plan would do to its grant.

    Args:
        told: the document.
        obstacles: of the plan; what a rule denies stands among them.
    """
    has = Balance(_amount(told["given"]), _amount(told["used"]), _amount(told["reserved"]))
    decisions = (_decision(rule, obstacles) for rule in told["rules"])
    return GrantStanding(grant_of(told), has, Need(_amount(told["plan"])), tuple(decisions))


def showback_of(told: Document) -> Showback:
    by = tuple(map(Dimension, told["by"]))
    total = told["total"]
    return Showback(
        begins_at=_seconds(told["beginsAt"]),
        ends_at=_seconds(told["endsAt"]),
        by=by,
        rows=tuple(_row(row, by) for row in told["rows"]),
        used=_amount(total["used"]),
        held=_amount(total["held"]),
    )


def _decision(told: Document, obstacles: Sequence[Problem]) -> Decision:
    why = None if told["allowed"] else _named(told["code"], obstacles)
    return Decision(told["rule"], why, dict(told["facts"]))


def _named(code: str, problems: Sequence[Problem]) -> Problem:
    for problem in problems:
        if problem.code.name == code:
            return problem
    raise ValueError(f"{code} is denied, and is no obstacle")


def _row(told: Document, by: Sequence[Dimension]) -> ShowbackRow:
    key = tuple(told[dimension.value] for dimension in by)
    return ShowbackRow(key, _amount(told["used"]), _amount(told["held"]), int(told["attempts"]))


def _forecast(told: Document) -> Forecast:
    return Forecast(
        days=int(told["days"]),
        rate=gpu_ms_of(told["gpuHoursPerDay"]),
        least=gpu_ms_of(told["leastPerDay"]),
        most=gpu_ms_of(told["mostPerDay"]),
        runs_out_at=_maybe(told["runsOutAt"]),
        earliest_at=_maybe(told["earliestAt"]),
        latest_at=_maybe(told["latestAt"]),
        unused=_amount(told["unused"]),
    )


def _weak(told: Document) -> WeakUse:
    return WeakUse(Weakness(told["weakness"]), _amount(told), float(told["share"]), tuple(told["attempts"]))


def _amount(told: Document) -> int:
    return int(told["gpuMilliseconds"])


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _maybe(text: str | None) -> float | None:
    return None if text is None else _seconds(text)
