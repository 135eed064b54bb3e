"""Being asked to end from outside, or ended with the terminal."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from types import FrameType


class Ended(BaseException):
    """A signal that does what Ctrl-C does. No KeyboardInterrupt: Typer makes status 130 of each of those.

    Attributes:
        status: what the process ends with, as shells have it: 128 and the number of the signal.
    """

    def __init__(self, kind: int) -> None:
        super().__init__(kind)
        self.status = 128 + kind


def leave_at_once() -> None:
    """Until :func:`end_as_by_hand`: nothing has begun that would have to be stopped, and an exception could be raised
    anywhere in what is being imported."""
    _answer((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), lambda kind, _frame: os._exit(128 + kind))


def end_as_by_hand() -> None:
    """Let a request to end, and the end of the terminal, do what Ctrl-C does: stop what was started, then leave."""
    _answer((signal.SIGTERM, signal.SIGHUP), _end)
    _answer((signal.SIGINT,), signal.default_int_handler)


def _answer(kinds: Iterable[signal.Signals], handler: Callable[[int, FrameType | None], object]) -> None:
    for kind in kinds:
        if signal.getsignal(kind) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(kind, handler)


def _end(kind: int, _frame: FrameType | None) -> None:
    raise Ended(kind)
