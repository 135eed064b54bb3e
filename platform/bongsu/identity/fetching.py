"""Asking an identity provider: little, quickly, and where its settings say."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import httpx

from bongsu.identity.public_keys import Keys, usable_keys
from bongsu.identity.settings import TrustedIssuer, is_safe_url

MAX_ANSWER_BYTES = 256 * 1024
DISCOVERY = "/.well-known/openid-configuration"


class FetchError(Exception):
    """What was in the way; for the log."""


@dataclass(frozen=True)
class KeyFetcher:
    """Called, it gives the provider's keys of now.

    Attributes:
        issuer: whose.
        client: which follows no redirects; it may be shared by threads.
        monotonic: seconds of a clock that is never set.
    """

    issuer: TrustedIssuer
    client: httpx.Client
    monotonic: Callable[[], float] = time.monotonic

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
            status, body = self._asked("POST", url, form)
            document = json.loads(body) if body else {}
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FetchError(f"{url}: {type(error).__name__}") from error
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
            status, body = self._asked("GET", url)
            if status != httpx.codes.OK:
                raise FetchError(f"{url}: status {status}")
            return json.loads(body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FetchError(f"{url}: {type(error).__name__}") from error
        except (ValueError, RecursionError) as error:
            raise FetchError(f"{url}: the answer is no JSON") from error

    def _asked(self, method: str, url: str, form: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """The answer, unless it is too long or takes too long in all: limits of a connection are for one step each, and
        a server may send a byte of its headers each second."""
        answers: SimpleQueue[tuple[int, bytes] | Exception] = SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._read(method, url, form))
            except Exception as error:  # raised where the answer is waited for
                answers.put(error)

        # As a daemon: the end of a process waits for no provider.
        threading.Thread(target=copy_context().run, args=(ask,), name="identity-provider", daemon=True).start()
        try:
            found = answers.get(timeout=self.issuer.fetch_timeout_s)
        except Empty:
            raise FetchError(f"{url}: the answer is too slow") from None
        if isinstance(found, Exception):
            raise found
        return found

    def _read(self, method: str, url: str, form: Mapping[str, str] | None) -> tuple[int, bytes]:
        limit_s = self.issuer.fetch_timeout_s
        deadline = self.monotonic() + limit_s
        found = bytearray()
        with self.client.stream(method, url, data=form, timeout=limit_s, follow_redirects=False) as answer:
            for piece in answer.iter_bytes():
                found += piece
                if len(found) > MAX_ANSWER_BYTES or self.monotonic() > deadline:
                    raise FetchError(f"{url}: the answer is too long or too slow")
        return answer.status_code, bytes(found)
