"""MLflow's own pages about the runs of one home."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bongsu.artifacts.durable import private
from bongsu.domain.codes import run as codes
from bongsu.service.home import DATABASE, PRIVATE_UMASK, TRACKING_DATABASE, TRACKING_KEY, local_home, refuse_closed
from bongsu.tracking.moving import follow_home
from bongsu.tracking.page_key import new_key
from bongsu.tracking.pages import HOST, PORT, address, first_address, serve
from bongsu.tracking.settings import TrackingSettings

__all__ = ["PORT", "PagesOpened", "new_pages", "pages_address", "restore_lost", "serve_pages"]


def pages_address(home: Path, port: int = PORT) -> str:
    """Where the pages of ``home`` can be served.

    Raises:
        BongsuError: ``run.home-not-local``, ``run.home-closed``; ``run.nothing-tracked`` if MLflow has heard of no run
            there; ``run.port-taken`` if another program listens at the port.
    """
    home = local_home(home)
    refuse_closed(home)
    if not (home / TRACKING_DATABASE).exists():
        raise codes.NOTHING_TRACKED.error(home=str(home))
    with closing(socket.socket()) as probe:
        # As servers do it: a port that was used a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise codes.PORT_TAKEN.error(port=port, detail=error.strerror) from None
    return address(port)


def restore_lost(home: Path, environment: Mapping[str, str], on_begin: Callable[[], None] = lambda: None) -> None:
    """Write MLflow's database again from the records of the runs, if it is gone and there are any.

    Args:
        home: the state directory.
        environment: of the process.
        on_begin: called before it is written, which may take minutes.

    Raises:
        BongsuError: what :func:`bongsu.service.embedded.open_home` raises.
    """
    home = local_home(home)
    refuse_closed(home)
    if (home / TRACKING_DATABASE).exists() or not (home / DATABASE).is_file():
        return
    from bongsu.service.delivering import deliver
    from bongsu.service.embedded import open_home
    from bongsu.store import outbox

    platform = open_home(home, environment)
    try:
        with platform.read() as connection:
            records = outbox.count_told(connection) + outbox.count_waiting(connection)
        if records:
            on_begin()
            deliver(platform)
    finally:
        platform.close()


@dataclass(frozen=True)
class PagesOpened:
    """How one server of pages is reached.

    Attributes:
        first: address that a browser opens first; pages open by their own addresses afterwards.
        address: for programs.
        key: what they show; it is in the file ``key_file`` as well, which is the home's owner's alone.
    """

    first: str
    address: str
    key: str
    key_file: Path


def new_pages(home: Path, port: int = PORT) -> PagesOpened:
    """A key for the pages of ``home``, kept there until the next one; raises as :func:`pages_address`."""
    found, key, path = pages_address(home, port), new_key(), local_home(home) / TRACKING_KEY
    path.unlink(missing_ok=True)  # whoever could read it before is not to read this one
    with open(path, "x", opener=private) as file:
        file.write(f"{key}\n")
    return PagesOpened(first_address(key, port), found, key, path)


def serve_pages(home: Path, environment: Mapping[str, str], port: int, key: str) -> None:
    """Serve them in place of this process, until it is ended; for this machine alone, and for who shows the key."""
    os.umask(PRIVATE_UMASK)
    settings = TrackingSettings.embedded(local_home(home))
    follow_home(settings)
    serve(settings, environment, port, key)
