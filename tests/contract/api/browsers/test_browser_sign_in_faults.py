"""Signing in with a browser while something else does not work: whose fault it is, who is told, and what goes on."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from browser_places import ISSUER, Browser, BrowserPlace, code_in, query_of

from bongsu.domain.codes import run
from bongsu.service import authenticating
from bongsu.service.browsers import kept
from bongsu.service.browsers import sessions as of_browsers


def is_busy(*_args: object) -> object:
    raise run.DATABASE_BUSY.error(url="the store", detail="it is locked")


def test_a_store_that_is_busy_signs_nobody_out(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    browser.sign_in()
    with monkeypatch.context() as patch:
        patch.setattr(kept, "find_browser_session", is_busy)
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


def test_the_log_says_what_was_in_the_way_and_holds_no_secret(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    address = browser.leave().headers["location"]
    nonce = query_of(address)["nonce"]
    back = browser.sign_in_at(address.replace(nonce, "n" * 43)).headers["location"]
    assert browser.open(back).status_code == 403
    assert f"A sign-in at {ISSUER} has come to nothing: token: nonce" in caplog.messages
    assert browser.open(browser.back().replace("?code=", "?code=x")).status_code == 403
    assert any("it says invalid_grant" in one for one in caplog.messages)
    given = browser.place.provider.given
    said = str([vars(one) for one in caplog.records if one.name.startswith("bongsu")])
    for secret in (*given[-1].access.split("."), given[-1].identity, query_of(back)["code"], nonce):
        assert secret not in said


def test_whoever_may_not_come_in_is_in_the_log_by_the_cause(
    browser: Browser, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = browser.back()
    monkeypatch.setattr(authenticating, "actor_of", lambda *_asked: None)
    assert "may not come in" in code_in(browser.open(back))
    assert f"Whoever signed in at {ISSUER} may not come in: person" in caplog.messages


@pytest.mark.parametrize("word", ["subject", "token", "issuer", "two_people"])
def test_a_word_of_the_provider_is_told_as_its_word(browser: Browser, word: str) -> None:
    state = query_of(browser.leave().headers["location"])["state"]
    told = {"error": word, "state": state, "iss": ISSUER}
    answer = browser.open("/v1/session/callback?" + urlencode(told))
    assert f"has come to nothing: {word} (rule" in code_in(answer)


def test_cookies_that_anybody_named_break_nothing(browser: Browser) -> None:
    odd = "; ".join(f"bongsu-sign-in-(x{one}=y; __Host-bongsu-sign-in-,{one}=y" for one in range(12))
    answer = browser.open("/v1/session/login?to=/mlflow/&fragment=", Cookie=odd)
    assert answer.status_code == 303, answer.text
    assert "(x" not in str(answer.headers.get_list("set-cookie"))


def test_a_sign_in_that_takes_too_long_is_over_whatever_the_browser_keeps(browser: Browser) -> None:
    address = browser.leave().headers["location"]
    browser.place.people.now += 601
    back = browser.sign_in_at(address).headers["location"]
    answer = browser.open(back)
    assert answer.status_code == 403
    assert "too long ago" in code_in(answer)
    assert browser.place.provider.forms == [], "no code was spent"
