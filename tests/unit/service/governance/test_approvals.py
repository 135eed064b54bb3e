"""Proposals and decisions, example by example; ``test_approval_machine.py`` has every order of them. Long, because each
example is decided on by the same few people over the same model."""

from __future__ import annotations

import json

import pytest
from governed_places import DAY, SECRET, SENSITIVE, GovernedPlace
from sqlalchemy import delete, update

from bongsu.domain.approval import ApprovalState, LaunchKind, ProposalKind
from bongsu.domain.ids import digest_of
from bongsu.domain.labels import OPEN
from bongsu.domain.people import ActorKind, Role
from bongsu.domain.problems import BongsuError
from bongsu.domain.use_register import Tier
from bongsu.service.governance.carrying_out import carry_out
from bongsu.service.governance.deciding import approve, reject
from bongsu.service.governance.launching import Launch, LaunchRequest, check_launch
from bongsu.service.governance.proposing import ProposalRequest, list_proposals, propose, show_proposal, withdraw
from bongsu.service.governance.uses import withdraw_use
from bongsu.store import label_flow
from bongsu.store.datasets import list_dataset_versions
from bongsu.store.schema import model_versions
from bongsu.store.schema_people import memberships
from bongsu.store.submitters import note_submitter


def launched(governed: GovernedPlace, asked: LaunchRequest, person: str = "kim") -> Launch:
    """By an engineer, who may read the bytes."""
    return check_launch(governed.platform, governed.actor(person), "mnd", asked)


def codes_of(caught: pytest.ExceptionInfo[BongsuError]) -> list[str]:
    return [problem.code.name for problem in caught.value.problems]


def test_two_people_give_an_alias_and_the_tracking_server_is_told_to_look(governed: GovernedPlace) -> None:
    proposal = governed.promoted()
    assert proposal.state is ApprovalState.CARRIED_OUT
    assert governed.aliases() == {"production": 1}
    told = [json.loads(body) for body in governed.told()]
    assert [(one["type"], one["name"], one["alias"]) for one in told] == [("alias-changed", "axk1", "production")]
    actions = [action for _actor, action, _entry in governed.log() if action.startswith("approval")]
    assert actions == ["approval.propose", "approval.approve", "approval.approve", "approval.carry-out"]


def test_one_person_is_never_enough(governed: GovernedPlace) -> None:
    with pytest.raises(BongsuError) as caught:
        governed.promoted(by=["ann"])
    assert codes_of(caught) == ["approval.too-few"]
    assert governed.aliases() == {}


def test_a_higher_tier_asks_for_more_people(governed: GovernedPlace) -> None:
    governed.permit_use(Tier.III)
    with pytest.raises(BongsuError):
        governed.promoted(by=["ann", "bae", "cho"])
    proposal = list_proposals(governed.platform, governed.actor("dan"))[0]
    assert proposal.needs == 4
    approve(governed.platform, governed.actor("dan"), proposal.id, proposal.binding.digest)
    assert carry_out(governed.platform, governed.actor("lee"), proposal.id).state is ApprovalState.CARRIED_OUT


def test_a_tier_that_rises_after_the_approvals_asks_for_more_people(governed: GovernedPlace) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    for person in ("ann", "bae"):
        approve(governed.platform, governed.actor(person), proposal.id, proposal.binding.digest)
    governed.permit_use(Tier.II)
    with pytest.raises(BongsuError) as caught:
        carry_out(governed.platform, governed.actor("lee"), proposal.id)
    assert codes_of(caught) == ["approval.too-few"]
    approve(governed.platform, governed.actor("cho"), proposal.id, proposal.binding.digest)
    carry_out(governed.platform, governed.actor("lee"), proposal.id)
    assert governed.aliases() == {"production": 1}


