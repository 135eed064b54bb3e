"""People and service accounts: who they are, what they are where, what they may see; secrets of service accounts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from bongsu.api.answers import Fields, IdempotencyKey, Page, answer
from bongsu.api.asking import AskedFirst, Asking, asks_for
from bongsu.api.bodies import Body
from bongsu.api.listing import Listing
from bongsu.domain.documents import plain
from bongsu.domain.filters import FieldKind
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.paging import ShortList
from bongsu.domain.people import MINISTRY_NAME, ActorKind, Role
from bongsu.policy.access import Permission
from bongsu.service import people
from bongsu.service.people import NewPerson
from bongsu.service.people_documents import PersonDocument, person_document
from bongsu.service.seconding import recall_person, send_person
from bongsu.service.service_accounts import SecretSummary, ShownSecret, list_secrets, new_secret, withdraw_secret
from bongsu.store.people import Person

router = APIRouter(prefix="/v1/people", tags=["people"], route_class=AskedFirst)
P = Permission
SECRETS = ShortList[SecretSummary](
    key=lambda one: (one.created_at, one.id),
    kinds=(float, str),
    fields={
        "id": (FieldKind.WORD, lambda one: one.id),
        "createdAt": (FieldKind.TIME, lambda one: one.created_at),
        "endsAt": (FieldKind.TIME, lambda one: one.ends_at),
    },
)
LONGEST_OVERLAP_S = 30 * 86_400


def _parsed(text: Any) -> Any:
    return Label.parse(text) if isinstance(text, str) else text


Clearance = Annotated[
    Label,
    BeforeValidator(_parsed),
    WithJsonSchema(
        {"type": "string", "description": "A grade, and compartments behind it: `O`, `S`, `S/logistics`."}
    ),
]
Ministry = Annotated[str, Field(pattern=f"^{MINISTRY_NAME.pattern}$")]


class _Body(Body):
    model_config = ConfigDict(populate_by_name=True)


class Addition(_Body):
    """Somebody who is to be added."""

    id: str = Field(max_length=200, description="`MINISTRY/NAME`; that ministry answers for them.")
    name: str = Field(max_length=1000, description="As people read it.")
    issuer: str = Field(max_length=1000, description="`iss` of their tokens.")
    subject: str = Field(max_length=1000, description="`sub` of their tokens.")
    kind: Literal[ActorKind.PERSON, ActorKind.SERVICE] = ActorKind.PERSON
    clearance: Clearance = OPEN
    reason: str = Field(
        "", max_length=4000, description="Which vetting the clearance follows; `O` without compartments needs none."
    )

    def as_new(self) -> NewPerson:
        who = (self.id, self.name, self.issuer, self.subject, self.kind)
        return NewPerson(*who, self.clearance, self.reason)


class HeldRole(_Body):
    """What somebody is somewhere."""

    ministry: Ministry
    role: Role


class Vetting(_Body):
    """What somebody may see at most, and which vetting that follows."""

    clearance: Clearance
    reason: str = Field(max_length=4000)


class Elsewhere(_Body):
    """Another ministry."""

    ministry: Ministry


class Replacing(_Body):
    """How long the secret before holds beside the new one."""

    overlap_s: float = Field(0.0, alias="overlapSeconds", ge=0, le=LONGEST_OVERLAP_S, allow_inf_nan=False)


def _id(home: str, name: str) -> str:
    """Whose address this is; what is no id is nobody's, as the use cases find."""
    return f"{home}/{name}"


Id = Annotated[str, Depends(_id)]


def _told(request: Request, person: Person, fields: str = "", status: int = 200) -> Response:
    return answer(request, person_document(person), fields, status)


@router.post("", status_code=201, **asks_for(P.PERSON_MANAGE, gives=PersonDocument))
def add(request: Request, asker: Asking, addition: Addition) -> Response:
    """Add somebody, or a service account, without a role."""
    made = people.add_person(asker.plane.base, asker.actor, addition.as_new(), asker.request)
    return _told(request, made, status=201)


