"""Properties of the decision on any pipeline and any order of events."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from pure_run import PureRun
from small_plans import plan_of, stage

from bongsu.domain.attempt import Phase
from bongsu.domain.capacity import Capacity
from bongsu.domain.plan import PlannedStage, RunPlan
from bongsu.domain.resources import Resources
from bongsu.domain.run import StageState
from bongsu.reconciler.facts import Refused

CAPACITY = Capacity(cpus=4, gpus=0, memory=10**9)


@st.composite
def plans(draw: st.DrawFn) -> RunPlan:
    """Up to six stages, each taking from any before it, some with conditions, some that can never run."""
    stages: list[PlannedStage] = []
    for place in range(draw(st.integers(1, 6))):
        before = [planned.id for planned in stages]
        taken = draw(st.lists(st.sampled_from(before), unique=True, max_size=2)) if before else []
        conditions = ["params.go", *(f"{name}.state == 'succeeded'" for name in before)]
        when = draw(st.none() | st.sampled_from(conditions))
        stages.append(
            stage(
                f"s{place}",
                *taken,
                when=when,
                after=tuple(name for name in before if when and when.startswith(f"{name}.")),
                retries=draw(st.integers(0, 1)),
                timeout=draw(st.none() | st.just(60)),
                many_inputs=("after",) if draw(st.booleans()) else (),
                cacheable=draw(st.booleans()),
                resources=Resources(cpus_per_worker=draw(st.sampled_from([1, 2, 3, 9]))),
            )
        )
    return plan_of(*stages, parameters={"go": draw(st.booleans())})


def happen(run: PureRun, data: st.DataObject) -> None:
    """Something happens to an attempt that is under way, or time passes, or a person cancels."""
    events = ["time", "cancel"] if not run.run_state.is_final and run.run_state.value == "running" else ["time"]
    live = run.live
    event = data.draw(st.sampled_from([*(["succeed", "fail", "see"] if live else []), *events]))
    if event == "time":
        run.now += data.draw(st.sampled_from([1.0, 100.0, -50.0]))
    elif event == "cancel":
        run.cancel()
    else:
        name = data.draw(st.sampled_from(live)).partition("/")[0]
        if event == "succeed":
            run.succeed(name, says=data.draw(st.sampled_from(list(Phase))))
        elif event == "fail":
            run.fail(name, retryable=data.draw(st.booleans()))
        else:
            run.see(name, data.draw(st.sampled_from([Phase.ABSENT, Phase.QUEUED, Phase.RUNNING, Phase.LOST])))


def used(run: PureRun) -> float:
    return sum(run.plan.stage(attempt.id.stage_id).resources.total_cpus for attempt in run.facts.live)


@given(plans(), st.data())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_every_history_keeps_the_rules(plan: RunPlan, data: st.DataObject) -> None:
    run = PureRun(plan, CAPACITY)  # it checks every move against the tables
    for _ in range(data.draw(st.integers(0, 12))):
        before = dict(run.facts.stages)
        run.step()
        assert used(run) <= CAPACITY.cpus
        for name, record in before.items():
            if record.state.is_final:
                assert run.facts.stages[name].state is record.state, f"{name} was over"
        if run.run_state.is_final:
            break
        happen(run, data)
    finish(run)
    assert run.live == []
    assert all(record.state.is_final for record in run.facts.stages.values())
    assert all(run.ends(name).count("succeeded") <= 1 for name in run.states)


def finish(run: PureRun) -> None:
    """From now on everything goes well: the run has to come to an end, and stay there."""
    for _ in range(60):
        run.now += 1000
        run.step()
        if run.run_state.is_final:
            break
        for name in {one.partition("/")[0] for one in run.live}:
            run.succeed(name)
        for name, record in run.facts.stages.items():
            if record.state is StageState.PUBLISHING:
                run.published = {**run.published, name: Refused("no")}
    assert run.run_state.is_final
    assert run.step() == []


@given(plans(), st.data())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_deciding_twice_on_the_same_world_is_deciding_once(plan: RunPlan, data: st.DataObject) -> None:
    run = PureRun(plan, CAPACITY)
    for _ in range(data.draw(st.integers(1, 8))):
        run.step()
        assert run.step() == []
        if run.run_state.is_final:
            break
        happen(run, data)
