"""A run is watched although its server is away for a while; runs are listed by the states that lists show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from bongsu.client.http import Server
from bongsu.client.remote import PATIENCE_S, Remote
from bongsu.domain.ids import StageId
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import ShownState
from bongsu.service.following import LogLine

RUN: dict[str, Any] = {
    "id": "r-000000000001",
    "pipeline": "checks",
    "ministry": "mnd",
    "planHash": "sha256-0",
    "state": "running",
    "label": "O",
    "useClass": "administration",
    "createdAt": "2026-11-30T00:00:00Z",
    "startedAt": None,
    "finishedAt": None,
    "interrupted": False,
    "workedSeconds": None,
}


class Given(ThreadingHTTPServer):
    """Answers what it is told to, for ever the last of it."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Given

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, document = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_given: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def given() -> Iterator[Given]:
    server = Given()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


class Clock:
    """Time goes on while somebody sleeps."""

    now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def remote(self, given: Given) -> Remote:
        server = Server(given.url, lambda _anew: "t", "en", sleep=self.sleep)
        return Remote(server, "mnd", self.sleep, lambda: self.now)


class Stop(Exception):
    """Enough was seen."""


def stop(_seen: object) -> None:
    raise Stop


PROGRESS = {"state": "running", "stages": []}


@pytest.mark.parametrize("away", [(502, "Bad Gateway"), (503, {"problems": []})])
def test_a_server_that_is_away_for_a_minute_is_waited_for(given: Given, away: tuple[int, Any]) -> None:
    given.answers = [(200, {"run": RUN}), *[away] * 20, (200, PROGRESS)]
    with pytest.raises(Stop):
        Clock().remote(given).watch(RUN["id"], stop)
    assert len(given.asked) == 22


def test_a_server_that_stays_away_is_told_with_the_run_that_goes_on(given: Given) -> None:
    given.answers = [(502, "Bad Gateway")]
    clock = Clock()
    with pytest.raises(BongsuError) as caught:
        clock.remote(given).watch(RUN["id"], stop)
    (problem,) = caught.value.problems
    assert problem.code.name == "client.lost-sight"
    assert problem.args["run"] == RUN["id"]
    assert PATIENCE_S < clock.now < 2 * PATIENCE_S


def test_another_error_is_not_waited_out(given: Given) -> None:
    given.answers = [(404, "nothing of ours")]
    with pytest.raises(BongsuError) as caught:
        Clock().remote(given).watch(RUN["id"], stop)
    assert caught.value.problems[0].code.name == "client.not-understood"
    assert len(given.asked) == 1


@pytest.mark.parametrize(
    ("wanted", "asked", "shown"),
    [
        ((ShownState.INTERRUPTED,), "pending, running, cancelling", [True]),
        ((ShownState.RUNNING,), "running", [False]),
        ((ShownState.RUNNING, ShownState.INTERRUPTED), "pending, running, cancelling", [False, True]),
    ],
)
def test_interrupted_is_no_state_that_a_server_is_asked_for(
    given: Given, wanted: tuple[ShownState, ...], asked: str, shown: list[bool]
) -> None:
    given.answers = [(200, {"items": [RUN, {**RUN, "interrupted": True}], "next": ""})]
    found = Clock().remote(given).runs(wanted, None, 10)
    assert [one.interrupted for one in found] == shown
    assert f"state+%3A+{asked.replace(', ', '%2C+')}" in given.asked[0] or asked in given.asked[0]


@pytest.mark.parametrize(
    ("stages", "attempt", "asked"),
    [
        (["a", "b"], None, ["/logs"]),
        (["a"], None, ["/stages/a/logs"]),
        (["a", "c"], 1, ["/stages/a/logs?attempt=1", "/stages/c/logs?attempt=1"]),
    ],
)
def test_the_logs_of_many_stages_are_asked_for_at_once(
    given: Given, stages: list[str], attempt: int | None, asked: list[str]
) -> None:
    given.answers = [(200, {"stage": "a", "line": "of a"}), (200, {"stage": "c", "line": "of c"})]
    found = list(Clock().remote(given).lines(RUN["id"], stages, attempt))
    assert given.asked == [f"/v1/runs/{RUN['id']}{one}" for one in asked]
    assert found == [LogLine(StageId(one), f"of {one}") for one in "ac"[: len(asked)]]
    assert list(Clock().remote(given).lines(RUN["id"], ["b", "d"])) == [], "those of others are left out"
