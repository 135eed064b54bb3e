"""What must hold of a store at any moment, and what must hold when everything is over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Protocol

from reconciler_world import World
from simulated_executor import SimulatedCluster

from bongsu.artifacts.local import LocalStore
from bongsu.domain.attempt import result_key
from bongsu.domain.ids import RunId, StageId
from bongsu.domain.publication import Publication, RunClosed, RunOpened, VersionRegistered
from bongsu.domain.run import ATTEMPT_MOVES, RUN_MOVES, STAGE_MOVES, AttemptState, RunState, StageState
from bongsu.reconciler.facts import RunFacts
from bongsu.reconciler.loading import load_facts
from bongsu.store.database import Database
from bongsu.store.history import events_of
from bongsu.store.records import EventRecord
from bongsu.store.runs import list_runs
from bongsu.store.scope import EVERYTHING


class Looked(Protocol):
    """What is looked at: a store, what it tells of, and which versions of its runs were found to be right."""

    @property
    def database(self) -> Database: ...

    @property
    def artifacts(self) -> LocalStore: ...

    @property
    def cluster(self) -> SimulatedCluster: ...

    checked: dict[RunId, int]


def check_store(world: Looked, acknowledged: Collection[RunId], seeds: Collection[RunId] = ()) -> None:
    """Everything that must hold between any two events; nothing is looked at twice where nothing changed. ``seeds``
    are runs that a test wrote into the store and nobody drove."""
    with world.database.read(EVERYTHING) as connection:
        runs = [run for run in list_runs(connection, limit=None) if run.id not in seeds]
        versions = {run.id: run.version for run in runs}
        assert set(acknowledged) <= set(versions), "an acknowledged submit was lost"
        if versions == world.checked:
            return
        every = [load_facts(connection, run.id) for run in runs]
        for facts in every:
            _check_history(facts, events_of(connection, facts.run.id))
    for facts in every:
        _check_run(facts)
        _check_results(world, facts)
        for record in facts.stages.values():
            if record.state.has_output:
                assert all(world.artifacts.has(ref.digest) for ref in record.outputs.values())
    asked_for = {attempt.id for facts in every for tries in facts.attempts.values() for attempt in tries}
    assert set(world.cluster.jobs) <= asked_for, "the executor was asked for what the store does not know"
    _check_budget(world, every)
    world.checked = versions


def check_driver(world: World) -> None:
    """What the driver knows of a run that nobody changed meanwhile is what the store has."""
    with world.database.read() as connection:
        for run_id, known in world.driver.facts.items():
            facts = load_facts(connection, run_id, known.plan)
            assert known.run.version != facts.run.version or known == facts


def _check_history(facts: RunFacts, events: Iterable[EventRecord]) -> None:
    """The log tells a story of allowed moves only, and it ends where the run stands."""
    run = RunState.PENDING
    stages = dict.fromkeys(facts.stages, StageState.WAITING)
    attempts: dict[tuple[str, int], AttemptState] = {}
    succeeded: set[str] = set()
    for place, event in enumerate(events, start=1):
        assert event.sequence == place
        stage, key = StageId(event.stage_id or ""), (event.stage_id or "", event.attempt or 0)
        if event.type == "run":
            new = RunState(event.body["state"])
            assert new in RUN_MOVES[run], f"run: {run} to {new}"
            run = new
        elif event.type == "stage":
            state = StageState(event.body["state"])
            assert state in STAGE_MOVES[stages[stage]], f"{stage}: {stages[stage]} to {state}"
            stages[stage] = state
        elif event.type == "attempt-requested":
            assert key not in attempts
            attempts[key] = AttemptState.REQUESTED
        elif event.type in ("attempt-started", "attempt-finished"):
            after = AttemptState(event.body.get("state", "running"))
            assert after in ATTEMPT_MOVES[attempts[key]], f"{key}: {attempts[key]} to {after}"
            attempts[key] = after
            if after is AttemptState.SUCCEEDED and stages[stage] is StageState.RUNNING:
                # A registration that was refused is made anew by another attempt; nothing else is done twice.
                assert stage not in succeeded or _registers(facts, stage), f"{stage} completed twice"
                succeeded.add(stage)
    assert run is facts.run.state
    assert stages == {name: record.state for name, record in facts.stages.items()}
    assert attempts == {
        (name, attempt.id.number): attempt.state for name, tries in facts.attempts.items() for attempt in tries
    }


def _registers(facts: RunFacts, stage: StageId) -> bool:
    return facts.plan.stage(stage).uses == "probe" and "registration" in facts.plan.stage(stage).outputs


def _check_run(facts: RunFacts) -> None:
    live = {attempt.id.stage_id for attempt in facts.live}
    running = {name for name, record in facts.stages.items() if record.state is StageState.RUNNING}
    assert live == running, "attempts are under way where the stage is running, and nowhere else"
    for tries in facts.attempts.values():
        assert [attempt.id.number for attempt in tries] == list(range(1, len(tries) + 1))
        assert all(attempt.state.is_final for attempt in tries[:-1]), "two attempts at once"
    if facts.run.state.is_final:
        assert all(record.state.is_final for record in facts.stages.values()), "a run ended before its stages"


def _check_results(world: Looked, facts: RunFacts) -> None:
    """What an attempt left in the artifact store is never passed over."""
    for tries in facts.attempts.values():
        for attempt in tries:
            stands = world.artifacts.get_record(result_key(attempt.id)) is not None
            if attempt.state.is_final:
                assert stands == (attempt.state is AttemptState.SUCCEEDED), f"{attempt.id} is {attempt.state}"


def _check_budget(world: Looked, every: Iterable[RunFacts]) -> None:
    used = sum(
        facts.plan.stage(attempt.id.stage_id).resources.total_cpus for facts in every for attempt in facts.live
    )
    assert used <= world.cluster.capacity.cpus, f"{used} cores are in use"


def check_end(world: World) -> None:
    """Nothing goes wrong any more, and everything was driven: every run is over and nothing is under way."""
    with world.database.read() as connection:
        states = {run.id: run.state for run in list_runs(connection)}
    assert all(state.is_final for state in states.values()), f"not over: {states}"
    orphans = [attempt for attempt in world.cluster.live if not world.cluster.jobs[attempt].has_record]
    assert orphans == [], "attempts run on although their run is over"


def check_deliveries(world: World) -> None:
    """The tracking server heard of everything that the logs tell, at least once and in order."""
    assert world.delivery.drain(10) == 0
    heard = [(item.run_id, item.type, _detail(item)) for item in world.registry.items]
    with world.database.read() as connection:
        for run in list_runs(connection):
            facts = load_facts(connection, run.id)
            told = list(_to_tell(facts, events_of(connection, run.id)))
            mine = [(type_, detail) for run_id, type_, detail in heard if run_id == run.id]
            assert _is_within(told, mine), f"told {told}, heard {mine}"
            assert set(mine) == set(told)


def _to_tell(facts: RunFacts, events: Iterable[EventRecord]) -> Iterator[tuple[str, str]]:
    began = set()
    for event in events:
        stage, state = event.stage_id or "", event.body.get("state", "")
        if event.type == "run" and state == RunState.RUNNING:
            yield "run-opened", ""
        elif event.type == "run" and RunState(state).is_final:
            yield "run-closed", state
        elif event.type == "stage" and state == StageState.CACHED:
            yield "stage-finished", f"{stage}/0 cached"
        elif event.type == "registered":
            yield "version-registered", f"{stage} version {event.body['version']}"
        elif event.type == "attempt-started":
            began.add((stage, event.attempt))
        elif event.type == "attempt-finished" and (
            state != AttemptState.CANCELLED or (stage, event.attempt) in began
        ):
            yield "stage-finished", f"{stage}/{event.attempt} {state}"


def _detail(item: Publication) -> str:
    match item:
        case RunOpened():
            return ""
        case RunClosed(state=state):
            return state
        case VersionRegistered(request=request, version=version):
            return f"{request.stage_id} version {version}"
        case _:
            return f"{item.stage_id}/{item.attempt} {item.state}"


def _is_within(short: list[tuple[str, str]], long: list[tuple[str, str]]) -> bool:
    """True if ``short`` is left when some items of ``long`` are taken out."""
    left = iter(long)
    return all(item in left for item in short)
