"""Whose decision on a proposal counts, and until when: each rule by itself, with nothing around it that would hide a
mistake in it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.approval import (
    ApprovalState,
    Binding,
    Choice,
    Proposal,
    ProposalKind,
    Vote,
    settled,
    with_vote,
)
from bongsu.domain.ids import digest_of
from bongsu.domain.people import Actor, ActorKind, Role
from bongsu.domain.tenants import Tenant
from bongsu.policy.approvals import at_present, enough, entitled, in_time, may_decide, separate, unchanged
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
    evidence_ends_at=5000.0,
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
    assert not enough(at_present(asked, (), accounts, 2)).allowed
    accounts["bae"] = approver("bae")
    assert enough(at_present(replace(asked, votes=voted("ann", person, "bae")), (), accounts, 2)).allowed


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
    assert not enough(at_present(late, (), accounts, 2)).allowed
    other = replace(late, binding=OTHER)
    assert not enough(at_present(other, (), accounts, 2)).allowed, "what was approved before the change"


@pytest.mark.parametrize(
    ("current", "found"),
    [(BOUND, True), (OTHER, False), (replace(BOUND, evidence_ends_at=1.0), False), (None, False)],
)
def test_what_changed_since_is_not_carried_out(current: Binding | None, found: bool) -> None:
    assert unchanged(proposal("ann", "bae"), current).allowed is found


def test_only_people_decide() -> None:
    service = approver("ann", ActorKind.SERVICE)
    assert not may_decide(service, proposal(), BOUND.digest, 10.0).allowed
    assert not entitled(service, proposal())


def test_whoever_submits_a_run_behind_it_later_does_not_decide_and_their_approval_counts_no_more() -> None:
    asked, accounts = proposal("ann", "bae"), {one: approver(one) for one in ("ann", "bae", "cho")}
    now = at_present(asked, {"ann", "cho"}, accounts, 2)
    assert now.submitters == {"kim", "ann", "cho"}
    assert (now.counting, [vote.counts for vote in now.votes]) == (("bae",), [False, True])
    assert not enough(now).allowed
    assert codes(may_decide(accounts["cho"], now, BOUND.digest, 10.0)) == "approval.not-separate"


PEOPLE = ("ann", "bae", "cho", "dan", "eun")
SOME = st.sets(st.sampled_from(PEOPLE))


@given(said=SOME, open_=SOME, submitted=SOME, needs=st.integers(2, 4), tier=st.integers(2, 4))
def test_as_many_as_are_needed_now_by_votes_that_count_now(
    said: set[str], open_: set[str], submitted: set[str], needs: int, tier: int
) -> None:
    asked = replace(proposal(*sorted(said)), needs=needs)
    now = at_present(asked, submitted, {one: approver(one) for one in open_}, tier)
    counting = said & open_ - submitted
    assert set(now.counting) == counting == {vote.person for vote in now.votes if vote.counts}
    assert now.needs == max(needs, tier)
    has_enough = len(counting) >= max(needs, tier)
    assert (now.has_enough, enough(now).allowed) == (has_enough, has_enough)
    assert (settled(now, 20.0).state is ApprovalState.APPROVED) is has_enough
    was = replace(now, state=ApprovalState.APPROVED)
    assert (settled(was, 20.0).state is ApprovalState.APPROVED) is has_enough
    assert at_present(now, submitted, {one: approver(one) for one in open_}, tier) == now


def test_a_vote_makes_a_proposal_approved_only_when_enough_count() -> None:
    accounts = {"bae": approver("bae")}
    now = at_present(proposal("ann"), (), accounts, 2)
    after = with_vote(now, Vote("bae", Choice.APPROVE, BOUND.digest, "", 20.0))
    assert (after.state, after.counting) == (ApprovalState.PROPOSED, ("bae",))
    third = with_vote(after, Vote("cho", Choice.APPROVE, BOUND.digest, "", 30.0))
    assert (third.state, third.counting) == (ApprovalState.APPROVED, ("bae", "cho"))
    raised = at_present(third, (), {one: approver(one) for one in ("bae", "cho")}, 4)
    fourth = with_vote(raised, Vote("dan", Choice.APPROVE, BOUND.digest, "", 40.0))
    assert (fourth.state, fourth.counting) == (ApprovalState.PROPOSED, ("bae", "cho", "dan"))
