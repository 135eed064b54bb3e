"""For how long something may hold."""

from __future__ import annotations

from datetime import UTC, datetime

from bongsu.domain.codes import governance as codes
from bongsu.domain.periods import LONGEST_YEARS, YEAR_S


def check_period(begins_at: float, ends_at: float, now: float, field: str = "endsAt") -> None:
    """Raises ``governance.bad-period`` unless the end is behind the begin and now (seconds since the epoch), and
    ``governance.long-period`` for what would hold for longer than anybody answers for it."""
    begins, ends = moment(begins_at).isoformat(), moment(ends_at).isoformat()
    if ends_at <= begins_at or ends_at <= now:
        raise codes.BAD_PERIOD.error(None, field, begins=begins, ends=ends)
    if ends_at - min(begins_at, now) > LONGEST_YEARS * YEAR_S:
        raise codes.LONG_PERIOD.error(None, field, begins=begins, ends=ends, years=LONGEST_YEARS)


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