@router.get("/{home}/{name}", **asks_for(P.PERSON_READ, gives=PersonDocument))
def one(request: Request, asker: Asking, person: Id, fields: Fields = "") -> Response:
    """Somebody: what they are in the asker's ministries, and what they may see."""
    return _told(request, people.show_person(asker.plane.base, asker.actor, person), fields)


@router.post("/{home}/{name}/roles/{act}", **asks_for(P.PERSON_MANAGE, gives=PersonDocument))
def change_role(
    request: Request,
    asker: Asking,
    person: Id,
    act: Literal["give", "take"],
    held: HeldRole,
    idempotency_key: IdempotencyKey = "",
) -> Response:
    """Make somebody something in a ministry, or no longer."""
    change = people.give_role if act == "give" else people.take_role
    ministry, role = held.ministry, held.role
    made = change(asker.plane.base, asker.actor, person, ministry, role, asker.request, idempotency_key)
    return _told(request, made)


@router.post("/{home}/{name}/clearance", **asks_for(P.PERSON_MANAGE, gives=PersonDocument))
def clear(
    request: Request, asker: Asking, person: Id, vetting: Vetting, idempotency_key: IdempotencyKey = ""
) -> Response:
    """Say what somebody may see at most; their own ministry does."""
    clearance, reason = vetting.clearance, vetting.reason
    given = clearance, reason, asker.request, idempotency_key
    return _told(request, people.set_clearance(asker.plane.base, asker.actor, person, *given))


@router.post("/{home}/{name}/disable", **asks_for(P.PERSON_MANAGE, gives=PersonDocument))
def disable(request: Request, asker: Asking, person: Id) -> Response:
    """Let somebody in no longer, for good; their own ministry does."""
    return _told(request, people.disable(asker.plane.base, asker.actor, person, asker.request))


@router.post("/{home}/{name}/secondments/{act}", **asks_for(P.PERSON_MANAGE, gives=PersonDocument))
def second(
    request: Request,
    asker: Asking,
    person: Id,
    act: Literal["send", "recall"],
    elsewhere: Elsewhere,
    idempotency_key: IdempotencyKey = "",
) -> Response:
    """Let another ministry's operators make somebody something there, or end what they are there."""
    change = send_person if act == "send" else recall_person
    given = elsewhere.ministry, asker.request, idempotency_key
    return _told(request, change(asker.plane.base, asker.actor, person, *given))


@router.get("/{home}/{name}/secrets", **asks_for(P.PERSON_READ, gives=Page[SecretSummary]))
def secrets(asker: Asking, person: Id, listing: Listing) -> Response:
    """What can be told of the secrets of a service account that hold, oldest first."""
    wanted = listing.of(SECRETS)
    found = list_secrets(asker.plane.base, asker.actor, person)
    return listing.answer(SECRETS.page(found, wanted), SECRETS.key)


@router.post("/{home}/{name}/secrets", status_code=201, **asks_for(P.PERSON_MANAGE, gives=ShownSecret))
def make_secret(asker: Asking, person: Id, replacing: Replacing, idempotency_key: IdempotencyKey = "") -> Response:
    """A secret of a service account, which is in this answer and nowhere else. A request that comes again with its
    ``Idempotency-Key`` is given another one, in place of the one that it was given before, while that is the newest;
    it is refused once that was replaced or withdrawn."""
    made = new_secret(asker.plane.base, asker.actor, person, replacing.overlap_s, asker.request, idempotency_key)
    return JSONResponse(plain(made), 201, {"Cache-Control": "no-store"})


@router.post("/{home}/{name}/secrets/{secret}/withdraw", **asks_for(P.PERSON_MANAGE, gives=list[SecretSummary]))
def end_secret(request: Request, asker: Asking, person: Id, secret: str) -> Response:
    """It holds no longer from now on."""
    withdraw_secret(asker.plane.base, asker.actor, person, secret, asker.request)
    return answer(request, list_secrets(asker.plane.base, asker.actor, person))
