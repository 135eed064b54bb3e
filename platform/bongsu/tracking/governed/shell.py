"""The door in front of MLflow's own server: who asks, for which ministry, and for which route.

Everything is decided before MLflow hears of the request: a caller without a name gets 401, a route that is not on the
list is not there, a workspace is there for its people only, and a path of a file has to belong to something that exists
for the caller. What MLflow then reads and writes goes through the row filter.
"""

from __future__ import annotations

import json
import logging
from typing import Any

import anyio.to_thread
from mlflow.exceptions import MlflowException
from starlette._utils import get_route_path
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bongsu.tracking.governed.artifact_access import may_reach
from bongsu.tracking.governed.artifact_paths import is_plain
from bongsu.tracking.governed.graphql_requests import fault_of
from bongsu.tracking.governed.routes import Access, Route, match
from bongsu.tracking.governed.settings import GovernedSettings
from bongsu.tracking.governed.stores import ensure_workspaces, shown_so_far
from bongsu.tracking.governed.viewer import (
    NOT_LABELLED,
    Acting,
    Denial,
    Note,
    Shown,
    Viewer,
    ViewerOf,
    Visit,
    acting,
)

_log = logging.getLogger(__name__)
WORKSPACE_HEADER = "x-mlflow-workspace"
_ARTIFACTS = "/mlflow-artifacts/artifacts"
_GRAPHQL = "/graphql"
_DATABASE_WORDS = (b"[SQL:", b"sqlite3.", b"psycopg", b"sqlalchemy", b"bongsu_", b"Traceback")
_LONGEST_ERROR = 64 * 1024


