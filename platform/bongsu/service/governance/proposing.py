"""Proposals: making one, looking at them, withdrawing one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from bongsu.domain.approval import ApprovalState, Proposal, ProposalKind, moved
from bongsu.domain.codes import governance as codes
from bongsu.domain.labels import Label, high_water_mark
from bongsu.domain.messages import N_
from bongsu.domain.object_names import object_name
from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.domain.people import Actor
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.domain.uses import UseClass
from bongsu.policy.access import Permission, Thing, cleared_for
from bongsu.policy.approvals import EVIDENCE, STATE, evidence_ends, in_time, only_open
from bongsu.policy.uses import permitted
from bongsu.service.governance.counting import as_told, as_written
from bongsu.service.governance.fitness import unfit
from bongsu.service.governance.objects import refuse_unknown, short_id
from bongsu.service.governance.permission import ministry_thing, require_allowed, require_permission
from bongsu.service.governance.seen_lists import SeenList
from bongsu.service.governance.subjects import (
    Matter,
    Subject,
    Subjects,
    check_lower,
    check_target,
    label_written,
    needed,
    subject_of,
    submitters_behind,
)
from bongsu.service.governance.texts import check_texts
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, done, refusals_recorded
from bongsu.service.repeating import held_result, note_result, request_key
from bongsu.store import proposals as store
from bongsu.store.conflicts import retry_on_conflict
from bongsu.store.permitted_uses import uses_of

LIFETIME_S = 30 * 86_400.0
"""How long a proposal may be decided on and carried out; what was looked at a month ago is looked at again."""
PROPOSING: dict[ProposalKind, tuple[Permission, ...]] = {
    ProposalKind.PROMOTION: (Permission.MODEL_PROPOSE,),
    ProposalKind.TRANSFER: (Permission.MODEL_PROPOSE,),
    ProposalKind.SERVING: (Permission.MODEL_PROPOSE,),
    ProposalKind.DOWNGRADE: (Permission.LABEL_PROPOSE,),
    ProposalKind.LIFT: (Permission.MODEL_SUSPEND, Permission.MODEL_PROPOSE),
}


@dataclass(frozen=True)
class ProposalRequest:
    """What is proposed; ``evidence_ends_at``: for a model, when its evidence has to be renewed, in seconds since the
    epoch."""

    ministry: str
    kind: ProposalKind
    object: str
    target: str
    reason: str
    evidence_ends_at: float | None = None


def propose(
    platform: Platform, actor: Actor, request: ProposalRequest, request_id: str = "", key: str = ""
) -> Proposal:
    """Propose to promote, transfer or serve a model, to lower a label or to lift a suspension. Whoever proposes the
    same digest set again finds the open proposal. If the client gave the request a ``key``, it finds what it proposed,
    withdrawn or not.

    Raises:
        BongsuError: ``api.key-used-otherwise``, ``governance.*``, ``approval.*``
            (``approval.not-registered`` of a model that no run registered, as one that is hidden),
            ``use.not-permitted``, ``model.suspended``, ``downgrade.*``,
            ``policy.forbidden-use``.
    """
    request = replace(request, object=object_name(request.object))
    ask = Ask(
        platform,
        actor,
        tenant=Tenant(request.ministry),
        action="approval.propose",
        object=request.object,
        request_id=request_id,
    )
    with refusals_recorded(ask):
        check_texts(reason=request.reason)
        try:
            return retry_on_conflict(lambda: _propose(ask, request, key))
        except BongsuError as error:
            if request.kind.lets_use and _is_no_model(error, request.object):
                raise codes.NOT_REGISTERED.error(object=request.object) from None
            raise


def _is_no_model(error: BongsuError, object_: str) -> bool:
    """Whether it says that there is no such model; of one that is hidden it says the same."""
    told = [(one.code, one.args.get("object")) for one in error.problems]
    return object_.startswith("model:") and told == [(codes.NO_SUCH, object_)]


def _propose(ask: Ask, request: ProposalRequest, given_key: str) -> Proposal:
    with ask.platform.write() as connection:
        require_permission(connection, ask, ministry_thing(request.ministry), *PROPOSING[request.kind])
        if request.kind is ProposalKind.DOWNGRADE:
            request = replace(request, target=str(label_written(connection, request.target)))
        check_target(connection, request.kind, request.object, request.target)
        args = (request.kind, request.object, request.target, request.evidence_ends_at)
        subject = subject_of(connection, Matter(request.ministry, *args))
        if subject is None:
            raise codes.NO_SUCH.error(object=_not_there(request))
        require_permission(connection, ask, subject.thing, *PROPOSING[request.kind])
        asked = request.kind, request.target, request.reason, str(request.evidence_ends_at)
        sent = request_key(ask.actor.id, given_key, ask.action, ask.tenant, ask.object, *asked)
        before = held_result(connection, sent, ask.now)
        if before is not None:
            return as_written(connection, before, ask.now)
        _check(connection, ask, subject)
        earlier = store.count_proposals(connection, ask.tenant, request.object)
        proposal = Proposal(
            id=short_id("p", ask.tenant, request.object, earlier),
            tenant=ask.tenant,
            binding=subject.binding,
            reason=request.reason,
            proposer=ask.actor.id,
            submitters=submitters_behind(connection, subject),
            needs=needed(connection, subject, ask.now),
            state=ApprovalState.PROPOSED,
            proposed_at=ask.now,
            expires_at=ask.now + LIFETIME_S,
            changed_at=ask.now,
        )
        known = store.open_proposal(connection, proposal.open_key)
        if known and (known.binding.digest, known.proposer) == (proposal.binding.digest, ask.actor.id):
            note_result(connection, sent, known.id, ask.now)
            return as_written(connection, known.id, ask.now)
        is_seen = known is not None and cleared_for(ask.actor.clearance, label_of(connection, known))
        only_open(proposal, known, is_seen=is_seen).require()
        store.add_proposal(connection, proposal)
        note_result(connection, sent, proposal.id, ask.now)
        facts = {"proposal": proposal.id, "kind": request.kind.value, "target": request.target}
        done(connection, ask, subject.thing.label, **facts, digest=proposal.binding.digest, reason=request.reason)
        return as_written(connection, proposal.id, ask.now)


def _not_there(request: ProposalRequest) -> str | Words:
    if request.kind is not ProposalKind.LIFT:
        return request.object
    return phrase(N_("suspension {suspension} of {object}"), suspension=request.target, object=request.object)


def _check(connection: Connection, ask: Ask, subject: Subject) -> None:
    """What can be known before anybody decides."""
    bound = subject.binding
    if bound.kind is ProposalKind.DOWNGRADE:
        check_lower(subject)
    if not bound.kind.lets_use:
        return
    register = uses_of(connection, [subject.thing.ministry])
    decisions = [permitted(UseClass(bound.use_class), subject.thing.ministry, register, ask.now)]
    if not bound.evidence:
        decisions.append(EVIDENCE.deny(codes.NO_EVIDENCE.at(object=bound.object)))
    require_allowed(*decisions, evidence_ends(bound, ask.now), *unfit(connection, ask.actor, subject, ask.now))


def show_proposal(platform: Platform, actor: Actor, proposal_id: str) -> Proposal:
    """A proposal with what was decided on it. Raises ``governance.no-such``."""
    with platform.read() as connection:
        found = store.get_proposal(connection, proposal_id)
        tenant = found.tenant if found else Tenant("")
        ask = Ask(platform, actor, tenant=tenant, action="approval.show", object=f"approval:{proposal_id}")
        return as_told(connection, [seen(connection, ask, found, Permission.APPROVAL_READ)], ask.now)[0]


def list_proposals(
    platform: Platform,
    actor: Actor,
    ministry: str | None = None,
    states: Collection[ApprovalState] = (),
    wanted: PageRequest = WHOLE,
) -> list[Proposal]:
    """Proposals of the actor's ministries that they see, newest first.

    Args:
        platform: what to work on.
        actor: who asks.
        ministry: only of this one.
        states: only what is in these now, if some are given; see :attr:`Proposal.state_now`.
        wanted: which of them, in the order of :data:`bongsu.store.proposals.PROPOSALS`.

    Raises:
        BongsuError: ``governance.no-such``.
    """
    now = platform.clock()
    is_open_wanted = any(state.is_open for state in states)
    written = sorted(state for state in ApprovalState if state in states or (state.is_open and is_open_wanted))
    with platform.read() as connection:
        subjects = Subjects(connection)
        listed = SeenList(
            "approval.list",
            Permission.APPROVAL_READ,
            lambda connection, named, part: as_told(
                connection, store.proposals_in(connection, named, written, part), now, subjects
            ),
            lambda _connection, page: labels_of(subjects, page),
            store.PROPOSALS.key,
            lambda one: not states or one.state_now in states,
        )
        return listed.page_in(connection, platform, actor, ministry, wanted)


def withdraw(platform: Platform, actor: Actor, proposal_id: str, reason: str, request_id: str = "") -> Proposal:
    """Take a proposal back; its proposer does. Raises ``governance.*``, ``approval.*``."""
    ask = ask_of(platform, actor, proposal_id, "approval.withdraw", request_id)
    with refusals_recorded(ask):
        check_texts(reason=reason)
        return retry_on_conflict(lambda: _withdraw(ask, proposal_id, reason))


def _withdraw(ask: Ask, proposal_id: str, reason: str) -> Proposal:
    with ask.platform.write() as connection:
        before = seen(
            connection, ask, store.get_proposal(connection, proposal_id, lock=True), Permission.APPROVAL_READ
        )
        if before.proposer != ask.actor.id:
            args = {"proposer": before.proposer, "proposal": before.id}
            require_allowed(STATE.deny(codes.NOT_THE_PROPOSER.at(None, "", **args)))
        if before.state is ApprovalState.WITHDRAWN:
            return before
        open_states = (ApprovalState.PROPOSED, ApprovalState.APPROVED)
        require_allowed(in_time(replace(before, expires_at=ask.now + 1), open_states, ask.now))
        after = moved(before, ApprovalState.WITHDRAWN, ask.now, reason)
        store.save(connection, before, after)
        done(connection, ask, Label.parse(before.binding.label), reason=reason)
        return after


def ask_of(platform: Platform, actor: Actor, proposal_id: str, action: str, request_id: str) -> Ask:
    """Asked in the ministry that the proposal is of."""
    with platform.read() as connection:
        found = store.get_proposal(connection, proposal_id)
    tenant = found.tenant if found else Tenant("")
    return Ask(
        platform, actor, tenant=tenant, action=action, object=f"approval:{proposal_id}", request_id=request_id
    )


def seen(connection: Connection, ask: Ask, proposal: Proposal | None, *permissions: Permission) -> Proposal:
    """The proposal, if there is one as far as the actor may know. Raises ``governance.no-such``,
    ``governance.not-permitted``, ``governance.one-person``."""
    if proposal is None:
        refuse_unknown(ask)
    require_permission(
        connection, ask, Thing(ask.object, proposal.tenant, label_of(connection, proposal)), *permissions
    )
    return proposal


def label_of(connection: Connection, proposal: Proposal) -> Label:
    """What a proposal carries: what its object carried when it was proposed, and whatever that carries now."""
    return labels_of(Subjects(connection), [proposal])[0]


def labels_of(subjects: Subjects, proposals: Sequence[Proposal]) -> list[Label]:
    """As :func:`label_of`, of each of these."""
    return [
        high_water_mark([subject.thing.label] if subject else [], Label.parse(one.binding.label))
        for one, subject in zip(proposals, subjects.of(proposals), strict=True)
    ]
