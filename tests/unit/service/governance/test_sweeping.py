"""What time alone changes, and that it is changed once."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from governed_places import DAY, SENSITIVE, GovernedPlace
from sqlalchemy import update

from bongsu.domain.approval import ApprovalState
from bongsu.domain.labels import Label
from bongsu.service.governance.data_permits import list_data_permits, revoke_data_permit
from bongsu.service.governance.proposing import propose, show_proposal
from bongsu.service.governance.suspending import StopRequest, suspend
from bongsu.service.governance.sweeping import Swept, sweep
from bongsu.store.aliases import aliases_of, set_alias
from bongsu.store.schema import model_versions
from bongsu.store.scope import EVERYTHING

ANEW = Swept()


def reviews(governed: GovernedPlace) -> list[tuple[str, list[str]]]:
    """Where the model stood each time that it was noted, and which aliases it lost."""
    entries = [json.loads(entry) for _actor, action, entry in governed.log() if action == "model.review"]
    return [(one["facts"]["standing"], one["facts"]["aliases"]) for one in entries]


def test_an_alias_outlives_what_it_rests_on_by_the_grace_period(governed: GovernedPlace) -> None:
    proposal = governed.promoted()
    (permit,) = list_data_permits(governed.platform, governed.actor("dc"))
    sweep(governed.platform)
    revoke_data_permit(governed.platform, governed.actor("dc"), permit.id, "Consent was withdrawn")
    governed.now += 1
    kept = {}
    for days in (0, 13, 15):
        kept[days] = sweep(governed.platform, governed.now + days * DAY)
        assert bool(governed.aliases()) == (days < 14)
        assert sweep(governed.platform, governed.now + days * DAY) == ANEW
    assert kept[15].dropped == {"model:axk1/1": ["production"]}
    assert reviews(governed) == [("in-order", []), ("needs-review", []), ("needs-review", ["production"])]
    state = show_proposal(governed.platform, governed.actor("acc"), proposal.id).state
    assert state is ApprovalState.NEEDS_REVIEW


def test_what_is_renewed_in_time_keeps_its_alias(governed: GovernedPlace) -> None:
    governed.promoted()
    (permit,) = list_data_permits(governed.platform, governed.actor("dc"))
    revoke_data_permit(governed.platform, governed.actor("dc"), permit.id, "To be looked at")
    governed.now += DAY
    sweep(governed.platform)
    governed.permit_data()
    sweep(governed.platform)
    governed.now += 20 * DAY
    assert sweep(governed.platform) == ANEW
    assert governed.aliases() == {"production": 1}
    assert [standing for standing, _aliases in reviews(governed)] == ["needs-review", "in-order"]


def test_evidence_ends_and_so_does_that_of_a_base(governed: GovernedPlace) -> None:
    base = governed.promoted().binding.content
    governed.register("student", 1, made_from=[base])
    governed.now += 10 * DAY
    governed.promoted("model:student/1")
    swept = sweep(governed.platform, governed.now + 80.5 * DAY)
    assert sorted(swept.noted) == ["model:axk1/1", "model:student/1"], "its base has ended, its own evidence not"
    swept = sweep(governed.platform, governed.now + 95 * DAY)
    assert sorted(swept.dropped) == ["model:axk1/1", "model:student/1"]


def test_a_base_that_is_suspended_has_its_students_looked_at(governed: GovernedPlace) -> None:
    base = governed.promoted().binding.content
    governed.register("student", 1, made_from=[base])
    governed.promoted("model:student/1")
    suspend(governed.platform, governed.actor("acc"), StopRequest("mnd", "axk1", 1, "It leaks"))
    assert sweep(governed.platform).noted == ["model:student/1"]
    assert governed.aliases("student") == {"production": 1}
    governed.now += 15 * DAY
    sweep(governed.platform)
    assert governed.aliases("student") == {}


def test_a_proposal_that_nobody_decides_on_ends_by_itself(governed: GovernedPlace) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    governed.now += 31 * DAY
    assert sweep(governed.platform).proposals == [proposal.id]
    assert sweep(governed.platform).proposals == []
    propose(governed.platform, governed.actor("kim"), governed.wish())


def test_an_alias_of_before_there_were_approvals_goes_after_the_grace_period(governed: GovernedPlace) -> None:
    with governed.platform.write() as connection:
        set_alias(connection, "axk1", "old", 1)
    sweep(governed.platform)
    assert governed.aliases() == {"old": 1}
    governed.now += 14 * DAY
    sweep(governed.platform)
    assert governed.aliases() == {}


def test_what_ends_in_one_ministry_leaves_a_model_of_the_same_name_in_another_alone(
    governed: GovernedPlace,
) -> None:
    governed.promoted()
    (permit,) = list_data_permits(governed.platform, governed.actor("dc"))
    revoke_data_permit(governed.platform, governed.actor("dc"), permit.id, "Consent was withdrawn")
    governed.now += 14 * DAY
    army = governed.of("army")
    governed.register("axk1", 1, ministry="army", submitter="army-eng")
    with army.write() as connection:
        set_alias(connection, "axk1", "production", 1)
    governed.now += DAY
    swept = sweep(replace(governed.platform, scope=EVERYTHING))
    with governed.platform.read() as ours, army.read() as theirs:
        assert (aliases_of(ours, "axk1"), aliases_of(theirs, "axk1")) == ([], [("production", 1)])
    assert swept.dropped == {"model:axk1/1": ["production"]}


@pytest.mark.parametrize(("approved", "carried"), [(SENSITIVE, "C"), (SENSITIVE, "O")])
def test_an_approval_of_another_label_needs_a_review_and_the_alias_goes_after_the_grace_period(
    governed: GovernedPlace, approved: Label, carried: str
) -> None:
    governed.register("secret", label=approved)
    proposal = governed.promoted("model:secret/1")
    sweep(governed.platform)
    with governed.platform.write() as connection:
        connection.execute(update(model_versions).where(model_versions.c.name == "secret").values(label=carried))
    sweep(governed.platform)
    after = show_proposal(governed.platform, governed.actor("acc"), proposal.id)
    assert (after.state, after.note) == (ApprovalState.NEEDS_REVIEW, "relabelled")
    assert governed.aliases("secret") == {"production": 1}
    assert reviews(governed)[-1] == ("needs-review", [])
    assert sweep(governed.platform) == ANEW
    sweep(governed.platform, governed.now + 15 * DAY)
    assert governed.aliases("secret") == {}


def test_a_label_that_is_approved_anew_keeps_the_alias(governed: GovernedPlace) -> None:
    governed.register("secret", label=SENSITIVE)
    governed.promoted("model:secret/1")
    with governed.platform.write() as connection:
        connection.execute(update(model_versions).where(model_versions.c.name == "secret").values(label="C"))
    sweep(governed.platform)
    governed.promoted("model:secret/1")
    sweep(governed.platform, governed.now + 15 * DAY)
    assert governed.aliases("secret") == {"production": 1}
    assert reviews(governed)[-1] == ("in-order", [])