def test_a_tier_that_rises_between_approvals_is_told_before_anybody_carries_it_out(governed: GovernedPlace) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    digest = proposal.binding.digest
    approve(governed.platform, governed.actor("ann"), proposal.id, digest)
    governed.permit_use(Tier.III)
    answered = approve(governed.platform, governed.actor("bae"), proposal.id, digest)
    assert (answered.state, answered.needs, answered.counting) == (ApprovalState.PROPOSED, 4, ("ann", "bae"))
    assert approve(governed.platform, governed.actor("cho"), proposal.id, digest).state is ApprovalState.PROPOSED
    assert approve(governed.platform, governed.actor("dan"), proposal.id, digest).state is ApprovalState.APPROVED


def test_whoever_submits_the_run_behind_it_meanwhile_neither_decides_nor_counts(governed: GovernedPlace) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    digest = proposal.binding.digest
    approve(governed.platform, governed.actor("bae"), proposal.id, digest)
    with governed.platform.write() as connection:
        for person in ("ann", "bae"):
            note_submitter(connection, "r-000000000001", person, governed.now)
    shown = show_proposal(governed.platform, governed.actor("acc"), proposal.id)
    assert shown.submitters == {"kim", "ann", "bae"}
    with pytest.raises(BongsuError) as caught:
        approve(governed.platform, governed.actor("ann"), proposal.id, digest)
    assert codes_of(caught) == ["approval.not-separate"]
    assert approve(governed.platform, governed.actor("cho"), proposal.id, digest).state is ApprovalState.PROPOSED
    last = approve(governed.platform, governed.actor("dan"), proposal.id, digest)
    assert (last.state, last.counting) == (ApprovalState.APPROVED, ("cho", "dan"))
    done = carry_out(governed.platform, governed.actor("lee"), proposal.id)
    voted = [(vote.person, vote.counts) for vote in done.votes]
    assert (done.submitters, voted) == ({"kim"}, [("bae", False), ("cho", True), ("dan", True)]), "as it was then"
    assert json.loads(governed.log()[-1][2])["facts"]["approvers"] == ["cho", "dan"]


def test_whoever_submits_the_run_after_everybody_has_approved_counts_no_more(governed: GovernedPlace) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    for person in ("ann", "bae"):
        approve(governed.platform, governed.actor(person), proposal.id, proposal.binding.digest)
    with governed.platform.write() as connection:
        note_submitter(connection, "r-000000000001", "ann", governed.now)
    (shown,) = list_proposals(governed.platform, governed.actor("acc"))
    assert (shown.state, shown.has_enough, shown.counting) == (ApprovalState.APPROVED, False, ("bae",))
    with pytest.raises(BongsuError) as caught:
        carry_out(governed.platform, governed.actor("lee"), proposal.id)
    assert codes_of(caught) == ["approval.too-few"]
    assert governed.aliases() == {}


def test_an_approval_of_somebody_who_has_the_role_no_more_makes_nothing_approved(governed: GovernedPlace) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    approve(governed.platform, governed.actor("ann"), proposal.id, proposal.binding.digest)
    with governed.platform.write() as connection:
        connection.execute(delete(memberships).where(memberships.c.person == "ann"))
    answered = approve(governed.platform, governed.actor("bae"), proposal.id, proposal.binding.digest)
    assert (answered.state, answered.counting) == (ApprovalState.PROPOSED, ("bae",))
    assert [(vote.person, vote.counts) for vote in answered.votes] == [("ann", False), ("bae", True)]
    with pytest.raises(BongsuError) as caught:
        carry_out(governed.platform, governed.actor("lee"), proposal.id)
    assert codes_of(caught) == ["approval.too-few"]
    governed.add_role("ann", "mnd", Role.APPROVER)
    carry_out(governed.platform, governed.actor("lee"), proposal.id)
    assert governed.aliases() == {"production": 1}, "who has the role again counts again"


def test_who_submitted_or_proposed_does_not_decide(governed: GovernedPlace) -> None:
    governed.add_person("both", "mnd", Role.APPROVER)
    governed.register(version=2, submitter="both")
    second = propose(governed.platform, governed.actor("kim"), governed.wish("model:axk1/2"))
    with pytest.raises(BongsuError) as caught:
        approve(governed.platform, governed.actor("both"), second.id, second.binding.digest)
    assert codes_of(caught) == ["approval.not-separate"]
    entry = json.loads(governed.log()[-1][2])
    assert (entry["actor"], entry["action"], entry["outcome"]) == ("both", "approval.approve", "refused")


