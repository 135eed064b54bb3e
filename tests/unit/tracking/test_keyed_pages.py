"""Who has shown the key of a home's MLflow pages sees them, and nobody else of the machine anything."""

from __future__ import annotations

import base64

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from bongsu.tracking.keyed_pages import Keyed
from bongsu.tracking.page_key import new_key

# Not drawn: tests are named by it, and each process that shares them has to name them alike.
KEY = "85cRmc4Y4MwTSeohfWXoZIsQgfTeWUXH"
PORT = 5001


def _page(request: Request) -> Response:
    return PlainTextResponse(f"{request.method} {request.url.path}")


@pytest.fixture
def browser() -> TestClient:
    routes = [Route("/{path:path}", _page, methods=["GET", "POST"])]
    return TestClient(Keyed(Starlette(routes=routes), KEY, PORT), base_url=f"http://127.0.0.1:{PORT}")


def basic(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


@pytest.mark.parametrize("headers", [{"Authorization": f"Bearer {KEY}"}, basic(f"anybody:{KEY}"), basic(f":{KEY}")])
def test_a_program_sends_it_as_a_token_or_a_password(browser: TestClient, headers: dict[str, str]) -> None:
    answer = browser.post("/api/2.0/mlflow/experiments/create", headers=headers)
    assert answer.text == "POST /api/2.0/mlflow/experiments/create"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": f"Bearer {KEY}x"},
        {"Authorization": f"Bearer {KEY[:-1]}"},
        {"Authorization": "Bearer "},
        {"Authorization": KEY},
        basic(KEY),
        basic(f"{KEY}:"),
        {"Authorization": "Basic \u00ff".encode("latin-1").decode("latin-1")},
        {"Authorization": "Basic =="},
        {"Cookie": f"bongsu-mlflow-{PORT}="},
        {"Cookie": f"bongsu-mlflow-{PORT + 1}={KEY}"},
        {"Cookie": f"bongsu-mlflow-{PORT}=\u00e9"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "path", ["/", "/health", "/api/2.0/mlflow/experiments/create", "/static-files/x.js", "/?key="]
)
def test_who_does_not_have_it_is_shown_nothing(browser: TestClient, path: str, headers: dict[str, str]) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    for method in ("GET", "POST"):
        answer = browser.request(method, path, headers=raw)
        assert answer.status_code == 401
        assert "bongsu mlflow" in answer.text


def test_a_browser_brings_it_once_and_has_it_in_no_address_afterwards(browser: TestClient) -> None:
    led = browser.get(f"/?key={KEY}", follow_redirects=False)
    assert (led.status_code, led.headers["location"], led.headers["referrer-policy"]) == (303, "/", "no-referrer")
    assert "HttpOnly" in led.headers["set-cookie"]
    assert "SameSite=strict" in led.headers["set-cookie"]
    assert browser.get("/ajax-api/2.0/mlflow/runs/get").text == "GET /ajax-api/2.0/mlflow/runs/get"


def test_nobody_is_led_elsewhere_by_an_address_with_it(browser: TestClient) -> None:
    led = browser.get(f"http://127.0.0.1:{PORT}//elsewhere.example/?key={KEY}", follow_redirects=False)
    assert led.headers["location"] == "/"


def test_a_change_is_not_asked_for_by_an_address(browser: TestClient) -> None:
    assert browser.post(f"/api/2.0/mlflow/experiments/create?key={KEY}").status_code == 401


def test_no_socket_is_opened_without_it(browser: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), browser.websocket_connect("/ws"):
        pass


def test_who_reads_korean_is_told_in_it(browser: TestClient) -> None:
    assert "주소" in browser.get("/", headers={"Accept-Language": "ko"}).text


def test_it_is_another_one_each_time() -> None:
    assert len({new_key() for _ in range(100)}) == 100
    assert len(new_key()) >= len(KEY)
