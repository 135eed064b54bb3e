"""In which ministry a command acts, where it has to be one."""

from __future__ import annotations

from bongsu.client.http import Server
from bongsu.domain.codes import access as codes


def in_one_ministry(server: Server, named: str | None) -> str:
    """The ministry that was named, else the only one in which the asker is something. Raises
    ``access.no-ministry``, ``access.several-ministries``."""
    if named:
        return named
    me = server.json("GET", "/v1/me")
    mine = list(me["ministries"])
    if not mine:
        raise codes.NO_MINISTRY.error(actor=me["id"])
    if len(mine) > 1:
        raise codes.SEVERAL_MINISTRIES.error(actor=me["id"], ministries=", ".join(mine))
    return str(mine[0])