def test_a_service_account_with_the_role_does_not_decide(governed: GovernedPlace) -> None:
    governed.add_person("bot", "mnd", Role.APPROVER, kind=ActorKind.SERVICE)
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    with pytest.raises(BongsuError) as caught:
        approve(governed.platform, governed.actor("bot"), proposal.id, proposal.binding.digest)
    assert codes_of(caught) == ["access.people-decide"]


def test_for_another_ministry_there_is_no_such_proposal(governed: GovernedPlace) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    foreign = governed.actor("army-ann")
    assert list_proposals(governed.platform, foreign) == []
    texts = set()
    for name in (proposal.id, "p-0000000000000000"):
        with pytest.raises(BongsuError) as caught:
            show_proposal(governed.platform, foreign, name)
        texts.add(str(caught.value).replace(name, "X"))
        with pytest.raises(BongsuError):
            approve(governed.platform, foreign, name, proposal.binding.digest)
    assert len(texts) == 1, "what exists elsewhere and what does not exist read the same"


def test_an_approver_whose_clearance_is_too_low_sees_no_proposal(governed: GovernedPlace) -> None:
    governed.register("axk2", 1, label=SENSITIVE)
    governed.add_person("low", "mnd", Role.APPROVER, clearance=OPEN)
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish("model:axk2/1"))
    with pytest.raises(BongsuError) as caught:
        approve(governed.platform, governed.actor("low"), proposal.id, proposal.binding.digest)
    assert codes_of(caught) == ["governance.no-such"]


def test_a_model_that_no_run_registered_is_told_why_it_cannot_be_proposed_as_one_that_is_hidden(
    governed: GovernedPlace,
) -> None:
    governed.register("hidden", 1, label=SENSITIVE)
    governed.add_person("low", "mnd", Role.PROGRAMME_MANAGER, clearance=OPEN)
    told = set()
    for name in ("hidden", "of-an-mlflow-client"):
        with pytest.raises(BongsuError) as caught:
            propose(governed.platform, governed.actor("low"), governed.wish(f"model:{name}/1"))
        assert codes_of(caught) == ["approval.not-registered"]
        told.add(str(caught.value).replace(name, "X"))
    assert len(told) == 1
    (text,) = told
    assert ("No run registered model:X/1" in text, "MLflow's own client" in text) == (True, True)
    assert ("a pipeline that evaluates and registers them" in text, "models import" in text) == (True, True)


def test_an_account_that_is_closed_meanwhile_does_not_count(governed: GovernedPlace) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    for person in ("ann", "bae"):
        approve(governed.platform, governed.actor(person), proposal.id, proposal.binding.digest)
    governed.disable("ann")
    with pytest.raises(BongsuError) as caught:
        carry_out(governed.platform, governed.actor("lee"), proposal.id)
    assert codes_of(caught) == ["approval.too-few"]
    governed.disable("ann", again=True)
    carry_out(governed.platform, governed.actor("lee"), proposal.id)
    assert governed.aliases() == {"production": 1}


def test_a_label_that_rises_makes_it_another_thing(governed: GovernedPlace) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    approve(governed.platform, governed.actor("ann"), proposal.id, proposal.binding.digest)
    governed.add_dataset("law", governed.law, SENSITIVE)
    with pytest.raises(BongsuError) as caught:
        approve(governed.platform, governed.actor("bae"), proposal.id, proposal.binding.digest)
    assert codes_of(caught) == ["approval.changed"]
    assert "label" in str(caught.value)
    state = show_proposal(governed.platform, governed.actor("ann"), proposal.id).state
    assert state is ApprovalState.NEEDS_REVIEW
    assert governed.aliases() == {}