class Refusal(Exception):
    """Made anew each time: what is raised keeps the frames that it passed, and with them the request and its token."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.message)
        self.denial = denial


NOT_FOUND = Denial(404, "ENDPOINT_NOT_FOUND", "There is nothing at this address.")
_UNKNOWN = Denial(404, "RESOURCE_DOES_NOT_EXIST", "What you ask for does not exist.")
_ONLY_LOOK = Denial(403, "PERMISSION_DENIED", "You may look at these things but not change them.")
_NO_FILES = Denial(403, "PERMISSION_DENIED", "You may not read files; ask for a role that may.")
_FOREIGN_PAGE = Denial(403, "PERMISSION_DENIED", "This change was asked for by a page of another site.")
_NOT_RECORDED = Denial(503, "TEMPORARILY_UNAVAILABLE", "That you read this cannot be recorded now; try again.")
_TOO_LARGE = Denial(413, "INVALID_PARAMETER_VALUE", "This is larger than the server takes.")


class _OpenVisit:
    """A request while it is answered."""

    def __init__(self, scope: Scope, path: str, route: Route | None, send: Send, note: Note | None) -> None:
        self.scope = scope
        self.path = path
        self.route = route
        self.viewer: Viewer | None = None
        self.workspace = ""
        self.actor: Acting | None = None
        self._send = send
        self._note = note
        self._status = 500
        self._is_withheld = False

    async def send(self, message: Message) -> None:
        """Whoever keeps the log of who read what hears of the answer before it is given."""
        if self._is_withheld:
            return
        if message["type"] == "http.response.start":
            self._status = message["status"]
            try:
                await self.tell()
            except Exception:
                _log.exception("a visit could not be recorded")
                self._is_withheld = True
                await _answer(_NOT_RECORDED, self._send)
                return
        await self._send(message)

    async def tell(self) -> None:
        """Once."""
        note, self._note = self._note, None
        if note is not None:
            await note(await self._seen())

    async def _seen(self) -> Visit:
        is_reading = self.route is not None and self.route.access in (Access.LOOK, Access.FILES)
        shown: tuple[Shown, ...] = ()
        if self.actor is not None and self.actor.shown and is_reading and self._status < 400:
            with acting(self.actor):
                shown = await anyio.to_thread.run_sync(shown_so_far, self.actor)
        return Visit(
            viewer=self.viewer,
            workspace=self.workspace,
            method=self.scope["method"],
            route=self.path if self.route is None else self.route.template,
            path=self.path,
            query=self.scope["query_string"].decode("latin-1"),
            status=self._status,
            request=str(self.scope.get("state", {}).get("number", "")),
            shown=shown,
        )


class Shell:
    """See the module's docstring.

    Args:
        app: MLflow's own server.
        pages: serves the public routes.
        settings: limits, and whose pages are trusted.
        viewer_of: says who asks.
    """

    def __init__(self, app: ASGIApp, pages: ASGIApp, settings: GovernedSettings, viewer_of: ViewerOf) -> None:
        self._app = app
        self._pages = pages
        self._settings = settings
        self._viewer_of = viewer_of
        self._workspaces: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        if scope["type"] != "http":
            return
        path = get_route_path(scope)
        route = match(scope["method"], path) if path == "/" or is_plain(path.strip("/")) else None
        # For who counts requests, by routes and not by what is asked for.
        seen = scope.setdefault("state", {})
        seen["template"] = route.template if route is not None else "/{unknown}"
        if route is not None and route.access is Access.PUBLIC:
            await self._pages(_inner_scope(scope, path, ""), receive, send)
            return
        visit = _OpenVisit(scope, path, route, send, self._settings.note)
        try:
            await self._serve(visit, receive)
        except Refusal as refusal:
            await _answer(refusal.denial, visit.send)
        finally:
            await visit.tell()

    async def _serve(self, visit: _OpenVisit, receive: Receive) -> None:
        scope, route = visit.scope, visit.route
        viewer = await self._viewer_of(scope)
        if isinstance(viewer, Denial):
            raise Refusal(viewer)
        visit.viewer = viewer
        scope.setdefault("state", {})["actor"] = viewer
        if route is None:
            raise Refusal(NOT_FOUND)
        self._check_origin(scope)
        visit.workspace = workspace = _workspace(scope, viewer)
        visit.actor = actor = Acting(
            viewer, workspace, self._settings.unlabelled, asks_files=route.access is Access.FILES
        )
        _check_access(route, actor)
        if workspace not in self._workspaces:
            await anyio.to_thread.run_sync(ensure_workspaces, [workspace])
            self._workspaces.add(workspace)
        with acting(actor):
            await self._check_path(visit.path, scope["query_string"], route, actor)
            body = _Body(
                scope, receive, self._settings.max_file if route.takes_file else self._settings.max_message
            )
            if route.template == _GRAPHQL:
                await _check_query(body)
            try:
                await self._app(_inner_scope(scope, visit.path, workspace), body, _Guarded(visit.send, body))
            except Exception:
                if not body.is_too_large:
                    raise
            if body.is_too_large:
                raise Refusal(_TOO_LARGE)

    def _check_origin(self, scope: Scope) -> None:
        """A browser sends a person's cookie with whatever another site asks for; a client of MLflow has no origin."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None or scope["method"] in ("GET", "HEAD"):
            return
        own = f"{scope.get('scheme', 'http')}://{headers.get('host', '')}"
        if origin != own and origin not in self._settings.origins:
            raise Refusal(_FOREIGN_PAGE)

    async def _check_path(self, path: str, query: bytes, route: Route, actor: Acting) -> None:
        """Files that MLflow would hand out without asking its database."""
        if _ARTIFACTS not in route.template:
            return
        _, _, rest = path.partition(_ARTIFACTS)
        # A listing has its path in the query; the first of several would be checked, and another one listed.
        asked = [rest.strip("/")] if rest else QueryParams(query.decode("latin-1")).getlist("path")
        if len(asked) != 1:
            raise Refusal(_UNKNOWN)
        try:
            reached = await anyio.to_thread.run_sync(may_reach, asked[0].rstrip("/"), route.takes_file, actor)
        except MlflowException as error:
            raise Refusal(Denial(error.get_http_status_code(), error.error_code, error.message)) from error
        if not reached:
            raise Refusal(_UNKNOWN)


