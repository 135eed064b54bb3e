"""The picture of a lineage: which boxes there are, and where they stand."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.lineage import NodeKind
from bongsu.service.report.boxes import MANY_POINTS, boxes
from bongsu.service.report.layout import Line, layers, lines
from bongsu.service.report.model import GraphEdge, GraphNode

DIGEST = "sha256-" + "a" * 64


@given(st.integers(2, 12).flatmap(lambda n: st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)))))
def test_an_arrow_of_the_graph_always_points_onwards(pairs: list[tuple[int, int]]) -> None:
    edges = [(str(min(a, b)), str(max(a, b))) for a, b in pairs if a != b]
    names = [str(n) for n in range(12)]
    places = layers(names, edges)
    assert set(places) == set(names)
    assert all(places[source][0] < places[target][0] for source, target in edges)
    assert len(set(places.values())) == len(places)
    page = lines(places, 3)
    assert sorted(name for line in page for name in line.names) == sorted(names)
    assert max(len(line.names) for line in page) <= 3
    at = {name: (number, place) for number, line in enumerate(page) for place, name in enumerate(line.names)}
    assert all(at[source] < at[target] for source, target in edges), "read like a text, it goes onwards too"


def test_a_chain_of_thousands_of_nodes_is_laid_out_and_a_cycle_is_cut() -> None:
    chain = [str(n) for n in range(3000)]
    assert layers(chain, list(pairwise(chain))) == {name: (layer, 0) for layer, name in enumerate(chain)}
    closed = layers(chain[:3], [("0", "1"), ("1", "2"), ("2", "0")])
    assert closed == {"0": (0, 0), "1": (1, 0), "2": (2, 0)}


def test_a_long_chain_is_written_like_a_text_and_a_wide_layer_is_spread_evenly() -> None:
    chain = [str(n) for n in range(7)]
    assert lines(layers(chain, list(pairwise(chain))), 5) == [
        Line(("0", "1", "2", "3", "4"), is_chain=True),
        Line(("5", "6"), is_chain=True),
    ]
    assert [len(line.names) for line in lines(layers(chain[:6], []), 5)] == [3, 3]
    assert lines(layers(["a", "b"], [("a", "b")]), 5) == [Line(("a",)), Line(("b",))], "two are no chain"


def test_a_stage_and_what_it_made_are_one_box() -> None:
    nodes = [
        GraphNode("input:x", NodeKind.INPUT, "x"),
        GraphNode(f"artifact:{DIGEST}", NodeKind.ARTIFACT, "inputs.x"),
        GraphNode("stage:r/a", NodeKind.RUN_STAGE, "a"),
        GraphNode("artifact:1", NodeKind.ARTIFACT, "a", "S"),
        GraphNode("artifact:2", NodeKind.ARTIFACT, "a", "S"),
        GraphNode("version:m/1", NodeKind.MODEL_VERSION, "m/1", "S"),
    ]
    edges = [
        GraphEdge("input:x", f"artifact:{DIGEST}"),
        GraphEdge(f"artifact:{DIGEST}", "stage:r/a"),
        GraphEdge("stage:r/a", "artifact:1"),
        GraphEdge("stage:r/a", "artifact:2"),
        GraphEdge("artifact:1", "version:m/1"),
        GraphEdge("artifact:2", "version:m/1"),
        GraphEdge("artifact:2", "unknown"),
    ]
    found, arrows = boxes(nodes, edges)
    assert [(box.title, box.label, box.digest) for box in found] == [
        ("x", "O", DIGEST[:19]),
        ("a", "O, S", ""),
        ("m/1", "S", ""),
    ]
    assert arrows == [("input:x", "stage:r/a"), ("stage:r/a", "version:m/1")]


def test_what_two_stages_made_alike_stands_with_the_first_and_one_that_gave_back_its_input_is_no_cycle() -> None:
    nodes = [GraphNode(f"stage:r/{n}", NodeKind.RUN_STAGE, n) for n in "ab"]
    nodes.append(GraphNode("artifact:1", NodeKind.ARTIFACT, "a"))
    edges = [GraphEdge("stage:r/a", "artifact:1"), GraphEdge("artifact:1", "stage:r/b")]
    edges.append(GraphEdge("stage:r/b", "artifact:1"))
    found, arrows = boxes(nodes, edges)
    assert [box.title for box in found] == ["a", "b"]
    assert layers([box.id for box in found], arrows) == {"stage:r/a": (0, 0), "stage:r/b": (1, 0)}


def test_the_points_of_a_large_matrix_are_one_box_and_those_of_a_small_one_are_not() -> None:
    def points(count: int) -> tuple[list[GraphNode], list[GraphEdge]]:
        stages = [GraphNode(f"stage:r/t-{n}", NodeKind.RUN_STAGE, f"t {n}", "O", "t") for n in range(count)]
        made = [GraphNode(f"artifact:{n}", NodeKind.ARTIFACT, f"t {n}") for n in range(count)]
        gather = GraphNode("stage:r/all", NodeKind.RUN_STAGE, "all")
        edges = [GraphEdge(f"stage:r/t-{n}", f"artifact:{n}") for n in range(count)]
        edges += [GraphEdge(f"artifact:{n}", "stage:r/all") for n in range(count)]
        return [*stages, *made, gather], edges

    found, arrows = boxes(*points(MANY_POINTS + 1))
    assert [(box.title, box.count) for box in found] == [("t", MANY_POINTS + 1), ("all", 1)]
    assert len(arrows) == 1
    found, arrows = boxes(*points(MANY_POINTS))
    assert (len(found), len(arrows)) == (MANY_POINTS + 1, MANY_POINTS)
