"""A provider's keys over HTTP: from where they are said to be, and nothing that is too long, too slow or another's."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from identity_provider import AUDIENCE, ISSUER, KEYS, NOW, good

from bongsu.domain.problems import BongsuError
from bongsu.identity.exchanging import FetchError
from bongsu.identity.fetching import KeyFetcher
from bongsu.identity.settings import MAX_FETCH_S, TrustedIssuer
from bongsu.identity.verifier import TokenVerifier, trusting
from bongsu.service.browsers.renewing import RENEWAL_S

SET = {"keys": [key.as_dict(private=False) for key in KEYS.values()]}
CONFIGURATION = f"{ISSUER}/.well-known/openid-configuration"
JWKS = "https://keys.mnd.example/set"


def fetcher(answers: dict[str, httpx.Response], jwks_uri: str | None = None) -> KeyFetcher:
    def answered(request: httpx.Request) -> httpx.Response:
        found = answers.get(str(request.url), httpx.Response(404))
        # As it comes from a connection: nobody has read it yet.
        stream = httpx.ByteStream(found.content) if hasattr(found, "_content") else found.stream
        return httpx.Response(found.status_code, headers=found.headers, stream=stream)

    client = httpx.Client(transport=httpx.MockTransport(answered))
    return KeyFetcher(TrustedIssuer(ISSUER, AUDIENCE, ("mnd",), jwks_uri=jwks_uri), client)


def discovered(**other: object) -> httpx.Response:
    return httpx.Response(200, json={"issuer": ISSUER, "jwks_uri": JWKS} | other)


def test_keys_are_where_the_discovery_document_says() -> None:
    keys = fetcher({CONFIGURATION: discovered(), JWKS: httpx.Response(200, json=SET)})()
    assert {key_id for key_id, _ in keys} == {"ec", "rsa", "okp"}


def test_keys_are_where_the_settings_say() -> None:
    assert fetcher({JWKS: httpx.Response(200, json=SET)}, JWKS)()


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {CONFIGURATION: discovered(issuer="https://evil.example")},
        {CONFIGURATION: discovered(jwks_uri="http://keys.mnd.example/set")},
        {CONFIGURATION: discovered(jwks_uri=None)},
        {CONFIGURATION: httpx.Response(200, content=b"<html>")},
        {CONFIGURATION: httpx.Response(200, json=[1])},
        {CONFIGURATION: discovered(), JWKS: httpx.Response(500)},
        {CONFIGURATION: discovered(), JWKS: httpx.Response(302, headers={"Location": "https://evil.example"})},
        {CONFIGURATION: discovered(), JWKS: httpx.Response(200, content=b"[" * 100_000)},
        {CONFIGURATION: discovered(), JWKS: httpx.Response(200, json={"keys": {}})},
        {CONFIGURATION: discovered(), JWKS: httpx.Response(200, json={"keys": [{}] * 101})},
    ],
)
def test_what_cannot_be_used_is_said_to_be_so(answers: dict[str, httpx.Response]) -> None:
    with pytest.raises(FetchError):
        fetcher(answers)()


class Endless(httpx.SyncByteStream):
    def __init__(self, most: int) -> None:
        self.given = 0
        self._most = most

    def __iter__(self) -> Iterator[bytes]:
        while self.given < self._most:
            self.given += 1
            yield b" " * 1024


def test_an_answer_without_end_is_left() -> None:
    stream = Endless(10_000)
    with pytest.raises(FetchError, match="too long"):
        fetcher({JWKS: httpx.Response(200, stream=stream)}, JWKS)()
    assert stream.given < 300


def test_an_answer_byte_by_byte_is_left() -> None:
    stream = Endless(10_000)
    slow = fetcher({JWKS: httpx.Response(200, stream=stream)}, JWKS)
    seconds = iter(range(10_000))
    with pytest.raises(FetchError, match="too slow"):
        KeyFetcher(slow.issuer, slow.client, lambda: float(next(seconds)))()
    assert stream.given <= 10


def test_headers_byte_by_byte_are_left() -> None:
    """Each byte comes in time, and all of them never do."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            taken, _ = listening.accept()
            with taken, contextlib.suppress(OSError):
                taken.sendall(b"HTTP/1.1 200 OK\r\nx: ")
                while not ended.wait(0.05):
                    taken.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        trusted = TrustedIssuer(url, AUDIENCE, ("mnd",), fetch_timeout_s=0.5)
        began = time.monotonic()
        with httpx.Client(trust_env=False) as client:
            with pytest.raises(FetchError, match="too slow"):
                KeyFetcher(trusted, client).about()
            took = time.monotonic() - began
            ended.set()
            thread.join(10)
    assert took < 5


def test_no_provider_has_longer_than_a_turn_to_renew_a_session() -> None:
    for limit in (MAX_FETCH_S + 0.1, float("inf"), float("nan"), 0.0):
        with pytest.raises(BongsuError) as raised:
            TrustedIssuer(ISSUER, AUDIENCE, ("mnd",), fetch_timeout_s=limit)
        assert raised.value.problems[0].args["name"] == "fetch_timeout_s"
    assert 2 * MAX_FETCH_S < RENEWAL_S


def test_a_provider_is_trusted_by_its_settings() -> None:
    keys = fetcher({CONFIGURATION: discovered(), JWKS: httpx.Response(200, json=SET)})
    checking = TokenVerifier(trusting([keys]))
    assert checking.verify(good(), NOW).subject == "kim"
