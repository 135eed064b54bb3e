"""A request while it is answered: who keeps the log of who read what hears of the answer before it is given."""

from __future__ import annotations

import logging
from dataclasses import replace

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.types import Message, Scope, Send

from bongsu.language.translation import preferred_language
from bongsu.tracking.governed.asked_things import asked_for, object_of
from bongsu.tracking.governed.bodies import Body
from bongsu.tracking.governed.refusals import NOT_RECORDED, answer
from bongsu.tracking.governed.routes import Access, Route, parts
from bongsu.tracking.governed.stores import shown_so_far
from bongsu.tracking.governed.viewer import AGAIN, Acting, Denial, Note, Refused, Shown, Viewer, Visit, acting

_log = logging.getLogger(__name__)
# What MLflow says where it has nothing to say.
_NOTHING = (b"", b"{}")
_LONGEST_NOTHING = 16
# MLflow's clients ask for no language, and programs read what they are told.
_LANGUAGE = "en"
_READ = "mlflow.read"


class OpenVisit:
    """Sends the answer of one request.

    A change may tell of what it changes, even where it is refused: of a parameter that has another value, which. So the
    begin of its answer is kept until it is known whether anything follows.
    """

    def __init__(self, scope: Scope, path: str, route: Route | None, send: Send, note: Note | None) -> None:
        self.scope = scope
        self.path = path
        self.route = route
        self.viewer: Viewer | None = None
        self.workspace = ""
        self.actor: Acting | None = None
        self.deed = route.deed if route is not None else ""
        self.body: Body | None = None
        self.language = preferred_language(Headers(scope=scope).get("accept-language"), _LANGUAGE)
        self.is_answered = False
        self.is_given = False
        self._send = send
        self._note = note
        self._status = 500
        self._kept: list[Message] = []
        self._is_withheld = False
        self._refused: Refused | None = None

    def again(self, note: Note | None) -> OpenVisit:
        """The same request once more, as whoever asked is by now; nobody hears its answer. ``is_given`` says of it
        whether it would be given."""
        known = self.scope.get("state", {})
        state = {"number": known.get("number", "")}
        if known.get("identity") is not None:
            state[AGAIN] = known["identity"]

        async def hear(message: Message) -> None:
            if message["type"] == "http.response.start":
                visit.is_given = message["status"] in (200, 206)

        visit = OpenVisit({**self.scope, "state": state}, self.path, self.route, hear, note)
        return visit

    async def send(self, message: Message) -> None:
        """A part of what MLflow answers."""
        if self._is_withheld:
            return
        if message["type"] == "http.response.start":
            self.is_answered = True
            self._status = message["status"]
            self._kept = [message]
            if self.route is None or self.route.access is not Access.WRITE:
                await self._let_go(says_something=True)
        elif self._kept:
            self._kept.append(message)
            said = b"".join(one.get("body", b"") for one in self._kept)
            if len(said) > _LONGEST_NOTHING or not message.get("more_body", False):
                await self._let_go(says_something=said.strip() not in _NOTHING)
        else:
            await self._send(message)

    async def refuse(self, denial: Denial) -> None:
        """Answer in the door's own words, which are nobody's."""
        if self.is_answered:
            return
        self.is_answered = True
        self._status = denial.status
        self._refused = denial.refused
        await self._tell_or_withhold(says_something=False)
        if not self._is_withheld:
            await answer(denial, self._send)

    async def tell(self, says_something: bool = False) -> None:
        """Once."""
        note, self._note = self._note, None
        if note is not None:
            await note(await self._seen(says_something))

    async def _let_go(self, says_something: bool) -> None:
        kept, self._kept = self._kept, []
        await self._tell_or_withhold(says_something)
        for message in kept if not self._is_withheld else ():
            await self._send(message)

    async def _tell_or_withhold(self, says_something: bool) -> None:
        try:
            await self.tell(says_something)
        except Exception:  # for whatever reason: what is not on record is not given
            _log.exception("a visit could not be recorded")
            self._is_withheld = True
            await answer(NOT_RECORDED, self._send)

    async def _seen(self, says_something: bool) -> Visit:
        shown: tuple[Shown, ...] = ()
        # Who is told that there is no such thing has seen nothing of it.
        if self.actor is not None and self.actor.shown and says_something and self._status != 404:
            with acting(self.actor):
                shown = await anyio.to_thread.run_sync(shown_so_far, self.actor)
        refused = await self._by_rule() if self._status == 403 and self.viewer is not None else None
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
            action=f"mlflow.{self.deed}" if self.deed else _READ,
            refused=refused,
        )

    async def asked(self) -> dict[str, str]:
        """What is named in the request; the rest of its body is received for it."""
        body = await self.body.rest() if self.body is not None else b""
        return asked_for(
            self.scope["query_string"].decode("latin-1"), body, parts(self.route, self.path) if self.route else {}
        )

    async def _by_rule(self) -> Refused | None:
        """Which rule refused it; None if none of ours did."""
        refused = self._refused or (self.actor.refused if self.actor is not None else None)
        if refused is None or refused.object:
            return refused
        object_ = object_of(await self.asked(), self.deed.partition(".")[0], self.path, self.workspace)
        return replace(refused, object=object_ or f"mlflow:{self.path}")
