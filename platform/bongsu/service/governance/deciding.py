"""Approving and rejecting. Of two who decide at once, on whatever replicas, each decision counts once."""

from __future__ import annotations

from dataclasses import dataclass

from bongsu.domain.approval import ApprovalState, Choice, Proposal, Vote, moved, with_vote
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.domain.people import Actor
from bongsu.domain.problems import BongsuError, Problem
from bongsu.policy.access import Permission
from bongsu.policy.approvals import may_decide, unchanged
from bongsu.service.governance.counting import as_written, at_present
from bongsu.service.governance.permission import require_allowed
from bongsu.service.governance.proposing import ask_of, seen
from bongsu.service.governance.subjects import subject_of_proposal, submitters_behind
from bongsu.service.governance.texts import check_texts
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, done, refusals_recorded
from bongsu.store import proposals as store
from bongsu.store.conflicts import retry_on_conflict


@dataclass(frozen=True)
class Said:
    """What somebody decides: on the digest of the proposal as they looked at it."""

    choice: Choice
    digest: Digest
    reason: str


def approve(
    platform: Platform, actor: Actor, proposal_id: str, digest: Digest, reason: str = "", request_id: str = ""
) -> Proposal:
    """Say yes to exactly what ``digest`` stands for.

    Raises:
        BongsuError: ``governance.*``, ``approval.*``. Where what is bound has changed meanwhile, the proposal is
            ``needs-review`` afterwards.
    """
    return _decide(platform, actor, proposal_id, Said(Choice.APPROVE, digest, reason), request_id)


def reject(
    platform: Platform, actor: Actor, proposal_id: str, digest: Digest, reason: str, request_id: str = ""
) -> Proposal:
    """Say no, which ends the proposal. Raises as :func:`approve`."""
    return _decide(platform, actor, proposal_id, Said(Choice.REJECT, digest, reason), request_id)


def _decide(platform: Platform, actor: Actor, proposal_id: str, said: Said, request_id: str) -> Proposal:
    ask = ask_of(platform, actor, proposal_id, f"approval.{said.choice.value}", request_id)
    with refusals_recorded(ask):
        if said.reason or said.choice is Choice.REJECT:
            check_texts(reason=said.reason)
        found = retry_on_conflict(lambda: _vote(ask, proposal_id, said))
        if isinstance(found, Problem):
            raise BongsuError([found])
        return found


def _vote(ask: Ask, proposal_id: str, said: Said) -> Proposal | Problem:
    """The proposal afterwards; or, if what it binds has changed, what it says then: that it needs a review stays."""
    with ask.platform.write() as connection:
        locked = store.get_proposal(connection, proposal_id, lock=True)
        stored = seen(connection, ask, locked, Permission.APPROVAL_DECIDE)
        if _has_said(stored, ask.actor, said):
            return as_written(connection, stored.id, ask.now)
        subject = subject_of_proposal(connection, stored)
        before = at_present(connection, stored, subject, ask.now)
        require_allowed(may_decide(ask.actor, before, said.digest, ask.now))
        label = Label.parse(before.binding.label)
        changed = unchanged(before, subject.binding if subject else None)
        if changed.problem:
            store.save(connection, before, moved(before, ApprovalState.NEEDS_REVIEW, ask.now, "changed"))
            done(connection, ask, label, state=ApprovalState.NEEDS_REVIEW.value, bound=before.binding.digest)
            return changed.problem
        if subject is not None:
            submitters_behind(connection, subject)
        vote = Vote(ask.actor.id, said.choice, said.digest, said.reason, ask.now)
        after = with_vote(before, vote)
        store.save(connection, before, after)
        facts = {"digest": said.digest, "state": after.state.value, "object": before.binding.object}
        done(connection, ask, label, **facts, reason=said.reason)
        return as_written(connection, after.id, ask.now)


def _has_said(proposal: Proposal, actor: Actor, said: Said) -> bool:
    """Whether it is the same request once more."""
    return any(
        (vote.person, vote.choice, vote.digest) == (actor.id, said.choice, said.digest) for vote in proposal.votes
    )
