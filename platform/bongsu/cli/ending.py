"""Being asked to end from outside, or ended with the terminal."""

from __future__ import annotations

import signal
from types import FrameType


class Ended(BaseException):
    """A signal that does what Ctrl-C does. No KeyboardInterrupt: Typer makes status 130 of each of those.

    Attributes:
        status: what the process ends with, as shells have it: 128 and the number of the signal.
    """

    def __init__(self, kind: int) -> None:
        super().__init__(kind)
        self.status = 128 + kind


def end_as_by_hand() -> None:
    """Let a request to end, and the end of the terminal, do what Ctrl-C does: stop what was started, then leave."""
    for kind in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(kind) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(kind, _end)


def _end(kind: int, _frame: FrameType | None) -> None:
    raise Ended(kind)
