"""Labels: the grades, what carries which, where the label of a thing came from, and raising it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from bongsu.api.answers import Fields, IdempotencyKey, answer
from bongsu.api.asking import AskedFirst, Asking, asks_for, for_signed_in
from bongsu.api.bodies import Body
from bongsu.domain.grades import SchemeName
from bongsu.domain.labels import Compartment, Grade, Label
from bongsu.policy.access import Permission
from bongsu.service.audit.reads import note_read
from bongsu.service.labels import LabelShown, labels_in_use, raise_label, show_label

router = APIRouter(prefix="/v1", tags=["labels"], route_class=AskedFirst)
Of = Annotated[
    str,
    Query(
        max_length=300,
        description="`NAME@3`, `datasets:/NAME/3`, a digest, or the address of what is shared: `models://MINISTRY/NAME/3`.",
    ),
]


class Raising(Body):
    """That a thing is worth more protection than it is given."""

    of: str = Field(max_length=300)
    grade: Grade
    compartments: frozenset[Compartment] = frozenset()
    reason: str = Field(max_length=4000)


@dataclass(frozen=True)
class LabelUse:
    """``count`` versions of a ``kind`` (``model``, ``dataset``) carry ``label`` in a ministry."""

    ministry: str
    kind: str
    label: str
    count: int


@dataclass(frozen=True)
class LabelsDocument:
    """The grades of the site, lowest first; what the asker may see at most; and what is in use."""

    grades: list[Grade]
    clearance: str
    in_use: list[LabelUse]


@dataclass(frozen=True)
class GradesDocument:
    """The grades that may be stated at this site and given as a clearance, lowest first; and the one under which what
    is marked 대외비 stands."""

    scheme: SchemeName
    grades: list[Grade]
    restricted: Grade


@router.get("/grades", **for_signed_in(gives=GradesDocument))
def grades(request: Request, asker: Asking, fields: Fields = "") -> Response:
    """The grades of the site, by which a client reads what people write."""
    known = asker.grades()
    return answer(request, GradesDocument(known.name, list(known.grades), known.restricted), fields)


@router.get("/labels", **asks_for(Permission.MODEL_READ, gives=LabelsDocument))
def labels(request: Request, asker: Asking, fields: Fields = "") -> Response:
    """The grades of the site, lowest first; the asker's clearance; how many models and data sets carry which label."""
    known = asker.grades()
    used = [
        LabelUse(ministry, one.kind, one.label, one.count)
        for ministry, platform in asker.each()
        for one in labels_in_use(platform)
    ]
    return answer(request, LabelsDocument(list(known.grades), str(asker.actor.clearance), used), fields)


@router.get("/ministries/{ministry}/labels", **asks_for(Permission.MODEL_READ, gives=LabelShown))
def label_of(request: Request, asker: Asking, ministry: str, of: Of, fields: Fields = "") -> Response:
    """The label of one thing, and what brought each part of it in."""
    platform = asker.within(ministry)
    shown = show_label(platform, of)
    origins = (origin.label for part in shown.parts for origin in part.origins)
    note_read(platform, f"lineage:{shown.id}", (shown.label, *origins))
    return answer(request, shown, fields)


@router.post("/ministries/{ministry}/labels", **asks_for(Permission.DATASET_REGISTER, gives=LabelShown))
def state_label(
    request: Request, asker: Asking, ministry: str, raising: Raising, idempotency_key: IdempotencyKey = ""
) -> Response:
    """State a higher label of a thing; whatever came of it carries it from now on. Lowering takes a proposal and two
    approvers: `POST /v1/approvals`."""
    label = Label(grade=raising.grade, compartments=raising.compartments)
    shown = raise_label(asker.within(ministry), raising.of, label, raising.reason, idempotency_key)
    return answer(request, shown)
