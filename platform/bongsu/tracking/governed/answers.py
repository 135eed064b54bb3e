"""What MLflow answers, as it is passed on: with headers for browsers, and errors in words for whoever asked."""

from __future__ import annotations

import asyncio
import errno
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import anyio.to_thread
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from bongsu.artifacts.sending import LOOK_AGAIN_S, left
from bongsu.tracking.governed.bodies import Body
from bongsu.tracking.governed.faults import fault_of
from bongsu.tracking.governed.file_responses import HandedOver
from bongsu.tracking.governed.refusals import NO_ROOM, answer
from bongsu.tracking.governed.routes import Access, Route
from bongsu.tracking.governed.viewer import Denial

_DATABASE_WORDS = (b"[SQL:", b"sqlite3.", b"psycopg", b"sqlalchemy", b"bongsu_", b"Traceback")
# What MLflow's clients mean where nobody chose an experiment.
_NO_DEFAULT = "no experiment with id=0 exists"
# A batch that is refused is told with each value that stands.
_LONGEST_ERROR = 2 * 1024 * 1024
_CODES: Mapping[int, str] = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    409: "RESOURCE_CONFLICT",
    429: "REQUEST_LIMIT_EXCEEDED",
}
_FAILED = "MLflow could not do this; the server's log says why."
_UNTOLD = (
    "MLflow cannot do this as it was asked. What it says of it has rows of its database in it and is not passed on:"
    " look at the names and ids in your question."
)
_EXISTS = "RESOURCE_ALREADY_EXISTS"
_TAKEN = "There is something of this name already, or was it made at this moment: use it, or take another name."
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
# Files of these kinds run nothing where they are shown; a picture with a script (SVG) runs it only as a page of its
# own, which the policy of every answer keeps from it.
_SHOWN = ("image/", "audio/", "video/", "application/json", "text/plain")


@dataclass(frozen=True)
class Question:
    """What MLflow is asked.

    Attributes:
        query: of the address.
        workspace: in which it is asked.
    """

    route: Route
    query: str
    body: Body
    workspace: str


class BrokenOff(Exception):
    """A file, because whoever asked for it has left, or may see it no longer."""


class Guarded:
    """Passes on what MLflow answers to one question.

    Args:
        handed_over: the file that it answers with, if it does.

    Attributes:
        is_failed: MLflow says that it failed, and nobody was told so yet.

    Calling it raises BrokenOff once nobody waits for the rest of a file, or may have it: MLflow would read it to its
    end.
    """

    def __init__(self, send: Send, asked: Question, handed_over: HandedOver) -> None:
        self._send = send
        self._asked = asked
        self._handed_over = handed_over
        self._start: dict[str, Any] | None = None
        self._body = b""
        self._leaving: asyncio.Task[None] | None = None
        self._looked_at = time.monotonic()
        self.is_failed = False

    async def __call__(self, message: Message) -> None:
        if self._asked.body.refused is not None:
            return  # MLflow's words about a body that broke off; the shell has its own
        if message["type"] == "http.response.start":
            self._protect(message)
            if message["status"] >= 400:
                self._start = dict(message)
                return
            if self._asked.route.access is Access.FILES:
                self._leaving = asyncio.create_task(left(self._asked.body))
        elif self._start is not None:
            self._body = (self._body + message.get("body", b""))[:_LONGEST_ERROR]
            if not message.get("more_body", False):
                await self._send_error(self._start)
            return
        elif self._handed_over.file is not None:
            await self._handed_over.send(self._asked.body, self._send)
            return
        elif self._leaving is not None and (self._leaving.done() or not await self._may_go_on()):
            raise BrokenOff
        await self._send(message)

    async def _may_go_on(self) -> bool:
        look = self._handed_over.still_may
        if look is None:
            return False  # it is only looked whether it would begin
        if time.monotonic() - self._looked_at < LOOK_AGAIN_S:
            return True
        self._looked_at = time.monotonic()
        return await look()

    def close(self) -> None:
        """Nobody is looked for any more."""
        if self._leaving is not None:
            self._leaving.cancel()

    async def tell_failure(self, error: Exception | None) -> None:
        """That MLflow failed, once it is known what it raised, if it raised anything."""
        assert self._start is not None
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            await answer(NO_ROOM, self._send)
            return
        await answer(await anyio.to_thread.run_sync(self._failed, self._start["status"]), self._send)

    def _protect(self, start: Message) -> None:
        headers = MutableHeaders(scope=start)
        headers["cache-control"] = "no-store"
        headers["x-content-type-options"] = "nosniff"
        headers["x-frame-options"] = "SAMEORIGIN"
        # Somebody's file that is opened as a page of its own could otherwise act as whoever opened it.
        headers["content-security-policy"] = "sandbox; default-src 'none'"
        if self._asked.route.access is Access.FILES:
            # Nor is it a script or a style of MLflow's page, which asks for bytes and looks at the name.
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if not kind.startswith(_SHOWN):
                is_text = kind.startswith("text/")
                headers["content-type"] = "text/plain; charset=utf-8" if is_text else "application/octet-stream"
            if kind != "application/json":
                headers.setdefault("content-disposition", "attachment")

    async def _send_error(self, start: dict[str, Any]) -> None:
        if start["status"] >= 500:
            self.is_failed = True
            return
        said = _said(self._body)
        if any(word in self._body for word in _DATABASE_WORDS):
            await answer(_without_rows(start["status"], said), self._send)
            return
        if "error_code" not in said or "message" not in said:
            await answer(_in_mlflow_s_form(start["status"], said), self._send)
            return
        if str(said["message"]).casefold() == _NO_DEFAULT:
            await answer(Denial(404, said["error_code"], _no_experiment(self._asked.workspace)), self._send)
            return
        headers = MutableHeaders(raw=start["headers"])
        headers["content-length"] = str(len(self._body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": self._body})

    def _failed(self, status: int) -> Denial:
        """MLflow fails at much that it was asked wrongly, and says so as if it were the server's fault."""
        asked, fault = self._asked, None
        if asked.route.takes_json(asked.body.is_called_json):
            fault = fault_of(asked.route, asked.query, asked.body.received)
        if fault is not None:
            return Denial(400, "INVALID_PARAMETER_VALUE", fault)
        return Denial(status, "INTERNAL_ERROR", _FAILED)


def _said(body: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _without_rows(status: int, said: Mapping[str, Any]) -> Denial:
    """What MLflow tells with the words of its database, which hold rows. Its clients go on by the code if another one
    has made the same thing at the same moment (``mlflow.set_experiment`` of several processes)."""
    if said.get("error_code") == _EXISTS:
        return Denial(status, _EXISTS, _TAKEN)
    return Denial(status, "BAD_REQUEST", _UNTOLD)


def _in_mlflow_s_form(status: int, said: Mapping[str, Any]) -> Denial:
    """What its frameworks refuse before MLflow hears of it."""
    status = 400 if status == 422 else status
    detail = said.get("detail")
    message = (
        detail if isinstance(detail, str) else f"{HTTPStatus(status).phrase}: {HTTPStatus(status).description}"
    )
    return Denial(status, _CODES.get(status, "INVALID_PARAMETER_VALUE"), message)


def _no_experiment(workspace: str) -> str:
    return (
        "You have chosen no experiment, and there is no default one here: every experiment is a ministry's. Choose one"
        f' of the workspace {workspace} before the run begins, by a name of yours: mlflow.set_experiment("NAME"), or'
        " the environment variable MLFLOW_EXPERIMENT_NAME; it is made if there is none of this name."
    )
