"""Outputs that are there already, equal work at the same time, and stages that register."""

from __future__ import annotations

from typing import Any

import pytest
from pure_run import PureRun, outputs_of
from small_plans import plan_of, ref_of, stage

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.ids import StageId
from bongsu.domain.labels import OPEN, Grade, Label
from bongsu.domain.plan import PlannedStage
from bongsu.domain.publication import RegisteredVersion, RegistrationRequest
from bongsu.domain.run import RunState
from bongsu.domain.tenants import HOME
from bongsu.planner.cache_key import cache_key, cache_parts
from bongsu.planner.facts import EarlierWork
from bongsu.reconciler.actions import RecordVersion, RememberOutputs
from bongsu.reconciler.facts import Refused, Registered

SENSITIVE = Label(grade=Grade.SENSITIVE)


def remember(run: PureRun, name: str, *upstream: str, label: Label | None = None) -> None:
    """An earlier run left outputs of stage ``name``, made from those of ``upstream``."""
    planned = run.plan.stage(name)
    taken = [next(iter(outputs_of(run.plan.stage(before)).values())).digest for before in upstream]
    key = cache_key(cache_parts(planned, {"after": taken} if upstream else {}))
    run.cache[key] = EarlierWork(outputs_of(planned, label), {"loss": 1.0})


def test_a_stage_whose_output_is_there_takes_it_and_starts_nothing() -> None:
    run = PureRun(plan_of(stage("a")))
    remember(run, "a")
    run.step()
    assert run.states == {"a": "cached"}
    assert run.facts.attempts == {}
    assert run.run_state is RunState.SUCCEEDED
    assert run.facts.stages[StageId("a")].metrics == {"loss": 1.0}


def test_a_whole_chain_is_taken_in_one_step() -> None:
    run = PureRun(plan_of(stage("a"), stage("b", "a"), stage("c", "b")))
    remember(run, "a")
    remember(run, "b", "a")
    remember(run, "c", "b")
    run.step()
    assert run.run_state is RunState.SUCCEEDED
    assert set(run.states.values()) == {"cached"}


def test_what_was_taken_decides_conditions_like_what_was_made() -> None:
    run = PureRun(plan_of(stage("a"), stage("b", when="a.metrics.loss > 3", after=("a",))))
    remember(run, "a")
    run.step()
    assert run.states == {"a": "cached", "b": "skipped"}


@pytest.mark.parametrize(
    ("planned", "kept", "taken"),
    [(OPEN, OPEN, True), (SENSITIVE, OPEN, True), (SENSITIVE, SENSITIVE, True), (OPEN, SENSITIVE, False)],
)
def test_an_output_is_taken_only_where_the_label_of_the_run_covers_it(
    planned: Label, kept: Label, taken: bool
) -> None:
    run = PureRun(plan_of(stage("a", label=planned)))
    remember(run, "a", label=kept)
    run.step()
    assert run.states == {"a": "cached" if taken else "running"}


def test_a_taken_output_carries_the_label_of_the_run_that_takes_it() -> None:
    run = PureRun(plan_of(stage("a", label=SENSITIVE)))
    remember(run, "a", label=OPEN)
    run.step()
    assert run.facts.stages[StageId("a")].outputs["files"].label == SENSITIVE


def test_a_compartment_that_the_run_has_not_is_not_taken() -> None:
    run = PureRun(plan_of(stage("a", label=SENSITIVE)))
    remember(run, "a", label=Label(grade=Grade.OPEN, compartments=frozenset({"logistics"})))
    run.step()
    assert run.states == {"a": "running"}


def test_a_stage_that_is_not_cacheable_neither_takes_nor_leaves_outputs() -> None:
    run = PureRun(plan_of(stage("a", cacheable=False)))
    remember(run, "a")
    run.step()
    assert run.live == ["a/1"]
    run.succeed("a")
    assert not any(isinstance(action, RememberOutputs) for action in run.step())


