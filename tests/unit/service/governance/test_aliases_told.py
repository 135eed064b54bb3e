"""Aliases and labels where ministries share a store: changed by approvals alone, and told to the tracking server as
they are."""

from __future__ import annotations

import pytest
from governed_places import SENSITIVE, GovernedPlace
from reconciler_world import registering_stage, registration_inputs
from service_places import drive
from small_plans import plan_of

from bongsu.domain.approval import ProposalKind
from bongsu.domain.labels import OPEN
from bongsu.domain.publication import AliasChanged, LabelChanged, Publication, SuspensionChanged, VersionRegistered
from bongsu.service.driving import open_driver
from bongsu.service.governance.carrying_out import carry_out
from bongsu.service.governance.deciding import approve
from bongsu.service.governance.proposing import ProposalRequest, propose
from bongsu.service.governance.suspending import StopRequest, propose_lift, suspend
from bongsu.service.submitting import submit


def delivered(governed: GovernedPlace) -> list[Publication]:
    """What the tracking server is told by what waits now."""
    told = governed.registry.items
    before = len(told)
    with open_driver(governed.platform) as driving:
        assert driving.delivery.drain(20) == 0
    return told[before:]


def heard(governed: GovernedPlace) -> list[tuple[str, int | None]]:
    """What the tracking server is told of aliases by what waits now."""
    return [(one.alias, one.version) for one in delivered(governed) if isinstance(one, AliasChanged)]


def stopped(governed: GovernedPlace) -> list[tuple[str, int, bool]]:
    """What it is told of suspended versions by what waits now."""
    told = [one for one in delivered(governed) if isinstance(one, SuspensionChanged)]
    assert all(one.ministry == "mnd" for one in told)
    return [(one.name, one.version, one.suspended_at is not None) for one in told]


def lift(governed: GovernedPlace, version: int | None) -> None:
    wish = StopRequest("mnd", "axk1", version, "It is mended")
    proposal = propose_lift(governed.platform, governed.actor("acc"), wish)
    for person in ("ann", "bae"):
        approve(governed.platform, governed.actor(person), proposal.id, proposal.binding.digest)
    carry_out(governed.platform, governed.actor("acc"), proposal.id)


def test_the_tracking_server_follows_a_suspension_that_comes_and_ends(governed: GovernedPlace) -> None:
    governed.register(version=2)
    stop = StopRequest("mnd", "axk1", 2, "It leaks")
    suspend(governed.platform, governed.actor("acc"), stop)
    assert stopped(governed) == [("axk1", 2, True)]
    suspend(governed.platform, governed.actor("acc"), stop)
    assert stopped(governed) == [], "it is suspended already"
    suspend(governed.platform, governed.actor("acc"), StopRequest("mnd", "axk1", None, "All of them leak"))
    assert stopped(governed) == [("axk1", 1, True), ("axk1", 2, True)]
    lift(governed, None)
    assert stopped(governed) == [("axk1", 1, False), ("axk1", 2, True)], "the other suspension holds"
    lift(governed, 2)
    assert stopped(governed) == [("axk1", 2, False)]


def test_a_version_that_a_suspended_model_gets_is_told_as_suspended(governed: GovernedPlace) -> None:
    base, proof = registration_inputs(governed.platform.artifacts)  # type: ignore[arg-type]
    governed.add_dataset("proof", proof.ref.digest)
    governed.permit_data(name="proof")
    governed.register("light", 1)
    suspend(governed.platform, governed.actor("acc"), StopRequest("mnd", "light", None, "It leaks"))
    run = submit(governed.as_("kim"), plan_of(registering_stage("register"), inputs=(base, proof))).run.id
    before = len(governed.registry.items)
    assert drive(governed.platform, [run]).runs[0].state.value == "succeeded"
    told = [one for one in governed.registry.items[before:] if isinstance(one, SuspensionChanged)]
    assert told
    assert all(one.suspended_at is not None for one in told)
    assert {one.run_id for one in told} >= {run}


def test_a_registration_brings_no_alias_of_its_own(governed: GovernedPlace) -> None:
    base, proof = registration_inputs(governed.platform.artifacts)  # type: ignore[arg-type]
    governed.add_dataset("proof", proof.ref.digest)
    governed.permit_data(name="proof")
    plan = plan_of(registering_stage("register"), inputs=(base, proof))
    run = submit(governed.as_("kim"), plan).run.id
    assert drive(governed.platform, [run]).runs[0].state.value == "succeeded"
    assert governed.aliases("light") == {}
    (told,) = [one for one in governed.registry.items if isinstance(one, VersionRegistered)]
    assert told.request.alias is None


def test_the_tracking_server_follows_an_alias_that_is_given_and_taken(governed: GovernedPlace) -> None:
    governed.promoted()
    assert heard(governed) == [("production", 1)]
    suspend(governed.platform, governed.actor("acc"), StopRequest("mnd", "axk1", None, "It leaks"))
    assert heard(governed) == [("production", None)]


def test_an_item_that_comes_late_tells_what_is_so_by_then(governed: GovernedPlace) -> None:
    governed.promoted()
    suspend(governed.platform, governed.actor("acc"), StopRequest("mnd", "axk1", None, "It leaks"))
    assert heard(governed) == [("production", None), ("production", None)]


@pytest.mark.parametrize("first", [1, 2])
def test_an_alias_that_moved_twice_ends_where_it_is(governed: GovernedPlace, first: int) -> None:
    governed.register(version=2)
    for version in (first, 3 - first):
        governed.promoted(f"model:axk1/{version}")
    assert {version for _alias, version in heard(governed)} == {3 - first}


def test_the_tracking_server_follows_a_label_that_was_lowered(governed: GovernedPlace) -> None:
    governed.register("secret", label=SENSITIVE)
    wish = ProposalRequest("mnd", ProposalKind.DOWNGRADE, "model:secret/1", "O", "It is old")
    proposal = propose(governed.platform, governed.actor("dc"), wish)
    for person in ("ann", "bae"):
        approve(governed.platform, governed.actor(person), proposal.id, proposal.binding.digest)
    assert not any("label-changed" in body for body in governed.told())
    carry_out(governed.platform, governed.actor("dc"), proposal.id)
    assert "label-changed" in governed.told()[-1], "whoever dies now loses nothing"
    before = len(governed.registry.items)
    with open_driver(governed.platform) as driving:
        assert driving.delivery.drain(20) == 0
    (told,) = [one for one in governed.registry.items[before:] if isinstance(one, LabelChanged)]
    assert (told.ministry, told.name, told.version, told.label) == ("mnd", "secret", 1, OPEN)
