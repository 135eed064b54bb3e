"""The lineage graph: what is walked, against a plain search over the same edges."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from store_places import NOW, RUN

from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.store import lineage
from bongsu.store.database import Database
from bongsu.store.lineage import Edge, Node
from bongsu.store.node_ids import artifact_node, input_node, stage_node, version_node
from bongsu.store.portions import PORTION
from bongsu.store.schema import edges, nodes

KINDS = tuple(EdgeKind)


@pytest.fixture
def database(small_database: Database) -> Database:
    return small_database


def fill(database: Database, found: list[Edge]) -> None:
    ids = sorted({end for edge in found for end in (edge.source, edge.target)})
    with database.write() as connection:
        connection.execute(delete(edges))
        connection.execute(delete(nodes))
        lineage.put_nodes(connection, [Node(one, NodeKind.ARTIFACT, one, "O", {}) for one in ids])
        lineage.put_edges(connection, found, RUN, NOW)


def reference_walk(found: list[Edge], start: str, upstream: bool) -> tuple[set[str], set[Edge]]:
    """Depth first, one edge at a time."""
    seen, passed, left = {start}, set(), [start]
    while left:
        here = left.pop()
        for edge in found:
            end, other = (edge.target, edge.source) if upstream else (edge.source, edge.target)
            if end == here and edge.kind != EdgeKind.REUSED:
                passed.add(edge)
                if other not in seen:
                    seen.add(other)
                    left.append(other)
    return seen, passed


@st.composite
def graphs(draw: st.DrawFn) -> list[Edge]:
    """Edges from lower to higher numbers, so without a cycle, and possibly several between two nodes."""
    size = draw(st.integers(2, 12))
    pairs = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)).filter(lambda pair: pair[0] < pair[1])
    drawn = draw(st.lists(st.tuples(pairs, st.sampled_from(KINDS)), max_size=30, unique=True))
    return [Edge(f"n{low}", f"n{high}", kind) for (low, high), kind in drawn]


@given(found=graphs(), upstream=st.booleans(), start=st.integers(0, 11))
@settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_walk_finds_what_a_plain_search_finds(
    database: Database, found: list[Edge], upstream: bool, start: int
) -> None:
    fill(database, found)
    with database.read() as connection:
        walked, passed = lineage.walk(connection, f"n{start}", "upstream" if upstream else "downstream")
    seen, expected = reference_walk(found, f"n{start}", upstream)
    known = {end for edge in found for end in (edge.source, edge.target)}
    assert {node.id for node in walked} == seen & known
    assert len(passed) == len(set(passed)), "an edge is listed once"
    assert set(passed) == expected


def test_a_walk_ends_in_a_graph_that_has_a_cycle_all_the_same(database: Database) -> None:
    fill(database, [Edge("a", "b", EdgeKind.USED), Edge("b", "a", EdgeKind.MADE)])
    with database.read() as connection:
        walked, _ = lineage.walk(connection, "a", "upstream")
    assert {node.id for node in walked} == {"a", "b"}


def test_more_nodes_in_a_row_than_one_query_takes(database: Database) -> None:
    wide = PORTION + 50
    found = [Edge(f"in{number}", "model", EdgeKind.USED) for number in range(wide)]
    found += [Edge("root", f"in{number}", EdgeKind.MADE) for number in range(wide)]
    fill(database, found)
    with database.read() as connection:
        walked, passed = lineage.walk(connection, "model", "upstream")
    assert len(walked) == wide + 2
    assert len(passed) == 2 * wide


def test_putting_again_changes_nothing(database: Database) -> None:
    fill(database, [Edge("a", "b", EdgeKind.USED)])
    with database.write() as connection:
        lineage.put_nodes(connection, [Node("a", "artifact", "another title", "C", {})])
        lineage.put_edges(
            connection, [Edge("a", "b", EdgeKind.USED), Edge("a", "b", EdgeKind.MADE)], "r-other", NOW + 1
        )
        walked, passed = lineage.walk(connection, "a", "downstream")
    assert {node.title for node in walked} == {"a", "b"}
    assert {edge.kind for edge in passed} == {"used", "made"}


def test_the_label_of_a_node_only_rises(database: Database) -> None:
    fill(database, [Edge("a", "b", EdgeKind.USED)])
    for label in ("S", "O"):
        with database.write() as connection:
            lineage.put_nodes(connection, [Node("a", NodeKind.ARTIFACT, "a", label, {})])
            walked, _ = lineage.walk(connection, "a", "downstream")
        assert {node.id: node.label for node in walked} == {"a": "S", "b": "O"}


def test_a_long_address_of_an_input_still_has_a_node_that_fits(database: Database) -> None:
    long = input_node("file:" + "x" * 5000)
    assert len(long) <= 300
    assert long != input_node("file:" + "x" * 5001)
    assert input_node("file:short") == "input:file:short"


def test_the_graph_of_a_run_shows_what_was_reused_and_where_inputs_came_from(database: Database) -> None:
    here, taken, made = stage_node(RUN, "a"), artifact_node("in"), artifact_node("out")
    version, elsewhere = version_node("light", 1), stage_node("r-other", "z")
    mine = [
        Edge(input_node("file:text"), taken, EdgeKind.RESOLVED),
        Edge(taken, here, EdgeKind.USED),
        Edge(here, made, EdgeKind.REUSED),
        Edge(here, version, EdgeKind.REGISTERED),
        Edge(made, version, EdgeKind.REGISTERED),
    ]
    fill(database, [*mine, Edge(taken, elsewhere, EdgeKind.USED), Edge(elsewhere, made, EdgeKind.MADE)])
    with database.read() as connection:
        shown, found = lineage.graph_of_run(connection, RUN, ["a"])
    assert set(found) == set(mine)
    assert elsewhere not in {node.id for node in shown}
