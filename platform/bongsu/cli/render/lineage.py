"""A lineage graph as a tree of text: from the thing that was asked for to what it came from."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from bongsu.cli.texts import _
from bongsu.domain.quantities import short
from bongsu.domain.titles import brief
from bongsu.service.lineage import LineageGraph

# Branches upon branches that a terminal of 80 columns holds; what lies deeper is a tree of its own below.
MAX_DEPTH = 10


def lineage_view(graph: LineageGraph) -> RenderableType:
    """Each node once, with what lies behind it; where nodes are met again, their names in one line.

    An artifact and the stage that made it are one line.
    """
    if not graph.edges:
        nothing = (
            _("Nothing was made from it.") if graph.direction == "downstream" else _("Nothing is known of it.")
        )
        return Group(*_View(graph).draw(), Text(nothing, style="dim"))
    return Group(*_View(graph).draw())


def both_view(upstream: LineageGraph, downstream: LineageGraph) -> RenderableType:
    """What it was made from, and below that what was made from it."""
    return Group(
        Text(_("What it was made from"), style="underline"),
        lineage_view(upstream),
        Text(),
        Text(_("What was made from it"), style="underline"),
        lineage_view(downstream),
    )


@dataclass
class _Branch:
    """A branch under way: what is still to be hung on it, and what of that stands elsewhere already."""

    tree: Tree
    others: Iterator[str]
    again: list[str] = field(default_factory=list)


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

    def draw(self) -> list[Tree]:
        """The first tree, and those in which what was too deep for it goes on."""
        self._shown.add(self._start)
        trees, deeper = [Tree(self._line([self._start]))], deque[list[str]]()
        self._grow(trees[0], self._start, deeper)
        while deeper:
            chain = deeper.popleft()
            trees.append(Tree(self._line(chain)))
            self._grow(trees[-1], chain[-1], deeper)
        return trees

    def _grow(self, tree: Tree, name: str, deeper: deque[list[str]]) -> None:
        """Depth first, as a reader goes; what is too deep is put into ``deeper``."""
        way = [_Branch(tree, self._others(name))]
        while way:
            here = way[-1]
            other = next(here.others, None)
            if other is None:
                if here.again:
                    here.tree.add(Text(f"{self._names(here.again)} ({_('see above')})", style="dim"))
                way.pop()
            elif other in self._shown:
                here.again.append(other)
            else:
                chain = self._chain(other)
                self._shown.update(chain)
                line = self._line(chain)
                if len(way) == MAX_DEPTH and self._beside[chain[-1]]:
                    here.tree.add(line.append(f" ({_('goes on below')})", style="dim"))
                    deeper.append(chain)
                else:
                    way.append(_Branch(here.tree.add(line), self._others(chain[-1])))

    def _others(self, name: str) -> Iterator[str]:
        return iter(sorted(self._beside[name], key=self._title))

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
        title = self._title(chain[0])
        details = [detail for name in chain for detail in self._details(name) if detail != title]
        node = self._nodes.get(chain[0])
        label = f" [{node.label}]" if node is not None else ""
        shown = f"  {'  '.join(details)}" if details else ""
        return Text.assemble((title, "bold"), label, (shown, "dim"))

    def _details(self, name: str) -> Iterator[str]:
        """What it is known by, and as which versions an address was taken."""
        kind, _colon, rest = name.partition(":")
        yield short(rest).removeprefix("sha256-") if kind == "artifact" else rest
        node = self._nodes.get(name)
        for version in node.body.get("versions", ()) if node is not None else ():
            if not rest.endswith(version):  # the address says so itself
                yield f"= {version}"


def _kind(name: str) -> str:
    return name.partition(":")[0]
