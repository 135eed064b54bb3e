"""Taking back what a receiver does not use: announced, and carried out when the notice is over.

What runs have set aside stays theirs, and until the notice is over the receiver may use what is left: less may come
back than was announced.
"""

from __future__ import annotations

from sqlalchemy import Connection

from bongsu.domain.codes import grants as codes
from bongsu.domain.grants import EntryKind, Grant, gpu_ms_of, hours_text
from bongsu.domain.people import Actor
from bongsu.policy.access import Permission
from bongsu.policy.grant_forecast import DAY
from bongsu.policy.grants import moment
from bongsu.policy.weak_use import THRESHOLDS, notice_due
from bongsu.service.grants.giving import MOST_HOURS
from bongsu.service.grants.standing import Deed, permitted, record, refusals_recorded
from bongsu.service.platform import Platform
from bongsu.store.grant_ledger import LedgerEntry, NewEntry, balance_of, book, last_entry
from bongsu.store.grant_notices import Notice, announce, end_notice, standing_notice
from bongsu.store.grant_use import held_now
from bongsu.store.grants import get_grant


def announce_reclaim(
    platform: Platform, actor: Actor, grant_id: str, gpu_hours: float, reason: str, notice_days: float | None = None
) -> Notice:
    """Say that so many GPU-hours will be taken back. The same announcement again finds the one that stands.

    Args:
        platform: what to work on.
        actor: who does it, for the giver.
        grant_id: the grant.
        gpu_hours: at most.
        reason: in a sentence.
        notice_days: until it may be carried out; the least that is allowed if it is not given.

    Raises:
        BongsuError: ``grants.unknown``, ``grants.forbidden``, ``grants.bad-amount``, ``grants.no-reason``,
            ``grants.notice-too-short``, ``grants.notice-stands``.
    """
    action = "grant.announce-reclaim"
    seen = permitted(platform, actor, Permission.GRANT_ADJUST, grant_id, action)
    if not 0 < gpu_hours <= MOST_HOURS or gpu_ms_of(gpu_hours) == 0:
        raise codes.BAD_AMOUNT.error(hours=f"{gpu_hours:g}", most=f"{MOST_HOURS:,}")
    if not reason.strip():
        raise codes.NO_REASON.error()
    amount, now = gpu_ms_of(gpu_hours), platform.clock()
    with refusals_recorded(platform, actor, seen, action), platform.database.write() as connection:
        grant = _locked(connection, grant_id)
        due = notice_due(grant, now, None if notice_days is None else notice_days * DAY)
        if due is None:
            raise codes.NOTICE_TOO_SHORT.error(
                days=f"{notice_days:g}", least=f"{THRESHOLDS.notice_seconds / DAY:g}"
            )
        known = standing_notice(connection, grant_id)
        if known is not None:
            if (known.gpu_ms, known.reason) == (amount, reason.strip()):
                return known
            raise codes.NOTICE_STANDS.error(
                grant=grant_id, hours=hours_text(known.gpu_ms), due=moment(known.effective_at)
            )
        notice = announce(connection, Notice(grant_id, 0, amount, reason.strip(), actor.id, now, due))
        facts = {"gpuMilliseconds": amount, "reason": notice.reason, "effective": moment(due)}
        record(connection, platform, actor, grant, Deed(action, now, facts))
        return notice


def carry_out_reclaim(platform: Platform, actor: Actor, grant_id: str) -> LedgerEntry:
    """Take back what was announced, as far as it is neither used nor set aside. Once more finds what was booked.

    Raises:
        BongsuError: ``grants.unknown``, ``grants.forbidden``, ``grants.no-notice``, ``grants.notice-runs``.
    """
    action = "grant.reclaim"
    seen = permitted(platform, actor, Permission.GRANT_ADJUST, grant_id, action)
    now = platform.clock()
    with refusals_recorded(platform, actor, seen, action), platform.database.write() as connection:
        grant = _locked(connection, grant_id)
        notice = standing_notice(connection, grant_id)
        if notice is None:
            before = last_entry(connection, grant_id, EntryKind.RECLAIMED)
            if before is not None:
                return before
            raise codes.NO_NOTICE.error(grant=grant_id)
        if now < notice.effective_at:
            raise codes.NOTICE_RUNS.error(
                grant=grant_id, receiver=grant.receiver, due=moment(notice.effective_at), now=moment(now)
            )
        left = balance_of(connection, grant_id, held_now(connection, grant_id).open_use(now)).available
        amount = min(notice.gpu_ms, max(0, left))
        entry = NewEntry(
            EntryKind.RECLAIMED, f"notice/{notice.number}", amount, now, actor=actor.id, reason=notice.reason
        )
        end_notice(connection, notice, now)
        (booked,) = book(connection, grant_id, [entry])
        facts = {"gpuMilliseconds": amount, "announced": notice.gpu_ms, "position": booked.position}
        record(connection, platform, actor, grant, Deed(action, now, facts))
        return booked


def withdraw_reclaim(platform: Platform, actor: Actor, grant_id: str) -> Notice:
    """Take a notice back; nothing is booked.

    Raises:
        BongsuError: ``grants.unknown``, ``grants.forbidden``, ``grants.no-notice``.
    """
    permitted(platform, actor, Permission.GRANT_ADJUST, grant_id, "grant.withdraw-reclaim")
    now = platform.clock()
    with platform.database.write() as connection:
        grant = _locked(connection, grant_id)
        notice = standing_notice(connection, grant_id)
        if notice is None:
            raise codes.NO_NOTICE.error(grant=grant_id)
        end_notice(connection, notice, now)
        record(
            connection,
            platform,
            actor,
            grant,
            Deed("grant.withdraw-reclaim", now, {"gpuMilliseconds": notice.gpu_ms}),
        )
        return notice


def _locked(connection: Connection, grant_id: str) -> Grant:
    """The grant, whose row no other booking holds; grants are never removed."""
    grant = get_grant(connection, grant_id, lock=True)
    if grant is None:
        raise codes.UNKNOWN.error(grant=grant_id)
    return grant
