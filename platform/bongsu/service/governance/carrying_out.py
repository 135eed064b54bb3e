"""Carrying out what was approved: all that was looked at is looked at once more, under locks, and then it is so."""

from __future__ import annotations

from sqlalchemy import Connection

from bongsu.domain.approval import ApprovalState, Binding, Proposal, ProposalKind, moved
from bongsu.domain.codes import governance as codes
from bongsu.domain.labels import Label
from bongsu.domain.people import Actor
from bongsu.domain.problems import BongsuError, Problem
from bongsu.domain.uses import UseClass
from bongsu.policy.access import Permission
from bongsu.policy.approvals import enough, evidence_holds, in_time, unchanged
from bongsu.policy.decision import Decision
from bongsu.policy.uses import permitted
from bongsu.service.governance.counting import as_written, at_present, ready
from bongsu.service.governance.fitness import unfit
from bongsu.service.governance.launching import read_whole
from bongsu.service.governance.permission import require_allowed
from bongsu.service.governance.proposing import PROPOSING, ask_of, seen
from bongsu.service.governance.subjects import Subject, label_named, subject_of_proposal, submitters_behind
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, done, refusals_recorded
from bongsu.store import label_releases, suspensions
from bongsu.store import proposals as store
from bongsu.store.aliases import lock_model, set_alias
from bongsu.store.conflicts import retry_on_conflict
from bongsu.store.locks import hold_labels, hold_model
from bongsu.store.permitted_uses import uses_of

_ACTION = "approval.carry-out"


def carry_out(platform: Platform, actor: Actor, proposal_id: str, request_id: str = "") -> Proposal:
    """Do what was proposed, once enough people have approved it who still may. Done twice it is done once. All bytes of
    a model that it lets be used are read before.

    Raises:
        BongsuError: ``governance.*``, ``approval.*``, ``use.not-permitted``, ``data.*``, ``model.*``. Where what is
            bound has changed meanwhile, the proposal is ``needs-review`` afterwards.
    """
    ask = ask_of(platform, actor, proposal_id, _ACTION, request_id)
    while True:
        found = _carried_out(ask, proposal_id, may_read=True)
        if found is not None:
            return found  # else its last approval came after the look whether there is anything to read


def carry_out_unread(platform: Platform, actor: Actor, proposal_id: str, request_id: str = "") -> Proposal | None:
    """As :func:`carry_out`; None, and nothing is done, where a model is to be read for it, which may take an hour."""
    return _carried_out(ask_of(platform, actor, proposal_id, _ACTION, request_id), proposal_id, may_read=False)


def _carried_out(ask: Ask, proposal_id: str, *, may_read: bool) -> Proposal | None:
    """None if it cannot be done without what was not read."""
    with refusals_recorded(ask):
        with ask.platform.read() as connection:
            proposal = seen(connection, ask, store.get_proposal(connection, proposal_id), Permission.APPROVAL_READ)
            seen(connection, ask, proposal, *PROPOSING[proposal.binding.kind], Permission.APPROVAL_DECIDE)
            reads = proposal.binding.kind.lets_use and _is_ready(connection, proposal, ask.now)
        if reads and not may_read:
            return None
        if reads:
            # Before the transaction: reading a large model takes longer than anybody should wait for a lock.
            require_allowed(read_whole(ask.platform, proposal.binding.object, proposal.binding.content))
        found = retry_on_conflict(lambda: _carry_out(ask, proposal, was_read=reads))
        if isinstance(found, Problem):
            raise BongsuError([found])
        return found


def _carry_out(ask: Ask, known: Proposal, *, was_read: bool) -> Proposal | Problem | None:
    """The proposal afterwards; or, if what it binds has changed, what it says then: that it needs a review stays. None,
    and no change, if it lets a model be used of which nobody has read all bytes."""
    with ask.platform.write() as connection:
        _hold(connection, known.binding)
        stored = store.get_proposal(connection, known.id, lock=True)
        assert stored is not None
        if stored.state is ApprovalState.CARRIED_OUT:
            return stored
        subject = subject_of_proposal(connection, stored)
        before = at_present(connection, stored, subject, ask.now)
        approved = ready(before, ask.now)
        if approved.state is ApprovalState.PROPOSED:
            # Its state is what people have to change, so what it lacks is said and not what it is.
            require_allowed(in_time(approved, (ApprovalState.PROPOSED,), ask.now), enough(approved))
        require_allowed(in_time(approved, (ApprovalState.APPROVED,), ask.now))
        if stored.binding.kind.lets_use and not was_read:
            return None
        label = Label.parse(before.binding.label)
        changed = unchanged(before, subject.binding if subject else None)
        if subject is None or changed.problem:
            store.save(connection, before, moved(before, ApprovalState.NEEDS_REVIEW, ask.now, "changed"))
            done(connection, ask, label, state=ApprovalState.NEEDS_REVIEW.value, bound=before.binding.digest)
            return changed.problem or codes.NO_SUCH.at(object=before.binding.object)
        require_allowed(*_rules(connection, ask, before, subject))
        _act(connection, before, subject, ask.now)
        after = moved(approved, ApprovalState.CARRIED_OUT, ask.now)
        store.save(connection, before, after)
        bound = before.binding
        facts = {"kind": bound.kind.value, "object": bound.object, "target": bound.target, "digest": bound.digest}
        done(connection, ask, label, **facts, approvers=list(before.counting))
        return as_written(connection, after.id, ask.now)


def _hold(connection: Connection, bound: Binding) -> None:
    """Before all rows, in the order of :mod:`bongsu.store.locks`: whoever suspends or registers the model waits, or
    this does; and so does whoever raises labels, where one is to be lowered."""
    name = bound.object.removeprefix("model:").partition("/")[0] if bound.object.startswith("model:") else ""
    if name:
        hold_model(connection, name)
    if bound.kind is ProposalKind.DOWNGRADE:
        hold_labels(connection)
    if name:
        lock_model(connection, name)


def _is_ready(connection: Connection, proposal: Proposal, now: float) -> bool:
    """Whether it is approved, as far as is known before it is locked."""
    if not proposal.state.is_open:
        return False
    known = at_present(connection, proposal, subject_of_proposal(connection, proposal), now)
    return ready(known, now).state is ApprovalState.APPROVED


def _rules(connection: Connection, ask: Ask, proposal: Proposal, subject: Subject) -> list[Decision]:
    """What holds at this moment, whatever held when people approved."""
    submitters_behind(connection, subject)
    decisions = [enough(proposal)]
    if proposal.binding.kind.lets_use:
        register = uses_of(connection, [proposal.tenant])
        decisions.append(permitted(UseClass(proposal.binding.use_class), proposal.tenant, register, ask.now))
        decisions += unfit(connection, ask.actor, subject, ask.now)
        decisions.append(evidence_holds(proposal.binding, ask.now))
    return decisions


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
