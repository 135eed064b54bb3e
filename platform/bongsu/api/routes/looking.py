"""What there is: found by a part of its name, and how much can be run at once."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from bongsu.api.answers import Fields, Limit, answer
from bongsu.api.asking import Asking, asks_for, for_signed_in
from bongsu.domain.searching import Found, SearchKind
from bongsu.policy.access import Permission
from bongsu.service.capacity import CapacityShown, show_capacity
from bongsu.service.searching import search_everywhere

router = APIRouter(prefix="/v1", tags=["search and capacity"])


@router.get("/search", **for_signed_in(gives=list[Found]))
def search(
    request: Request,
    asker: Asking,
    q: Annotated[str, Query(description="A part of a name or title, or the beginning of an id or a digest.")],
    kind: Annotated[list[SearchKind] | None, Query(description="Only these; all if not given.")] = None,
    limit: Limit = 20,
    fields: Fields = "",
) -> Response:
    """Runs, models, data sets and artifacts, of each kind what the asker may look at: exact names first."""
    found = search_everywhere(asker.plane, asker.actor, q, kind or (), limit)
    asker.note_list("list:found", ((one.ministry, one.label) for one in found))
    return answer(request, found, fields)


@router.get("/capacity", **asks_for(Permission.CAPACITY_READ, gives=CapacityShown))
def capacity(request: Request, asker: Asking) -> Response:
    """Cores, memory and GPUs that can be used at once, and what runs and waits in the asker's ministries."""
    return answer(request, show_capacity(asker.everywhere()))
