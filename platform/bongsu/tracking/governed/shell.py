"""The door in front of MLflow's own server: who asks, for which ministry, and for which route.

Everything is decided before MLflow hears of the request: a caller without a name gets 401, a route that is not on the
list is not there, a workspace is there for its people only, and a path of a file has to belong to something that exists
for the caller. What MLflow then reads and writes goes through the row filter.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial

import anyio.to_thread
from mlflow.exceptions import MlflowException
from starlette._utils import get_route_path
from starlette.datastructures import Headers, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bongsu.domain.problems import BongsuError
from bongsu.tracking.governed.answers import BrokenOff, Guarded, Question
from bongsu.tracking.governed.artifact_access import may_reach
from bongsu.tracking.governed.artifact_paths import has_long_name, is_plain
from bongsu.tracking.governed.asked_things import object_of
from bongsu.tracking.governed.bodies import Body
from bongsu.tracking.governed.closed import closed_at
from bongsu.tracking.governed.file_responses import taking
from bongsu.tracking.governed.graphql_requests import fault_of
from bongsu.tracking.governed.refusals import (
    CHANGE_NOT_RECORDED,
    LONG_NAME,
    NOT_FOUND,
    UNKNOWN,
    Refusal,
    denial_by_rule,
    only_looks,
    reads_no_files,
)
from bongsu.tracking.governed.routes import Access, Route, match
from bongsu.tracking.governed.settings import GovernedSettings
from bongsu.tracking.governed.stores import ensure_workspaces
from bongsu.tracking.governed.viewer import NOT_LABELLED, Acting, Denial, Refused, Viewer, ViewerOf, acting
from bongsu.tracking.governed.visits import OpenVisit

_log = logging.getLogger(__name__)
WORKSPACE_HEADER = "x-mlflow-workspace"
_ARTIFACTS = "/mlflow-artifacts/artifacts"
_GRAPHQL = "/graphql"


class Shell:
    """See the module's docstring.

    Args:
        app: MLflow's own server.
        pages: serves the public routes.
        settings: limits, and who keeps the log.
        viewer_of: says who asks, and refuses what pages of other sites ask for.
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
            await self._pages(scope, receive, send)
            return
        visit = OpenVisit(scope, path, route, send, self._settings.note)
        try:
            await self._serve(visit, receive)
        except Refusal as refusal:
            await visit.refuse(refusal.denial)
        finally:
            await visit.tell()

    async def _still_may(self, visit: OpenVisit) -> bool:
        """Whether MLflow would begin to give the same file to the same person by now; that they read on is recorded as
        the begin was."""
        again = visit.again(self._settings.note)
        try:
            await self._serve(again, _nothing_sent(), only_looks=True)
        except Refusal:
            return False
        return again.is_given

    async def _serve(self, visit: OpenVisit, receive: Receive, *, only_looks: bool = False) -> None:
        scope, route = visit.scope, visit.route
        viewer = await self._viewer_of(scope)
        if isinstance(viewer, Denial):
            raise Refusal(viewer)
        visit.viewer = viewer
        scope.setdefault("state", {})["actor"] = viewer
        if route is None:
            raise Refusal(await self._nothing_open(visit, viewer, receive))
        visit.workspace = workspace = _workspace(scope, viewer)
        visit.actor = actor = Acting(
            viewer,
            workspace,
            self._settings.unlabelled,
            asks_files=route.access is Access.FILES,
            deed=route.deed,
            record=self._settings.record,
            request=str(scope["state"].get("number", "")),
            language=visit.language,
        )
        limit = self._settings.max_file if route.takes_file else self._settings.max_message
        at_end = partial(self._look_again, visit, route) if route.takes_file else None
        visit.body = body = Body(scope, receive, limit, keeps=not route.takes_file, at_end=at_end)
        _check_access(route, actor)
        if workspace not in self._workspaces:
            await anyio.to_thread.run_sync(ensure_workspaces, [workspace])
            self._workspaces.add(workspace)
        is_counted = actor.asks_files and not only_looks
        with acting(actor), self._one_more(viewer) if is_counted else nullcontext():
            await self._check_path(visit.path, scope["query_string"], route, actor)
            if route.template == _GRAPHQL:
                await _check_query(body)
            await self._ask(visit, route, body, None if only_looks else partial(self._still_may, visit))
            if body.refused is not None:
                raise Refusal(body.refused)

    async def _nothing_open(self, visit: OpenVisit, viewer: Viewer, receive: Receive) -> Denial:
        """Why nothing is served here: because it is closed, or because there is no such thing."""
        scope = visit.scope
        here = closed_at(scope["method"], visit.path) if is_plain(visit.path.strip("/")) else None
        if here is None:
            return NOT_FOUND
        visit.workspace = _workspace(scope, viewer)
        visit.deed = here.deed
        visit.body = Body(scope, receive, self._settings.max_message)
        asked = await visit.asked() if here.deed else {}
        object_ = object_of(asked, here.deed.partition(".")[0], visit.path, visit.workspace)
        refused = Refused((here.problem(object_, asked),), object_)
        if here.deed:
            return denial_by_rule(refused, visit.language)
        return denial_by_rule(refused, visit.language, NOT_FOUND.status, NOT_FOUND.code)

    async def _look_again(self, visit: OpenVisit, route: Route) -> None:
        """At who sends a file, once it is there: they were looked at when it began to come, maybe long ago. Raises
        Refusal."""
        scope = visit.again(None).scope
        viewer = await self._viewer_of(scope)
        if isinstance(viewer, Denial):
            raise Refusal(viewer)
        actor = Acting(viewer, _workspace(scope, viewer), self._settings.unlabelled, language=visit.language)
        _check_access(route, actor)
        with acting(actor):
            await self._check_path(visit.path, scope["query_string"], route, actor)

    @contextmanager
    def _one_more(self, viewer: Viewer) -> Iterator[None]:
        """For the time of an answer with a file. MLflow's clients try again after 429."""
        with ExitStack() as held:
            try:
                held.enter_context(self._settings.readers.one_more(viewer.id))
            except BongsuError as error:
                told = error.problems[0]
                raise Refusal(Denial(429, "REQUEST_LIMIT_EXCEEDED", f"{told.what()} {told.fix()}")) from None
            yield

    async def _ask(
        self, visit: OpenVisit, route: Route, body: Body, still_may: Callable[[], Awaitable[bool]] | None
    ) -> None:
        asked = Question(route, visit.scope["query_string"].decode("latin-1"), body, visit.workspace)
        failure: Exception | None = None
        with taking(still_may) as handed_over:
            guarded = Guarded(visit.send, asked, handed_over)
            try:
                inner = _inner_scope(visit.scope, visit.path, visit.workspace)
                await self._app(inner, body, guarded)
            except BrokenOff:
                return
            except Exception as error:  # whatever MLflow fails with: it is told below, once its files are closed
                failure = error
            finally:
                guarded.close()
        if body.refused is not None:
            return
        if visit.actor is not None and visit.actor.is_unrecorded:
            raise Refusal(CHANGE_NOT_RECORDED)
        if failure is not None:
            if not (visit.is_answered or guarded.is_failed):
                raise failure
            # Raised once more it would end the connection, on which the next request may be under way.
            _log.error("MLflow failed and answered", exc_info=failure)
        if guarded.is_failed:
            await guarded.tell_failure(failure)

    async def _check_path(self, path: str, query: bytes, route: Route, actor: Acting) -> None:
        """Names that no file has, and files that MLflow would hand out without asking its database."""
        below = path.rpartition(_ARTIFACTS)[2]
        asked_for = QueryParams(query.decode("latin-1")).multi_items()
        names = [below, *(value for name, value in asked_for if name.endswith("path"))]
        if (route.takes_file or route.access is Access.FILES) and any(map(has_long_name, names)):
            raise Refusal(LONG_NAME if route.takes_file else UNKNOWN)
        if _ARTIFACTS not in route.template:
            return
        _, _, rest = path.partition(_ARTIFACTS)
        # A listing has its path in the query; the first of several would be checked, and another one listed.
        asked = [rest.strip("/")] if rest else QueryParams(query.decode("latin-1")).getlist("path")
        if len(asked) != 1:
            raise Refusal(UNKNOWN)
        try:
            reached = await anyio.to_thread.run_sync(may_reach, asked[0].rstrip("/"), route.takes_file, actor)
        except MlflowException as error:
            raise Refusal(
                Denial(error.get_http_status_code(), error.error_code, error.message, actor.refused)
            ) from error
        if not reached:
            raise Refusal(UNKNOWN)


