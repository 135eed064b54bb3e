"""Days and times as people write them, and the period that is meant where nobody says one."""

from __future__ import annotations

from datetime import UTC, datetime

from bongsu.domain.codes import grants as codes

_FIRST, _LAST = 1970, 2999


def time_of(text: str) -> float:
    """Seconds since the epoch of ``2026-07-01`` (00:00 UTC), or of an ISO 8601 time; one without a zone is UTC.

    Raises:
        BongsuError: ``grants.bad-date``.
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise codes.BAD_DATE.error(date=text) from None
    if not _FIRST < found.year <= _LAST:
        raise codes.BAD_DATE.error(date=text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def this_month(now: float) -> tuple[float, float]:
    """From the first day of the month, UTC, until now."""
    day = datetime.fromtimestamp(now, UTC)
    return day.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp(), now
