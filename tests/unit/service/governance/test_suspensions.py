"""The kill switch: what it reaches, and what it takes to let go."""

from __future__ import annotations

import json

import pytest
from governed_places import GovernedPlace
from service_places import drive

from bongsu.domain.approval import ApprovalState
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import RunState, StageState
from bongsu.reconciler.gate import objections
from bongsu.service.cancelling import request_cancel
from bongsu.service.governance.carrying_out import carry_out
from bongsu.service.governance.deciding import approve
from bongsu.service.governance.proposing import propose, show_proposal
from bongsu.service.governance.suspending import StopRequest, propose_lift, suspend
from bongsu.service.showing import show_run
from bongsu.service.submitting import submit
from bongsu.store.history import events_of
from bongsu.store.runs import get_run, move_run
from bongsu.store.schema import model_versions


def codes_of(caught: pytest.ExceptionInfo[BongsuError]) -> list[str]:
    return [problem.code.name for problem in caught.value.problems]


def halt(governed: GovernedPlace, version: int | None = None, person: str = "acc") -> None:
    suspend(
        governed.platform,
        governed.actor(person),
        StopRequest("mnd", "axk1", version, "It tells what it should not"),
    )


def test_aliases_approvals_and_new_plans_are_reached_at_once(governed: GovernedPlace) -> None:
    done = governed.promoted()
    governed.register(version=2)
    waiting = propose(governed.platform, governed.actor("lee"), governed.wish("model:axk1/2"))
    halt(governed)
    assert governed.aliases() == {}
    for proposal in (done, waiting):
        found = show_proposal(governed.platform, governed.actor("acc"), proposal.id)
        assert found.state is ApprovalState.NEEDS_REVIEW
    plan = governed.plan_with(done.binding.content)
    with pytest.raises(BongsuError) as caught:
        submit(governed.as_("kim"), plan)
    assert codes_of(caught) == ["model.suspended"]
    assert json.loads(governed.told()[-1])["type"] == "alias-changed"
    entry = json.loads(governed.log()[-1][2])
    assert (entry["action"], entry["facts"]["aliases"]) == ("model.suspend", ["production"])


@pytest.mark.parametrize("person", ["kim", "lee", "ann", "dc"])
def test_an_accreditor_alone_stops_and_nobody_else_does(governed: GovernedPlace, person: str) -> None:
    with pytest.raises(BongsuError) as caught:
        halt(governed, person=person)
    assert codes_of(caught) == ["governance.not-permitted"]


def test_for_a_foreign_accreditor_there_is_no_such_model(governed: GovernedPlace) -> None:
    for name in ("axk1", "nothing"):
        with pytest.raises(BongsuError) as caught:
            suspend(governed.platform, governed.actor("army-acc"), StopRequest("mnd", name, None, "x"))
        assert codes_of(caught) == ["governance.no-such"]


def test_a_version_that_is_not_meant_goes_on(governed: GovernedPlace) -> None:
    other = governed.register(version=2)
    halt(governed, version=1)
    with governed.platform.read() as connection:
        assert objections(connection, governed.plan_with(other), governed.now) == []


def test_what_was_made_of_a_suspended_model_is_suspended_too(governed: GovernedPlace) -> None:
    base = governed.promoted().binding.content
    student = governed.register("student", 1, made_from=[base])
    halt(governed)
    with governed.platform.read() as connection:
        found = objections(connection, governed.plan_with(student), governed.now)
    assert [problem.code.name for problem in found] == ["model.suspended"]
    with pytest.raises(BongsuError) as caught:
        propose(governed.platform, governed.actor("lee"), governed.wish("model:student/1"))
    assert codes_of(caught) == ["model.suspended"]
    assert [one.field_path for one in caught.value.problems] == [""], "no pipeline is at fault"


def test_a_run_under_way_is_ended_by_the_suspension_itself(governed: GovernedPlace) -> None:
    base = governed.promoted().binding.content
    run = submit(governed.as_("kim"), governed.plan_with(base)).run.id
    other = submit(governed.as_("kim"), governed.plan_with(governed.register("other", 1))).run.id
    with governed.platform.write() as connection:
        for one in (run, other):
            move_run(connection, get_run(connection, one), RunState.RUNNING, governed.now)
    halt(governed)
    with governed.platform.read() as connection:
        states = {one: get_run(connection, one).state for one in (run, other)}
    assert states == {run: RunState.CANCELLING, other: RunState.RUNNING}
    drive(governed.platform, [run])
    assert show_run(governed.platform, run).run.state.value == "cancelled"
    assert not governed.cluster.jobs, "nothing of it was ever asked for"
    why = "the run was cancelled: it uses model:axk1, which is suspended (rule model.suspended)"
    details = show_run(governed.platform, run)
    assert str(details.reason) == why
    assert {str(stage.record.reason) for stage in details.stages} == {why}
    with governed.platform.read() as connection:
        (told,) = [one.body for one in events_of(connection, run) if one.body.get("state") == "cancelling"]
    assert (told["reason"], told["models"], told["rule"]) == (why, ["model:axk1"], "model.suspended")
    assert len(told["suspensions"]) == 1


