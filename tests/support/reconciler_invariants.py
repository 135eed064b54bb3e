"""What must hold of a store at any moment, and what must hold when everything is over."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from reconciler_world import World
from sqlalchemy import Connection, select

from bongsu.domain.ids import RunId, StageId
from bongsu.domain.publication import Publication, RunClosed, RunOpened
from bongsu.domain.run import ATTEMPT_MOVES, RUN_MOVES, STAGE_MOVES, AttemptState, RunState, StageState
from bongsu.reconciler.facts import RunFacts
from bongsu.reconciler.loading import load_facts
from bongsu.store.history import events_of
from bongsu.store.outbox import _ITEM
from bongsu.store.records import EventRecord
from bongsu.store.runs import list_runs
from bongsu.store.schema import outbox


def check_store(world: World, acknowledged: Collection[RunId]) -> None:
    """Everything that must hold between any two events."""
    with world.database.read() as connection:
        every = [load_facts(connection, run.id) for run in list_runs(connection)]
        assert set(acknowledged) <= {facts.run.id for facts in every}, "an acknowledged submit was lost"
        for facts in every:
            _check_history(facts, events_of(connection, facts.run.id))
    for facts in every:
        _check_run(facts)
        for record in facts.stages.values():
            if record.state.has_output:
                assert all(world.artifacts.has(ref.digest) for ref in record.outputs.values())
    _check_budget(world, every)


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


def _check_budget(world: World, every: Iterable[RunFacts]) -> None:
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
    """The tracking server heard of everything, at least once and in order."""
    assert world.delivery.drain(10) == 0
    heard = list(dict.fromkeys(map(_identity, world.registry.items)))
    with world.database.read() as connection:
        told = _told(connection)
    assert heard == told, f"heard {heard}, told {told}"


def _told(connection: Connection) -> list[tuple[str, str, float]]:
    query = select(outbox.c.body).order_by(outbox.c.id)
    items = (_identity(_ITEM.validate_json(text)) for text in connection.execute(query).scalars())
    return list(dict.fromkeys(items))


def _identity(item: Publication) -> tuple[str, str, float]:
    time = item.time if isinstance(item, RunOpened | RunClosed) else item.finished_at
    return item.type, item.key, time.timestamp()
