"""Ministries that take part: which there are for the asker, further ones, one that leaves; and the people of one."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from bongsu.api.answers import Page, answer
from bongsu.api.asking import AskedFirst, Asking, asks_for
from bongsu.api.bodies import Body
from bongsu.api.listing import Listing
from bongsu.api.routes.people import Addition
from bongsu.domain.documents import plain
from bongsu.domain.filters import Comparison, FieldKind, Operator
from bongsu.domain.paging import ShortList
from bongsu.domain.people import MINISTRY_NAME, ActorKind
from bongsu.policy.access import Permission
from bongsu.service.ministries import (
    NewMinistry,
    Receiver,
    close_ministry,
    list_ministries,
    list_receivers,
    register_ministry,
)
from bongsu.service.people import list_people
from bongsu.service.people_documents import PersonDocument, person_document
from bongsu.store.people import PEOPLE, Ministry

router = APIRouter(prefix="/v1/ministries", tags=["ministries"], route_class=AskedFirst)
P = Permission
MINISTRIES = ShortList[Ministry](
    key=lambda one: (one.name,),
    kinds=(str,),
    fields={
        "name": (FieldKind.WORD, lambda one: one.name),
        "titleKo": (FieldKind.WORD, lambda one: one.title_ko),
        "titleEn": (FieldKind.WORD, lambda one: one.title_en),
        "createdAt": (FieldKind.TIME, lambda one: one.created_at),
        "closedAt": (FieldKind.TIME, lambda one: one.closed_at),
    },
)
RECEIVERS = ShortList[Receiver](
    key=lambda one: (one.name,),
    kinds=(str,),
    fields={
        "name": (FieldKind.WORD, lambda one: one.name),
        "titleKo": (FieldKind.WORD, lambda one: one.title_ko),
        "titleEn": (FieldKind.WORD, lambda one: one.title_en),
    },
)
Name = Annotated[str, Path(pattern=f"^{MINISTRY_NAME.pattern}$", description="Short, such as `mnd`.")]


class Registration(Body):
    """A further ministry, and who adds its people."""

    model_config = ConfigDict(populate_by_name=True)

    name: str = Field(max_length=100, description="Short, such as `mnd`; part of ids, so it never changes.")
    title_ko: str = Field(alias="titleKo", max_length=1000)
    title_en: str = Field(alias="titleEn", max_length=1000)
    operator: Addition


class Leaving(Body):
    """How a ministry leaves."""

    witness: str | None = Field(
        None, max_length=100, description="Ministry whose auditors and accreditors read its log from then on."
    )


@router.get("", **asks_for(P.MINISTRY_READ, gives=Page[Ministry]))
def ministries(asker: Asking, listing: Listing) -> Response:
    """Ministries in which the asker may look, by name."""
    wanted = listing.of(MINISTRIES)
    found = list_ministries(asker.plane.base, asker.actor)
    return listing.answer(MINISTRIES.page(found, wanted), MINISTRIES.key)


@router.get("/receivers", **asks_for(P.MINISTRY_FIND, gives=Page[Receiver]))
def receivers(asker: Asking, listing: Listing) -> Response:
    """Names and titles of all ministries that take part, for who may name one as receiver of data, a model or a
    grant."""
    wanted = listing.of(RECEIVERS)
    found = list_receivers(asker.plane.base, asker.actor)
    return listing.answer(RECEIVERS.page(found, wanted), RECEIVERS.key)


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
    asker: Asking,
    ministry: Name,
    listing: Listing,
    kind: Annotated[
        Literal[ActorKind.PERSON, ActorKind.SERVICE] | None,
        Query(description="Only people, or only service accounts."),
    ] = None,
) -> Response:
    """Whom a ministry answers for, who was sent to it, and who is anything in it, by id; who is disabled, too."""
    wanted = listing.of(PEOPLE)
    if kind is not None:
        is_of_kind = Comparison("kind", Operator.IS, (kind.value,))
        wanted = replace(wanted, filters=(*wanted.filters, is_of_kind))
    found = list_people(asker.plane.base, asker.actor, ministry, wanted)
    return listing.answer(found, PEOPLE.key, lambda one: plain(person_document(one)))
