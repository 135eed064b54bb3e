"""The command line in this process: arguments in, exit status and texts out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """What a command left: its exit status, standard output and standard error."""

    status: int
    out: str
    error: str


Shell = Callable[..., Said]
