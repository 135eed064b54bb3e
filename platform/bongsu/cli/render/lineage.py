"""A lineage graph as a tree of text: from the thing that was asked for to what it came from."""

from __future__ import annotations

from collections import defaultdict

from rich.markup import escape
from rich.tree import Tree

from bongsu.cli.render.quantities import short
from bongsu.cli.texts import _
from bongsu.service.lineage import LineageGraph
from bongsu.store.lineage import Node


def lineage_view(graph: LineageGraph) -> Tree:
    """Each node once in full; where it is met again, a reference to it."""
    nodes = {node.id: node for node in graph.nodes}
    beside: dict[str, list[str]] = defaultdict(list)
    for edge in graph.edges:
        here, there = (edge.target, edge.source) if graph.direction == "upstream" else (edge.source, edge.target)
        if there not in beside[here]:
            beside[here].append(there)
    tree = Tree(_line(nodes, graph.start))
    shown: set[str] = {graph.start}
    pending = [(graph.start, tree)]
    while pending:
        name, branch = pending.pop(0)
        for other in sorted(beside[name], key=lambda n: nodes[n].title if n in nodes else n):
            again = other in shown
            mark = f" [dim]({_('see above')})[/dim]" if again and beside[other] else ""
            below = branch.add(_line(nodes, other) + mark)
            if not again:
                shown.add(other)
                pending.append((other, below))
    return tree


def _line(nodes: dict[str, Node], name: str) -> str:
    node = nodes.get(name)
    if node is None:
        return escape(name)
    kind, _colon, rest = name.partition(":")
    detail = short(rest) if kind == "artifact" else rest
    return f"[bold]{escape(node.title)}[/bold] [dim]{kind} {escape(detail)}[/dim] \\[{escape(node.label)}]"
