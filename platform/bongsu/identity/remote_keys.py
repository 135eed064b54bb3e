"""Keys of an identity provider, kept for a while: fetched when they are old, and when a key comes that is not known.

Safe for threads. Whoever has a known key never waits for the provider as long as another thread is asking it; whoever
has an unknown key waits, and only a few may: strangers can invent as many key ids as they like.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from joserfc.jwk import Key

from bongsu.identity.exchanging import FetchError
from bongsu.identity.public_keys import Keys, find_key
from bongsu.identity.refusals import Cause, TokenRefusedError
from bongsu.identity.settings import TrustedIssuer

_LOG = logging.getLogger("bongsu.identity")
# Threads for one provider; and for all of them together, of the forty that a server answers with.
MAX_WAITING = 8
MAX_WAITING_FOR_ALL = 24


@dataclass(frozen=True)
class _Held:
    keys: Keys
    fetched_at: float


class RemoteKeys:
    """Args:
    issuer: with the times that hold for its keys.
    fetch: gives its keys of now, or raises FetchError.
    most_waiting: threads that wait for the provider at once; whoever comes beyond them is told what is known.
    """

    def __init__(self, issuer: TrustedIssuer, fetch: Callable[[], Keys], most_waiting: int = MAX_WAITING) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(most_waiting)
        self._held: _Held | None = None
        self._tried_at: float | None = None
        self._is_failing = False

    @property
    def is_failing(self) -> bool:
        """Whether there were none to be had at the last attempt, so that those that are known serve on."""
        return self._is_failing

    def find(self, key_id: str, algorithm: str, now: float) -> Key | None:
        """The key, None if the provider has none such.

        Raises:
            TokenRefusedError: no keys are there, and none can be fetched.
        """
        held = self._held
        if held is None or abs(now - held.fetched_at) > self._issuer.max_age_s:
            held = self._refreshed(held, now, may_wait=held is None)
        if held is None or abs(now - held.fetched_at) > self._issuer.keep_s:
            raise TokenRefusedError(Cause.KEYS_UNAVAILABLE)
        key = find_key(held.keys, key_id, algorithm)
        if key is None:
            renewed = self._refreshed(held, now, may_wait=True)
            key = find_key(renewed.keys, key_id, algorithm) if renewed else None
        return key

    def _refreshed(self, seen: _Held | None, now: float, may_wait: bool) -> _Held | None:
        """What is held after an attempt to fetch, which is left out if there was one a moment ago."""
        if not self._places.acquire(blocking=False):
            return self._held
        try:
            if not self._lock.acquire(blocking=may_wait):
                return self._held
            try:
                if self._held is seen and self._may_try(now):
                    self._try(now)
                return self._held
            finally:
                self._lock.release()
        finally:
            self._places.release()

    def _may_try(self, now: float) -> bool:
        # The distance, in either direction: a clock that was set back must not keep keys from being fetched.
        return self._tried_at is None or abs(now - self._tried_at) >= self._issuer.refresh_after_s

    def _try(self, now: float) -> None:
        self._tried_at = now
        try:
            self._held = _Held(self._fetch(), now)
            self._is_failing = False
        except FetchError as error:
            self._is_failing = True
            _LOG.warning("The keys of %s cannot be fetched: %s", self._issuer.issuer, error)
