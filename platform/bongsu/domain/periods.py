"""How long something may be permitted or given for at once."""

LONGEST_YEARS = 10
YEAR_S = 366 * 86_400.0
"""The longest one there is, in seconds, so that ten years by the calendar are never too long."""
