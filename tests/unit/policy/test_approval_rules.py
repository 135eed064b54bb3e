"""Whose decision on a proposal counts, and until when: each rule by itself, with nothing around it that would hide a
mistake in it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bongsu.domain.approval import ApprovalState, Binding, Choice, Proposal, ProposalKind, Vote
from bongsu.domain.ids import digest_of
from bongsu.domain.people import Actor, ActorKind, Role
from bongsu.domain.tenants import Tenant
from bongsu.policy.approvals import enough, entitled, in_time, may_decide, separate, unchanged
from bongsu.policy.decision import Decision

ENDS = 1000.0
BOUND = Binding(
    kind=ProposalKind.PROMOTION,
    object="model:axk1/1",
    target="champion",
    content=digest_of(b"weights"),
    evidence=(digest_of(b"evaluation"),),
    plan_hash="plan",
    label="O",
    use_class="administration",
    evidence_until=5000.0,
)
OTHER = replace(BOUND, content=digest_of(b"other weights"))


def voted(*people: str, binding: Binding = BOUND) -> tuple[Vote, ...]:
    return tuple(Vote(person, Choice.APPROVE, binding.digest, "", 10.0) for person in people)


def proposal(*approvers: str, state: ApprovalState = ApprovalState.PROPOSED) -> Proposal:
    return Proposal(
        id="p-1",
        tenant=Tenant("mnd"),
        binding=BOUND,
        reason="Ready",
        proposer="lee",
        submitters=frozenset({"kim"}),
        needs=2,
        state=state,
        proposed_at=0.0,
        expires_at=ENDS,
        changed_at=0.0,
        votes=voted(*approvers),
    )


def approver(id_: str, kind: ActorKind = ActorKind.PERSON) -> Actor:
    return Actor(id_, id_, kind, {"mnd": frozenset({Role.APPROVER})})


def codes(decision: Decision) -> str:
    return decision.problem.code.name if decision.problem is not None else "allowed"


@pytest.mark.parametrize(("person", "found"), [("lee", False), ("kim", False), ("ann", False), ("bae", True)])
def test_whoever_proposed_or_submitted_it_or_has_decided_does_not_decide(person: str, found: bool) -> None:
    asked = proposal("ann")
    assert separate(person, asked).allowed is found
    assert may_decide(approver(person), asked, BOUND.digest, 10.0).allowed is found


@pytest.mark.parametrize("person", ["lee", "kim"])
def test_an_approval_of_the_proposer_or_a_submitter_counts_nothing_however_it_came_there(person: str) -> None:
    asked = proposal("ann", person)
    accounts = {one: approver(one) for one in ("ann", person)}
    assert not entitled(accounts[person], asked)
    assert not enough(asked, accounts, 2).allowed
    accounts["bae"] = approver("bae")
    assert enough(replace(asked, votes=voted("ann", person, "bae")), accounts, 2).allowed


@pytest.mark.parametrize(("now", "found"), [(ENDS - 1e-3, True), (ENDS, False), (ENDS + 1, False)])
def test_from_its_end_on_nobody_decides_on_it_and_it_is_not_carried_out(now: float, found: bool) -> None:
    assert may_decide(approver("ann"), proposal(), BOUND.digest, now).allowed is found
    carried = in_time(proposal("ann", "bae", state=ApprovalState.APPROVED), (ApprovalState.APPROVED,), now)
    assert carried.allowed is found
    if not found:
        assert codes(carried) == "approval.expired"


def test_an_approval_of_another_digest_set_is_refused_and_one_that_was_given_to_it_does_not_count() -> None:
    assert not may_decide(approver("ann"), proposal(), OTHER.digest, 10.0).allowed
    late = replace(proposal("ann"), votes=(*voted("ann"), *voted("bae", binding=OTHER)))
    accounts = {one: approver(one) for one in ("ann", "bae")}
    assert not enough(late, accounts, 2).allowed
    assert not enough(replace(late, binding=OTHER), accounts, 2).allowed, "what was approved before the change"


@pytest.mark.parametrize(
    ("current", "found"),
    [(BOUND, True), (OTHER, False), (replace(BOUND, evidence_until=1.0), False), (None, False)],
)
def test_what_changed_since_is_not_carried_out(current: Binding | None, found: bool) -> None:
    assert unchanged(proposal("ann", "bae"), current).allowed is found


def test_only_people_decide() -> None:
    service = approver("ann", ActorKind.SERVICE)
    assert not may_decide(service, proposal(), BOUND.digest, 10.0).allowed
    assert not entitled(service, proposal())
