"""GPU grants on a server, as the command line asks for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote

from bongsu.client.declaring import refuse_class
from bongsu.client.http import Server
from bongsu.domain.codes import client as codes
from bongsu.domain.documents import iso_time, plain
from bongsu.domain.grants import Dimension, Grant
from bongsu.service.grants import reading_back
from bongsu.service.grants.giving import Order
from bongsu.service.grants.looking import GrantDetails, GrantSummary, LedgerEntry, Notice, Recounted
from bongsu.service.grants.showback import Showback

T = TypeVar("T")
_GRANTS = "/v1/grants"


class RemoteGrants:
    """See :class:`bongsu.service.planes.grants.GrantsPlane`; what the asker's ministries gave and got."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def grants(self) -> list[GrantSummary]:
        return [self._as(reading_back.summary_of, told) for told in self._server.items(_GRANTS)]

    def grant(self, grant: str, newest: int | None = None) -> GrantDetails:
        told = self._server.json("GET", _of(grant), query={"entries": newest})
        return self._as(reading_back.details_of, told)

    def recount(self, grant: str) -> Recounted:
        return self._as(reading_back.recounted_of, self._server.json("GET", f"{_of(grant)}/recount"))

    def refuse_class(self, giver: str, name: str) -> NoReturn:
        refuse_class(self._server, giver, name, "grant.give")

    def give(self, order: Order) -> Grant:
        body = plain(order) | {"begins": iso_time(order.begins), "ends": iso_time(order.ends)}
        return self._as(reading_back.grant_of, self._server.post(_GRANTS, body))

    def adjust(self, grant: str, gpu_hours: float, reason: str, key: str = "") -> LedgerEntry:
        # The ledger knows the request by its key, so one that a person gives is sent as it is.
        told = self._server.once(f"{_of(grant)}/adjust", {"gpuHours": gpu_hours, "reason": reason}, key)
        return self._as(reading_back.entry_of, told)

    def close(self, grant: str, reason: str) -> Grant:
        return self._as(reading_back.grant_of, self._server.post(f"{_of(grant)}/close", {"reason": reason}))

    def announce_reclaim(self, grant: str, gpu_hours: float, reason: str, notice_days: float | None) -> Notice:
        body = {"gpuHours": gpu_hours, "reason": reason, "noticeDays": notice_days}
        return self._notice(grant, self._server.once(f"{_of(grant)}/reclaim", body))

    def carry_out_reclaim(self, grant: str) -> LedgerEntry:
        return self._as(reading_back.entry_of, self._server.post(f"{_of(grant)}/reclaim/apply"))

    def withdraw_reclaim(self, grant: str) -> Notice:
        return self._notice(grant, self._server.post(f"{_of(grant)}/reclaim/withdraw"))

    def showback(self, begins: float | None, ends: float | None, by: Sequence[Dimension]) -> Showback:
        period = {"since": iso_time(begins), "until": iso_time(ends)}
        query = {**period, "by": [dimension.value for dimension in by]}
        return self._as(reading_back.showback_of, self._server.json("GET", "/v1/showback", query=query))

    def _notice(self, grant: str, told: Any) -> Notice:
        return self._as(lambda document: reading_back.notice_of(document, grant), told)

    def _as(self, reader: Callable[[Any], T], told: Any) -> T:
        try:
            return reader(told)
        except (KeyError, TypeError, ValueError) as error:
            raise codes.NOT_UNDERSTOOD.error(
                url=self._server.url, detail=f"{type(error).__name__}: {error}"
            ) from error


def _of(grant: str) -> str:
    """A name may hold what means something in an address."""
    return f"{_GRANTS}/{quote(grant, safe='')}"
