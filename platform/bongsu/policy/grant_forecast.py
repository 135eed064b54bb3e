"""When a grant will run out at the rate at which it is used, and what will be left when its window ends.

A rate is the mean of whole days. Its interval is plain: twice the standard error of that mean to either side, days
taken as independent, which they are not quite; it says how sure the figure is, not what will happen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from bongsu.domain.grants import Grant, Held

DAY = 86_400.0
SPANS = (7, 28)
"""Days over which a rate is taken."""
FAR = 100 * 366 * DAY
"""What would last longer than that does not run out."""


@dataclass(frozen=True)
class Forecast:
    """At the rate of the last days. Rates in GPU-milliseconds a day, times in seconds since the epoch.

    Attributes:
        days: of which the rate is; fewer if the grant is younger.
        rate, least, most: the mean, and its interval.
        runs_out_at: at the mean rate; None if it lasts as good as for ever.
        earliest_at, latest_at: at the ends of the interval, likewise.
        unused: GPU-milliseconds that will be left when the window ends, at the mean rate; 0 if it runs out before.
    """

    days: int
    rate: float
    least: float
    most: float
    runs_out_at: float | None
    earliest_at: float | None
    latest_at: float | None
    unused: int

    def ends_first(self, ends: float) -> bool:
        """True if the window ends before the grant is used."""
        return self.runs_out_at is None or self.runs_out_at > ends


def forecasts(grant: Grant, left: int, held: Iterable[Held], now: float) -> list[Forecast]:
    """For each of :data:`SPANS`; none before the grant has been open for a day.

    Args:
        grant: whose window it is.
        left: GPU-milliseconds that are not used, set aside or not.
        held: every time that GPUs were held, up to now.
        now: seconds since the epoch.
    """
    spent = list(held)
    open_days = int((min(now, grant.ends) - grant.begins) // DAY)
    lengths = sorted({min(span, open_days) for span in SPANS if open_days > 0})
    return [_forecast(grant, left, days_of(spent, now, length), now) for length in lengths]


def days_of(held: Sequence[Held], now: float, days: int) -> list[int]:
    """GPU-milliseconds of each of the last days, the oldest first; a day is 24 hours that end at ``now`` or a whole
    number of days before it."""
    starts = [now - DAY * place for place in range(days, 0, -1)]
    totals = [0] * days
    for one in held:
        # A day more to either side: what lies on an edge is nobody's twice, and rounding may not lose it.
        first, last = (int((time - starts[0]) // DAY) for time in (one.admitted_at, one.released_at))
        for place in range(max(0, first - 1), min(days, last + 2)):
            totals[place] += one.within(starts[place], starts[place] + DAY)
    return totals


def _forecast(grant: Grant, left: int, each: Sequence[int], now: float) -> Forecast:
    rate = fmean(each)
    error = 2 * stdev(each) / math.sqrt(len(each)) if len(each) > 1 else rate
    least, most = max(0.0, rate - error), rate + error
    window = max(0.0, grant.ends - now) / DAY
    return Forecast(
        days=len(each),
        rate=rate,
        least=least,
        most=most,
        runs_out_at=_out_at(left, rate, now),
        earliest_at=_out_at(left, most, now),
        latest_at=_out_at(left, least, now),
        unused=max(0, math.floor(left - rate * window)),
    )


def _out_at(left: int, rate: float, now: float) -> float | None:
    if left <= 0:
        return now
    if rate <= 0 or left / rate * DAY > FAR:
        return None
    return now + left / rate * DAY