def test_bytes_that_are_swapped_after_the_approvals_get_no_alias(governed: GovernedPlace) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    for person in ("ann", "bae"):
        approve(governed.platform, governed.actor(person), proposal.id, proposal.binding.digest)
    (path,) = (governed.folder / "artifacts" / "trees").glob(f"*/{proposal.binding.content}/file.txt")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(BongsuError) as caught:
        carry_out(governed.platform, governed.actor("lee"), proposal.id)
    assert codes_of(caught) == ["model.bytes-changed"]
    assert governed.aliases() == {}


def test_a_row_that_is_swapped_after_the_promotion_is_not_launched(governed: GovernedPlace) -> None:
    content = governed.promoted().binding.content
    asked = LaunchRequest(LaunchKind.PROMOTION, "model:axk1/1", "production")
    assert launched(governed, asked).digest == content
    other = governed.tree("something else")
    with governed.platform.write() as connection:
        connection.execute(update(model_versions).values(digest=other))
    with pytest.raises(BongsuError) as caught:
        launched(governed, asked)
    assert "model.not-approved" in codes_of(caught)
    entry = json.loads(governed.log()[-1][2])
    assert (entry["actor"], entry["action"], entry["outcome"]) == ("kim", "model.launch", "refused")


def test_a_transfer_is_approved_for_one_receiver(governed: GovernedPlace) -> None:
    ends = governed.now + 90 * DAY
    request = ProposalRequest("mnd", ProposalKind.TRANSFER, "model:axk1/1", "army", "They asked for it", ends)
    proposal = propose(governed.platform, governed.actor("lee"), request)
    for person in ("ann", "acc"):
        approve(governed.platform, governed.actor(person), proposal.id, proposal.binding.digest)
    asked = LaunchRequest(LaunchKind.TRANSFER, "model:axk1/1", "army")
    with pytest.raises(BongsuError) as early:
        launched(governed, asked)
    assert codes_of(early) == ["model.not-carried-out"]
    assert f"`bongsu approvals apply {proposal.id}`" in early.value.problems[0].fix()
    carry_out(governed.platform, governed.actor("lee"), proposal.id)
    assert launched(governed, asked).digest == proposal.binding.content
    for kind, target in ((LaunchKind.TRANSFER, "mnd"), (LaunchKind.SERVING, "army")):
        with pytest.raises(BongsuError) as caught:
            launched(governed, LaunchRequest(kind, "model:axk1/1", target))
        assert codes_of(caught) == ["model.not-approved"]
    assert governed.aliases() == {}


def test_bytes_that_are_swapped_after_the_promotion_are_not_launched(governed: GovernedPlace) -> None:
    proposal = governed.promoted()
    (path,) = (governed.folder / "artifacts" / "trees").glob(f"*/{proposal.binding.content}/file.txt")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(BongsuError) as caught:
        launched(governed, LaunchRequest(LaunchKind.PROMOTION, "model:axk1/1", "production"))
    assert codes_of(caught) == ["model.bytes-changed"]


def test_who_may_not_read_the_bytes_does_not_ask_whether_they_may_be_launched(governed: GovernedPlace) -> None:
    governed.promoted()
    asked = LaunchRequest(LaunchKind.PROMOTION, "model:axk1/1", "production")
    for person, code in (("ann", "governance.not-permitted"), ("army-ann", "governance.no-such")):
        with pytest.raises(BongsuError) as caught:
            launched(governed, asked, person)
        assert codes_of(caught) == [code]


def test_a_use_that_is_withdrawn_stops_the_promotion(governed: GovernedPlace) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    for person in ("ann", "bae"):
        approve(governed.platform, governed.actor(person), proposal.id, proposal.binding.digest)
    use = governed.permit_use()  # the same request finds the entry that stands
    withdraw_use(governed.platform, governed.actor("acc"), use.id, "Assessed anew")
    with pytest.raises(BongsuError) as caught:
        carry_out(governed.platform, governed.actor("lee"), proposal.id)
    assert codes_of(caught) == ["use.not-permitted"]


