"""The driver: looks at the store, the executor and the artifact store, decides, carries out, and waits.

It may be killed between any two of its statements. What it did in the store is whole or not done; what it asks of
the executor derives from the store and is asked again by the next driver; what a worker left is found by its name.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from math import inf

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.checking import fault_of
from bongsu.domain.attempt import AttemptResult, Failure, Observation, Phase
from bongsu.domain.ids import AttemptId, Digest, RunId
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import AttemptState, RunState, StageState
from bongsu.executors.base import Executor
from bongsu.reconciler.actions import Action, FinishAttempt, MoveStage, TakeOutputs
from bongsu.reconciler.apply import apply
from bongsu.reconciler.budget import Budget
from bongsu.reconciler.decide import decide
from bongsu.reconciler.delivery import Delivery
from bongsu.reconciler.facts import Cached, RunFacts, WorldFacts
from bongsu.reconciler.launching import attempt_spec, checkpoint_key
from bongsu.reconciler.loading import load_facts
from bongsu.reconciler.outcomes import read_outcome
from bongsu.reconciler.pace import next_deadline
from bongsu.reconciler.view import RunView, Watch, view_of
from bongsu.reconciler.watching import Watching
from bongsu.store import cache
from bongsu.store.database import Database
from bongsu.store.runs import StaleRun, active_versions

# How long the driver sleeps at most, so that it sees what another process wrote into the store.
LOOK_S = 0.5
# While a registration is made, which wakes nobody.
LOOK_REGISTERING_S = 0.05
# Asking an executor again to stop what does not stop.
CANCEL_AGAIN_S = 5.0
# Records of attempts that run are looked for so often, in case an executor never says that they are over.
RECORDS_S = 5.0
CAPACITY_S = 5.0


@dataclass(frozen=True)
class Surroundings:
    """What the driver works on.

    Attributes:
        executor: makes one on the first call and gives the same afterwards.
        clock: seconds since the epoch; it may jump.
        monotonic: seconds that only grow, for how often to look.
    """

    database: Database
    artifacts: ArtifactStore
    executor: Callable[[], Executor]
    delivery: Delivery
    clock: Callable[[], float]
    monotonic: Callable[[], float] = time.monotonic


class _StoreSilent(Exception):
    """The artifact store does not answer at the moment, so nothing can be decided that depends on it."""


class Driver:
    """Moves runs until they are over. One at a time per store: the caller holds the driver's lock."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._s = surroundings
        self._wanted: set[RunId] = set()
        self._facts: dict[RunId, RunFacts] = {}
        self._usual: dict[str, dict[str, float]] = {}
        self._observations: dict[AttemptId, Observation] = {}
        self._watching = Watching()
        self._ensured: set[AttemptId] = set()
        self._cancelled_at: dict[AttemptId, float] = {}
        self._records_at = -inf
        self._look_at_all = True
        self._again = False
        self._budget_at = -inf
        self._trouble = ""

    @cached_property
    def _executor(self) -> Executor:
        return self._s.executor()

    def run(self, run_ids: Collection[RunId], on_update: Callable[[RunView], None] | None = None) -> None:
        """Drive these runs, and whatever is being cancelled, until they are over.

        Args:
            run_ids: runs to drive.
            on_update: called with a run's view whenever something about it changed, from this thread.
        """
        self.want(run_ids)
        while True:
            trouble = self._trouble
            moved = self.step()
            if on_update:
                for run_id in sorted(self._wanted if self._trouble != trouble else moved & self._wanted):
                    on_update(self.view(run_id))
            if all(self._facts[run_id].run.state.is_final for run_id in self._wanted):
                return
            if not self._again:
                self._wait()

    def want(self, run_ids: Collection[RunId]) -> None:
        """Drive these runs from the next step on."""
        self._wanted |= set(run_ids)

    def view(self, run_id: RunId) -> RunView:
        """The run as it is known now."""
        facts = self._facts[run_id]
        usual = self._usual.get(facts.run.pipeline, {})
        now = self._s.clock()
        trouble = self._trouble or self._s.delivery.trouble
        return view_of(facts, Watch(self._watching.progress, self._observations, usual, now, trouble))

    def step(self) -> set[RunId]:
        """Look, decide and carry out once; returns the runs that changed, or whose progress did."""
        moved = self._refresh()
        self._again = False
        now = self._s.monotonic()
        self._look_at_all = now >= self._records_at + RECORDS_S
        if self._look_at_all:
            self._records_at = now
        self._observe()
        moved |= self._watch_events(self._live)
        budget = self._budget()
        for run_id in sorted(self._facts, key=lambda run_id: (self._facts[run_id].run.created_at, run_id)):
            try:
                if self._advance(run_id, budget):
                    moved.add(run_id)
            except StaleRun:
                self._again = True
                moved.add(run_id)
                budget = self._budget()  # what was decided on it did not happen
            except _StoreSilent as error:
                self._trouble = f"the artifact store does not answer: {error}"
                budget = self._budget()
        self._ask_executor()
        return moved

    # -- looking -----------------------------------------------------------------------------------------------

    def _refresh(self) -> set[RunId]:
        """Read again what changed in the store since it was read."""
        with self._s.database.read() as connection:
            active = active_versions(connection)
            scope = self._wanted | {run for run, (state, _v) in active.items() if state is RunState.CANCELLING}
            changed = set()
            for run_id in scope:
                known = self._facts.get(run_id)
                version = active[run_id][1] if run_id in active else None
                # One that is over and has no version among the active ones stays as it is, unless it is resumed.
                is_over = known is not None and known.run.state.is_final and version is None
                if known is None or (known.run.version != version and not is_over):
                    self._facts[run_id] = load_facts(connection, run_id, known.plan if known else None)
                    changed.add(run_id)
            for run_id in changed:
                pipeline = self._facts[run_id].run.pipeline
                if pipeline not in self._usual:
                    self._usual[pipeline] = cache.usual_seconds(connection, pipeline)
        return changed

    @property
    def _live(self) -> list[AttemptId]:
        return [attempt.id for facts in self._facts.values() for attempt in facts.live]

    def _observe(self) -> None:
        live = self._live
        self._observations = {}
        if not live:
            return
        try:
            self._observations = dict(self._executor.observe(live))
        except Exception as error:  # a backend that does not answer now is asked again
            self._trouble = f"the executor does not answer: {error}"
        else:
            self._trouble = ""
        if any(seen.phase is Phase.STARTING for seen in self._observations.values()):
            # A backend that starts needs the processor more than the tracking server does.
            self._s.delivery.poke()

    def _outcomes(self, facts: RunFacts) -> dict[AttemptId, AttemptResult | Failure]:
        """Records of attempts that are over, or that may be and nobody said so."""
        found: dict[AttemptId, AttemptResult | Failure] = {}
        planned = {stage.id: stage for stage in facts.plan.stages} if facts.live else {}
        for attempt in facts.live:
            seen = self._observations.get(attempt.id)
            over = seen is not None and (seen.phase.is_final or seen.phase is Phase.ABSENT)
            if not over and not self._look_at_all:
                continue
            try:
                outcome = read_outcome(self._s.artifacts, attempt.id, planned[attempt.id.stage_id])
            except (OSError, BongsuError) as error:
                # Without its record nothing can be said of the attempt.
                self._observations.pop(attempt.id, None)
                self._trouble = f"the artifact store does not answer: {error}"
                continue
            if outcome is not None and (over or isinstance(outcome, AttemptResult)):
                found[attempt.id] = outcome
        return found

    def _watch_events(self, attempts: Collection[AttemptId]) -> set[RunId]:
        try:
            return self._watching.look(self._executor, attempts) if attempts else set()
        except Exception as error:  # progress is worth no more than a word
            self._trouble = f"the executor does not answer: {error}"
            return set()

    def _budget(self) -> Budget:
        if all(facts.run.state.is_final for facts in self._facts.values()):
            return Budget.spent()
        try:
            if self._s.monotonic() >= self._budget_at + CAPACITY_S:
                self._capacity = self._executor.capacity()
                self._budget_at = self._s.monotonic()
        except Exception as error:
            self._trouble = f"the executor does not answer: {error}"
            return Budget.spent()
        budget = Budget.of(self._capacity)
        for facts in self._facts.values():
            running = {attempt.id.stage_id for attempt in facts.live}
            for planned in facts.plan.stages if running else ():
                if planned.id in running:
                    budget.spend(planned.resources)
                    key = facts.stages[planned.id].cache_key
                    budget.under_way |= {key} if key and planned.cacheable else set()
        return budget

    # -- one run -----------------------------------------------------------------------------------------------

    def _advance(self, run_id: RunId, budget: Budget) -> bool:
        """Decide on one run and carry it out; True if anything changed. Raises StaleRun, _StoreSilent; then
        nothing did."""
        facts = self._facts[run_id]
        if facts.run.state.is_final:
            return False
        self._start_publishing(facts)
        looked: dict[Digest, Cached | None] = {}
        world = WorldFacts(
            now=self._s.clock(),
            observations=self._observations,
            outcomes=self._outcomes(facts),
            cached=lambda key: self._cached(key, looked),
            published=self._s.delivery.registrations(run_id),
            usual_seconds=self._usual.get(facts.run.pipeline, {}),
        )
        actions = decide(facts, world, budget)
        ended = [action.attempt for action in actions if isinstance(action, FinishAttempt)]
        if not actions and not self._watching.is_due(facts.live):
            return False
        self._watch_events(ended)
        with self._s.database.write() as connection:
            # What was seen on the way is written first: the story of an attempt ends with its end.
            apply(connection, facts, actions, world.now, self._watching.unsaved(facts.live, ended))
            after = load_facts(connection, run_id, facts.plan)
        self._facts[run_id] = after
        self._watching.saved(facts.live, ended)
        self._follow_up(facts, actions)
        return True

    def _cached(self, key: Digest, looked: dict[Digest, Cached | None]) -> Cached | None:
        if key not in looked:
            with self._s.database.read() as connection:
                found = cache.find_outputs(connection, key)
            try:
                refs = found[0].values() if found is not None else ()
                there = all(fault_of(self._s.artifacts, ref.digest) is None for ref in refs)
            except (OSError, BongsuError) as error:
                raise _StoreSilent(str(error)) from error
            looked[key] = found if there else None
        return looked[key]

    def _start_publishing(self, facts: RunFacts) -> None:
        for planned in facts.plan.stages:
            if facts.stages[planned.id].state is StageState.PUBLISHING:
                self._s.delivery.register(facts, planned)

    def _follow_up(self, facts: RunFacts, actions: list[Action]) -> None:
        """What is worth doing after the transaction, and harmless to lose."""
        self._s.delivery.poke()
        planned = {stage.id: stage for stage in facts.plan.stages}
        for action in actions:
            match action:
                case MoveStage(stage_id, StageState.PUBLISHING):
                    self._s.delivery.forget(facts.run.id, stage_id)
                case TakeOutputs(stage_id, result=AttemptResult(id=attempt)):
                    self._s.delivery.clear_checkpoints(checkpoint_key(planned[stage_id], attempt, action.key))
                case FinishAttempt(attempt):
                    seen = self._observations.get(attempt)
                    if seen is not None and not seen.phase.is_final and seen.phase is not Phase.ABSENT:
                        # Its result stands and it hangs on.
                        with contextlib.suppress(Exception):
                            self._executor.cancel(attempt)

    # -- the executor ------------------------------------------------------------------------------------------

    def _ask_executor(self) -> None:
        """Ask for what the store says is wanted: start what was requested, stop what is to end."""
        for facts in self._facts.values():
            for attempt in facts.live:
                try:
                    if attempt.stop_reason:
                        self._cancel(attempt.id)
                    elif attempt.state is AttemptState.REQUESTED:
                        self._ensure(facts, attempt.id)
                except Exception as error:  # asked again in the next step
                    self._trouble = f"the executor does not answer: {error}"

    def _ensure(self, facts: RunFacts, attempt: AttemptId) -> None:
        seen = self._observations.get(attempt)
        if attempt in self._ensured and not (seen is not None and seen.phase is Phase.ABSENT):
            return
        self._executor.ensure(attempt_spec(facts, attempt, self._s.artifacts.uri))
        self._ensured.add(attempt)

    def _cancel(self, attempt: AttemptId) -> None:
        asked = self._cancelled_at.get(attempt)
        if asked is None or self._s.monotonic() > asked + CANCEL_AGAIN_S:
            self._executor.cancel(attempt)
            self._cancelled_at[attempt] = self._s.monotonic()

    def _wait(self) -> None:
        """Until something may have changed, or something is due."""
        longest = LOOK_REGISTERING_S if self._s.delivery.is_registering else LOOK_S
        now = self._s.clock()
        due = min((next_deadline(facts, now) for facts in self._facts.values()), default=longest)
        try:
            self._executor.wait(max(0.0, min(longest, due)))
        except Exception as error:
            self._trouble = f"the executor does not answer: {error}"
            time.sleep(longest)
