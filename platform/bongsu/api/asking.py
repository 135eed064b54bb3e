"""Who asks, and what for: every route states its permission.

Where that is checked: ``everywhere``, ``each``, ``within``, ``within_still``, ``of_run`` and ``run_to_change`` give a
route nothing but what its permission and the asker allow. ``of_member`` and ``of_log`` let in who is something in a
ministry, and leave the rest to the use case that is handed the actor, because it looks at more than the permission; so
do routes that take ``plane``: people, ministries and secrets, keys of the audit log, exporting a model, what workers
ask, pipelines handed in, and searches and lists of versions over all ministries. A test holds the other routes to the
methods of :class:`Asker`. Whoever refuses records it; a request that comes to no use case is recorded here.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel

from bongsu.api.large_responses import LargeResponse
from bongsu.api.query_names import refuse_unheard
from bongsu.api.requests import Rate, key_of_actor, key_of_address, language_of, request_id
from bongsu.api.response_models import given, given_as_model
from bongsu.domain.codes import api as api_codes
from bongsu.domain.codes import identity as codes
from bongsu.domain.grades import GradeScheme
from bongsu.domain.paging import PageRequest
from bongsu.domain.people import Actor, ActorKind
from bongsu.domain.problems import BongsuError
from bongsu.identity.bearer import bearer_token
from bongsu.language.translation import translator
from bongsu.policy.access import Permission
from bongsu.service.audit.reads import note_list
from bongsu.service.control_plane import ControlPlane
from bongsu.service.platform import Platform
from bongsu.service.recording import stop_flood
from bongsu.service.run_lists import of_run, run_to_change
from bongsu.service.watching import Look, look_at_log, look_closely
from bongsu.service.worker_access import refuse_elsewhere
from bongsu.store.records import EventRecord, RunRecord

STATED = "x-permission"
ANYBODY = "anybody"
SIGNED_IN = "signed-in"
WORKER = "worker"


@dataclass(frozen=True)
class Asker:
    """A request, as far as a route needs it.

    Attributes:
        plane: for use cases that check themselves what the actor may do, see above.
        actor: who asks.
        permission: what the route asks for; None where being signed in is enough.
        language: ``ko`` or ``en``, as the reader wants it.
        request: number of the request.
    """

    plane: ControlPlane
    actor: Actor
    permission: Permission | None
    language: str
    request: str

    @property
    def needed(self) -> Permission:
        """The permission, of a route that asks for one."""
        assert self.permission is not None
        return self.permission

    def everywhere(self) -> Platform:
        """See :meth:`bongsu.service.control_plane.ControlPlane.everywhere`."""
        return self.plane.everywhere(self.actor, self.needed)

    def each(self) -> Iterator[tuple[str, Platform]]:
        """See :meth:`bongsu.service.control_plane.ControlPlane.each`."""
        return self.plane.each(self.actor, self.needed)

    def within(self, ministry: str) -> Platform:
        """See :meth:`bongsu.service.control_plane.ControlPlane.within`; a refusal is recorded."""
        with self._door(ministry):
            return self.plane.within(self.actor, self.needed, ministry)

    def within_still(self, ministry: str) -> Platform:
        """As :meth:`within`, of somebody who asked a while ago: their roles and their clearance are those of now.
        Raises ``identity.not-signed-in`` once they are disabled."""
        return self.as_now().within(ministry)

    def of_member(self, ministry: str) -> Platform:
        """See :meth:`bongsu.service.control_plane.ControlPlane.of_member`; a refusal is recorded."""
        with self._door(ministry):
            return self.plane.of_member(self.actor, ministry)

    def of_log(self, ministry: str) -> Platform:
        """See :meth:`bongsu.service.control_plane.ControlPlane.of_log`; a refusal is recorded."""
        with self._door(ministry):
            return self.plane.of_log(self.actor, ministry)

    def _door(self, ministry: str) -> AbstractContextManager[None]:
        return self.plane.refusals_at_door(self.actor, self.needed, ministry)

    def grades(self) -> GradeScheme:
        """Of the site, which are everybody's."""
        return self.plane.grades()

    def of_run(self, run: str) -> tuple[Platform, RunRecord]:
        """See :func:`bongsu.service.run_lists.of_run`."""
        return of_run(self.plane, self.actor, self.needed, run)

    def run_to_change(self, run: str, action: str) -> tuple[Platform, RunRecord]:
        """See :func:`bongsu.service.run_lists.run_to_change`."""
        return run_to_change(self.plane, self.actor, self.needed, run, action)

    def as_now(self) -> Asker:
        """While an answer goes on. Raises ``identity.not-signed-in`` once they are disabled."""
        return replace(self, actor=self.plane.as_now(self.actor))

    def look_again(self, run: str) -> None:
        """At what is still so while an answer goes on: raises as :meth:`of_run` once they may not see the run, and as
        :meth:`as_now`. That they read on is recorded as reading is."""
        self.as_now().of_run(run)

    def look_closely(self, run: str) -> Look:
        """See :func:`bongsu.service.watching.look_closely`."""
        return look_closely(self.plane, self.actor, self.needed, run)

    def look_at_log(self, run: str, wanted: PageRequest) -> list[EventRecord]:
        """See :func:`bongsu.service.watching.look_at_log`."""
        return look_at_log(self.plane, self.actor, self.needed, run, wanted)

    def note_list(self, object_: str, shown: Iterable[tuple[str, str]]) -> None:
        """See :func:`bongsu.service.audit.reads.note_list`; called before the list is given."""
        note_list(self.plane.base, self.actor, object_, shown, self.request)

    def check_reading(self) -> None:
        """Before anything is opened or recorded that :meth:`hand_out` is to give. Raises ``api.too-many-read``."""
        self.plane.base.readers.check(self.actor.id)

    def reading(self) -> AbstractContextManager[None]:
        """For the time in which bytes are read for them. Raises ``api.too-many-read``."""
        return self.plane.base.readers.one_more(self.actor.id)

    def hand_out(
        self,
        pieces: Iterator[bytes],
        media_type: str,
        headers: Mapping[str, str],
        look_again: Callable[[Asker], object],
        close: Callable[[], None] = lambda: None,
        held: AbstractContextManager[object] | None = None,
    ) -> LargeResponse:
        """As :class:`bongsu.api.large_responses.LargeResponse`; ``look_again`` is handed the asker as they are then.
        Who is counted as a reader already gives what :meth:`reading` gave, as ``held``: it ends with the answer."""
        counted = self.reading if held is None else lambda: held
        return LargeResponse(pieces, counted, close, lambda: look_again(self.as_now()), media_type, headers)

    @property
    def translate(self) -> Callable[[str], str]:
        return translator(self.language)


