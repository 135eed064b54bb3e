"""A place that ministries share, served over a socket of this machine, and the command line signed in to it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import uvicorn
from fastapi import FastAPI

from bongsu.api.connections import BoundedProtocol
from bongsu.client.contexts import Context, Contexts, SignIn, save_contexts

START_S = 20.0


class Place(Protocol):
    """What has an application to serve."""

    app: FastAPI


@contextmanager
def served(place: Place, listening: socket.socket | None = None) -> Iterator[str]:
    """Its address; at a socket of its own if none is given."""
    listening = listening or socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(place.app, http=BoundedProtocol, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_S
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(START_S)
        listening.close()


def sign_in(settings: Path, url: str, person: str, ministry: str | None = None) -> None:
    """Make a server the one that commands ask, in the name of one of the staff.

    Args:
        settings: the folder of the user's settings, as XDG_CONFIG_HOME has it.
        url: of the server.
        person: whose token is their name.
        ministry: in which commands act.
    """
    context = Context(url=url, ministry=ministry, sign_in=SignIn(access_token=person))
    save_contexts(settings / "bongsu" / "contexts.json", Contexts("server", {"server": context}))
