"""Bytes that are the body of an answer: sent as fast as whoever asked reads them, and only while they are there.

Between two pieces no thread waits. A server does not say of a piece that nobody took it (uvicorn drops what is sent
after a connection has ended), so who leaves is looked for: else a file would be read to its end for nobody.
"""

from __future__ import annotations

from collections.abc import Callable

import anyio
import anyio.to_thread
from starlette.types import Receive, Send

PIECE = 256 * 1024
"""Bytes that are read at once: so much of a file is in memory for each of its readers."""


async def send_pieces(next_piece: Callable[[], bytes], receive: Receive, send: Send) -> None:
    """All of it as the body of an answer that has begun; no more than the piece under way once its reader has left.

    Args:
        next_piece: reads one, in a thread; nothing at the end.
        receive: of the request, whose body nobody else reads any more.
    """
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            await left(receive)
            tasks.cancel_scope.cancel()

        tasks.start_soon(watch)
        try:
            while piece := await anyio.to_thread.run_sync(next_piece):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
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
