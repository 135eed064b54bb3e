"""Setting aside of a grant what a run will need: when it is submitted, and when it is resumed.

The two sides of a reservation and everything else that is booked wait for one another at the grant's row, so that of
two runs for which a grant does not suffice one is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from bongsu.domain.grants import Balance, EntryKind, Grant
from bongsu.domain.ids import RunId
from bongsu.domain.pipeline import PipelineSpec
from bongsu.domain.plan import PlannedStage, RunPlan
from bongsu.domain.problems import BongsuError, Problem
from bongsu.planner.accelerators import DEFAULT_ACCELERATOR
from bongsu.policy.decision import Decision
from bongsu.policy.grant_needs import Need, need_of
from bongsu.policy.grants import Asked, Purse, decide, unknown
from bongsu.service.grants.standing import about
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, done
from bongsu.store.grant_ledger import LedgerEntry, NewEntry, balance_of, book, entries_of_run, entries_under_way
from bongsu.store.grant_use import held_now
from bongsu.store.grants import get_grant
from bongsu.store.ministries import is_governed
from bongsu.store.runs import open_run_of


class ReservationRefused(BongsuError):
    """The grant does not pay for the run; nothing was written.

    Attributes:
        grant: None if the ministry has no such grant.
    """

    def __init__(self, decisions: Iterable[Decision], grant: Grant | None) -> None:
        super().__init__(decision.problem for decision in decisions if decision.problem)
        self.grant = grant


@dataclass(frozen=True)
class GrantStanding:
    """What a plan would do to its grant; amounts in GPU-milliseconds.

    Attributes:
        decisions: what each rule says.
        balance: of the grant before the plan is submitted.
        need: what the plan takes.
    """

    grant: Grant
    balance: Balance
    need: Need
    decisions: tuple[Decision, ...]

    @property
    def left_afterwards(self) -> int:
        return self.balance.available - self.need.gpu_ms


def holds_gpus(plan: RunPlan) -> bool:
    """True if any stage may, should it run."""
    return any(planned.resources.total_gpus for planned in plan.stages)


def standing_of(connection: Connection, plan: RunPlan, now: float) -> GrantStanding | Decision | None:
    """How the plan's grant stands to it; None if no grant is asked: the plan holds no GPU, or this is a home that does
    not know the grant. A Decision that denies if its ministry has no such grant. Of a plan that is under way nothing
    more will be set aside."""
    found = _payer(connection, plan.grant, plan.metadata.ministry) if holds_gpus(plan) else None
    if not isinstance(found, Grant):
        return found
    if open_run_of(connection, plan.hash) is not None:
        return replace(_standing(connection, found, plan, [], now), decisions=())
    return _standing(connection, found, plan, [one for one in plan.stages if one.cache.runs], now)


def obstacles_of(standing: GrantStanding | Decision | None) -> list[Problem]:
    """Why a plan will not be paid; nothing if it will, or if no grant is asked."""
    if standing is None:
        return []
    decisions = [standing] if isinstance(standing, Decision) else standing.decisions
    return [decision.problem for decision in decisions if decision.problem]


def unpaid(connection: Connection, spec: PipelineSpec) -> list[Problem]:
    """As :func:`obstacles_of`, as far as it is known before there is a plan: that its ministry has no such grant."""
    body = spec.spec
    # That none is named at all is told of the file.
    if body.grant is None or not any(stage.resources.total_gpus for stage in body.stages if stage.when is None):
        return []
    found = _payer(connection, body.grant, spec.metadata.ministry)
    return obstacles_of(found) if isinstance(found, Decision) else []


def set_aside(platform: Platform, connection: Connection, run_id: RunId, plan: RunPlan, now: float) -> None:
    """Set aside what a new run of the plan will need, in the transaction that creates it and behind that.

    Raises:
        ReservationRefused: the transaction must not be committed.
    """
    _reserve(platform, connection, run_id, plan, [planned for planned in plan.stages if planned.cache.runs], now)


def set_aside_again(
    platform: Platform,
    connection: Connection,
    run_id: RunId,
    plan: RunPlan,
    again: Sequence[PlannedStage],
    now: float,
) -> None:
    """Set aside what a run that is resumed needs for what it has still to do, in the transaction that reopens it and
    behind that. Raises as :func:`set_aside`."""
    _reserve(platform, connection, run_id, plan, again, now)


def refused_of_grant(platform: Platform, error: BongsuError) -> Ask | None:
    """What is recorded of a grant that did not pay; None for any other error, and of a grant that is not there."""
    grant = error.grant if isinstance(error, ReservationRefused) else None
    return _asked(platform, grant) if grant is not None else None


def _reserve(
    platform: Platform,
    connection: Connection,
    run_id: RunId,
    plan: RunPlan,
    stages: Sequence[PlannedStage],
    now: float,
) -> None:
    if not holds_gpus(plan):
        return
    grant = _payer(connection, plan.grant, plan.metadata.ministry, lock=True)
    if grant is None:
        return
    if isinstance(grant, Decision):
        raise ReservationRefused([grant], None)
    standing = _standing(connection, grant, plan, stages, now)
    if not all(decision.allowed for decision in standing.decisions):
        raise ReservationRefused(standing.decisions, grant)
    need = standing.need
    opening = sum(entry.kind is EntryKind.RESERVED for entry in entries_of_run(connection, grant.id, run_id)) + 1
    subject = f"{run_id}/{opening}"
    entry = NewEntry(
        EntryKind.RESERVED,
        subject,
        need.gpu_ms,
        now,
        str(run_id),
        until=now + need.seconds,
        actor=platform.actor.id,
    )
    book(connection, grant.id, [entry])
    rules = [one.rule for one in standing.decisions]
    done(connection, _asked(platform, grant), run=run_id, gpuMilliseconds=need.gpu_ms, allowedBy=rules)


def _asked(platform: Platform, grant: Grant) -> Ask:
    """It is of the receiver's runs, of which the giver does not hear."""
    return about(platform, platform.actor, grant.id, "grant.reserve", grant.receiver)


def _payer(
    connection: Connection, named: str | None, ministry: str, *, lock: bool = False
) -> Grant | Decision | None:
    grant = get_grant(connection, named, lock=lock) if named else None
    if grant is not None and grant.receiver == ministry:
        return grant
    if grant is None and not is_governed(connection):
        return None
    return unknown(named, ministry)


def _standing(
    connection: Connection, grant: Grant, plan: RunPlan, stages: Iterable[PlannedStage], now: float
) -> GrantStanding:
    has = balance_of(connection, grant.id, held_now(connection, grant.id).open_use(now))
    need = need_of(stages, DEFAULT_ACCELERATOR)
    asked = Asked(plan.purpose.use_class, need, DEFAULT_ACCELERATOR, now)
    purse = Purse(grant, has, _returns_by(entries_under_way(connection, grant.id), has))
    return GrantStanding(grant, has, need, tuple(decide(purse, asked)))


def _returns_by(entries: Iterable[LedgerEntry], has: Balance) -> float | None:
    """When the last of the runs that have something set aside is estimated to be over."""
    ends = [
        entry.until
        for entry in entries
        if entry.kind is EntryKind.RESERVED and entry.run_id in has.reserved_by_run and entry.until is not None
    ]
    return max(ends, default=None)
