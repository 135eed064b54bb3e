"""The lineage graph around one thing: what it was made from, and what was made from it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import Connection

from bongsu.domain.codes import run as codes
from bongsu.domain.labels import Label
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.domain.object_names import object_name
from bongsu.domain.problems import BongsuError
from bongsu.domain.shared import SharedAddress
from bongsu.service.platform import Platform
from bongsu.service.sharing import described, find_received, note_taken
from bongsu.store import lineage
from bongsu.store.artifacts import find_artifacts
from bongsu.store.datasets import find_dataset_version
from bongsu.store.hidden_runs import hidden_runs
from bongsu.store.lineage import Edge, Node
from bongsu.store.models import find_version, registered_at
from bongsu.store.node_ids import artifact_node, digest_at, digests_among, version_node
from bongsu.store.runs import find_run
from bongsu.store.stages import stages_of
from bongsu.store.version_pages import number_in

Direction = Literal["upstream", "downstream"]
Way = Literal["upstream", "downstream", "both"]
_MODEL = re.compile(r"models:/(?P<name>[^@/]+)[@/]")
_DATASETS = "datasets:/"
_MIN_PREFIX = 6
_DIGEST_DIGITS = 64


@dataclass(frozen=True)
class LineageGraph:
    """``start`` is the node that was asked for; an edge goes from what was there before to what came of it. The body of
    an input that names a model has under ``versions`` those that it was resolved to, as ``NAME/3``."""

    start: str
    direction: Way
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def trace(platform: Platform, reference: str, direction: Direction = "upstream") -> LineageGraph:
    """Everything upstream or downstream of a model version or an artifact.

    Args:
        platform: what to work on.
        reference: ``NAME@3``, ``NAME/3``, ``NAME@alias``, ``NAME``; at least 6 characters of a digest; or
            ``datasets:/NAME/3``.
        direction: ``upstream`` for what it was made from, ``downstream`` for what was made from it.

    Of what another ministry shares (``models://MINISTRY/NAME/3``, ``datasets://MINISTRY/NAME/1``) there is the thing
    itself, and what was made from it here; that it is looked at is recorded there.

    Raises:
        BongsuError: ``run.unknown-model``, ``run.unknown-dataset``, ``run.unknown-digest``, ``run.ambiguous-digest``.
    """
    address = SharedAddress.parse(reference)
    if address is not None:
        return _of_shared(platform, address, direction)
    with platform.read() as connection:
        start = _node_of(connection, reference, direction)
        nodes, edges = _walked(connection, start, direction)
        named = _with_versions(connection, nodes, edges)
    return LineageGraph(start, direction, tuple(named), tuple(edges))


def _of_shared(platform: Platform, address: SharedAddress, direction: Direction) -> LineageGraph:
    found = find_received(platform, address)
    if found is None:
        if address.is_model:
            raise codes.UNKNOWN_MODEL.error(model=str(address))
        raise codes.UNKNOWN_DATASET.error(dataset=str(address))
    note_taken(platform, found)
    start = artifact_node(found.digest)
    with platform.read() as connection:
        nodes, edges = _walked(connection, start, direction)
        others = [node for node in _with_versions(connection, nodes, edges) if node.id != start]
        own = next((Label.parse(node.label) for node in nodes if node.id == start), found.label)
    label = str(own.join(found.label))
    node = Node(start, NodeKind.ARTIFACT, str(address), label, {"digest": found.digest} | described(found))
    return LineageGraph(start, direction, (node, *others), tuple(edges))


def joined(upstream: LineageGraph, downstream: LineageGraph) -> LineageGraph:
    """Both in one graph."""
    nodes = {node.id: node for node in (*upstream.nodes, *downstream.nodes)}
    edges = dict.fromkeys((*upstream.edges, *downstream.edges))
    return LineageGraph(upstream.start, "both", tuple(nodes.values()), tuple(edges))


def run_graph(platform: Platform, run: str) -> tuple[list[Node], list[Edge]]:
    """What happened in one run: its inputs, stages, artifacts and versions, reused ones too."""
    with platform.read() as connection:
        record = find_run(connection, run)
        stages = [stage.stage_id for stage in stages_of(connection, record.id)]
        nodes, edges = _of_seen_runs(connection, *lineage.graph_of_run(connection, record.id, stages))
        return _with_versions(connection, nodes, edges), edges


def _walked(connection: Connection, start: str, direction: Direction) -> tuple[list[Node], list[Edge]]:
    """What there is that way for who reads, without what is known through a run alone that they may not see."""
    nodes, edges = lineage.walk(connection, start, direction)
    seen, passed = _of_seen_runs(connection, nodes, edges)
    if len(seen) == len(nodes):
        return nodes, edges
    beside: dict[str, set[str]] = defaultdict(set)
    for edge in passed:
        beside[edge.source].add(edge.target)
        beside[edge.target].add(edge.source)
    reached, waiting = {start}, [start]
    while waiting:
        new = beside[waiting.pop()] - reached
        reached |= new
        waiting += new
    return [node for node in seen if node.id in reached], [edge for edge in passed if edge.source in reached]


def _of_seen_runs(
    connection: Connection, nodes: Sequence[Node], edges: Sequence[Edge]
) -> tuple[list[Node], list[Edge]]:
    """Without stages of runs that do not exist for who reads: what is open may have been made in a run that is not."""
    runs = {node.id: str(node.body.get("run")) for node in nodes if node.kind is NodeKind.RUN_STAGE}
    hidden = hidden_runs(connection, runs.values())
    left_out = {node_id for node_id, run in runs.items() if run in hidden}
    kept = [edge for edge in edges if edge.source not in left_out and edge.target not in left_out]
    return [node for node in nodes if node.id not in left_out], kept


def _with_versions(connection: Connection, nodes: Sequence[Node], edges: Sequence[Edge]) -> list[Node]:
    """The nodes; those of inputs that name a model tell which version that was. An alias may have moved since.
    Those of versions name no run that the reader may not see."""
    named = {node.id: match["name"] for node in nodes if _is_input(node) and (match := _MODEL.match(node.title))}
    times = lineage.resolved_at(connection, list(named))
    resolved = [edge for edge in edges if edge.kind is EdgeKind.RESOLVED and edge.source in named]
    known = registered_at(connection, named.values(), digests_among(edge.target for edge in resolved))
    found: dict[str, list[str]] = defaultdict(list)
    for edge in resolved:
        name, at = named[edge.source], times[edge.source, edge.target]
        # Newest first: the bytes may have been registered again since.
        versions = known.get((name, digest_at(edge.target) or ""), [])
        chosen = next((version for version, registered in versions if registered < at), None)
        found[edge.source] += [f"{name}/{chosen}"] if chosen is not None else []
    told: dict[str, dict[str, object]] = {name: {"versions": versions} for name, versions in found.items()}
    registered = {node.id: node.body.get("run") for node in nodes if node.kind is NodeKind.MODEL_VERSION}
    hidden = hidden_runs(connection, registered.values())
    told |= {name: {"run": ""} for name, run in registered.items() if run in hidden}
    return [replace(node, body=node.body | told[node.id]) if node.id in told else node for node in nodes]


def _is_input(node: Node) -> bool:
    return node.kind is NodeKind.INPUT


def _node_of(connection: Connection, reference: str, direction: Direction) -> str:
    """Downstream of a version is what was made from its bytes, under whatever name they were taken."""
    named = object_name(reference)
    if named.startswith(("model:", "dataset:")):
        kind, _, name = named.partition(":")
        reference = name if kind == "model" else f"{_DATASETS}{name}"
    if reference.startswith(_DATASETS):
        name, _, text = reference.removeprefix(_DATASETS).partition("/")
        number = number_in(text)
        one = find_dataset_version(connection, name, number) if number is not None or not text else None
        if one is None:
            raise codes.UNKNOWN_DATASET.error(dataset=reference)
        return artifact_node(one.digest)
    prefix = reference.removeprefix("artifact:").removeprefix("sha256-").lower()
    if _MIN_PREFIX <= len(prefix) <= _DIGEST_DIGITS and set(prefix) <= set("0123456789abcdef"):
        found = find_artifacts(connection, prefix)
        if len(found) > 1:
            raise codes.AMBIGUOUS_DIGEST.error(digest=reference)
        if found:
            return artifact_node(found[0].digest)
    try:
        version = find_version(connection, reference)
    except BongsuError:
        if reference.startswith(("artifact:", "sha256-")):
            raise codes.UNKNOWN_DIGEST.error(digest=reference) from None
        raise
    if direction == "downstream":
        return artifact_node(version.digest)
    return version_node(version.name, version.version)
