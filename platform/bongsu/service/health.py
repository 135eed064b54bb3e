"""Whether a server can do its work at this moment."""

from __future__ import annotations

from sqlalchemy import select

from bongsu.domain.problems import BongsuError
from bongsu.service.platform import Platform
from bongsu.store.schema import runs


def is_ready(platform: Platform) -> bool:
    """The database answers, with the tables that this version knows."""
    try:
        with platform.read() as connection:
            connection.execute(select(runs.c.tenant).limit(1))
    except BongsuError:
        return False
    return True
