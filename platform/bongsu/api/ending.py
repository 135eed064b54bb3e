"""The end of a server: known to everybody at once, so that nothing new is begun and what is open is closed in order."""

from __future__ import annotations

import threading

from fastapi import Request


class Ending:
    """Attributes:
    has_begun: the server takes its leave: it is not ready any more, and streams end.
    """

    def __init__(self) -> None:
        self._begun = threading.Event()

    @property
    def has_begun(self) -> bool:
        return self._begun.is_set()

    def begin(self) -> None:
        self._begun.set()


class StreamCut(Exception):
    """A stream is broken off where it stands: whoever reads must not take it for the whole."""


def ending_of(request: Request) -> Ending:
    """Of the server that answers."""
    ending = request.app.state.ending
    assert isinstance(ending, Ending)
    return ending
