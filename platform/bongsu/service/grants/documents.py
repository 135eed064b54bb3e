"""Grants as JSON documents: one shape, whichever command or interface gives it.

Amounts stand there twice: in whole GPU-milliseconds, with which sums are exact, and in GPU-hours for people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from bongsu.domain.document_schemas import Time
from bongsu.domain.documents import iso_time
from bongsu.domain.grants import Dimension, EntryKind, Grant, GrantState, hours
from bongsu.domain.uses import UseClass
from bongsu.policy.decision import Decision
from bongsu.policy.grant_forecast import Forecast
from bongsu.policy.weak_use import Weakness, WeakUse
from bongsu.service.grants.looking import GrantDetails, GrantSummary, Recounted
from bongsu.service.grants.reserving import GrantStanding
from bongsu.service.grants.showback import Showback, ShowbackRow
from bongsu.store.grant_ledger import LedgerEntry
from bongsu.store.grant_notices import Notice


@dataclass(frozen=True)
class Amount:
    """GPU-milliseconds, with which sums are exact, and the same in GPU-hours for people."""

    gpu_milliseconds: int
    gpu_hours: float


@dataclass(frozen=True)
class GrantDocument:
    """What was given, and for what; no use class means every one."""

    id: str
    giver: str
    receiver: str
    programme: str
    use_classes: Sequence[UseClass]
    accelerator: str
    begins_at: float
    ends_at: float
    given_by: str
    closed_at: float | None


@dataclass(frozen=True)
class GrantSummaryDocument(GrantDocument):
    """A grant and what it comes to."""

    state: GrantState
    given: Amount
    used: Amount
    reserved: Amount
    available: Amount


@dataclass(frozen=True)
class LedgerEntryDocument(Amount):
    """One line of a ledger; empty texts in place of what whoever looks may not know."""

    position: int
    kind: EntryKind
    subject: str
    run: str
    at: Time
    gpus: int | None
    admitted_at: float | None
    released_at: float | None
    expected_until: Time | None
    actor: str
    reason: str


@dataclass(frozen=True)
class ForecastDocument:
    """How long a grant lasts at the rate of the last days, and at the ends of the rate's interval."""

    days: int
    gpu_hours_per_day: float
    least_per_day: float
    most_per_day: float
    runs_out_at: float | None
    earliest_at: float | None
    latest_at: float | None
    window_ends_first: bool
    unused: Amount


@dataclass(frozen=True)
class WeakUseDocument(Amount):
    """One thing to look at; ``attempts`` are keys of those that are silent."""

    weakness: Weakness
    share: float
    attempts: Sequence[str]


@dataclass(frozen=True)
class NoticeDocument(Amount):
    """How much will be taken back at most, and when."""

    reason: str
    actor: str
    announced_at: float
    effective_at: float
    ended_at: float | None


@dataclass(frozen=True)
class GrantDetailsDocument:
    """A grant in full; ``entries`` are the newest of its ledger, in order."""

    grant: GrantSummaryDocument
    held: Amount
    entries: Sequence[LedgerEntryDocument]
    forecasts: Sequence[ForecastDocument]
    weak_use: Sequence[WeakUseDocument]
    reclaimable: Amount
    notice: NoticeDocument | None


@dataclass(frozen=True)
class RecountDocument:
    """What the ledger says, what the logs of runs say, and keys of attempts of which these differ."""

    booked: Amount
    counted: Amount
    differing: Sequence[str]


@dataclass(frozen=True)
class DecisionDocument:
    """What a rule says; ``code`` is that of the obstacle among those of the plan, if the rule denies."""

    rule: str
    allowed: bool
    code: str | None
    facts: Mapping[str, str]


@dataclass(frozen=True)
class StandingDocument(GrantDocument):
    """What a plan would do to its grant."""

    given: Amount
    used: Amount
    reserved: Amount
    available: Amount
    plan: Amount
    left_afterwards: Amount
    rules: Sequence[DecisionDocument]


@dataclass(frozen=True)
class UsedDocument:
    """What was used by attempts that are over, and is held by those that run."""

    used: Amount
    held: Amount


class _Used(TypedDict):
    used: Amount
    held: Amount
    attempts: int


class ShowbackRowDocument(_Used, total=False):
    """What was used under one value of each dimension by which rows are told apart."""

    ministry: str
    programme: str
    grant: str
    model: str


@dataclass(frozen=True)
class ShowbackDocument:
    """Rows and their sum; the end is exclusive."""

    begins_at: float
    ends_at: float
    by: Sequence[Dimension]
    rows: Sequence[ShowbackRowDocument]
    total: UsedDocument