def test_everything_sent_twice_is_done_once(governed: GovernedPlace) -> None:
    first = propose(governed.platform, governed.actor("lee"), governed.wish())
    governed.now += 1
    again = ProposalRequest(
        "mnd", ProposalKind.PROMOTION, "model:axk1/1", "production", "x", first.binding.evidence_ends_at
    )
    assert propose(governed.platform, governed.actor("lee"), again).id == first.id
    for _twice in range(2):
        approve(governed.platform, governed.actor("ann"), first.id, first.binding.digest)
    assert show_proposal(governed.platform, governed.actor("ann"), first.id).approvers == ("ann",)
    approve(governed.platform, governed.actor("bae"), first.id, first.binding.digest)
    for _twice in range(2):
        carry_out(governed.platform, governed.actor("lee"), first.id)
    done = [action for _actor, action, _entry in governed.log() if action.startswith("approval")]
    assert done == ["approval.propose", "approval.approve", "approval.approve", "approval.carry-out"]


def test_a_proposal_of_another_is_found_and_not_doubled(governed: GovernedPlace) -> None:
    first = propose(governed.platform, governed.actor("lee"), governed.wish())
    with pytest.raises(BongsuError) as caught:
        propose(governed.platform, governed.actor("kim"), governed.wish())
    assert codes_of(caught) == ["approval.open-already"]
    (problem,) = caught.value.problems
    said = problem.what()
    assert all(word in said for word in (first.id, "lee", "model:axk1/1", "production", "approval.one-open"))
    assert first.id in problem.fix()


def test_a_no_ends_it_and_only_its_proposer_takes_it_back(governed: GovernedPlace) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    with pytest.raises(BongsuError) as caught:
        withdraw(governed.platform, governed.actor("kim"), proposal.id, "not mine")
    assert codes_of(caught) == ["approval.not-the-proposer"]
    reject(governed.platform, governed.actor("ann"), proposal.id, proposal.binding.digest, "Not yet")
    with pytest.raises(BongsuError) as caught:
        approve(governed.platform, governed.actor("bae"), proposal.id, proposal.binding.digest)
    assert codes_of(caught) == ["approval.wrong-state"]


def test_what_was_not_looked_at_is_not_approved(governed: GovernedPlace) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    with pytest.raises(BongsuError) as caught:
        approve(governed.platform, governed.actor("ann"), proposal.id, digest_of(b"another"))
    assert codes_of(caught) == ["approval.other-digest"]


@pytest.mark.parametrize("target", ["", "latest", "v1", "Production", "a b", "1st"])
def test_an_alias_is_one_that_the_tracking_server_takes(governed: GovernedPlace, target: str) -> None:
    with pytest.raises(BongsuError) as caught:
        propose(governed.platform, governed.actor("lee"), governed.wish(target=target))
    assert codes_of(caught) == ["approval.bad-target"]


@pytest.mark.parametrize("days", [-1, 0, 400])
def test_evidence_has_an_end_and_not_a_far_one(governed: GovernedPlace, days: float) -> None:
    with pytest.raises(BongsuError) as caught:
        propose(governed.platform, governed.actor("lee"), governed.wish(days=days))
    assert codes_of(caught) == ["approval.evidence-end"]


def test_a_model_without_evidence_or_of_an_unknown_submitter_is_not_proposed(governed: GovernedPlace) -> None:
    governed.register("bare", 1, evidence=False)
    governed.register("orphan", 1, submitter=None)
    for name, code in (("bare", "approval.no-evidence"), ("orphan", "approval.submitter-unknown")):
        with pytest.raises(BongsuError) as caught:
            propose(governed.platform, governed.actor("lee"), governed.wish(f"model:{name}/1"))
        assert codes_of(caught) == [code]


