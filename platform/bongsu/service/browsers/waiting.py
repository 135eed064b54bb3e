"""Who asks with a browser, waited for without holding up others: many requests of a page come at once, each may find
that its session needs another access token, and strangers begin as many sign-ins as they like.

What may ask a provider runs in threads of its own, few for each provider: those of the server answer everybody, and a
provider that is silent keeps only those waiting who come from it. They wait on the event loop.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import anyio
from anyio.lowlevel import RunVar
from anyio.to_thread import run_sync

from bongsu.domain.codes import identity as codes
from bongsu.domain.people import Actor
from bongsu.identity.exchanging import MOST_AT_ONCE
from bongsu.service.browsers.renewing import RenewalDueError, RenewalUnderWayError
from bongsu.service.browsers.sessions import actor_of, end_session, tell_provider
from bongsu.service.browsers.settings import Browsers
from bongsu.service.browsers.signing_in import (
    Arrival,
    Departure,
    arrive,
    begun_sign_in,
    chosen_provider,
    depart,
)

T = TypeVar("T")
_WAIT_S, _PAUSE_S = 10.0, 0.25
# Nobody leaves in the threads of those who ask for tokens: strangers leave, and most of them without asking anybody.
_MOST_LEAVING = 2
_MOST_ASKING = MOST_AT_ONCE - _MOST_LEAVING
_MOST_WAITING = 100
_Limiters = dict[tuple[str, int], anyio.CapacityLimiter]
_limiters: RunVar[_Limiters] = RunVar("bongsu-providers")
_log = logging.getLogger("bongsu.identity")


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
                    return await run_sync(actor_of, browsers, secret, limiter=_threads(issuer, _MOST_ASKING))
                except RenewalUnderWayError:
                    pass  # somebody was quicker
            await anyio.sleep(_PAUSE_S)
    raise codes.PROVIDER_SILENT.error(issuer=issuer)


async def depart_in_time(browsers: Browsers, to: str, issuer: str = "") -> Departure:
    """:func:`bongsu.service.browsers.signing_in.depart`, for which it waits as long.

    Raises:
        BongsuError: as there.
    """
    issuer = chosen_provider(browsers, issuer)
    return await _in_time(issuer, _MOST_LEAVING, lambda: depart(browsers, to, issuer))


async def arrive_in_time(browsers: Browsers, query: Mapping[str, str], cookies: Mapping[str, str]) -> Arrival:
    """:func:`bongsu.service.browsers.signing_in.arrive`, for which it waits as long; no code is spent before its turn.

    Raises:
        BongsuError: as there.
    """
    issuer = begun_sign_in(browsers, query, cookies).issuer
    return await _in_time(issuer, _MOST_ASKING, lambda: arrive(browsers, query, cookies))


async def end_in_time(browsers: Browsers, secrets: Iterable[str]) -> None:
    """:func:`bongsu.service.browsers.sessions.end_session` of each. Their providers are told as far as there is time:
    here the sessions are over."""
    ended = [one for secret in secrets if (one := await run_sync(end_session, browsers, secret)) is not None]
    for one in ended:
        with anyio.move_on_after(_WAIT_S) as waiting:
            await run_sync(tell_provider, browsers, one, limiter=_threads(one.issuer, _MOST_ASKING))
        if waiting.cancelled_caught:
            _log.info("%s was not told of a sign-out: many ask it", one.issuer)


async def _in_time(issuer: str, most: int, ask: Callable[[], T]) -> T:
    """Raises ``identity.provider-silent`` if there was no turn, besides what ``ask`` raises."""
    limiter = _threads(issuer, most)
    if limiter.statistics().tasks_waiting < _MOST_WAITING:
        with anyio.move_on_after(_WAIT_S):
            return await run_sync(ask, limiter=limiter)
    raise codes.PROVIDER_SILENT.error(issuer=issuer)


def _threads(issuer: str, most: int) -> anyio.CapacityLimiter:
    """Of a provider of this server: others would fill the memory."""
    try:
        found = _limiters.get()
    except LookupError:
        _limiters.set(found := {})
    return found.setdefault((issuer, most), anyio.CapacityLimiter(most))
