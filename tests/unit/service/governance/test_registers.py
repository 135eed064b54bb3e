"""Registers of uses, permits of data and of access, and what a run may take by them."""

from __future__ import annotations

import json

import pytest
from governed_places import ADMINISTRATION, DAY, SENSITIVE, GovernedPlace
from service_places import Place, drive
from small_plans import plan_of, planned_input, stage

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.citations import CitedKind
from bongsu.domain.ids import AttemptId, Digest, StageId
from bongsu.domain.labels import OPEN
from bongsu.domain.people import Role
from bongsu.domain.plan import RunPlan
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import RunState, StageState
from bongsu.domain.use_register import Tier
from bongsu.domain.uses import UseClass
from bongsu.reconciler.loading import load_facts
from bongsu.service.governance.access_permits import AccessRequest, give_access, list_access, revoke_access
from bongsu.service.governance.data_permits import list_data_permits, revoke_data_permit
from bongsu.service.governance.home_owner import owner
from bongsu.service.governance.launching import worker_rules
from bongsu.service.governance.permission import require_allowed
from bongsu.service.governance.uses import UseRequest, list_uses, register_use, withdraw_use
from bongsu.service.labels import raise_label
from bongsu.service.obstacles import against_rules
from bongsu.service.showing import show_run
from bongsu.service.submitting import submit
from bongsu.store.attempts import request_attempt
from bongsu.store.permits import DATA_PERMITS, permits_for
from bongsu.store.runs import get_run, move_run
from bongsu.store.stages import StageMove, move_stage


def names(problems: list[object]) -> list[str]:
    return [problem.code.name for problem in problems]  # type: ignore[attr-defined]


def codes_of(caught: pytest.ExceptionInfo[BongsuError]) -> list[str]:
    return [problem.code.name for problem in caught.value.problems]


def reading(digest: Digest, use: UseClass = ADMINISTRATION, ministry: str = "mnd") -> RunPlan:
    """A plan whose stage reads documents."""
    ref = ArtifactRef(digest=digest, type=ArtifactType.DOCUMENTS, size=1)
    plan = plan_of(stage("a", "inputs.corpus"), inputs=[planned_input("corpus", "datasets:/law/1", ref)])
    metadata = plan.metadata.model_copy(update={"ministry": ministry})
    purpose = plan.purpose.model_copy(update={"use_class": use})
    return plan.model_copy(update={"metadata": metadata, "purpose": purpose})


def a_use(governed: GovernedPlace, **changes: object) -> UseRequest:
    values = {
        "ministry": "mnd",
        "use_class": UseClass.CYBER_DEFENCE,
        "tier": Tier.II,
        "statement": "Find intrusions in our networks",
        "conditions": "",
        "owner": "lee",
        "evidence": "document:국방인공지능기획과-1234",
        "evidence_at": governed.now,
        "begins_at": governed.now,
        "ends_at": governed.now + DAY,
    }
    return UseRequest(**values | changes)  # type: ignore[arg-type]


def test_a_use_is_permitted_from_its_begin_to_its_end_and_no_longer(governed: GovernedPlace) -> None:
    plan = reading(governed.law, UseClass.CYBER_DEFENCE)
    governed.permit_data(uses=[UseClass.CYBER_DEFENCE])
    assert names(against_rules(governed.platform, plan)) == ["use.not-permitted"]
    begins = governed.now + DAY
    register_use(governed.platform, governed.actor("acc"), a_use(governed, begins_at=begins, ends_at=begins + DAY))
    found = {}
    for day in (0, 1, 1.99, 2):
        governed.now = begins + (day - 1) * DAY
        found[day] = names(against_rules(governed.platform, plan))
    assert found == {0: ["use.not-permitted"], 1: [], 1.99: [], 2: ["use.not-permitted"]}


