"""Other access tokens for sessions of browsers, on both databases: who asks for them, and what nobody loses."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import anyio
import anyio.to_thread
import pytest
from browser_places import Browser, BrowserPlace

from bongsu.domain.people import Actor
from bongsu.domain.problems import BongsuError
from bongsu.identity.relying_party import GrantRefusedError, IssuedTokens
from bongsu.service.browsers.renewing import RENEWAL_S
from bongsu.service.browsers.sessions import actor_of, end_session
from bongsu.service.browsers.settings import Browsers
from bongsu.store.browser_sessions import take_renewal
from bongsu.store.database import Database

Give = Callable[[Mapping[str, str]], IssuedTokens]


class Process:
    """One of several over a store, with a provider that does what it is told."""

    def __init__(self, place: BrowserPlace, give: Give) -> None:
        found = place.replica().browsers
        assert found is not None
        self.endpoints = place.provider.endpoints
        self.revoke = place.provider.revoke
        self.tokens = give
        issuer = next(iter(found.providers))
        self.browsers: Browsers = replace(found, providers={issuer: self})

    def actor(self, secret: str) -> Actor:
        return actor_of(self.browsers, secret)


def used_up(_form: object) -> IssuedTokens:
    raise GrantRefusedError("invalid_grant")


def ends(place: BrowserPlace) -> int:
    return [one["action"] for one in place.people.log("mnd")].count("browser.end")


def signed_in(browser: Browser) -> str:
    browser.sign_in()
    browser.place.people.now += 650  # the access token is over
    return browser.session_cookie()


def test_a_process_that_comes_back_after_its_turn_keeps_the_session(browser: Browser, place: BrowserPlace) -> None:
    secret = signed_in(browser)
    seen: list[str] = []

    def slow(form: Mapping[str, str]) -> IssuedTokens:
        tokens = place.provider.tokens(form)
        # Meanwhile its turn is over, and another process finds that the refresh token is used up.
        place.people.now += RENEWAL_S + 1
        with pytest.raises(BongsuError) as raised:
            Process(place, used_up).actor(secret)
        seen.append(raised.value.problems[0].code.name)
        return tokens

    assert Process(place, slow).actor(secret).id == "mnd/kim"
    assert seen == ["identity.not-signed-in"]
    (row,) = place.sessions()
    assert row.renewed_until == 0
    assert browser.who().status_code == 200
    assert ends(place) == 0


def test_who_is_refused_uses_what_somebody_else_got(browser: Browser, place: BrowserPlace) -> None:
    secret = signed_in(browser)

    def late(_form: object) -> IssuedTokens:
        place.people.now += RENEWAL_S + 1
        assert browser.who().status_code == 200, "the next one has asked, and got tokens"
        raise GrantRefusedError("invalid_grant")

    assert Process(place, late).actor(secret).id == "mnd/kim"
    assert browser.who().status_code == 200


def test_who_is_refused_after_their_turn_ends_nothing(browser: Browser, place: BrowserPlace) -> None:
    secret = signed_in(browser)
    (row,) = place.sessions()

    def refused_late(_form: object) -> IssuedTokens:
        now = place.people.now = place.people.now + RENEWAL_S + 1
        with place.people.platform.database.write() as connection:
            assert take_renewal(connection, row.id, now, now + RENEWAL_S), "another process has the turn"
        raise GrantRefusedError("invalid_grant")

    with pytest.raises(BongsuError):
        Process(place, refused_late).actor(secret)
    assert [one.renewed_until for one in place.sessions()] == [place.people.now + RENEWAL_S]


def test_a_session_that_gets_no_other_token_ends_once_and_is_written_down(
    browser: Browser, place: BrowserPlace
) -> None:
    secret = signed_in(browser)
    for _ in range(2):
        with pytest.raises(BongsuError):
            Process(place, used_up).actor(secret)
    assert place.sessions() == []
    assert ends(place) == 1


def test_two_sign_outs_at_once_are_one(browser: Browser, place: BrowserPlace) -> None:
    browser.sign_in()
    secret = browser.session_cookie()
    both = threading.Barrier(2)

    def leave() -> None:
        process = Process(place, used_up)
        write = process.browsers.database.write

        def together() -> Any:
            both.wait(10)
            return write()

        process.browsers = replace(process.browsers, database=_Waiting(process.browsers.database, together))
        end_session(process.browsers, secret)

    threads = [threading.Thread(target=leave) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert place.sessions() == []
    assert ends(place) == 1


class _Waiting(Database):
    def __init__(self, database: Database, write: Callable[[], Any]) -> None:
        self.__dict__.update(vars(database))
        self.write = write  # type: ignore[method-assign]


def test_tokens_whose_keys_cannot_be_had_yet_are_kept(
    browser: Browser, place: BrowserPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = signed_in(browser)
    process = Process(place, place.provider.tokens)
    with monkeypatch.context() as patch:
        patch.setattr(process.browsers.verifier, "_trusts", {})
        with pytest.raises(BongsuError):
            process.actor(secret)
    assert process.actor(secret).id == "mnd/kim"
    assert [one["grant_type"] for one in place.provider.forms].count("refresh_token") == 1


def test_requests_that_wait_for_a_provider_hold_nobody_up(
    browser: Browser, place: BrowserPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in(browser)
    given, asked, go_on = place.provider.tokens, threading.Event(), threading.Event()

    def slow(form: Mapping[str, str]) -> IssuedTokens:
        asked.set()
        assert go_on.wait(30)
        return given(form)

    waiting: set[int] = set()

    async def noted(*args: Any, **options: Any) -> Any:
        waiting.add(anyio.get_current_task().id)
        return await anyio.to_thread.run_sync(*args, **options)

    monkeypatch.setattr(place.provider, "tokens", slow)
    monkeypatch.setattr("bongsu.service.browsers.waiting.run_sync", noted)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(browser.who().status_code)) for _ in range(45)]
    for one in threads:
        one.start()
    assert asked.wait(10)
    deadline = time.monotonic() + 8  # nobody waits for longer than ten seconds
    while len(waiting) < len(threads):
        assert time.monotonic() < deadline, f"{len(waiting)} requests came"
        time.sleep(0.02)
    assert browser.http.get("/v1/session/login?to=/mlflow/", headers={"Cookie": ""}).status_code == 200
    early = list(found)
    go_on.set()
    for one in threads:
        one.join(30)
    assert early == [], "a route that needs a thread of the server gets one while they all wait"
    assert found == [200] * 45
    assert [one["grant_type"] for one in place.provider.forms].count("refresh_token") == 1
