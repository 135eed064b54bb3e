"""This server as a program of an identity provider, at which browsers sign in (OpenID Connect Core, section 3.1)."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bongsu.identity.exchanging import FetchError
from bongsu.identity.fetching import KeyFetcher
from bongsu.identity.settings import is_safe_url

_LOG = logging.getLogger("bongsu.identity")
_KEEP_S = 3600.0
_SILENT_S = 10.0
_WORD = re.compile(r"[a-z_]{1,40}")
UNNAMED = "unnamed"


class GrantRefusedError(Exception):
    """The provider gives no tokens for that.

    Args:
        fault: ``error`` of its answer, if it is a word.
    """

    def __init__(self, fault: object) -> None:
        self.fault = fault_word(fault)
        super().__init__(self.fault)


class ProviderSilentError(Exception):
    """It does not answer, or says nothing that can be used; the log has more."""


@dataclass(frozen=True)
class Endpoints:
    """Attributes:
    authorize, token: URLs.
    revoke: URL at which refresh tokens are ended; empty if there is none.
    names_itself: whether it says in each answer who sends the browser back (RFC 9207).
    """

    authorize: str
    token: str
    revoke: str = ""
    names_itself: bool = False


@dataclass(frozen=True)
class IssuedTokens:
    """What a provider gave. ``refresh`` and ``identity`` are empty if it gave none."""

    access: str
    refresh: str = ""
    identity: str = ""


class Provider(Protocol):
    """An identity provider, as this server asks it for tokens."""

    def endpoints(self) -> Endpoints:
        """Raises ProviderSilentError."""

    def tokens(self, form: Mapping[str, str]) -> IssuedTokens:
        """For a code, or for a refresh token. Raises GrantRefusedError, ProviderSilentError."""

    def revoke(self, form: Mapping[str, str]) -> None:
        """End what came of a sign-in, if the provider offers that. Raises as :meth:`tokens`."""


@dataclass
class RemoteProvider:
    """One that is asked over HTTP.

    Attributes:
        fetcher: asks it.
        clock: seconds since the epoch.
    """

    fetcher: KeyFetcher
    clock: Callable[[], float]
    _known: tuple[float, Endpoints] | None = None
    _silent_at: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def endpoints(self) -> Endpoints:
        """As its discovery document has them, which is kept for an hour; that there was none, for ten seconds. One
        thread asks for it, and others wait for what comes of that."""
        if (found := self._kept()) is not None:
            return found
        with self._lock:
            if (found := self._kept()) is not None:
                return found
            try:
                found = _endpoints(self.fetcher.about())
            except FetchError as error:
                self._silent_at = self.clock()
                _LOG.warning("%s cannot be asked how browsers sign in: %s", self.fetcher.issuer.issuer, error)
                raise ProviderSilentError from error
            self._known, self._silent_at = (self.clock(), found), None
            return found

    def _kept(self) -> Endpoints | None:
        """None if it is to be asked. Raises ProviderSilentError if it was, a moment ago, and did not say."""
        now, known, silent_at = self.clock(), self._known, self._silent_at
        # Distances, in either direction: the clock may be set back.
        if known is not None and abs(now - known[0]) <= _KEEP_S:
            return known[1]
        if silent_at is not None and abs(now - silent_at) < _SILENT_S:
            raise ProviderSilentError
        return None

    def tokens(self, form: Mapping[str, str]) -> IssuedTokens:
        document = self._sent(self.endpoints().token, form)
        try:
            return read_tokens(document)
        except ProviderSilentError:
            _LOG.warning("%s gives no tokens: its answer has none that can be used", self.fetcher.issuer.issuer)
            raise

    def revoke(self, form: Mapping[str, str]) -> None:
        place = self.endpoints().revoke
        if place:
            self._sent(place, form)

    def _sent(self, url: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        try:
            status, document = self.fetcher.sent(url, form)
        except FetchError as error:
            _LOG.warning("%s gives no tokens: %s", self.fetcher.issuer.issuer, error)
            raise ProviderSilentError from error
        if status >= 500:
            _LOG.warning("%s gives no tokens: status %s", self.fetcher.issuer.issuer, status)
            raise ProviderSilentError
        if status != 200:
            refused = GrantRefusedError(document.get("error"))
            _LOG.warning("%s gives no tokens: status %s, %s", self.fetcher.issuer.issuer, status, refused.fault)
            raise refused
        return document


def read_tokens(document: Mapping[str, Any]) -> IssuedTokens:
    """Of an answer that has them. Raises ProviderSilentError if it has none that can be used."""
    found = [document.get(name) or "" for name in ("access_token", "refresh_token", "id_token")]
    kind = document.get("token_type")
    if not all(isinstance(one, str) for one in found) or not found[0]:
        raise ProviderSilentError
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise ProviderSilentError
    return IssuedTokens(*found)


def fault_word(said: object) -> str:
    """``error`` as a provider, or whoever pretends to be one, says it: a word, and nothing that is shown otherwise."""
    return said if isinstance(said, str) and _WORD.fullmatch(said) else UNNAMED


def _endpoints(about: Mapping[str, Any]) -> Endpoints:
    """Raises FetchError."""
    names = ("authorization_endpoint", "token_endpoint", "revocation_endpoint")
    authorize, token, revoke = (_safe(about.get(name)) for name in names)
    if not authorize or not token:
        raise FetchError("the discovery document names no safe address at which browsers sign in")
    return Endpoints(
        authorize,
        token,
        revoke,
        names_itself=about.get("authorization_response_iss_parameter_supported") is True,
    )


def _safe(url: object) -> str:
    return url if isinstance(url, str) and is_safe_url(url) else ""