@pytest.mark.parametrize("statement", ["Select and engage targets autonomously", "표적을 자동으로 선정하여 타격"])
def test_lethal_autonomy_cannot_be_registered_and_whoever_tries_is_recorded(
    governed: GovernedPlace, statement: str
) -> None:
    for person in ("acc", "kim", "army-eng"):
        with pytest.raises(BongsuError) as caught:
            register_use(governed.platform, governed.actor(person), a_use(governed, statement=statement))
        assert codes_of(caught) == ["policy.forbidden-use"]
        entry = json.loads(governed.log()[-1][2])
        assert (entry["actor"], entry["outcome"]) == (person, "refused")
    assert [use.use_class for use in list_uses(governed.platform, governed.actor("acc"))] == [ADMINISTRATION]


def test_the_same_registration_again_is_the_same_entry_until_it_is_withdrawn(governed: GovernedPlace) -> None:
    first = register_use(governed.platform, governed.actor("acc"), a_use(governed))
    assert register_use(governed.platform, governed.actor("acc"), a_use(governed)) == first
    withdraw_use(governed.platform, governed.actor("acc"), first.id, "No longer")
    with pytest.raises(BongsuError) as caught:
        register_use(governed.platform, governed.actor("acc"), a_use(governed))
    assert codes_of(caught) == ["use.withdrawn-already"]


@pytest.mark.parametrize("owner_id", ["nobody", "army-eng"])
def test_who_answers_for_a_use_is_of_the_ministry(governed: GovernedPlace, owner_id: str) -> None:
    with pytest.raises(BongsuError) as caught:
        register_use(governed.platform, governed.actor("acc"), a_use(governed, owner=owner_id))
    assert codes_of(caught) == ["use.unknown-owner"]


def test_a_use_ends_with_its_evidence(governed: GovernedPlace) -> None:
    governed.permit_data(uses=[UseClass.CYBER_DEFENCE])
    plan = reading(governed.law, UseClass.CYBER_DEFENCE)
    ends = governed.now + DAY
    use = register_use(
        governed.platform, governed.actor("acc"), a_use(governed, ends_at=ends + DAY, evidence_ends_at=ends)
    )
    assert (use.until, use.evidence.ends_at) == (ends, ends)
    assert use in list_uses(governed.platform, governed.actor("acc"))
    assert names(against_rules(governed.platform, plan)) == []
    governed.now = ends
    (problem,) = against_rules(governed.platform, plan)
    assert problem.code.name == "use.not-permitted"
    assert f"the evidence of the entry {use.id} ended on" in problem.what()
    with pytest.raises(BongsuError) as caught:
        register_use(governed.platform, governed.actor("acc"), a_use(governed, evidence_ends_at=governed.now))
    assert codes_of(caught) == ["governance.bad-period"]
    assert caught.value.problems[0].field_path == "evidenceEndsAt"


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("looked at by lee", "governance.bad-citation"),
        ("dataset:nothing/1", "governance.citation-gone"),
        ("model:axk9/1", "governance.citation-gone"),
        (f"artifact:sha256-{'0' * 64}", "governance.citation-gone"),
    ],
)
def test_evidence_and_cards_can_be_followed(governed: GovernedPlace, reference: str, code: str) -> None:
    with pytest.raises(BongsuError) as caught:
        register_use(governed.platform, governed.actor("acc"), a_use(governed, evidence=reference))
    assert codes_of(caught) == [code]
    with pytest.raises(BongsuError) as caught:
        governed.permit_data(card=reference)
    assert codes_of(caught) == [code]
    for good in (f"artifact:{governed.law}", "dataset:law/1", "https://example.org/card"):
        use = register_use(governed.platform, governed.actor("acc"), a_use(governed, evidence=good))
        assert use.evidence.kind is not None
        assert use.evidence.kind.is_ours is not good.startswith("https")
        governed.permit_data(card=good)


def test_a_card_that_its_custodian_may_not_see_is_none(governed: GovernedPlace) -> None:
    governed.add_person("low", "mnd", Role.DATA_CUSTODIAN, OPEN)
    governed.register("secret", 1, label=SENSITIVE, made_from=[])
    governed.register("open", 1, made_from=[])
    for card in ("model:secret/1", "model:nothing/1"):
        with pytest.raises(BongsuError) as hidden:
            governed.permit_data(card=card, custodian="low")
        assert codes_of(hidden) == ["governance.citation-gone"]
    assert governed.permit_data(card="model:open/1", custodian="low")


