"""The kill switch: what it reaches, and what it takes to let go."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from governed_places import GovernedPlace
from service_places import drive
from sqlalchemy import event

from bongsu.artifacts.base import ArtifactStore, TreeReader
from bongsu.domain.approval import ApprovalState
from bongsu.domain.codes import artifact as codes_of_artifacts
from bongsu.domain.ids import Digest, RunId, StageId
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import RunState, StageState
from bongsu.reconciler.gate import objections
from bongsu.reconciler.stopping import Stopping
from bongsu.service.cancelling import request_cancel
from bongsu.service.driving import open_driver
from bongsu.service.governance.carrying_out import carry_out
from bongsu.service.governance.deciding import approve
from bongsu.service.governance.proposing import propose, show_proposal
from bongsu.service.governance.suspending import StopRequest, propose_lift, suspend
from bongsu.service.resuming import resume
from bongsu.service.showing import show_run
from bongsu.service.submitting import submit
from bongsu.service.watching import RunProgress
from bongsu.store import lineage, models
from bongsu.store.history import events_of
from bongsu.store.lineage import Edge, Node
from bongsu.store.node_ids import artifact_node, stage_node
from bongsu.store.records import ModelVersionRecord
from bongsu.store.runs import get_run, move_run
from bongsu.store.schema import model_versions, runs


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


def test_the_jobs_of_a_run_that_a_suspension_ends_are_ended(governed: GovernedPlace) -> None:
    base = governed.promoted().binding.content
    run = submit(governed.as_("kim"), governed.plan_with(base)).run.id
    governed.fate = governed.cluster.start
    with open_driver(governed.platform) as driving:
        driving.driver.want([run])
        for _ in range(10):
            driving.driver.step()
        assert [attempt.run_id for attempt in governed.cluster.live] == [run]
        halt(governed)
        driving.drive([run])
    assert governed.cluster.live == []
    details = show_run(governed.platform, run)
    (attempt,) = details.stages[0].attempts
    assert (details.run.state.value, attempt.state.value) == ("cancelled", "cancelled")


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


def under_way(governed: GovernedPlace, name: str = "other") -> RunId:
    """A run that takes a model which nobody suspends."""
    run = submit(governed.as_("kim"), governed.plan_with(governed.register(name, 1))).run.id
    with governed.platform.write() as connection:
        move_run(connection, get_run(connection, run), RunState.RUNNING, governed.now)
    return run


def make(governed: GovernedPlace, run: RunId, tree: Digest) -> None:
    """Have a stage of the run end with this tree."""
    here = stage_node(run, "a")
    with governed.platform.write() as connection:
        nodes = [
            Node(here, NodeKind.RUN_STAGE, "a", "O", {}),
            Node(artifact_node(tree), NodeKind.ARTIFACT, "a", "O", {}),
        ]
        lineage.put_nodes(connection, nodes)
        lineage.put_edges(connection, [Edge(here, artifact_node(tree), EdgeKind.MADE)], run, governed.now)


def test_a_run_that_registers_a_version_of_a_suspended_model_is_ended_by_whoever_looked_before(
    governed: GovernedPlace,
) -> None:
    run = under_way(governed)
    halt(governed)
    leader = Stopping(governed.platform.database)
    assert leader.stop(governed.now) == []
    made = governed.tree("made by this run")
    make(governed, run, made)
    assert leader.stop(governed.now) == [], "it may be anything yet"
    with governed.platform.write() as connection:
        record = ModelVersionRecord(
            name="axk1",
            version=2,
            digest=made,
            label="O",
            use_class="administration",
            ministry="mnd",
            run_id=run,
            stage_id=StageId("a"),
            title="axk1",
            metrics={},
            link="",
            created_at=governed.now,
        )
        models.add_version(connection, record)
    assert leader.stop(governed.now) == [run]
    assert leader.stop(governed.now) == []
    drive(governed.platform, [run])
    assert "model:axk1" in str(show_run(governed.platform, run).reason)


def test_a_run_that_makes_suspended_bytes_again_is_ended_by_whoever_looked_before(governed: GovernedPlace) -> None:
    suspended = governed.tree("axk1 1 of mnd")
    run, other = under_way(governed), under_way(governed, "third")
    halt(governed)
    leader = Stopping(governed.platform.database)
    assert leader.stop(governed.now) == []
    make(governed, run, suspended)
    assert leader.stop(governed.now) == [run]
    with governed.platform.read() as connection:
        assert get_run(connection, other).state is RunState.RUNNING


def test_a_run_that_a_suspension_ended_goes_on_once_it_is_lifted_and_not_before(governed: GovernedPlace) -> None:
    base = governed.promoted().binding.content
    run = submit(governed.as_("kim"), governed.plan_with(base)).run.id
    halt(governed)
    drive(governed.platform, [run])
    with pytest.raises(BongsuError) as caught:
        resume(governed.as_("kim"), run)
    assert codes_of(caught) == ["model.suspended"]
    assert show_run(governed.platform, run).run.state.value == "cancelled"
    lift = propose_lift(governed.platform, governed.actor("lee"), StopRequest("mnd", "axk1", None, "It was mended"))
    for person in ("acc", "ann"):
        approve(governed.platform, governed.actor(person), lift.id, lift.binding.digest)
    carry_out(governed.platform, governed.actor("lee"), lift.id)
    assert resume(governed.as_("kim"), run).state is RunState.PENDING


def test_a_run_that_made_a_suspended_model_does_not_go_on(governed: GovernedPlace) -> None:
    run = under_way(governed)
    make(governed, run, governed.tree("axk1 1 of mnd"))
    halt(governed)
    drive(governed.platform, [run])
    with pytest.raises(BongsuError) as caught:
        resume(governed.as_("kim"), run)
    assert codes_of(caught) == ["run.made-suspended"]
    assert "it made model:axk1, which is suspended (rule model.suspended)" in str(caught.value)


@pytest.mark.parametrize("damage", [{"plan": "{}"}, {"label": "Q"}], ids=list)
def test_a_run_that_cannot_be_read_keeps_no_other_from_being_ended(
    governed: GovernedPlace, damage: dict[str, Any]
) -> None:
    """Both use the model; a third has nothing to do with it, and goes on."""
    base = governed.tree("axk1 1 of mnd")
    damaged = submit(governed.as_("kim"), governed.plan_with(base, f"artifact:{base}")).run.id
    using = submit(governed.as_("kim"), governed.plan_with(base)).run.id
    other = submit(governed.as_("kim"), governed.plan_with(governed.register("other", 1))).run.id
    with governed.platform.write() as connection:
        connection.execute(runs.update().where(runs.c.id == damaged).values(**damage))
    halt(governed)
    with governed.platform.read() as connection:
        assert get_run(connection, using).state is RunState.CANCELLING
    drive(governed.platform, [using, other])
    with governed.platform.read() as connection:
        states = [get_run(connection, run).state for run in (using, other)]
    assert states == [RunState.CANCELLED, RunState.SUCCEEDED]


def test_what_a_pass_asks_the_database_does_not_grow_with_the_runs_under_way(governed: GovernedPlace) -> None:
    halt(governed)
    leader = Stopping(governed.platform.database)
    asked: list[str] = []
    with governed.platform.read() as connection:
        engine = connection.engine

    def note(*about: Any) -> None:
        asked.append(about[2])

    event.listen(engine, "before_cursor_execute", note)
    counts = []
    for some in (["b"], ["c", "d", "e", "f"]):
        for name in some:
            under_way(governed, name)
        assert leader.stop(governed.now) == []
        asked.clear()
        assert leader.stop(governed.now) == []
        counts.append(len(asked))
    event.remove(engine, "before_cursor_execute", note)
    assert counts[0] == counts[1] <= 8


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


class SilentReads:
    """A store that does not answer who asks for a tree, until ``error`` is taken away."""

    def __init__(self, store: ArtifactStore, error: Exception | None) -> None:
        self._store = store
        self.error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def reader(self, digest: Digest) -> TreeReader:
        if self.error is not None:
            raise self.error
        return self._store.reader(digest)


@pytest.mark.parametrize(
    "error", [TimeoutError("timed out"), codes_of_artifacts.REMOTE_UNREACHABLE.error(store="s3://b", detail="down")]
)
def test_bytes_that_cannot_be_read_now_wait_to_be_read_and_say_so(
    governed: GovernedPlace, error: Exception
) -> None:
    base = governed.promoted().binding.content
    run = submit(governed.as_("kim"), governed.plan_with(base)).run.id
    store = SilentReads(governed.platform.artifacts, error)
    told: list[str] = []

    def look(progress: RunProgress) -> None:
        if progress.trouble and store.error is not None:
            told.append(str(progress.trouble))
            assert not governed.cluster.jobs, "nothing was launched that nobody looked at"
            store.error = None

    drive(replace(governed.platform, stores=lambda _tenant: store), [run], look)
    (why,) = told
    assert why.startswith("the artifact store does not answer: ")
    assert show_run(governed.platform, run).run.state is RunState.SUCCEEDED


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
    assert codes_of(caught) == ["approval.too-few"]
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
