"""A browser has one session: a new one ends the one before, and of two nobody's is taken."""

from __future__ import annotations

import pytest
from browser_places import OWN, Browser, BrowserPlace, code_in

from bongsu.service.people import disable


def test_a_sign_in_ends_the_session_that_the_browser_had(browser: Browser, place: BrowserPlace) -> None:
    browser.sign_in("kim")
    first = browser.session_cookie()
    browser.sign_in("park")
    assert browser.session_cookie() != first
    assert [one.person for one in place.sessions()] == ["msit/park"]
    assert [one["action"] for one in place.people.log("mnd")][-2:] == ["browser.end", "session.end"]
    with (other := place.browser()).http:
        assert other.who(Cookie=f"bongsu-session={first}").status_code == 401


def test_sessions_of_other_browsers_go_on(browser: Browser, place: BrowserPlace) -> None:
    browser.sign_in("kim")
    with (other := place.browser()).http:
        other.sign_in("kim")
        other.http.post("/v1/session/logout", headers=OWN)
    assert browser.who().json()["id"] == "mnd/kim"


def test_a_sign_in_that_comes_to_nothing_ends_no_session(browser: Browser, place: BrowserPlace) -> None:
    browser.sign_in("kim")
    back = browser.back("park")
    disable(place.people.platform, place.people.actor("msit/op"), "msit/park")
    assert browser.open(back).status_code == 403
    assert browser.who().json()["id"] == "mnd/kim"


@pytest.mark.parametrize("planted_first", [True, False])
def test_nobody_is_put_into_the_session_of_whoever_planted_a_cookie(
    browser: Browser, place: BrowserPlace, planted_first: bool
) -> None:
    """A cookie for a longer path comes first; which one that is nobody can tell."""
    with (attacker := place.browser()).http:
        attacker.sign_in("park")
        planted = attacker.session_cookie()
    browser.sign_in("kim")
    own = browser.session_cookie()
    browser.http.cookies.clear()
    both = [planted, own] if planted_first else [own, planted]
    sent = {"Cookie": "; ".join(f"bongsu-session={one}" for one in both)}
    for method in ("GET", "POST"):
        answer = browser.who(method, **sent, **OWN)
        assert (answer.status_code, answer.json()) == (403, {"code": "identity.two-sessions"})
    assert browser.http.get("/mlflow/x", headers=sent | {"Accept": "text/html"}).status_code == 403
    page = browser.open("/v1/session", **sent)
    assert page.status_code == 403
    assert "two sessions" in code_in(page)
    assert "msit/park" not in page.text
    assert len(place.sessions()) == 2, "nobody was signed out by it"


def test_the_same_cookie_twice_is_one(browser: Browser) -> None:
    browser.sign_in("kim")
    own = browser.session_cookie()
    browser.http.cookies.clear()
    assert browser.who(Cookie=f"bongsu-session={own}; bongsu-session=; bongsu-session={own}").status_code == 200


def test_a_planted_session_ends_when_its_victim_signs_in_or_out(browser: Browser, place: BrowserPlace) -> None:
    for leaving in (False, True):
        with (attacker := place.browser()).http:
            attacker.sign_in("park")
            planted = attacker.session_cookie()
        browser.http.cookies.set("bongsu-session", planted, path="/v1/session")
        if leaving:
            browser.http.post("/v1/session/logout", headers=OWN)
        else:
            browser.sign_in("kim")
        with (attacker := place.browser()).http:
            assert attacker.who(Cookie=f"bongsu-session={planted}").status_code == 401
    assert place.sessions() == []
