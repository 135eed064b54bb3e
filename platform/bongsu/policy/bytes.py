"""What is launched is what was approved, to the byte."""

from __future__ import annotations

from collections.abc import Sequence

from bongsu.domain.approval import EVIDENCE_END, TARGET, ApprovalState, Binding, Proposal, ProposalKind
from bongsu.domain.codes import governance as codes
from bongsu.domain.messages import N_
from bongsu.domain.problems import Problem
from bongsu.policy.decision import Decision
from bongsu.policy.rule import Rule

APPROVED = Rule(
    "model.approved",
    N_(
        "A model is given an alias, taken by it, transferred or served only by an approval of exactly what it is now,"
        " carried out."
    ),
    (N_("approvals that were carried out"), N_("digest of what is there now"), N_("end of the evidence")),
    "OpenSSF model-signing specification, JSP 936 Part 1 (approval of use)",
    N_(
        "when a plan, a submission or an attempt takes a model by its alias, when a model is exported as a bundle, and"
        " when whoever is about to serve one asks whether it may"
    ),
)
BYTES = Rule(
    "model.bytes",
    N_("The bytes are read again before they are launched, and have to be those that the approval binds."),
    (N_("manifest of the tree"), N_("bytes of its files")),
    "OpenSSF model-signing specification",
    N_("when a proposal is carried out, and before a model is launched"),
)


def approved(
    kind: ProposalKind, target: str, current: Binding, proposals: Sequence[Proposal], now: float
) -> Decision:
    """Whether an approval that was carried out binds what is there now.

    Args:
        kind, target: how the model is to be used.
        current: what it is now, with whatever end of the evidence: each approval has its own.
        proposals: of this object.
        now: seconds since the epoch.
    """
    facts = {"object": current.object, "use": kind.value, "target": target}
    for proposal in proposals:
        if lets(proposal, kind, target, current, now):
            return APPROVED.allow(**facts, proposal=proposal.id)
    use = f"{kind.value} {target}".rstrip()
    for proposal in proposals:
        if _would(proposal, ApprovalState.APPROVED, kind, target, current, now):
            problem = codes.NOT_CARRIED_OUT.at(name=current.object, use=use, proposal=proposal.id)
            return APPROVED.deny(problem, **facts, proposal=proposal.id)
    return APPROVED.deny(codes.NOT_APPROVED.at(name=current.object, use=use), **facts)


def lets(proposal: Proposal, kind: ProposalKind, target: str, current: Binding, now: float) -> bool:
    """Whether this proposal is such an approval; arguments as of :func:`approved`."""
    return _would(proposal, ApprovalState.CARRIED_OUT, kind, target, current, now)


def _would(
    proposal: Proposal, state: ApprovalState, kind: ProposalKind, target: str, current: Binding, now: float
) -> bool:
    """Whether it is in this state and binds what is there now, for this use."""
    bound = proposal.binding
    if (bound.kind, bound.target, proposal.state) != (kind, target, state):
        return False
    differing = set(bound.differences(current)) - {EVIDENCE_END, TARGET}
    return not differing and bound.has_evidence(now)


def whole(name: str, fault: Problem | None) -> Decision:
    """Whether the bytes are what their digest says; ``fault`` is what reading them found."""
    if fault is None:
        return BYTES.allow(object=name)
    return BYTES.deny(codes.MODEL_BYTES.at(name=name, detail=fault.sentence()), object=name)