def test_what_may_not_be_seen_is_not_named_in_evidence_or_on_permits_also_when_it_rose_later(
    governed: GovernedPlace,
) -> None:
    for name in ("low-acc", "low-dc"):
        governed.add_person(name, "mnd", Role.ACCREDITOR if name == "low-acc" else Role.DATA_CUSTODIAN, OPEN)
    plan = governed.tree("a plan")
    governed.add_dataset("night-plan", plan)
    use = register_use(governed.platform, governed.actor("acc"), a_use(governed, evidence="dataset:night-plan/1"))
    permit = governed.permit_data(card=f"artifact:{plan}")

    def told(person: str) -> tuple[str, str]:
        uses = {one.id: one for one in list_uses(governed.platform, governed.actor(person))}
        permits = {one.id: one for one in list_data_permits(governed.platform, governed.actor(person))}
        return uses[use.id].evidence.reference, permits[permit].card

    names_of_it = ("dataset:night-plan/1", f"artifact:{plan}")
    assert told("low-acc") == told("acc") == names_of_it
    raise_label(governed.as_("kim"), "datasets:/night-plan/1", SENSITIVE, "It names a plan")
    assert told("acc") == names_of_it
    assert told("low-acc") == ("", "")
    ended = withdraw_use(governed.platform, governed.actor("low-acc"), use.id, "No longer")
    assert (ended.evidence.reference, ended.evidence.kind) == ("", CitedKind.DATASET)
    revoked = revoke_data_permit(governed.platform, governed.actor("low-dc"), permit, "No longer")
    assert (revoked.card, revoked.object) == ("", "dataset:law/1")
    assert "card" not in DATA_PERMITS.filterable, "or whoever guesses would be told"


def test_another_ministry_has_no_register_as_far_as_you_know(governed: GovernedPlace) -> None:
    for ministry in ("mnd", "nothing"):
        with pytest.raises(BongsuError) as caught:
            list_uses(governed.platform, governed.actor("army-eng"), ministry)
        assert codes_of(caught) == ["governance.no-such"]
    (use,) = list_uses(governed.platform, governed.actor("acc"))
    with pytest.raises(BongsuError) as caught:
        withdraw_use(governed.platform, governed.actor("army-acc"), use.id, "x")
    assert codes_of(caught) == ["governance.no-such"]
    told = json.loads(governed.log("army")[-1][2])
    assert (told["actor"], told["action"], told["outcome"]) == ("army-acc", "use.withdraw", "refused")
    assert "army-acc" not in [actor for actor, _action, _entry in governed.log()], "nobody's log but their own"


def test_data_without_a_permit_for_the_purpose_is_not_taken(governed: GovernedPlace) -> None:
    register_use(governed.platform, governed.actor("acc"), a_use(governed))
    unknown = governed.tree("unknown")
    cases = [
        (reading(governed.law), []),
        (reading(governed.law, UseClass.CYBER_DEFENCE), ["data.not-permitted"]),
        (reading(unknown), ["data.not-permitted"]),
    ]
    for plan, expected in cases:
        assert names(against_rules(governed.platform, plan)) == expected


def test_what_was_made_of_data_goes_where_the_data_may_go(governed: GovernedPlace) -> None:
    governed.add_dataset("other", governed.tree("other"))
    model = governed.register("axk9", 1, made_from=[governed.law, governed.tree("other")])
    assert names(against_rules(governed.platform, governed.plan_with(model))) == ["data.not-permitted"]


def test_a_permit_that_ends_while_a_run_waits_keeps_it_from_beginning(governed: GovernedPlace) -> None:
    (permit,) = list_data_permits(governed.platform, governed.actor("dc"))
    run = submit(governed.as_("kim"), reading(governed.law)).run.id
    revoke_data_permit(governed.platform, governed.actor("dc"), permit.id, "Consent was withdrawn")
    drive(governed.platform, [run])
    (found,) = show_run(governed.platform, run).stages
    assert found.record.state is StageState.FAILED
    assert "data.permitted" in str(found.record.reason)
    assert not governed.cluster.jobs, "its attempt was never asked for"
    entry = json.loads(governed.log()[-1][2])
    assert (entry["actor"], entry["action"], entry["object"]) == ("system", "stage.launch", f"run:{run}")
    assert (entry["outcome"], entry["facts"]) == (
        "refused",
        {"stage": "a", "codes": ["data.not-permitted"], "rules": ["data.permitted"], "submitter": "kim"},
    )


