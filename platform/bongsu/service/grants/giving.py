"""Giving a grant, setting its ledger right by an entry, and closing it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from bongsu.domain.codes import grants as codes
from bongsu.domain.documents import Moment
from bongsu.domain.grants import EntryKind, Grant, gpu_ms_of, hours_text
from bongsu.domain.ids import digest_of
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor
from bongsu.domain.periods import LONGEST_YEARS, YEAR_S
from bongsu.domain.phrases import as_phrase
from bongsu.domain.pipeline import NAME_PATTERN
from bongsu.domain.problems import BongsuError, Problem
from bongsu.domain.tenants import HOME
from bongsu.domain.uses import UseClass
from bongsu.planner.accelerators import KNOWN
from bongsu.policy import purpose
from bongsu.policy.access import Permission
from bongsu.policy.access_rules import permitted_in
from bongsu.policy.grants import moment
from bongsu.service.grants.standing import about, acting, tenant_of
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, done, refusals_recorded
from bongsu.store.grant_ledger import LedgerEntry, NewEntry, balance_of, book, find_entry
from bongsu.store.grant_use import held_now
from bongsu.store.grants import add_grant, close_grant, get_grant
from bongsu.store.ministries import owns_gpus, takes_part
from bongsu.store.taken import Taken

LONGEST_NAME = 40
# All GPUs of the National AI Project's plan for 2028, held for ten years.
MOST_HOURS = 15_000 * 24 * 3660
LATEST = 32_503_680_000.0
"""The year 3000, in seconds since the epoch."""
GIVEN = "given"
_LONGEST_KEY = 100


@dataclass(frozen=True)
class Order:
    """What is to be given; fields as of :class:`bongsu.domain.grants.Grant`, and how much of it in GPU-hours."""

    id: str
    giver: str
    receiver: str
    programme: str
    accelerator: str
    gpu_hours: float
    begins: Moment
    ends: Moment
    use_classes: frozenset[UseClass] = frozenset()

    def as_grant(self, given_by: str) -> Grant:
        return Grant(
            id=self.id,
            giver=self.giver,
            receiver=self.receiver,
            use_classes=self.use_classes,
            accelerator=self.accelerator,
            begins=self.begins,
            ends=self.ends,
            programme=self.programme,
            given_by=given_by,
        )


def give(platform: Platform, actor: Actor, order: Order) -> Grant:
    """Give a grant. The same order of the same person again finds what was given.

    Raises:
        BongsuError: ``grants.forbidden`` for whoever may not give in the giver's name; ``policy.forbidden-use`` for
            what its name or programme declares; ``grants.no-gpus`` if the giver owns none; everything else that is
            wrong with the order; ``grants.name-taken``.
    """
    grant = order.as_grant(actor.id)
    # Nothing was given as long as it may be refused, so no receiver hears of it.
    with refusals_recorded(about(platform, actor, grant.id, "grant.give", grant.giver)):
        side = tenant_of(actor, grant.giver)
        permitted_in(actor, Permission.GRANT_GIVE, side, codes.FORBIDDEN, grant=grant.id).require()
        _refuse_forbidden(grant)
        _refuse_faulty(platform, actor, order)
        with platform.database.read() as connection:
            _refuse_without_gpus(connection, actor, grant)
        return _given(about(platform, actor, grant.id, "grant.give", grant.giver, grant.receiver), grant, order)


def _given(asked: Ask, grant: Grant, order: Order) -> Grant:
    platform, now, amount = asked.platform, asked.now, gpu_ms_of(order.gpu_hours)
    try:
        with platform.database.write() as connection:
            add_grant(connection, grant, now)
            book(connection, grant.id, [NewEntry(EntryKind.GIVEN, GIVEN, amount, now, actor=asked.actor.id)])
            facts: dict[str, Any] = {
                "receiver": grant.receiver,
                "programme": grant.programme,
                "accelerator": grant.accelerator,
                "useClasses": sorted(grant.use_classes),
                "gpuMilliseconds": amount,
                "begins": moment(grant.begins),
                "ends": moment(grant.ends),
            }
            done(connection, asked, **facts)
    except Taken:
        with platform.database.read() as connection:
            known = get_grant(connection, grant.id)
            first = find_entry(connection, grant.id, EntryKind.GIVEN, GIVEN)
        if known == grant and first is not None and first.gpu_ms == amount:
            return grant
        raise codes.NAME_TAKEN.error(grant=grant.id) from None
    return grant


def adjust(
    platform: Platform, actor: Actor, grant_id: str, gpu_hours: float, reason: str, key: str = ""
) -> LedgerEntry:
    """Book more, or less than nothing, with a reason; no entry that stands is touched.

    Args:
        platform: what to work on.
        actor: who books it.
        grant_id: the grant.
        gpu_hours: added to what was given; may be negative, as far as it is neither used nor set aside.
        reason: in a sentence.
        key: a request that is sent again under its key books nothing; one is drawn if it is empty.

    Raises:
        BongsuError: ``grants.unknown``, ``grants.forbidden``, ``grants.bad-amount``, ``grants.no-reason``,
            ``grants.below-use``, ``grants.key-reused``; ``grants.no-gpus`` for more than nothing of a giver that owns
            none.
    """
    with acting(platform, actor, Permission.GRANT_ADJUST, grant_id, "grant.adjust") as (asked, grant):
        amount = _amount(gpu_hours)
        if not reason.strip():
            raise codes.NO_REASON.error()
        subject = subject_of(platform, key)
        entry = NewEntry(EntryKind.ADJUSTED, subject, amount, asked.now, actor=actor.id, reason=reason.strip())
        return _adjust(asked, grant, entry)


def _adjust(asked: Ask, grant: Grant, entry: NewEntry) -> LedgerEntry:
    amount, now = entry.gpu_ms, entry.at
    with asked.platform.database.write() as connection:
        get_grant(connection, grant.id, lock=True)
        known = find_entry(connection, grant.id, EntryKind.ADJUSTED, entry.subject)
        if known is not None:
            if (known.gpu_ms, known.reason) != (amount, entry.reason):
                raise codes.KEY_REUSED.error(key=entry.subject, grant=grant.id)
            return known
        if amount > 0:
            _refuse_without_gpus(connection, asked.actor, grant)
        balance = balance_of(connection, grant.id, held_now(connection, grant.id).open_use(now))
        if balance.given + amount > gpu_ms_of(MOST_HOURS):
            raise codes.BAD_AMOUNT.error(hours=hours_text(amount), most=f"{MOST_HOURS:,}")
        left = balance.available
        if amount < 0 and -amount > left:
            raise codes.BELOW_USE.error(
                grant=grant.id, hours=hours_text(-amount), available=hours_text(max(0, left))
            )
        (booked,) = book(connection, grant.id, [entry])
        done(connection, asked, gpuMilliseconds=amount, reason=entry.reason, position=booked.position)
        return booked


def close(platform: Platform, actor: Actor, grant_id: str, reason: str) -> Grant:
    """Let nothing more be set aside of a grant. Runs under way go on, and the ledger stays. Once more does nothing.

    Raises:
        BongsuError: ``grants.unknown``, ``grants.forbidden``, ``grants.no-reason``.
    """
    with acting(platform, actor, Permission.GRANT_ADJUST, grant_id, "grant.close") as (asked, grant):
        if not reason.strip():
            raise codes.NO_REASON.error()
        with platform.database.write() as connection:
            if close_grant(connection, grant_id, asked.now):
                done(connection, asked, reason=reason.strip())
            return get_grant(connection, grant_id) or grant


def subject_of(platform: Platform, key: str) -> str:
    """What the ledger knows a request by: its key, or one that is drawn."""
    if not key:
        return platform.new_run_id(platform.clock()).removeprefix("r-")
    return key if len(key) <= _LONGEST_KEY else digest_of(key.encode())


def _amount(gpu_hours: float) -> int:
    if not abs(gpu_hours) <= MOST_HOURS or gpu_ms_of(gpu_hours) == 0:
        raise codes.BAD_AMOUNT.error(hours=f"{gpu_hours:g}", most=f"{MOST_HOURS:,}")
    return gpu_ms_of(gpu_hours)


def _refuse_without_gpus(connection: Connection, actor: Actor, grant: Grant) -> None:
    """Nobody gives what they do not have, not even to themselves; the owner of a home has what the machine has."""
    if HOME not in actor.ministries and not owns_gpus(connection, grant.giver):
        raise codes.NO_GPUS.error(ministry=grant.giver)


def _refuse_forbidden(grant: Grant) -> None:
    """What GPUs are given for is a declared purpose."""
    problems = purpose.problems({"id": grant.id, "programme": grant.programme})
    if problems:
        raise BongsuError(problems)


def _refuse_faulty(platform: Platform, actor: Actor, order: Order) -> None:
    problems = [*_faults(order), *_faults_of_window(order, platform.clock())]
    if HOME not in actor.ministries:
        with platform.database.read() as connection:
            gone = [side for side in (order.giver, order.receiver) if not takes_part(connection, side)]
        problems += [codes.NO_SUCH_MINISTRY.at(ministry=side) for side in dict.fromkeys(gone)]
    if problems:
        raise BongsuError(problems)


def _faults(order: Order) -> Iterable[Problem]:
    names = {
        N_("name"): order.id,
        N_("programme"): order.programme,
        N_("giver"): order.giver,
        N_("receiver"): order.receiver,
    }
    for what, name in names.items():
        if not re.fullmatch(NAME_PATTERN, name) or len(name) > LONGEST_NAME:
            yield codes.BAD_NAME.at(name=name, what=as_phrase(what))
    if not 0 < order.gpu_hours <= MOST_HOURS or gpu_ms_of(order.gpu_hours) == 0:
        yield codes.BAD_AMOUNT.at(hours=f"{order.gpu_hours:g}", most=f"{MOST_HOURS:,}")
    if order.accelerator not in KNOWN:
        yield codes.UNKNOWN_ACCELERATOR.at(accelerator=order.accelerator, known=", ".join(KNOWN))


def _faults_of_window(order: Order, now: float) -> Iterable[Problem]:
    begins, ends = (moment(min(max(0.0, time), LATEST)) for time in (order.begins, order.ends))
    if not 0 <= order.begins < order.ends <= LATEST:
        yield codes.BAD_WINDOW.at(begins=begins, ends=ends)
    elif order.ends <= now:
        yield codes.OVER.at(None, "ends", ends=ends, now=moment(now))
    elif order.ends - min(order.begins, now) > LONGEST_YEARS * YEAR_S:
        yield codes.LONG_WINDOW.at(None, "ends", begins=begins, ends=ends, years=LONGEST_YEARS)
