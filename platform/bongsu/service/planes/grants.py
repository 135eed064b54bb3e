"""What the command line asks of GPU grants, be it those of this home or a server's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn, Protocol

from bongsu.domain.grants import Dimension, Grant
from bongsu.service.governance import declaring
from bongsu.service.grants import giving, looking, reclaiming
from bongsu.service.grants.giving import Order
from bongsu.service.grants.looking import GrantDetails, GrantSummary, LedgerEntry, Notice, Recounted
from bongsu.service.grants.periods import this_month
from bongsu.service.grants.showback import Showback, showback
from bongsu.service.platform import Platform


class GrantsPlane(Protocol):
    """Every method raises BongsuError with what is wrong. Amounts that go in are GPU-hours."""

    def grants(self) -> list[GrantSummary]:
        """By name."""
        ...

    def grant(self, grant: str, newest: int | None = None) -> GrantDetails:
        """One, with so many of its newest entries; as many as there can be if it is not said."""
        ...

    def recount(self, grant: str) -> Recounted:
        """Its use counted again from the logs of runs."""
        ...

    def refuse_class(self, giver: str, name: str) -> NoReturn:
        """Of a use class that is outside of every class."""
        ...

    def give(self, order: Order) -> Grant: ...

    def adjust(self, grant: str, gpu_hours: float, reason: str, key: str = "") -> LedgerEntry:
        """``key``: a request that is sent again under it books nothing."""
        ...

    def close(self, grant: str, reason: str) -> Grant: ...

    def announce_reclaim(self, grant: str, gpu_hours: float, reason: str, notice_days: float | None) -> Notice: ...

    def carry_out_reclaim(self, grant: str) -> LedgerEntry: ...

    def withdraw_reclaim(self, grant: str) -> Notice: ...

    def showback(self, begins: float | None, ends: float | None, by: Sequence[Dimension]) -> Showback:
        """What was used in a period (seconds since the epoch); from the first of this month, and until now, where no
        bound is given."""
        ...


class GrantsHere:
    """See :class:`GrantsPlane`; the grants of a home, of which its owner is everything.

    Args:
        platform: of the home.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._actor = platform.actor

    def grants(self) -> list[GrantSummary]:
        return looking.list_grants(self._platform, self._actor)

    def grant(self, grant: str, newest: int | None = None) -> GrantDetails:
        most = looking.NEWEST if newest is None else newest
        return looking.show_grant(self._platform, self._actor, grant, most)

    def recount(self, grant: str) -> Recounted:
        return looking.recount_grant(self._platform, self._actor, grant)

    def refuse_class(self, giver: str, name: str) -> NoReturn:
        declaring.refuse_class(self._platform, name, "grant.give")

    def give(self, order: Order) -> Grant:
        return giving.give(self._platform, self._actor, order)

    def adjust(self, grant: str, gpu_hours: float, reason: str, key: str = "") -> LedgerEntry:
        return giving.adjust(self._platform, self._actor, grant, gpu_hours, reason, key)

    def close(self, grant: str, reason: str) -> Grant:
        return giving.close(self._platform, self._actor, grant, reason)

    def announce_reclaim(self, grant: str, gpu_hours: float, reason: str, notice_days: float | None) -> Notice:
        return reclaiming.announce_reclaim(self._platform, self._actor, grant, gpu_hours, reason, notice_days)

    def carry_out_reclaim(self, grant: str) -> LedgerEntry:
        return reclaiming.carry_out_reclaim(self._platform, self._actor, grant)

    def withdraw_reclaim(self, grant: str) -> Notice:
        return reclaiming.withdraw_reclaim(self._platform, self._actor, grant)

    def showback(self, begins: float | None, ends: float | None, by: Sequence[Dimension]) -> Showback:
        first, last = this_month(self._platform.clock())
        period = (first if begins is None else begins, last if ends is None else ends)
        return showback(self._platform, self._actor, *period, by)
