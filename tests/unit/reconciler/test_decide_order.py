"""What starts when: order, conditions, skipped and broken sources, and what the machine has room for."""

from __future__ import annotations

import pytest
from pure_run import CAPACITY, PureRun
from small_plans import plan_of, ref_of, source, stage

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.capacity import Capacity
from bongsu.domain.codes import run as codes
from bongsu.domain.plan import PlannedInput
from bongsu.domain.resources import Resources
from bongsu.domain.run import RunState
from bongsu.reconciler.budget import Budget


def test_a_chain_runs_one_after_another_to_its_end() -> None:
    run = PureRun(plan_of(stage("a"), stage("b", "a"), stage("c", "b")))
    run.step()
    assert run.run_state is RunState.RUNNING
    for name, later in (("a", ["b", "c"]), ("b", ["c"]), ("c", [])):
        assert run.live == [f"{name}/1"]
        assert all(run.states[other] == "waiting" for other in later)
        run.succeed(name)
        run.step()
    assert run.run_state is RunState.SUCCEEDED
    assert run.states == {"a": "succeeded", "b": "succeeded", "c": "succeeded"}


def test_the_next_stage_starts_in_the_step_that_sees_the_last_one_end() -> None:
    run = PureRun(plan_of(stage("a"), stage("b", "a")))
    run.step()
    run.succeed("a")
    run.step()
    assert run.live == ["b/1"]


def test_deciding_again_on_what_was_decided_gives_nothing() -> None:
    run = PureRun(plan_of(stage("a"), stage("b", "a")))
    assert run.step()
    assert run.step() == []
    run.succeed("a")
    assert run.step()
    assert run.step() == []


def test_a_run_that_is_over_is_left_alone() -> None:
    run = PureRun(plan_of(stage("a")))
    run.step()
    run.succeed("a")
    run.step()
    assert run.run_state is RunState.SUCCEEDED
    assert run.step() == []


def test_fan_in_waits_for_every_source() -> None:
    run = PureRun(plan_of(stage("a"), stage("b"), stage("join", "a", "b")))
    run.step()
    assert run.live == ["a/1", "b/1"]
    run.succeed("b")
    run.step()
    assert run.states["join"] == "waiting"
    run.succeed("a")
    run.step()
    assert run.live == ["join/1"]


def test_what_needs_a_failed_stage_is_cancelled_and_the_rest_goes_on() -> None:
    run = PureRun(plan_of(stage("a"), stage("b", "a"), stage("c", "b"), stage("other")))
    run.step()
    run.fail("a")
    run.step()
    assert run.states == {"a": "failed", "b": "cancelled", "c": "cancelled", "other": "running"}
    assert run.reason("b") == "a did not succeed"
    assert run.run_state is RunState.RUNNING
    run.succeed("other")
    run.step()
    assert run.run_state is RunState.FAILED


# -- conditions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("loss", "state"), [(1.0, "running"), (9.0, "skipped")])
def test_a_condition_on_a_metric_decides_once_its_stage_is_over(loss: float, state: str) -> None:
    run = PureRun(plan_of(stage("a"), stage("b", when="a.metrics.loss < 3", after=("a",))))
    run.step()
    assert run.states["b"] == "waiting"
    run.succeed("a", {"loss": loss})
    run.step()
    assert run.states["b"] == state


def test_a_condition_that_is_false_says_so() -> None:
    run = PureRun(plan_of(stage("a", when="params.go"), parameters={"go": False}))
    run.step()
    assert run.states == {"a": "skipped"}
    assert run.reason("a") == "not: params.go"
    assert run.run_state is RunState.SUCCEEDED


def test_a_condition_on_the_state_of_a_failed_stage_can_start_a_stage() -> None:
    run = PureRun(plan_of(stage("a"), stage("rescue", when="a.state == 'failed'", after=("a",))))
    run.step()
    run.fail("a")
    run.step()
    assert run.live == ["rescue/1"]


def test_a_condition_on_a_metric_of_a_failed_stage_cancels() -> None:
    run = PureRun(plan_of(stage("a"), stage("b", when="a.metrics.loss < 3", after=("a",))))
    run.step()
    run.fail("a")
    run.step()
    assert (run.states["b"], run.reason("b")) == ("cancelled", "a did not succeed")


def test_a_condition_on_a_metric_of_a_skipped_stage_skips() -> None:
    run = PureRun(
        plan_of(
            stage("a", when="params.go"),
            stage("b", when="a.metrics.loss < 3", after=("a",)),
            parameters={"go": False},
        )
    )
    run.step()
    assert (run.states["b"], run.reason("b")) == ("skipped", "a was skipped")


def test_a_condition_on_a_metric_that_was_never_reported_fails_the_stage() -> None:
    run = PureRun(plan_of(stage("a"), stage("b", when="a.metrics.loss < 3", after=("a",))))
    run.step()
    run.succeed("a", {"accuracy": 1.0})
    run.step()
    assert run.states["b"] == "failed"
    assert "loss" in run.reason("b")
    assert run.run_state is RunState.FAILED


# -- what was skipped ----------------------------------------------------------------------------------------------


def test_a_skipped_source_at_a_port_for_one_tree_skips() -> None:
    run = PureRun(plan_of(stage("a", when="params.go"), stage("b", "a", many_inputs=()), parameters={"go": False}))
    run.step()
    assert (run.states["b"], run.reason("b")) == ("skipped", "what it needs was skipped")