def test_a_permit_speaks_of_bytes_and_not_of_a_name(governed: GovernedPlace) -> None:
    newer = governed.tree("law of next year")
    governed.add_dataset("law", newer)
    assert names(against_rules(governed.platform, reading(newer))) == ["data.not-permitted"]
    governed.permit_data(version=2)
    assert names(against_rules(governed.platform, reading(newer))) == []


def share(governed: GovernedPlace, purpose: UseClass = ADMINISTRATION, object_: str = "dataset:law/1") -> str:
    request = AccessRequest(object_, "mnd", "army", purpose, governed.now, governed.now + 10 * DAY, "They asked")
    return give_access(governed.platform, governed.actor("dc"), request).id


def test_data_of_another_ministry_is_taken_for_the_purpose_and_the_time_that_it_is_shared_for(
    governed: GovernedPlace,
) -> None:
    governed.permit_use(ministry="army")
    plan = reading(governed.law, ministry="army")
    assert names(against_rules(governed.platform, plan)) == ["data.not-permitted"]
    share(governed, UseClass.CYBER_DEFENCE)
    assert names(against_rules(governed.platform, plan)) == ["data.not-permitted"], "for another purpose"
    permit = share(governed)
    assert names(against_rules(governed.platform, plan)) == []
    assert [one.id for one in list_access(governed.platform, governed.actor("army-eng")) if one.id == permit]
    revoke_access(governed.platform, governed.actor("dc"), permit)
    governed.now += 1
    assert names(against_rules(governed.platform, plan)) == ["data.not-permitted"]
    assert "law/1" not in str(against_rules(governed.platform, plan)[0]), "names of others are not told"
    actions = [action for _actor, action, _entry in governed.log("army")]
    assert actions.count("permit.receive-access") == 2


def test_a_model_of_another_ministry_takes_an_access_permit(governed: GovernedPlace) -> None:
    governed.permit_use(ministry="army")
    model = governed.register("free", 1, made_from=[])
    plan = governed.plan_with(model, ministry="army")
    assert names(against_rules(governed.platform, plan)) == ["data.model-not-shared"]
    share(governed, object_="model:free/1")
    assert names(against_rules(governed.platform, plan)) == []


def test_only_a_custodian_of_the_ministry_that_has_it_shares_it(governed: GovernedPlace) -> None:
    request = AccessRequest(
        "model:axk1/1", "mnd", "army", ADMINISTRATION, governed.now, governed.now + DAY, "They asked"
    )
    for person, code in (("kim", "governance.not-permitted"), ("army-dc", "governance.no-such")):
        with pytest.raises(BongsuError) as caught:
            give_access(governed.platform, governed.actor(person), request)
        assert codes_of(caught) == [code]


def test_an_access_permit_that_is_given_again_after_its_revocation_holds_and_is_another_one(
    governed: GovernedPlace,
) -> None:
    request = AccessRequest(
        "model:axk1/1", "mnd", "army", ADMINISTRATION, governed.now, governed.now + DAY, "They asked"
    )
    dc = governed.actor("dc")
    ids = []
    for _again in range(3):
        given = give_access(governed.platform, dc, request)
        assert give_access(governed.platform, dc, request) == given
        assert given.revoked_at is None
        with governed.platform.read() as connection:
            assert [one.object for one in permits_for(connection, ["army"], governed.now)] == ["model:axk1/1"]
        revoke_access(governed.platform, dc, given.id)
        with governed.platform.read() as connection:
            assert permits_for(connection, ["army"], governed.now) == []
        ids.append(given.id)
    assert len(set(ids)) == 3
    for ministry, action in (("mnd", "permit.give-access"), ("army", "permit.receive-access")):
        told = [
            json.loads(entry)["facts"]["permit"] for _who, done, entry in governed.log(ministry) if done == action
        ]
        assert told == ids
    assert {one.id for one in list_access(governed.platform, dc) if one.revoked_at is not None} == set(ids)