def asks_for(
    permission: Permission, body: Mapping[str, Any] | None = None, *, gives: Any = None, about: str = ""
) -> dict[str, Any]:
    """For a route: ``@router.get("/runs", **asks_for(Permission.RUN_READ, gives=Page[RunSummary]))``.

    Args:
        permission: that whoever asks needs.
        body: describes what it reads, as :func:`bongsu.api.bodies.described` does.
        gives: type of what it hands to :func:`bongsu.api.answers.answer`; None for what is no JSON.
        about: key of the document within it that `fields` takes keys of as well, as ``answer`` has it.
    """
    return _stating(permission.value, given(gives, about), body or {})


def for_anybody(*, gives: Any = None) -> dict[str, Any]:
    """For a route that tells nobody anything: whether the server is there, its schema."""
    return _stating(ANYBODY, given(gives), {"security": []})


def for_signed_in(*, gives: Any = None) -> dict[str, Any]:
    """For a route about the asker."""
    return _stating(SIGNED_IN, given(gives))


def for_workers(*, gives: type[BaseModel]) -> dict[str, Any]:
    """For a route that the worker of an attempt asks with its own token. It does not exist for anybody else, and there
    is no other that a worker may ask. What it gives is as pydantic writes it."""
    return _stating(WORKER, given_as_model(gives))


