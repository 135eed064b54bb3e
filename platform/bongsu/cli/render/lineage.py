"""A lineage graph as a tree of text: from the thing that was asked for to what it came from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from rich.text import Text
from rich.tree import Tree

from bongsu.cli.texts import _
from bongsu.domain.quantities import short
from bongsu.domain.titles import brief
from bongsu.service.lineage import LineageGraph


def lineage_view(graph: LineageGraph) -> Tree:
    """Each node once, with what lies behind it; where nodes are met again, their names in one line.

    An artifact and the stage that made it are one line.
    """
    return _View(graph).draw()


class _View:
    def __init__(self, graph: LineageGraph) -> None:
        self._nodes = {node.id: node for node in graph.nodes}
        self._start = graph.start
        self._beside: dict[str, list[str]] = defaultdict(list)
        for edge in graph.edges:
            ends = (edge.target, edge.source)
            here, there = ends if graph.direction == "upstream" else ends[::-1]
            if there not in self._beside[here]:
                self._beside[here].append(there)
        self._merges = graph.direction == "upstream"
        self._shown: set[str] = set()

    def draw(self) -> Tree:
        tree = Tree(self._line([self._start]))
        self._grow(tree, self._start)
        return tree

    def _grow(self, branch: Tree, name: str) -> None:
        self._shown.add(name)
        again = []
        for other in sorted(self._beside[name], key=self._title):
            if other in self._shown:
                again.append(other)
                continue
            chain = self._chain(other)
            self._shown.update(chain)
            self._grow(branch.add(self._line(chain)), chain[-1])
        if again:
            branch.add(Text(f"{self._names(again)} ({_('see above')})", style="dim"))

    def _chain(self, name: str) -> list[str]:
        """An artifact together with the one stage that made it."""
        behind = self._beside[name]
        is_made = self._merges and _kind(name) == "artifact" and len(behind) == 1 and behind[0] not in self._shown
        return [name, behind[0]] if is_made and _kind(behind[0]) in ("stage", "input") else [name]

    def _title(self, name: str) -> str:
        return brief(self._nodes[name].title) if name in self._nodes else name

    def _names(self, names: Iterable[str]) -> str:
        return ", ".join(dict.fromkeys(map(self._title, names)))

    def _line(self, chain: list[str]) -> Text:
        details = []
        for name in chain:
            kind, _colon, rest = name.partition(":")
            details.append(short(rest) if kind == "artifact" else rest)
        details = [detail for detail in details if detail != self._title(chain[0])]
        node = self._nodes.get(chain[0])
        label = f" [{node.label}]" if node is not None else ""
        shown = f"  {'  '.join(details)}" if details else ""
        return Text.assemble((self._title(chain[0]), "bold"), (shown, "dim"), label)


def _kind(name: str) -> str:
    return name.partition(":")[0]
