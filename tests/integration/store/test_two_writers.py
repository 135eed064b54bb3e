"""Two replicas that write the same at the same moment: neither breaks, nothing is lost, and no label stays too low."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from database_places import fresh_database
from postgres_server import PostgresServer
from reconciler_world import World
from small_plans import plan_of, ref_of, stage
from sqlalchemy import Connection, func, select, text
from store_places import NOW, RUN, chain, submitted, with_attempt
from two_writers import at_once

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import RunId, StageId, digest_of
from bongsu.domain.labels import OPEN, Grade, Label
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.domain.publication import ModelPage, RunClosed
from bongsu.domain.run import RunState
from bongsu.domain.tenants import HOME
from bongsu.service.cancelling import request_cancel
from bongsu.store import (
    artifacts,
    cache,
    datasets,
    history,
    label_flow,
    lineage,
    models,
    outbox,
    pages,
    requests,
    runs,
)
from bongsu.store.cache import CacheEntry
from bongsu.store.database import Database
from bongsu.store.history import NewEvent
from bongsu.store.lineage import Edge, Node
from bongsu.store.node_ids import artifact_node, stage_node, version_node
from bongsu.store.records import ModelVersionRecord
from bongsu.store.requests import RequestKey
from bongsu.store.schema import artifacts as artifact_rows
from bongsu.store.schema import edges, metric_points, model_pages, nodes
from bongsu.store.schema_requests import idempotency_keys
from bongsu.store.scope import OPTION, Scope
from bongsu.store.taken import Taken

OTHER = RunId("r-000000000002")
SENSITIVE = Label(grade=Grade.SENSITIVE)


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    with fresh_database(postgres) as opened:
        yield opened


def count(database: Database, table: object) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()  # type: ignore[arg-type]


# -- the same rows ---------------------------------------------------------------------------------------------------


def in_compartment(name: str) -> ArtifactRef:
    return ref_of("x").model_copy(update={"label": Label(compartments=frozenset({name}))})


@pytest.mark.parametrize("stands", [False, True])
def test_an_artifact_that_two_note_carries_both_labels(database: Database, stands: bool) -> None:
    if stands:
        with database.write() as connection:
            artifacts.note_artifact(connection, ref_of("x"), "it", NOW)
    at_once(
        database,
        lambda connection: artifacts.note_artifact(connection, in_compartment("a"), "it", NOW),
        lambda connection: artifacts.note_artifact(connection, in_compartment("b"), "it", NOW),
    )
    with database.read() as connection:
        assert connection.execute(select(artifact_rows.c.label)).scalars().all() == ["O/a/b"]


def test_nodes_and_edges_that_two_add_are_there_once(database: Database) -> None:
    def add(connection: Connection, *names: str) -> None:
        lineage.put_nodes(connection, [Node(name, NodeKind.ARTIFACT, name, "O", {}) for name in names])
        lineage.put_edges(connection, [Edge(name, "end", EdgeKind.USED) for name in names], RUN, NOW)

    at_once(
        database, lambda connection: add(connection, "a", "b"), lambda connection: add(connection, "b", "a", "c")
    )
    assert (count(database, nodes), count(database, edges)) == (3, 3)


def test_of_two_who_note_the_same_page_or_the_same_work_the_later_counts(database: Database) -> None:
    def note(connection: Connection, text: str, seconds: float) -> None:
        pages.put_pages(connection, [ModelPage(digest=digest_of(b"m"), pipeline="p", path=f"/{text}")])
        entry = CacheEntry(digest_of(b"key"), "p", RUN, "a", {"p": text}, {}, {}, seconds, NOW)
        cache.remember(connection, entry)
        cache.remember_input(connection, "file:x", digest_of(text.encode()), digest_of(b"tree"), 1)

    at_once(database, lambda c: note(c, "one", 1.0), lambda c: note(c, "two", 2.0))
    with database.read() as connection:
        assert connection.execute(select(model_pages.c.path)).scalars().all() == ["/two"]
        assert cache.usual_seconds(connection, "p") == {"a": 2.0}
        assert cache.known_input(connection, "file:x", digest_of(b"two")) is not None


def version(number: int, alias: str) -> ModelVersionRecord:
    return ModelVersionRecord(
        name="light",
        version=number,
        digest=digest_of(str(number).encode()),
        label="O",
        use_class="administration",
        ministry="mnd",
        run_id=RUN,
        stage_id=StageId(f"register-{number}"),
        title="x" * 300,
        metrics={},
        link="models:/light/1",
        created_at=NOW,
        aliases=(alias, "b"),
    )


def test_an_alias_that_two_move_stands_for_one_version(database: Database) -> None:
    at_once(
        database,
        lambda connection: models.add_version(connection, version(1, "champion")),
        lambda connection: models.add_version(connection, version(2, "champion")),
    )
    at_once(database, *2 * [lambda connection: models.add_version(connection, version(2, "champion"))])
    with database.read() as connection:
        assert models.find_version(connection, "light@champion").version == 2
        assert len(models.list_versions(connection)) == 2


def test_metric_points_that_two_add_keep_the_first_value(database: Database) -> None:
    submitted(database)
    attempt = with_attempt(database)

    def add(connection: Connection, value: float) -> None:
        history.add_metric_points(connection, attempt, [("loss", step, value, NOW) for step in (2, 1)])

    at_once(database, lambda connection: add(connection, 1.0), lambda connection: add(connection, 2.0))
    with database.read() as connection:
        assert connection.execute(select(metric_points.c.value)).scalars().all() == [1.0, 1.0]


# -- counting up -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("texts", "numbers"), [(("one", "two"), (1, 2)), (("one", "one"), (1, 1))])
def test_versions_of_a_data_set_have_numbers_of_their_own(
    database: Database, texts: tuple[str, str], numbers: tuple[int, int]
) -> None:
    def add(connection: Connection, text: str) -> int:
        ref = ref_of(text, ArtifactType.DOCUMENTS)
        return datasets.add_dataset_version(connection, "law", ref, "file:law", NOW)

    one, two = texts
    assert at_once(database, lambda c: add(c, one), lambda c: add(c, two)) == numbers


def test_entries_of_a_log_have_numbers_without_gaps_whoever_writes(database: Database) -> None:
    submitted(database)

    def write(connection: Connection) -> None:
        record = runs.hold_run(connection, RUN)
        runs.claim_version(connection, RUN, record.version)
        history.append_events(connection, RUN, NOW, [NewEvent("note"), NewEvent("note")])

    at_once(database, write, write)
    with database.read() as connection:
        assert [event.sequence for event in history.events_of(connection, RUN)] == [1, 2, 3, 4]
        assert runs.get_run(connection, RUN).version == 2


def test_who_decided_before_somebody_else_wrote_is_refused(database: Database) -> None:
    submitted(database)

    def claim(connection: Connection) -> None:
        runs.claim_version(connection, RUN, 0)

    with pytest.raises(runs.StaleRun):
        at_once(database, claim, claim)


def test_every_failure_of_an_item_is_counted(database: Database) -> None:
    item = RunClosed(run_id=RUN, pipeline="p", state="failed", time=datetime(2026, 1, 1, tzinfo=UTC))
    with database.write() as connection:
        outbox.put(connection, RUN, item)
        (waiting,) = outbox.waiting(connection)
    at_once(database, *2 * [lambda connection: outbox.mark_failed(connection, waiting.number, "no answer")])
    with database.read() as connection:
        assert connection.execute(select(outbox.outbox.c.tries)).scalar_one() == 2


# -- the open run of a plan ------------------------------------------------------------------------------------------


def test_of_two_who_submit_a_plan_one_is_told_that_it_stands(database: Database) -> None:
    with pytest.raises(Taken):  # upon which a submission looks again, and finds the other's run
        at_once(
            database,
            lambda connection: runs.create_run(connection, RUN, chain(), NOW),
            lambda connection: runs.create_run(connection, OTHER, chain(), NOW),
        )
    with database.read() as connection:
        found = runs.open_run_of(connection, chain().hash)
    assert found is not None
    assert found.id == RUN


def test_of_two_who_submit_the_plan_of_a_run_that_is_hidden_one_is_told_that_it_stands(database: Database) -> None:
    submitted(database)
    with database.write() as connection:
        runs.raise_label(connection, RUN, SENSITIVE)
    third = RunId("r-000000000003")
    scope = Scope.of(HOME, OPEN)

    def begin(connection: Connection, run: RunId) -> None:
        connection.execution_options(**{OPTION: scope})
        runs.create_run(connection, run, chain(), NOW)

    with pytest.raises(Taken):
        at_once(database, lambda connection: begin(connection, OTHER), lambda connection: begin(connection, third))
    with database.read(scope) as connection:
        found = runs.open_run_of(connection, chain().hash)
        assert found is not None
        assert found.id == OTHER
        assert [one.id for one in runs.list_runs(connection)] == [OTHER]


def test_a_run_is_resumed_while_its_plan_is_submitted_anew(database: Database) -> None:
    submitted(database)
    for state in (RunState.RUNNING, RunState.FAILED):
        with database.write() as connection:
            runs.move_run(connection, runs.get_run(connection, RUN), state, NOW)

    def resume(connection: Connection) -> None:
        runs.move_run(connection, runs.get_run(connection, RUN), RunState.PENDING, NOW)

    at_once(database, lambda connection: runs.create_run(connection, OTHER, chain(), NOW), resume)
    with database.read() as connection:
        assert runs.get_run(connection, RUN).state is RunState.PENDING
        found = runs.open_run_of(connection, chain().hash)
    assert found is not None
    assert found.id == OTHER


# -- labels ----------------------------------------------------------------------------------------------------------


def make(connection: Connection, source: ArtifactRef, made: ArtifactRef, name: str) -> None:
    """A stage makes one tree from another, as the reconciler writes it."""
    here = stage_node(RUN, name)
    used, gave = artifact_node(source.digest), artifact_node(made.digest)
    kinds = {used: NodeKind.ARTIFACT, here: NodeKind.RUN_STAGE, gave: NodeKind.ARTIFACT}
    lineage.put_nodes(connection, [Node(one, kind, one, "O", {}) for one, kind in kinds.items()])
    lineage.put_edges(connection, [Edge(used, here, EdgeKind.USED), Edge(here, gave, EdgeKind.MADE)], RUN, NOW)
    artifacts.note_artifact(connection, made, name, NOW)
    label_flow.flow_into_stage(connection, RUN, StageId(name))


def state_label(connection: Connection, ref: ArtifactRef) -> None:
    """Somebody says that a tree is sensitive."""
    artifacts.note_artifact(connection, ref.model_copy(update={"label": SENSITIVE}), "it", NOW)


@pytest.mark.parametrize("raises_first", [True, False])
@pytest.mark.parametrize("at", ["source", "middle"])
def test_what_is_made_while_a_label_rises_carries_it(database: Database, raises_first: bool, at: str) -> None:
    source, middle, last = ref_of("source"), ref_of("middle"), ref_of("last")
    with database.write() as connection:
        artifacts.note_artifact(connection, source, "it", NOW)
        make(connection, source, middle, "first")
    taken = source if at == "source" else middle

    def make_more(connection: Connection) -> None:
        make(connection, taken, last, "second")

    def rise(connection: Connection) -> None:
        state_label(connection, source)

    at_once(database, *((rise, make_more) if raises_first else (make_more, rise)))
    with database.read() as connection:
        assert set(connection.execute(select(artifact_rows.c.label)).scalars()) == {"S"}
        assert set(connection.execute(select(nodes.c.label)).scalars()) == {"S"}


@pytest.mark.parametrize("raises_first", [True, False])
def test_a_version_that_is_registered_while_its_bytes_rise_carries_that(
    database: Database, raises_first: bool
) -> None:
    model = ref_of("1", ArtifactType.MODEL)
    with database.write() as connection:
        artifacts.note_artifact(connection, model, "it", NOW)

    def register(connection: Connection) -> None:
        here, name = artifact_node(model.digest), version_node("light", 1)
        kinds = {here: NodeKind.ARTIFACT, name: NodeKind.MODEL_VERSION}
        lineage.put_nodes(connection, [Node(one, kind, one, "O", {}) for one, kind in kinds.items()])
        lineage.put_edges(connection, [Edge(here, name, EdgeKind.REGISTERED)], RUN, NOW)
        models.add_version(connection, version(1, "champion"))
        label_flow.flow_into_version(connection, "light", 1)

    def rise(connection: Connection) -> None:
        state_label(connection, model)

    at_once(database, *((rise, register) if raises_first else (register, rise)))
    with database.read() as connection:
        assert models.find_version(connection, "light/1").label == "S"
        assert set(connection.execute(select(nodes.c.label)).scalars()) == {"S"}


def test_labels_that_rise_from_two_sides_meet(database: Database) -> None:
    """Both flows end at the tree that was made of both; neither waits for the other for ever."""
    left, right, both = ref_of("left"), ref_of("right"), ref_of("both")
    with database.write() as connection:
        for source in (left, right):
            artifacts.note_artifact(connection, source, "it", NOW)
            make(connection, source, both, "join")

    def rise(connection: Connection, ref: ArtifactRef, name: str) -> None:
        stated = ref.model_copy(update={"label": Label(compartments=frozenset({name}))})
        artifacts.note_artifact(connection, stated, "it", NOW)

    at_once(database, lambda c: rise(c, left, "a"), lambda c: rise(c, right, "b"))
    joined = [stage_node(RUN, "join"), artifact_node(both.digest)]
    with database.read() as connection:
        assert {node.label for node in lineage.get_nodes(connection, joined)} == {"O/a/b"}
        found = artifacts.get_artifact(connection, both.digest)
    assert found is not None
    assert found.label == "O/a/b"


# -- requests that come again ---------------------------------------------------------------------------------------


def test_who_forgets_old_requests_waits_for_nobody_who_does(database: Database) -> None:
    """Whoever removes them may wait for what the other holds, such as a grant."""
    with database.write() as connection:
        for name in "abc":
            requests.note_request(connection, RequestKey("kim", name, digest_of(b"x")), name, NOW)
    later = NOW + requests.KEPT_S + 1

    def first(connection: Connection) -> None:
        requests.note_request(connection, RequestKey("kim", "d", digest_of(b"x")), "d", later)

    def second(connection: Connection) -> None:
        connection.execute(text("SET LOCAL lock_timeout = 200"))  # shorter than the first one goes on
        requests.note_request(connection, RequestKey("lee", "e", digest_of(b"x")), "e", later)

    at_once(database, first, second)
    assert count(database, idempotency_keys) == 2


# -- use cases -------------------------------------------------------------------------------------------------------


def test_a_cancellation_comes_through_while_the_run_is_being_changed(database: Database) -> None:
    world = World(database=database)
    try:
        submitted(database, plan=plan_of(stage("a")))
        at_once(
            database,
            lambda connection: runs.claim_version(connection, RUN, 0),
            lambda _connection: request_cancel(world.elsewhere, RUN),
        )
        with database.read() as connection:
            record = runs.get_run(connection, RUN)
        assert (record.state, record.version) == (RunState.CANCELLING, 2)
    finally:
        world.close()
