"""The lineage graph as a picture: layers from raw data on the left to registered bytes on the right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from bongsu.service.report.charts import Render
from bongsu.service.report.model import GraphEdge, GraphNode
from bongsu.service.report.style import COLOURS, figure

_BOX = {"boxstyle": "round,pad=0.3", "ec": "#666666", "lw": 0.7}
_FACES = {"input": "#e8f1f8", "stage": "#ffffff", "artifact": "#f3f3f3", "model-version": "#fdeee2"}


def layers(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge]) -> dict[str, tuple[int, int]]:
    """Column and row of each node: the column is the longest way from a source, rows follow their parents.

    Edges to unknown nodes are ignored; a cycle (which lineage cannot have) is cut where it closes.
    """
    known = {node.id for node in nodes}
    parents: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        if edge.source in known and edge.target in known:
            parents[edge.target].append(edge.source)
    depth: dict[str, int] = {}

    def column(node: str, above: frozenset[str]) -> int:
        if node not in depth:
            ways = [column(p, above | {node}) + 1 for p in parents[node] if p not in above]
            depth[node] = max(ways, default=0)
        return depth[node]

    columns: dict[int, list[str]] = defaultdict(list)
    for item in nodes:
        columns[column(item.id, frozenset({item.id}))].append(item.id)
    rows: dict[str, int] = {}
    for _, members in sorted(columns.items()):
        members.sort(key=lambda m: (sum(rows[p] for p in parents[m] if p in rows) / (len(parents[m]) or 1), m))
        rows.update({member: row for row, member in enumerate(members)})
    return {node: (depth[node], rows[node]) for node in depth}


def lineage(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge], render: Render) -> Any:
    """Draw the graph; every node carries its label."""
    places = layers(nodes, edges)
    width = 1 + max((column for column, _ in places.values()), default=0)
    height = 1 + max((row for _, row in places.values()), default=0)
    with figure(max(8, 2.1 * width), max(2.2, 0.62 * height + 0.4)) as (drawn, axes):
        axes.set_axis_off()
        for edge in edges:
            if edge.source in places and edge.target in places:
                _arrow(axes, places[edge.source], places[edge.target])
        for node in nodes:
            column, row = places[node.id]
            axes.text(
                column,
                -row,
                f"{node.title}\n[{node.label}]",
                ha="center",
                va="center",
                fontsize=7,
                bbox={
                    "boxstyle": "round,pad=0.3",
                    "fc": _FACES.get(node.kind, "#ffffff"),
                    "ec": "#666666",
                    "lw": 0.7,
                },
            )
        axes.set_xlim(-0.6, width - 0.4)
        axes.set_ylim(-height + 0.4, 0.6)
        return render(drawn)


def _arrow(axes: Any, start: tuple[int, int], end: tuple[int, int]) -> None:
    axes.annotate(
        "",
        xy=(end[0] - 0.32, -end[1]),
        xytext=(start[0] + 0.32, -start[1]),
        arrowprops={"arrowstyle": "-|>", "color": COLOURS[0], "lw": 0.7, "alpha": 0.7},
    )
