"""Who asks with a browser, waited for without holding up others: many requests of a page come at once, and each may
find that its session needs another access token."""

from __future__ import annotations

import anyio
from anyio.lowlevel import RunVar
from anyio.to_thread import run_sync

from bongsu.domain.codes import identity as codes
from bongsu.domain.people import Actor
from bongsu.service.browsers.renewing import RenewalDueError, RenewalUnderWayError
from bongsu.service.browsers.sessions import actor_of
from bongsu.service.browsers.settings import Browsers

_WAIT_S, _PAUSE_S = 10.0, 0.25
_MOST_ASKING = 8
# Providers are waited for in threads of their own: those of the server answer everybody.
_threads: RunVar[anyio.CapacityLimiter] = RunVar("bongsu-renewals")


async def actor_in_time(browsers: Browsers, secret: str) -> Actor:
    """:func:`bongsu.service.browsers.sessions.actor_of`. While another request asks the provider of the session, or
    many ask theirs, it waits for ten seconds on the event loop.

    Raises:
        BongsuError: as there.
    """
    issuer = ""
    with anyio.move_on_after(_WAIT_S):
        while True:
            try:
                return await run_sync(actor_of, browsers, secret, False)
            except RenewalUnderWayError as error:
                issuer = error.issuer
            except RenewalDueError as due:
                issuer = due.issuer
                try:
                    return await run_sync(actor_of, browsers, secret, limiter=_asking())
                except RenewalUnderWayError:
                    pass  # somebody was quicker
            await anyio.sleep(_PAUSE_S)
    raise codes.PROVIDER_SILENT.error(issuer=issuer)


def _asking() -> anyio.CapacityLimiter:
    found = _threads.get(None)
    if found is None:
        _threads.set(found := anyio.CapacityLimiter(_MOST_ASKING))
    return found
