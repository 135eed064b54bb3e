"""Weak use of a grant: what is shown to both sides, and what the giver may take back. Thresholds are data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bongsu.domain.grants import MS_PER_HOUR, Balance, Grant
from bongsu.domain.run import AttemptState
from bongsu.policy.grant_forecast import DAY, Forecast


@dataclass(frozen=True)
class Thresholds:
    """From when on use is called weak.

    Attributes:
        window_share: of the window has to be over before a grant is measured by a straight line.
        behind_share: of the grant that is unused although a straight line would have used it.
        fruitless_share: of what was used went into attempts that did not succeed.
        fruitless_least: GPU-milliseconds that make a share worth telling.
        silent_seconds: without a word of an attempt that holds GPUs.
        notice_seconds: between the announcement of a reclaim and its effect, at least.
    """

    window_share: float = 0.25
    behind_share: float = 0.25
    fruitless_share: float = 0.5
    fruitless_least: int = 10 * MS_PER_HOUR
    silent_seconds: float = 2 * 3600.0
    notice_seconds: float = 7 * DAY


THRESHOLDS = Thresholds()


class Weakness(StrEnum):
    """``BEHIND``: less is used than a straight line over the window would have used. ``FRUITLESS``: much of what was
    used went into attempts that did not succeed. ``SILENT``: GPUs are held, and their attempt says nothing."""

    BEHIND = "behind"
    FRUITLESS = "fruitless"
    SILENT = "silent"


@dataclass(frozen=True)
class WeakUse:
    """One thing to look at.

    Attributes:
        gpu_ms: what it is about: what a straight line would have used more, what bore no fruit, what is held in
            silence.
        share: of the grant, or of what was used; of what is silent, of what is held now.
        attempts: keys of those that are silent.
    """

    weakness: Weakness
    gpu_ms: int
    share: float
    attempts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Uses:
    """What is known of a grant's use.

    Attributes:
        balance: what is held now included.
        metered: GPU-milliseconds by how attempts ended.
        silent: seconds since the last word, by attempt that holds GPUs, with what it has used so far.
    """

    balance: Balance
    metered: Mapping[str, int] = field(default_factory=dict)
    silent: Mapping[str, tuple[float, int]] = field(default_factory=dict)


def weak_uses(grant: Grant, uses: Uses, now: float, limits: Thresholds = THRESHOLDS) -> list[WeakUse]:
    """Everything that is past its threshold."""
    found = [_behind(grant, uses, now, limits), _fruitless(uses, limits), _silent(uses, limits)]
    return [weak for weak in found if weak is not None]


def elapsed_share(grant: Grant, now: float) -> float:
    """Of the window, between 0 and 1."""
    return min(1.0, max(0.0, (now - grant.begins) / (grant.ends - grant.begins)))


def reclaimable(
    grant: Grant, has: Balance, seen: Sequence[Forecast], now: float, limits: Thresholds = THRESHOLDS
) -> int:
    """Whole GPU-hours, in GPU-milliseconds, that will not be used even at the highest rate that was seen; what is set
    aside is left out. Nothing early in the window, or before there is a rate; everything that is free once nothing more
    can be set aside."""
    free = max(0, has.available)
    if not grant.is_open(now) and now >= min(grant.ends, grant.closed_at or grant.ends):
        return free
    if not seen or elapsed_share(grant, now) < limits.window_share:
        return 0
    days = max(0.0, grant.ends - now) / DAY
    spare = free - math.ceil(max(one.most for one in seen) * days)
    return max(0, spare // MS_PER_HOUR * MS_PER_HOUR)


def notice_due(
    grant: Grant, now: float, asked_seconds: float | None, limits: Thresholds = THRESHOLDS
) -> float | None:
    """When a reclaim that is announced now takes effect; None if the notice is too short. A grant from which nothing
    more can be set aside needs none."""
    is_done = grant.closed_at is not None or now >= grant.ends
    least = 0.0 if is_done else limits.notice_seconds
    wanted = least if asked_seconds is None else asked_seconds
    return now + wanted if wanted >= least else None


def _behind(grant: Grant, uses: Uses, now: float, limits: Thresholds) -> WeakUse | None:
    share, given = elapsed_share(grant, now), uses.balance.given
    if share < limits.window_share or given <= 0:
        return None
    behind = share - uses.balance.used / given
    if behind < limits.behind_share:
        return None
    return WeakUse(Weakness.BEHIND, math.floor(behind * given), behind)


def _fruitless(uses: Uses, limits: Thresholds) -> WeakUse | None:
    every = sum(uses.metered.values())
    lost = every - uses.metered.get(AttemptState.SUCCEEDED.value, 0)
    if lost < limits.fruitless_least or lost < limits.fruitless_share * every:
        return None
    return WeakUse(Weakness.FRUITLESS, lost, lost / every)


def _silent(uses: Uses, limits: Thresholds) -> WeakUse | None:
    quiet = {key: used for key, (seconds, used) in uses.silent.items() if seconds >= limits.silent_seconds}
    if not quiet:
        return None
    every = sum(used for _seconds, used in uses.silent.values())
    used = sum(quiet.values())
    return WeakUse(Weakness.SILENT, used, used / every if every else 1.0, tuple(sorted(quiet)))
