"""A provider that does not answer: those wait who come from it, and for a while; everybody else is answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from browser_places import ISSUER, OWN, PAGE, Browser, BrowserPlace, code_in

from bongsu.identity.relying_party import Endpoints

MANY = 45
"""More than a server has threads."""


@dataclass
class Silence:
    """In the place of something that a provider is asked for. ``asking`` is how many do, while nobody is answered."""

    then: Callable[..., Any]
    go_on: threading.Event
    asked: threading.Event
    asking: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, *form: Any) -> Any:
        with self.lock:
            self.asking += not self.go_on.is_set()
        self.asked.set()
        assert self.go_on.wait(30)
        return self.then(*form)


@contextmanager
def silent(place: BrowserPlace, what: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Silence]:
    """Until the end of the block."""
    found = Silence(getattr(place.provider, what), threading.Event(), threading.Event())
    with monkeypatch.context() as patch:
        patch.setattr(place.provider, what, found)
        try:
            yield found
        finally:
            found.go_on.set()


@contextmanager
def at_once(ask: Callable[[], httpx.Response]) -> Iterator[list[Future[httpx.Response]]]:
    with ThreadPoolExecutor(MANY) as threads:
        yield [threads.submit(ask) for _ in range(MANY)]


def pass_by(browser: Browser, waiting: list[Future[httpx.Response]]) -> None:
    """Somebody wants an answer for which the server needs a thread, and has it before any of those who wait for the
    provider has one."""
    assert browser.http.get("/v1/session/login?to=/mlflow/", headers={"Cookie": ""}).status_code == 200
    assert not any(one.done() for one in waiting)


def leaving(browser: Browser, issuer: str = ISSUER) -> httpx.Response:
    asked = {"to": "/mlflow/", "fragment": "", "issuer": issuer}
    return browser.http.get("/v1/session/login", params=asked, headers=PAGE)


def test_whoever_leaves_for_it_holds_nobody_up(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    with silent(browser.place, "endpoints", monkeypatch) as silence:
        with at_once(lambda: leaving(browser)) as answers:
            assert silence.asked.wait(10)
            time.sleep(0.5)
            pass_by(browser, answers)
            assert silence.asking <= 2
            silence.go_on.set()
        assert [one.result().status_code for one in answers] == [303] * MANY


def test_whoever_comes_back_from_it_holds_nobody_up(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    back = browser.back()
    with silent(browser.place, "tokens", monkeypatch) as silence:
        with at_once(lambda: browser.open(back)) as answers:
            assert silence.asked.wait(10)
            time.sleep(0.5)
            pass_by(browser, answers)
            assert silence.asking <= 6
            silence.go_on.set()
        assert {one.result().status_code for one in answers} <= {303, 403}, "a code is good once"


def test_whoever_finds_no_turn_is_told_to_come_again_and_spends_no_code(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bongsu.service.browsers.waiting._WAIT_S", 0.5)
    back = browser.back()
    with silent(browser.place, "tokens", monkeypatch) as silence:
        with at_once(lambda: browser.open(back)) as answers:
            assert silence.asked.wait(10)
            deadline = time.monotonic() + 10
            while sum(one.done() for one in answers) < MANY - 6:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            early = [one.result() for one in answers if one.done()]
            silence.go_on.set()
        assert {one.status_code for one in early} == {503}
        assert all(one.headers["retry-after"] for one in early)
        assert "does not answer" in code_in(early[0])
        assert len(browser.place.provider.forms) <= 6


def test_those_of_another_provider_leave_at_once(place: BrowserPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    found = place.served.browsers
    assert found is not None
    two = {**found.providers, "https://other.example": Elsewhere()}
    served = replace(place.served, browsers=replace(found, providers=two))
    with (browser := place.browser(served)).http, silent(place, "endpoints", monkeypatch) as silence:
        with at_once(lambda: leaving(browser)) as answers:
            assert silence.asked.wait(10)
            assert leaving(browser, "https://other.example").status_code == 303
            assert not any(one.done() for one in answers), "before anybody who waits for the silent one"
            silence.go_on.set()
        assert [one.result().status_code for one in answers] == [303] * MANY


class Elsewhere:
    def endpoints(self) -> Endpoints:
        return Endpoints("https://other.example/authorize", "https://other.example/token")

    def tokens(self, form: object) -> Any:
        raise AssertionError(form)

    revoke = tokens


def test_whoever_signs_out_is_out_while_it_is_not_told(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    browser.sign_in()
    with silent(browser.place, "revoke", monkeypatch) as silence, ThreadPoolExecutor(1) as threads:
        going = threads.submit(browser.http.post, "/v1/session/logout", headers=PAGE | OWN)
        assert silence.asked.wait(10)
        assert browser.place.sessions() == []
        assert not going.done()
        silence.go_on.set()
        assert going.result(10).status_code == 303
