"""Lineage of what happened: nodes and edges for the store's graph. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.domain.plan import PlannedInput, PlannedStage
from bongsu.planner.taken_trees import TakenTree, label_of
from bongsu.reconciler.facts import Registered, RunFacts
from bongsu.store.lineage import Edge, Node
from bongsu.store.node_ids import artifact_node, input_node, stage_node, version_node

Graph = tuple[list[Node], list[Edge]]


def of_inputs(inputs: Iterable[PlannedInput]) -> Graph:
    """What the pipeline's inputs were resolved to."""
    nodes, edges = [], []
    for entry in inputs:
        source = input_node(entry.uri)
        nodes += [
            Node(source, NodeKind.INPUT, entry.uri, str(entry.ref.label), {"uri": entry.uri}),
            _artifact(entry.ref, f"inputs.{entry.name}"),
        ]
        edges.append(Edge(source, artifact_node(entry.ref.digest), EdgeKind.RESOLVED))
    return nodes, edges


def of_stage(
    facts: RunFacts,
    planned: PlannedStage,
    inputs: Mapping[str, tuple[TakenTree, ...]],
    outputs: Mapping[str, ArtifactRef],
    *,
    reused: bool,
) -> Graph:
    """What a stage took and gave; ``reused`` if an earlier run had made it."""
    here = stage_node(facts.run.id, planned.id)
    body = {"run": facts.run.id, "stage": planned.id, "uses": planned.uses, "pipeline": facts.run.pipeline}
    label = label_of(planned, inputs, outputs)
    nodes = [Node(here, NodeKind.RUN_STAGE, planned.title, str(label), body)]
    edges = []
    for trees in inputs.values():
        for tree in trees:
            nodes.append(_artifact(tree.ref, tree.title))
            edges.append(Edge(artifact_node(tree.ref.digest), here, EdgeKind.USED))
    for ref in outputs.values():
        nodes.append(_artifact(ref, planned.title))
        edges.append(Edge(here, artifact_node(ref.digest), EdgeKind.REUSED if reused else EdgeKind.MADE))
    return nodes, edges


def of_version(registered: Registered) -> Graph:
    """A registered version comes from the model's bytes, and from the stage that chose them."""
    request, version = registered.request, registered.version
    model = request.model
    here = version_node(version.name, version.version)
    body = {"name": version.name, "version": version.version, "digest": model.digest, "run": request.run_id}
    nodes = [
        Node(here, NodeKind.MODEL_VERSION, f"{version.name}/{version.version}", str(model.label), body),
        _artifact(model, request.title),
    ]
    edges = [
        Edge(artifact_node(model.digest), here, EdgeKind.REGISTERED),
        Edge(stage_node(request.run_id, request.stage_id), here, EdgeKind.REGISTERED),
    ]
    return nodes, edges


def _artifact(ref: ArtifactRef, title: str) -> Node:
    body = {"digest": ref.digest, "type": ref.type.value, "size": ref.size}
    return Node(artifact_node(ref.digest), NodeKind.ARTIFACT, title, str(ref.label), body)
