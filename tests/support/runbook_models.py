"""A registered model at a site that runbooks are followed on, as a run would have left it, and its promotion."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from runbook_site import YEAR_S, Site
from sqlalchemy import Connection

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.documents import iso_time
from bongsu.domain.ids import RunId, StageId
from bongsu.domain.labels import OPEN
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.domain.tenants import Tenant
from bongsu.service.artifact_place import place_of, stores_at
from bongsu.store import lineage
from bongsu.store.artifacts import note_artifact
from bongsu.store.database import open_database
from bongsu.store.lineage import Edge, Node
from bongsu.store.models import add_version
from bongsu.store.node_ids import artifact_node, stage_node, version_node
from bongsu.store.records import ModelVersionRecord
from bongsu.store.scope import Scope

NANO = Path(__file__).parents[2] / "pipelines" / "assets" / "axk1-nano"
STAGE = StageId("a")


def register_model(site: Site, run: str, name: str) -> None:
    """Its first version, registered by that run with an evaluation."""
    register_in(site.home, site.settings["BONGSU_DATABASE"], run, name)


def register_in(home: Path, database_url: str, run: str, name: str) -> None:
    """The same, in the home and the database of any server."""
    weights = _written(home, ArtifactType.MODEL, name, NANO)
    report = _written(home, ArtifactType.EVALUATION, f"{name} is good")
    version = ModelVersionRecord(
        name=name,
        version=1,
        digest=weights.digest,
        label="O",
        use_class="administration",
        ministry="mnd",
        run_id=RunId(run),
        stage_id=STAGE,
        title=name,
        metrics={},
        link="",
        created_at=1.0,
    )
    database = open_database(database_url)
    with database.write(Scope.of(Tenant("mnd"))) as connection:
        note_artifact(connection, weights, name, 1)
        note_artifact(connection, report, name, 1)
        add_version(connection, version)
        _link(connection, version, report)
    database.close()


def _written(home: Path, type_: ArtifactType, text: str, tree: Path | None = None) -> ArtifactRef:
    """An artifact of this text and of the files of a directory."""
    writer = stores_at(place_of(home, {}))(Tenant("mnd")).writer(f"tests/{text.replace(' ', '-')}")
    if tree:
        writer.add_tree(tree)
    with writer.create("TEXT") as file:
        file.write(text.encode())
    manifest = writer.commit()
    return ArtifactRef(digest=manifest.digest, type=type_, label=OPEN, size=manifest.size)


def _link(connection: Connection, version: ModelVersionRecord, report: ArtifactRef) -> None:
    """What the registering stage was given, and what it registered."""
    here = stage_node(version.run_id, version.stage_id)
    kinds: Mapping[str, NodeKind] = {
        here: NodeKind.RUN_STAGE,
        artifact_node(version.digest): NodeKind.ARTIFACT,
        artifact_node(report.digest): NodeKind.ARTIFACT,
        version_node(version.name, version.version): NodeKind.MODEL_VERSION,
    }
    stage, weights, evaluation, registered = kinds
    lineage.put_nodes(connection, [Node(id_, kind, version.name, "O", {}) for id_, kind in kinds.items()])
    edges = [Edge(weights, stage, EdgeKind.USED), Edge(evaluation, stage, EdgeKind.USED)]
    lineage.put_edges(connection, [*edges, Edge(weights, registered, EdgeKind.REGISTERED)], version.run_id, 1.0)


def promote(site: Site, name: str, alias: str) -> None:
    """Let the alias stand for its first version, as two people approve."""
    proposal = {"ministry": "mnd", "kind": "promotion", "object": f"model:{name}/1", "target": alias}
    until = iso_time(time.time() + YEAR_S / 4)
    made = site.tell("engineer", "/v1/approvals", {**proposal, "reason": "Good", "evidenceEndsAt": until})
    place = f"/v1/ministries/mnd/approvals/{made['id']}"
    for person in ("approver", "accreditor"):
        site.tell(person, f"{place}/approve", {"digest": made["digest"], "reason": "Looked at"})
    site.tell("engineer", f"{place}/apply", {})
