"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bongsu.domain.phrases import Words


@dataclass(frozen=True)
class Finding:
    """One check: ``ok``, ``warning`` (works, but) or ``problem`` (will not work)."""

    level: Literal["ok", "warning", "problem"]
    subject: str
    fact: Words
    fix: str = ""
