"""Bytes that are the body of an answer: sent as fast as whoever asked reads them, and only while they are there.

Between two pieces no thread waits. A server does not say of a piece that nobody took it (uvicorn drops what is sent
after a connection has ended), so who leaves is looked for: else a file would be read to its end for nobody.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread
from starlette.types import Receive, Send

PIECE = 256 * 1024
"""Bytes that are read at once: so much of a file is in memory for each of its readers."""

LOOK_AGAIN_S = 5.0
"""After so many seconds it is looked again whether they may: a person may be disabled, a label raised."""


async def send_pieces(
    next_piece: Callable[[], bytes], receive: Receive, send: Send, still_may: Callable[[], Awaitable[bool]]
) -> None:
    """All of it as the body of an answer that has begun; no more than the piece under way once its reader has left.
    Once they may read it no longer it breaks off, and does not end: nobody takes what came for the whole.

    Args:
        next_piece: reads one, in a thread; nothing at the end.
        receive: of the request, whose body nobody else reads any more.
        send: of the answer.
        still_may: looks whether its reader still may, and records that they read on.
    """

    async def send_all() -> None:
        looked_at = time.monotonic()
        while piece := await anyio.to_thread.run_sync(next_piece):
            if time.monotonic() - looked_at >= LOOK_AGAIN_S:
                if not await still_may():
                    return
                looked_at = time.monotonic()
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    await while_there(receive, send_all)


async def while_there(
    receive: Receive, work: Callable[[], Awaitable[None]], on_leaving: Callable[[], None] = lambda: None
) -> None:
    """Work for somebody who waits for it, and break it off once they have left. What it raises is raised as it is.

    Args:
        receive: of their request, whose body nobody else reads any more.
        work: is cancelled when they leave.
        on_leaving: is called before that.
    """
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            await left(receive)
            on_leaving()
            tasks.cancel_scope.cancel()

        tasks.start_soon(watch)
        try:
            await work()
        except Exception as error:  # told as it is, and not as one of a group
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def left(receive: Receive) -> None:
    """Until they have, or send a body that breaks a limit."""
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    except Exception:  # of whatever kind: of who does not keep to the limits nothing more is waited for
        return
