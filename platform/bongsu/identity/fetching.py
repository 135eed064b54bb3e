"""Asking an identity provider: little, and where its settings say."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from bongsu.identity.exchanging import Exchanges, FetchError
from bongsu.identity.public_keys import Keys, usable_keys
from bongsu.identity.settings import TrustedIssuer, is_safe_url

DISCOVERY = "/.well-known/openid-configuration"


@dataclass(frozen=True)
class KeyFetcher:
    """Called, it gives the provider's keys of now.

    Attributes:
        issuer: whose.
        client: :func:`bongsu.identity.exchanging.provider_client`, of its own.
        monotonic: seconds of a clock that is never set.
    """

    issuer: TrustedIssuer
    client: httpx.Client
    monotonic: Callable[[], float] = time.monotonic
    _exchanges: Exchanges = field(init=False)

    def __post_init__(self) -> None:
        exchanges = Exchanges(self.client, self.issuer.fetch_timeout_s, self.monotonic)
        object.__setattr__(self, "_exchanges", exchanges)

    def __call__(self) -> Keys:
        """Raises FetchError."""
        document = self._json(self.issuer.jwks_uri or self._discovered())
        try:
            return usable_keys(document)
        except ValueError as error:
            raise FetchError(str(error)) from error

    def about(self) -> Mapping[str, Any]:
        """What the provider says of itself. Raises FetchError."""
        document = self._json(self.issuer.issuer.rstrip("/") + DISCOVERY)
        # Discovery 1.0, section 4.3: what speaks for another issuer is not to be used.
        if not isinstance(document, dict) or document.get("issuer") != self.issuer.issuer:
            raise FetchError("the discovery document is that of another issuer")
        return document

    def sent(self, url: str, form: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        """The status and the document that the provider answers a form with. Raises FetchError."""
        try:
            status, body = self._exchanges.ask("POST", url, form)
            document = json.loads(body) if body else {}
        except (ValueError, RecursionError) as error:
            raise FetchError(f"{url}: the answer is no JSON") from error
        if not isinstance(document, dict):
            raise FetchError(f"{url}: the answer is no object")
        return status, document

    def _discovered(self) -> str:
        uri = self.about().get("jwks_uri")
        if not isinstance(uri, str) or not is_safe_url(uri):
            raise FetchError("the discovery document names no safe address of keys")
        return uri

    def _json(self, url: str) -> Any:
        try:
            status, body = self._exchanges.ask("GET", url)
            if status != httpx.codes.OK:
                raise FetchError(f"{url}: status {status}")
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise FetchError(f"{url}: the answer is no JSON") from error
