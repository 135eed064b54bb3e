"""A registered model in a home of one person, as a run would have left it."""

from __future__ import annotations

import os
from pathlib import Path

from small_plans import plan_of, stage

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest, RunId, StageId
from bongsu.domain.labels import Label
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.service.embedded import open_home
from bongsu.store.artifacts import Maker, note_artifact
from bongsu.store.lineage import Edge, Node, put_edges, put_nodes
from bongsu.store.models import add_version
from bongsu.store.node_ids import artifact_node, version_node
from bongsu.store.records import ModelVersionRecord
from bongsu.store.runs import create_run

RUN = RunId("r-000000000001")


def register_at_home(home: Path, label: Label, name: str = "axk1", text: str = "weights") -> Digest:
    """Version 1, of these weights."""
    platform = open_home(home, os.environ)
    writer = platform.artifacts.writer(f"tests/{name}")
    for path, content in {"config.json": "{}", "model.safetensors": text}.items():
        with writer.create(path) as file:
            file.write(content.encode())
    manifest = writer.commit()
    ref = ArtifactRef(digest=manifest.digest, type=ArtifactType.MODEL, label=label, size=manifest.size)
    with platform.write() as connection:
        create_run(connection, RUN, plan_of(stage("a")), 1.0)
        note_artifact(connection, ref, name, 1.0, Maker(RUN, StageId("a")))
        here, version = artifact_node(ref.digest), version_node(name, 1)
        nodes = [Node(here, NodeKind.ARTIFACT, name, str(label), {})]
        put_nodes(connection, [*nodes, Node(version, NodeKind.MODEL_VERSION, f"{name}/1", str(label), {})])
        put_edges(connection, [Edge(here, version, EdgeKind.REGISTERED)], RUN, 1.0)
        record = ModelVersionRecord(
            name=name,
            version=1,
            digest=ref.digest,
            label=str(label),
            use_class="administration",
            ministry="mnd",
            run_id=RUN,
            stage_id=StageId("a"),
            title=name,
            metrics={},
            link="",
            created_at=1.0,
            aliases=("champion",),
        )
        add_version(connection, record)
    platform.close()
    return ref.digest