def test_a_run_that_a_hidden_model_ends_does_not_name_it(governed: GovernedPlace) -> None:
    base = governed.promoted().binding.content
    student = governed.register("student", 1, made_from=[base])
    run = submit(governed.as_("kim"), governed.plan_with(student)).run.id
    with governed.platform.write() as connection:
        connection.execute(model_versions.update().where(model_versions.c.name == "axk1").values(label="S"))
    halt(governed)
    drive(governed.platform, [run])
    details = show_run(governed.platform, run)
    assert str(details.reason) == "the run was cancelled: it uses a model that is suspended (rule model.suspended)"


def test_a_run_that_somebody_cancels_says_no_more_than_that(governed: GovernedPlace) -> None:
    run = submit(governed.as_("kim"), governed.plan_with(governed.register("other", 1))).run.id
    request_cancel(governed.as_("kim"), run)
    drive(governed.platform, [run])
    details = show_run(governed.platform, run)
    assert (details.reason, details.stages[0].record.reason) == ("", "the run was cancelled")


def test_a_suspension_whose_process_died_is_seen_to_in_the_next_pass(
    governed: GovernedPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = governed.promoted().binding.content
    run = submit(governed.as_("kim"), governed.plan_with(base)).run.id
    with monkeypatch.context() as patch:
        patch.setattr("bongsu.service.governance.suspending.Stopping.stop", lambda _self, _now: [])
        halt(governed)
    drive(governed.platform, [run])
    assert show_run(governed.platform, run).run.state.value == "cancelled"
    assert not governed.cluster.jobs


def test_bytes_that_were_swapped_after_submitting_are_not_launched(governed: GovernedPlace) -> None:
    base = governed.promoted().binding.content
    run = submit(governed.as_("kim"), governed.plan_with(base)).run.id
    (path,) = (governed.folder / "artifacts" / "trees").glob(f"*/{base}/file.txt")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[::-1])
    drive(governed.platform, [run])
    (stage,) = show_run(governed.platform, run).stages
    assert stage.record.state is StageState.FAILED
    assert "is not what was approved" in str(stage.record.reason)
    assert not governed.cluster.jobs


def test_an_alias_launches_what_was_approved_for_it_and_nothing_else(governed: GovernedPlace) -> None:
    approved = governed.promoted().binding.content
    other = governed.register(version=2)
    for digest, codes in ((approved, []), (other, ["model.not-approved"])):
        plan = governed.plan_with(digest, "models:/axk1@production")
        with governed.platform.read() as connection:
            found = objections(connection, plan, governed.now)
        assert [problem.code.name for problem in found] == codes


def test_it_takes_two_to_let_a_model_go_and_its_alias_does_not_come_back(governed: GovernedPlace) -> None:
    base = governed.promoted().binding.content
    halt(governed)
    lift = propose_lift(governed.platform, governed.actor("kim"), StopRequest("mnd", "axk1", None, "It was mended"))
    approve(governed.platform, governed.actor("acc"), lift.id, lift.binding.digest)
    with pytest.raises(BongsuError) as caught:
        carry_out(governed.platform, governed.actor("kim"), lift.id)
    assert codes_of(caught) == ["approval.wrong-state"]
    approve(governed.platform, governed.actor("ann"), lift.id, lift.binding.digest)
    carry_out(governed.platform, governed.actor("kim"), lift.id)
    assert governed.aliases() == {}
    submit(governed.as_("kim"), governed.plan_with(base))
    with pytest.raises(BongsuError) as caught:
        propose_lift(governed.platform, governed.actor("kim"), StopRequest("mnd", "axk1", None, "again"))
    assert codes_of(caught) == ["model.not-suspended"]


def test_a_version_that_nobody_looked_at_is_not_let_go_with_the_others(governed: GovernedPlace) -> None:
    halt(governed)
    lift = propose_lift(governed.platform, governed.actor("kim"), StopRequest("mnd", "axk1", None, "It was mended"))
    approve(governed.platform, governed.actor("acc"), lift.id, lift.binding.digest)
    governed.register(version=2)
    with pytest.raises(BongsuError) as caught:
        approve(governed.platform, governed.actor("ann"), lift.id, lift.binding.digest)
    assert codes_of(caught) == ["approval.changed"]
