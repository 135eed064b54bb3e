"""Random histories of runs that a grant pays for, with the real driver, against a ledger that is kept by hand.

Attempts begin, fail, are lost and succeed; runs are cancelled and resumed; the process is killed; the clock goes back;
the giver adds, takes off and takes back. After every event what the grant comes to is what the other ledger has, and
what the logs of runs say of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

from grant_places import DAY, GRANT, gpu_stage, order, paid_plan
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from reconciler_world import CAPACITY, World

from bongsu.domain.capacity import Capacity
from bongsu.domain.grants import EntryKind
from bongsu.domain.ids import AttemptId, RunId
from bongsu.domain.plan import RunPlan
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import RunState
from bongsu.reconciler.loading import load_facts
from bongsu.service.cancelling import request_cancel
from bongsu.service.grants.giving import adjust, give
from bongsu.service.grants.looking import recount_grant, show_grant
from bongsu.service.grants.reclaiming import announce_reclaim, carry_out_reclaim
from bongsu.service.grants.showback import showback
from bongsu.service.owner import OWNER
from bongsu.service.resuming import resume
from bongsu.service.submitting import submit
from bongsu.store.runs import get_run, list_runs

HOUR_MS = 3_600_000
PICK = st.integers(0, 9)
MAX_RUNS = 4
GPUS = 8


@dataclass
class HandLedger:
    """What should be so, by plain addition. Milliseconds of GPUs, and times in milliseconds."""

    given: int = 0
    set_aside: dict[str, int] = field(default_factory=dict)
    """Of runs that are not over."""
    used_before: dict[str, int] = field(default_factory=dict)
    """By a run before it was last opened."""
    used: dict[str, int] = field(default_factory=dict)
    """By attempt that is over."""

    def of_run(self, run: str) -> int:
        return sum(used for attempt, used in self.used.items() if attempt.startswith(f"{run}/"))

    def reserved(self, held: dict[str, int]) -> int:
        return sum(
            max(0, amount - (self.of_run(run) - self.used_before[run]) - held.get(run, 0))
            for run, amount in self.set_aside.items()
        )

    def left(self, held: dict[str, int]) -> int:
        return self.given - sum(self.used.values()) - sum(held.values()) - self.reserved(held)


class Accounts(RuleBasedStateMachine):
    """One grant, a few runs, and everything that can happen to them."""

    def __init__(self) -> None:
        super().__init__()
        has = Capacity(cpus=CAPACITY.cpus, gpus=GPUS, memory=CAPACITY.memory)
        self.world = World(has)
        self.hand = HandLedger()
        self.plans: dict[RunId, RunPlan] = {}
        self.ended_at: dict[str, int] = {}
        """When a worker that left a result was done."""

    def teardown(self) -> None:
        self.world.close()

    @initialize(hours=st.integers(1, 40))
    def open(self, hours: int) -> None:
        now = self.world.now
        give(self.world.platform, OWNER, order(gpu_hours=float(hours), begins=now - DAY, ends=now + 3000 * DAY))
        self.hand.given = hours * HOUR_MS

    # -- the giver -------------------------------------------------------------------------------------------------

    @rule(hours=st.integers(-30, 30).filter(bool), key=st.sampled_from(["", "k1", "k2"]))
    def book(self, hours: int, key: str) -> None:
        left = self.hand.left(self._held())
        known = [e for e in self._entries(EntryKind.ADJUSTED) if key and e.subject == key]
        try:
            adjust(self.world.platform, OWNER, GRANT, float(hours), "It was agreed.", key)
        except BongsuError as error:
            code = error.problems[0].code.name
            assert code == ("grants.key-reused" if known else "grants.below-use")
            assert known or -hours * HOUR_MS > left
        else:
            assert known or hours > 0 or -hours * HOUR_MS <= left
            self.hand.given += 0 if known else hours * HOUR_MS

    @rule(hours=st.integers(1, 60))
    def take_back(self, hours: int) -> None:
        """Announced, and carried out a week later; what happened meanwhile counts."""
        announce_reclaim(self.world.platform, OWNER, GRANT, float(hours), "It is not used.")
        self.world.now += 7 * DAY
        left = self.hand.left(self._held())
        taken = carry_out_reclaim(self.world.platform, OWNER, GRANT).gpu_ms
        assert taken == min(hours * HOUR_MS, max(0, left))
        self.hand.given -= taken

    # -- the receiver ----------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.plans) < MAX_RUNS)
    @rule(
        hours=st.lists(st.sampled_from([0.25, 1.0, 3.7, 12.0]), min_size=1, max_size=3),
        gpus=st.sampled_from([1, 2, 4]),
        retries=st.integers(0, 1),
    )
    def submit(self, hours: list[float], gpus: int, retries: int) -> None:
        stages = []
        for place, each in enumerate(hours):
            before = [stages[-1].id] if stages and place % 2 else []
            stages.append(gpu_stage(f"s{place}", *before, hours=each, gpus=gpus, retries=retries))
        plan = paid_plan(*stages, name=f"p{len(self.plans)}")
        need, left = sum(ceil(each * HOUR_MS) for each in hours), self.hand.left(self._held())
        try:
            run = submit(self.world.platform, plan).run.id
        except BongsuError:
            assert need > left
            return
        assert need <= left
        self.plans[run] = plan
        self.hand.set_aside[run], self.hand.used_before[run] = need, 0

    @precondition(lambda self: self.plans)
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        run = self._pick(pick)
        with self.world.database.read() as connection:
            is_over = get_run(connection, run).state.is_final
        if not is_over:
            request_cancel(self.world.elsewhere, run)

    @precondition(lambda self: self.plans)
    @rule(pick=PICK)
    def resume(self, pick: int) -> None:
        run = self._pick(pick)
        with self.world.database.read() as connection:
            facts = load_facts(connection, run)
        if not facts.run.state.is_final or facts.run.state is RunState.SUCCEEDED:
            return
        again = [one for one in facts.plan.stages if facts.stages[one.id].state.value in ("failed", "cancelled")]
        need = sum(ceil(planned.gpu_hours * HOUR_MS) for planned in again if planned.gpu_hours)
        left = self.hand.left(self._held())
        try:
            resume(self.world.elsewhere, run)
        except BongsuError:
            assert need > left
            return
        assert need <= left
        self.hand.set_aside[run], self.hand.used_before[run] = need, self.hand.of_run(run)

    # -- the world -------------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.001, 1, 59.9995, 600, 3600, 20_000, -5, -7200]))
    def pass_time(self, seconds: float) -> None:
        self.world.now += seconds
        self.world.ticks += abs(seconds)

    @rule()
    def step(self) -> None:
        self._step()

    @precondition(lambda self: self.world.cluster.live)
    @rule(pick=PICK, what=st.sampled_from(["start", "start", "succeed", "fail", "lose", "obey"]))
    def move(self, pick: int, what: str) -> None:
        """An attempt does something; one that was not asked to stop does not obey."""
        live = self.world.cluster.live
        attempt = live[pick % len(live)]
        if what == "obey" and not self.world.cluster.jobs[attempt].asked_to_stop:
            return
        if what == "start" and self.world.cluster.jobs[attempt].started_at is not None:
            return
        getattr(self.world.cluster, what)(attempt)
        if what == "succeed":
            self.ended_at[attempt.key] = round(self.world.now * 1000)

    @rule(countdown=st.integers(1, 12))
    def die(self, countdown: int) -> None:
        """The process is killed at some point of a step; the next one goes on."""
        self.world.faults.kill_at(countdown)
        self._step()

    # -- what must hold --------------------------------------------------------------------------------------------

    @invariant()
    def the_two_ledgers_say_the_same(self) -> None:
        if not self.hand.given:
            return
        held = self._held()
        details = show_grant(self.world.platform, OWNER, GRANT)
        found = details.summary
        assert found.given == self.hand.given
        assert details.held == sum(held.values())
        assert found.used == sum(self.hand.used.values()) + sum(held.values())
        assert found.reserved == self.hand.reserved(held)
        assert found.available == self.hand.left(held)
        assert [entry.position for entry in details.entries] == list(range(1, len(details.entries) + 1))
        counted = recount_grant(self.world.platform, OWNER, GRANT)
        assert counted.differing == ()
        assert counted.counted == counted.booked == sum(self.hand.used.values())
        shown = showback(self.world.platform, OWNER, 0.0, 4e9)
        assert (shown.used, shown.held) == (counted.counted, details.held)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        before = self._states()
        now = round(self.world.now * 1000)
        self.world.driver.want(list(self.plans))
        self.world.unless_killed(self.world.driver.step)
        after = self._states()
        for attempt, state in after.items():
            if state not in ("requested", "running") and before.get(attempt) != state:
                self.hand.used[attempt.key] = self._metered(attempt, now)
        with self.world.database.read() as connection:
            for run in self.plans:
                if get_run(connection, run).state.is_final:
                    self.hand.set_aside.pop(run, None)

    def _metered(self, attempt: AttemptId, now: int) -> int:
        """From the moment on which its worker began to its end, or to when its end was noticed."""
        job = self.world.cluster.jobs.get(attempt)
        if job is None or job.started_at is None:
            return 0
        end = self.ended_at.get(attempt.key, now)
        return self._gpus(attempt) * max(0, end - round(job.started_at * 1000))

    def _held(self) -> dict[str, int]:
        """By run, what is held by attempts that are known to run."""
        held: dict[str, int] = {}
        now = round(self.world.now * 1000)
        for attempt, state in self._states().items():
            if state == "running":
                begun = self.world.cluster.jobs[attempt].started_at
                assert begun is not None
                used = self._gpus(attempt) * max(0, now - round(begun * 1000))
                held[attempt.run_id] = held.get(attempt.run_id, 0) + used
        return held

    def _gpus(self, attempt: AttemptId) -> int:
        return self.plans[attempt.run_id].stage(attempt.stage_id).resources.total_gpus

    def _states(self) -> dict[AttemptId, str]:
        with self.world.database.read() as connection:
            every = [load_facts(connection, run.id) for run in list_runs(connection)]
        return {
            attempt.id: attempt.state.value
            for facts in every
            for tries in facts.attempts.values()
            for attempt in tries
        }

    def _entries(self, kind: EntryKind) -> list[object]:
        entries = show_grant(self.world.platform, OWNER, GRANT).entries
        return [entry for entry in entries if entry.kind is kind]

    def _pick(self, pick: int) -> RunId:
        return list(self.plans)[pick % len(self.plans)]


TestAccounts = Accounts.TestCase
TestAccounts.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    # As of the reconciler's histories: shrinking takes many minutes.
    phases=[Phase.generate],
)
