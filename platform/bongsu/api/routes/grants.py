"""GPU grants: given, adjusted, taken back, and what was used of them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from bongsu.api.answers import Fields, IdempotencyKey, Page, answer
from bongsu.api.asking import AskedFirst, Asking, asks_for
from bongsu.api.bodies import Body, Time, body_of, described
from bongsu.api.declared import Declaration
from bongsu.api.listing import Listing
from bongsu.api.openapi import as_well
from bongsu.domain.documents import plain
from bongsu.domain.grants import Dimension
from bongsu.policy.access import Permission
from bongsu.service.grants.documents import (
    GrantDetailsDocument,
    GrantDocument,
    GrantSummaryDocument,
    LedgerEntryDocument,
    NoticeDocument,
    RecountDocument,
    ShowbackDocument,
    details_document,
    entry_document,
    grant_document,
    notice_document,
    recount_document,
    showback_document,
    summary_document,
)
from bongsu.service.grants.giving import Order, adjust, close, give
from bongsu.service.grants.looking import NEWEST, list_grants, recount_grant, show_grant
from bongsu.service.grants.periods import this_month
from bongsu.service.grants.reclaiming import announce_reclaim, carry_out_reclaim, withdraw_reclaim
from bongsu.service.grants.showback import as_csv, showback
from bongsu.store.grants import grant_list

router = APIRouter(prefix="/v1", tags=["grants"], route_class=AskedFirst)
P = Permission


class Adjustment(Body):
    """More, or less than nothing, with a reason."""

    model_config = ConfigDict(populate_by_name=True)

    gpu_hours: float = Field(alias="gpuHours", allow_inf_nan=False)
    reason: str = Field(min_length=1, max_length=2000)


class Reclaim(Adjustment):
    """How much is to be taken back, and when."""

    notice_days: float | None = Field(default=None, alias="noticeDays", ge=0, le=365, allow_inf_nan=False)


class Closing(Body):
    """Why nothing more is set aside of it."""

    reason: str = Field(min_length=1, max_length=2000)


@router.get("/grants", **asks_for(P.GRANT_READ, gives=Page[GrantSummaryDocument]))
def grants(asker: Asking, listing: Listing) -> Response:
    """What the asker's ministries gave and got, by name."""
    platform = asker.everywhere()
    found = list_grants(platform, asker.actor, listing.of(grant_list(platform.clock())))
    return listing.answer(found, lambda one: (one.grant.id,), lambda one: plain(summary_document(one)))


@router.post("/grants", status_code=201, **asks_for(P.GRANT_GIVE, described(Order), gives=GrantDocument))
def give_grant(
    request: Request, asker: Asking, order: Annotated[Order, body_of(Order, Declaration("grant.give", "giver"))]
) -> Response:
    """Give GPU-hours of a type to a ministry, for a time."""
    made = give(asker.of_member(order.giver), asker.actor, order)
    return answer(request, grant_document(made), status=201)


@router.get("/grants/{grant}", **asks_for(P.GRANT_READ, gives=GrantDetailsDocument, about="grant"))
def one_grant(
    request: Request,
    asker: Asking,
    grant: str,
    entries: Annotated[
        int, Query(ge=0, le=10_000, description="At most so many entries, the newest of its ledger.")
    ] = NEWEST,
    fields: Fields = "",
) -> Response:
    """A grant, its ledger, what is held of it now, and when it will be used up."""
    shown = show_grant(asker.everywhere(), asker.actor, grant, entries)
    return answer(request, details_document(shown), fields, about="grant")


@router.get("/grants/{grant}/recount", **asks_for(P.GRANT_READ, gives=RecountDocument))
def recount(request: Request, asker: Asking, grant: str, fields: Fields = "") -> Response:
    """What the raw events of the runs come to, beside what the ledger says."""
    return answer(request, recount_document(recount_grant(asker.everywhere(), asker.actor, grant)), fields)


@router.post("/grants/{grant}/adjust", status_code=201, **asks_for(P.GRANT_ADJUST, gives=LedgerEntryDocument))
def adjust_grant(
    request: Request,
    asker: Asking,
    grant: str,
    change: Adjustment,
    idempotency_key: IdempotencyKey = "",
) -> Response:
    """Set right by an entry more; none that stands is touched."""
    platform = asker.everywhere()
    made = adjust(platform, asker.actor, grant, change.gpu_hours, change.reason, idempotency_key)
    return answer(request, entry_document(made), status=201)


@router.post("/grants/{grant}/close", **asks_for(P.GRANT_ADJUST, gives=GrantDocument))
def close_grant(request: Request, asker: Asking, grant: str, closing: Closing) -> Response:
    """Let nothing more be set aside of it."""
    return answer(request, grant_document(close(asker.everywhere(), asker.actor, grant, closing.reason)))


@router.post("/grants/{grant}/reclaim", status_code=201, **asks_for(P.GRANT_ADJUST, gives=NoticeDocument))
def announce(
    request: Request, asker: Asking, grant: str, wanted: Reclaim, idempotency_key: IdempotencyKey = ""
) -> Response:
    """Announce that GPU-hours will be taken back."""
    hours, why, days = wanted.gpu_hours, wanted.reason, wanted.notice_days
    made = announce_reclaim(asker.everywhere(), asker.actor, grant, hours, why, days, key=idempotency_key)
    return answer(request, notice_document(made), status=201)


@router.post(
    "/grants/{grant}/reclaim/{act}", **asks_for(P.GRANT_ADJUST, gives=NoticeDocument | LedgerEntryDocument)
)
def after_notice(request: Request, asker: Asking, grant: str, act: Literal["apply", "withdraw"]) -> Response:
    """Take back what was announced, or take the announcement back."""
    platform = asker.everywhere()
    if act == "withdraw":
        return answer(request, notice_document(withdraw_reclaim(platform, asker.actor, grant)))
    return answer(request, entry_document(carry_out_reclaim(platform, asker.actor, grant)))


@router.get("/showback", **as_well("text/csv"), **asks_for(P.GRANT_READ, gives=ShowbackDocument))
def used(
    request: Request,
    asker: Asking,
    since: Annotated[
        Time | None, Query(description="Begin, with its zone; the first of this month if it is not given.")
    ] = None,
    until: Annotated[
        Time | None, Query(description="End, exclusive, with its zone; now if it is not given.")
    ] = None,
    by: Annotated[list[Dimension] | None, Query()] = None,
    form: Literal["json", "csv"] = "json",
    fields: Fields = "",
) -> Response:
    """GPU-hours used in a period, by ministry, programme, grant and model; the sum is that of the ledgers."""
    platform = asker.everywhere()
    first, last = this_month(platform.clock())
    begins, ends = since.timestamp() if since else first, until.timestamp() if until else last
    found = showback(platform, asker.actor, begins, ends, by or tuple(Dimension))
    if form == "csv":
        headers = {"Content-Disposition": 'attachment; filename="showback.csv"', "Cache-Control": "no-store"}
        return Response(as_csv(found), media_type="text/csv; charset=utf-8", headers=headers)
    return answer(request, showback_document(found), fields)
