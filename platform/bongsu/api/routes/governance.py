"""What is permitted to whom, and who approves what: uses, data, sharing, proposals, suspensions, the rules."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import Field

from bongsu.api.answers import Fields, IdempotencyKey, Ministry, Page, answer
from bongsu.api.asking import AskedFirst, Asker, Asking, asks_for, for_signed_in
from bongsu.api.bodies import Body, body_of, described
from bongsu.api.declared import Declaration
from bongsu.api.listing import Listing
from bongsu.api.whole_reads import in_turn
from bongsu.domain.approval import ApprovalState, LaunchKind, Proposal
from bongsu.domain.data_permits import DatasetPermit, SharedObject
from bongsu.domain.documents import plain
from bongsu.domain.filters import FieldKind
from bongsu.domain.ids import DIGEST_PATTERN, Digest
from bongsu.domain.labels import OPEN
from bongsu.domain.paging import ShortList
from bongsu.domain.suspension import Suspension
from bongsu.domain.use_register import PermittedUse
from bongsu.policy.access import Permission
from bongsu.service.audit.reads import note_read
from bongsu.service.governance.access_permits import (
    AccessRequest,
    give_access,
    labels_shared,
    list_access,
    revoke_access,
)
from bongsu.service.governance.carrying_out import carry_out, carry_out_unread
from bongsu.service.governance.data_permits import (
    DataPermitRequest,
    give_data_permit,
    labels_permitted,
    list_data_permits,
    revoke_data_permit,
)
from bongsu.service.governance.deciding import approve, reject
from bongsu.service.governance.documents import ProposalDocument, proposal_document
from bongsu.service.governance.explaining import ExplainedRule, explain
from bongsu.service.governance.launching import Launch, LaunchRequest, check_launch
from bongsu.service.governance.proposing import ProposalRequest, list_proposals, propose, show_proposal, withdraw
from bongsu.service.governance.suspending import StopRequest, list_suspensions, propose_lift, suspend
from bongsu.service.governance.uses import UseRequest, list_uses, register_use, withdraw_use
from bongsu.service.platform import Platform
from bongsu.store.permits import ACCESS_PERMITS, DATA_PERMITS
from bongsu.store.permitted_uses import USES
from bongsu.store.proposals import PROPOSALS
from bongsu.store.suspensions import SUSPENSIONS

router = APIRouter(prefix="/v1", tags=["governance"], route_class=AskedFirst)
P = Permission
RULES = ShortList[ExplainedRule](
    key=lambda rule: (rule.name,), kinds=(str,), fields={"name": (FieldKind.WORD, lambda rule: rule.name)}
)


class Reason(Body):
    """Why; it is recorded for good."""

    reason: str = Field(min_length=1, max_length=4000)


class MaybeReason(Body):
    """Why, if somebody says so; it is recorded for good then."""

    reason: str = Field(default="", max_length=4000)


class Ballot(Body):
    """A yes or a no to exactly what a digest stands for."""

    digest: str = Field(pattern=DIGEST_PATTERN.pattern)
    reason: str = Field(default="", max_length=4000)


def _of(asker: Asker, ministry: str) -> Platform:
    """What the asker has in a ministry in which they are something; what they may do is the use case's to say, which
    records a refusal."""
    return asker.of_member(ministry)


@router.get("/policy/rules", **for_signed_in(gives=Page[ExplainedRule]))
def rules(asker: Asking, listing: Listing, name: str | None = None) -> Response:
    """Every rule that can deny, by name: what it says, what it looks at, where it comes from."""
    wanted = listing.of(RULES)
    return listing.answer(RULES.page(explain(name), wanted), RULES.key)


@router.get("/uses", **asks_for(P.USE_READ, gives=Page[PermittedUse]))
def uses(asker: Asking, listing: Listing, ministry: Ministry = None) -> Response:
    """Registers of uses of the asker's ministries."""
    found = list_uses(asker.everywhere(), asker.actor, ministry, listing.of(USES))
    return listing.answer(found, USES.key)


@router.post("/uses", status_code=201, **asks_for(P.USE_REGISTER, described(UseRequest), gives=PermittedUse))
def permit_use(
    request: Request, asker: Asking, use: Annotated[UseRequest, body_of(UseRequest, Declaration("use.register"))]
) -> Response:
    """Permit a use class in a ministry."""
    made = register_use(_of(asker, use.ministry), asker.actor, use, asker.request)
    return answer(request, made, status=201)


@router.post("/ministries/{ministry}/uses/{use}/withdraw", **asks_for(P.USE_REGISTER, gives=PermittedUse))
def end_use(request: Request, asker: Asking, ministry: str, use: str, why: Reason) -> Response:
    """End an entry of the register now."""
    return answer(request, withdraw_use(_of(asker, ministry), asker.actor, use, why.reason, asker.request))


