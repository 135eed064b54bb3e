"""Taking back what a receiver does not use: announced, and carried out when the notice is over.

What runs have set aside stays theirs, and until the notice is over the receiver may use what is left: less may come
back than was announced.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection

from bongsu.domain.codes import grants as codes
from bongsu.domain.grants import EntryKind, Grant, gpu_ms_of, hours_text
from bongsu.domain.people import Actor
from bongsu.policy.access import Permission
from bongsu.policy.grant_forecast import DAY
from bongsu.policy.grants import moment
from bongsu.policy.weak_use import THRESHOLDS, notice_due
from bongsu.service.grants.giving import MOST_HOURS
from bongsu.service.grants.standing import acting
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, done
from bongsu.service.repeating import earlier_result, request_key
from bongsu.store.conflicts import retry_on_conflict
from bongsu.store.grant_ledger import LedgerEntry, NewEntry, balance_of, book, find_entry
from bongsu.store.grant_notices import Notice, announce, end_notice, find_notice, last_notice, standing_notice
from bongsu.store.grant_use import held_now
from bongsu.store.grants import get_grant
from bongsu.store.requests import RequestKey, note_request


def announce_reclaim(
    platform: Platform,
    actor: Actor,
    grant_id: str,
    gpu_hours: float,
    reason: str,
    notice_days: float | None = None,
    *,
    key: str = "",
) -> Notice:
    """Say that so many GPU-hours will be taken back. The same announcement again finds the one that stands.

    Args:
        platform: what to work on.
        actor: who does it, for the giver.
        grant_id: the grant.
        gpu_hours: at most.
        reason: in a sentence.
        notice_days: until it may be carried out; the least that is allowed if it is not given.
        key: a request that is sent again under its key finds what was announced, whatever became of it since.

    Raises:
        BongsuError: ``grants.unknown``, ``grants.forbidden``, ``grants.bad-amount``, ``grants.no-reason``,
            ``grants.notice-too-short``, ``grants.notice-stands``, ``api.key-used-otherwise``.
    """
    action, reason = "grant.announce-reclaim", reason.strip()
    with acting(platform, actor, Permission.GRANT_ADJUST, grant_id, action) as (asked, _grant):
        if not 0 < gpu_hours <= MOST_HOURS or gpu_ms_of(gpu_hours) == 0:
            raise codes.BAD_AMOUNT.error(hours=f"{gpu_hours:g}", most=f"{MOST_HOURS:,}")
        if not reason:
            raise codes.NO_REASON.error()
        wanted = _Wanted(gpu_ms_of(gpu_hours), reason, notice_days)
        request = request_key(actor.id, key, action, grant_id, str(wanted.gpu_ms), reason, str(notice_days))
        return retry_on_conflict(partial(_announce, asked, grant_id, wanted, request))


@dataclass(frozen=True)
class _Wanted:
    """What is to be announced; as of :func:`announce_reclaim`, in GPU-milliseconds."""

    gpu_ms: int
    reason: str
    notice_days: float | None


def _announce(asked: Ask, grant_id: str, wanted: _Wanted, request: RequestKey | None) -> Notice:
    amount, reason, notice_days = wanted.gpu_ms, wanted.reason, wanted.notice_days
    now = asked.now
    with asked.platform.database.write() as connection:
        grant = _locked(connection, grant_id)
        before = _announced_before(connection, grant_id, request, now)
        if before is not None:
            return before
        due = notice_due(grant, now, None if notice_days is None else notice_days * DAY)
        if due is None:
            raise codes.NOTICE_TOO_SHORT.error(
                grant=grant_id, days=f"{notice_days:g}", least=f"{THRESHOLDS.notice_seconds / DAY:g}"
            )
        known = standing_notice(connection, grant_id)
        if known is not None:
            if (known.gpu_ms, known.reason) == (amount, reason):
                return known
            raise codes.NOTICE_STANDS.error(
                grant=grant_id, hours=hours_text(known.gpu_ms), due=moment(known.effective_at)
            )
        notice = announce(connection, Notice(grant_id, 0, amount, reason, asked.actor.id, now, due))
        if request is not None:
            note_request(connection, request, str(notice.number), now)
        done(connection, asked, gpuMilliseconds=amount, reason=notice.reason, effective=moment(due))
        return notice


def carry_out_reclaim(platform: Platform, actor: Actor, grant_id: str) -> LedgerEntry:
    """Take back what was announced, as far as it is neither used nor set aside. Once more finds what was booked.

    Raises:
        BongsuError: ``grants.unknown``, ``grants.forbidden``, ``grants.no-notice``, ``grants.notice-runs``.
    """
    with (
        acting(platform, actor, Permission.GRANT_ADJUST, grant_id, "grant.reclaim") as (asked, _grant),
        platform.database.write() as connection,
    ):
        now = platform.clock()
        grant = _locked(connection, grant_id)
        notice = standing_notice(connection, grant_id)
        if notice is None:
            last = last_notice(connection, grant_id)
            before = _booked(connection, last) if last is not None else None
            if before is None:
                raise codes.NO_NOTICE.error(grant=grant_id)
            return before
        if now < notice.effective_at:
            raise codes.NOTICE_RUNS.error(
                grant=grant_id, receiver=grant.receiver, due=moment(notice.effective_at), now=moment(now)
            )
        left = balance_of(connection, grant_id, held_now(connection, grant_id).open_use(now)).available
        amount = min(notice.gpu_ms, max(0, left))
        entry = NewEntry(EntryKind.RECLAIMED, _subject(notice), amount, now, actor=actor.id, reason=notice.reason)
        end_notice(connection, notice, now)
        (booked,) = book(connection, grant_id, [entry])
        done(connection, asked, gpuMilliseconds=amount, announced=notice.gpu_ms, position=booked.position)
        return booked


def withdraw_reclaim(platform: Platform, actor: Actor, grant_id: str) -> Notice:
    """Take a notice back; nothing is booked. Once more finds the one that was taken back.

    Raises:
        BongsuError: ``grants.unknown``, ``grants.forbidden``, ``grants.no-notice``; ``grants.notice-carried-out`` if
            that came first.
    """
    with (
        acting(platform, actor, Permission.GRANT_ADJUST, grant_id, "grant.withdraw-reclaim") as (asked, _grant),
        platform.database.write() as connection,
    ):
        now = platform.clock()
        _locked(connection, grant_id)
        notice = standing_notice(connection, grant_id)
        if notice is None:
            last = last_notice(connection, grant_id)
            if last is None:
                raise codes.NO_NOTICE.error(grant=grant_id)
            booked = _booked(connection, last)
            if booked is None:
                return last
            raise codes.NOTICE_CARRIED_OUT.error(
                grant=grant_id, hours=hours_text(booked.gpu_ms), at=moment(booked.at)
            )
        end_notice(connection, notice, now)
        done(connection, asked, gpuMilliseconds=notice.gpu_ms)
        return replace(notice, ended_at=now)


def _announced_before(
    connection: Connection, grant_id: str, request: RequestKey | None, now: float
) -> Notice | None:
    """What came of the same request. Raises ``api.key-used-otherwise``."""
    number = earlier_result(connection, request, now)
    return find_notice(connection, grant_id, int(number)) if number is not None else None


def _subject(notice: Notice) -> str:
    """What the ledger knows a reclaim by."""
    return f"notice/{notice.number}"


def _booked(connection: Connection, notice: Notice) -> LedgerEntry | None:
    """What was taken back of it; None if it stands or was withdrawn."""
    return find_entry(connection, notice.grant_id, EntryKind.RECLAIMED, _subject(notice))


def _locked(connection: Connection, grant_id: str) -> Grant:
    """The grant, whose row no other booking holds; grants are never removed."""
    grant = get_grant(connection, grant_id, lock=True)
    if grant is None:
        raise codes.UNKNOWN.error(grant=grant_id)
    return grant