def test_a_success_leaves_its_output_to_later_runs() -> None:
    plan = plan_of(stage("a"), stage("b", "a"))
    first = PureRun(plan)
    for name in "ab":
        first.step()
        first.succeed(name)
    first.step()
    second = PureRun(plan)
    second.cache = first.cache
    second.step()
    assert set(second.states.values()) == {"cached"}


def test_work_that_is_under_way_elsewhere_is_waited_for_and_then_taken() -> None:
    run = PureRun(plan_of(stage("a"), stage("b")))
    key = cache_key(cache_parts(run.plan.stage("a"), {}))
    run.under_way = {(HOME, key): {OPEN}}
    run.step()
    assert run.live == ["b/1"]
    assert run.states["a"] == "ready"
    run.under_way = {}
    remember(run, "a")
    run.step()
    assert run.states["a"] == "cached"


def test_work_under_a_label_that_is_not_covered_is_not_waited_for() -> None:
    """Its output could not be taken; and who sees the run only would see that somebody does the same."""
    run = PureRun(plan_of(stage("a"), stage("b", label=SENSITIVE)))
    run.under_way = {(HOME, cache_key(cache_parts(one, {}))): {SENSITIVE} for one in run.plan.stages}
    run.step()
    assert run.states == {"a": "running", "b": "ready"}


def test_two_equal_stages_of_one_run_are_done_once() -> None:
    run = PureRun(plan_of(stage("a", params={"text": "x"}), stage("b", params={"text": "x"})))
    run.step()
    assert run.live == ["a/1"]
    run.succeed("a")
    run.step()
    run.step()
    assert run.states == {"a": "succeeded", "b": "cached"}


def test_what_becomes_ready_late_is_looked_up_again_and_wakes_what_follows() -> None:
    run = PureRun(plan_of(stage("a"), stage("b", "a")))
    run.under_way = {(HOME, cache_key(cache_parts(run.plan.stage("a"), {}))): {OPEN}}
    run.step()
    assert run.states == {"a": "ready", "b": "waiting"}
    run.under_way = {}
    remember(run, "a")
    run.step()
    assert run.states == {"a": "cached", "b": "running"}


# -- registering ---------------------------------------------------------------------------------------------------


def registering(**changes: Any) -> PlannedStage:
    return stage("register", outputs={"registration": ArtifactType.REGISTRATION}, **changes)


def registered() -> Registered:
    request = RegistrationRequest(
        key="k",
        run_id="r-000000000001",
        stage_id="register",
        pipeline="sample",
        ministry="mnd",
        use_class="administration",
        name="light",
        model=ref_of("model", ArtifactType.MODEL),
        source_uri="file:///model",
    )
    return Registered(request, RegisteredVersion(name="light", version=3))


def at_publishing(*more: PlannedStage) -> PureRun:
    run = PureRun(plan_of(registering(), *more))
    run.step()
    run.succeed("register")
    run.step()
    assert run.states["register"] == "publishing"
    return run


def test_a_registration_is_not_over_before_the_registry_has_it() -> None:
    run = at_publishing(stage("after", "register.registration"))
    assert run.step() == []
    assert run.states["after"] == "waiting"
    assert run.cache == {}, "others must not take what is not registered"
    run.published = {StageId("register"): registered()}
    actions = run.step()
    assert RecordVersion(StageId("register"), registered()) in actions
    assert run.states == {"register": "succeeded", "after": "running"}
    assert len(run.cache) == 1


def test_a_refused_registration_fails_the_stage_with_the_reason() -> None:
    run = at_publishing()
    run.published = {StageId("register"): Refused("no verification has passed")}
    run.step()
    assert run.reason("register") == "it could not be registered: no verification has passed"
    assert run.run_state is RunState.FAILED
    assert run.cache == {}


def test_cancelling_waits_for_a_registration_that_is_being_made() -> None:
    run = at_publishing(stage("after", "register.registration"))
    run.cancel()
    run.step()
    assert run.run_state is RunState.CANCELLING
    run.published = {StageId("register"): registered()}
    run.step()
    assert run.states == {"register": "succeeded", "after": "cancelled"}
    assert run.run_state is RunState.CANCELLED
