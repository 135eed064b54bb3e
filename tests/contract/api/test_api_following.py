"""Answers that go on: many at once hold up nobody, nothing is left of who went, and who may no longer sees no more."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from api_places import ApiPlace
from live_api import served

from bongsu.api import followers
from bongsu.domain.labels import Label
from bongsu.service import following
from bongsu.store.people import disable_person, set_clearance

SOON_S = 20.0
STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiPlace]:
    """Nobody drives its runs, and whoever follows one waits for that."""
    monkeypatch.setattr(following, "LOOKS_WITHOUT_DRIVER", 1_000_000)
    made = ApiPlace(tmp_path)
    made.permit_use()
    yield made
    made.close()


def follow(url: str, path: str, person: str = "kim") -> socket.socket:
    address = httpx.URL(url)
    opened = socket.create_connection((address.host, address.port or 80))
    opened.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {person}\r\n\r\n".encode())
    return opened


def soon(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("path", ["logs", "stages/a/logs"])
def test_those_who_wait_for_lines_hold_up_nobody_and_leave_nothing(
    place: ApiPlace, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(followers, "OF_ONE", 100)
    run = place.run_of("kim")
    held = place.app.state.followers
    with served(place) as url:
        before = threading.active_count()
        opened = [follow(url, f"/v1/runs/{run}/{path}?follow=true") for _ in range(60)]
        soon(lambda: held.limiter.borrowed_tokens == 60)
        answer = httpx.get(f"{url}/v1/me", headers={"Authorization": "Bearer lee"}, timeout=SOON_S, trust_env=False)
        assert answer.status_code == 200
        for one in opened:
            one.close()
        soon(lambda: held.limiter.borrowed_tokens == 0)
        with pytest.MonkeyPatch.context() as none:
            none.setattr(followers, "OF_ALL", 1)
            with held.one_more("mnd/kim"):  # nobody counts any longer
                pass
        assert threading.active_count() < before + 60 + 45  # threads that wait for the next one are kept a while


def test_more_than_enough_is_refused(place: ApiPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers, "OF_ONE", 2)
    run = place.run_of("kim")
    with served(place) as url, ExitStack() as undo:
        for _ in range(2):
            undo.enter_context(follow(url, f"/v1/runs/{run}/logs?follow=true"))
        soon(lambda: place.app.state.followers.limiter.borrowed_tokens == 2)
        for path in ("logs?follow=true", "events"):
            headers = {"Authorization": "Bearer kim", **(STREAM if path == "events" else {})}
            refused = httpx.get(f"{url}/v1/runs/{run}/{path}", headers=headers, timeout=SOON_S, trust_env=False)
            assert (refused.status_code, refused.json()["code"]) == (429, "api.too-many-followed")


@pytest.mark.parametrize("path", ["logs?follow=true", "events"])
@pytest.mark.parametrize("change", ["disabled", "lower"])
def test_who_may_no_longer_follows_no_longer(
    place: ApiPlace, monkeypatch: pytest.MonkeyPatch, path: str, change: str
) -> None:
    monkeypatch.setattr(followers, "LOOK_AGAIN_S", 0.1)
    run = place.run_of("kim", label=Label.parse("S"))
    headers = {"Authorization": "Bearer kim", **STREAM}
    with (
        served(place) as url,
        httpx.stream(
            "GET", f"{url}/v1/runs/{run}/{path}", headers=headers, timeout=SOON_S, trust_env=False
        ) as answer,
    ):
        assert answer.status_code == 200
        with place.platform.database.write() as connection:
            person = place.actor("kim").id
            if change == "disabled":
                disable_person(connection, person, 1.0)
            else:
                set_clearance(connection, person, Label.parse("O"))
        came = ""
        try:
            for part in answer.iter_text():
                came += part
        except httpx.RemoteProtocolError:
            assert path.startswith("logs"), "a log that is cut off is no whole one"
        assert "event: end" not in came
