"""An answer that lasts: it goes on while its reader may read it, and a busy database takes nobody's leave."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import anyio
import pytest

from bongsu.api import large_responses
from bongsu.api.large_responses import LargeResponse
from bongsu.artifacts import sending
from bongsu.domain.codes import database, identity
from bongsu.domain.problems import BongsuError

PIECES = [b"one", b"two", b"three"]
BUSY = database.ALWAYS_CHANGED.error(times=5)
REFUSED = identity.NOT_SIGNED_IN.error()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "LOOK_AGAIN_S", 0.0)
    monkeypatch.setattr(large_responses, "_PAUSE_S", 0.0)


def answered(look_again: Callable[[], object]) -> tuple[bytes, bool]:
    """What its reader got, and whether it came to its end."""
    got: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Any) -> None:
        got.append(message)

    response = LargeResponse(iter(PIECES), nullcontext, lambda: None, look_again, "text/plain", {})
    anyio.run(response, {"type": "http"}, receive, send)
    bodies = [one for one in got if one["type"] == "http.response.body"]
    return b"".join(one["body"] for one in bodies), bool(bodies) and not bodies[-1]["more_body"]


def raising(*errors: BongsuError | None) -> Callable[[], object]:
    left = list(errors)

    def look_again() -> None:
        error = left.pop(0) if left else None
        if error is not None:
            raise error

    return look_again


def test_it_goes_on_behind_a_database_that_is_busy_for_a_while() -> None:
    assert answered(raising(BUSY, BUSY, None, BUSY)) == (b"onetwothree", True)


@pytest.mark.parametrize("errors", [(REFUSED,), (None, REFUSED), (BUSY, REFUSED), (BUSY,) * 20])
def test_it_breaks_off_where_its_reader_may_no_longer_or_nobody_can_say(
    errors: tuple[BongsuError | None, ...], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        body, is_whole = answered(raising(*errors))
    assert (is_whole, body in (b"", b"one")) == (False, True)
    assert "broken off" in caplog.text
