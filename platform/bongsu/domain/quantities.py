"""Sizes, durations, counts and changes as a person reads them."""

from __future__ import annotations

import math

_BYTE_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")


def size(count: int | float | None) -> str:
    """Bytes in decimal units: ``2.09 MB``; a dash for None."""
    if count is None:
        return "–"
    value = float(count)
    units = iter(_BYTE_UNITS)
    unit = next(units)
    while abs(value) >= 999.5 and (larger := next(units, "")):
        unit, value = larger, value / 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.3g} {unit}"


def duration(seconds: float | None) -> str:
    """``850 ms``, ``12.3 s``, ``4 min 05 s``, ``2 h 10 min``, ``3 d 4 h``; a dash for None."""
    if seconds is None:
        return "–"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def figure(value: float | None) -> str:
    """A metric with four significant digits; from 9,999.5 on a whole number with thousands separated."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    if abs(value) >= 9999.5:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def interval(low: float, high: float) -> str:
    """``0.38–0.45``: as many digits as tell the ends apart, and one more."""
    width, largest = high - low, max(abs(low), abs(high))
    digits = 4
    if 0 < width < math.inf:
        digits = min(4, math.floor(math.log10(largest)) - math.floor(math.log10(width)) + 2)
    return "–".join(figure(float(f"{end:.{max(1, digits)}g}")) for end in (low, high))


def change(share: float) -> str:
    """``+4.6%`` for 0.046."""
    return f"{share * 100:+.1f}%"


def short(digest: str) -> str:
    """``sha256-`` and 12 digits: enough to find it again."""
    return digest[:19] if digest.startswith("sha256-") else digest[:12]
