"""To which addresses a browser is sent after a sign-in: paths of MLflow's pages, as a browser reads them."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bongsu.domain.problems import BongsuError
from bongsu.service.browsers.door import cookie_name
from bongsu.service.browsers.settings import BrowserSettings
from bongsu.service.browsers.signing_in import is_page_here

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


def test_the_cookie_goes_over_tls_alone_where_there_is_any() -> None:
    assert cookie_name(BrowserSettings(HERE)) == "__Secure-bongsu-session"
    assert cookie_name(BrowserSettings("http://localhost:8700")) == "bongsu-session"


@pytest.mark.parametrize(
    "url", ["http://bongsu.example", "https://bongsu.example/x", "https://bongsu.example/", "bongsu"]
)
def test_an_address_where_nobody_can_sign_in_is_refused(url: str) -> None:
    with pytest.raises(BongsuError) as raised:
        BrowserSettings(url)
    assert raised.value.problems[0].code.name == "identity.public-url"