def _workspace(scope: Scope, viewer: Viewer) -> str:
    """The one that they ask for, if it is there for them."""
    asked = Headers(scope=scope).getlist(WORKSPACE_HEADER)
    names = {name.strip() for name in asked if name.strip()} or {viewer.home}
    if len(names) != 1 or not viewer.may_enter(name := names.pop()):
        raise Refusal(_UNKNOWN)
    if name in viewer.closed:
        raise Refusal(NOT_LABELLED)
    return name


def _check_access(route: Route, actor: Acting) -> None:
    if route.access is Access.WRITE and not actor.may_write:
        raise Refusal(_ONLY_LOOK)
    if not actor.may_look:
        raise Refusal(_NO_FILES)


def _inner_scope(scope: Scope, path: str, workspace: str) -> Scope:
    """What MLflow is told: its own path, the workspace that was decided, and no credentials."""
    hidden = (b"authorization", b"cookie", b"proxy-authorization", WORKSPACE_HEADER.encode())
    headers = [(name, value) for name, value in scope["headers"] if name.lower() not in hidden]
    if workspace:
        headers.append((WORKSPACE_HEADER.encode(), workspace.encode()))
    return {**scope, "path": path, "root_path": "", "raw_path": path.encode(), "headers": headers}


class _Body:
    """What is received, up to ``limit`` bytes."""

    def __init__(self, scope: Scope, receive: Receive, limit: int) -> None:
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdecimal() or int(declared) > limit:
            raise Refusal(_TOO_LARGE)
        self._receive = receive
        self._left = limit
        self._kept: Message | None = None

    @property
    def is_too_large(self) -> bool:
        return self._left < 0

    async def whole(self) -> bytes:
        """All of it, which is received once more afterwards."""
        parts: list[bytes] = []
        is_more = True
        while is_more:
            message = await self()
            parts.append(message.get("body", b""))
            is_more = message.get("more_body", False)
        self._kept = {"type": "http.request", "body": b"".join(parts), "more_body": False}
        return b"".join(parts)

    async def __call__(self) -> Message:
        if self._kept is not None:
            kept, self._kept = self._kept, None
            return kept
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self.is_too_large:
            raise Refusal(_TOO_LARGE)
        return message


async def _check_query(body: _Body) -> None:
    fault = fault_of(await body.whole())
    if fault is not None:
        raise Refusal(Denial(400, "INVALID_PARAMETER_VALUE", fault))


class _Guarded:
    """Passes an answer on, with headers for browsers; an error that tells of the database is told in other words."""

    def __init__(self, send: Send, body: _Body) -> None:
        self._send = send
        self._asked = body
        self._start: dict[str, Any] | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if self._asked.is_too_large:
            return  # MLflow's words about a body that broke off; the shell has its own
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["cache-control"] = "no-store"
            headers["x-content-type-options"] = "nosniff"
            headers["x-frame-options"] = "SAMEORIGIN"
            # Somebody's file that is opened as a page of its own could otherwise act as whoever opened it.
            headers["content-security-policy"] = "sandbox; default-src 'none'"
            if message["status"] >= 400:
                self._start = dict(message)
                return
        elif self._start is not None:
            self._body = (self._body + message.get("body", b""))[:_LONGEST_ERROR]
            if not message.get("more_body", False):
                await self._send_error(self._start)
            return
        await self._send(message)

    async def _send_error(self, start: dict[str, Any]) -> None:
        if start["status"] >= 500 or any(word in self._body for word in _DATABASE_WORDS):
            status, code = start["status"], "INTERNAL_ERROR" if start["status"] >= 500 else "BAD_REQUEST"
            await _answer(Denial(status, code, "MLflow could not do this; the server's log says why."), self._send)
            return
        headers = MutableHeaders(raw=start["headers"])
        headers["content-length"] = str(len(self._body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": self._body})


async def _answer(denial: Denial, send: Send) -> None:
    body = json.dumps({"error_code": denial.code, "message": denial.message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers.append((b"cache-control", b"no-store"))
    if denial.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if denial.status == 503:
        headers.append((b"retry-after", b"2"))
    await send({"type": "http.response.start", "status": denial.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
