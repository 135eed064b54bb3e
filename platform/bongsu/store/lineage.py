"""The lineage graph: nodes and edges, indexed both ways, read by a walk of a few queries.

What nodes are called is of :mod:`bongsu.store.node_ids`.

An edge goes the way of the bytes. Its kind says what happened: an input ``resolved`` to an artifact, a stage
``used`` it, ``made`` it, or ``reused`` what an earlier run had made (that edge is shown with its run, not walked,
because the maker is known), and a version was ``registered`` from an artifact by a stage.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import Any, Literal

from sqlalchemy import CTE, ColumnElement, Connection, and_, null, select, union_all, update

from bongsu.domain.labels import Label
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.store.faults import AnyRow, readable_rows
from bongsu.store.label_releases import lowered, releases_of
from bongsu.store.locks import hold_labels
from bongsu.store.node_ids import artifact_node, digest_at, digests_among, stage_node
from bongsu.store.portions import portions
from bongsu.store.schema import artifacts, edges, nodes
from bongsu.store.scope import owned, tenant_of, visible
from bongsu.store.streaming import streamed
from bongsu.store.upsert import insert_absent

_NODE = (nodes.c.id, nodes.c.kind, nodes.c.title, nodes.c.label, nodes.c.body)
_EDGE = (edges.c.source, edges.c.kind, edges.c.target)
# There may be tens of thousands in a graph, and looking a member up by calling its class is far slower.
_NODE_KINDS = {kind.value: kind for kind in NodeKind}
_EDGE_KINDS = {kind.value: kind for kind in EdgeKind}


@dataclass(frozen=True)
class Node:
    id: str
    kind: NodeKind
    title: str
    label: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Edge:
    """From what was there before to what came out of it."""

    source: str
    target: str
    kind: EdgeKind


def put_nodes(connection: Connection, found: list[Node]) -> None:
    """Add nodes; one that stands is left as it is, but for its label, which only rises."""
    hold_labels(connection)
    wanted = {node.id: node for node in found}
    standing = select(nodes.c.id, nodes.c.label).where(owned(connection, nodes), nodes.c.id.in_(list(wanted)))
    known = {row.id: row.label for row in connection.execute(standing)}
    wanted |= _as_known(connection, wanted)
    releases = releases_of(connection, list(digests_among(known)))
    for node_id, label in known.items():
        stated, digest = Label.parse(wanted[node_id].label), digest_at(node_id)
        if digest is not None:
            stated = lowered(releases, digest, stated)
        risen = str(Label.parse(label).join(stated))
        if risen != label:
            is_it = and_(owned(connection, nodes), nodes.c.id == node_id)
            connection.execute(update(nodes).where(is_it).values(label=risen))
    rows = [
        {
            "tenant": tenant_of(connection),
            "id": node.id,
            "kind": node.kind.value,
            "title": node.title[:500],
            "label": node.label,
            "body": json.dumps(node.body, ensure_ascii=False),
        }
        for node in wanted.values()
        if node.id not in known
    ]
    insert_absent(connection, nodes, *rows)


def _as_known(connection: Connection, wanted: Mapping[str, Node]) -> dict[str, Node]:
    """Those that are of trees which are known, with the labels of these: what somebody states of known bytes in passing
    raises nothing."""
    query = select(artifacts.c.digest, artifacts.c.label)
    is_wanted = artifacts.c.digest.in_(list(digests_among(wanted)))
    found = connection.execute(query.where(owned(connection, artifacts), is_wanted))
    return {(name := artifact_node(row.digest)): replace(wanted[name], label=row.label) for row in found}


def put_edges(connection: Connection, found: list[Edge], run_id: str, now: float) -> None:
    """Add edges; one that stands is left as it is."""
    hold_labels(connection)
    wanted = {(edge.source, edge.target, edge.kind.value) for edge in found}
    shared = {"tenant": tenant_of(connection), "run_id": run_id, "created_at": now}
    rows = [{"source": source, "target": target, "kind": kind, **shared} for source, target, kind in wanted]
    insert_absent(connection, edges, *rows)


def walk(
    connection: Connection, start: str, direction: Literal["upstream", "downstream"]
) -> tuple[list[Node], list[Edge]]:
    """Everything that ``start`` was made from, or that was made from it; ``start`` itself included. What the reader may
    not see is left out, and so is what is known only through it."""
    # All of it in the database, and in one query: a way of thousands of steps, and thousands of things at one step.
    reached = _reached(connection, start, direction)
    here = edges.c.target if direction == "upstream" else edges.c.source
    passed = select(*_EDGE, null(), null()).join(reached, here == reached.c.id)
    found: list[Node] = []
    taken: list[Edge] = []
    with streamed(connection, union_all(select(reached), passed.where(_passable(connection)))) as both:
        for are_edges, rows in groupby(both, lambda row: row[-1] is None):
            if are_edges:
                taken += _edges(connection, rows)
            else:
                found += _nodes(connection, rows)
    found.sort(key=attrgetter("id"))
    return found, _between({node.id for node in found}, taken)


def _reached(connection: Connection, start: str, direction: Literal["upstream", "downstream"]) -> CTE:
    """What the reader may see and gets to."""
    here, there = (edges.c.target, edges.c.source) if direction == "upstream" else (edges.c.source, edges.c.target)
    node = select(*_NODE)
    is_visible = visible(connection, nodes)
    begin = node.where(is_visible, nodes.c.id == start).cte("reached", recursive=True)
    # What is reached twice at one step is looked up twice: a DISTINCT before that saves a tenth of the time, and with
    # it PostgreSQL, where it has no statistics yet, chooses a plan that takes minutes.
    step = node.join(edges, there == nodes.c.id).join(begin, here == begin.c.id)
    return begin.union(step.where(is_visible, _passable(connection)))


def _passable(connection: Connection) -> ColumnElement[bool]:
    """What an earlier run had made is found by its own edges."""
    return and_(owned(connection, edges), edges.c.kind != EdgeKind.REUSED.value)


def resolved_at(connection: Connection, sources: Sequence[str]) -> dict[tuple[str, str], float]:
    """When each of these inputs was first resolved to each artifact: seconds since the epoch by (input, artifact)."""
    query = select(edges.c.source, edges.c.target, edges.c.created_at).where(
        owned(connection, edges), edges.c.kind == EdgeKind.RESOLVED.value
    )
    return {
        (row.source, row.target): row.created_at
        for some in portions(sources)
        for row in connection.execute(query.where(edges.c.source.in_(some)))
    }


def get_nodes(connection: Connection, ids: list[str]) -> list[Node]:
    """Those of them that the reader may see."""
    query = select(*_NODE).where(visible(connection, nodes))
    rows = [row for some in portions(ids) for row in connection.execute(query.where(nodes.c.id.in_(some)))]
    return _nodes(connection, rows)


def _nodes(connection: Connection, rows: Iterable[AnyRow]) -> list[Node]:
    labels: set[str] = set()
    found = []
    with readable_rows(connection, nodes, (0,)) as told:
        for node_id, kind, title, label, body in told(rows):
            if label not in labels:
                labels.add(str(Label.parse(label)))
            told_more = json.loads(body) if body != "{}" else {}
            found.append(Node(node_id, _NODE_KINDS.get(kind) or NodeKind(kind), title, label, told_more))
    return found


def _edges(connection: Connection, rows: Iterable[AnyRow]) -> list[Edge]:
    """Of rows that begin with a source, a kind and a target, whatever those are called."""
    with readable_rows(connection, edges, (0, 2)) as told:
        return [Edge(row[0], row[2], _EDGE_KINDS.get(row[1]) or EdgeKind(row[1])) for row in told(rows)]


def graph_of_run(connection: Connection, run_id: str, stage_ids: Sequence[str]) -> tuple[list[Node], list[Edge]]:
    """What the stages of a run took and gave, where its inputs came from, and as what its artifacts are registered: by
    the run itself, or by the one whose outputs it took from the cache."""
    here = [stage_node(run_id, stage_id) for stage_id in stage_ids]
    found = _edges_at(connection, here, edges.c.source) + _edges_at(connection, here, edges.c.target)
    touched = sorted({edge.source for edge in found} | {edge.target for edge in found})
    found += [edge for edge in _edges_at(connection, touched, edges.c.target) if edge.kind is EdgeKind.RESOLVED]
    found += [edge for edge in _edges_at(connection, touched, edges.c.source) if edge.kind is EdgeKind.REGISTERED]
    there_are = get_nodes(connection, sorted({edge.source for edge in found} | {edge.target for edge in found}))
    return there_are, _between({node.id for node in there_are}, list(dict.fromkeys(found)))


def _between(there_are: Collection[str], found: Sequence[Edge]) -> list[Edge]:
    """Those with an end that the reader may not see left out."""
    return [edge for edge in found if edge.source in there_are and edge.target in there_are]


def _edges_at(connection: Connection, ids: Sequence[str], end: ColumnElement[str]) -> list[Edge]:
    query = select(*_EDGE).where(owned(connection, edges))
    rows = [row for some in portions(ids) for row in connection.execute(query.where(end.in_(some)))]
    return _edges(connection, rows)
