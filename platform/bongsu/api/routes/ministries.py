"""Ministries that take part: which there are for the asker, further ones, one that leaves; and the people of one."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from bongsu.api.answers import Cursor, Fields, Limit, Page, answer, page, place_of, sliced
from bongsu.api.asking import Asking, asks_for
from bongsu.api.bodies import Body
from bongsu.api.routes.people import Addition
from bongsu.domain.people import MINISTRY_NAME, ActorKind
from bongsu.policy.access import Permission
from bongsu.service.ministries import NewMinistry, close_ministry, list_ministries, register_ministry
from bongsu.service.people import list_people
from bongsu.service.people_documents import PersonDocument, person_document
from bongsu.store.people import Ministry

router = APIRouter(prefix="/v1/ministries", tags=["ministries"])
P = Permission
Name = Annotated[str, Path(pattern=f"^{MINISTRY_NAME.pattern}$", description="Short, such as `mnd`.")]


class Registration(Body):
    """A further ministry, and who adds its people."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = Field(max_length=100, description="Short, such as `mnd`; part of ids, so it never changes.")
    title_ko: str = Field(alias="titleKo", max_length=1000)
    title_en: str = Field(alias="titleEn", max_length=1000)
    operator: Addition


class Leaving(Body):
    """How a ministry leaves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    witness: str | None = Field(
        None, max_length=100, description="Ministry whose auditors and accreditors read its log from then on."
    )


@router.get("", **asks_for(P.MINISTRY_READ, gives=Page[Ministry]))
def ministries(
    request: Request, asker: Asking, limit: Limit = 50, cursor: Cursor = "", fields: Fields = ""
) -> Response:
    """Ministries in which the asker may look, by name."""
    found = list_ministries(asker.plane.base, asker.actor)
    shown = sliced(found, limit, place_of(cursor, "ministries", str), lambda one: (one.name,))
    return answer(request, page(shown, limit, "ministries", lambda one: (one.name,)), fields)


@router.post("", status_code=201, **asks_for(P.MINISTRY_MANAGE, gives=Ministry))
def register(request: Request, asker: Asking, registration: Registration) -> Response:
    """Register a further ministry with its first operator. Whoever does it is nothing in it."""
    new = NewMinistry(registration.name, registration.title_ko, registration.title_en)
    operator = registration.operator.as_new()
    made = register_ministry(asker.plane.base, asker.actor, new, operator, asker.request)
    return answer(request, made, status=201)


@router.post("/{ministry}/close", **asks_for(P.MINISTRY_MANAGE, gives=Ministry))
def close(request: Request, asker: Asking, ministry: Name, leaving: Leaving | None = None) -> Response:
    """A ministry leaves: nobody is anything in it from now on. Its objects stay, and its log, which its auditors and
    accreditors go on reading."""
    witness = leaving.witness if leaving else None
    return answer(request, close_ministry(asker.plane.base, asker.actor, ministry, asker.request, witness))


@router.get("/{ministry}/people", **asks_for(P.PERSON_READ, gives=Page[PersonDocument]))
def people(
    request: Request,
    asker: Asking,
    ministry: Name,
    kind: Annotated[
        Literal[ActorKind.PERSON, ActorKind.SERVICE] | None,
        Query(description="Only people, or only service accounts."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = "",
    fields: Fields = "",
) -> Response:
    """Whom a ministry answers for, who was sent to it, and who is anything in it, by id; who is disabled, too."""
    asked = f"people {ministry} {kind}"
    known = sorted(list_people(asker.plane.base, asker.actor, ministry), key=lambda one: one.id)
    found = [one for one in known if kind in (None, one.kind)]
    shown = sliced(found, limit, place_of(cursor, asked, str), lambda one: (one.id,))
    document = page(shown, limit, asked, lambda one: (one.id,), person_document)
    return answer(request, document, fields)
