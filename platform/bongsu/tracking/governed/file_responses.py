"""Files that MLflow's own routes answer with are handed over open, and sent as fast as whoever asked reads them.

MLflow's WSGI application would read a file as a whole into the queue of its answer, in a thread that is then nobody
else's: some dozens of slow readers of weights would keep every thread and take all memory. WSGI has a place for this,
``wsgi.file_wrapper`` (PEP 3333): MLflow puts the open file into what it finds there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import IO, Any

from flask import Flask
from starlette.types import Receive, Send

from bongsu.artifacts.sending import PIECE, send_pieces

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class OpenFile:
    """What ``wsgi.file_wrapper`` makes of a file.

    Args:
        file: to be read from where it stands to its end.
        size: of pieces; others are read here.
    """

    def __init__(self, file: IO[bytes], size: int = PIECE) -> None:
        self._file = file

    def read(self) -> bytes:
        return self._file.read(PIECE)

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read():
            yield piece

    def close(self) -> None:
        """Files that were made for one answer are deleted now."""
        self._file.close()


class HandedOver:
    """The file of one answer, if it is a file.

    Args:
        still_may: looks now and then whether its reader still may; None if it is only looked whether MLflow would give
            it: nothing of it is read then.
    """

    def __init__(self, still_may: Callable[[], Awaitable[bool]] | None) -> None:
        self.file: OpenFile | None = None
        self.still_may = still_may

    async def send(self, receive: Receive, send: Send) -> None:
        """As the body of the answer: all of it, or as much as its reader waits for and may read."""
        assert self.file is not None
        try:
            if self.still_may is not None:
                await send_pieces(self.file.read, receive, send, self.still_may)
        finally:
            self.file.close()


_HANDED_OVER: ContextVar[HandedOver | None] = ContextVar("bongsu_mlflow_handed_over", default=None)


@contextmanager
def taking(still_may: Callable[[], Awaitable[bool]] | None) -> Iterator[HandedOver]:
    """For the time in which MLflow answers one request; ``still_may`` as of :class:`HandedOver`."""
    taken = HandedOver(still_may)
    token = _HANDED_OVER.set(taken)
    try:
        yield taken
    finally:
        _HANDED_OVER.reset(token)


@contextmanager
def handing_over_files(application: Flask) -> Iterator[None]:
    """Within the block, an application gives the files of its answers to who :func:`taking` is."""
    before = application.wsgi_app
    application.wsgi_app = _handing_over(before)  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        application.wsgi_app = before  # type: ignore[method-assign]


def _handing_over(inner: Wsgi) -> Wsgi:
    def outer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        taken = _HANDED_OVER.get()
        if taken is None:
            return inner(environ, start_response)
        # A part of a file would be wrapped once more, and read into the queue: the whole is as right an answer.
        asked = {name: value for name, value in environ.items() if name not in ("HTTP_RANGE", "HTTP_IF_RANGE")}
        answer = inner(asked | {"wsgi.file_wrapper": OpenFile}, start_response)
        if not isinstance(answer, OpenFile):
            return answer
        taken.file = answer
        return ()

    return outer
