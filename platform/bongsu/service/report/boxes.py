"""What the picture of a lineage shows: one box for a stage and what it made, one for all points of a large matrix."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bongsu.domain.lineage import NodeKind
from bongsu.domain.quantities import short
from bongsu.service.report.model import GraphEdge, GraphNode

# A stage with more points than this is one box.
MANY_POINTS = 12
_MAKERS = (NodeKind.INPUT, NodeKind.RUN_STAGE)


@dataclass(frozen=True)
class Box:
    """``title`` above ``label``; ``digest`` of the one artifact in it, empty if there are several or none; ``count``
    is how many points of a matrix it stands for."""

    id: str
    kind: NodeKind
    title: str
    label: str
    digest: str = ""
    count: int = 1


def boxes(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge]) -> tuple[list[Box], list[tuple[str, str]]]:
    """Boxes and the arrows (source, target) between them, each once.

    An artifact stands in the box of the input or stage that it comes from.
    """
    kinds = {node.id: node.kind for node in nodes}
    home = {node.id: node.id for node in nodes}
    for edge in edges:
        made = kinds.get(edge.target) is NodeKind.ARTIFACT and kinds.get(edge.source) in _MAKERS
        if made and home[edge.target] == edge.target:
            home[edge.target] = edge.source
    home |= _groups(nodes)
    home = {node: home.get(place, place) for node, place in home.items()}
    inside: dict[str, list[GraphNode]] = defaultdict(list)
    for node in nodes:
        inside[home[node.id]].append(node)
    arrows = {
        (home[edge.source], home[edge.target]): None
        for edge in edges
        if edge.source in home and edge.target in home and home[edge.source] != home[edge.target]
    }
    return [_box(name, found) for name, found in inside.items()], list(arrows)


def _groups(nodes: Sequence[GraphNode]) -> Mapping[str, str]:
    """The group's box of each point of a matrix that has many."""
    points: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        if node.group:
            points[node.group].append(node.id)
    return {name: f"group:{group}" for group, names in points.items() if len(names) > MANY_POINTS for name in names}


def _box(name: str, inside: Sequence[GraphNode]) -> Box:
    artifacts = [node for node in inside if node.kind is NodeKind.ARTIFACT]
    heads = [node for node in inside if node.kind is not NodeKind.ARTIFACT] or artifacts
    labels = ", ".join(sorted({node.label for node in inside}))
    if len(heads) > 1:
        return Box(name, heads[0].kind, heads[0].group, labels, count=len(heads))
    digest = short(artifacts[0].id.partition(":")[2]) if len(artifacts) == 1 else ""
    return Box(name, heads[0].kind, heads[0].title, labels, digest)
