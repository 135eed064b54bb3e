"""The lineage graph as a picture: layers from raw data on the left to registered bytes on the right."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any

from bongsu.domain.lineage import NodeKind
from bongsu.service.report.charts import Render
from bongsu.service.report.model import GraphEdge, GraphNode
from bongsu.service.report.style import COLOURS, figure

_FACES = {
    NodeKind.INPUT: "#e8f1f8",
    NodeKind.RUN_STAGE: "#ffffff",
    NodeKind.ARTIFACT: "#f3f3f3",
    NodeKind.MODEL_VERSION: "#fdeee2",
}


def layers(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge]) -> dict[str, tuple[int, int]]:
    """Column and row of each node: the column is the longest way from a source, rows follow their parents.

    Edges to unknown nodes are ignored; a cycle (which lineage cannot have) is cut where it closes.
    """
    known = {node.id for node in nodes}
    parents: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        if edge.source in known and edge.target in known:
            parents[edge.target].append(edge.source)
    depth = _depths([node.id for node in nodes], parents)
    columns: dict[int, list[str]] = defaultdict(list)
    for name, column in depth.items():
        columns[column].append(name)
    rows: dict[str, int] = {}
    for _, members in sorted(columns.items()):
        members.sort(key=lambda m: (sum(rows[p] for p in parents[m] if p in rows) / (len(parents[m]) or 1), m))
        rows.update({member: row for row, member in enumerate(members)})
    return {node: (depth[node], rows[node]) for node in depth}


def _depths(names: Sequence[str], parents: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The longest way to each node. Where only cycles are left, the first node of them goes on without its parents."""
    missing = {name: len(parents.get(name, ())) for name in names}
    children: dict[str, list[str]] = defaultdict(list)
    for name in names:
        for parent in parents.get(name, ()):
            children[parent].append(name)
    depth: dict[str, int] = {}
    ready = deque(name for name in names if not missing[name])
    for stuck in (None, *names):
        if stuck is not None and stuck not in depth:
            ready.append(stuck)
        while ready:
            name = ready.popleft()
            depth[name] = max((depth[parent] + 1 for parent in parents.get(name, ()) if parent in depth), default=0)
            for child in children[name]:
                missing[child] -= 1
                if not missing[child] and child not in depth:
                    ready.append(child)
    return depth


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
                    "fc": _FACES[node.kind],
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