def amount(gpu_ms: int) -> Amount:
    return Amount(gpu_ms, hours(gpu_ms))


def grant_document(grant: Grant) -> GrantDocument:
    return GrantDocument(
        id=grant.id,
        giver=grant.giver,
        receiver=grant.receiver,
        programme=grant.programme,
        use_classes=sorted(grant.use_classes),
        accelerator=grant.accelerator,
        begins_at=grant.begins,
        ends_at=grant.ends,
        given_by=grant.given_by,
        closed_at=grant.closed_at,
    )


def summary_document(summary: GrantSummary) -> GrantSummaryDocument:
    """A grant and what it comes to."""
    return GrantSummaryDocument(
        **vars(grant_document(summary.grant)),
        state=summary.state,
        given=amount(summary.given),
        used=amount(summary.used),
        reserved=amount(summary.reserved),
        available=amount(summary.available),
    )


def details_document(details: GrantDetails) -> GrantDetailsDocument:
    """A grant in full."""
    return GrantDetailsDocument(
        grant=summary_document(details.summary),
        held=amount(details.held),
        entries=[entry_document(entry) for entry in details.entries],
        forecasts=[_forecast(seen, details.summary.grant) for seen in details.forecasts],
        weak_use=[_weak(weak) for weak in details.weak],
        reclaimable=amount(details.reclaimable),
        notice=notice_document(details.notice) if details.notice else None,
    )


def entry_document(entry: LedgerEntry) -> LedgerEntryDocument:
    """One line of a ledger; empty texts in place of what whoever looks may not know."""
    held = entry.held
    return LedgerEntryDocument(
        **vars(amount(entry.gpu_ms)),
        position=entry.position,
        kind=entry.kind,
        subject=entry.subject,
        run=entry.run_id,
        at=iso_time(entry.at),
        gpus=held.gpus if held else None,
        admitted_at=held.admitted_at if held else None,
        released_at=held.released_at if held else None,
        expected_until=iso_time(entry.until),
        actor=entry.actor,
        reason=entry.reason,
    )


def notice_document(notice: Notice) -> NoticeDocument:
    return NoticeDocument(
        **vars(amount(notice.gpu_ms)),
        reason=notice.reason,
        actor=notice.actor,
        announced_at=notice.announced_at,
        effective_at=notice.effective_at,
        ended_at=notice.ended_at,
    )


def recount_document(found: Recounted) -> RecountDocument:
    return RecountDocument(amount(found.booked), amount(found.counted), found.differing)


def standing_document(standing: GrantStanding) -> StandingDocument:
    """What a plan would do to its grant."""
    has = standing.balance
    return StandingDocument(
        **vars(grant_document(standing.grant)),
        given=amount(has.given),
        used=amount(has.used),
        reserved=amount(has.reserved),
        available=amount(has.available),
        plan=amount(standing.need.gpu_ms),
        left_afterwards=amount(standing.left_afterwards),
        rules=[_decision(one) for one in standing.decisions],
    )


def showback_document(found: Showback) -> ShowbackDocument:
    """Rows and their sum."""
    return ShowbackDocument(
        begins_at=found.begins_at,
        ends_at=found.ends_at,
        by=found.by,
        rows=[_row(row, found.by) for row in found.rows],
        total=UsedDocument(amount(found.used), amount(found.held)),
    )


def _row(row: ShowbackRow, by: Sequence[Dimension]) -> ShowbackRowDocument:
    document = ShowbackRowDocument(used=amount(row.used), held=amount(row.held), attempts=row.attempts)
    for dimension, value in zip(by, row.key, strict=True):
        document[dimension.value] = value
    return document


def _decision(one: Decision) -> DecisionDocument:
    code = one.problem.code.name if one.problem else None
    return DecisionDocument(one.rule, one.allowed, code, one.facts)


def _forecast(seen: Forecast, grant: Grant) -> ForecastDocument:
    return ForecastDocument(
        days=seen.days,
        gpu_hours_per_day=hours(round(seen.rate)),
        least_per_day=hours(round(seen.least)),
        most_per_day=hours(round(seen.most)),
        runs_out_at=seen.runs_out_at,
        earliest_at=seen.earliest_at,
        latest_at=seen.latest_at,
        window_ends_first=seen.ends_first(grant.ends),
        unused=amount(seen.unused),
    )


def _weak(weak: WeakUse) -> WeakUseDocument:
    return WeakUseDocument(
        **vars(amount(weak.gpu_ms)), weakness=weak.weakness, share=weak.share, attempts=weak.attempts
    )
