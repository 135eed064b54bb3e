"""Signing in with a browser while something else does not work: whose fault it is, who is told, and what goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_places import Browser, BrowserPlace, code_in
from sqlalchemy import select

from bongsu.domain.codes import run
from bongsu.service import authenticating
from bongsu.service.browsers import sessions as of_browsers
from bongsu.store.database import Database
from bongsu.store.schema_identity import browser_sessions


@pytest.fixture
def place(database: Database, tmp_path: Path) -> BrowserPlace:
    return BrowserPlace(database, tmp_path)


@pytest.fixture
def browser(place: BrowserPlace) -> Iterator[Browser]:
    with (made := place.browser()).http:
        yield made


def sessions(place: BrowserPlace) -> list[object]:
    with place.people.platform.database.read() as connection:
        return list(connection.execute(select(browser_sessions)))


def is_busy(*_args: object) -> object:
    raise run.DATABASE_BUSY.error(url="the store", detail="it is locked")


def test_a_store_that_is_busy_signs_nobody_out(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    browser.sign_in()
    with monkeypatch.context() as patch:
        patch.setattr(of_browsers, "find_browser_session", is_busy)
        for answer in (browser.open("/v1/session"), browser.open("/mlflow/"), browser.who()):
            assert answer.status_code == 503, answer.text
    with monkeypatch.context() as patch:
        patch.setattr(authenticating, "actor_of", is_busy)
        for answer in (browser.open("/v1/session"), browser.open("/mlflow/"), browser.who()):
            assert answer.status_code == 503, answer.text
        assert browser.who(Authorization=f"Bearer {_token(browser.place)}").status_code == 503
    assert browser.who().status_code == 200


def _token(place: BrowserPlace) -> str:
    """As a program sends it."""
    return place.provider.given[-1].access


def test_a_store_that_is_busy_spends_no_code(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    back = browser.back()
    with monkeypatch.context() as patch:
        patch.setattr(of_browsers, "forget_browser_sessions", is_busy)
        answer = browser.open(back)
        assert answer.status_code == 503, answer.text
        assert answer.headers["retry-after"]
        assert browser.place.provider.forms == []
    assert browser.open(back).status_code == 303, "whoever loads the page once more is in"
    again = browser.back()
    with monkeypatch.context() as patch:
        patch.setattr(authenticating, "actor_of", is_busy)
        answer = browser.open(again)
        assert answer.status_code == 503
        assert "may not come in" not in code_in(answer)