@router.get("/data-permits", **asks_for(P.PERMIT_READ, gives=Page[DatasetPermit]))
def data_permits(asker: Asking, listing: Listing, ministry: Ministry = None) -> Response:
    """What data may be used for, and until when."""
    found = list_data_permits(asker.everywhere(), asker.actor, ministry, listing.of(DATA_PERMITS))
    asker.note_list("list:data-permits", labels_permitted(asker.everywhere(), listing.shown(found)))
    return listing.answer(found, DATA_PERMITS.key)


@router.post(
    "/data-permits", status_code=201, **asks_for(P.PERMIT_GIVE, described(DataPermitRequest), gives=DatasetPermit)
)
def permit_data(
    request: Request,
    asker: Asking,
    permit: Annotated[DataPermitRequest, body_of(DataPermitRequest, Declaration("permit.give-data"))],
    idempotency_key: IdempotencyKey = "",
) -> Response:
    """Let a version of a data set be used for some purposes, for a time."""
    made = give_data_permit(_of(asker, permit.ministry), asker.actor, permit, asker.request, idempotency_key)
    return answer(request, made, status=201)


@router.post("/ministries/{ministry}/data-permits/{permit}/revoke", **asks_for(P.PERMIT_GIVE, gives=DatasetPermit))
def end_data_permit(request: Request, asker: Asking, ministry: str, permit: str, why: Reason) -> Response:
    """End a permit now."""
    return answer(request, revoke_data_permit(_of(asker, ministry), asker.actor, permit, why.reason, asker.request))


@router.get("/access-permits", **asks_for(P.PERMIT_READ, gives=Page[SharedObject]))
def access_permits(asker: Asking, listing: Listing, ministry: Ministry = None) -> Response:
    """What the asker's ministries share with others, and others with them."""
    found = list_access(asker.everywhere(), asker.actor, ministry, listing.of(ACCESS_PERMITS))
    asker.note_list("list:access-permits", labels_shared(asker.everywhere(), listing.shown(found)))
    return listing.answer(found, ACCESS_PERMITS.key)


@router.post(
    "/access-permits", status_code=201, **asks_for(P.PERMIT_GIVE, described(AccessRequest), gives=SharedObject)
)
def share(
    request: Request,
    asker: Asking,
    permit: Annotated[AccessRequest, body_of(AccessRequest, Declaration("permit.give-access", "giver"))],
    idempotency_key: IdempotencyKey = "",
) -> Response:
    """Share a model or a data set with another ministry, for a purpose, until a day."""
    made = give_access(_of(asker, permit.giver), asker.actor, permit, asker.request, idempotency_key)
    return answer(request, made, status=201)


@router.post("/ministries/{ministry}/access-permits/{permit}/revoke", **asks_for(P.PERMIT_GIVE, gives=SharedObject))
def end_sharing(
    request: Request, asker: Asking, ministry: str, permit: str, why: MaybeReason | None = None
) -> Response:
    """End the sharing now."""
    reason = why.reason if why else ""
    return answer(request, revoke_access(_of(asker, ministry), asker.actor, permit, reason, asker.request))


@router.get("/approvals", **asks_for(P.APPROVAL_READ, gives=Page[ProposalDocument]))
def approvals(
    asker: Asking,
    listing: Listing,
    ministry: Ministry = None,
    state: Annotated[list[ApprovalState] | None, Query()] = None,
) -> Response:
    """Proposals with what was decided on them, newest first.

    With `state`, those that are in it now: of what waits, `approved` are those for which as many approvals count as
    they need (`enoughNow`), and `proposed` those that lack some. The `state` of a document, which `filter` compares, is
    as it was left when somebody last acted.
    """
    found = list_proposals(asker.everywhere(), asker.actor, ministry, state or (), listing.of(PROPOSALS))
    asker.note_list("list:approvals", ((one.tenant, one.binding.label) for one in listing.shown(found)))
    return listing.answer(found, PROPOSALS.key, lambda one: plain(proposal_document(one)))


@router.post(
    "/approvals", status_code=201, **asks_for(P.MODEL_PROPOSE, described(ProposalRequest), gives=ProposalDocument)
)
def make_proposal(
    request: Request,
    asker: Asking,
    proposal: Annotated[ProposalRequest, body_of(ProposalRequest)],
    idempotency_key: IdempotencyKey = "",
) -> Response:
    """Propose to promote, transfer or serve a model, or to lower a label."""
    made = propose(_of(asker, proposal.ministry), asker.actor, proposal, asker.request, idempotency_key)
    return answer(request, proposal_document(made), status=201)


@router.get("/ministries/{ministry}/approvals/{proposal}", **asks_for(P.APPROVAL_READ, gives=ProposalDocument))
def one_proposal(request: Request, asker: Asking, ministry: str, proposal: str, fields: Fields = "") -> Response:
    """A proposal, and who has decided what."""
    platform = _of(asker, ministry)
    found = show_proposal(platform, asker.actor, proposal)
    note_read(platform, f"approval:{found.id}", [found.binding.label])
    return answer(request, proposal_document(found), fields)


