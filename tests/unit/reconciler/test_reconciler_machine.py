"""Random histories of the real driver, store and artifact store under faults, with simulated attempts.

The idea is FoundationDB's: the world around the code is simulated and deterministic, the code is the real one, and
what must hold is looked at after every event. See ``docs/state-machine.md`` for the moves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from reconciler_invariants import check_deliveries, check_driver, check_end, check_store
from reconciler_world import World, registering_stage, registration_inputs
from small_plans import plan_of, stage

from bongsu.domain.ids import RunId
from bongsu.domain.pipeline import Retries
from bongsu.domain.plan import PlannedStage, RunPlan
from bongsu.domain.problems import BongsuError
from bongsu.domain.resources import Resources
from bongsu.domain.run import RunState
from bongsu.service.cancelling import request_cancel
from bongsu.service.resuming import resume
from bongsu.service.showing import list_runs
from bongsu.service.submitting import submit

MAX_RUNS = 4
PICK = st.integers(0, 9)
# The driver passes about ten points, at which something can go wrong, in a step that has something to do.
SOON = st.sampled_from(range(1, 13))
EVENTS = [
    "start",
    "report",
    "succeed",
    "succeed",
    "hang",
    "succeed and vanish",
    "fail",
    "fail for good",
    "lose",
    "take too long",
]
FAULTS = st.sampled_from(["kill", "kill", "silence", "cancel", "resume"])
CONDITIONS = ["{}.state == 'succeeded'", "{}.state == 'failed'", "{}.metrics.loss < 3", "{}.metrics.loss > 3"]
STEPS_TO_THE_END = 80


@st.composite
def plans(draw: st.DrawFn) -> list[PlannedStage]:
    """Up to four stages and possibly one that registers. Few texts, so that runs share work."""
    stages: list[PlannedStage] = []
    for place in range(draw(st.integers(1, 4))):
        before = [planned.id for planned in stages]
        taken = draw(st.lists(st.sampled_from(before), unique=True, max_size=2)) if before else []
        asked = draw(st.sampled_from([None, None, *before]))
        condition = draw(st.sampled_from(CONDITIONS))
        stages.append(
            stage(
                f"s{place}",
                *taken,
                params={"text": draw(st.sampled_from("xy"))},
                when=condition.format(asked) if asked else None,
                after=(asked,) if asked else (),
                retries=draw(st.sampled_from([0, 1, Retries(limit=2, backoff="30s")])),
                timeout=draw(st.sampled_from([None, 60])),
                cacheable=draw(st.sampled_from([True, True, False])),
                resources=Resources(cpus_per_worker=draw(st.sampled_from([1, 1, 1, 1, 2, 2, 3, 9]))),
            )
        )
    registers = draw(st.sampled_from(["no", "at once", "in the end"]))
    if registers != "no":
        stages.append(registering_stage("register", *([stages[-1].id] if registers == "in the end" else [])))
    return stages


class Journeys(RuleBasedStateMachine):
    """Runs are submitted, driven, cancelled and resumed while attempts end and processes die."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.inputs = registration_inputs(self.world.artifacts)
        self.acknowledged: set[RunId] = set()
        self.plans: list[RunPlan] = []

    # -- people ------------------------------------------------------------------------------------------------

    @initialize(drawn=plans())
    def begin(self, drawn: list[PlannedStage]) -> None:
        self._submit(self._plan(drawn))

    @precondition(lambda self: len(self.acknowledged) < MAX_RUNS)
    @rule(drawn=plans(), kill_at=st.none() | st.integers(1, 3))
    def submit_another(self, drawn: list[PlannedStage], kill_at: int | None) -> None:
        if kill_at:
            self.world.faults.kill_at(kill_at)
        self._submit(self._plan(drawn))

    @precondition(lambda self: len(self.acknowledged) < MAX_RUNS)
    @rule(which=PICK, fault=FAULTS, at=SOON)
    def submit_again(self, which: int, fault: str, at: int) -> None:
        self._submit(self.plans[which % len(self.plans)], lambda: self._arm(fault, at, which))

    @rule(
        which=PICK,
        what=st.sampled_from(["cancel", "resume", "resume"]),
        kill_at=st.sampled_from([None, 1, 2, 3]),
        fault=FAULTS,
        at=SOON,
    )
    def cancel_or_resume(self, which: int, what: str, kill_at: int | None, fault: str, at: int) -> None:
        run_id = self._some_run(which)
        use_case: Any = resume if what == "resume" else request_cancel
        if kill_at:
            self.world.faults.kill_at(kill_at)
        self._by_a_person(lambda: use_case(self.world.platform, run_id))
        self._arm(fault, at, which)
        self._step()

    # -- the driver ----------------------------------------------------------------------------------------------

    @rule(times=st.integers(1, 3))
    def drive(self, times: int) -> None:
        for _ in range(times):
            self._step()

    @rule(fault=FAULTS, at=SOON, which=PICK)
    def drive_while_something_goes_wrong(self, fault: str, at: int, which: int) -> None:
        self._arm(fault, at, which)
        self._step(2)

    # -- the cluster ---------------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.cluster.live)
    @rule(which=PICK, what=st.sampled_from(EVENTS), drive=st.booleans())
    def something_happens_to_an_attempt(self, which: int, what: str, drive: bool) -> None:
        self._happen(which, what)
        if drive:
            self._step()

    @precondition(lambda self: self.world.cluster.live)
    @rule(which=PICK, what=st.sampled_from(EVENTS), fault=FAULTS, at=SOON)
    def something_happens_and_something_goes_wrong(self, which: int, what: str, fault: str, at: int) -> None:
        self._happen(which, what)
        self._arm(fault, at, which)
        self._step()

    @precondition(lambda self: any(job.asked_to_stop for job in self.world.cluster.jobs.values()))
    @rule()
    def what_was_asked_to_stop_stops(self) -> None:
        self._obey()

    @rule(forget=st.booleans())
    def the_executor_is_restarted(self, forget: bool) -> None:
        self.world.cluster.restart(forget=forget)

    @precondition(lambda self: self.world.delivery.registrar.is_busy)
    @rule()
    def the_registry_answers(self) -> None:
        self.world.answer_registrations()

    # -- time ----------------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1.0, 31.0, 100.0, -10.0, -5000.0]))
    def the_clock_jumps(self, seconds: float) -> None:
        self.world.now += seconds
        self.world.ticks += max(seconds, 0.0)

    # -- what must hold --------------------------------------------------------------------------------------------

    @invariant()
    def the_store_is_right(self) -> None:
        check_store(self.world, self.acknowledged)

    @invariant()
    def the_driver_knows_what_the_store_has(self) -> None:
        check_driver(self.world)

    def teardown(self) -> None:
        try:
            self._come_to_an_end()
            check_store(self.world, self.acknowledged)
            check_end(self.world)
            check_deliveries(self.world)
        finally:
            self.world.close()

    def _come_to_an_end(self) -> None:
        """Nothing goes wrong any more: every run has to reach a final state."""
        for _ in range(STEPS_TO_THE_END):
            self._step()
            if all(run.state.is_final for run in list_runs(self.world.elsewhere)):
                break
            self._obey()
            cancelling = {run.id for run in list_runs(self.world.elsewhere, [RunState.CANCELLING])}
            for attempt in self.world.cluster.live:
                if attempt.run_id not in cancelling:  # those end when they are asked to
                    self.world.cluster.succeed(attempt)
            if self.world.delivery.registrar.is_busy:
                self.world.answer_registrations()
            self.world.now += 1000
            self.world.ticks += 1000

    # -- doing -----------------------------------------------------------------------------------------------------

    def _arm(self, fault: str, at: int, which: int) -> None:
        """At the ``at``-th point from now the process is killed, nobody answers, or somebody else is faster."""
        if fault == "kill":
            self.world.faults.kill_at(at)
        elif fault == "silence":
            self.world.faults.fail_at(at)
        else:
            run_id = self._some_run(which)
            use_case: Any = resume if fault == "resume" else request_cancel
            self.world.faults.do_at(at, lambda: self._by_a_person(lambda: use_case(self.world.elsewhere, run_id)))

    def _happen(self, which: int, what: str) -> None:
        cluster = self.world.cluster
        attempt = cluster.live[which % len(cluster.live)]
        if what == "report":
            cluster.report(attempt, which, 10)
        elif what in ("succeed", "hang"):
            cluster.succeed(attempt, hang=what == "hang")
        elif what in ("lose", "succeed and vanish"):
            if what != "lose":
                cluster.succeed(attempt, hang=True)
            cluster.lose(attempt)
        elif what in ("fail", "fail for good"):
            cluster.fail(attempt, retryable=what == "fail")
        else:
            cluster.start(attempt)
            if what == "take too long":
                self._step()
                self.world.now += 61

    def _plan(self, drawn: list[PlannedStage]) -> RunPlan:
        plan = plan_of(*drawn, inputs=self.inputs if drawn[-1].id == "register" else ())
        self.plans.append(plan)
        return plan

    def _submit(self, plan: RunPlan, go_wrong: Callable[[], None] = lambda: None) -> None:
        submission = self.world.unless_killed(lambda: submit(self.world.platform, plan))
        if submission is not None:
            self.acknowledged.add(submission.run.id)
            go_wrong()
            self._step()

    def _some_run(self, which: int) -> RunId:
        known = sorted(self.acknowledged)
        return known[which % len(known)] if known else RunId("r-none")

    def _by_a_person(self, act: Any) -> None:
        """A person may ask for what is not possible, and is told so."""
        try:
            self.world.unless_killed(act)
        except BongsuError as error:
            said = {problem.code.name for problem in error.problems}
            assert said <= {
                "run.not-cancellable",
                "run.not-resumable",
                "run.still-cancelling",
                "run.none-yet",
                "run.unknown",
            }, said

    def _step(self, times: int = 1) -> None:
        def act() -> None:
            for _ in range(times):
                active = [run.id for run in list_runs(self.world.elsewhere) if not run.state.is_final]
                self.world.driver.want(active)
                self.world.driver.step()

        self.world.unless_killed(act)

    def _obey(self) -> None:
        for attempt, job in self.world.cluster.jobs.items():
            if job.asked_to_stop and not job.phase.is_final:
                self.world.cluster.obey(attempt)


TestJourneys = Journeys.TestCase
TestJourneys.settings = settings(
    max_examples=50,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    # Shrinking a history of this length takes many minutes; take Phase.shrink in when one has to be understood.
    phases=[Phase.generate],
)