def test_a_label_is_lowered_by_two_and_what_was_made_of_it_keeps_its_own(governed: GovernedPlace) -> None:
    governed.add_dataset("law", governed.law, SENSITIVE)
    request = ProposalRequest("mnd", ProposalKind.DOWNGRADE, "dataset:law/1", "O", "Published since")
    proposal = propose(governed.platform, governed.actor("dc"), request)
    assert label(governed, "law") == "S"
    approve(governed.platform, governed.actor("ann"), proposal.id, proposal.binding.digest)
    with pytest.raises(BongsuError):
        carry_out(governed.platform, governed.actor("dc"), proposal.id)
    assert label(governed, "law") == "S", "one is not enough"
    approve(governed.platform, governed.actor("bae"), proposal.id, proposal.binding.digest)
    carry_out(governed.platform, governed.actor("dc"), proposal.id)
    assert label(governed, "law") == "O"
    with governed.platform.read() as connection:
        made = connection.execute(model_versions.select()).one()
    assert made.label == "S", "what was made of it keeps its own"
    governed.register("axk3", 1)
    with governed.platform.read() as connection:
        rows = {row.name: row.label for row in connection.execute(model_versions.select())}
    assert rows == {"axk1": "S", "axk3": "O"}, "what is made of it now has the lower one"


def test_a_label_that_is_stated_after_a_downgrade_rises_again(governed: GovernedPlace) -> None:
    governed.add_dataset("law", governed.law, SENSITIVE)
    request = ProposalRequest("mnd", ProposalKind.DOWNGRADE, "dataset:law/1", "O", "Published since")
    proposal = propose(governed.platform, governed.actor("dc"), request)
    for person in ("ann", "bae"):
        approve(governed.platform, governed.actor(person), proposal.id, proposal.binding.digest)
    carry_out(governed.platform, governed.actor("dc"), proposal.id)
    governed.add_dataset("law", governed.law, SENSITIVE)
    assert label(governed, "law") == "S"


def test_a_released_model_stays_released_until_something_higher_than_what_was_released_comes(
    governed: GovernedPlace,
) -> None:
    governed.add_dataset("law", governed.law, SENSITIVE)
    request = ProposalRequest("mnd", ProposalKind.DOWNGRADE, "model:axk1/1", "O", "It tells nothing of the text")
    proposal = propose(governed.platform, governed.actor("dc"), request)
    for person in ("ann", "bae"):
        approve(governed.platform, governed.actor(person), proposal.id, proposal.binding.digest)
    carry_out(governed.platform, governed.actor("dc"), proposal.id)
    labels = []
    for stated in (SENSITIVE, SECRET):
        governed.add_dataset("law", governed.law, stated)
        with governed.platform.write() as connection:
            label_flow.flow(connection, [governed.law])
            labels.append(connection.execute(model_versions.select()).one().label)
    assert labels == ["O", "C"]


@pytest.mark.parametrize("target", ["S", "C", "S/logistics"])
def test_a_downgrade_goes_down(governed: GovernedPlace, target: str) -> None:
    governed.add_dataset("law", governed.law, SENSITIVE)
    request = ProposalRequest("mnd", ProposalKind.DOWNGRADE, "dataset:law/1", target, "x")
    with pytest.raises(BongsuError) as caught:
        propose(governed.platform, governed.actor("dc"), request)
    assert codes_of(caught) == ["downgrade.not-lower"]


def label(governed: GovernedPlace, name: str) -> str:
    with governed.platform.read() as connection:
        return list_dataset_versions(connection, name)[0].label


def test_lethal_autonomy_is_refused_and_the_attempt_recorded(governed: GovernedPlace) -> None:
    wish = governed.wish()
    request = ProposalRequest(
        wish.ministry, wish.kind, wish.object, wish.target, "Select and engage targets autonomously", 1.0
    )
    with pytest.raises(BongsuError) as caught:
        propose(governed.platform, governed.actor("lee"), request)
    assert codes_of(caught) == ["policy.forbidden-use"]
    entry = json.loads(governed.log()[-1][2])
    assert entry["outcome"] == "refused"
    assert entry["facts"]["codes"] == ["policy.forbidden-use"]
