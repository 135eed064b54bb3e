"""Approvals: a proposal binds one set of digests, and people say yes or no to exactly that. Pure.

The moves are :data:`APPROVAL_MOVES`; ``docs/governance.md`` has them as a table, and a test compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.messages import N_
from bongsu.domain.tenants import Tenant

TARGET = N_("target")
EVIDENCE_END = N_("end of the evidence")


class ApprovalState(StrEnum):
    PROPOSED = "proposed"  # waits for people
    APPROVED = "approved"  # enough people said yes; nothing was done yet
    CARRIED_OUT = "carried-out"  # what was proposed is so
    REJECTED = "rejected"  # somebody who may decide said no
    WITHDRAWN = "withdrawn"  # by whoever proposed it
    NEEDS_REVIEW = "needs-review"  # something it rests on changed or ended: a new proposal is needed

    @property
    def is_final(self) -> bool:
        return not APPROVAL_MOVES[self]

    @property
    def is_open(self) -> bool:
        """True while somebody may still decide on it or carry it out."""
        return self in (ApprovalState.PROPOSED, ApprovalState.APPROVED)


_S = ApprovalState
APPROVAL_MOVES: Mapping[ApprovalState, frozenset[ApprovalState]] = {
    _S.PROPOSED: frozenset({_S.APPROVED, _S.REJECTED, _S.WITHDRAWN, _S.NEEDS_REVIEW}),
    _S.APPROVED: frozenset({_S.PROPOSED, _S.CARRIED_OUT, _S.REJECTED, _S.WITHDRAWN, _S.NEEDS_REVIEW}),
    _S.CARRIED_OUT: frozenset({_S.NEEDS_REVIEW}),
    _S.REJECTED: frozenset(),
    _S.WITHDRAWN: frozenset(),
    _S.NEEDS_REVIEW: frozenset(),
}


class ProposalKind(StrEnum):
    """What is proposed. The first three let a model be used, each in its way."""

    PROMOTION = "promotion"  # target: an alias of the registry
    TRANSFER = "transfer"  # target: the ministry that is to get it, or its installation: msit/bongsu.msit.example
    SERVING = "serving"  # target: the place that is to serve it
    DOWNGRADE = "downgrade"  # target: the lower label
    LIFT = "lift"  # of a suspension; no target

    @property
    def lets_use(self) -> bool:
        return self in (ProposalKind.PROMOTION, ProposalKind.TRANSFER, ProposalKind.SERVING)


class LaunchKind(StrEnum):
    """The kinds of proposals that let a model be used."""

    PROMOTION = ProposalKind.PROMOTION.value
    TRANSFER = ProposalKind.TRANSFER.value
    SERVING = ProposalKind.SERVING.value


class Choice(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True)
class Binding:
    """All that an approval is for; whatever differs in it is another thing, and needs approvals of its own.

    Attributes:
        object: e.g. ``model:axk1-admin/3``.
        target: the alias, ministry, place or label, as :class:`ProposalKind` says.
        content: digest of the bytes: weights of a model, or a data set.
        evidence: digests of the evaluations and verifications that speak for them, sorted.
        plan_hash: of the run that registered or made it; empty if none did.
        label: what it carries.
        use_class: what it was made for; empty for what is no model.
        evidence_ends_at: when the evidence has to be renewed, in seconds since the epoch; None for what has none.
    """

    kind: ProposalKind
    object: str
    target: str
    content: Digest
    evidence: tuple[Digest, ...]
    plan_hash: str
    label: str
    use_class: str
    evidence_ends_at: float | None

    def canonical(self) -> str:
        """The text that is hashed: JSON with sorted keys and no blanks."""
        document = {
            "content": self.content,
            "evidence": sorted(self.evidence),
            "evidenceUntil": round((self.evidence_ends_at or 0) * 1000),
            "kind": self.kind.value,
            "label": self.label,
            "object": self.object,
            "planHash": self.plan_hash,
            "target": self.target,
            "useClass": self.use_class,
        }
        return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @property
    def digest(self) -> Digest:
        """What people say yes to."""
        return digest_of(self.canonical().encode())

    def has_evidence(self, now: float) -> bool:
        """Whether it is good at this time, in seconds since the epoch."""
        return self.evidence_ends_at is not None and now < self.evidence_ends_at

    def differences(self, other: Binding) -> tuple[str, ...]:
        """Names of the parts that differ, for people."""
        pairs = {
            N_("object"): (self.object, other.object),
            TARGET: (self.target, other.target),
            N_("bytes"): (self.content, other.content),
            N_("evidence"): (sorted(self.evidence), sorted(other.evidence)),
            N_("plan"): (self.plan_hash, other.plan_hash),
            N_("label"): (self.label, other.label),
            N_("use class"): (self.use_class, other.use_class),
            EVIDENCE_END: (self.evidence_ends_at, other.evidence_ends_at),
        }
        return tuple(name for name, (mine, theirs) in pairs.items() if mine != theirs)


@dataclass(frozen=True)
class Vote:
    """One person's decision on one digest set.

    Attributes:
        counts: whether it counts at this moment, or did when the proposal was carried out; None of a proposal that was
            never carried out and waits no longer.
    """

    person: str
    choice: Choice
    digest: Digest
    reason: str
    voted_at: float
    counts: bool | None = None


@dataclass(frozen=True)
class Proposal:
    """A proposal and what was decided on it. The store has what was known when it was proposed; see
    :meth:`as_known`.

    Attributes:
        submitters: ids of those who submitted the runs that made the bytes and their evidence; they do not decide.
        needs: how many people have to approve.
        expires_at: from when on it is not carried out any more; seconds since the epoch.
        carried_out_at: None if it never was.
        note: why it is in its state, where that is no decision of people.
        version: grows with every change.
    """

    id: str
    tenant: Tenant
    binding: Binding
    reason: str
    proposer: str
    submitters: frozenset[str]
    needs: int
    state: ApprovalState
    proposed_at: float
    expires_at: float
    changed_at: float
    carried_out_at: float | None = None
    note: str = ""
    version: int = 0
    votes: tuple[Vote, ...] = ()

    @property
    def approvers(self) -> tuple[str, ...]:
        """Who said yes to the digest that is bound, each once, in order."""
        said = [v.person for v in self.votes if v.choice is Choice.APPROVE and v.digest == self.binding.digest]
        return tuple(dict.fromkeys(said))

    @property
    def counting(self) -> tuple[str, ...]:
        """Those of the approvers whose approval counts, as far as that is known of the votes."""
        counted = {vote.person for vote in self.votes if vote.counts}
        return tuple(person for person in self.approvers if person in counted)

    @property
    def deciders(self) -> tuple[str, ...]:
        """Whose approvals carried it: those that counted when it was carried out. All approvers, where that was not
        kept or it was never carried out."""
        return self.counting or self.approvers

    @property
    def has_enough(self) -> bool:
        """Whether as many approvals count as are needed."""
        return len(self.counting) >= self.needs

    @property
    def state_now(self) -> ApprovalState:
        """As what it is listed: one that is open is approved while enough approvals count, whichever of the two it was
        when somebody last acted."""
        if not self.state.is_open:
            return self.state
        return ApprovalState.APPROVED if self.has_enough else ApprovalState.PROPOSED

    def as_known(self, *, submitters: Collection[str], needs: int, counting: Collection[str]) -> Proposal:
        """With what is known at this moment: who has submitted the runs by now, how many have to approve as the tier is
        now (fewer than when it was proposed never do), and whose approvals count."""
        bound, counted = self.binding.digest, set(counting)
        votes = tuple(replace(v, counts=v.digest == bound and v.person in counted) for v in self.votes)
        known = self.submitters | set(submitters)
        return replace(self, submitters=known, needs=max(self.needs, needs), votes=votes)

    @property
    def open_key(self) -> str:
        """Equal for proposals of the same thing, of which one is open at a time."""
        bound = self.binding
        return f"{self.tenant}|{bound.kind.value}|{bound.object}|{bound.target}"


def with_vote(proposal: Proposal, vote: Vote) -> Proposal:
    """The proposal, as it is known at this moment, after one more decision, which was found to be allowed."""
    voted = replace(proposal, votes=(*proposal.votes, replace(vote, counts=True)), changed_at=vote.voted_at)
    if vote.choice is Choice.REJECT:
        return moved(voted, ApprovalState.REJECTED, vote.voted_at)
    return settled(voted, vote.voted_at)


def settled(proposal: Proposal, now: float) -> Proposal:
    """An open proposal, as it is known at this moment, in the state that its approvals make: approved if enough of them
    count, else proposed."""
    state = ApprovalState.APPROVED if proposal.has_enough else ApprovalState.PROPOSED
    return proposal if proposal.state is state else moved(proposal, state, now)


def moved(proposal: Proposal, state: ApprovalState, now: float, note: str = "") -> Proposal:
    """The proposal in another state. Raises ValueError for a move that there is not."""
    if state not in APPROVAL_MOVES[proposal.state]:
        raise ValueError(f"{proposal.id} is {proposal.state.value} and cannot become {state.value}")
    carried_out_at = now if state is ApprovalState.CARRIED_OUT else proposal.carried_out_at
    return replace(proposal, state=state, changed_at=now, carried_out_at=carried_out_at, note=note or proposal.note)
