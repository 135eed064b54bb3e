"""Labels that rose before MLflow was told of that: the migration to 0017 has it look, once, and at nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from service_places import Place, drive
from small_plans import plan_of, stage
from sqlalchemy import Table, update
from store_places import NOW, RUN, chain

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import StageId, digest_of
from bongsu.domain.labels import OPEN, Grade, Label
from bongsu.domain.lineage import NodeKind
from bongsu.domain.publication import (
    LabelChanged,
    Publication,
    PublishedTree,
    RegistrationRequest,
    RunClosed,
    RunOpened,
    RunRelabelled,
    StageFinished,
    VersionRegistered,
)
from bongsu.domain.tenants import Tenant
from bongsu.service.submitting import submit
from bongsu.store import outbox
from bongsu.store.artifacts import note_artifact
from bongsu.store.database import Database, migrate
from bongsu.store.lineage import Node, put_nodes
from bongsu.store.models import add_version
from bongsu.store.node_ids import stage_node
from bongsu.store.records import ModelVersionRecord
from bongsu.store.runs import create_run
from bongsu.store.schema import artifacts, model_versions, nodes, runs
from bongsu.store.scope import EVERYTHING, Scope

MND = Scope.of(Tenant("mnd"))
TIME = datetime.fromtimestamp(NOW, UTC)
TREE = digest_of(b"tree")
SENSITIVE = Label(grade=Grade.SENSITIVE, compartments=frozenset({"sig", "air"}))
LOOK = RunRelabelled(run_id=RUN, ministry="mnd", pipeline="small")
LOOK_AT_VERSION = LabelChanged(run_id=RUN, ministry="mnd", name="axk1", version=1)
WHOLE = [LOOK, LOOK_AT_VERSION]


def fill(database: Database, label: Label = OPEN) -> None:
    """A run of MND that gave a tree, of which a version was registered; MLflow was told that all has the label."""
    plan = chain()
    metadata = plan.metadata.model_copy(update={"ministry": "mnd", "name": "small"})
    ref = ArtifactRef(digest=TREE, type=ArtifactType.MODEL, label=label, size=1)
    with database.write(MND) as connection:
        create_run(connection, RUN, plan.model_copy(update={"metadata": metadata, "floor": label}), NOW)
        note_artifact(connection, ref, "tree", NOW)
        node = Node(stage_node(RUN, StageId("a")), NodeKind.RUN_STAGE, "a", str(label), {})
        put_nodes(connection, [node])
        add_version(connection, _version(label))
        for item in _told(ref, label):
            outbox.put(connection, RUN, item)
        told = [one.number for one in outbox.waiting(connection)]
        outbox.mark_done(connection, told)


def _version(label: Label) -> ModelVersionRecord:
    return ModelVersionRecord(
        name="axk1",
        version=1,
        digest=TREE,
        label=str(label),
        use_class="administration",
        ministry="mnd",
        run_id=RUN,
        stage_id=StageId("a"),
        title="x",
        metrics={},
        link="",
        created_at=NOW,
    )


def _told(ref: ArtifactRef, label: Label) -> list[Publication]:
    of_run = {"run_id": RUN, "pipeline": "small", "ministry": "mnd", "label": label}
    opened = RunOpened(**of_run, plan_hash=TREE, purpose="x", use_class="administration", time=TIME)
    finished = StageFinished(
        **of_run,
        stage_id="a",
        attempt=1,
        title="a",
        uses="probe",
        state="succeeded",
        outputs=(PublishedTree(port="model", title="tree", ref=ref),),
        started_at=TIME,
        finished_at=TIME,
    )
    request = RegistrationRequest(
        key="k",
        run_id=RUN,
        stage_id="a",
        pipeline="small",
        ministry="mnd",
        use_class="administration",
        name="axk1",
        model=ref,
        source_uri="file:///x",
    )
    return [opened, finished, RunClosed(**of_run, state="succeeded", time=TIME), _registered(request)]


def _registered(request: RegistrationRequest) -> VersionRegistered:
    return VersionRegistered(request=request, version=1)


def rise(database: Database, table: Table) -> None:
    """As labels rose before that was told: nothing is put into the outbox."""
    with database.write(EVERYTHING) as connection:
        connection.execute(update(table).values(label=str(SENSITIVE)))


def again(database: Database) -> list[object]:
    """What MLflow is to look at after the migration down and up."""
    migrate(database.engine, "0016")
    migrate(database.engine)
    with database.read(EVERYTHING) as connection:
        return [one.item for one in outbox.waiting_labels(connection)]


def test_what_rose_untold_is_looked_at(database: Database) -> None:
    fill(database)
    assert again(database) == [], "nothing rose"
    rise(database, model_versions)
    assert again(database) == [LOOK_AT_VERSION]
    for table in (runs, nodes, artifacts):
        rise(database, table)
    assert sorted(again(database), key=repr) == sorted(WHOLE, key=repr), "each once"


def test_each_of_the_things_of_a_run_is_enough(database: Database) -> None:
    fill(database)
    for table in (runs, nodes, artifacts):
        rise(database, table)
        assert again(database) == WHOLE, table.name
        with database.write(EVERYTHING) as connection:
            connection.execute(update(table).values(label="O"))
            outbox.mark_done(connection, [one.number for one in outbox.waiting_labels(connection)])


def test_what_was_told_as_it_is_is_told_no_more(database: Database) -> None:
    fill(database, SENSITIVE)
    assert again(database) == []


def test_of_what_cannot_be_read_any_more_all_is_looked_at(database: Database) -> None:
    fill(database)
    with database.write(EVERYTHING) as connection:
        second = outbox.outbox.c.id == 2
        connection.execute(update(outbox.outbox).where(second).values(body='{"type":"stage-finished","label":{'))
    assert again(database) == WHOLE


def test_a_run_that_was_driven_and_in_which_nothing_rose_is_left_alone(tmp_path: Path, database: Database) -> None:
    place = Place(tmp_path, database)
    plan = plan_of(stage("a", label=SENSITIVE), stage("b", "a", label=SENSITIVE))
    run = submit(place.platform, plan.model_copy(update={"floor": SENSITIVE})).run.id
    assert drive(place.platform, [run]).runs[0].state.value == "succeeded"
    with database.read(EVERYTHING) as connection:
        assert outbox.count_told(connection) >= 4
    assert again(database) == []