def test_a_skipped_source_at_a_port_for_many_trees_is_left_out() -> None:
    run = PureRun(
        plan_of(stage("a", when="params.go"), stage("b"), stage("join", "a", "b"), parameters={"go": False})
    )
    run.step()
    assert run.states["a"] == "skipped"
    run.succeed("b")
    run.step()
    assert run.live == ["join/1"]


def test_a_port_for_many_trees_with_every_source_skipped_skips() -> None:
    run = PureRun(plan_of(stage("a", when="params.go"), stage("join", "a"), parameters={"go": False}))
    run.step()
    assert run.states == {"a": "skipped", "join": "skipped"}


def test_a_failed_source_counts_more_than_a_skipped_one() -> None:
    run = PureRun(
        plan_of(stage("a", when="params.go"), stage("b"), stage("join", "a", "b"), parameters={"go": False})
    )
    run.step()
    run.fail("b")
    run.step()
    assert run.states["join"] == "cancelled"


# -- room ----------------------------------------------------------------------------------------------------------


def wide(cpus: float, workers: int = 1) -> Resources:
    return Resources(cpus_per_worker=cpus, workers=workers)


def test_no_more_starts_than_there_are_cores() -> None:
    run = PureRun(plan_of(*(stage(name, resources=wide(2)) for name in "abc")), Capacity(4, 0, 10**9))
    run.step()
    assert run.live == ["a/1", "b/1"]
    assert run.states["c"] == "ready"
    run.succeed("a")
    run.step()
    assert run.live == ["b/1", "c/1"]


def test_a_smaller_stage_starts_where_a_larger_one_does_not_fit() -> None:
    plan = plan_of(stage("a", resources=wide(3)), stage("big", resources=wide(2)), stage("small"))
    run = PureRun(plan, Capacity(4, 0, 10**9))
    run.step()
    assert run.live == ["a/1", "small/1"]


def test_all_workers_of_a_gang_count() -> None:
    run = PureRun(plan_of(stage("gang", resources=wide(1, workers=4)), stage("b")), Capacity(4, 0, 10**9))
    run.step()
    assert run.live == ["gang/1"]


def test_memory_counts_where_a_stage_asks_for_it() -> None:
    half = Resources(memory=600)
    run = PureRun(plan_of(stage("a", resources=half), stage("b", resources=half)), Capacity(4, 0, 1000))
    run.step()
    assert run.live == ["a/1"]


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        (wide(9), "9 CPU cores at once, and there are 4"),
        (Resources(gpus_per_worker=1), "1 GPUs at once, and there are 0"),
        (Resources(memory=2 * 10**9), "2.0 GB of memory, and there are 1.0 GB"),
    ],
)
def test_what_can_never_run_fails_with_the_reason_and_takes_along_what_needs_it(
    needs: Resources, words: str
) -> None:
    run = PureRun(plan_of(stage("a", resources=needs), stage("b", "a"), stage("c")), Capacity(4, 0, 10**9))
    run.step()
    assert run.states == {"a": "failed", "b": "cancelled", "c": "running"}
    assert words in run.reason("a")
    run.succeed("c")
    run.step()
    assert run.run_state is RunState.FAILED


def test_an_accelerator_that_is_not_there_fails_with_the_names_of_those_that_are() -> None:
    needs = Resources(gpus_per_worker=1, accelerator="H100-80GB")
    run = PureRun(plan_of(stage("a", resources=needs)), Capacity(4, 2, 10**9, ("A100-40GB",)))
    run.step()
    assert run.reason("a") == "it needs H100-80GB, and there are only A100-40GB"


def test_the_stage_with_the_longest_way_to_the_end_goes_first() -> None:
    run = PureRun(plan_of(stage("short"), stage("long"), stage("tail", "long")), Capacity(1, 0, 10**9))
    run.step()
    assert run.live == ["long/1"]


def test_known_durations_decide_over_the_number_of_stages() -> None:
    run = PureRun(plan_of(stage("slow"), stage("quick"), stage("tail", "quick")), Capacity(1, 0, 10**9))
    run.usual_seconds = {"slow": 600.0, "quick": 5.0, "tail": 5.0}
    run.step()
    assert run.live == ["slow/1"]


# -- inputs --------------------------------------------------------------------------------------------------------


def test_equal_inputs_give_equal_keys_and_other_inputs_give_others() -> None:
    def key_of(text: str) -> str | None:
        given = PlannedInput(name="base", uri="file:base", ref=ref_of(text, ArtifactType.MODEL))
        taking = stage("a", inputs={"model": (source("inputs.base"),)}, many_inputs=())
        run = PureRun(plan_of(taking, inputs=[given]))
        run.step()
        run.succeed("a")
        run.step()
        return run.facts.stages[taking.id].cache_key

    assert key_of("one") == key_of("one")
    assert key_of("one") != key_of("two")


def test_what_waits_for_room_asks_no_rule() -> None:
    """The rules read the database and compare bytes, and runs wait for days."""
    run = PureRun(plan_of(stage("a")))
    for _ in range(3):
        run.step(Budget(CAPACITY, cpus=0, gpus=0, memory=0))
    assert run.times_asked == 0
    run.step()
    assert run.times_asked == 1
    assert run.live == ["a/1"]


def test_what_the_rules_refuse_takes_no_room() -> None:
    run = PureRun(plan_of(stage("a")))
    run.denied = (codes.UNKNOWN_RUN.at(run="r"),)
    budget = Budget.of(CAPACITY)
    run.step(budget)
    assert run.states == {"a": "failed"}
    assert budget == Budget.of(CAPACITY)