@router.post(
    "/ministries/{ministry}/approvals/{proposal}/approve", **asks_for(P.APPROVAL_DECIDE, gives=ProposalDocument)
)
def say_yes(request: Request, asker: Asking, ministry: str, proposal: str, ballot: Ballot) -> Response:
    """Say yes to exactly what the digest stands for."""
    platform = _of(asker, ministry)
    found = approve(platform, asker.actor, proposal, Digest(ballot.digest), ballot.reason, asker.request)
    return answer(request, proposal_document(found))


@router.post(
    "/ministries/{ministry}/approvals/{proposal}/reject", **asks_for(P.APPROVAL_DECIDE, gives=ProposalDocument)
)
def say_no(request: Request, asker: Asking, ministry: str, proposal: str, ballot: Ballot) -> Response:
    """Say no, which ends the proposal."""
    platform = _of(asker, ministry)
    found = reject(platform, asker.actor, proposal, Digest(ballot.digest), ballot.reason, asker.request)
    return answer(request, proposal_document(found))


@router.post(
    "/ministries/{ministry}/approvals/{proposal}/withdraw", **asks_for(P.MODEL_PROPOSE, gives=ProposalDocument)
)
def take_back(request: Request, asker: Asking, ministry: str, proposal: str, why: Reason) -> Response:
    """Take back what one has proposed."""
    found = withdraw(_of(asker, ministry), asker.actor, proposal, why.reason, asker.request)
    return answer(request, proposal_document(found))


@router.post(
    "/ministries/{ministry}/approvals/{proposal}/apply", **asks_for(P.MODEL_PROPOSE, gives=ProposalDocument)
)
async def apply(request: Request, asker: Asking, ministry: str, proposal: str) -> Response:
    """Do what was proposed, once enough people have approved it."""

    def act(now: Asker) -> Proposal:
        return carry_out(_of(now, ministry), now.actor, proposal, now.request)

    def act_at_once() -> Proposal | None:
        return carry_out_unread(_of(asker, ministry), asker.actor, proposal, asker.request)

    found = await run_in_threadpool(act_at_once)
    if found is None:
        with asker.reading():
            found = await in_turn(request, asker, act)
    return answer(request, proposal_document(found))


@router.get("/ministries/{ministry}/launch-check", **asks_for(P.ARTIFACT_READ, gives=Launch))
async def may_launch(
    request: Request,
    asker: Asking,
    ministry: str,
    kind: LaunchKind,
    object: Annotated[str, Query(max_length=300, description="The model, as `model:NAME/VERSION`.")],
    target: Annotated[
        str, Query(max_length=300, description="The alias, the ministry that gets it, or the place.")
    ],
    fields: Fields = "",
) -> Response:
    """Whether a model may be used so now, for whoever is about to transfer or serve it. All its bytes are read; those
    of the digest that is given may be used, and no others. Anything else is a refusal that names its rule."""
    wanted = LaunchRequest(kind, object, target)

    def look(now: Asker) -> Launch:
        return check_launch(_of(now, ministry), now.actor, ministry, wanted, now.request)

    with asker.reading():
        await run_in_threadpool(_of, asker, ministry)
        found = await in_turn(request, asker, look)
    return answer(request, found, fields)


@router.get("/suspensions", **asks_for(P.MODEL_READ, gives=Page[Suspension]))
def suspensions(asker: Asking, listing: Listing, ministry: Ministry = None) -> Response:
    """Models that were stopped, newest first."""
    found = list_suspensions(asker.everywhere(), asker.actor, ministry, listing.of(SUSPENSIONS))
    asker.note_list("list:suspensions", ((one.tenant, one.label or str(OPEN)) for one in listing.shown(found)))
    return listing.answer(found, SUSPENSIONS.key)


@router.post("/suspensions", status_code=201, **asks_for(P.MODEL_SUSPEND, described(StopRequest), gives=Suspension))
def stop_model(
    request: Request,
    asker: Asking,
    stop: Annotated[StopRequest, body_of(StopRequest)],
    idempotency_key: IdempotencyKey = "",
) -> Response:
    """Stop a model at once: aliases, launches, running jobs."""
    made = suspend(_of(asker, stop.ministry), asker.actor, stop, asker.request, idempotency_key)
    return answer(request, made, status=201)


@router.post(
    "/suspensions/lift",
    status_code=201,
    **asks_for(P.MODEL_SUSPEND, described(StopRequest), gives=ProposalDocument),
)
def let_go(
    request: Request,
    asker: Asking,
    stop: Annotated[StopRequest, body_of(StopRequest)],
    idempotency_key: IdempotencyKey = "",
) -> Response:
    """Propose to lift a suspension; it takes two approvers."""
    made = propose_lift(_of(asker, stop.ministry), asker.actor, stop, asker.request, idempotency_key)
    return answer(request, proposal_document(made), status=201)
