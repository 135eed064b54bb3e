"""Many runs that took one tree, and one more of which the stage ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from small_plans import plan_of, planned_input, ref_of, source, stage
from sqlalchemy import delete, insert
from store_places import NOW

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.attempt import AttemptResult
from bongsu.domain.ids import AttemptId, RunId, StageId, digest_of
from bongsu.domain.labels import Label
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.reconciler.actions import TakeOutputs
from bongsu.reconciler.apply import apply
from bongsu.reconciler.loading import load_facts
from bongsu.store.artifacts import note_artifact
from bongsu.store.database import Database
from bongsu.store.json_columns import refs_json
from bongsu.store.lineage import Node, put_nodes
from bongsu.store.node_ids import artifact_node, stage_node
from bongsu.store.runs import create_run
from bongsu.store.schema import artifacts, edges, nodes, outbox, runs, stages

STAGE = StageId("a")
LAST = RunId("r-last")


def given_tree(label: Label) -> ArtifactRef:
    return ref_of("given", label=label)


def made_by(number: int, label: Label) -> ArtifactRef:
    return ref_of(f"made {number}", label=label)


def run_id(number: int) -> RunId:
    return RunId(f"r-{number:012d}")


def fill(database: Database, count: int, label: Label) -> ArtifactRef:
    """A tree with a label, and ``count`` runs whose one stage made something of it; all of it labelled so, and nothing
    else in the graph."""
    given = given_tree(label)
    plan = plan_of(stage(STAGE)).model_dump_json(by_alias=True)
    shared = {"tenant": "", "label": str(label)}
    run = {**shared, "pipeline": "p", "ministry": "mnd", "plan": plan, "state": "succeeded", "version": 5}
    run |= {"use_class": "administration", "created_at": NOW}
    made = [made_by(number, label) for number in range(count)]
    ids = [run_id(number) for number in range(count)]
    tree = {**shared, "type": "files", "size": 1, "title": "a", "created_at": NOW, "stage_id": STAGE}
    graph = {**shared, "title": "a", "body": "{}"}
    edge = {"tenant": "", "created_at": NOW}
    places = [stage_node(one, STAGE) for one in ids]
    here = artifact_node(given.digest)
    with database.write() as connection:
        for table in (outbox, edges, nodes, artifacts, stages, runs):
            connection.execute(delete(table))
        note_artifact(connection, given, "given", NOW)
        put_nodes(connection, [Node(here, NodeKind.ARTIFACT, "given", str(label), {})])
        if not count:
            return given
        connection.execute(insert(runs), [{**run, "id": one, "plan_hash": digest_of(one.encode())} for one in ids])
        ended = {"stage_id": STAGE, "position": 0, "state": "succeeded", "metrics": "{}", "notes": "{}"}
        done = [
            {**ended, "run_id": one, "outputs": refs_json({"files": ref})}
            for one, ref in zip(ids, made, strict=True)
        ]
        connection.execute(insert(stages), done)
        rows = [{**tree, "run_id": one, "digest": ref.digest} for one, ref in zip(ids, made, strict=True)]
        connection.execute(insert(artifacts), rows)
        named = [{**graph, "id": one, "kind": NodeKind.RUN_STAGE.value} for one in places]
        named += [{**graph, "id": artifact_node(ref.digest), "kind": NodeKind.ARTIFACT.value} for ref in made]
        connection.execute(insert(nodes), named)
        used = [
            {**edge, "source": here, "target": place, "kind": EdgeKind.USED.value, "run_id": one}
            for one, place in zip(ids, places, strict=True)
        ]
        used += [
            {
                **edge,
                "source": place,
                "target": artifact_node(ref.digest),
                "kind": EdgeKind.MADE.value,
                "run_id": one,
            }
            for one, place, ref in zip(ids, places, made, strict=True)
        ]
        connection.execute(insert(edges), used)
    return given


def begin_last(database: Database, given: ArtifactRef, name: StageId = STAGE, run: RunId = LAST) -> None:
    """One more run whose stage takes the tree, as it was when the run was planned."""
    work = stage(name, label=given.label, inputs={"files": (source("inputs.corpus"),)}, many_inputs=())
    plan = plan_of(work, name=run, inputs=[planned_input("corpus", "datasets:/law/1", given)])
    with database.write() as connection:
        create_run(connection, run, plan, NOW)


def end_last(
    database: Database, outputs: Sequence[ArtifactRef], run: RunId = LAST, *, reused: bool = False
) -> None:
    """Its stage has these outputs from now on, as the reconciler writes that."""
    found = {f"files-{number}" if number else "files": ref for number, ref in enumerate(outputs)}
    at = datetime.fromtimestamp(NOW, UTC)
    attempt = AttemptId(run_id=run, stage_id=STAGE, number=1)
    result = None if reused else AttemptResult(id=attempt, outputs=found, started_at=at, finished_at=at)
    with database.write() as connection:
        facts = load_facts(connection, run)
        apply(connection, facts, [TakeOutputs(STAGE, found, {}, digest_of(b"key"), result)], NOW)
