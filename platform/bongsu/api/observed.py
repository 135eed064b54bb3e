"""Every request as operators see it: counted, timed, traced, and told in one line of the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bongsu.api.ending import StreamCut
from bongsu.domain.server_defaults import MLFLOW_PATH
from bongsu.service.observing.log_lines import current_request
from bongsu.service.observing.telemetry import Telemetry

_log = logging.getLogger("bongsu.request")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# What no route serves: an address as it was sent may hold anything, and there is no end of them.
NO_ROUTE = "none"
_STREAMS = (b"text/event-stream", b"application/x-ndjson")


class Observed:
    """The outermost of what requests go through, so that refusals of the others are seen as well.

    Args:
        app: what answers.
        telemetry: gets the numbers.
        monotonic: seconds that only grow.
    """

    def __init__(self, app: ASGIApp, telemetry: Telemetry, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._telemetry = telemetry
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, metrics = self._monotonic(), self._telemetry.metrics
        status, is_stream, answered_at = 500, False, None
        state: dict[str, Any] = scope.setdefault("state", {})

        async def seen(message: Message) -> None:
            nonlocal status, is_stream, answered_at
            if message["type"] == "http.response.start":
                status, answered_at = message["status"], self._monotonic()
                is_stream = any(
                    name == b"content-type" and value.startswith(_STREAMS) for name, value in message["headers"]
                )
            await send(message)

        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        metrics.requests_in_progress.inc()
        with self._telemetry.tracing.request(method, dict(scope["headers"])) as traced:
            try:
                await self._app(scope, receive, seen)
            except StreamCut:
                pass  # the connection is closed without an end of the answer, which the reader notices
            finally:
                metrics.requests_in_progress.dec()
                whole = self._monotonic() - began
                answered = answered_at - began if is_stream and answered_at is not None else whole
                route = route_of(scope)
                metrics.requests.labels(route, method, f"{status // 100}xx").inc()
                metrics.request_seconds.labels(route, method).observe(answered)
                traced(route, status, _attributes(state))
                self._tell(route, method, status, whole, state)

    def _tell(self, route: str, method: str, status: int, seconds: float, state: Mapping[str, Any]) -> None:
        actor = state.get("actor")
        facts = {
            "request": state.get("number"),
            "actor": getattr(actor, "id", None),
            "method": method,
            "route": route,
            "status": status,
            "seconds": round(seconds, 4),
        }
        # Whoever asks whether the server is there asks all the time.
        level = logging.DEBUG if route in ("/healthz", "/readyz") and status == 200 else logging.INFO
        _log.log(level, "Answered.", extra={"facts": facts})


def route_of(scope: Scope) -> str:
    """The template of the route that served a request, such as ``/v1/runs/{run}``; never its path."""
    told = scope.get("state", {}).get("template")
    if told is not None:
        return f"{MLFLOW_PATH}{told}"
    return str(getattr(scope.get("route"), "path", NO_ROUTE))


def _attributes(state: Mapping[str, Any]) -> dict[str, Any]:
    actor = state.get("actor")
    ministries = len(actor.ministries) if actor is not None else 0
    return {"bongsu.request.id": str(state.get("number", "")), "bongsu.actor.ministries": ministries}


class InRequest:
    """Lines that are logged while a request is answered carry its number."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = current_request.set(str(scope.get("state", {}).get("number", "")))
        try:
            await self._app(scope, receive, send)
        finally:
            current_request.reset(token)