def _nothing_sent() -> Receive:
    """Of a request without a body, from somebody who waits for no more than its head."""
    messages: Iterator[Message] = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Message:
        return next(messages, {"type": "http.disconnect"})

    return receive


def _workspace(scope: Scope, viewer: Viewer) -> str:
    """The one that they ask for, if it is there for them."""
    asked = Headers(scope=scope).getlist(WORKSPACE_HEADER)
    names = {name.strip() for name in asked if name.strip()} or {viewer.home}
    if len(names) != 1 or not viewer.may_enter(name := names.pop()):
        raise Refusal(UNKNOWN)
    if name in viewer.closed:
        raise Refusal(NOT_LABELLED)
    return name


def _check_access(route: Route, actor: Acting) -> None:
    who, where = actor.viewer.id, actor.workspace
    if route.access is Access.WRITE and not actor.may_write:
        raise Refusal(denial_by_rule(Refused((only_looks(who, where),)), actor.language))
    if not actor.may_look:
        raise Refusal(denial_by_rule(Refused((reads_no_files(who, where),)), actor.language))


def _inner_scope(scope: Scope, path: str, workspace: str) -> Scope:
    """What MLflow is told: its own path, the workspace that was decided, and no credentials."""
    hidden = (b"authorization", b"cookie", b"proxy-authorization", WORKSPACE_HEADER.encode())
    headers = [(name, value) for name, value in scope["headers"] if name.lower() not in hidden]
    if workspace:
        headers.append((WORKSPACE_HEADER.encode(), workspace.encode()))
    return {**scope, "path": path, "root_path": "", "raw_path": path.encode(), "headers": headers}


async def _check_query(body: Body) -> None:
    fault = fault_of(await body.whole())
    if fault is not None:
        raise Refusal(Denial(400, "INVALID_PARAMETER_VALUE", fault))
