"""Carrying out what was approved: all that was looked at is looked at once more, under locks, and then it is so."""

from __future__ import annotations

from sqlalchemy import Connection

from bongsu.domain.approval import ApprovalState, Proposal, ProposalKind, moved
from bongsu.domain.codes import governance as codes
from bongsu.domain.labels import Label
from bongsu.domain.people import Actor
from bongsu.domain.problems import BongsuError, Problem
from bongsu.domain.uses import UseClass
from bongsu.policy.access import Permission
from bongsu.policy.approvals import EVIDENCE, EVIDENCE_DAYS, enough, in_time, unchanged
from bongsu.policy.decision import Decision
from bongsu.policy.uses import day, permitted
from bongsu.service.governance.fitness import unfit
from bongsu.service.governance.launching import read_whole
from bongsu.service.governance.permission import require_allowed
from bongsu.service.governance.proposing import PROPOSING, ask_of, seen
from bongsu.service.governance.retrying import retry_on_conflict
from bongsu.service.governance.subjects import Subject, label_named, needed, subject_of_proposal
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, done, refusals_recorded
from bongsu.store import label_releases, suspensions
from bongsu.store import proposals as store
from bongsu.store.aliases import lock_model, set_alias
from bongsu.store.ministries import open_accounts
from bongsu.store.permitted_uses import uses_of


def carry_out(platform: Platform, actor: Actor, proposal_id: str, request_id: str = "") -> Proposal:
    """Do what was proposed, once enough people have approved it who still may. Done twice it is done once.

    Raises:
        BongsuError: ``governance.*``, ``approval.*``, ``use.not-permitted``, ``data.*``, ``model.*``. Where what is
            bound has changed meanwhile, the proposal is ``needs-review`` afterwards.
    """
    ask = ask_of(platform, actor, proposal_id, "approval.carry-out", request_id)
    with refusals_recorded(ask):
        with platform.read() as connection:
            proposal = seen(connection, ask, store.get_proposal(connection, proposal_id), Permission.APPROVAL_READ)
            seen(connection, ask, proposal, *PROPOSING[proposal.binding.kind], Permission.APPROVAL_DECIDE)
        if proposal.binding.kind.lets_use and proposal.state is ApprovalState.APPROVED:
            # Before the transaction: reading a large model takes longer than anybody should wait for a lock.
            require_allowed(read_whole(platform, proposal.binding.object, proposal.binding.content))
        found = retry_on_conflict(lambda: _carry_out(ask, proposal))
        if isinstance(found, Problem):
            raise BongsuError([found])
        return found


def _carry_out(ask: Ask, known: Proposal) -> Proposal | Problem:
    """The proposal afterwards; or, if what it binds has changed, what it says then: that it needs a review stays."""
    with ask.platform.write() as connection:
        if known.binding.object.startswith("model:"):
            # First of all locks, in every use case: whoever suspends the model waits, or this does.
            lock_model(connection, known.binding.object.removeprefix("model:").partition("/")[0])
        before = store.get_proposal(connection, known.id, lock=True)
        assert before is not None
        if before.state is ApprovalState.CARRIED_OUT:
            return before
        require_allowed(in_time(before, (ApprovalState.APPROVED,), ask.now))
        label = Label.parse(before.binding.label)
        subject = subject_of_proposal(connection, before)
        changed = unchanged(before, subject.binding if subject else None)
        if subject is None or changed.problem:
            store.save(connection, before, moved(before, ApprovalState.NEEDS_REVIEW, ask.now, "changed"))
            done(connection, ask, label, state=ApprovalState.NEEDS_REVIEW.value, bound=before.binding.digest)
            return changed.problem or codes.NO_SUCH.at(object=before.binding.object)
        require_allowed(*_rules(connection, before, subject, ask.now))
        _act(connection, before, subject, ask.now)
        after = moved(before, ApprovalState.CARRIED_OUT, ask.now)
        store.save(connection, before, after)
        bound = before.binding
        facts = {"kind": bound.kind.value, "object": bound.object, "target": bound.target, "digest": bound.digest}
        done(connection, ask, label, **facts, approvers=list(before.approvers))
        return after


def _rules(connection: Connection, proposal: Proposal, subject: Subject, now: float) -> list[Decision]:
    """What holds at this moment, whatever held when people approved."""
    accounts = open_accounts(connection, proposal.approvers)
    decisions = [enough(proposal, accounts, needed(connection, subject, now))]
    if proposal.binding.kind.lets_use:
        register = uses_of(connection, [proposal.tenant])
        decisions.append(permitted(UseClass(proposal.binding.use_class), proposal.tenant, register, now))
        decisions += unfit(connection, subject, now)
        decisions.append(evidence_holds(proposal, now))
    return decisions


def evidence_holds(proposal: Proposal, now: float) -> Decision:
    """Whether the evidence that was approved is good at this time."""
    bound = proposal.binding
    if now < bound.evidence_until:
        return EVIDENCE.allow(object=bound.object)
    args = {"ends": day(bound.evidence_until), "days": EVIDENCE_DAYS}
    return EVIDENCE.deny(codes.EVIDENCE_TOO_LONG.at(None, "", **args), object=bound.object)


def _act(connection: Connection, proposal: Proposal, subject: Subject, now: float) -> None:
    """What makes it so. Nothing here transfers or serves; whoever does asks
    :func:`bongsu.service.governance.launching.check_launch` before."""
    bound = proposal.binding
    match bound.kind:
        case ProposalKind.PROMOTION:
            assert subject.found is not None
            set_alias(connection, subject.found.name, bound.target, subject.found.version)
        case ProposalKind.DOWNGRADE:
            old, new = Label.parse(bound.label), label_named(bound.target)
            label_releases.release(connection, proposal.id, bound.content, old, new, now)
        case ProposalKind.LIFT:
            suspensions.lift(connection, bound.target, now)
        case ProposalKind.TRANSFER | ProposalKind.SERVING:
            pass
