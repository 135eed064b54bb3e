"""Files that clients send: where they lie while they are looked at, how large they may be, what they may be called."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from fastapi import Request
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool

from bongsu.api.turns import Turns
from bongsu.domain.codes import api as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.unseen import first_unseen
from bongsu.service.platform import Platform
from bongsu.service.uploading import upload_folder

MOST_BYTES = 1 << 40
MOST_TAKEN = 4
"""So many uploads are unpacked at once."""
MOST_OF_ONE = 2
"""So many of them are one person's."""


class Intake(Turns):
    """What is made of files that were sent, at this server."""

    def __init__(self) -> None:
        super().__init__(MOST_TAKEN, MOST_OF_ONE)


def intake_of(request: Request) -> Intake:
    """Of the server that it is asked of."""
    found: Intake = request.app.state.intake
    return found


def folder_for_files(platform: Platform) -> AbstractAsyncContextManager[Path]:
    """As :func:`bongsu.service.uploading.upload_folder`. It is made and deleted beside the event loop, and deleted for
    a request that is given up, too: what was unpacked into it may be very many files."""
    return contextmanager_in_threadpool(upload_folder(platform))


async def receive(request: Request, place: Path) -> None:
    """Write the body into a new file. Raises ``api.too-large``."""
    seen = 0
    with place.open("xb") as file:
        async for piece in request.stream():
            seen += len(piece)
            if seen > MOST_BYTES:
                raise codes.TOO_LARGE.error(limit=MOST_BYTES)
            await run_in_threadpool(file.write, piece)


def refuse_strange_title(title: str) -> None:
    """Raises ``api.bad-request`` for what would not be seen as it is."""
    if unseen := first_unseen(title):
        words = phrase(N_("it holds {character}, which nobody sees"), character=unseen)
        raise codes.BAD_REQUEST.error(place="query.title", detail=words)
    if set(title) & set("\t\r\n"):
        raise codes.BAD_REQUEST.error(place="query.title", detail=phrase(N_("it is not one line")))
