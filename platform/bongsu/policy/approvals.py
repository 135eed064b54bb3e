"""Who may decide on a proposal, and when it may be carried out. Facts in, decisions out."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bongsu.domain.approval import ApprovalState, Binding, Proposal
from bongsu.domain.codes import governance as codes
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor, ActorKind
from bongsu.domain.phrases import joined, phrase
from bongsu.policy.access import Permission, cleared_for, permissions_in
from bongsu.policy.decision import Decision
from bongsu.policy.rule import Rule
from bongsu.policy.uses import day

JSP = "JSP 936 Part 1 (approval of use, assurance)"
FOUR_EYES = "Military Secrets Act (two-person rule), NIST SP 800-53 AC-5"
VOTING = N_("when somebody approves or rejects a proposal")
APPLYING = N_("when a proposal is carried out")
PEOPLE = Rule(
    "approval.people",
    N_("Only people decide: no service account and no worker approves anything."),
    (N_("kind of the account"),),
    "US DoD AI Ethical Principles: responsible; " + JSP,
    VOTING,
)
SEPARATION = Rule(
    "approval.separation",
    N_(
        "Whoever submitted the runs behind a model, by now, or proposed it, does not decide on it; others decide once"
        " each."
    ),
    (N_("submitters of the runs"), N_("proposer"), N_("decisions so far")),
    FOUR_EYES,
    N_("when a model is proposed, and when somebody approves or rejects it"),
)
BINDING = Rule(
    "approval.binding",
    N_(
        "An approval is for one digest set: weights, evidence and until when it holds, plan, label and use class."
        " What differs in anything is another digest set, and needs approvals of its own."
    ),
    (N_("digest that was looked at"), N_("digest that was proposed"), N_("digest of what is there now")),
    "OpenSSF model-signing specification, " + JSP,
    N_("when somebody approves or rejects a proposal, and when it is carried out"),
)
ENOUGH = Rule(
    "approval.enough",
    N_(
        "A proposal is approved, and carried out, when as many people have approved it as the tier says now, at least"
        " two, who still may."
    ),
    (N_("approvals"), N_("tier"), N_("roles, clearances, accounts and submitters at this moment")),
    FOUR_EYES + "; " + JSP,
    N_("when somebody approves a proposal, when it is looked at, and when it is carried out"),
)
STATE = Rule(
    "approval.state",
    N_("A proposal is decided on while it is open, withdrawn by its proposer, and carried out once, in time."),
    (N_("state of the proposal"), N_("its end"), N_("time")),
    JSP,
    N_("at every step of a proposal"),
)
ONE_OPEN = Rule(
    "approval.one-open",
    N_("Of one thing and one target, one proposal is open at a time: people decide on one digest set."),
    (N_("open proposals of the same thing"), N_("digest that was proposed"), N_("proposer")),
    JSP,
    N_("when something is proposed that is proposed already, by somebody else or as another digest set"),
)
EVIDENCE = Rule(
    "approval.evidence",
    N_(
        "A model is proposed with evaluations or verifications that speak for it, and with a day on which they end."
    ),
    (N_("lineage of the registration"), N_("end of the evidence")),
    "US DoD Responsible AI Toolkit; " + JSP,
    N_("when a model is proposed"),
)
DOWNGRADE = Rule(
    "downgrade.lower",
    N_("A label is lowered only by a proposal with a reason and two approvers, and what was made keeps its own."),
    (N_("label"), N_("label that is proposed"), N_("approvals")),
    "N2SF 1.0, Military Secrets Act (declassification)",
    N_("when a lower label is proposed"),
)
_DAY_S = 86_400
EVIDENCE_DAYS = 366
"""Longest time that evidence is good for; models and what they are used on change faster than they are looked at."""


def only_open(proposal: Proposal, known: Proposal | None, *, is_seen: bool) -> Decision:
    """Whether something may be proposed while ``known`` is the open proposal of the same thing; None if there is
    none. ``is_seen``: whether who proposes may see that one; else it is not named to them."""
    if known is None:
        return ONE_OPEN.allow(object=proposal.binding.object)
    bound = known.binding
    kind, object_, target = phrase(bound.kind.value), bound.object, bound.target or "–"
    if not is_seen:
        return ONE_OPEN.deny(codes.OPEN_UNSEEN.at(kind=kind, object=object_, target=target), open=known.id)
    problem = codes.OPEN_ALREADY.at(
        kind=kind,
        object=object_,
        target=target,
        proposal=known.id,
        proposer=known.proposer,
        state=phrase(known.state.value),
    )
    return ONE_OPEN.deny(problem, open=known.id)


def may_decide(actor: Actor, proposal: Proposal, looked_at: Digest, now: float) -> Decision:
    """Whether the actor, who sees the proposal and has the role for it, may say yes or no to it now.

    Args:
        actor: who decides.
        proposal: with all decisions so far, and whoever has submitted the runs behind it by now.
        looked_at: digest of what they looked at.
        now: seconds since the epoch.
    """
    name = {"proposal": proposal.id}
    if actor.kind is not ActorKind.PERSON:
        return PEOPLE.deny(codes.NOT_A_PERSON.at(actor=actor.id), kind=actor.kind.value)
    apart = separate(actor.id, proposal)
    if not apart.allowed:
        return apart
    standing = in_time(proposal, (ApprovalState.PROPOSED, ApprovalState.APPROVED), now)
    if not standing.allowed:
        return standing
    if looked_at != proposal.binding.digest:
        args = {**name, "given": looked_at, "bound": proposal.binding.digest}
        return BINDING.deny(codes.OTHER_DIGEST.at(None, "digest", **args), **name)
    return BINDING.allow(**name, digest=looked_at)


def separate(person: str, proposal: Proposal) -> Decision:
    """Whether somebody is none of those whose work, or whose proposal, it is."""
    why = None
    if person in proposal.submitters:
        why = phrase(N_("they submitted a run that it comes from"))
    elif person == proposal.proposer:
        why = phrase(N_("they proposed it"))
    elif any(vote.person == person for vote in proposal.votes):
        why = phrase(N_("they have decided on it already"))
    if why is None:
        return SEPARATION.allow(proposal=proposal.id)
    problem = codes.NOT_SEPARATE.at(actor=person, proposal=proposal.id, fact=why)
    return SEPARATION.deny(problem, proposal=proposal.id)


def in_time(proposal: Proposal, wanted: tuple[ApprovalState, ...], now: float) -> Decision:
    """Whether the proposal is in one of these states and its end is ahead."""
    if proposal.state not in wanted:
        states = joined([phrase(state.value) for state in wanted], ", ")
        state = phrase(proposal.state.value)
        problem = codes.WRONG_STATE.at(proposal=proposal.id, state=state, wanted=states)
        return STATE.deny(problem, state=proposal.state.value)
    if now >= proposal.expires_at:
        problem = codes.PROPOSAL_EXPIRED.at(proposal=proposal.id, ends=day(proposal.expires_at))
        return STATE.deny(problem, state=proposal.state.value)
    return STATE.allow(proposal=proposal.id, state=proposal.state.value)


def unchanged(proposal: Proposal, current: Binding | None) -> Decision:
    """Whether what is there now is what was proposed; None if it is there no longer."""
    facts = {"proposal": proposal.id, "bound": proposal.binding.digest}
    if current is not None and current.digest == proposal.binding.digest:
        return BINDING.allow(**facts)
    differing = proposal.binding.differences(current) if current else ()
    fact = joined([phrase(name) for name in differing], ", ") if differing else phrase(N_("it is there no longer"))
    return BINDING.deny(codes.CHANGED.at(proposal=proposal.id, fact=fact), **facts)


def entitled(actor: Actor, proposal: Proposal) -> bool:
    """Whether an approval of this account, which is open, counts: a person with the role and the clearance."""
    return (
        actor.kind is ActorKind.PERSON
        and Permission.APPROVAL_DECIDE in permissions_in(actor, proposal.tenant)
        and cleared_for(actor.clearance, Label.parse(proposal.binding.label))
        and actor.id not in proposal.submitters
        and actor.id != proposal.proposer
    )


def at_present(
    proposal: Proposal, submitters: Collection[str], accounts: Mapping[str, Actor], needs: int
) -> Proposal:
    """The proposal with what is known at this moment: of each vote, whether whoever gave it may approve now, too.

    Args:
        proposal: as the store has it.
        submitters: of the runs behind it, by now.
        accounts: of those who decided, by id; without those that are disabled or gone.
        needs: how many the tier asks for now; the proposal may ask for more.
    """
    known = proposal.as_known(submitters=submitters, needs=needs, counting=())
    counting = [one for one in known.approvers if one in accounts and entitled(accounts[one], known)]
    return known.as_known(submitters=submitters, needs=needs, counting=counting)


def enough(proposal: Proposal) -> Decision:
    """Whether as many approvals of the proposal, as it is :func:`at_present`, count as are needed."""
    have, needs = len(proposal.counting), proposal.needs
    facts = {"proposal": proposal.id, "have": str(have), "needs": str(needs)}
    if proposal.has_enough:
        return ENOUGH.allow(**facts)
    return ENOUGH.deny(codes.TOO_FEW.at(proposal=proposal.id, have=have, needs=needs), **facts)


def evidence_holds(bound: Binding, now: float) -> Decision:
    """Whether the evidence that was approved is good at this time, in seconds since the epoch."""
    return EVIDENCE.allow(object=bound.object) if bound.has_evidence(now) else _no_evidence(bound)


def evidence_ends(bound: Binding, now: float) -> Decision:
    """Whether what is proposed says a day on which its evidence may end."""
    ends_at = bound.evidence_ends_at
    if ends_at is not None and now < ends_at <= now + EVIDENCE_DAYS * _DAY_S:
        return EVIDENCE.allow(object=bound.object)
    return _no_evidence(bound, "evidenceEndsAt")


def _no_evidence(bound: Binding, field: str = "") -> Decision:
    ends_at, days = bound.evidence_ends_at, EVIDENCE_DAYS
    if ends_at is None:
        problem = codes.NO_EVIDENCE_END.at(None, field, object=bound.object, days=days)
    else:
        problem = codes.EVIDENCE_TOO_LONG.at(None, field, ends=day(ends_at), days=days)
    return EVIDENCE.deny(problem, object=bound.object)


def is_lower(target: Label, label: Label) -> bool:
    """Whether a label protects less than another, in grade or in compartments, and in neither more."""
    return label.dominates(target) and not target.dominates(label)