def test_a_data_permit_that_is_given_again_after_its_revocation_holds_and_is_another_one(
    governed: GovernedPlace,
) -> None:
    plan = reading(governed.law, UseClass.CYBER_DEFENCE)
    register_use(governed.platform, governed.actor("acc"), a_use(governed))
    dc, ids = governed.actor("dc"), []
    for _again in range(3):
        assert names(against_rules(governed.platform, plan)) == ["data.not-permitted"]
        ids.append(governed.permit_data(uses=[UseClass.CYBER_DEFENCE]))
        assert governed.permit_data(uses=[UseClass.CYBER_DEFENCE]) == ids[-1]
        assert names(against_rules(governed.platform, plan)) == []
        revoke_data_permit(governed.platform, dc, ids[-1], "Not yet")
    told = [
        json.loads(entry)["facts"]["permit"] for _who, done, entry in governed.log() if done == "permit.give-data"
    ]
    assert told[-3:] == ids
    assert len(set(ids)) == 3


def test_a_custodian_who_does_not_clear_the_label_has_no_such_data(governed: GovernedPlace) -> None:
    governed.add_dataset("secret", governed.tree("secret"), SENSITIVE)
    governed.add_person("low-dc", "mnd", Role.DATA_CUSTODIAN, clearance=OPEN)
    request = AccessRequest(
        "dataset:secret/1", "mnd", "army", ADMINISTRATION, governed.now, governed.now + DAY, "They asked"
    )
    with pytest.raises(BongsuError) as caught:
        give_access(governed.platform, governed.actor("low-dc"), request)
    assert codes_of(caught) == ["governance.no-such"]


def check_worker(governed: GovernedPlace, attempt: AttemptId, digest: Digest) -> None:
    with governed.platform.read() as connection:
        facts = load_facts(connection, attempt.run_id)
        require_allowed(*worker_rules(connection, facts, attempt, digest, governed.now))


def test_a_worker_gets_what_its_stage_takes_while_that_is_permitted(governed: GovernedPlace) -> None:
    run = submit(governed.as_("kim"), reading(governed.law)).run.id
    attempt = AttemptId(run_id=run, stage_id=StageId("a"), number=1)
    with governed.platform.write() as connection:
        move_run(connection, get_run(connection, run), RunState.RUNNING, governed.now)
        for old, new in ((StageState.WAITING, StageState.READY), (StageState.READY, StageState.RUNNING)):
            move_stage(connection, StageMove(run, StageId("a"), old, new, governed.now))
        request_attempt(connection, attempt, governed.now)
    check_worker(governed, attempt, governed.law)
    refused = [(attempt, governed.tree("other")), (attempt.model_copy(update={"number": 2}), governed.law)]
    for who, digest in refused:
        with pytest.raises(BongsuError) as caught:
            check_worker(governed, who, digest)
        assert codes_of(caught) == ["governance.no-such"]
    (permit,) = list_data_permits(governed.platform, governed.actor("dc"))
    revoke_data_permit(governed.platform, governed.actor("dc"), permit.id, "Consent was withdrawn")
    with pytest.raises(BongsuError) as caught:
        check_worker(governed, attempt, governed.law)
    assert set(codes_of(caught)) == {"data.not-permitted"}


def test_a_home_of_one_person_has_no_registers_and_no_rules_of_ministries(place: Place) -> None:
    person = owner(place.platform)
    assert list_uses(place.platform, person) == ()
    submit(place.platform, plan_of(stage("a")))
    with pytest.raises(BongsuError) as caught:
        register_use(place.platform, person, a_use(place))  # type: ignore[arg-type]
    assert codes_of(caught) == ["governance.one-person"]


def test_nobody_is_taken_for_a_person_of_a_ministry_by_reading_files(governed: GovernedPlace) -> None:
    with pytest.raises(BongsuError) as caught:
        owner(governed.platform)
    assert codes_of(caught) == ["governance.sign-in"]
