"""What there is: found by a part of its name, and how much can be run at once."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from bongsu.api.answers import Fields, Page, answer
from bongsu.api.asking import Asking, asks_for, for_signed_in
from bongsu.api.listing import Listing
from bongsu.domain.documents import plain
from bongsu.domain.searching import Found, SearchKind
from bongsu.policy.access import Permission
from bongsu.service.capacity import CapacityShown, show_capacity
from bongsu.service.searching import search_everywhere
from bongsu.store.searching import FIELDS

router = APIRouter(prefix="/v1", tags=["search and capacity"])


@router.get("/search", **for_signed_in(gives=Page[Found]))
def search(
    asker: Asking,
    listing: Listing,
    q: Annotated[str, Query(description="A part of a name or title, or the beginning of an id or a digest.")],
    kind: Annotated[list[SearchKind] | None, Query(description="Only these; all if not given.")] = None,
) -> Response:
    """Runs, models, data sets and artifacts, of each kind what the asker may look at: exact names first, then
    beginnings, each newest first."""
    wanted = listing.page(FIELDS, int, float, int, str, str)
    found = search_everywhere(asker.plane, asker.actor, q, kind or (), wanted)
    asker.note_list("list:found", ((hit.found.ministry, hit.found.label) for hit in listing.shown(found)))
    return listing.answer(found, lambda hit: hit.key, lambda hit: plain(hit.found))


@router.get("/capacity", **asks_for(Permission.CAPACITY_READ, gives=CapacityShown))
def capacity(request: Request, asker: Asking, fields: Fields = "") -> Response:
    """Cores, memory and GPUs that can be used at once, and what runs and waits in the asker's ministries."""
    return answer(request, show_capacity(asker.everywhere()), fields)
