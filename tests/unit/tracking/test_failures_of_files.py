"""Whose fault it is that MLflow failed at a file."""

from __future__ import annotations

import errno
import json
from typing import Any

import anyio
import pytest

from bongsu.tracking.governed.answers import Guarded, Question
from bongsu.tracking.governed.bodies import Body
from bongsu.tracking.governed.file_responses import HandedOver
from bongsu.tracking.governed.routes import Route, match

FILE = "/api/2.0/mlflow-artifacts/artifacts/1/x/file.bin"


def _told(route: Route, error: Exception | None) -> tuple[int, dict[str, str]]:
    """What is answered where MLflow says that it failed, and raised this."""
    said: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"\x00no JSON", "more_body": False}

    async def send(message: Any) -> None:
        said.append(message)

    async def run() -> None:
        body = Body({"type": "http", "headers": []}, receive, 1000, keeps=not route.takes_file)
        await body()
        guarded = Guarded(send, Question(route, "", body, "mnd"), HandedOver(None))
        await guarded({"type": "http.response.start", "status": 500, "headers": []})
        await guarded({"type": "http.response.body", "body": b"Internal Server Error"})
        assert guarded.is_failed
        assert said == []
        await guarded.tell_failure(error)

    anyio.run(run)
    return said[0]["status"], json.loads(said[1]["body"])


@pytest.mark.parametrize(("method", "path"), [("PUT", FILE), ("POST", "/v1/traces")])
@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), None])
def test_what_takes_no_json_is_not_looked_at_for_it(method: str, path: str, error: Exception | None) -> None:
    route = match(method, path)
    assert route is not None
    status, told = _told(route, error)
    assert (status, told["error_code"]) == (500, "INTERNAL_ERROR")


def test_what_takes_json_is() -> None:
    route = match("POST", "/api/2.0/mlflow/runs/create")
    assert route is not None
    status, told = _told(route, None)
    assert (status, told["message"]) == (400, "The body is no JSON, or is nested too deeply.")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_in_its_words(number: int) -> None:
    route = match("PUT", FILE)
    assert route is not None
    status, told = _told(route, OSError(number, "no room"))
    assert status == 507
    assert "disk is full" in told["message"]