def _stating(permission: str, *more: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {STATED: permission, "security": [{"bearer": []}]}
    for one in more:
        found |= one
    return {"openapi_extra": found}


def stated(route: APIRoute) -> str | None:
    """What a route asks for; None if it does not say."""
    return (route.openapi_extra or {}).get(STATED)


def _actor(request: Request) -> Actor:
    """Who asks, found out and counted once for a request. In a thread of its own, as the routes are: a database is
    asked."""
    known: Actor | None = getattr(request.state, "actor", None)
    if known is not None:
        return known
    plane: ControlPlane = request.app.state.plane
    rate: Rate = request.app.state.rate
    token = bearer_token(request.headers.raw)
    if not token:
        rate.take(key_of_address(request.scope))
        raise codes.NOT_SIGNED_IN.error()
    try:
        actor = plane.identify(token)
    except BongsuError:
        rate.take(key_of_address(request.scope))  # whoever tries tokens has no name to be counted by
        raise
    request.state.actor = actor
    rate.take(key_of_actor(actor))
    stop_flood(plane.base, actor, request_id(request))
    return actor


class AskedFirst(APIRoute):
    """A route that reads nothing of a body before it is known who sends it: FastAPI itself would take each into memory,
    and whoever is nobody could fill that."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()
        if self.body_field is None:
            return answer

        async def known_first(request: Request) -> Response:
            await run_in_threadpool(_actor, request)
            return await answer(request)

        return known_first


def _asker(request: Request) -> Asker:
    actor = _actor(request)
    plane: ControlPlane = request.app.state.plane
    found = stated(request.scope["route"])
    permission = None if found in (None, SIGNED_IN, ANYBODY, WORKER) else Permission(found)
    language = language_of(request)
    number = request_id(request)
    asker = Asker(plane.for_request(number), actor, permission, language, number)
    _refuse_wrong_kind(request, asker, found)
    _refuse_condition(request)
    refuse_unheard(request)
    return asker


def _refuse_condition(request: Request) -> None:
    """A change under a condition that nobody looks at must not be made (RFC 9110, 13.1.1)."""
    tag = request.headers.get("if-match", "*").strip()
    if request.method not in ("GET", "HEAD") and tag != "*":
        raise api_codes.PRECONDITION.error(tag=tag)


def _refuse_wrong_kind(request: Request, asker: Asker, found: str | None) -> None:
    """Workers have doors of their own, and nobody else has those."""
    is_worker = asker.actor.kind is ActorKind.WORKER
    if is_worker and found != WORKER:
        door = f"{request.method} {request.scope['route'].path}"
        raise refuse_elsewhere(asker.plane.of_worker(asker.actor), asker.actor, door)
    if found == WORKER and not is_worker:
        raise api_codes.NO_SUCH_ROUTE.error(path=request.url.path)


Asking = Annotated[Asker, Depends(_asker)]


@dataclass(frozen=True)
class Door:
    """A route as somebody may reach it: its path, its methods, and the permission that it states, if it does."""

    path: str
    methods: frozenset[str]
    permission: str | None

    def __str__(self) -> str:
        return f"{'/'.join(sorted(self.methods))} {self.path}"


def doors(app: FastAPI) -> Iterator[Door]:
    """Every route, those of included routers too. One that states a permission and does not ask who is there, or that
    reads a body before it does, states none."""
    for found in iter_route_contexts(app.routes):
        route, path, methods = found.original_route, found.path or "", frozenset(found.methods or ())
        if not isinstance(route, APIRoute):
            yield Door(path, methods, None)
            continue
        permission = stated(route)
        is_asked = any(part.call is _asker for part in route.dependant.dependencies)
        if route.body_field is not None and not isinstance(route, AskedFirst):
            permission = None
        yield Door(path, methods, permission if (permission == ANYBODY) != is_asked else None)


def unstated(app: FastAPI) -> Iterator[str]:
    """Routes without a permission; there must be none, but for the schema, which tells nobody anything."""
    for door in doors(app):
        if door.permission is None and door.path != app.openapi_url:
            yield str(door)
