"""To which addresses a browser is sent after a sign-in: paths of MLflow's pages, as a browser reads them."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, cast
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bongsu.domain.problems import BongsuError
from bongsu.service.browsers.door import cookie_name, refuse_foreign_page
from bongsu.service.browsers.settings import Browsers, BrowserSettings
from bongsu.service.browsers.signing_in import cookie_of, is_page_here, is_sign_in

HERE = "https://bongsu.example"


@pytest.mark.parametrize(
    "address",
    [
        "/mlflow",
        "/mlflow/",
        "/mlflow/#/experiments/1/runs/3d1e?workspace=mnd",
        "/mlflow/?tab=one#/models/axk1-nano-law/versions/1",
        "/mlflow/page/of/it",
        "/mlflow/#/search?filter=%22a%22%20AND..%2e",
    ],
)
def test_pages_of_mlflow_are_come_back_to(address: str) -> None:
    assert is_page_here(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "mlflow/",
        "https://elsewhere.example/",
        "//elsewhere.example/mlflow/",
        "///elsewhere.example",
        "/\\elsewhere.example",
        "/mlflow\\..\\x",
        "/mlflow/../v1/session/logout",
        "/mlflow/./x",
        "/mlflow/%2e%2E/x",
        "/mlflow/.%2e/x",
        "/mlflow//elsewhere.example",
        "/mlflowish/",
        "/v1/me",
        "/mlflow/\r\nSet-Cookie: a=b",
        "/mlflow/ x",
        "/mlflow/\tx",
        '/mlflow/"x',
        "/mlflow/<x",
        "/mlflow/\u00e9",
        "javascript:alert(1)",
        "/mlflow/" + "x" * 1993,
    ],
)
def test_nothing_else_is(address: str) -> None:
    assert not is_page_here(address)


_PARTS = st.sampled_from(
    ["/", "mlflow", "..", ".", "%2e", "%2E%2e", "\\", "@", ":", "//", "?", "#", "x", ";", "\t", "%2f"]
)


@given(st.lists(_PARTS, max_size=8).map("".join).map(lambda rest: "/mlflow/" + rest) | st.text(max_size=30))
@example("/mlflow/x/..//elsewhere.example")
@example("/mlflow/..;")
def test_wherever_a_browser_is_sent_it_stays_below_mlflow(address: str) -> None:
    if is_page_here(address):
        reached = urlsplit(urljoin(HERE, address.replace("%2e", ".").replace("%2E", ".")))
        assert f"{reached.scheme}://{reached.netloc}" == HERE
        assert (reached.path + "/").startswith("/mlflow/")


def test_the_cookie_is_of_this_host_over_tls_where_there_is_any() -> None:
    assert cookie_name(BrowserSettings(HERE)) == "__Host-bongsu-session"
    assert cookie_name(BrowserSettings("http://localhost:8700")) == "bongsu-session"


@pytest.mark.parametrize(
    "url", ["http://bongsu.example", "https://bongsu.example/x", "https://bongsu.example/", "bongsu"]
)
def test_an_address_where_nobody_can_sign_in_is_refused(url: str) -> None:
    with pytest.raises(BongsuError) as raised:
        BrowserSettings(url)
    assert raised.value.problems[0].code.name == "identity.public-url"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Bongsu.Example", "https://bongsu.example"),
        ("HTTPS://bongsu.example:443", "https://bongsu.example"),
        ("https://bongsu.example:0443", "https://bongsu.example"),
        ("https://bongsu.example:8443", "https://bongsu.example:8443"),
        ("http://LocalHost:80", "http://localhost"),
        ("https://봉수.kr", "https://xn--9n3bo6g.kr"),
        ("https://[0:0:0:0:0:0:0:1]:8443", "https://[::1]:8443"),
    ],
)
def test_the_address_is_written_as_browsers_send_it(url: str, origin: str) -> None:
    settings = BrowserSettings(url)
    assert settings.url == origin
    assert settings.redirect_uri == f"{origin}/v1/session/callback"
    headers = [(b"origin", origin.encode())]
    providers: dict[str, Any] = {}
    browsers = Browsers(settings, providers, *([cast("Any", None)] * 4))
    refuse_foreign_page(browsers.settings.url, "POST", headers)


@pytest.mark.parametrize(
    ("said", "with_cookie", "with_token"),
    [
        ([], False, True),
        ([("origin", HERE)], True, True),
        ([("origin", HERE), ("sec-fetch-site", "same-origin")], True, True),
        ([("sec-fetch-site", "same-origin")], False, True),
        ([("origin", HERE), ("sec-fetch-site", "same-site")], False, False),
        ([("sec-fetch-site", "cross-site")], False, False),
        ([("origin", "null")], False, False),
        ([("origin", HERE.upper())], False, False),
        ([("origin", f"{HERE}.example")], False, False),
        ([("origin", HERE), ("origin", HERE)], False, False),
        ([("origin", HERE), ("origin", "https://other.example")], False, False),
    ],
)
def test_one_rule_says_whose_pages_may_change_something(
    said: list[tuple[str, str]], with_cookie: bool, with_token: bool
) -> None:
    headers = [(name.encode(), value.encode()) for name, value in said]
    for by_cookie, may in ((True, with_cookie), (False, with_token)):
        for method in ("GET", "HEAD"):
            refuse_foreign_page(HERE, method, headers, by_cookie=by_cookie)
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            with nullcontext() if may else pytest.raises(BongsuError):
                refuse_foreign_page(HERE, method, headers, by_cookie=by_cookie)


@pytest.mark.parametrize(
    "url", ["https://봉수..kr", "https://a b.kr", "https://a\\b.kr", "https://a%41.kr", "https://[::g]"]
)
def test_a_host_that_no_browser_sends_is_refused(url: str) -> None:
    with pytest.raises(BongsuError) as raised:
        BrowserSettings(url)
    assert raised.value.problems[0].code.name == "identity.public-url"


def test_the_cookie_of_a_sign_in_is_of_this_host_too() -> None:
    assert cookie_of(BrowserSettings(HERE), "a" * 43) == "__Host-bongsu-sign-in-aaaaaaaaaa"
    assert cookie_of(BrowserSettings("http://localhost:8700"), "a-_(") == "bongsu-sign-in-a-_"


@given(st.text(max_size=20))
def test_only_names_that_are_made_here_are_of_a_sign_in(state: str) -> None:
    for settings in (BrowserSettings(HERE), BrowserSettings("http://localhost:8700")):
        assert is_sign_in(settings, cookie_of(settings, state))
        assert is_sign_in(settings, made := cookie_of(settings, "") + state) == (cookie_of(settings, state) == made)
