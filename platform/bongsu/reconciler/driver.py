"""The driver: looks at the store, the executor and the artifact store, decides, carries out, and waits.

It may be killed between any two of its statements. What it did in the store is whole or not done; what it asks of
the executor derives from the store and is asked again by the next driver; what a worker left is found by its name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from sqlalchemy import Connection

from bongsu.artifacts.base import StoreOf
from bongsu.domain.attempt import AttemptResult
from bongsu.domain.codes import run as codes
from bongsu.domain.ids import RunId
from bongsu.domain.phrases import Words
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import AttemptState, RunState, StageState
from bongsu.domain.tenants import Tenant
from bongsu.executors.base import Executor
from bongsu.planner.taken_trees import InputTrees, label_of
from bongsu.reconciler.actions import Action, FinishAttempt, MoveStage, TakeOutputs
from bongsu.reconciler.apply import apply
from bongsu.reconciler.backend import Backend
from bongsu.reconciler.budget import Budget
from bongsu.reconciler.decide import decide
from bongsu.reconciler.delivery import Delivery
from bongsu.reconciler.facts import RunFacts, WorldFacts
from bongsu.reconciler.gate import Gate
from bongsu.reconciler.launching import attempt_spec, checkpoint_key
from bongsu.reconciler.lingering import Lingering
from bongsu.reconciler.loading import load_changed, load_facts
from bongsu.reconciler.observing import Observer, Unobserved
from bongsu.reconciler.own_faults import OwnFaults
from bongsu.reconciler.pace import next_deadline
from bongsu.reconciler.stopping import Stopping
from bongsu.reconciler.stored_work import StoredWork, StoreSilent
from bongsu.reconciler.urgency import Estimate
from bongsu.reconciler.view import RunView, Watch, view_of
from bongsu.reconciler.watching import Watching
from bongsu.reconciler.words_of_errors import words_of
from bongsu.store import cache
from bongsu.store.database import Database
from bongsu.store.runs import StaleRun, active_versions
from bongsu.store.scope import EVERYTHING, Scope

# How long the driver sleeps at most, so that it sees what another process wrote into the store.
LOOK_S = 0.5
# So much sooner it sees a run that somebody wants begun: people wait for that.
LOOK_FOR_NEWS_S = 0.05
# While a registration is made, which wakes nobody.
LOOK_REGISTERING_S = 0.05


@dataclass(frozen=True)
class Surroundings:
    """What the driver works on.

    Attributes:
        artifacts: where the trees and records of each tenant lie.
        executor: makes one on the first call and gives the same afterwards.
        clock: seconds since the epoch; it may jump.
        monotonic: seconds that only grow, for how often to look.
        assure: called before the executor is asked for anything; raises where another process may be driving by now.
        observer: is told what the driver does.
    """

    database: Database
    artifacts: StoreOf
    executor: Callable[[], Executor]
    delivery: Delivery
    clock: Callable[[], float]
    monotonic: Callable[[], float] = time.monotonic
    assure: Callable[[], None] = lambda: None
    observer: Observer = field(default_factory=Unobserved)


class Driver:
    """Moves runs until they are over. One at a time per store: the caller holds the driver's lock.

    Attributes:
        facts: what it knows of the runs that it drives or has driven.
        aside: runs with which it cannot go on, and why; they wait until somebody changes them.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._s = surroundings
        self._own_faults = OwnFaults(surroundings.observer)
        self._backend = Backend(surroundings.executor, surroundings.monotonic, self._own_faults)
        self._stored = StoredWork(surroundings.database, surroundings.artifacts, surroundings.monotonic)
        self._watching = Watching(surroundings.monotonic)
        self._lingering = Lingering()
        self._gate = Gate(surroundings.database, surroundings.artifacts, surroundings.clock, self._stored)
        self._stopping = Stopping(surroundings.database)
        self._wanted: set[RunId] = set()
        self.facts: dict[RunId, RunFacts] = {}
        self.aside: dict[RunId, Words] = {}
        self._asked_for: set[RunId] = set()
        self._unreadable: dict[RunId, int | None] = {}
        self._estimates: dict[RunId, Estimate] = {}
        self._again = False

    def run(self, run_ids: Collection[RunId], on_update: Callable[[RunView], None] | None = None) -> None:
        """Drive these runs, and whatever is being cancelled, until they are over.

        Args:
            run_ids: runs to drive.
            on_update: called with a run's view whenever something about it changed, from this thread.
        """
        self.want(run_ids)
        told: Words = ""
        while True:
            moved = self.step()
            # It also comes and goes while this thread waits.
            trouble = self._trouble
            if on_update:
                for run_id in sorted(self._wanted if trouble != told else moved & self._wanted):
                    on_update(self.view(run_id))
            told = trouble
            if all(self.facts[run_id].run.state.is_final for run_id in self._wanted):
                return
            self.pause()

    def want(self, run_ids: Collection[RunId], *, each_counts: bool = True) -> None:
        """Drive these runs from the next step on. Where not ``each_counts``, one with which nobody can deal is set
        aside, and nothing is raised."""
        self._wanted |= set(run_ids)
        if each_counts:
            self._asked_for |= set(run_ids)

    def let_go(self) -> None:
        """Forget runs that are over; one that is resumed has to be wanted again."""
        over = {run_id for run_id, facts in self.facts.items() if facts.run.state.is_final}
        if not over:
            return
        self._wanted -= over
        self._asked_for -= over
        for run_id in over:
            del self.facts[run_id], self._estimates[run_id]
        self._watching.forget(over)

    def view(self, run_id: RunId) -> RunView:
        """The run as it is known now."""
        facts = self.facts[run_id]
        usual, now = self._estimates[run_id].usual, self._s.clock()
        watch = Watch(self._watching.progress, self._backend.observations, usual, now, self._trouble)
        return view_of(facts, watch)

    def step(self) -> set[RunId]:
        """Look, decide and carry out once; returns the runs that changed, or whose progress did."""
        with self._s.observer.step():
            return self._step()

    def _step(self) -> set[RunId]:
        self._stopping.stop(self._s.clock())
        moved = self._refresh()
        self._again = False
        live = [attempt for facts in self.facts.values() for attempt in facts.live]
        ids = [attempt.id for attempt in live]
        self._stored.begin(ids)
        self._backend.observe([*ids, *self._lingering.attempts])
        self._lingering.look(self._backend.observations)
        if self._backend.is_starting:
            # A backend that starts needs the processor more than the tracking server does.
            self._s.delivery.hold_off()
        moved |= self._watching.look(self._backend.events, live)
        budget = self._budget()
        for run_id in sorted(self.facts, key=lambda run_id: (self.facts[run_id].run.created_at, run_id)):
            try:
                if self._advance(run_id, budget):
                    moved.add(run_id)
            except StaleRun:
                self._again = True
                moved.add(run_id)
                budget = self._budget()  # what was decided on it did not happen
            except StoreSilent:
                budget = self._budget()
            except BongsuError:
                raise
            except Exception as error:  # a mistake of ours in what one run leads to must not stop all the others
                if run_id in self._asked_for:
                    raise
                told = self._own_faults.note("a step of a run", error)
                self._set_aside(run_id, self.facts.pop(run_id).run.version, told)
                budget = self._budget()
        self._ask_executor()
        return moved

    @property
    def _trouble(self) -> Words:
        """Who of those that a run needs does not answer: the executor, the artifact store, the tracking server."""
        return self._backend.trouble or self._stored.trouble or self._s.delivery.trouble

    # -- looking -----------------------------------------------------------------------------------------------

    def _refresh(self) -> set[RunId]:
        """Read again what changed in the store since it was read."""
        with self._s.database.read(EVERYTHING) as connection:
            active = active_versions(connection)
            scope = self._wanted | {run for run, (state, _v) in active.items() if state is RunState.CANCELLING}
            changed = set()
            for run_id in scope:
                known = self.facts.get(run_id)
                version = active[run_id][1] if run_id in active else None
                # One that is over and has no version among the active ones stays as it is, unless it is resumed.
                is_over = known is not None and known.run.state.is_final and version is None
                if known is not None and (known.run.version == version or is_over):
                    continue
                if self._load(connection, run_id, version):
                    changed.add(run_id)
        # With those over which the database fell silent the last time.
        self._estimate(changed | (self.facts.keys() - self._estimates.keys()))
        return changed

    def _estimate(self, loaded: Collection[RunId]) -> None:
        """Say how long these take, by what is known now: runs that ended since others were loaded count as well."""
        usual: dict[tuple[Tenant, str], dict[str, float]] = {}  # of a pipeline that many are of it is read once
        for run_id in loaded:
            run, plan = self.facts[run_id].run, self.facts[run_id].plan
            pipeline = run.tenant, run.pipeline
            if pipeline not in usual:
                with self._s.database.read(Scope.of(run.tenant)) as connection:
                    usual[pipeline] = cache.usual_seconds(connection, run.pipeline)
            self._estimates[run_id] = Estimate.of(plan, usual[pipeline])

    def _load(self, connection: Connection, run_id: RunId, version: int | None) -> bool:
        """Read a run. Whose row is damaged, or of a newer version, waits for a change of it and keeps nobody else from
        going on; asking for that run itself raises what is wrong."""
        known = self.facts.get(run_id)
        counts = run_id in self._asked_for
        if run_id in self._unreadable and self._unreadable[run_id] == version and not counts:
            return False
        try:
            self.facts[run_id] = load_facts(connection, run_id, known.plan if known else None)
        except BongsuError as error:
            if counts or error.problems[0].code != codes.DATABASE_DAMAGED:
                raise
            self._set_aside(run_id, version, words_of(error))
            return False
        self._unreadable.pop(run_id, None)
        self.aside.pop(run_id, None)
        return True

    def _set_aside(self, run_id: RunId, version: int | None, why: Words) -> None:
        self._unreadable[run_id], self.aside[run_id] = version, why
        self._s.observer.passed_over(run_id)

    def _budget(self) -> Budget:
        if all(facts.run.state.is_final for facts in self.facts.values()):
            return Budget.spent()
        capacity = self._backend.capacity()
        if capacity is None:
            return Budget.spent()
        budget = Budget.of(capacity)
        for needs in self._lingering.needs:
            budget.spend(needs)
        for facts in self.facts.values():
            running = {attempt.id.stage_id for attempt in facts.live}
            trees = InputTrees(facts.plan) if running else None
            for planned in facts.plan.stages if trees else ():
                if planned.id in running:
                    budget.spend(planned.resources)
                    key = facts.stages[planned.id].cache_key
                    if trees and key and planned.cacheable:
                        budget.begin(facts.run.tenant, key, label_of(planned, trees.of(planned, facts.stages)))
        return budget

    # -- one run -----------------------------------------------------------------------------------------------

    def _advance(self, run_id: RunId, budget: Budget) -> bool:
        """Decide on one run and carry it out; True if anything changed. Raises StaleRun, StoreSilent; then
        nothing did."""
        facts = self.facts[run_id]
        if facts.run.state.is_final:
            return False
        self._ask_registry(facts)
        world = self._world(facts)
        actions = decide(facts, world, budget)
        ended = [action.attempt for action in actions if isinstance(action, FinishAttempt)]
        if not actions and not self._watching.is_due(facts.live):
            return False
        self._watching.look(self._backend.events, [attempt for attempt in facts.live if attempt.id in ended])
        with self._s.database.write(Scope.of(facts.run.tenant)) as connection:
            # What was seen on the way is written first: the story of an attempt ends with its end.
            touched = apply(connection, facts, actions, world.now, self._watching.unsaved(facts.live, ended))
            after = load_changed(connection, facts, touched)
        self.facts[run_id] = after
        self._watching.saved(facts.live, ended)
        self._s.observer.decided(facts, actions, world.now)
        self._follow_up(facts, actions)
        return True

    def _world(self, facts: RunFacts) -> WorldFacts:
        observations = dict(self._backend.observations)
        return WorldFacts(
            now=self._s.clock(),
            outcomes=self._stored.outcomes(facts, observations),
            observations=observations,
            cached=self._stored.lookup(facts.run.tenant),
            published=self._s.delivery.registrar.results(facts.run.id),
            ahead=self._estimates[facts.run.id].ahead,
            why_not=self._gate.of(facts),
        )

    def _ask_registry(self, facts: RunFacts) -> None:
        """Have registrations made, or not any more."""
        registrar = self._s.delivery.registrar
        for planned in facts.plan.stages:
            if facts.stages[planned.id].state is not StageState.PUBLISHING:
                continue
            if facts.run.state is RunState.CANCELLING:
                registrar.withdraw(facts.run.id, planned.id)
            else:
                registrar.ask(facts, planned)

    def _follow_up(self, facts: RunFacts, actions: list[Action]) -> None:
        """What is worth doing after the transaction, and harmless to lose."""
        self._s.delivery.note_written()
        planned = {stage.id: stage for stage in facts.plan.stages}
        for action in actions:
            match action:
                case MoveStage(stage_id=stage_id, old=StageState.PUBLISHING):
                    self._s.delivery.registrar.forget(facts.run.id, stage_id)
                case TakeOutputs(stage_id=stage_id, result=AttemptResult(id=attempt)):
                    made = planned[stage_id]
                    label = label_of(made, InputTrees(facts.plan).of(made, facts.stages))
                    key = checkpoint_key(made, attempt, action.key, label)
                    self._s.delivery.clear_checkpoints(facts.run.tenant, key)
                case FinishAttempt(attempt=attempt):
                    seen = self._backend.observations.get(attempt)
                    self._lingering.note(attempt, planned[attempt.stage_id].resources, seen)

    # -- the executor ------------------------------------------------------------------------------------------

    def _ask_executor(self) -> None:
        """Ask for what the store says is wanted: start what was requested, stop what is to end or is over."""
        self._s.assure()
        for over in self._lingering.attempts:
            self._backend.stop(over)
        for facts in self.facts.values():
            for attempt in facts.live:
                if attempt.stop_reason:
                    self._backend.stop(attempt.id)
                elif attempt.state is AttemptState.REQUESTED and self._backend.is_to_start(attempt.id):
                    self._backend.start(attempt_spec(facts, attempt.id, self._s.artifacts(facts.run.tenant).uri))
                    self._s.observer.launched(facts, attempt.id)

    def pause(self, is_news: Callable[[], bool] | None = None) -> None:
        """Until something may have changed, or something is due; not at all if there is more to do at once.

        Args:
            is_news: looks, every :data:`LOOK_FOR_NEWS_S`, whether somebody wants something that has to be begun.
        """
        if self._again:
            return
        longest = LOOK_REGISTERING_S if self._s.delivery.registrar.is_busy else LOOK_S
        now = self._s.clock()
        due = min((next_deadline(facts, now) for facts in self.facts.values()), default=longest)
        left = max(0.0, min(longest, due))
        while is_news is not None and left > LOOK_FOR_NEWS_S:
            begun = self._s.monotonic()
            self._backend.wait(LOOK_FOR_NEWS_S)
            if self._s.monotonic() - begun < LOOK_FOR_NEWS_S or is_news():
                return  # the executor has something to tell, or somebody else has
            left -= LOOK_FOR_NEWS_S
        self._backend.wait(left)
