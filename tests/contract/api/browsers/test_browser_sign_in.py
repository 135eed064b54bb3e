"""Signing in with a browser, on both databases: who comes back, what is forged, what counts where, and what ends it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from browser_places import ISSUER, OWN, PAGE, URL, Browser, BrowserPlace, code_in, query_of

from bongsu.domain.labels import Label
from bongsu.identity.codes import kept_as
from bongsu.identity.relying_party import GrantRefusedError, IssuedTokens, ProviderSilentError
from bongsu.identity.sealing import derived
from bongsu.service.browsers.settings import BrowserSettings
from bongsu.service.browsers.signing_in import cookie_of, written
from bongsu.service.people import disable, set_clearance
from bongsu.store.database import Database


def test_whoever_opens_a_page_signs_in_and_comes_back_to_it(browser: Browser) -> None:
    sent = browser.open("/mlflow/page?tab=one")
    assert sent.status_code == 303
    assert sent.headers["location"] == f"{URL}/v1/session/login?to=%2Fmlflow%2Fpage%3Ftab%3Done"
    onward = browser.open(sent.headers["location"])
    assert onward.status_code == 200
    assert "location.hash" in onward.text
    assert "script-src 'nonce-" in onward.headers["content-security-policy"]
    gone = browser.open(sent.headers["location"] + "&" + urlencode({"fragment": "#/runs/1?workspace=mnd"}))
    asked = query_of(gone.headers["location"])
    assert gone.headers["location"].startswith(f"{ISSUER}/authorize?")
    assert (asked["code_challenge_method"], asked["redirect_uri"]) == ("S256", f"{URL}/v1/session/callback")
    assert asked["nonce"]
    assert asked["state"] != asked["nonce"]
    back = browser.sign_in_at(gone.headers["location"])
    arrived = browser.open(back.headers["location"])
    assert arrived.headers["location"] == f"{URL}/mlflow/page?tab=one#/runs/1?workspace=mnd"
    assert browser.open("/mlflow/page").json() == {"id": "mnd/kim", "clearance": "O"}


def test_who_asked_for_no_page_comes_to_what_there_is_of_their_ministry(browser: Browser) -> None:
    assert browser.sign_in("park").headers["location"] == f"{URL}/mlflow/#/experiments?workspace=msit"
    assert browser.who().json()["id"] == "msit/park"


def test_programs_without_a_token_are_refused_as_before(browser: Browser) -> None:
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        assert browser.http.get("/mlflow/", headers=headers).status_code == 401
    # A script of a page, and a program with a token that does not hold, are no browser that opens a page.
    assert browser.open("/mlflow/", **{"Sec-Fetch-Mode": "cors"}).status_code == 401
    assert browser.open("/mlflow/", Authorization="Bearer none").status_code == 401
    assert browser.http.post("/mlflow/", headers=PAGE).status_code == 401


def test_cookies_are_hidden_from_scripts_and_are_of_this_host_alone(browser: Browser) -> None:
    """As ``__Host-`` asks for: for all of its paths, and no domain."""
    address = browser.leave()
    back = browser.sign_in_at(address.headers["location"]).headers["location"]
    given = [*address.headers.get_list("set-cookie"), *browser.open(back).headers.get_list("set-cookie")]
    assert [one.partition("=")[0][:15] for one in given] == ["bongsu-sign-in-"] * 2 + ["bongsu-session"]
    for one in given:
        said = one.split("; ")[1:]
        assert "Path=/" in said
        assert "SameSite=lax" in said
        assert not any(part.startswith("Domain") for part in said)
    assert all("HttpOnly" in one for one in given if "Max-Age=0" not in one)


def test_the_cookie_is_nothing_to_the_api(browser: Browser) -> None:
    browser.sign_in()
    kept = {"Cookie": f"bongsu-session={browser.session_cookie()}"}
    for path in ("/v1/me", "/v1/runs", "/v1/people/mnd/kim"):
        answer = browser.http.get(path, headers=kept)
        assert (answer.status_code, answer.json()["code"]) == (401, "identity.not-signed-in")


def test_a_token_goes_before_the_cookie(browser: Browser) -> None:
    browser.sign_in()
    assert browser.who(Authorization="Bearer none").json() == {"code": "identity.not-signed-in"}
    assert browser.who(Authorization="Basic a2ltOng=").status_code == 401


FORGED: dict[str, Callable[[str], str]] = {
    "nothing": lambda cookie: "",
    "another": lambda cookie: "A" * len(cookie),
    "shortened": lambda cookie: cookie[:-1],
    "hash": kept_as,
    "long": lambda cookie: cookie * 200,
    "no-text": lambda cookie: "\xff\xfe",
}


def test_a_forged_cookie_is_nobodys(browser: Browser) -> None:
    browser.sign_in()
    right = browser.session_cookie()
    browser.http.cookies.clear()
    assert browser.who(Cookie=f"bongsu-session={right}").status_code == 200
    for name, forge in FORGED.items():
        _is_nobodys(browser, name, f"bongsu-session={forge(right)}".encode("latin-1"))


def _is_nobodys(browser: Browser, name: str, cookie: bytes) -> None:
    assert browser.http.get("/mlflow/api", headers={b"Cookie": cookie}).status_code == 401, name
    sent = browser.http.get("/mlflow/", headers={b"Cookie": cookie, b"Accept": b"text/html"})
    assert sent.status_code == 303
    assert "/v1/session/login" in sent.headers["location"]


FOREIGN: tuple[dict[str, str], ...] = (
    {},
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
    {"Origin": URL.replace("8755", "8756")},
    {"Sec-Fetch-Site": "same-origin"},
    OWN | {"Sec-Fetch-Site": "cross-site"},
    OWN | {"Sec-Fetch-Site": "same-site"},
    OWN | {"Sec-Fetch-Site": "none"},
)


def test_a_change_that_no_page_of_ours_asked_for_is_refused(browser: Browser) -> None:
    browser.sign_in()
    for headers in FOREIGN:
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            assert browser.who(method, **headers).json() == {"code": "identity.foreign-page"}, (method, headers)
        assert browser.http.post("/v1/session/logout", headers=headers).status_code == 403
    assert browser.who().status_code == 200, "nobody was signed out"
    assert browser.who("POST", **OWN).json()["id"] == "mnd/kim"


def test_another_state_is_refused(browser: Browser, place: BrowserPlace) -> None:
    asked = query_of(browser.back())
    for state in ("", "x" * 43, asked["state"][:-1], asked["state"][:10] + "x" * 33):
        answer = browser.open("/v1/session/callback?" + urlencode(asked | {"state": state}))
        assert answer.status_code == 403
        assert "not begun in this browser" in code_in(answer)
    assert place.sessions() == []
    assert place.provider.forms == [], "no code was spent"


def test_another_browser_cannot_be_signed_in_with_ones_code(browser: Browser, place: BrowserPlace) -> None:
    with (victim := place.browser()).http:
        victim.leave()
        assert victim.open(browser.back()).status_code == 403
        assert victim.who().status_code == 401


def test_another_nonce_is_refused(browser: Browser, place: BrowserPlace) -> None:
    address = browser.leave().headers["location"]
    nonce = query_of(address)["nonce"]
    back = browser.sign_in_at(address.replace(nonce, "n" * 43))
    answer = browser.open(back.headers["location"])
    assert answer.status_code == 403
    assert "not of this sign-in" in code_in(answer)
    assert place.sessions() == []


def test_another_proof_is_refused(browser: Browser, place: BrowserPlace) -> None:
    address = browser.leave().headers["location"]
    challenge = query_of(address)["code_challenge"]
    back = browser.sign_in_at(address.replace(challenge, "c" * 43))
    assert browser.open(back.headers["location"]).status_code == 403
    assert place.sessions() == []


def test_a_code_that_comes_twice_gives_nothing_and_ends_what_it_gave(browser: Browser, place: BrowserPlace) -> None:
    back = browser.back()
    kept = dict(browser.http.cookies)
    assert browser.open(back).status_code == 303
    again = browser.http.get(back, headers=PAGE | {"Cookie": "; ".join("=".join(one) for one in kept.items())})
    assert again.status_code == 403
    assert "was used" in code_in(again)
    assert place.people.log("mnd")[-1]["action"] == "session.reuse"
    place.people.now += 700  # its token is over, and the issuer gives no other one
    assert browser.who().status_code == 401
    assert place.sessions() == []


def test_nobody_is_sent_back_to_another_address(browser: Browser) -> None:
    asked = query_of(browser.leave().headers["location"])
    for address in ("https://elsewhere.example/", f"{URL}/v1/session/callback/", f"{URL}/mlflow/"):
        answer = browser.open("/issuer/authorize?" + urlencode(asked | {"redirect_uri": address}))
        assert answer.status_code == 400
        assert "location" not in answer.headers


def test_an_answer_of_another_provider_is_refused(browser: Browser, place: BrowserPlace) -> None:
    asked = query_of(browser.back())
    for other in ({"iss": "https://elsewhere.example"}, {"iss": ""}):
        answer = browser.open("/v1/session/callback?" + urlencode(asked | other))
        assert answer.status_code == 403
        assert "another provider" in code_in(answer)
    twice = browser.open("/v1/session/callback?" + urlencode(asked) + "&code=x")
    assert twice.status_code == 403
    assert place.provider.forms == []


def test_whoever_is_turned_away_reads_why_in_their_language(place: BrowserPlace) -> None:
    with (browser := place.browser(language="ko")).http:
        state = query_of(browser.leave().headers["location"])["state"]
        told = {"error": "access_denied", "state": state, "iss": ISSUER}
        answer = browser.open("/v1/session/callback?" + urlencode(told))
        assert answer.status_code == 403
        assert '<html lang="ko">' in answer.text
        assert "로그인" in answer.text
        assert "<script>" not in answer.text
        strange = {**told, "error": "<script>alert(1)</script>"}
        assert "alert(1)" not in browser.open("/v1/session/callback?" + urlencode(strange)).text


def test_who_is_known_there_and_not_here_does_not_come_in(browser: Browser, place: BrowserPlace) -> None:
    operator, platform = place.people.actor("mnd/op"), place.people.platform
    back = browser.back()
    disable(platform, operator, "mnd/kim")
    answer = browser.open(back)
    assert answer.status_code == 403
    assert place.sessions() == []


def test_who_is_disabled_is_out_at_the_next_request(browser: Browser, place: BrowserPlace) -> None:
    browser.sign_in()
    disable(place.people.platform, place.people.actor("mnd/op"), "mnd/kim")
    assert browser.who().status_code == 401
    assert place.sessions() == []


def test_a_clearance_that_changed_counts_at_the_next_request(browser: Browser, place: BrowserPlace) -> None:
    browser.sign_in()
    set_clearance(place.people.platform, place.people.actor("mnd/op"), "mnd/kim", Label.parse("S"), "Vetted")
    assert browser.who().json() == {"id": "mnd/kim", "clearance": "S"}


def test_signing_out_ends_the_session_for_whoever_kept_its_cookie(browser: Browser, place: BrowserPlace) -> None:
    browser.sign_in()
    kept = browser.session_cookie()
    assert "mnd/kim" in browser.open("/v1/session").text
    out = browser.http.post("/v1/session/logout", headers=OWN)
    assert (out.status_code, out.headers["location"]) == (303, "/v1/session")
    assert "not signed in" in browser.open("/v1/session").text
    assert browser.who(Cookie=f"bongsu-session={kept}").status_code == 401
    assert place.sessions() == []
    assert [one["action"] for one in place.people.log("mnd")][-2:] == ["browser.end", "session.end"]


def test_a_session_lasts_as_long_as_its_tokens_are_renewed_and_no_longer_than_it_may(
    database: Database, tmp_path: Path
) -> None:
    place = BrowserPlace(database, tmp_path, session_life_s=3600)
    with (browser := place.browser()).http:
        browser.sign_in()
        (first,) = place.sessions()
        place.people.now += 650  # the access token is over
        assert browser.who().json()["id"] == "mnd/kim"
        (second,) = place.sessions()
        assert second.tokens != first.tokens
        assert second.ends_at == first.ends_at
        place.people.now += 3000
        assert browser.who().status_code == 401
        assert browser.open("/mlflow/").status_code == 303


def test_a_token_ends_the_session_where_there_is_no_other(
    browser: Browser, place: BrowserPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = place.provider.tokens
    monkeypatch.setattr(
        place.provider, "tokens", lambda form: IssuedTokens((got := given(form)).access, "", got.identity)
    )
    browser.sign_in()
    place.people.now += 550
    assert browser.who().status_code == 200
    place.people.now += 100  # and the leeway
    assert browser.who().status_code == 401


@pytest.mark.parametrize("fault", [GrantRefusedError("invalid_grant"), ProviderSilentError()])
def test_a_provider_that_gives_no_other_token_ends_the_session_with_the_old_one(
    browser: Browser, place: BrowserPlace, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    browser.sign_in()

    def refused(_form: object) -> IssuedTokens:
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(place.provider, "tokens", refused)
        place.people.now += 650
        assert browser.who().status_code == (503 if isinstance(fault, ProviderSilentError) else 401)
    # Whoever was silent is asked once more.
    assert browser.who().status_code == (200 if isinstance(fault, ProviderSilentError) else 401)


def test_two_replicas_share_a_session_and_renew_it_once(browser: Browser, place: BrowserPlace) -> None:
    browser.sign_in()
    kept = {"Cookie": f"bongsu-session={browser.session_cookie()}"}
    place.people.now += 650
    replicas = [place.browser(place.replica()) for _ in range(4)]
    found: list[int] = []

    def ask(one: Browser) -> None:
        found.append(one.http.get("/mlflow/api", headers=kept).status_code)

    threads = [threading.Thread(target=ask, args=(one,)) for one in replicas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [200] * 4
    assert [one["grant_type"] for one in place.provider.forms] == ["authorization_code", "refresh_token"]
    replicas[0].http.cookies.set("bongsu-session", browser.session_cookie(), path="/v1/session")
    assert replicas[0].http.post("/v1/session/logout", headers=OWN).status_code == 303
    assert browser.who().status_code == 401


def test_the_store_alone_opens_no_session(browser: Browser, place: BrowserPlace) -> None:
    browser.sign_in()
    (row,) = place.sessions()
    written = " ".join(map(str, row))  # type: ignore[call-overload]
    assert browser.session_cookie() not in written
    assert ".." in row.tokens, "a JWE whose key is agreed on"  # type: ignore[attr-defined]
    browser.http.cookies.clear()
    assert browser.who(Cookie=f"bongsu-session={row.id}").status_code == 401  # type: ignore[attr-defined]


def test_pages_that_were_opened_at_once_sign_in_one_after_another(browser: Browser) -> None:
    first, second = browser.leave("/mlflow/a"), browser.leave("/mlflow/b")
    for leaving, path in ((second, "/mlflow/b"), (first, "/mlflow/a")):
        back = browser.sign_in_at(leaving.headers["location"])
        assert browser.open(back.headers["location"]).headers["location"] == URL + path


def test_sign_ins_that_nobody_finishes_fill_no_browser(browser: Browser, place: BrowserPlace) -> None:
    for _ in range(25):
        browser.leave()
    assert len([one for one in browser.http.cookies.jar if one.name.startswith("bongsu-sign-in-")]) <= 11
    assert place.sessions() == []


@pytest.mark.parametrize("to", ["https://elsewhere.example/", "//elsewhere.example/mlflow/", "/v1/me"])
def test_nobody_is_led_elsewhere(browser: Browser, to: str) -> None:
    """``tests/unit/service/test_pages_to_come_back_to.py`` has many more."""
    answer = browser.open("/v1/session/login?" + urlencode({"to": to, "fragment": ""}))
    back = browser.sign_in_at(answer.headers["location"])
    arrived = browser.open(back.headers["location"]).headers["location"]
    assert arrived == f"{URL}/mlflow/#/experiments?workspace=mnd"


def test_a_cookie_that_the_browser_made_up_leads_nobody_elsewhere(browser: Browser, place: BrowserPlace) -> None:
    """Whoever writes cookies knows the secret in them; where they lead is looked at on the way back."""
    settings = BrowserSettings(URL)
    kept = written("https://elsewhere.example/", ISSUER, place.people.now)
    state = derived("s" * 43, "state", kept)
    browser.http.cookies.set(cookie_of(settings, state), f"{'s' * 43}.{kept}", path="/v1/session")
    told = {"code": "x", "state": state, "iss": ISSUER}
    assert browser.open("/v1/session/callback?" + urlencode(told)).status_code == 403
    unknown = written("/mlflow/", "https://elsewhere.example", place.people.now)
    state = derived("s" * 43, "state", unknown)
    browser.http.cookies.set(cookie_of(settings, state), f"{'s' * 43}.{unknown}", path="/v1/session")
    assert browser.open("/v1/session/callback?" + urlencode(told | {"state": state})).status_code == 404
