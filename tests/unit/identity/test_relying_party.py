"""This server as a program of an identity provider that is asked over HTTP: what it takes, and what it does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from issuer_server import QUICK, IssuerServer, hidden, returned
from store_places import store_at

from bongsu.domain.people import Actor
from bongsu.domain.problems import BongsuError
from bongsu.identity.exchanging import FetchError
from bongsu.identity.fetching import KeyFetcher
from bongsu.identity.oauth import CLI, browser_client
from bongsu.identity.relying_party import (
    UNNAMED,
    IssuedTokens,
    ProviderSilentError,
    RemoteProvider,
    fault_word,
    read_tokens,
)
from bongsu.identity.sealing import derived, sealed, unsealed
from bongsu.identity.settings import TrustedIssuer
from bongsu.identity.verifier import TokenVerifier, trusting
from bongsu.service.browsers.sessions import actor_of, end_session, tell_provider
from bongsu.service.browsers.settings import Browsers, BrowserSettings
from bongsu.service.browsers.signing_in import arrive, depart

URL = "https://bongsu.example"
SECRET = "the-servers-secret"


class Site:
    """A server that trusts an issuer elsewhere, and is a client with a secret there."""

    def __init__(self, folder: Path) -> None:
        settings = BrowserSettings(URL, client_secret=SECRET)
        client = replace(browser_client(settings.redirect_uri), secret=QUICK.hashed(SECRET))
        self.issuer = IssuerServer(store_at(folder), folder, clients=(CLI, client))
        self.http = httpx.Client(trust_env=False)
        trusted = TrustedIssuer(self.issuer.url, "bongsu", ministry_claim="ministry")
        verifier = TokenVerifier(trusting([KeyFetcher(trusted, self.http)]))
        self.fetcher = KeyFetcher(trusted, self.http)
        provider = RemoteProvider(self.fetcher, lambda: self.issuer.people.now)
        self.browsers = Browsers(
            settings,
            {self.issuer.url: provider},
            self.issuer.people.platform.database,
            verifier,
            self._identify,
            lambda: self.issuer.people.now,
        )

    def _identify(self, token: str) -> Actor:
        self.browsers.verifier.verify(token, self.issuer.people.now)
        return self.issuer.door.actor(token, self.issuer.people.now)

    def close(self) -> None:
        self.http.close()
        self.issuer.close()

    def sign_in(self, settings: BrowserSettings | None = None) -> str:
        """The secret of the session that comes of it."""
        browsers = self.browsers if settings is None else replace(self.browsers, settings=settings)
        leaving = depart(browsers, "/mlflow/x")
        page = self.issuer.http.get(leaving.address)
        form = hidden(page.text) | {"login": "kim", "password": self.issuer.passwords["kim"]}
        back = returned(self.issuer.http.post("/authorize", data=form))
        arrived = arrive(browsers, back, {leaving.cookie: leaving.value})
        assert arrived.to == "/mlflow/x"
        return arrived.secret


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def code_of(error: BongsuError) -> str:
    return error.problems[0].code.name


def test_a_code_becomes_a_session_that_is_renewed_and_ended_at_the_provider(site: Site) -> None:
    secret = site.sign_in()
    assert actor_of(site.browsers, secret).id == "mnd/kim"
    site.issuer.people.now += 650
    assert actor_of(site.browsers, secret).id == "mnd/kim"
    ended = end_session(site.browsers, secret)
    assert ended is not None
    tell_provider(site.browsers, ended)
    assert site.issuer.people.log("mnd")[-1]["action"] == "session.end"
    with pytest.raises(BongsuError):
        actor_of(site.browsers, secret)


def test_a_server_that_says_another_secret_gets_nothing_and_its_log_says_why(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(BongsuError) as raised:
        site.sign_in(replace(site.browsers.settings, client_secret="another"))
    assert code_of(raised.value) == "identity.sign-in-failed"
    assert "another" not in str(raised.value.problems[0].what())
    assert f"{site.issuer.url} gives no tokens: status 401, invalid_client" in caplog.messages
    assert SECRET not in caplog.text


def test_a_provider_that_does_not_answer_is_named_and_keeps_nobody_waiting(site: Site) -> None:
    secret = site.sign_in()
    site.issuer.close()
    silent = RemoteProvider(site.fetcher, lambda: site.issuer.people.now)
    with pytest.raises(BongsuError) as raised:
        depart(replace(site.browsers, providers={site.issuer.url: silent}), "/mlflow/")
    assert code_of(raised.value) == "identity.provider-silent"
    # What holds yet, holds.
    assert actor_of(site.browsers, secret).id == "mnd/kim"
    ended = end_session(site.browsers, secret)
    assert ended is not None
    tell_provider(site.browsers, ended)


class Asked(KeyFetcher):
    """Says of itself what it is told to, when it is let, and counts how often it was asked."""

    def say(self, answer: Mapping[str, Any] | None) -> None:
        vars(self).update(said=answer, asked=0, go_on=threading.Event())

    def about(self) -> Mapping[str, Any]:
        vars(self)["asked"] += 1
        assert vars(self)["go_on"].wait(30)
        said: Mapping[str, Any] | None = vars(self)["said"]
        if said is None:
            raise FetchError("it is down")
        return said


@pytest.fixture
def asked() -> Iterator[Asked]:
    with httpx.Client(trust_env=False) as http:
        yield Asked(TrustedIssuer("https://login.example", "bongsu", ("mnd",)), http)


ABOUT = {name: f"https://login.example/{name}" for name in ("authorization_endpoint", "token_endpoint")}


@pytest.mark.parametrize("said", [ABOUT, None])
def test_one_asks_a_provider_about_itself_and_the_others_wait_for_that(
    asked: Asked, said: Mapping[str, Any] | None
) -> None:
    asked.say(said)
    provider = RemoteProvider(asked, lambda: 1000.0)
    with ThreadPoolExecutor(6) as threads:
        waiting = [threads.submit(provider.endpoints) for _ in range(6)]
        deadline = time.monotonic() + 0.3
        while time.monotonic() < deadline:
            assert vars(asked)["asked"] <= 1
            time.sleep(0.02)
        vars(asked)["go_on"].set()
        assert [isinstance(one.exception(10), ProviderSilentError) for one in waiting] == [said is None] * 6
    assert vars(asked)["asked"] == 1


def test_a_provider_that_was_silent_is_asked_again_after_a_while(asked: Asked) -> None:
    clock = [1000.0]
    asked.say(None)
    vars(asked)["go_on"].set()
    provider = RemoteProvider(asked, lambda: clock[0])
    # The clock may be set back.
    for now, times in ((1000.0, 1), (1009.0, 1), (1010.0, 2), (999.0, 3)):
        clock[0] = now
        with pytest.raises(ProviderSilentError):
            provider.endpoints()
        assert vars(asked)["asked"] == times
    vars(asked)["said"] = ABOUT
    clock[0] = 1100.0
    assert provider.endpoints().token == ABOUT["token_endpoint"]


def test_a_provider_that_names_no_place_for_browsers_is_silent(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    about = dict(site.fetcher.about())
    for changed in ({"authorization_endpoint": None}, {"token_endpoint": "http://elsewhere.example/token"}):
        monkeypatch.setattr(KeyFetcher, "about", lambda _self, c=changed: about | c)
        with pytest.raises(ProviderSilentError):
            RemoteProvider(site.fetcher, lambda: 0.0).endpoints()


@pytest.mark.parametrize("answer", [b"[]", b"{", b"x" * 300_000])
def test_an_answer_that_is_no_object_or_too_long_is_none(answer: bytes) -> None:
    trusted = TrustedIssuer("https://login.example", "bongsu", ("mnd",))
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, stream=httpx.ByteStream(answer)))
    with httpx.Client(transport=transport) as http, pytest.raises(FetchError):
        KeyFetcher(trusted, http).sent("https://login.example/token", {})


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"access_token": "a"},
        {"access_token": "", "token_type": "Bearer"},
        {"access_token": ["a"], "token_type": "Bearer"},
        {"access_token": "a", "token_type": "DPoP"},
        {"access_token": "a", "token_type": "Bearer", "id_token": 1},
    ],
)
def test_tokens_of_another_form_are_none(document: dict[str, Any]) -> None:
    with pytest.raises(ProviderSilentError):
        read_tokens(document)


def test_a_fault_is_a_word_or_unnamed() -> None:
    assert fault_word("access_denied") == "access_denied"
    for other in (None, 1, "", "A B", "<b>", "a" * 41):
        assert fault_word(other) == UNNAMED


def test_what_was_sealed_opens_with_its_secret_alone() -> None:
    tokens = IssuedTokens("a" * 8192, "r" * 8192)
    text = sealed("s" * 43, tokens)
    assert unsealed("s" * 43, text) == tokens
    assert sealed("s" * 43, tokens) != text
    for other in ("t" * 43, "", "s" * 42):
        assert unsealed(other, text) is None
    for place in range(0, len(text), 997):
        assert unsealed("s" * 43, text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]) is None
    assert unsealed("s" * 43, "") is None
    assert len({derived("s", "state", "x"), derived("s", "nonce", "x"), derived("t", "state", "x")}) == 3
