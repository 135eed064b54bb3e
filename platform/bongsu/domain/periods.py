"""How long something may be permitted or given for at once, and how old what speaks for it may be."""

LONGEST_YEARS = 10
YEAR_S = 366 * 86_400.0
"""The longest one there is, in seconds, so that ten years by the calendar are never too long."""
OLDEST_EVIDENCE_YEARS = 5
"""Age up to which evidence speaks for a use that is registered; what is older is assessed anew."""
EARLIEST_DAY_S = 14 * 3600.0
"""How far a day may lie ahead: it is written without a zone and read in UTC, and at UTC+14 it has begun before."""
